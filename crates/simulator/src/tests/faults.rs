//! Each fault, as a client sees it.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{call, error_code, result};
use super::{network, recorded};
use crate::{Fault, Network, Options, RunningServer, Server};

async fn server() -> (Network, RunningServer) {
    let network = network();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    (network, server)
}

#[tokio::test]
async fn refusing_faults_answer_as_recorded() {
    let (_, server) = server().await;
    for (fault, file) in [
        (Fault::WarmUp("Loading block index…".to_owned()), "warmup_2"),
        (Fault::Forbidden, "whitelist_denied"),
        (Fault::Busy, "work_queue_exceeded"),
        (Fault::Unauthorized, "no_auth_header"),
    ] {
        server.faults().set(fault);
        let expected = recorded(&format!("errors/{file}.json"));
        let answer = call(&server, "getblockcount", json!([])).await;
        assert_eq!(json!(answer.status), expected["http"], "{file}");
        assert_eq!(answer.text(), expected["body"].as_str().expect("a text"), "{file}");
    }
    server.faults().set(Fault::BusyOld);
    assert_eq!(call(&server, "getblockcount", json!([])).await.status, 500);
    server.faults().clear();
    assert_eq!(call(&server, "getblockcount", json!([])).await.status, 200);
}

#[tokio::test]
async fn a_fault_can_apply_to_some_methods_only() {
    let (_, server) = server().await;
    server.faults().set_for(Fault::Forbidden, &["protx list"]);
    server.faults().add_for(Fault::Garbage, &["masternode"]);
    assert_eq!(call(&server, "protx", json!(["list"])).await.status, 403);
    assert_eq!(call(&server, "protx", json!(["listdiff", 1, 2])).await.status, 500);
    assert!(serde_json::from_slice::<Value>(&call(&server, "masternode", json!(["count"])).await.body).is_err());
    assert_eq!(call(&server, "getblockcount", json!([])).await.status, 200);
}

#[tokio::test]
async fn broken_bodies_are_torn_or_too_long() {
    let (_, server) = server().await;
    server.faults().set(Fault::Torn(40));
    let torn = call(&server, "masternode", json!(["count"])).await;
    assert_eq!((torn.status, torn.body.len(), torn.complete), (200, 40, false));
    server.faults().set(Fault::Oversized(1_000_000));
    let long = call(&server, "masternode", json!(["count"])).await;
    assert_eq!((long.status, long.body.len(), long.complete), (200, 1_000_000, true));
}

#[tokio::test]
async fn incorrect_values_are_limited_to_the_named_methods() {
    let (network, server) = server().await;
    network.mine(2);
    let (height, tip) = network.tip();
    server.faults().set(Fault::LyingHeight(-3));
    assert_eq!(result(&server, "getblockcount", json!([])).await, json!(height - 3));
    assert_eq!(result(&server, "getblockheader", json!([tip])).await["height"], json!(height - 3));
    server.faults().set(Fault::LyingDiff);
    let diff = result(&server, "protx", json!(["listdiff", height - 1, height])).await;
    assert!(diff["updatedMNs"].to_string().contains(&"ee".repeat(32)));
    server.faults().set(Fault::WrongNetwork);
    assert_eq!(result(&server, "getblockchaininfo", json!([])).await["chain"], json!("test"));
    server.faults().set(Fault::Bitcoin);
    assert!(result(&server, "getnetworkinfo", json!([])).await["subversion"].to_string().contains("Satoshi"));
    assert_eq!(error_code(&server, "protx", json!(["list"])).await, -32601);
    server.faults().set(Fault::NotSynced);
    assert_eq!(result(&server, "mnsync", json!(["status"])).await["IsSynced"], json!(false));
    assert_eq!(result(&server, "getblockchaininfo", json!([])).await["initialblockdownload"], json!(true));
    server.faults().set(Fault::None);
    assert_eq!(result(&server, "getblockcount", json!([])).await, json!(height));
}

#[tokio::test]
async fn a_frozen_server_stays_on_its_branch_while_another_continues() {
    let network = network();
    let frozen = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let other = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    network.mine(4);
    let (height, tip) = network.tip();
    frozen.faults().set(Fault::FrozenAt(height));
    network.reorg(2, &vec![Vec::new(); 5]).expect("kept");
    assert_eq!(result(&frozen, "getbestblockhash", json!([])).await, json!(tip));
    assert_eq!(result(&frozen, "getblockhash", json!([height])).await, json!(tip));
    assert_eq!(error_code(&frozen, "getblockhash", json!([height + 1])).await, -8);
    assert_eq!(result(&frozen, "masternode", json!(["count"])).await["total"], json!(12));
    assert_eq!(result(&other, "getblockcount", json!([])).await, json!(height + 3));
    other.set_lag(2);
    assert_eq!(result(&other, "getblockcount", json!([])).await, json!(height + 1));
    assert_eq!(error_code(&other, "protx", json!(["list", "registered", true, height + 2])).await, -8);
}

#[tokio::test]
async fn a_hanging_server_never_answers_and_a_slow_one_answers_late() {
    let (_, server) = server().await;
    server.faults().set(Fault::Hang);
    let waited = tokio::time::timeout(Duration::from_millis(50), call(&server, "getblockcount", json!([]))).await;
    assert!(waited.is_err());
    server.faults().set(Fault::Slow(Duration::from_millis(20)));
    let start = std::time::Instant::now();
    assert_eq!(call(&server, "getblockcount", json!([])).await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[tokio::test]
async fn an_evo_node_reported_by_platform_is_shown_as_platform_banned() {
    let network = Network::new(Options::default()).expect("valid");
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let node = network.masternodes().remove(0);
    network.set_platform_banned(&node, true).expect("listed");
    let info = result(&server, "protx", json!(["info", node])).await;
    assert_eq!(info["metaInfo"]["is_platform_banned"], json!(true));
}
