//! The fork of Dash 24 as a chain: when it activates, which software follows it, what it allows.

use serde_json::{Value, json};

use super::client::{error_code, result};
use crate::{Action, ActionError, Fork, Network, Options, RunningServer, Server, ServerOptions, Software};

/// A private chain of 9 regular and 3 Evo nodes with a window of 24: signal in 551, activation in 600.
pub(super) fn forking(change: impl FnOnce(&mut Fork)) -> Network {
    let mut fork = Fork { signal_height: Some(551), ..Fork::default() };
    change(&mut fork);
    let options = Options { version: 240_003, fork: Some(fork), ..Options::default() };
    Network::new(options).expect("valid")
}

/// The same, mined up to this height.
pub(super) fn forked(change: impl FnOnce(&mut Fork), height: u32) -> Network {
    let network = forking(change);
    network.mine((height - network.tip().0) as usize);
    network
}

pub(super) async fn serve(network: &Network, version: u32) -> RunningServer {
    let options = ServerOptions { software: Some(Software::release(version)), ..ServerOptions::default() };
    Server::bind_with(network.clone(), "127.0.0.1:0", options).await.expect("a free port").spawn()
}

#[tokio::test]
async fn the_coinbase_changes_its_version_in_the_first_block_under_the_new_rules() {
    let network = forked(|_| {}, 601);
    assert_eq!(network.activation_height(), Some(600));
    let server = serve(&network, 240_003).await;
    for (height, version) in [(599, 3), (600, 4), (601, 4)] {
        let hash = network.block_hash(height).expect("kept");
        let coinbase = result(&server, "getspecialtxes", json!([hash, 5, 10, 0, 2])).await[0]["cbTx"].clone();
        assert_eq!((coinbase["version"].clone(), coinbase["height"].clone()), (json!(version), json!(height)));
        assert_eq!(coinbase["merkleRootAssetUnlocks"].is_string(), version == 4, "{height}");
    }
    let signal = network.block_hash(551).expect("kept");
    let found = result(&server, "getspecialtxes", json!([signal, 7, 10, 0, 2])).await;
    assert_eq!(found[0]["mnhfTx"]["signal"]["versionBit"], 12);
    let versions = async |height: u32| {
        let hash = network.block_hash(height).expect("kept");
        result(&server, "getblockheader", json!([hash])).await["versionHex"].clone()
    };
    assert_eq!((versions(551).await, versions(552).await), (json!("20000000"), json!("20001000")));
    assert_eq!((versions(599).await, versions(600).await), (json!("20001000"), json!("20000000")));
}

#[tokio::test]
async fn a_node_of_the_old_release_stays_on_its_own_branch() {
    let network = forked(|fork| fork.old_pace = 0.5, 599);
    let (new, old) = (serve(&network, 240_003).await, serve(&network, 230_102).await);
    let tip = async |server: &RunningServer| result(server, "getbestblockhash", json!([])).await;
    assert_eq!(tip(&new).await, tip(&old).await, "one chain up to the fork");
    assert_eq!(network.old_tip(), None);
    network.mine(4);
    let common = network.block_hash(599).expect("kept");
    for (server, height) in [(&new, 603), (&old, 601)] {
        assert_eq!(result(server, "getblockcount", json!([])).await, json!(height));
        assert_eq!(result(server, "getblockhash", json!([599])).await, json!(common));
    }
    let at = async |server: &RunningServer| result(server, "getblockhash", json!([600])).await;
    assert_ne!(at(&new).await, at(&old).await);
    let code = error_code(&old, "getblockheader", json!([network.block_hash(600)])).await;
    assert_eq!(code, -5, "it refuses the blocks of the others");
    assert_eq!(result(&old, "getbestchainlock", json!([])).await["height"], 599);
    assert_eq!(result(&new, "getbestchainlock", json!([])).await["height"], 603);
    let first = at(&old).await;
    let coinbase = result(&old, "getspecialtxes", json!([first, 5, 10, 0, 2])).await;
    assert_eq!(coinbase[0]["cbTx"]["version"], 3);
    network.mine_old(10);
    assert_eq!(network.old_tip().map(|(height, _)| height), Some(611), "longer than the other side");
    old.set_software(Software::release(240_001));
    assert_eq!(tip(&old).await, json!(network.tip().1), "an upgraded node comes back");
}

#[tokio::test]
async fn an_old_branch_without_blocks_stops_at_the_fork() {
    let network = forked(|fork| fork.old_pace = 0.0, 605);
    let old = serve(&network, 230_102).await;
    assert_eq!(result(&old, "getblockcount", json!([])).await, json!(599));
}

#[test]
fn without_the_signal_the_fork_does_not_activate() {
    let network = forking(|fork| fork.signal_height = None);
    network.mine(200);
    assert_eq!((network.activation_height(), network.old_tip()), (None, None));
    network.mine_with(&[Action::SignFork]).expect("allowed");
    // Signed in 741, window 30: active in window 33.
    assert_eq!(network.activation_height(), Some(33 * 24));
    assert_eq!(network.mine_with(&[Action::SignFork]), Err(ActionError::Signed));
    let plain = super::network();
    assert_eq!(plain.mine_with(&[Action::SignFork]), Err(ActionError::NotForked));
}

#[test]
fn a_reorganisation_reverts_the_fork() {
    let network = forked(|_| {}, 603);
    let parted = network.old_tip();
    network.reorg(2, &[vec![], vec![], vec![]]).expect("kept");
    assert_eq!(network.tip().0, 604);
    assert!(network.old_tip().map(|(height, _)| height) >= parted.map(|(height, _)| height));
    network.reorg(10, &[vec![]]).expect("kept");
    assert_eq!((network.tip().0, network.old_tip()), (595, None), "not forked yet");
    network.mine(10);
    assert_eq!(network.old_tip().map(|(height, _)| height), Some(605));
    network.reorg(60, &[vec![]]).expect("kept");
    assert_eq!((network.tip().0, network.activation_height()), (546, None), "not even signed");
    network.mine(60);
    assert_eq!(network.activation_height(), Some(600));
}

