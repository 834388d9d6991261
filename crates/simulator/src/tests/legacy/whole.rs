//! Time, reorganisations, size and the demonstration.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::{facts, network, serve};
use crate::legacy::{Action, ActionError, Chain, LedgerKind, Network, NodeState, Options};
use crate::tests::client::result;

/// 2026-11-21.
const NOW: u64 = 1_795_219_200;

#[test]
fn the_setup_ends_now_and_blocks_are_a_minute_apart() {
    for (chain, spacing) in [(Chain::Dimecoin, 64), (Chain::Prcycoin, 60)] {
        let network = Network::new(Options::demo(chain, 100, NOW)).expect("valid");
        assert_eq!((network.now(), network.tip_time()), (NOW, NOW));
        for node in network.masternodes() {
            let node = facts(&network, &node);
            assert!(node.seen <= NOW && node.started <= node.seen && node.last_paid_time <= NOW + 150);
            assert!(!node.online || NOW - node.seen <= 605, "{node:?}");
        }
        network.mine(10);
        assert_eq!(network.tip_time(), NOW + 10 * spacing);
    }
}

#[test]
fn the_demo_shows_an_expiry_a_ban_and_a_restart() {
    let network = Network::new(Options::demo(Chain::Dimecoin, 100, NOW)).expect("valid");
    let nodes = network.masternodes();
    let (silent, duplicate) = (nodes[0].clone(), nodes[1].clone());
    assert_eq!((facts(&network, &silent).state, NOW - facts(&network, &silent).seen), (NodeState::Enabled, 3_000));
    network.mine(3);
    assert_eq!(facts(&network, &duplicate).state, NodeState::PoseBan);
    network.mine(12);
    assert_eq!(facts(&network, &silent).state, NodeState::Expired);
    network.mine(130);
    let kinds = network.ledger().into_iter().filter(|entry| entry.masternode == silent).map(|entry| entry.kind);
    assert!(kinds.into_iter().any(|kind| kind == LedgerKind::Restarted));
}

#[test]
fn the_demo_is_lively_and_the_same_seed_repeats_it() {
    for chain in [Chain::Dimecoin, Chain::Prcycoin] {
        let lives: Vec<_> = (0..2)
            .map(|_| {
                let network = Network::new(Options::demo(chain, 60, NOW)).expect("valid");
                network.mine(600);
                network.ledger()
            })
            .collect();
        assert_eq!(lives[0], lives[1]);
        let count = |wanted: fn(&LedgerKind) -> bool| lives[0].iter().filter(|entry| wanted(&entry.kind)).count();
        assert!(count(|kind| *kind == LedgerKind::WentOffline) > 10);
        assert!(count(|kind| *kind == LedgerKind::CameBack) > 2);
        assert!(count(|kind| *kind == LedgerKind::Restarted) > 2);
        assert!(count(|kind| *kind == LedgerKind::Registered) > 1);
        assert!(count(|kind| matches!(kind, LedgerKind::Paid { .. })) > 400);
        assert_eq!(count(|kind| matches!(kind, LedgerKind::Banned { .. })) > 0, chain == Chain::Dimecoin);
    }
}

