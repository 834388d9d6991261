//! Selection of masternodes by arguments, for commands that read the history: by the watch list of the configuration, and by
//! what the running exporter recorded of the masternodes that entries select.
//!
//! Never here: a node's list.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use clap::Args;

use crate::cli::CommandError;
use crate::config::Config;
use crate::history::{Reader, StoreError, WatchedTarget};
use crate::nearest::{hint, nearest};
use domain::masternode::MasternodeId;
use domain::watch::{Selector, WatchEntry, parse_group};

/// The history of the configuration, and its file; `what` is kept in it.
pub(super) fn open_history<'a>(config: &'a Config, what: &str) -> Result<(&'a Path, Reader), CommandError> {
    let path = config.history.path.as_deref().ok_or_else(|| {
        let cure = "name the exporter's configuration by --config.file, or the file by --history.path";
        CommandError::Configuration(format!("history.path is not set, so no {what} are kept; {cure}"))
    })?;
    let reader = Reader::open(path).map_err(|error| CommandError::Configuration(format!("history.path: {error}")))?;
    Ok((path, reader))
}

/// Which masternodes.
#[derive(Debug, Args)]
pub(super) struct MasternodeArguments {
    /// Filter by network.
    #[arg(long, value_name = "NAME")]
    pub(super) network: Option<String>,
    /// Filter by masternode: its proTxHash, txid-n of its collateral, its alias, or its address. Can be repeated.
    #[arg(long = "masternode", value_name = "NAME")]
    masternodes: Vec<String>,
    /// Filter by alias from the watch list. Can be repeated.
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// Filter by group of the watch list. If repeated, all groups must match.
    #[arg(long = "group", value_name = "KEY=VALUE", value_parser = group)]
    groups: Vec<(String, String)>,
    /// Include masternodes that are not watched.
    #[arg(long)]
    all: bool,
}

impl MasternodeArguments {
    /// Checks that the history has the network.
    pub(super) fn check_network<'a>(&self, recorded: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let Some(name) = &self.network else { return Ok(()) };
        let names: Vec<&str> = recorded.collect();
        if names.contains(&name.as_str()) {
            return Ok(());
        }
        let there = if names.is_empty() { "none yet".to_string() } else { names.join(", ") };
        Err(format!("--network {name}: not in the history; recorded networks: {there}"))
    }
}

/// The names of masternodes.
pub(super) struct WatchListNames<'a> {
    config: &'a Config,
    recorded: BTreeMap<String, Vec<WatchedTarget>>,
}

/// A watched masternode.
#[derive(Clone, Copy)]
struct Known<'a> {
    id: MasternodeId,
    alias: &'a str,
    groups: &'a BTreeMap<String, String>,
}

