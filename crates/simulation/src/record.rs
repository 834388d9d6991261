//! Compares the history with the truth after the faults.
//!
//! Never here: writing to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::counters::NodeCounters;
use domain::{Event, EventKind, Height};
use masternode_exporter::history::{Query, Reader, StoredEvent};

use crate::chain::{Chain, Entry};
use crate::invariant::{Checked, Invariant, ensure};
use crate::planted::Planted;

/// What is known about a run besides the chain.
pub(crate) struct Known<'a> {
    pub(crate) counters: &'a BTreeMap<String, NodeCounters>,
    pub(crate) first_height: u32,
    pub(crate) is_undamaged: bool,
    pub(crate) planted: Option<Planted>,
}

/// Events and counters are those of the chain, once each.
pub(crate) fn check(path: &Path, chain: &Chain, known: &Known<'_>) -> Checked {
    let failed = |what: String| ensure(false, Invariant::RightAgain, || what);
    let reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => return failed(format!("the history cannot be read: {error}")),
    };
    let networks = match reader.networks() {
        Ok(networks) => networks,
        Err(error) => return failed(format!("the networks of the history cannot be read: {error}")),
    };
    let Some(network) = networks.first() else { return failed("the history has no network".into()) };
    let cursor = network.cursor.as_ref().map(|block| block.height.0).unwrap_or_default();
    ensure(chain.tip().saturating_sub(cursor) <= 2, Invariant::RightAgain, || {
        format!("the history ends at block {cursor}, the chain at {}", chain.tip())
    })?;
    let stored = match events(&reader) {
        Ok(stored) => stored,
        Err(error) => return failed(format!("the events cannot be read: {error}")),
    };
    if !chain.has_ledger() {
        return Ok(());
    }
    let covers = |height: u32| network.spans.iter().any(|(first, last)| (first.0..=last.0).contains(&height));
    // The first check may be some blocks after the first list: the history says whether it begins with the first mined block.
    let begins = covers(chain.first_mined);
    let from = if begins { chain.first_mined } else { known.first_height + 1 };
    let gap = (from..=cursor).find(|height| !covers(*height));
    ensure(gap.is_none() || !known.is_undamaged, Invariant::EventsOnce, || format!("block {gap:?} was not replayed"))?;
    let standing = stored.iter().filter(|stored| !stored.withdrawn && stored.event.exact).map(|stored| &stored.event);
    let mut seen: Vec<Entry> = standing.filter_map(entry).filter(|(height, ..)| covers(*height)).collect();
    seen.sort();
    plant(&mut seen, known.planted);
    let mut happened = chain.happened(from.min(cursor));
    happened.retain(|(height, ..)| *height <= cursor && *height >= from && covers(*height));
    seen.retain(|(height, ..)| *height >= from);
    seen = seen.into_iter().map(|event| as_happened(event, &happened)).collect();
    let passing = passing_bans(&happened);
    let is_shown = |(height, id, kind): &Entry| {
        let is_of_ban = ["ban", "penalty", "revival"].iter().any(|beginning| kind.starts_with(beginning));
        !is_of_ban || !passing.contains(&(*height, id.clone()))
    };
    seen.retain(is_shown);
    let (shown, hidden): (Vec<Entry>, Vec<Entry>) = happened.into_iter().partition(is_shown);
    compare(&seen, &shown, chain)?;
    let perhaps = [hidden.as_slice(), &chain.abandoned].concat();
    if known.is_undamaged && gap.is_none() { compare_counters(known, &shown, &perhaps) } else { Ok(()) }
}

fn events(reader: &Reader) -> Result<Vec<StoredEvent>, String> {
    let mut query = Query { withdrawn: true, limit: 10_000, ..Query::default() };
    let mut events = Vec::new();
    loop {
        let page = reader.events(&query).map_err(|error| error.to_string())?;
        events.extend(page.events);
        query.after = page.next;
        if query.after.is_none() {
            return Ok(events);
        }
    }
}

fn entry(event: &Event) -> Option<Entry> {
    let kind = match &event.kind {
        EventKind::Penalty { points, failures, .. } => format!("penalty {points} {failures}"),
        EventKind::Ban { cause, .. } => format!("ban {}", cause.label()),
        EventKind::Change(field, _) => format!("change {}", field.label()),
        // Losses follow from bans and removals; the ledger does not have them.
        EventKind::PaymentLost => return None,
        other => other.name().into(),
    };
    Some((event.block.height.0, event.masternode.to_string(), kind))
}

/// Bans that ended in the block in which they began: a list shows none of it.
fn passing_bans(happened: &[Entry]) -> BTreeSet<(u32, String)> {
    let of_kind = |beginning: &'static str| {
        let of_it = happened.iter().filter(move |(.., kind)| kind.starts_with(beginning));
        of_it.map(|(height, id, _)| (*height, id.clone())).collect::<BTreeSet<_>>()
    };
    of_kind("ban").intersection(&of_kind("revival")).cloned().collect()
}

/// A masternode that is banned by its score and by its owner or operator in one block: a list does not tell which was first.
fn as_happened(event: Entry, happened: &[Entry]) -> Entry {
    let by_score = (event.0, event.1.clone(), "ban dkg".to_string());
    let is_other = event.2 == "ban revoked" || event.2 == "ban key_changed";
    if is_other && happened.binary_search(&by_score).is_ok() { by_score } else { event }
}

fn plant(seen: &mut Vec<Entry>, planted: Option<Planted>) {
    match planted {
        Some(Planted::LostEvent) => drop(seen.pop()),
        Some(Planted::DoubledEvent) => seen.extend(seen.last().cloned()),
        _ => {}
    }
}

fn compare(seen: &[Entry], happened: &[Entry], chain: &Chain) -> Checked {
    let difference = seen.iter().zip(happened).find(|(seen, happened)| seen != happened);
    let more = || seen.get(happened.len()).or_else(|| happened.get(seen.len()));
    ensure(difference.is_none() && seen.len() == happened.len(), Invariant::EventsOnce, || {
        let tip = Height(chain.tip());
        format!(
            "recorded {} events, happened {} until block {tip}; first difference (recorded, happened): {difference:?}, or {:?}",
            seen.len(),
            happened.len(),
            more()
        )
    })
}

/// Each counter is at least what happened on the best chain, and at most that and what happened on replaced blocks or is not shown.
fn compare_counters(known: &Known<'_>, happened: &[Entry], abandoned: &[Entry]) -> Checked {
    let number = |kind: &str| kind.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(1_u64);
    let count = |entries: &[Entry], id: &str, beginning: &str| -> u64 {
        let of_it = entries.iter().filter(|(_, masternode, kind)| masternode == id && kind.starts_with(beginning));
        of_it.map(|(_, _, kind)| if beginning == "penalty" { number(kind) } else { 1 }).sum()
    };
    for (id, counters) in known.counters {
        let kinds =
            [("payment", counters.earned.payments), ("penalty", counters.penalties), ("revival", counters.revivals)];
        for (kind, counted) in kinds {
            let least = count(happened, id, kind);
            let most = least + count(abandoned, id, kind);
            ensure((least..=most).contains(&counted), Invariant::Counters, || {
                format!("{counted} times {kind} counted for {id}, from {least} to {most} happened")
            })?;
        }
    }
    Ok(())
}
