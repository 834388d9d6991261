//! Judging a large network of which everybody is watched: soon enough for a ban to be told with its block.
//!
//! Never here: what is found.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::chain::{DASH, Subnet};
use domain::condition::Memory;
use domain::counters::EventCounters;
use domain::list::Block;
use domain::snapshot::SnapshotInputs;
use domain::watch::WatchTarget;
use domain::{
    BlockHash, ChainFacts, Details, Hash, Height, Masternode, MasternodeId, MasternodeList, Snapshot, UnixSeconds,
};

use crate::support::conditions::evaluated;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// One in fifty is banned.
fn network_of(count: u32) -> Snapshot {
    let id = |number: u32| -> MasternodeId { format!("{number:064x}").parse().unwrap() };
    let masternode = |number: u32| Masternode {
        id: id(number),
        last_paid_height: Some(Height(number)),
        ban_height: number.is_multiple_of(50).then_some(Height(50)),
        details: Details::default(),
        ..domain::samples::masternode(0)
    };
    let watched = |number: u32| WatchTarget {
        id: id(number),
        alias: format!("mn-{number}"),
        groups: [("operator".to_string(), "acme".to_string())].into(),
        expectations: vec![],
        thresholds: Default::default(),
        maintenance_until: None,
    };
    let block = Block { height: Height(10_000), hash: BlockHash(Hash([7; 32])), time: NOW };
    let parts = SnapshotInputs {
        network: "dash-test".into(),
        rules: Arc::new(DASH),
        list: Arc::new(MasternodeList::new(block, (0..count).map(masternode).collect()).unwrap()),
        facts: ChainFacts::new(Subnet::Main),
        read_at: NOW,
        watched: (0..count).map(watched).collect(),
        recent_events: vec![],
    };
    Snapshot::new(parts, &EventCounters::default())
}

#[test]
fn a_network_of_5_000_of_whom_everybody_is_watched_is_evaluated_in_milliseconds() {
    let snapshot = Arc::new(network_of(5_000));
    let mut memory = Memory::default();
    // The quickest of some: what else the machine does is not ours.
    let mut evaluate = |_| {
        let started = Instant::now();
        let evaluation = evaluated(snapshot.clone(), &mut memory, NOW);
        let elapsed = started.elapsed();
        let banned = evaluation.holding().filter(|(_, held, ..)| held.alert.name == "MasternodePoSeBanned");
        assert_eq!(banned.count(), 100);
        elapsed
    };
    let quickest = (0..5).map(&mut evaluate).min().unwrap();
    // Without optimisation everything takes many times as long. A walk over the list for each masternode takes seconds then.
    let longest = Duration::from_millis(if cfg!(debug_assertions) { 1_500 } else { 40 });
    assert!(quickest < longest, "{quickest:?}");
}
