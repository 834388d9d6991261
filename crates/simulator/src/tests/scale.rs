//! Large networks and the demonstration.

use serde_json::{Value, json};

use super::client::{call, result};
use super::story;
use crate::{BanCause, LedgerKind, Network, Options, Server};

/// 2026-11-21; nothing here depends on the current time.
fn now() -> u64 {
    1_795_219_200
}

#[test]
fn the_demo_bans_its_endangered_node_after_12_blocks_and_revives_it() {
    for masternodes in [60, 300, 5_000] {
        let network = Network::new(Options::demo(masternodes, now)).expect("valid");
        let node = network.masternodes().remove(0);
        let (maximum, step) = network.limits();
        let facts = network.masternode(&node).expect("listed");
        assert!(facts.ban_height.is_none() && facts.score > maximum - step + 12, "{masternodes}: {facts:?}");
        network.mine(11);
        assert_eq!(network.masternode(&node).expect("listed").ban_height, None, "{masternodes}");
        network.mine(1);
        assert_eq!(network.masternode(&node).expect("listed").ban_height, Some(network.tip().0), "{masternodes}");
        network.mine(90);
        let facts = network.masternode(&node).expect("listed");
        assert_eq!(facts.revived_height, Some(network.tip().0), "{masternodes}");
        let height = network.tip().0 - 90;
        let reported = story(&network, &node);
        assert!(reported.contains(&(height, LedgerKind::Ban { cause: BanCause::Dkg, score: maximum })), "{reported:?}");
    }
}

#[test]
fn the_demo_is_lively_and_the_same_seed_repeats_it() {
    let lives: Vec<_> = (0..2)
        .map(|_| {
            let network = Network::new(Options::demo(1_000, now)).expect("valid");
            let start = network.tip().0;
            network.mine(400);
            network.ledger_since(start + 1)
        })
        .collect();
    assert_eq!(lives[0], lives[1]);
    let count = |wanted: fn(&LedgerKind) -> bool| lives[0].iter().filter(|entry| wanted(&entry.kind)).count();
    assert_eq!(count(|kind| *kind == LedgerKind::Payment), 400);
    assert!(count(|kind| matches!(kind, LedgerKind::Penalty { .. })) > 5);
    assert!(count(|kind| *kind == LedgerKind::Registration) > 2);
    assert!(count(|kind| *kind == LedgerKind::Revival) >= 1);
    assert!(count(|kind| matches!(kind, LedgerKind::Change(_))) > 2);
}

#[tokio::test]
async fn a_block_of_a_large_network_is_a_small_diff() {
    let network = Network::new(Options::main(20_000)).expect("valid");
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    network.mine(5);
    let height = network.tip().0;
    let diff = call(&server, "protx", json!(["listdiff", height - 1, height])).await;
    assert_eq!(diff.status, 200);
    assert!(diff.body.len() < 40_000, "{} bytes", diff.body.len());
    assert_eq!(diff.json()["result"]["updatedMNs"].as_array().map(Vec::len), Some(201), "200 decay, one is paid");
}

#[tokio::test]
async fn a_long_list_is_chunked_and_complete() {
    let network = Network::new(Options::main(3_000)).expect("valid");
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let answer = call(&server, "protx", json!(["list", "registered", true])).await;
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert!(answer.complete);
    let list = answer.json();
    assert_eq!(list["result"].as_array().map(Vec::len), Some(3_000));
    let banned = |entry: &&Value| entry["state"]["PoSeBanHeight"] != json!(-1);
    assert_eq!(list["result"].as_array().expect("a list").iter().filter(banned).count(), 900);
    let count = result(&server, "masternode", json!(["count"])).await;
    assert_eq!((&count["total"], &count["enabled"]), (&json!(3_000), &json!(2_100)));
}

#[tokio::test]
async fn the_miner_mines_until_it_is_stopped() {
    let network = super::network();
    let start = network.tip().0;
    let watched = network.clone();
    let third_block = async move {
        while watched.tip().0 < start + 3 {
            tokio::task::yield_now().await;
        }
    };
    crate::drive(network.clone(), std::time::Duration::from_millis(10), third_block).await;
    assert_eq!(network.tip().0, start + 3);
}
