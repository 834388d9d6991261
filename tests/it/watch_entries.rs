//! A selection and a maintenance entry that match nobody are on the page from the first block on.

use domain::maintenance::Maintenance;
use domain::watch::{Selector, WatchEntry, WatchField, WatchList};
use domain::{Detail, UnixSeconds};

use crate::support::harness::{NOW, Stage};

fn entry(payout: &str) -> WatchEntry {
    let selector = Selector::Fields(vec![(WatchField::PayoutAddress, payout.into())]);
    WatchEntry { selector, alias: "mine".into(), groups: [].into(), expectations: vec![] }
}

#[tokio::test]
async fn an_entry_that_matches_nobody_has_a_sample_of_0() {
    let mut stage = Stage::small().await;
    stage.poll().await;
    let snapshot = stage.snapshot().unwrap();
    let real = snapshot.list().masternodes()[0].details.get(Detail::PayoutAddress).unwrap().into_owned();
    let work = Maintenance {
        selector: Selector::Fields(vec![(WatchField::PayoutAddress, "Xnobody".into())]),
        until: UnixSeconds(NOW + 1_000),
        reason: String::new(),
    };
    stage.watch(WatchList::new(vec![entry(&real), entry("Xmistyped")]).with_maintenance(vec![work]));
    stage.mine(&[]).await;
    let page = stage.page().await;
    let (real, mistyped) = (format!("payout_address={real}"), "payout_address=Xmistyped");
    page.expect("masternode_watch_entry_matches", &[("entry", &real)], 1.0);
    page.expect("masternode_watch_entry_matches", &[("entry", mistyped)], 0.0);
    page.expect("masternode_maintenance_entry_matches", &[("entry", "payout_address=Xnobody")], 0.0);
}
