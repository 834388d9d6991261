//! A simulated day of a healthy network: nothing pages.
//!
//! Never here: what the rules make of several pages; `alerts/tests` has that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::Snapshot;
use domain::condition::{Memory, Severity};
use domain::watch::{Selector, WatchEntry, WatchList};
use simulator::Options;

use crate::support::conditions::evaluated;
use crate::support::harness::Stage;

const BLOCKS: usize = 576;

/// What one replica sees: since which block time each condition holds.
#[derive(Default)]
struct Replica {
    memory: Memory,
    since: BTreeMap<String, u64>,
}

impl Replica {
    /// The alerts that fire after a further block.
    fn see(&mut self, snapshot: &Arc<Snapshot>) -> BTreeSet<String> {
        let now = snapshot.block().time;
        let evaluation = evaluated(snapshot.clone(), &mut self.memory, now);
        let (mut since, mut firing) = (BTreeMap::new(), BTreeSet::new());
        for (subject, condition, _, text) in evaluation.holding() {
            let key = format!("{} {:?}", condition.alert.name, subject.labels);
            let began = self.since.get(&key).copied().unwrap_or(now.0);
            if now.0 - began >= u64::from(condition.alert.hold_seconds) && condition.alert.severity != Severity::Info {
                firing.insert(text.to_string());
            }
            since.insert(key, began);
        }
        self.since = since;
        firing
    }
}

#[tokio::test]
async fn a_day_of_a_healthy_network_of_500_with_60_watched_and_two_replicas_pages_nobody() {
    let mut stage = Stage::with(Options::regtest(500, 50), 1, |_| {}).await;
    let ids = stage.network.masternodes();
    let watched = ids.iter().step_by(8).take(60).enumerate().map(|(index, id)| WatchEntry {
        selector: Selector::Id(id.parse().unwrap()),
        alias: format!("mn-{index}"),
        groups: [("operator".to_string(), format!("customer-{}", index % 7))].into(),
        expectations: vec![],
        thresholds: Default::default(),
    });
    stage.watch(WatchList::new(watched.collect()));
    stage.poll().await;
    let (mut first, mut second) = (Replica::default(), Replica::default());
    let mut before = stage.snapshot().unwrap();
    assert_eq!((before.list().registered(), before.watched().len()), (500, 60));
    for block in 0..BLOCKS {
        stage.mine(&[]).await;
        let snapshot = stage.snapshot().unwrap();
        assert_eq!(first.see(&snapshot), BTreeSet::new(), "block {block}");
        // The other replica is a block behind.
        assert_eq!(second.see(&before), BTreeSet::new(), "block {block}");
        before = snapshot;
    }
}
