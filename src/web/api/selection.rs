//! The masternodes that a request selects: by name, by group of the watch list, or all watched ones.
//!
//! Never here: other filters, such as states and times.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::nearest::hint;
use crate::web::api::parameters::{Parameter, Parameters, echo};
use crate::web::api::{ApiError, missing};
use domain::NetworkState;
use domain::masternode::MasternodeId;
use domain::watch::{WatchTarget, parse_group};

/// A selection. Names add up; of groups, all must match.
#[derive(Default)]
pub(super) struct Selection<'a> {
    ids: BTreeSet<MasternodeId>,
    aliases: BTreeSet<&'a str>,
    groups: Vec<(&'a str, &'a str)>,
    watched: bool,
}

impl<'a> Selection<'a> {
    /// Reads the parameters masternode, alias, group and watched. An unknown name is an error, because an empty answer would hide
    /// the mistake.
    pub(super) fn read(parameters: &'a Parameters, networks: &[Arc<NetworkState>]) -> Result<Selection<'a>, ApiError> {
        let mut selection = Selection { watched: parameters.flag("watched")?, ..Selection::default() };
        for name in parameters.all("masternode") {
            selection.ids.extend(resolve(networks, name)?);
        }
        for alias in parameters.all("alias") {
            let is_known = |network: &Arc<NetworkState>| network.watched().iter().any(|target| target.alias == alias);
            if !networks.iter().any(is_known) {
                return Err(unknown(networks, "alias", alias, "in the watch list"));
            }
            selection.aliases.insert(alias);
        }
        parameters.each(Parameter::GROUP.name, "a group and its value, such as operator=acme", |text| {
            parse_group(text).map(drop)
        })?;
        for (key, group) in parameters.all(Parameter::GROUP.name).filter_map(parse_group) {
            if !networks.iter().any(|network| network.watched().iter().any(|target| target.is_in(key, group))) {
                return Err(unknown_group(networks, key, group));
            }
            selection.groups.push((key, group));
        }
        Ok(selection)
    }

    /// Whether it selects all masternodes.
    pub(super) fn is_everything(&self) -> bool {
        self.ids.is_empty() && self.aliases.is_empty() && self.groups.is_empty() && !self.watched
    }

    /// Whether it selects a masternode.
    pub(super) fn has(&self, id: &MasternodeId, watched: Option<&WatchTarget>) -> bool {
        let is_named =
            self.ids.contains(id) || watched.is_some_and(|target| self.aliases.contains(target.alias.as_str()));
        let in_groups = |target: &WatchTarget| self.groups.iter().all(|(key, group)| target.is_in(key, group));
        (is_named || self.ids.is_empty() && self.aliases.is_empty())
            && (self.groups.is_empty() || watched.is_some_and(in_groups))
            && (!self.watched || watched.is_some())
    }

    /// The selected masternodes, ascending; `None` for all.
    pub(super) fn ids(&self, networks: &[Arc<NetworkState>]) -> Option<Vec<MasternodeId>> {
        (!self.is_everything()).then(|| {
            let watched = networks.iter().flat_map(|network| network.watched());
            let watched = watched.filter(|target| self.has(&target.id, Some(target))).map(|target| target.id);
            let others = self.ids.iter().copied().filter(|id| self.has(id, None));
            watched.chain(others).collect::<BTreeSet<MasternodeId>>().into_iter().collect()
        })
    }
}

/// The masternodes of an identity, alias or address. An identity need not be known: the history may have it.
pub(super) fn resolve(networks: &[Arc<NetworkState>], name: &str) -> Result<Vec<MasternodeId>, ApiError> {
    let found: Vec<MasternodeId> = networks.iter().flat_map(|network| network.find_named(name)).collect();
    match (found.is_empty(), name.parse()) {
        (false, _) => Ok(found),
        // Without a network, nothing else is known.
        (true, Ok(id)) => Ok(vec![id]),
        (true, Err(_)) => Err(unknown(networks, "masternode", name, "by identity, alias or address")),
    }
}

fn unknown(networks: &[Arc<NetworkState>], what: &str, name: &str, how: &str) -> ApiError {
    let known: Vec<String> = networks.iter().flat_map(|network| network.known_names()).collect();
    let hint = hint(name, known.iter().map(String::as_str));
    missing(format!("no {what} {} {how}{hint}", echo(name)))
}

fn unknown_group(networks: &[Arc<NetworkState>], key: &str, group: &str) -> ApiError {
    let known: Vec<String> = networks.iter().flat_map(|network| network.known_groups()).collect();
    let asked = format!("{key}={group}");
    let hint = hint(&asked, known.iter().map(String::as_str));
    missing(format!("no group {} in the watch list{hint}", echo(&asked)))
}
