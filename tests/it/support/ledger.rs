//! Our events and the simulator's ledger in the same format.

use std::path::Path;

use domain::{Event, EventKind};
use masternode_exporter::history::{Query, Reader, StoredEvent};
use simulator::Network;

use crate::support::samples::Page;

/// Height, masternode, and event.
pub(crate) type Entry = (u32, String, String);

/// Our events in the ledger's format, sorted.
pub(crate) fn seen<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Entry> {
    let mut seen: Vec<Entry> = events
        .into_iter()
        .filter_map(|event| {
            let kind = match &event.kind {
                EventKind::Penalty { points, failures, .. } => format!("penalty {points} {failures}"),
                EventKind::Ban { cause, .. } => format!("ban {}", cause.label()),
                EventKind::Revival => "revival".into(),
                EventKind::Registration => "registration".into(),
                EventKind::Removal => "removal".into(),
                EventKind::Payment { .. } => "payment".into(),
                EventKind::Change(field, _) => format!("change {}", field.label()),
                EventKind::State { from, to } => format!("state {from} to {to}"),
                // The ledger contains no losses: they follow from bans and removals.
                EventKind::PaymentLost => return None,
            };
            Some((event.block.height.0, event.masternode.to_string(), kind))
        })
        .collect();
    seen.sort();
    seen
}

/// Equal entries; on failure the first difference.
#[track_caller]
pub(crate) fn assert_same(seen: Vec<Entry>, happened: Vec<Entry>) {
    for (seen, happened) in seen.iter().zip(&happened) {
        assert_eq!(seen, happened);
    }
    assert_eq!(seen.len(), happened.len());
}

/// All events of a history, withdrawn or not, in the order in which they were recorded.
pub(crate) fn kept(path: &Path) -> Vec<StoredEvent> {
    let reader = Reader::open(path).unwrap();
    let mut query = Query { withdrawn: true, limit: 10_000, ..Query::default() };
    let mut events = Vec::new();
    loop {
        let page = reader.events(&query).unwrap();
        events.extend(page.events);
        query.after = page.next;
        if query.after.is_none() {
            return events;
        }
    }
}

/// The history holds exactly this branch of the ledger: each block's events once.
#[track_caller]
pub(crate) fn assert_kept(path: &Path, network: &Network, from: u32) {
    let kept = kept(path);
    let standing = kept.iter().filter(|kept| !kept.withdrawn).map(|kept| &kept.event);
    assert!(standing.clone().all(|event| event.exact));
    assert_same(seen(standing), network.shown_since(from));
}

/// The counters of watched masternodes on the page are exactly the sums of these entries.
#[track_caller]
pub(crate) fn assert_counted(page: &Page, entries: &[Entry], masternodes: &[String]) {
    // Name, the label that identifies the kind, and the beginning of the ledger's text for it.
    let counters = [
        ("masternode_pose_penalties_total", None, "penalty"),
        ("masternode_pose_bans_total", Some(("cause", "dkg")), "ban dkg"),
        ("masternode_pose_revivals_total", None, "revival"),
        ("masternode_payments_total", None, "payment"),
        ("masternode_changes_total", Some(("field", "payout")), "change payout"),
    ];
    for id in masternodes {
        for (name, label, beginning) in counters {
            let of_it = entries.iter().filter(|(_, masternode, kind)| masternode == id && kind.starts_with(beginning));
            let expected: f64 = of_it
                .map(|(_, _, kind)| match beginning {
                    "penalty" => kind.rsplit(' ').next().unwrap().parse().unwrap(),
                    _ => 1.0,
                })
                .sum();
            let labels: Vec<(&str, &str)> = [("masternode", id.as_str())].into_iter().chain(label).collect();
            page.expect(name, &labels, expected);
        }
    }
}
