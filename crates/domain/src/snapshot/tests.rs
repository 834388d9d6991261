//! What a snapshot derives from a list.
//!
//! Never here: the arithmetic of scores and payments.

use super::*;
use crate::chain::{DASH, Subnet};
use crate::masternode::Score;
use crate::samples::{id, list, masternode};

fn snapshot(nodes: Vec<Masternode>) -> Snapshot {
    let facts = ChainFacts::new(Subnet::Regtest);
    let groups = BTreeMap::from([("operator".to_string(), "acme".to_string())]);
    let watched = WatchTarget {
        id: id(2),
        alias: "two".into(),
        groups,
        expectations: vec![],
        thresholds: Default::default(),
        maintenance_until: None,
    };
    let parts = SnapshotInputs {
        network: "dash-test".into(),
        rules: Arc::new(DASH),
        list: Arc::new(list(100, nodes)),
        facts,
        read_at: UnixSeconds(0),
        watched: vec![watched],
        recent_events: vec![],
    };
    Snapshot::new(parts, &EventCounters::default())
}

#[test]
fn nodes_are_classified_by_risk() {
    let scored = |number, score| Masternode { pose_score: Some(Score(score)), ..masternode(number) };
    let banned = Masternode { ban_height: Some(Height(50)), ..scored(5, 0) };
    let snapshot = snapshot(vec![scored(1, 0), scored(2, 66), scored(3, 30), scored(4, 0), banned]);
    assert_eq!(snapshot.risks(), &[2, 1, 1, 0, 1]);
    assert_eq!(snapshot.groups()[&("operator".into(), "acme".into())], [0, 0, 1, 0, 0]);
}

#[test]
fn a_watched_node_that_is_not_listed_has_no_index() {
    let snapshot = snapshot(vec![masternode(1)]);
    assert_eq!(snapshot.watched()[0].index, None);
}
