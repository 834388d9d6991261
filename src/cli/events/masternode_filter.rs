//! Selection of masternodes by arguments, and their aliases, from the watch list of the configuration.
//!
//! Never here: a node's list; only a node can resolve a selection by address.

use std::collections::{BTreeMap, HashSet};

use crate::config::{Config, nearest};
use domain::masternode::MasternodeId;
use domain::watch::{Selector, WatchEntry, parse_group};

/// The aliases of masternodes of one network, or of all.
pub(in crate::cli) struct WatchListNames<'a> {
    config: &'a Config,
}

/// Selection of masternodes by arguments.
pub(in crate::cli) struct MasternodeFilter<'a> {
    /// Network filter.
    pub(in crate::cli) network: Option<&'a str>,
    /// Identities.
    pub(in crate::cli) masternodes: &'a [MasternodeId],
    /// Aliases,
    pub(in crate::cli) aliases: &'a [String],
    /// and groups, all of which must match.
    pub(in crate::cli) groups: &'a [(String, String)],
    /// Without any of them: all masternodes, not only watched ones.
    pub(in crate::cli) all: bool,
}

impl<'a> WatchListNames<'a> {
    pub(in crate::cli) fn of(config: &'a Config) -> WatchListNames<'a> {
        WatchListNames { config }
    }

    /// The alias of a masternode; empty if the watch list has none.
    pub(in crate::cli) fn alias(&self, network: &str, id: &MasternodeId) -> &'a str {
        let named = self.entries(Some(network)).find(|entry| entry.selector == Selector::Id(*id));
        named.map_or("", |entry| &entry.alias)
    }

    /// The groups of a masternode, as `key=value`; none if the watch list does not name it.
    pub(in crate::cli) fn groups(&self, network: &str, id: &MasternodeId) -> Vec<String> {
        let named = self.entries(Some(network)).find(|entry| entry.selector == Selector::Id(*id));
        let groups = named.into_iter().flat_map(|entry| &entry.groups);
        groups.map(|(key, group)| format!("{key}={group}")).collect()
    }

    /// The selected masternodes; `None` for all. The error names the argument and the fix.
    pub(in crate::cli) fn resolve(&self, asked: &MasternodeFilter<'_>) -> Result<Option<Vec<MasternodeId>>, String> {
        if asked.masternodes.is_empty() && asked.aliases.is_empty() && asked.groups.is_empty() {
            return Ok(if asked.all { None } else { self.watched(asked.network) });
        }
        let mut ids: Vec<MasternodeId> = asked.masternodes.to_vec();
        for alias in asked.aliases {
            ids.extend(self.named(asked.network, alias)?);
        }
        for (key, group) in asked.groups {
            let members = self.members(asked.network, key, group)?;
            if asked.masternodes.is_empty() && asked.aliases.is_empty() && ids.is_empty() {
                ids.extend(&members);
            }
            ids.retain(|id| members.contains(id));
            if ids.is_empty() {
                return Err(format!("--group {key}={group}: none of the masternodes asked for is in this group too"));
            }
        }
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        Ok(Some(ids))
    }

    /// The watched masternodes. `None` if there are none, or if an entry selects masternodes by what only a node knows.
    fn watched(&self, network: Option<&str>) -> Option<Vec<MasternodeId>> {
        let named = self.entries(network).map(|entry| match &entry.selector {
            Selector::Id(id) => Some(*id),
            Selector::Fields(_) | Selector::Own => None,
        });
        named.collect::<Option<Vec<MasternodeId>>>().filter(|ids| !ids.is_empty())
    }

    fn entries(&self, network: Option<&str>) -> impl Iterator<Item = &'a WatchEntry> {
        let of_network = move |only: &Option<String>| match (only, network) {
            (Some(only), Some(network)) => only == network,
            _ => true,
        };
        self.config.watch.iter().filter(move |(only, _)| of_network(only)).map(|(_, entry)| entry)
    }

    fn named(&self, network: Option<&str>, alias: &str) -> Result<Vec<MasternodeId>, String> {
        let mut ids = Vec::new();
        for entry in self.entries(network).filter(|entry| !entry.alias.is_empty()) {
            match &entry.selector {
                Selector::Id(id) if entry.alias == alias => ids.push(*id),
                Selector::Fields(_) | Selector::Own if alias.starts_with(&entry.alias) => {
                    return Err(format!(
                        "--alias {alias}: the watch list selects its masternodes by what they say, which only a node \
                         knows; name them by --masternode"
                    ));
                }
                _ => {}
            }
        }
        if ids.is_empty() {
            let known: Vec<&str> = self
                .entries(network)
                .filter(|entry| matches!(entry.selector, Selector::Id(_)) && !entry.alias.is_empty())
                .map(|entry| entry.alias.as_str())
                .collect();
            if let Some(near) = nearest(alias, known.iter().copied()) {
                return Err(format!("--alias {alias}: no such alias in the watch list; did you mean {near}?"));
            }
            return Err(format!("--alias {alias}: {}", nothing("no such alias in the watch list", "aliases", &known)));
        }
        Ok(ids)
    }

    fn members(&self, network: Option<&str>, key: &str, group: &str) -> Result<HashSet<MasternodeId>, String> {
        let (mut members, mut selected) = (HashSet::new(), false);
        let mut known: BTreeMap<String, ()> = BTreeMap::new();
        for entry in self.entries(network) {
            known.extend(entry.groups.iter().map(|(key, group)| (format!("{key}={group}"), ())));
            if entry.groups.get(key).map(String::as_str) == Some(group) {
                match &entry.selector {
                    Selector::Id(id) => drop(members.insert(*id)),
                    Selector::Fields(_) | Selector::Own => selected = true,
                }
            }
        }
        if selected {
            return Err(format!(
                "--group {key}={group}: the watch list selects masternodes of this group by what they say, which only a \
                 node knows; name them by --masternode"
            ));
        }
        if members.is_empty() {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(format!(
                "--group {key}={group}: {}",
                nothing("no such group in the watch list", "groups", &known)
            ));
        }
        Ok(members)
    }
}

fn nothing(what: &str, things: &str, known: &[&str]) -> String {
    match known {
        [] => format!("{what}, and no {things} at all; is the configuration given by --config.file?"),
        known => format!("{what}; its {things} are {}", known.join(", ")),
    }
}

/// Parses a group: `key=value` or `key:value`.
pub(in crate::cli) fn group(text: &str) -> Result<(String, String), String> {
    let group = parse_group(text).map(|(key, group)| (key.into(), group.into()));
    group.ok_or_else(|| "expected a group and its value, such as operator=acme".into())
}
