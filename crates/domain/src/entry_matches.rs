//! How many masternodes each selection of the watch list and each maintenance entry matches: one that matches none is a typing mistake, or
//! no longer what the operator means.
//!
//! Never here: entries that name one masternode of the watch list, whose absence has an alert of its own.

use std::fmt::Write;

use crate::list::MasternodeList;
use crate::maintenance::Maintenance;
use crate::masternode::{MasternodeId, UnixSeconds};
use crate::network_state::NetworkState;
use crate::watch::{self, Selector, WatchField, WatchList, WatchTarget};

/// Most entries of each kind that are counted.
const MOST_ENTRIES: usize = 100;

/// Most problems in a text.
const MOST_PROBLEMS: usize = 5;

/// The text of an entry for the masternodes that the sources run as.
const OWN: &str = "self";

/// Where an entry stands in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// In `watch`.
    Watch,
    /// In `alerting.maintenance`.
    Maintenance,
}

/// One entry and how many masternodes it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryMatches {
    /// Where the entry stands.
    pub kind: EntryKind,
    /// What it looks for: `payout_address=X…`, several fields with commas between them, or an identity.
    pub entry: String,
    /// On the list; of maintenance, among those that are watched.
    pub masternodes: usize,
    /// Masternodes that the entry selected and that no longer match it, or are no longer listed: they stay watched. 0 for maintenance.
    pub kept: usize,
}

impl EntryMatches {
    /// What is wrong with the entry and what to do, in sentences; `None` if it matches and always matched the same masternodes.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let entry = &self.entry;
        match (self.kind, self.masternodes, self.kept) {
            (EntryKind::Maintenance, 0, _) => Some(format!(
                "No watched masternode matches the maintenance entry {entry}: it mutes nothing. Correct the entry, or remove it."
            )),
            (EntryKind::Watch, 0, 0) => Some(format!(
                "No masternode matches the watch entry {entry}: the intended masternodes are not watched. Correct the entry, or remove it."
            )),
            (EntryKind::Watch, _, 1..) => {
                let (masternodes, stay) = match self.kept {
                    1 => ("1 masternode".into(), "It stays watched."),
                    kept => (format!("{kept} masternodes"), "They stay watched."),
                };
                Some(format!(
                    "The watch entry {entry} selected {masternodes} that it does not match any more. {stay} If you did not change this \
                     on the chain, read the events; otherwise correct the entry."
                ))
            }
            _ => None,
        }
    }
}

impl WatchList {
    /// Counts the masternodes of each selection and of each maintenance entry that has not ended, in the order of the configuration. Entries
    /// with the same text are one. At most 100 of each kind are counted.
    /// `selected_by` is the selector that selected a watched masternode last.
    pub fn matches<'a>(
        &self,
        list: &MasternodeList,
        watched: &[WatchTarget],
        selected_by: impl Fn(&MasternodeId) -> Option<&'a Selector>,
        now: UnixSeconds,
    ) -> Vec<EntryMatches> {
        // Alone, an entry for the own masternodes that finds none means that no masternode is watched, which has a
        // condition of its own.
        let is_alone = self.entries().len() == 1;
        let selections = self.entries().iter().filter_map(|entry| match &entry.selector {
            Selector::Fields(fields) => {
                let matching = list.masternodes().iter().filter(|node| watch::selects(fields, node)).count();
                let is_kept = |id: &MasternodeId| {
                    selected_by(id) == Some(&entry.selector)
                        && !list.get(id).is_some_and(|node| watch::selects(fields, node))
                };
                Some((text(fields), matching, watched.iter().filter(|target| is_kept(&target.id)).count()))
            }
            Selector::Own if !is_alone => Some((OWN.into(), self.own().len(), 0)),
            Selector::Own | Selector::Id(_) => None,
        });
        let selections = selections.map(|(entry, masternodes, kept)| EntryMatches {
            kind: EntryKind::Watch,
            entry,
            masternodes,
            kept,
        });
        let of_watched = |entry: &Maintenance| {
            let selects = |node: &&WatchTarget| entry.target.selects(node, list.get(&node.id), self);
            watched.iter().filter(selects).count()
        };
        let maintenance = self.maintenance().iter().filter(|entry| entry.until > now).map(|entry| EntryMatches {
            kind: EntryKind::Maintenance,
            entry: entry.target.to_string(),
            masternodes: of_watched(entry),
            kept: 0,
        });
        let mut matches: Vec<EntryMatches> = Vec::new();
        for found in selections.take(MOST_ENTRIES).chain(maintenance.take(MOST_ENTRIES)) {
            if matches.iter().all(|other| (other.kind, &other.entry) != (found.kind, &found.entry)) {
                matches.push(found);
            }
        }
        matches
    }
}

