//! How masternodes are named by who asks about them: by alias, identity or address.
//!
//! Never here: groups, which are a filter (`view`); unknown names.

use crate::masternode::MasternodeId;
use crate::network_state::NetworkState;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// The masternodes of a name: the watched ones with this alias, or the one of this identity, or the one at this address. An
    /// identity need not be known.
    #[must_use]
    pub fn find_named(&self, name: &str) -> Vec<MasternodeId> {
        let watched = || self.watched().iter().map(|entry| &entry.watched);
        let aliased: Vec<_> = watched().filter(|target| target.alias == name).map(|target| target.id).collect();
        if !aliased.is_empty() || name.is_empty() {
            return aliased;
        }
        if let Ok(id) = name.parse() {
            return vec![id];
        }
        let is_seen = |id: &MasternodeId| !self.is_restricted() || watched().any(|target| target.id == *id);
        self.list().by_address(name).filter(is_seen).into_iter().collect()
    }

    /// The aliases and addresses of watched masternodes.
    #[must_use]
    pub fn known_names(&self) -> Vec<String> {
        let address = |index: usize| self.node(index).masternode.details.address().map(|address| address.into_owned());
        let names =
            |entry: &crate::snapshot::WatchedEntry| [Some(entry.watched.alias.clone()), entry.index.and_then(address)];
        self.watched().iter().flat_map(names).flatten().collect()
    }
}

impl NetworkState {
    /// The masternodes of a name, as on the last list; see [`Snapshot::find_named`].
    #[must_use]
    pub fn find_named(&self, name: &str) -> Vec<MasternodeId> {
        let named = self.last().map(|last| last.find_named(name)).unwrap_or_default();
        if !named.is_empty() {
            return named;
        }
        let aliased = self.named.iter().filter(|target| !name.is_empty() && target.alias == name);
        let aliased: Vec<_> = aliased.map(|target| target.id).collect();
        if aliased.is_empty() { name.parse().into_iter().collect() } else { aliased }
    }

    /// The aliases and addresses of watched masternodes.
    #[must_use]
    pub fn known_names(&self) -> Vec<String> {
        let of_last = self.last().map(Snapshot::known_names).unwrap_or_default();
        self.named.iter().map(|target| target.alias.clone()).chain(of_last).collect()
    }

    /// The groups of watched masternodes, as `key=value`.
    #[must_use]
    pub fn known_groups(&self) -> Vec<String> {
        let groups = self.watched().into_iter().flat_map(|target| &target.groups);
        let mut groups: Vec<String> = groups.map(|(key, group)| format!("{key}={group}")).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}
