//! Our events and the simulator's ledger in the same format.

use std::path::Path;

use domain::{BanCause, Event, EventKind};
use masternode_exporter::history::{Query, Reader, StoredEvent};
use simulator::{BanCause as SimulatedCause, ChangedField, FieldChange, LedgerKind, Network};

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

/// Events on the active branch from this height on, sorted.
pub(crate) fn happened(network: &Network, from: u32) -> Vec<Entry> {
    let mut happened: Vec<Entry> = network
        .ledger_since(from)
        .into_iter()
        // A list does not show a penalty of a node that is already at the limit, because no point was added.
        .filter(|entry| !matches!(entry.kind, LedgerKind::Penalty { points: 0, .. }))
        .flat_map(|entry| {
            let kinds = match entry.kind {
                LedgerKind::Penalty { points, hits, .. } => {
                    // Whole steps; where the limit cut them, the commitments that name the masternode.
                    vec![format!("penalty {points} {}", hits.max(points.div_ceil(network.limits().1)))]
                }
                LedgerKind::Ban { cause, .. } => vec![format!("ban {}", ban_cause(cause).label())],
                LedgerKind::Revival => vec!["revival".into()],
                LedgerKind::Payment => vec!["payment".into()],
                LedgerKind::Registration => vec!["registration".into()],
                LedgerKind::Removal => vec!["removal".into()],
                LedgerKind::Change(field) => {
                    changed(field, entry.change.as_ref()).into_iter().map(|field| format!("change {field}")).collect()
                }
            };
            kinds.into_iter().map(move |kind| (entry.height, entry.masternode.clone(), kind))
        })
        .collect();
    happened.sort();
    happened
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
    assert_same(seen(standing), happened(network, from));
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

fn ban_cause(cause: SimulatedCause) -> BanCause {
    match cause {
        SimulatedCause::Dkg => BanCause::Dkg,
        SimulatedCause::Revoked => BanCause::Revoked,
        SimulatedCause::KeyChanged => BanCause::KeyChanged,
        SimulatedCause::NoAddress => BanCause::NoAddress,
    }
}

/// Our fields for a change. The primary address and the further ones are separate.
fn changed(field: ChangedField, change: Option<&FieldChange>) -> Vec<&'static str> {
    vec![match field {
        ChangedField::Address => return changed_addresses(change.expect("a change has both sides")),
        ChangedField::Payout | ChangedField::Shares => "payout",
        ChangedField::OperatorKey => "operator_key",
        ChangedField::VotingKey => "voting_key",
        ChangedField::OperatorPayout => "operator_payout",
        ChangedField::Version => "version",
        ChangedField::Platform => "addresses",
    }]
}

fn changed_addresses(change: &FieldChange) -> Vec<&'static str> {
    let parts = |text: &str| -> (String, String) {
        let (primary, further) = text.split_once(", ").unwrap_or((text, ""));
        (primary.into(), further.into())
    };
    let (before, after) = (parts(&change.before), parts(&change.after));
    let fields = [("address", before.0 != after.0), ("addresses", before.1 != after.1)];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}