#[tokio::test]
async fn a_reorganisation_replaces_blocks_and_reverts_no_vote() {
    let network = network(Chain::Dimecoin, 30);
    let server = serve(&network, None).await;
    network.mine(3);
    let (height, old) = network.tip();
    let votes: Vec<_> = (height - 1..=height + 10).map(|at| network.votes(at)).collect();
    network.reorg(1, 2).expect("kept");
    let (tip, new) = network.tip();
    assert_eq!(tip, height + 1);
    assert_ne!(network.block_hash(height), Some(old.clone()));
    assert_eq!((height - 1..=height + 10).map(|at| network.votes(at)).collect::<Vec<_>>(), votes);
    assert_eq!(network.votes(tip + 10).len(), 1);
    let stale = result(&server, "getblockheader", json!([old])).await;
    assert_eq!((&stale["confirmations"], &stale["height"]), (&json!(-1), &json!(height)));
    assert_eq!(result(&server, "getbestblockhash", json!([])).await, json!(new));
    let paid: Vec<u32> = network
        .ledger_since(height)
        .into_iter()
        .filter(|entry| matches!(entry.kind, LedgerKind::Paid { .. }))
        .map(|entry| entry.height)
        .collect();
    assert_eq!(paid, [height, height + 1]);
    assert_eq!(network.reorg(1_000, 1_001), Err(ActionError::TooDeep));
    network.reorg(5, 6).expect("kept");
    assert_eq!(network.tip().0, tip + 1);
    let mut times = Vec::new();
    for at in tip - 6..=tip + 1 {
        let header = result(&server, "getblockheader", json!([network.block_hash(at)])).await;
        times.push(header["time"].as_u64().expect("a time"));
    }
    assert!(times.is_sorted() && times.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{times:?}");
    assert_eq!(times.last(), Some(&network.now()));
}

#[test]
fn unknown_masternodes_are_refused_by_name() {
    let network = network(Chain::Dimecoin, 3);
    let id = format!("{}-0", "0".repeat(64));
    assert_eq!(network.act(&Action::GoOffline { masternode: id.clone() }), Err(ActionError::UnknownMasternode(id)));
}

#[test]
fn nonsense_is_refused_by_name() {
    for (change, expected) in [
        ((|options| options.masternodes = 2) as fn(&mut Options), "masternodes"),
        (|options| options.masternodes = 5_001, "masternodes"),
        (|options| options.offline = 11, "offline"),
        (|options| options.dissent = f64::NAN, "dissent"),
        (|options| options.shared_payouts = 2.0, "shared_payouts"),
        (|options| options.start_height = 100, "start_height"),
        (|options| options.history = 0, "history"),
        (|options| options.spacing = Duration::from_millis(1_500), "spacing"),
        (|options| options.now = 0, "now"),
    ] {
        let mut options = Options::regtest(Chain::Dimecoin, 10);
        change(&mut options);
        let error = options.validate().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error} should name {expected}");
    }
}

#[tokio::test]
async fn five_thousand_nodes_are_served_and_three_are_too() {
    for (chain, masternodes) in
        [(Chain::Dimecoin, 3), (Chain::Prcycoin, 3), (Chain::Dimecoin, 5_000), (Chain::Prcycoin, 5_000)]
    {
        let network = Network::new(Options { premined: 3, ..Options::demo(chain, masternodes, NOW) }).expect("valid");
        network.mine(2);
        let server = serve(&network, None).await;
        let listed = match chain {
            Chain::Dimecoin => {
                let list = result(&server, "masternodelist", json!(["full"])).await;
                list.as_object().map(serde_json::Map::len)
            }
            Chain::Prcycoin => result(&server, "listmasternodes", json!([])).await.as_array().map(Vec::len),
        };
        assert_eq!(listed, Some(network.counts().0));
        let ids: BTreeSet<String> = network.masternodes().into_iter().collect();
        assert_eq!(Some(ids.len()), listed);
    }
}

#[tokio::test]
async fn the_miner_and_the_cookie_work_as_on_a_dash_network() {
    let network = network(Chain::Prcycoin, 3);
    let start = network.tip().0;
    let watched = network.clone();
    let third_block = async move {
        while watched.tip().0 < start + 3 {
            tokio::task::yield_now().await;
        }
    };
    crate::drive(network.clone(), Duration::from_millis(10), third_block).await;
    assert_eq!(network.tip().0, start + 3);
    let folder = tempfile::tempdir().expect("a folder");
    let options = crate::ServerOptions {
        credentials: None,
        data_directory: Some(folder.path().to_owned()),
        masternode: None,
        ..crate::ServerOptions::default()
    };
    let server = crate::Server::bind_with(network, "127.0.0.1:0", options).await.expect("a free port").spawn();
    let path = server.cookie_path().expect("a cookie");
    assert_eq!(path, &folder.path().join("regtest/.cookie"));
    let cookie = std::fs::read_to_string(path).expect("written");
    let body = json!({ "method": "getblockcount", "params": [] }).to_string();
    assert_eq!(crate::tests::client::post(&server, &cookie, &body).await.status, 200);
}
