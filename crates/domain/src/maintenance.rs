//! Masternodes in maintenance, and the end of the maintenance. Alerts about these masternodes are muted.
//!
//! Never here: receivers and alerts; reading the entries from a file (`config`).

use std::fmt;

use crate::entry_matches::selector_text;
use crate::list::MasternodeList;
use crate::masternode::{Masternode, UnixSeconds};
use crate::watch::{self, Selector, WatchList, WatchTarget};

/// A maintenance of some masternodes, with an end.
#[derive(Clone, Debug, PartialEq)]
pub struct Maintenance {
    /// The selected masternodes.
    pub target: MaintenanceTarget,
    /// The end.
    pub until: UnixSeconds,
    /// Free text of the operator; may be empty.
    pub reason: String,
    /// The number under which it was given to the running exporter; `None` for one of the configuration.
    pub id: Option<u64>,
}

/// Which of the watched masternodes a maintenance is of.
#[derive(Clone, Debug, PartialEq)]
pub enum MaintenanceTarget {
    /// Those that a selector of the watch list selects.
    Selector(Selector),
    /// The one with this alias.
    Alias(String),
    /// Those with this group: its key and its value.
    Group(String, String),
}

impl MaintenanceTarget {
    /// Whether a watched masternode is one of them. `masternode` is its entry of the list; without one, properties are not known and
    /// match nothing.
    pub fn selects(&self, watched: &WatchTarget, masternode: Option<&Masternode>, watch_list: &WatchList) -> bool {
        match self {
            MaintenanceTarget::Alias(alias) => watched.alias == *alias,
            MaintenanceTarget::Group(key, group) => watched.groups.get(key) == Some(group),
            MaintenanceTarget::Selector(Selector::Id(id)) => watched.id == *id,
            MaintenanceTarget::Selector(Selector::Own) => watch_list.own().contains(&watched.id),
            MaintenanceTarget::Selector(Selector::Fields(fields)) => {
                masternode.is_some_and(|masternode| watch::selects(fields, masternode))
            }
        }
    }
}

impl fmt::Display for MaintenanceTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaintenanceTarget::Alias(alias) => write!(f, "alias={alias}"),
            MaintenanceTarget::Group(key, group) => write!(f, "group {key}={group}"),
            MaintenanceTarget::Selector(selector) => f.write_str(&selector_text(selector)),
        }
    }
}

/// Gives each of `watched` the latest end of the entries that select it. A masternode that left the list keeps its end
/// from `known`, the result for the list before, because its selected properties are no longer on the list.
pub(super) fn apply(watch_list: &WatchList, watched: &mut [WatchTarget], list: &MasternodeList, known: &[WatchTarget]) {
    for entry in watch_list.maintenance() {
        let by_properties = matches!(entry.target, MaintenanceTarget::Selector(Selector::Fields(_)));
        for node in watched.iter_mut() {
            let listed = list.get(&node.id);
            let is_remembered =
                || known.iter().any(|known| known.id == node.id && known.maintenance_until == Some(entry.until));
            if entry.target.selects(node, listed, watch_list) || by_properties && listed.is_none() && is_remembered() {
                node.maintenance_until = node.maintenance_until.max(Some(entry.until));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{id, list, masternode};
    use crate::watch::{WatchEntry, WatchList};

    fn entry(number: u8, until: u64) -> Maintenance {
        of(MaintenanceTarget::Selector(Selector::Id(id(number))), until)
    }

    fn of(target: MaintenanceTarget, until: u64) -> Maintenance {
        Maintenance { target, until: UnixSeconds(until), reason: "new disk".into(), id: None }
    }

    #[test]
    fn the_latest_end_of_all_selecting_entries_counts_even_off_the_list() {
        let watch = |number| WatchEntry {
            selector: Selector::Id(id(number)),
            alias: String::new(),
            groups: [].into(),
            expectations: vec![],
            thresholds: Default::default(),
        };
        let watch = WatchList::new(vec![watch(1), watch(2), watch(3)]).with_maintenance(vec![
            entry(1, 500),
            entry(1, 900),
            entry(1, 700),
            entry(3, 600),
            entry(9, 600),
        ]);
        let ends: Vec<_> = watch
            .resolve(&list(1, vec![masternode(1), masternode(2)]), &[])
            .into_iter()
            .map(|watched| watched.maintenance_until.map(|until| until.0))
            .collect();
        assert_eq!(ends, [Some(900), None, Some(600)]);
    }

    #[test]
    fn an_alias_and_a_group_select_watched_masternodes_on_the_list_or_not() {
        let watch = |number, alias: &str, customer: &str| WatchEntry {
            selector: Selector::Id(id(number)),
            alias: alias.into(),
            groups: [("customer".to_string(), customer.to_string())].into(),
            expectations: vec![],
            thresholds: Default::default(),
        };
        let ends = |targets: Vec<Maintenance>| -> Vec<Option<u64>> {
            let list_of = vec![watch(1, "a", "acme"), watch(2, "b", "acme"), watch(3, "c", "other")];
            let watch = WatchList::new(list_of).with_maintenance(targets);
            let watched = watch.resolve(&list(1, vec![masternode(1)]), &[]);
            watched.into_iter().map(|watched| watched.maintenance_until.map(|until| until.0)).collect()
        };
        let group = |group: &str| MaintenanceTarget::Group("customer".into(), group.into());
        assert_eq!(ends(vec![of(MaintenanceTarget::Alias("b".into()), 5)]), [None, Some(5), None]);
        assert_eq!(ends(vec![of(group("acme"), 5), of(group("nobody"), 9)]), [Some(5), Some(5), None]);
    }
}
