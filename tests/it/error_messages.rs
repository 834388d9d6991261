//! Refusals as real nodes sent them, byte for byte, through a socket: each is distinguished.

use std::fs;
use std::path::Path;
use std::time::Duration;

use domain::Height;
use masternode_exporter::meters::Meters;
use masternode_exporter::rpc::{self, Client, Credentials, RpcError};
use masternode_exporter::secret::Secret;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request on a separate connection with the same bytes, and returns the URL.
async fn node(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok() {
                    // A client that has disconnected needs no answer.
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    url
}

fn settings(url: String, credentials: Credentials) -> rpc::RpcSettings {
    rpc::RpcSettings {
        url,
        credentials,
        timeout: Duration::from_millis(300),
        body_limit: 10_000,
        ..rpc::RpcSettings::default()
    }
}

fn new_client(settings: rpc::RpcSettings) -> Result<Client, RpcError> {
    Client::new(settings, Meters::new(&prometheus::Registry::new()).rpc("net", "node"))
}

fn client(url: String) -> Client {
    let password = Credentials::Password { user: "exporter".into(), password: Secret::new("hunter2") };
    new_client(settings(url, password)).unwrap()
}

async fn error_of(answer: String) -> RpcError {
    client(node(answer).await).best_block_hash().await.unwrap_err()
}

fn recorded(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dash/v23.1.2/errors").join(name);
    let recorded: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut answer = format!("HTTP/1.1 {} x\r\n", recorded["http"]);
    for (name, value) in recorded["headers"].as_object().unwrap() {
        answer.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap()));
    }
    format!("{answer}\r\n{}", recorded["body"].as_str().unwrap())
}

#[tokio::test]
async fn recorded_refusals_are_distinguished() {
    // file, outcome, message for the operator.
    let cases = [
        ("bad_password.json", "denied", "user \"exporter\""),
        ("no_auth_header.json", "denied", "rpcauth"),
        ("whitelist_denied.json", "denied", "rpcwhitelist"),
        ("whitelist_denied_masternodelist.json", "denied", "rpcallowip"),
        ("warmup_1.json", "warming_up", "RPC server started"),
        ("warmup_2.json", "warming_up", "Loading block index"),
        ("warmup_3.json", "warming_up", "Verifying blocks"),
        ("warmup_4.json", "warming_up", "Starting network threads"),
        ("work_queue_exceeded.json", "refused", "rpcworkqueue"),
        ("stopping.json", "refused", "it is stopping"),
        ("unknown_method.json", "unknown_method", "too old"),
        ("unknown_subcommand.json", "unknown_method", "too old"),
        ("unknown_subcommand_protx.json", "unknown_method", "too old"),
        ("wallet_rpc_on_node_without_wallet.json", "unknown_method", "too old"),
        ("getblockhash_out_of_range.json", "error", "-8: Block height out of range"),
        ("protx_list_height_above_tip.json", "error", "invalid height specified"),
        ("wrong_type_param.json", "error", "-3"),
        ("missing_param.json", "error", "-1"),
        ("parse_error.json", "error", "-32700"),
        ("masternode_status_not_a_masternode.json", "error", "-32603"),
        ("wrong_path.json", "malformed", "404"),
        ("http_get.json", "malformed", "405"),
        ("batch.json", "malformed", "cannot be used"),
    ];
    for (name, outcome, reported) in cases {
        let error = error_of(recorded(name)).await;
        assert_eq!(error.kind().label(), outcome, "{name}: {error}");
        assert!(error.to_string().contains(reported), "{name}: {error}");
        assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{name}");
    }
}

#[tokio::test]
async fn a_full_work_queue_of_an_old_node_is_a_refusal_too() {
    let answer = "HTTP/1.1 500 x\r\nContent-Length: 25\r\n\r\nWork queue depth exceeded".to_string();
    assert_eq!(error_of(answer).await.kind().label(), "refused");
}

#[tokio::test]
async fn a_node_without_a_chainlock_has_none() {
    let answer = recorded("getbestchainlock_none.json");
    assert_eq!(client(node(answer).await).chainlock().await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_refused_at_once() {
    let url = node("HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n".to_string()).await;
    let client = client(url);
    assert_eq!(client.best_block_hash().await.unwrap_err().kind().label(), "too_large");
    assert_eq!(client.registered(Height(1), 0).await.unwrap_err().kind().label(), "too_large");
}

#[tokio::test]
async fn the_entry_of_another_masternode_is_refused() {
    let entry = r#"{"result":{"proTxHash":"HASH","state":{"PoSePenalty":0,"registeredHeight":1,
        "lastPaidHeight":0,"PoSeRevivedHeight":-1,"PoSeBanHeight":-1}},"error":null,"id":"x"}"#;
    let entry = entry.replace("HASH", &"01".repeat(32));
    let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{entry}", entry.len());
    let client = client(node(answer).await);
    let id = |digits: &str| digits.repeat(32).parse().unwrap();
    assert_eq!(client.masternode(&id("01"), None).await.unwrap().id, id("01"));
    assert_eq!(client.masternode(&id("02"), None).await.unwrap_err().kind().label(), "malformed");
}

