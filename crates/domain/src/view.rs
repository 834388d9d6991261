//! What a reader may see who is limited to some groups of the watch list: their masternodes, and facts of the network that
//! name no masternode.
//!
//! Never here: who the reader is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::list_proof::{ListMismatch, ListProofStatus};
use crate::masternode::MasternodeId;
use crate::network_state::NetworkState;
use crate::snapshot::{self, Snapshot};
use crate::watch::WatchTarget;

/// Groups that must all match: key to group.
pub type GroupFilter = BTreeMap<String, String>;

/// Whether a watched masternode has all groups of a filter.
#[must_use]
pub fn shows(filter: &GroupFilter, watched: &WatchTarget) -> bool {
    filter.iter().all(|(key, group)| watched.groups.get(key) == Some(group))
}

impl NetworkState {
    /// The state as a reader may see it who is limited to these groups.
    #[must_use]
    pub fn restricted(&self, filter: &GroupFilter) -> NetworkState {
        let restrict = |snapshot: &Option<Arc<Snapshot>>| snapshot.as_ref().map(|s| Arc::new(s.restricted(filter)));
        let (snapshot, withdrawn) = (restrict(&self.snapshot), restrict(&self.withdrawn));
        let named: Vec<WatchTarget> = self.named.iter().filter(|target| shows(filter, target)).cloned().collect();
        let mut state = NetworkState { snapshot, withdrawn, named: named.into(), ..self.clone() };
        let seen: BTreeSet<MasternodeId> = state.watched().into_iter().map(|target| target.id).collect();
        for source in &mut state.sources {
            source.masternode = source.masternode.take().filter(|own| own.id.is_some_and(|id| seen.contains(&id)));
            source.list_proof = without_masternode(&source.list_proof);
        }
        let probes = state.probes.as_ref();
        state.probes = probes.map(|probes| {
            let of_seen = probes.iter().filter(|(id, _)| seen.contains(id));
            Arc::new(of_seen.map(|(id, probe)| (*id, probe.clone())).collect())
        });
        state
    }
}

impl Snapshot {
    /// Whether it shows the masternodes of some groups only: then others on the list must not be shown.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.is_restricted
    }

    /// The snapshot with the watched masternodes that have these groups. Counts of the network stay.
    #[must_use]
    pub fn restricted(&self, filter: &GroupFilter) -> Snapshot {
        let mut view = self.clone();
        view.is_restricted = true;
        view.watched.retain(|entry| shows(filter, &entry.watched));
        let seen: BTreeSet<MasternodeId> = view.watched.iter().map(|entry| entry.watched.id).collect();
        let indices: BTreeSet<u32> = view.watched.iter().filter_map(|entry| Some(entry.index? as u32)).collect();
        let order: Vec<u32> = self.by_danger().iter().copied().filter(|index| indices.contains(index)).collect();
        view.by_danger = OnceLock::from(order);
        view.search = OnceLock::new();
        view.groups = snapshot::groups(&view.watched, &view.list, view.limits);
        view.recent_events.retain(|event| seen.contains(&event.masternode));
        view.entry_matches = Vec::new();
        view.payments.show_elections_of(|index| indices.contains(&(index as u32)));
        view.facts.list_proof.status = without_masternode(&view.facts.list_proof.status);
        view
    }
}

/// The status without the masternode that differs.
fn without_masternode(status: &ListProofStatus) -> ListProofStatus {
    match status {
        ListProofStatus::Refuted(mismatch) => {
            ListProofStatus::Refuted(Arc::new(ListMismatch { height: mismatch.height, difference: None }))
        }
        other => other.clone(),
    }
}
