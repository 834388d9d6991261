//! Source health: an isolated source, a source that is a masternode, and the reports of recorded nodes.

use domain::UnixSeconds;
use domain::watch::{Selector, WatchEntry, WatchList};
use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::masternode_status::own_masternode;
use masternode_exporter::rpc::node;
use simulator::{Action, Fault};

use crate::support::conditions::holding;
use crate::support::harness::{NOW, Stage, fail};

const FIRST: &[(&str, &str)] = &[("source", "node-0")];
const SECOND: &[(&str, &str)] = &[("source", "node-1")];

/// Polls until the reports of sources have been requested again.
async fn report(stage: &mut Stage) {
    for _ in 0..6 {
        stage.poll().await;
    }
}

#[tokio::test]
async fn an_isolated_source_that_reports_sync_is_shown_as_behind_and_no_longer_used() {
    let mut stage = Stage::following_of(2).await;
    let tip = stage.snapshot().unwrap().block().height.0;
    let page = stage.page().await;
    for source in [FIRST, SECOND] {
        page.expect("masternode_exporter_source_isolated", source, 0.0);
        page.expect("masternode_exporter_source_blocks_behind", source, 0.0);
        page.expect("masternode_exporter_source_connections", source, 24.0);
    }
    stage.servers[0].handle().faults().set(Fault::FrozenAt(tip));
    for _ in 0..2 {
        stage.network.mine_with(&[]).unwrap();
    }
    report(&mut stage).await;
    let page = stage.page().await;
    page.expect("masternode_exporter_source_isolated", FIRST, 1.0);
    page.expect("masternode_exporter_source_connections", FIRST, 0.0);
    page.expect("masternode_exporter_source_height", FIRST, f64::from(tip));
    page.expect("masternode_exporter_source_blocks_behind", FIRST, 2.0);
    page.expect("masternode_exporter_source_isolated", SECOND, 0.0);
    page.expect("masternode_exporter_source_blocks_behind", SECOND, 0.0);
    // Two blocks alone would not cause a change of the source.
    stage.poll().await;
    assert_eq!(stage.snapshot().unwrap().block().height.0, tip + 2, "the list is that of the source with connections");
}

#[tokio::test]
async fn a_source_that_is_a_masternode_stays_known_during_a_ban_without_reports() {
    let mut stage = Stage::small().await;
    let id = stage.masternode(0);
    stage.serve_masternode(0).await;
    stage.poll().await;
    let own = |state| [("source", "node-0"), ("masternode", id.as_str()), ("state", state)];
    let said = [("masternode", id.as_str()), ("requirement", "protocol_version"), ("evidence", "own_node")];
    let page = stage.page().await;
    page.expect("masternode_exporter_source_masternode_state", &own("ready"), 1.0);
    page.expect("masternode_requirement_met", &said, 1.0);
    stage.mine(&[fail(&id, 2)]).await;
    report(&mut stage).await;
    let page = stage.page().await;
    page.expect("masternode_exporter_source_masternode_state", &own("pose_banned"), 1.0);
    assert_eq!(page.count("masternode_exporter_source_masternode_state"), 1, "the state before is gone");
    stage.restart().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_source_masternode_state", &own("pose_banned"), 1.0);
    stage.servers[0].handle().faults().set(Fault::Hang);
    report(&mut stage).await;
    let page = stage.page().await;
    page.expect_absent("masternode_exporter_source_masternode_state", FIRST);
    page.expect_absent("masternode_exporter_source_height", FIRST);
    page.expect_absent("masternode_requirement_met", &said);
    stage.servers[0].handle().faults().clear();
    stage.mine(&[Action::Revive { masternode: id.clone() }]).await;
    report(&mut stage).await;
    stage.page().await.expect("masternode_exporter_source_masternode_state", &own("ready"), 1.0);
}