/// A node deletes its cookie when it stops: the node is then down, and does not refuse the credentials.
#[tokio::test]
async fn a_node_without_a_cookie_is_distinguished_from_a_stopped_node() {
    let error = |url: String| async move {
        let cookie = Credentials::CookieFile("/nonexistent/.cookie".into());
        new_client(settings(url, cookie)).unwrap().best_block_hash().await.unwrap_err()
    };
    let stopped = error("http://127.0.0.1:1".into()).await;
    assert_eq!(stopped.kind().label(), "unreachable", "{stopped}");
    let running = error(node(recorded("no_auth_header.json")).await).await;
    assert_eq!(running.kind().label(), "denied", "{running}");
    assert!(running.to_string().contains("(401): there is no cookie file /nonexistent/.cookie"), "{running}");
}

#[tokio::test]
async fn an_unreadable_password_file_is_not_a_refusal_by_the_node() {
    let credentials = Credentials::PasswordFile { user: "exporter".into(), path: "/nonexistent/password".into() };
    let url = node(recorded("no_auth_header.json")).await;
    let error = new_client(settings(url, credentials)).unwrap().best_block_hash().await.unwrap_err();
    assert_eq!(error.kind().label(), "denied");
    let text = error.to_string();
    assert!(text.contains("/nonexistent/password cannot be read") && !text.contains("401"), "{text}");
}

#[tokio::test]
async fn a_password_in_a_url_is_refused_and_never_printed() {
    let url = "http://exporter:hunter2@127.0.0.1:9998";
    let settings = settings(url.into(), Credentials::FindCookie { home: None });
    assert!(!format!("{settings:?}").contains("hunter2"));
    let error = new_client(settings).err().unwrap();
    assert!(error.to_string().contains("holds a user or password"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn broken_answers_and_timeouts_end_in_time() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"result\":".to_string(), "unreachable"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnothing".to_string(), "malformed"),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n{}", "x".repeat(20_000)), "too_large"),
        ("this is not HTTP\r\n\r\n".to_string(), "malformed"),
    ];
    for (answer, outcome) in cases {
        let error = error_of(answer.clone()).await;
        assert_eq!(error.kind().label(), outcome, "{answer:.40}: {error}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = client(format!("http://{}", silent.local_addr().unwrap())).best_block_hash().await.unwrap_err();
    assert_eq!(error.kind().label(), "timeout");
    drop(silent);
    let error = client("http://127.0.0.1:1".into()).best_block_hash().await.unwrap_err();
    assert_eq!(error.kind().label(), "unreachable");
}

#[tokio::test]
async fn a_cookie_that_changed_with_the_node_is_read_again() {
    use simulator::{Network, Options, Server, ServerOptions};
    let home = tempfile::tempdir().unwrap();
    let network = Network::new(Options::default()).unwrap();
    let options = || ServerOptions {
        credentials: None,
        data_directory: Some(home.path().join(".dashcore")),
        ..Default::default()
    };
    let first = Server::bind_with(network.clone(), "127.0.0.1:0", options()).await.unwrap().spawn();
    let address = first.handle().address();
    let settings = rpc::RpcSettings {
        url: first.handle().url(),
        credentials: Credentials::FindCookie { home: Some(home.path().into()) },
        ..rpc::RpcSettings::default()
    };
    let meters = Meters::new(&prometheus::Registry::new()).rpc("net", "node");
    let client = Client::new(settings, meters).unwrap();
    client.best_block_hash().await.unwrap();
    first.stop().await;
    let second = Server::bind_with(network, address, options()).await.unwrap().spawn();
    // The first call may use the connection that the stopped node closed.
    if client.best_block_hash().await.is_err() {
        client.best_block_hash().await.unwrap();
    }
    second.stop().await;
}

#[tokio::test]
async fn a_peer_that_is_no_node_is_named_with_the_remedy() {
    let page = "<!DOCTYPE html><html><title>hunter2</title></html>";
    let http = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
    };
    let nginx = "<html><center>The plain HTTP request was sent to HTTPS port</center></html>";
    let cases = [
        (http("200", "", page), "it is a web server, which answers with HTML"),
        (http("500", "", page), "it is a web server, which answers with HTML"),
        (http("404", "", "404 page not found"), "nothing is at this path (HTTP 404)"),
        (http("400", "", nginx), "it expects TLS; write https:// in the URL"),
        (
            http("301", "location: https://example.org:8443/hunter2?token=hunter2\r\n", ""),
            "it redirects to https://example.org:8443 (HTTP 301)",
        ),
        // A TLS alert, as a server that expects a handshake sends it.
        ("\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{16}".to_string(), "it does not speak HTTP; write https://"),
        // The P2P port closes the connection without a word.
        (String::new(), "or this is its P2P port"),
    ];
    for (answer, expected) in cases {
        let error = error_of(answer).await.to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{expected}: {error}");
    }
    let plain = node(http("400", "", "")).await.replace("http://", "https://");
    let error = client(plain).best_block_hash().await.unwrap_err().to_string();
    assert!(error.contains("it does not speak TLS; write http://"), "{error}");
}
