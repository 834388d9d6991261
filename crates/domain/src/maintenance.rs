//! Masternodes in maintenance, and the end of the maintenance. Alerts about these masternodes are muted.
//!
//! Never here: receivers and alerts; reading the entries from a file (`config`).

use crate::list::MasternodeList;
use crate::masternode::UnixSeconds;
use crate::watch::{self, Selector, WatchTarget};

/// A maintenance of some masternodes, with an end.
#[derive(Clone, Debug, PartialEq)]
pub struct Maintenance {
    /// The selected masternodes.
    pub selector: Selector,
    /// The end.
    pub until: UnixSeconds,
    /// Free text of the configuration; may be empty.
    pub reason: String,
}

/// Gives each of `watched` the latest end of the entries that select it. A masternode that left the list keeps its end
/// from `known`, the result for the list before, because its selected properties are no longer on the list.
pub(super) fn apply(
    entries: &[Maintenance],
    watched: &mut [WatchTarget],
    list: &MasternodeList,
    known: &[WatchTarget],
) {
    if entries.is_empty() {
        return;
    }
    for entry in entries {
        let wanted = match &entry.selector {
            Selector::Id(_) => Vec::new(),
            Selector::Fields(fields) => watch::wanted(fields),
        };
        for node in watched.iter_mut() {
            let selected = match &entry.selector {
                Selector::Id(id) => *id == node.id,
                Selector::Fields(_) => match list.get(&node.id) {
                    Some(masternode) => wanted.iter().all(|wanted| wanted.is_of(&masternode.details)),
                    None => {
                        known.iter().any(|known| known.id == node.id && known.maintenance_until == Some(entry.until))
                    }
                },
            };
            if selected {
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
        Maintenance { selector: Selector::Id(id(number)), until: UnixSeconds(until), reason: "new disk".into() }
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
}