#[tokio::test]
async fn a_source_that_is_a_masternode_is_watched_also_while_it_is_banned_or_silent() {
    let mut stage = Stage::small().await;
    let own = WatchEntry {
        selector: Selector::Own,
        alias: String::new(),
        groups: [].into(),
        expectations: vec![],
        thresholds: Default::default(),
    };
    stage.watch(WatchList::new(vec![own]));
    let watched = |stage: &Stage| -> Vec<String> {
        let snapshot = stage.snapshot().unwrap();
        snapshot.watched().iter().map(|entry| entry.watched.id.to_string()).collect()
    };
    report(&mut stage).await;
    assert_eq!(watched(&stage), [""; 0], "the source is no masternode");
    let is_nothing_watched = |stage: &Stage| {
        holding(stage.snapshot().unwrap(), UnixSeconds(NOW)).iter().any(|held| held.alert == "MasternodeNoneWatched")
    };
    assert!(is_nothing_watched(&stage));
    let id = stage.masternode(0);
    stage.serve_masternode(0).await;
    report(&mut stage).await;
    assert_eq!(watched(&stage), [id.as_str()]);
    assert!(!is_nothing_watched(&stage));
    stage.mine(&[fail(&id, 2)]).await;
    report(&mut stage).await;
    assert_eq!(watched(&stage), [id.as_str()], "a banned masternode does not report its identity");
    stage.page().await.expect("masternode_pose_banned", &[("masternode", &id)], 1.0);
    stage.servers[0].handle().faults().set(Fault::Hang);
    report(&mut stage).await;
    let state = stage.state();
    assert_eq!(state.watched().iter().map(|target| target.id.to_string()).collect::<Vec<_>>(), [id.as_str()]);
}

#[tokio::test]
async fn a_refused_method_removes_only_its_own_samples() {
    let mut stage = Stage::small().await;
    let id = stage.masternode(0);
    stage.serve_masternode(0).await;
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["masternode status"]);
    stage.poll().await;
    let page = stage.page().await;
    page.expect_absent("masternode_exporter_source_masternode_state", FIRST);
    page.expect("masternode_exporter_source_connections", FIRST, 24.0);
    page.expect("masternode_enabled", &[("masternode", &id)], 1.0);
}

