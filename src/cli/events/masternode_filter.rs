//! Which masternodes the arguments mean, and what the operator calls them: by the watch list of the configuration.
//!
//! Never here: a list of a node; what is selected by address is known to nobody but a node.

use std::collections::{BTreeMap, HashSet};

use crate::config::{Config, nearest};
use domain::masternode::MasternodeId;
use domain::watch::{Selector, WatchEntry};

/// The names of one network's masternodes, or of all.
pub(super) struct WatchListNames<'a> {
    config: &'a Config,
}

/// What the arguments say of masternodes.
pub(super) struct MasternodeFilter<'a> {
    /// Only of this network.
    pub(super) network: Option<&'a str>,
    /// These.
    pub(super) masternodes: &'a [MasternodeId],
    /// And those of these names,
    pub(super) aliases: &'a [String],
    /// as far as they are in all of these groups.
    pub(super) groups: &'a [(String, String)],
}

impl<'a> WatchListNames<'a> {
    pub(super) fn of(config: &'a Config) -> WatchListNames<'a> {
        WatchListNames { config }
    }

    /// What the operator calls a masternode; empty where the watch list does not name it.
    pub(super) fn alias(&self, network: &str, id: &MasternodeId) -> &'a str {
        let named = self.entries(Some(network)).find(|entry| entry.selector == Selector::Id(*id));
        named.map_or("", |entry| &entry.alias)
    }

    /// The masternodes asked for; `None` for all. The error names the argument and what to do.
    pub(super) fn resolve(&self, asked: &MasternodeFilter<'_>) -> Result<Option<Vec<MasternodeId>>, String> {
        if asked.masternodes.is_empty() && asked.aliases.is_empty() && asked.groups.is_empty() {
            return Ok(None);
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
                Selector::Fields(_) if alias.starts_with(&entry.alias) => {
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
                return Err(format!("--alias {alias}: the watch list has no such name; did you mean {near}?"));
            }
            return Err(format!("--alias {alias}: {}", nothing("the watch list has no such name", "names", &known)));
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
                    Selector::Fields(_) => selected = true,
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
                nothing("the watch list has no such group", "groups", &known)
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

/// Reads `key=value`.
pub(super) fn group(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, group)) if !key.is_empty() && !group.is_empty() => Ok((key.into(), group.into())),
        _ => Err("expected a group and its value, such as operator=acme".into()),
    }
}
