//! Quorums by type: when one was last mined and which windows passed without one, against the simulator.

use std::sync::Arc;

use domain::Snapshot;
use domain::UnixSeconds;
use simulator::{Action, Fault, Network};

use crate::support::conditions::holding;
use crate::support::harness::{NOW, Stage};
use crate::support::samples::Page;

const LAST: &str = "masternode_network_quorum_last_mined_height";

const MISSED: &str = "masternode_network_quorum_missed_windows";

const TYPES: [&str; 4] = ["llmq_test", "llmq_test_v17", "llmq_test_dip0024", "llmq_test_platform"];

/// The newest quorum of each type is the last one of the simulator, and the given number of windows passed since.
#[track_caller]
fn assert_told(page: &Page, network: &Network, missed: f64) {
    for kind in TYPES {
        let sessions = network.sessions_since(0);
        let formed = sessions.iter().filter(|(_, name, members)| *name == kind && members.is_some());
        let last = formed.map(|(height, _, _)| *height).max().expect("one was mined");
        page.expect(LAST, &[("quorum_type", kind)], f64::from(last));
        page.expect(MISSED, &[("quorum_type", kind)], missed);
    }
}

/// Mines the given number of blocks in which every session fails as a whole.
async fn fail_as_a_whole(stage: &mut Stage, blocks: usize) {
    for _ in 0..blocks {
        stage.mine(&[Action::FailNetwork]).await;
    }
}

/// The quorum types that are told to form none, each with how many windows passed.
fn missing(snapshot: Arc<Snapshot>) -> Vec<(String, f64)> {
    let holding = holding(snapshot, UnixSeconds(NOW)).into_iter();
    let missing = holding.filter(|held| held.alert == "MasternodeQuorumMissing");
    missing.map(|held| (held.of, held.value)).collect()
}

/// A network at the beginning of a cycle, in which each type has formed a quorum.
async fn at_a_cycle() -> Stage {
    let mut stage = Stage::following().await;
    stage.network.mine((72 - stage.network.tip().0 % 24) as usize);
    stage.poll().await;
    stage
}

#[tokio::test]
async fn windows_without_a_quorum_are_counted_and_two_raise_an_alert_without_a_masternode() {
    let mut stage = at_a_cycle().await;
    assert_told(&stage.page().await, &stage.network, 0.0);
    fail_as_a_whole(&mut stage, 17).await;
    assert_told(&stage.page().await, &stage.network, 0.0);
    // The windows end at offsets 18 and 20.
    fail_as_a_whole(&mut stage, 7).await;
    assert_told(&stage.page().await, &stage.network, 1.0);
    assert_eq!(missing(stage.snapshot().unwrap()), []);
    fail_as_a_whole(&mut stage, 24).await;
    let page = stage.page().await;
    assert_told(&page, &stage.network, 2.0);
    let mut told = missing(stage.snapshot().unwrap());
    told.sort_by_key(|(name, _)| TYPES.iter().position(|kind| kind == name));
    assert_eq!(told, TYPES.map(|kind| (kind.to_string(), 2.0)));
    // Every masternode sat in such sessions, and of none anything is said.
    for id in stage.network.masternodes() {
        let own = [("masternode", id.as_str())];
        page.expect("masternode_pose_score", &own, 0.0);
        page.expect("masternode_pose_penalties_total", &own, 0.0);
        let participation = [own[0], ("requirement", "dkg_participation"), ("evidence", "list")];
        page.expect("masternode_requirement_met", &participation, 1.0);
        for kind in TYPES {
            let invalid = [own[0], ("quorum_type", kind), ("result", "invalid")];
            assert!(page.value("masternode_dkg_memberships_total", &invalid).unwrap_or_default() == 0.0);
        }
    }
    for held in holding(stage.snapshot().unwrap(), UnixSeconds(NOW)) {
        // Blocks of the simulator are of another time than the clock of the test.
        let expected = ["MasternodeQuorumMissing", "MasternodeChainStalled", "MasternodeDkgDoubleSeat"];
        assert!(expected.contains(&held.alert), "{held:?}");
    }

    stage.network.mine(24);
    stage.poll().await;
    assert_told(&stage.page().await, &stage.network, 0.0);
    assert_eq!(missing(stage.snapshot().unwrap()), []);
}

#[tokio::test]
async fn the_values_are_right_at_the_first_page_after_a_start_and_after_a_reorg() {
    let mut stage = at_a_cycle().await;
    fail_as_a_whole(&mut stage, 24 + 24).await;
    stage.restart().await;
    assert_told(&stage.page().await, &stage.network, 2.0);
    stage.network.mine(24);
    stage.poll().await;
    assert_told(&stage.page().await, &stage.network, 0.0);
    // The quorums were mined in blocks that are replaced by others without quorums.
    let replaced = vec![vec![Action::FailNetwork]; 25];
    stage.network.reorg(24, &replaced).unwrap();
    stage.poll().await;
    assert_told(&stage.page().await, &stage.network, 3.0);
}

#[tokio::test]
async fn refused_data_is_absent_or_comes_from_the_other_method() {
    for (refused, absent) in
        [(&["getspecialtxes"][..], false), (&["quorum listextended", "quorum info", "getspecialtxes"], true)]
    {
        let mut stage = at_a_cycle().await;
        stage.servers[0].handle().faults().set_for(Fault::Forbidden, refused);
        for _ in 0..24 {
            stage.mine(&[]).await;
        }
        let page = stage.page().await;
        page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
        if absent {
            assert_eq!((page.count(LAST), page.count(MISSED)), (0, 0), "{refused:?}");
        } else {
            assert_told(&page, &stage.network, 0.0);
        }
    }
}

#[tokio::test]
async fn a_briefly_busy_node_is_called_again_for_the_same_block() {
    let mut stage = at_a_cycle().await;
    stage.servers[0].handle().faults().set_for(Fault::Busy, &["quorum listextended"]);
    stage.restart().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
    assert_eq!(page.count(LAST), 0, "unknown is absent");
    stage.servers[0].handle().faults().set(Fault::None);
    stage.poll().await;
    assert_told(&stage.page().await, &stage.network, 0.0);
}