#[test]
fn actions_that_the_new_rules_forbid_are_refused() {
    let network = forked(|fork| fork.legacy = 1.0, 590);
    let nodes = network.masternodes();
    let of = |evo: bool| nodes.iter().find(|node| network.masternode(node).is_some_and(|facts| facts.evo == evo));
    let (regular, evo) = (of(false).expect("nine").clone(), of(true).expect("three").clone());
    let migrate = |node: &String, version| Action::Migrate { masternode: node.clone(), version };
    let split = |node: &String, payouts| Action::SetPayouts { masternode: node.clone(), payouts };
    let refused = |action: Action| network.mine_with(&[action]).expect_err("refused");
    let shared = Action::RegisterShared { number: 0, shares: 2 };
    assert_eq!(refused(migrate(&regular, 3)), ActionError::Version(regular.clone()), "too early");
    assert_eq!(refused(split(&regular, 2)), ActionError::NotForked);
    assert_eq!(refused(shared.clone()), ActionError::NotForked);
    network.mine_with(&[migrate(&regular, 2)]).expect("allowed");
    assert_eq!(network.masternode(&regular).map(|facts| facts.version), Some(1), "before the fork it raises nothing");
    network.mine(9);
    assert_eq!(refused(migrate(&evo, 2)), ActionError::Version(evo.clone()));
    assert_eq!(refused(split(&evo, 2)), ActionError::AddressVersion(evo.clone()));
    network.mine_with(&[migrate(&regular, 3), migrate(&evo, 3), shared.clone()]).expect("allowed");
    assert_eq!(refused(migrate(&regular, 1)), ActionError::Version(regular.clone()));
    assert_eq!(refused(shared), ActionError::Number(0));
    let joint = network.shared_masternode(0);
    assert_eq!(refused(Action::ChangePayout { masternode: joint.clone() }), ActionError::Shares(joint.clone()));
    let reward = Action::ChangeShareReward { masternode: joint.clone(), share: 2 };
    assert_eq!(refused(reward), ActionError::Shares(joint));
    assert_eq!(refused(Action::Dissolve { masternode: regular.clone() }), ActionError::Shares(regular.clone()));
    assert_eq!(refused(split(&regular, 0)), ActionError::Count(0));
    network.mine_with(&[migrate(&regular, 2)]).expect("a lower version than the state's is allowed");
    assert_eq!(network.masternode(&regular).map(|facts| facts.version), Some(3), "and lowers nothing");
}

#[test]
fn invalid_fork_options_are_refused_by_name() {
    let check = |name: &str, change: fn(&mut Fork)| {
        let mut fork = Fork::default();
        change(&mut fork);
        let error = Options { fork: Some(fork), ..Options::default() }.validate().expect_err(name).to_string();
        assert!(error.contains(name), "{error} should name {name}");
    };
    check("fork.window", |fork| fork.window = 0);
    check("fork.threshold", |fork| fork.threshold = Some(25));
    check("fork.outdated", |fork| fork.outdated = 13);
    check("fork.legacy", |fork| fork.legacy = f64::NAN);
    check("fork.old_pace", |fork| fork.old_pace = -1.0);
    check("fork.signal_height", |fork| fork.signal_height = Some(5));
}

#[tokio::test]
async fn each_node_reports_its_own_software() {
    let network = forking(|_| {});
    let server = serve(&network, 240_000).await;
    let info = async || result(&server, "getnetworkinfo", json!([])).await;
    let answer = info().await;
    assert_eq!((answer["version"].clone(), answer["protocolversion"].clone()), (json!(240_000), json!(70_242)));
    assert_eq!(
        (answer["subversion"].clone(), answer["localrelay"].clone()),
        (json!("/Dash Core:24.0.0/"), json!(true))
    );
    assert!(answer["localservicesnames"].as_array().expect("names").contains(&json!("COMPACT_FILTERS")));
    let index = result(&server, "getindexinfo", json!([])).await;
    assert_eq!(index["basic block filter index"]["synced"], json!(true));
    server.set_software(Software {
        subversion: Some("/Dash Core:24.0.2(my-node)/".into()),
        relay: false,
        filters: false,
        filter_index: Some(false),
        ..Software::release(240_002)
    });
    let answer = info().await;
    assert_eq!(
        (answer["subversion"].clone(), answer["localrelay"].clone()),
        (json!("/Dash Core:24.0.2(my-node)/"), json!(false))
    );
    assert!(!answer["localservicesnames"].as_array().expect("names").contains(&json!("COMPACT_FILTERS")));
    let index = result(&server, "getindexinfo", json!([])).await;
    assert_eq!(index["basic block filter index"]["synced"], json!(false));
    server.set_software(Software::release(230_102));
    let answer = info().await;
    assert_eq!(
        (answer["protocolversion"].clone(), answer["subversion"].clone()),
        (json!(70_240), json!("/Dash Core:23.1.2/"))
    );
    assert_eq!(error_code(&server, "getindexinfo", json!([])).await, -32601);
    assert_eq!(error_code(&server, "masternode", json!(["payments"])).await, -8);
    let list = result(&server, "protx", json!(["list", "registered", true])).await;
    assert!(list.as_array().expect("a list").iter().all(|entry| entry["state"]["service"] != Value::Null));
}
