//! The masternodes of the table: those that a query selects, in order.
//!
//! Of each masternode, only what a filter needs is read. Rows are made of those that are shown.
//!
//! Never here: the cells of the table (`rows`).

use std::cmp::Reverse;

use crate::web::api::masternodes::{absent, listed};
use crate::web::pages::query::{PageQuery, Show};
use crate::web::pages::rows::Row;
use domain::pose::Risk;
use domain::snapshot::{Snapshot, WatchedEntry};
use domain::state;
use domain::watch::parse_group;

/// A selected masternode.
#[derive(Clone, Copy)]
pub(super) struct Selected<'a> {
    snapshot: &'a Snapshot,
    place: Place<'a>,
}

/// Where a masternode is.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// At this index of the list.
    Listed(u32),
    /// In the watch list only.
    Absent(&'a WatchedEntry),
}

/// The masternodes of these snapshots that a query selects, in its order.
pub(super) fn select<'a>(snapshots: &[&'a Snapshot], asked: &PageQuery, show: Show) -> Vec<Selected<'a>> {
    let mut selected = Vec::new();
    for snapshot in snapshots.iter().copied() {
        let absent = snapshot.watched().iter().filter(|entry| entry.index.is_none() && fits_absent(entry, asked));
        selected.extend(absent.map(|entry| Selected { snapshot, place: Place::Absent(entry) }));
        let listed = in_list(snapshot, asked, show).into_iter();
        selected.extend(listed.map(|index| Selected { snapshot, place: Place::Listed(index) }));
    }
    // Each network is already in order.
    if snapshots.len() > 1 {
        selected.sort_by_cached_key(|one| {
            let row = one.row();
            (Reverse(row.subject.danger()), one.snapshot.network(), row.id)
        });
    }
    if let Some(sort) = asked.sort {
        sort.apply(&mut selected, |one| one.row());
    }
    selected
}

impl<'a> Selected<'a> {
    /// Its row of the table.
    pub(super) fn row(self) -> Row<'a> {
        let (id, subject) = match self.place {
            Place::Listed(index) => listed(self.snapshot, index),
            Place::Absent(entry) => absent(self.snapshot, entry),
        };
        Row { id, subject }
    }
}

/// Indices in the list of the selected masternodes, by danger.
fn in_list(snapshot: &Snapshot, asked: &PageQuery, show: Show) -> Vec<u32> {
    let mentioned = (!asked.text.is_empty()).then(|| snapshot.search(&asked.text));
    let watched = || {
        let listed = snapshot.watched().iter().filter_map(|entry| Some((u32::try_from(entry.index?).ok()?, entry)));
        listed.filter(|(_, entry)| in_group(entry, &asked.group))
    };
    let mut indices = if show == Show::Watched || !asked.group.is_empty() {
        let is_mentioned = |index: &u32, entry: &WatchedEntry| {
            mentioned.as_ref().is_none_or(|found| found.binary_search(index).is_ok() || is_named(entry, &asked.text))
        };
        watched().filter(|(index, entry)| is_mentioned(index, entry)).map(|(index, _)| index).collect()
    } else if let Some(mut found) = mentioned {
        found.extend(watched().filter(|(_, entry)| is_named(entry, &asked.text)).map(|(index, _)| index));
        found
    } else {
        return filter(snapshot, asked, show, snapshot.by_danger().to_vec());
    };
    indices.sort_unstable();
    indices.dedup();
    snapshot.sort_by_danger(&mut indices);
    filter(snapshot, asked, show, indices)
}

/// Removes those that the filters of risk and state exclude. The indices are in the order of danger.
fn filter(snapshot: &Snapshot, asked: &PageQuery, show: Show, mut indices: Vec<u32>) -> Vec<u32> {
    let node = |index: &u32| snapshot.node(*index as usize);
    if show == Show::AtRisk {
        indices.truncate(indices.partition_point(|index| node(index).risk() != Risk::Clear));
    }
    if !asked.state.is_empty() {
        let states = &snapshot.rules().states;
        let fits: Vec<bool> = (0..=states.len()).map(|at| state::label(states, at) == asked.state).collect();
        indices.retain(|index| fits[node(index).state]);
    }
    indices
}

/// Whether a watched masternode that is not in the list is selected; it has no state.
fn fits_absent(entry: &WatchedEntry, asked: &PageQuery) -> bool {
    let is_mentioned = || is_named(entry, &asked.text) || entry.watched.id.to_string().contains(&asked.text);
    asked.state.is_empty() && in_group(entry, &asked.group) && is_mentioned()
}

/// Whether the alias of a masternode contains a lower-case text.
fn is_named(entry: &WatchedEntry, text: &str) -> bool {
    entry.watched.alias.to_lowercase().contains(text)
}

/// Whether a masternode has a group; an empty filter matches all.
fn in_group(entry: &WatchedEntry, asked: &str) -> bool {
    asked.is_empty() || parse_group(asked).is_some_and(|(key, group)| entry.watched.is_in(key, group))
}
