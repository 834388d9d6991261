//! A selection and a maintenance entry that match nobody are on the page from the first block on.

use std::sync::Arc;

use domain::counters::EventCounters;
use domain::entry_matches::{EntryKind, EntryMatches, problems};
use domain::maintenance::{Maintenance, MaintenanceTarget};
use domain::samples::network_state;
use domain::snapshot::SnapshotInputs;
use domain::watch::{Selector, WatchEntry, WatchField, WatchList};
use domain::{Detail, Snapshot, UnixSeconds};

use crate::support::harness::{NOW, Stage};

fn entry(payout: &str) -> WatchEntry {
    let selector = Selector::Fields(vec![(WatchField::PayoutAddress, payout.into())]);
    WatchEntry {
        selector,
        alias: "mine".into(),
        groups: [].into(),
        expectations: vec![],
        thresholds: Default::default(),
    }
}

#[tokio::test]
async fn an_entry_that_matches_nobody_has_a_sample_of_0() {
    let mut stage = Stage::small().await;
    stage.poll().await;
    let snapshot = stage.snapshot().unwrap();
    let real = snapshot.list().masternodes()[0].details.get(Detail::PayoutAddress).unwrap().into_owned();
    let work = Maintenance {
        target: MaintenanceTarget::Selector(Selector::Fields(vec![(WatchField::PayoutAddress, "Xnobody".into())])),
        until: UnixSeconds(NOW + 1_000),
        reason: String::new(),
        id: None,
    };
    stage.watch(WatchList::new(vec![entry(&real), entry("Xmistyped")]).with_maintenance(vec![work]));
    stage.mine(&[]).await;
    let page = stage.page().await;
    let (real, mistyped) = (format!("payout_address={real}"), "payout_address=Xmistyped");
    page.expect("masternode_watch_entry_matches", &[("entry", &real)], 1.0);
    page.expect("masternode_watch_entry_matches", &[("entry", mistyped)], 0.0);
    page.expect("masternode_maintenance_entry_matches", &[("entry", "payout_address=Xnobody")], 0.0);
}

/// The problem of a watch entry that matches nothing.
fn matches_nobody(entry: &str) -> Vec<String> {
    let nobody = EntryMatches { kind: EntryKind::Watch, entry: entry.into(), masternodes: 0, kept: 0 };
    vec![nobody.problem().unwrap()]
}

#[tokio::test]
async fn an_entry_is_unmatched_once_no_network_that_has_it_matches_it() {
    let mut stage = Stage::small().await;
    stage.poll().await;
    let snapshot = stage.snapshot().unwrap();
    let real = snapshot.list().masternodes()[0].details.get(Detail::PayoutAddress).unwrap().into_owned();
    stage.watch(WatchList::new(vec![entry(&real), entry("Xmistyped")]));
    stage.mine(&[]).await;
    let here = network_state("here", stage.snapshot(), Vec::new());
    assert_eq!(problems([&here], &[]), Some(matches_nobody("payout_address=Xmistyped")));
    // Both entries are for every network: each of them matches on one.
    let matches = here.snapshot.as_ref().unwrap().entry_matches().to_vec();
    let elsewhere = |matches: Vec<EntryMatches>| {
        let list = here.snapshot.as_ref().unwrap().list().clone();
        let inputs = SnapshotInputs {
            network: "there".into(),
            rules: here.rules.clone(),
            list,
            facts: here.snapshot.as_ref().unwrap().facts().clone(),
            read_at: UnixSeconds(NOW),
            watched: Vec::new(),
            recent_events: Vec::new(),
        };
        let snapshot = Snapshot::new(inputs, &EventCounters::default()).with_entry_matches(matches);
        network_state("there", Some(Arc::new(snapshot)), Vec::new())
    };
    let swapped = matches.into_iter().map(|found| EntryMatches { masternodes: 1 - found.masternodes.min(1), ..found });
    assert_eq!(problems([&here, &elsewhere(swapped.collect())], &[]), Some(Vec::new()));
    let unknown = network_state("there", None, Vec::new());
    assert_eq!(problems([&here, &unknown], &[]), None, "a network without a list may have what is meant");
}
