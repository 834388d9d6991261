//! Results of DKG sessions, failed members and payments of blocks: counters and events match the simulator.

use std::collections::BTreeMap;

use domain::{Duffs, EventKind};
use masternode_exporter::rpc::dialect;
use simulator::{Action, Fault, Network, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;
use crate::support::samples::Page;

const MEMBERSHIPS: &str = "masternode_dkg_memberships_total";

const SESSIONS: &str = "masternode_network_dkg_sessions_total";

type Sessions = Vec<(u32, &'static str, Option<Vec<(String, bool)>>)>;

/// The page counts exactly these sessions.
#[track_caller]
fn assert_counted(page: &Page, sessions: &Sessions, network: &Network) {
    let mut ends: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut seats: BTreeMap<(String, &str, &str), u32> = BTreeMap::new();
    for (_, quorum_type, members) in sessions {
        *ends.entry((quorum_type, if members.is_some() { "formed" } else { "failed" })).or_default() += 1;
        for (id, valid) in members.iter().flatten() {
            let result = if *valid { "valid" } else { "invalid" };
            *seats.entry((id.clone(), quorum_type, result)).or_default() += 1;
        }
    }
    for quorum_type in ["llmq_test", "llmq_test_v17", "llmq_test_dip0024", "llmq_test_platform"] {
        for result in ["formed", "failed"] {
            let expected = ends.get(&(quorum_type, result)).copied().unwrap_or_default();
            page.expect(SESSIONS, &[("quorum_type", quorum_type), ("result", result)], f64::from(expected));
        }
        for id in network.masternodes() {
            for result in ["valid", "invalid"] {
                let labels = [("masternode", id.as_str()), ("quorum_type", quorum_type), ("result", result)];
                match seats.get(&(id.clone(), quorum_type, result)) {
                    Some(expected) => page.expect(MEMBERSHIPS, &labels, f64::from(*expected)),
                    None => assert!(page.value(MEMBERSHIPS, &labels).unwrap_or_default() == 0.0, "{labels:?}"),
                }
            }
        }
    }
}

/// Two rounds of sessions with one masternode offline, one round of the second failing as a whole.
fn two_rounds(network: &Network, offline: &str) {
    network.set_offline(offline, true).unwrap();
    network.mine(24);
    (0..12).for_each(|_| drop(network.mine_with(&[Action::FailNetwork]).unwrap()));
    network.mine(12);
    network.set_offline(offline, false).unwrap();
}

#[tokio::test]
async fn sessions_and_memberships_are_counted_exactly_over_restarts_and_reorganisations() {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let from = stage.network.tip().0 + 1;
    let mut abandoned: Sessions = Vec::new();
    two_rounds(&stage.network, &stage.masternode(2));
    stage.poll().await;
    let all = stage.network.sessions_since(from);
    assert!(all.iter().any(|(_, _, members)| members.is_none()), "a session failed as a whole");
    assert!(all.iter().any(|(_, _, members)| members.iter().flatten().any(|(_, valid)| !valid)), "a member failed");
    assert_counted(&stage.page().await, &all, &stage.network);

    stage.stop().await;
    stage.network.mine_with(&[fail(&stage.masternode(3), 2)]).unwrap();
    stage.network.mine(30);
    stage.restart().await;
    assert_counted(&stage.page().await, &stage.network.sessions_since(from), &stage.network);

    let replaced = stage.network.tip().0 - 19;
    abandoned.extend(stage.network.sessions_since(replaced));
    stage.network.reorg(20, &vec![vec![]; 22]).unwrap();
    stage.poll().await;
    let mut all = stage.network.sessions_since(from);
    assert!(!abandoned.is_empty() && !stage.network.sessions_since(replaced).is_empty());
    all.extend(abandoned);
    assert_counted(&stage.page().await, &all, &stage.network);
    stage.stop().await;
    stage.restart().await;
    assert_counted(&stage.page().await, &all, &stage.network);
}

#[tokio::test]
async fn a_refused_method_affects_only_the_counts() {
    for refused in ["getspecialtxes", "quorum info"] {
        let mut stage = Stage::following().await;
        stage.servers[0].handle().faults().set_for(Fault::Forbidden, &[refused]);
        stage.network.mine_with(&[fail(&stage.masternode(1), 1)]).unwrap();
        stage.network.mine(24);
        stage.poll().await;
        let page = stage.page().await;
        page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
        page.expect("masternode_pose_penalties_total", &[("alias", "mn-1")], 1.0);
        // The node counted as providing them until it refused, and the facts are requested before that.
        stage.mine(&[]).await;
        let page = stage.page().await;
        assert_eq!((page.count(SESSIONS), page.count(MEMBERSHIPS)), (0, 0), "{refused}");
        let named = stage.events().into_iter().any(|event| match event.kind {
            EventKind::Penalty { quorums, .. } => !quorums.is_empty(),
            _ => false,
        });
        assert_eq!(named, refused == "getspecialtxes", "quorums are found without it");
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_at_once_is_called_again_before_the_block_counts() {
    let mut stage = Stage::following().await;
    let from = stage.network.tip().0 + 1;
    stage.network.mine_with(&[fail(&stage.masternode(1), 1)]).unwrap();
    let server = stage.servers[0].handle().clone();
    let faults = server.faults();
    faults.set_for(Fault::Busy, &["quorum info"]);
    stage.poll().await;
    stage.page().await.expect("masternode_exporter_list_height", &[], f64::from(from - 1));
    faults.set(Fault::None);
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_list_height", &[], f64::from(from));
    assert_counted(&page, &stage.network.sessions_since(from), &stage.network);

    faults.set_for(Fault::Busy, &["quorum info"]);
    stage.mine(&[fail(&stage.masternode(2), 1)]).await;
    for _ in 0..6 {
        stage.poll().await;
        stage.page().await.expect("masternode_exporter_list_height", &[], f64::from(from));
    }
    // The eighth attempt is the last one, and without any answer between them later blocks get two.
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_list_height", &[], f64::from(from + 1));
    page.expect("masternode_pose_penalties_total", &[("alias", "mn-2")], 1.0);
    stage.mine(&[fail(&stage.masternode(3), 1)]).await;
    stage.poll().await;
    stage.page().await.expect("masternode_exporter_list_height", &[], f64::from(from + 2));
}

#[tokio::test]
async fn payments_have_the_amounts_of_the_block() {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    stage.network.mine(15);
    stage.poll().await;
    let amounts = |events: Vec<domain::Event>| {
        let payment = |event: domain::Event| match event.kind {
            EventKind::Payment { amount, .. } => Some((event.block.height.0, amount)),
            _ => None,
        };
        events.into_iter().filter_map(payment).collect::<Vec<_>>()
    };
    let expected: Vec<_> = stage
        .network
        .shown_since(0)
        .into_iter()
        .filter(|(_, _, kind)| kind == "payment")
        .map(|(height, _, _)| (height, Some(Duffs(Network::payment_amount(height)))))
        .collect();
    assert_eq!(amounts(stage.events()), expected);
    let kept = ledger::kept(&stage.history()).into_iter().map(|kept| kept.event).collect();
    assert_eq!(amounts(kept), expected);

    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["getspecialtxes"]);
    stage.mine(&[]).await;
    assert_eq!(amounts(stage.events()).last(), Some(&(stage.network.tip().0, None)), "unknown is absent");
}

#[tokio::test]
async fn a_penalty_has_the_number_of_others_in_the_same_block_and_commitment() {
    let mut stage = Stage::following().await;
    let hit: Vec<Action> = [1, 4, 6].map(|index| fail(&stage.masternode(index), 1)).into();
    stage.mine(&hit).await;
    stage.mine(&[fail(&stage.masternode(7), 1)]).await;
    let mut reported = Vec::new();
    for event in stage.events() {
        if let EventKind::Penalty { others, quorums, .. } = event.kind {
            reported.push(others);
            let ours = stage.network.sessions_since(event.block.height.0);
            let failed = |members: &Vec<(String, bool)>| members.iter().filter(|(_, valid)| !valid).count() as u32;
            for quorum in quorums {
                let same = |members: &&Vec<(String, bool)>| {
                    members.contains(&(event.masternode.to_string(), false))
                        && Some(failed(members) - 1) == quorum.others
                };
                assert!(ours.iter().filter_map(|(_, _, members)| members.as_ref()).any(|m| same(&m)), "{quorum:?}");
            }
        }
    }
    assert_eq!(reported, [Some(2), Some(2), Some(2), Some(0)]);
}