/// The problems of entries, at most five. An entry belongs to every network and needs to match on one of them, unless it is `bound` to
/// one. `None` if there are none so far, and the list of a network is not known.
#[must_use]
pub fn problems<'a>(
    networks: impl IntoIterator<Item = &'a NetworkState>,
    bound: &[(EntryKind, String)],
) -> Option<Vec<String>> {
    let mut best: Vec<EntryMatches> = Vec::new();
    let mut are_all_known = true;
    for network in networks {
        are_all_known &= network.snapshot.is_some();
        for found in network.snapshot.iter().flat_map(|snapshot| snapshot.entry_matches()) {
            match best.iter_mut().find(|other| (other.kind, &other.entry) == (found.kind, &found.entry)) {
                Some(other) => {
                    other.masternodes = other.masternodes.max(found.masternodes);
                    other.kept += found.kept;
                }
                None => best.push(found.clone()),
            }
        }
    }
    let is_bound =
        |found: &&EntryMatches| bound.iter().any(|(kind, entry)| (*kind, entry) == (found.kind, &found.entry));
    let is_certain = |found: &&EntryMatches| are_all_known || found.kept > 0 || is_bound(found);
    let problems = best.iter().filter(is_certain).filter_map(EntryMatches::problem).take(MOST_PROBLEMS);
    Some(problems.collect()).filter(|problems: &Vec<String>| are_all_known || !problems.is_empty())
}

/// A selector in words: `payout_address=X…`, several fields with commas between them, an identity, or `self`.
#[must_use]
pub fn selector_text(selector: &Selector) -> String {
    match selector {
        Selector::Id(id) => id.to_string(),
        Selector::Fields(fields) => text(fields),
        Selector::Own => OWN.into(),
    }
}