fn recorded(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn recorded_nodes_report_their_identity_until_a_ban_or_revocation() {
    let evo = Some("92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6");
    let address = Some("127.0.0.1:29710");
    // chain and time, identity, state, address.
    let cases = [
        ("dash/v23.1.2/healthy/masternode_status.json", evo, "ready", address),
        // Its network is off, and it reports the state at its old tip.
        ("dash/v23.1.2/first-penalty/masternode_status.json", evo, "ready", address),
        (
            "dash/v23.1.2/isolated/masternode_status.json",
            Some("c5a5b709964cbaa05cd222f43a2cc518692a7ce9549e419d9aec085b3145d4be"),
            "ready",
            Some("127.0.0.1:29709"),
        ),
        ("dash/v23.1.2/banned/masternode_status.json", None, "pose_banned", address),
        ("dash/v23.1.2/banned/masternode_status_after_restart.json", None, "pose_banned", address),
        ("dash/v23.1.2/revoked/masternode_status.json", None, "removed", Some("127.0.0.1:29708")),
        ("dash/v23.1.2/errors/masternode_status_after_start.json", None, "waiting", None),
        (
            "dimecoin/2.3.0.0/regtest-3mn-enabled-masternode-side/masternode_status.json",
            Some("b2b86b95af6bd938efd89c9e06931728e727d4ff497ccac3210cc4858c7ae7ee-0"),
            "ready",
            Some("192.88.99.1:22941"),
        ),
    ];
    for (file, id, state, address) in cases {
        let own = own_masternode(&recorded(file)).unwrap();
        let reported = (own.id.map(|id| id.to_string()), own.state.label(), own.address);
        assert_eq!(reported, (id.map(Into::into), state, address.map(Into::into)), "{file}");
    }
    for file in [
        "dimecoin/2.3.0.0/errors/masternode_status_on_plain_node.json",
        "prcycoin/2.0.0.6/errors/masternode_status_on_plain_node.json",
    ] {
        assert!(own_masternode(&recorded(file)).is_err(), "{file}");
    }
}

#[test]
fn a_recorded_node_without_network_is_isolated_though_it_says_that_it_is_synced() {
    let node = answers::network_info(&recorded("dash/v23.1.2/isolated/getnetworkinfo.json")).unwrap();
    assert_eq!((node.connections, node.network_active, node.is_isolated()), (Some(0), Some(false), Some(true)));
    assert!(answers::sync_status(&recorded("dash/v23.1.2/isolated/mnsync_status.json")).unwrap().list);
    let chain = answers::chain_info(&recorded("dash/v23.1.2/isolated/getblockchaininfo.json")).unwrap();
    // Recorded while the others were at 876: only they show that.
    assert_eq!((chain.blocks.0, chain.headers.0, chain.tip_time.unwrap().0), (871, 871, 1_795_239_570));
    let healthy = answers::network_info(&recorded("dash/v23.1.2/healthy/getnetworkinfo.json")).unwrap();
    assert_eq!((healthy.connections, healthy.is_isolated()), (Some(24), Some(false)));
}

#[test]
fn recorded_nodes_report_relay_services_and_indexes() {
    // file, version, protocol, relays, compact filters.
    let cases = [
        ("dash/v23.1.2/healthy/getnetworkinfo_on_masternode.json", 230_102, Some(true), Some(true)),
        ("dash/v24/active/getnetworkinfo.json", 230_102, Some(true), Some(false)),
    ];
    for (file, version, relays, filters) in cases {
        let info = answers::network_info(&recorded(file)).unwrap();
        assert_eq!((info.version, info.relays, info.compact_filters), (version, relays, filters), "{file}");
        assert_eq!(info.relay_fee.map(|fee| fee.0 > 0), Some(true), "{file}");
    }
    let bare =
        br#"{"result":{"version":170003,"subversion":"/Dash Core:0.17.0.3/","protocolversion":70219},"error":null}"#;
    let bare = answers::network_info(bare).unwrap();
    assert_eq!((bare.relays, bare.compact_filters, bare.relay_fee, bare.incremental_fee), (None, None, None, None));
    let strange = br#"{"result":{"version":240003,"subversion":"/Dash Core:24.0.3/","protocolversion":70242,
        "localrelay":"yes","localservicesnames":{"a":1},"relayfee":-1,"incrementalfee":"much"},"error":null}"#;
    let strange = answers::network_info(strange).unwrap();
    assert_eq!(
        (strange.relays, strange.compact_filters, strange.relay_fee),
        (None, None, None),
        "a strange field is unknown"
    );
    let indexes = node::indexes(&recorded("dash/v23.1.2/healthy/getindexinfo.json")).unwrap();
    assert_eq!(indexes.into_iter().collect::<Vec<_>>(), [("txindex".into(), true)]);
}

#[test]
fn recorded_nodes_report_whether_v24_is_active() {
    for (file, active) in [
        ("dash/v24/locked-in/getblockchaininfo.json", Some(false)),
        ("dash/v24/active/getblockchaininfo.json", Some(true)),
        ("dash/v23.1.2/healthy/getblockchaininfo.json", Some(false)),
    ] {
        assert_eq!(answers::chain_info(&recorded(file)).unwrap().fork_active("v24"), active, "{file}");
    }
    // A released 24.0 has no `softforks`, and a 23.1 of a public network does not know the fork.
    let text = String::from_utf8(recorded("dash/v24/active/getblockchaininfo.json")).unwrap();
    let unsaid = text.replace("\"softforks\"", "\"gone\"");
    assert_eq!(answers::chain_info(unsaid.as_bytes()).unwrap().fork_active("v24"), None);
}
