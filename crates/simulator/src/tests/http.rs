//! The HTTP behaviour of a server, compared with recorded refusals.

use serde_json::{Value, json};

use super::client::{call, error_code, post, result, send};
use super::{network, recorded};
use crate::{Network, Options, RunningServer, Server, ServerOptions};

async fn server() -> (Network, RunningServer) {
    let network = network();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    (network, server)
}

#[tokio::test]
async fn refusals_are_those_of_a_real_node() {
    let (network, server) = server().await;
    let above = network.tip().0 + 1;
    for (file, method, params) in [
        ("unknown_method", "nosuchmethod", json!([])),
        ("unknown_subcommand", "masternode", json!(["nosuch"])),
        ("unknown_subcommand_protx", "protx", json!(["nosuch"])),
        ("getblockhash_out_of_range", "getblockhash", json!([1_000_000])),
        ("missing_param", "getblockhash", json!([])),
        ("wrong_type_param", "getblockhash", json!(["x"])),
        ("protx_info_bad_hash", "protx", json!(["info", "zz"])),
        ("protx_info_unknown", "protx", json!(["info", "0".repeat(64)])),
        ("protx_list_bad_type", "protx", json!(["list", "nosuch"])),
        ("protx_list_height_above_tip", "protx", json!(["list", "registered", true, above])),
        ("protx_list_registered_2", "protx", json!(["list", "registered", 2])),
        ("quorum_info_unknown", "quorum", json!(["info", 100, "1".repeat(64)])),
        ("quorum_memberof_unknown", "quorum", json!(["memberof", "1".repeat(64)])),
        ("masternode_status_not_a_masternode", "masternode", json!(["status"])),
        ("wallet_rpc_on_node_without_wallet", "getbalance", json!([])),
    ] {
        let expected = recorded(&format!("errors/{file}.json"));
        let answer = call(&server, method, params).await;
        assert_eq!(json!(answer.status), expected["http"], "{file}");
        let body: Value = serde_json::from_str(expected["body"].as_str().expect("a text")).expect("JSON");
        assert_eq!(answer.json(), body, "{file}");
        assert_eq!(answer.header("content-type"), expected["headers"]["Content-Type"].as_str(), "{file}");
        assert!(answer.body.ends_with(b"\n"), "{file}");
    }
}

#[tokio::test]
async fn invalid_requests_are_refused_as_recorded() {
    let (_, server) = server().await;
    let body = "{}";
    let without = format!("POST / HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{body}");
    let get = "GET / HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
    let path = without.replace("POST / ", "POST /nosuchpath ");
    for (file, answer) in [
        ("no_auth_header", send(&server, &without).await),
        ("http_get", send(&server, get).await),
        ("wrong_path", send(&server, &path).await),
        ("bad_password", post(&server, "user:wrong", body).await),
        ("parse_error", post(&server, "user:password", "not JSON").await),
    ] {
        let expected = recorded(&format!("errors/{file}.json"));
        assert_eq!(json!(answer.status), expected["http"], "{file}");
        assert_eq!(answer.text(), expected["body"].as_str().expect("a text"), "{file}");
        for (name, value) in expected["headers"].as_object().expect("headers") {
            assert_eq!(answer.header(name), value.as_str(), "{file} {name}");
        }
    }
}

#[tokio::test]
async fn a_batch_answers_200_and_keeps_its_order() {
    let (network, server) = server().await;
    let body = json!([
        { "method": "getblockcount", "id": 1 },
        { "method": "nosuch", "id": 2 },
        { "method": "protx", "params": ["list"], "id": 3 },
    ]);
    let answer = post(&server, "user:password", &body.to_string()).await;
    assert_eq!(answer.status, 200);
    let parts = answer.json();
    assert_eq!(parts[0], json!({ "result": network.tip().0, "error": null, "id": 1 }));
    assert_eq!(parts[1]["error"]["code"], json!(-32601));
    assert_eq!(parts[2]["result"].as_array().map(Vec::len), Some(12));
}

#[tokio::test]
async fn named_parameters_and_json_rpc_2_are_answered_as_recorded() {
    let (_, server) = server().await;
    let named = result(&server, "masternodelist", json!({ "mode": "status" })).await;
    assert!(named.as_object().expect("an object").values().all(|status| status == "ENABLED"));
    let body = json!({ "jsonrpc": "2.0", "method": "getblockcount", "id": "x" }).to_string();
    let answer = post(&server, "user:password", &body).await.json();
    assert_eq!(answer.as_object().expect("an object").len(), 3, "no jsonrpc member comes back");
}

#[tokio::test]
async fn the_cookie_is_accepted_and_stored_where_a_node_puts_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = ServerOptions {
        credentials: None,
        data_directory: Some(directory.path().to_owned()),
        ..ServerOptions::default()
    };
    let server = Server::bind_with(network(), "127.0.0.1:0", options).await.expect("a free port").spawn();
    let cookie = std::fs::read_to_string(directory.path().join("regtest/.cookie")).expect("written");
    assert!(cookie.starts_with("__cookie__:") && cookie.len() == 75);
    let body = json!({ "method": "getblockcount", "id": 1 }).to_string();
    assert_eq!(post(&server, &cookie, &body).await.status, 200);
    assert_eq!(post(&server, "user:password", &body).await.status, 401);
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_call() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (_, server) = server().await;
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.expect("the server listens");
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: node\r\n\r\n").await.expect("taken");
        let mut seen = Vec::new();
        while !seen.ends_with(b"only POST requests") {
            let mut buffer = [0; 512];
            let count = stream.read(&mut buffer).await.expect("an answer");
            assert!(count > 0, "the connection was closed");
            seen.extend_from_slice(&buffer[..count]);
        }
    }
}

#[tokio::test]
async fn genesis_and_old_blocks_are_known_by_height_and_hash() {
    let (network, server) = server().await;
    let genesis = result(&server, "getblockhash", json!([0])).await;
    assert_eq!(genesis, json!("000008ca1832a4baf228eb1553c03d3a2c8e02399550dd6ea8d65cec3ef23d2e"));
    network.mine(3);
    let height = network.tip().0;
    for past in [0, 1, 2, 3, 100] {
        let hash = result(&server, "getblockhash", json!([height - past])).await;
        let header = result(&server, "getblockheader", json!([hash])).await;
        assert_eq!(header["height"], json!(height - past));
        let parent = result(&server, "getblockhash", json!([height - past - 1])).await;
        assert_eq!(header["previousblockhash"], parent);
    }
    assert_eq!(error_code(&server, "getblockheader", json!(["12".repeat(32)])).await, -5);
}

#[tokio::test]
async fn calls_are_counted_by_method_and_subcommand() {
    let (_, server) = server().await;
    result(&server, "protx", json!(["list"])).await;
    result(&server, "protx", json!(["list"])).await;
    result(&server, "getblockcount", json!([])).await;
    let calls = server.calls();
    assert_eq!((calls.get("protx list"), calls.get("getblockcount"), calls.len()), (Some(&2), Some(&1), 2));
    server.forget_calls();
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn listdiff_is_refused_before_v20_in_the_manner_of_the_version() {
    for (version, code) in [(180_202, -1), (190_300, -1)] {
        let options = Options { version, evo: 0, ..Options::default() };
        let server = Server::bind(Network::new(options).expect("valid"), "127.0.0.1:0").await.expect("a port").spawn();
        assert_eq!(error_code(&server, "protx", json!(["listdiff", 1, 2])).await, code);
    }
}

#[tokio::test]
async fn a_stopped_server_refuses_connections() {
    let (_, server) = server().await;
    let address = server.address();
    server.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