fn text(fields: &[(WatchField, String)]) -> String {
    let mut text = String::new();
    for (field, value) in fields {
        let comma = if text.is_empty() { "" } else { "," };
        write!(text, "{comma}{}={value}", field.label()).expect("a String takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::details::DetailTexts;
    use crate::maintenance::MaintenanceTarget;
    use crate::masternode::Masternode;
    use crate::samples::{id, list, masternode, network_state, snapshot};
    use crate::watch::WatchEntry;

    fn paying(number: u8, payout: &'static str) -> Masternode {
        let texts = DetailTexts { payout_address: Some(payout.into()), ..DetailTexts::default() };
        Masternode { details: texts.into(), ..masternode(number) }
    }

    fn payout(value: &str) -> Selector {
        Selector::Fields(vec![(WatchField::PayoutAddress, value.into())])
    }

    #[test]
    fn selections_and_maintenance_that_match_nobody_are_counted_apart() {
        let entry = |selector| WatchEntry {
            selector,
            alias: "a".into(),
            groups: [].into(),
            expectations: vec![],
            thresholds: Default::default(),
        };
        let work = |selector, until| Maintenance {
            target: MaintenanceTarget::Selector(selector),
            until: UnixSeconds(until),
            reason: String::new(),
            id: None,
        };
        let watch = WatchList::new(vec![
            entry(payout("Xone")),
            entry(payout("Xmistyped")),
            entry(payout("Xone")),
            entry(Selector::Id(id(9))),
        ])
        .with_maintenance(vec![
            work(Selector::Id(id(1)), 900),
            work(Selector::Id(id(3)), 900),
            work(payout("Xother"), 900),
            work(payout("Xone"), 900),
            work(Selector::Id(id(4)), 100),
        ]);
        let list = list(1, vec![paying(1, "Xone"), paying(2, "Xone"), paying(3, "Xother")]);
        let watched = watch.resolve(&list, &[]);
        let matches = watch.matches(&list, &watched, |_| None, UnixSeconds(500));
        let found: Vec<_> = matches.iter().map(|found| (found.kind, found.entry.as_str(), found.masternodes)).collect();
        let (one, three) = (id(1).to_string(), id(3).to_string());
        let expected = [
            (EntryKind::Watch, "payout_address=Xone", 2),
            (EntryKind::Watch, "payout_address=Xmistyped", 0),
            (EntryKind::Maintenance, one.as_str(), 1),
            (EntryKind::Maintenance, three.as_str(), 0),
            (EntryKind::Maintenance, "payout_address=Xother", 0),
            (EntryKind::Maintenance, "payout_address=Xone", 2),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn masternodes_that_an_entry_no_longer_matches_are_not_called_unwatched() {
        let entry = WatchEntry {
            selector: payout("Xmine"),
            alias: "a".into(),
            groups: [].into(),
            expectations: vec![],
            thresholds: Default::default(),
        };
        let watch = WatchList::new(vec![entry]);
        let watched = watch.resolve(&list(1, vec![paying(1, "Xmine"), paying(2, "Xmine")]), &[]);
        let mine = payout("Xmine");
        let problem = |after: Vec<Masternode>| {
            let matches = watch.matches(&list(2, after), &watched, |_| Some(&mine), UnixSeconds(500));
            (matches[0].masternodes, matches[0].kept, matches[0].problem().unwrap_or_default())
        };
        assert_eq!(problem(vec![paying(1, "Xmine"), paying(2, "Xmine")]), (2, 0, String::new()));
        let (matching, kept, text) = problem(vec![paying(1, "Xmine"), paying(2, "Xthief")]);
        assert_eq!((matching, kept), (1, 1));
        assert!(text.contains("selected 1 masternode") && text.contains("It stays watched."), "{text}");
        let (matching, kept, text) = problem(vec![paying(1, "Xthief")]);
        assert_eq!((matching, kept), (0, 2), "one is no longer listed");
        assert!(text.contains("They stay watched.") && !text.contains("not watched"), "{text}");
    }

    #[test]
    fn an_entry_of_a_network_that_is_known_has_a_problem_although_another_network_is_not_known() {
        let matches = |entry: &str, masternodes, kept| EntryMatches {
            kind: EntryKind::Watch,
            entry: entry.into(),
            masternodes,
            kept,
        };
        let found = vec![matches("payout_address=bound", 0, 0), matches("payout_address=any", 0, 0)];
        let known = |found| Some(Arc::new(snapshot(vec![]).with_entry_matches(found)));
        let bound = [(EntryKind::Watch, "payout_address=bound".to_string())];
        let of = |networks: &[NetworkState]| problems(networks, &bound).map(|problems| problems.len());
        let (one, unknown) = (network_state("a", known(found), vec![]), network_state("b", None, vec![]));
        assert_eq!(of(std::slice::from_ref(&one)), Some(2));
        assert_eq!(of(&[one, unknown.clone()]), Some(1), "the other one may match in the network that is not known");
        let good = network_state("a", known(vec![matches("payout_address=bound", 1, 0)]), vec![]);
        assert_eq!(of(std::slice::from_ref(&good)), Some(0));
        assert_eq!(of(&[good, unknown]), None);
        let left = network_state("a", known(vec![matches("payout_address=any", 0, 1)]), vec![]);
        assert_eq!(of(&[left, network_state("b", None, vec![])]), Some(1), "it did select one");
    }
}