impl<'a> WatchListNames<'a> {
    pub(super) fn read(config: &'a Config, reader: &Reader) -> Result<WatchListNames<'a>, StoreError> {
        match reader.damaged_rows() {
            Ok(0) => {}
            Ok(rows) => {
                note!("warning: {rows} damaged rows of counters, sums and states of the history file are omitted")
            }
            Err(error) => note!("warning: a part of the history file is omitted: {error}"),
        }
        Ok(WatchListNames { config, recorded: reader.watched_targets()? })
    }

    /// The alias of a masternode; empty if it has none.
    pub(super) fn alias(&self, network: &str, id: &MasternodeId) -> &str {
        self.known(Some(network)).find(|known| known.id == *id).map_or("", |known| known.alias)
    }

    /// The groups of a masternode, as `key=value`; none if it is not watched.
    pub(super) fn groups(&self, network: &str, id: &MasternodeId) -> Vec<String> {
        let known = self.known(Some(network)).find(|known| known.id == *id);
        let groups = known.into_iter().flat_map(|known| known.groups);
        groups.map(|(key, group)| format!("{key}={group}")).collect()
    }

    /// The selected masternodes of a network, or of all; `None` for all masternodes. The error names the argument and the fix.
    pub(super) fn resolve(
        &self,
        asked: &MasternodeArguments,
        network: Option<&str>,
    ) -> Result<Option<Vec<MasternodeId>>, String> {
        if asked.masternodes.is_empty() && asked.aliases.is_empty() && asked.groups.is_empty() {
            return Ok(if asked.all { None } else { self.watched(network) });
        }
        let mut ids = Vec::new();
        for name in &asked.masternodes {
            ids.extend(self.named(network, name)?);
        }
        for alias in &asked.aliases {
            let found = self.aliased(network, alias);
            if found.is_empty() {
                return Err(self.unknown_alias(network, alias));
            }
            ids.extend(found);
        }
        let is_named = !asked.masternodes.is_empty() || !asked.aliases.is_empty();
        for (index, (key, group)) in asked.groups.iter().enumerate() {
            let members = self.members(network, key, group)?;
            if index == 0 && !is_named {
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

    /// The watched masternodes: those that the configuration names, then those that its other entries select, as far as recorded.
    fn known(&self, network: Option<&str>) -> impl Iterator<Item = Known<'_>> {
        let named = self.entries(network).filter_map(|entry| match entry.selector {
            Selector::Id(id) => Some(Known { id, alias: &entry.alias, groups: &entry.groups }),
            Selector::Fields(_) | Selector::Own => None,
        });
        let selects = self.selecting(network).next().is_some();
        let selected = self.targets(network).filter(move |target| selects && target.selector.is_some());
        named.chain(selected.map(|target| Known { id: target.id, alias: &target.alias, groups: &target.groups }))
    }

    fn targets(&self, network: Option<&str>) -> impl Iterator<Item = &WatchedTarget> {
        let of_network = self.recorded.iter().filter(move |(name, _)| network.is_none_or(|network| network == *name));
        of_network.flat_map(|(_, targets)| targets)
    }

    fn entries(&self, network: Option<&str>) -> impl Iterator<Item = &'a WatchEntry> {
        let of_network = move |only: &Option<String>| match (only, network) {
            (Some(only), Some(network)) => only == network,
            _ => true,
        };
        self.config.watch.iter().filter(move |(only, _)| of_network(only)).map(|(_, entry)| entry)
    }

    /// The entries that select masternodes by something else than their identity.
    fn selecting(&self, network: Option<&str>) -> impl Iterator<Item = &'a WatchEntry> {
        self.entries(network).filter(|entry| !matches!(entry.selector, Selector::Id(_)))
    }

    /// Whether it is recorded what the entries of a network select, or of each network.
    fn is_recorded(&self, network: Option<&str>) -> bool {
        match network {
            Some(network) => self.recorded.contains_key(network),
            None => self.config.networks.iter().all(|network| self.recorded.contains_key(&network.name)),
        }
    }

    /// The watched masternodes. `None` if there are none, or if what an entry selects is not recorded.
    fn watched(&self, network: Option<&str>) -> Option<Vec<MasternodeId>> {
        let is_whole = self.selecting(network).next().is_none() || self.is_recorded(network);
        let ids: Vec<MasternodeId> = self.known(network).map(|known| known.id).collect();
        Some(ids).filter(|ids| is_whole && !ids.is_empty())
    }

    fn aliased(&self, network: Option<&str>, alias: &str) -> Vec<MasternodeId> {
        let aliased = self.known(network).filter(|known| !alias.is_empty() && known.alias == alias);
        aliased.map(|known| known.id).collect()
    }

    /// The masternodes of an alias, an identity or an address.
    fn named(&self, network: Option<&str>, name: &str) -> Result<Vec<MasternodeId>, String> {
        let aliased = self.aliased(network, name);
        if !aliased.is_empty() {
            return Ok(aliased);
        }
        if let Ok(id) = name.parse() {
            return Ok(vec![id]);
        }
        let is_there = |target: &&WatchedTarget| target.address.as_deref() == Some(name);
        let found: Vec<MasternodeId> = self.targets(network).filter(is_there).map(|target| target.id).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let names = self.known(network).map(|known| known.alias);
        let names = names.chain(self.targets(network).filter_map(|target| target.address.as_deref()));
        let hint = hint(name, names);
        Err(format!(
            "--masternode {name}: it is neither a proTxHash, nor an alias or address of a watched masternode{hint}"
        ))
    }

    fn unknown_alias(&self, network: Option<&str>, alias: &str) -> String {
        let known: Vec<&str> = self.known(network).map(|known| known.alias).filter(|alias| !alias.is_empty()).collect();
        if let Some(near) = nearest(alias, known.iter().copied()) {
            return format!("--alias {alias}: no such alias in the watch list; did you mean {near}?");
        }
        let selects = |entry: &WatchEntry| !entry.alias.is_empty() && alias.starts_with(&entry.alias);
        if !self.is_recorded(network) && self.selecting(network).any(selects) {
            return format!("--alias {alias}: {NOT_RECORDED}");
        }
        format!("--alias {alias}: {}", nothing("no such alias in the watch list", "aliases", &known))
    }

    fn members(&self, network: Option<&str>, key: &str, group: &str) -> Result<HashSet<MasternodeId>, String> {
        let is_of = |groups: &BTreeMap<String, String>| groups.get(key).is_some_and(|value| value == group);
        if !self.is_recorded(network) && self.selecting(network).any(|entry| is_of(&entry.groups)) {
            return Err(format!("--group {key}={group}: {NOT_RECORDED}"));
        }
        let members: HashSet<_> =
            self.known(network).filter(|known| is_of(known.groups)).map(|known| known.id).collect();
        if members.is_empty() {
            let groups = self.entries(network).flat_map(|entry| &entry.groups);
            let known: BTreeSet<String> = groups.map(|(key, group)| format!("{key}={group}")).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let asked = format!("{key}={group}");
            return Err(match nearest(&asked, known.iter().copied()) {
                Some(near) if near == asked => format!("--group {asked}: no masternode is in this group"),
                Some(near) => format!("--group {asked}: no such group in the watch list; did you mean {near}?"),
                None => format!("--group {asked}: {}", nothing("no such group in the watch list", "groups", &known)),
            });
        }
        Ok(members)
    }
}

/// Why a selection is not possible.
const NOT_RECORDED: &str = "the watch list selects its masternodes by their fields, and the history does not say yet which \
                            these are; run the exporter with this history, or name them by --masternode";

fn nothing(what: &str, things: &str, known: &[&str]) -> String {
    match known {
        [] => format!("{what}, and no {things} at all; is the configuration given by --config.file?"),
        known => format!("{what}; its {things} are {}", known.join(", ")),
    }
}

/// Parses a group: `key=value` or `key:value`.
pub(super) fn group(text: &str) -> Result<(String, String), String> {
    let group = parse_group(text).map(|(key, group)| (key.into(), group.into()));
    group.ok_or_else(|| "expected a group and its value, such as operator=acme".into())
}
