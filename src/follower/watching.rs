//! The watch list, and the masternodes that it selects on the list of the tip.
//!
//! Never here: maintenance; what is published of a masternode.

use std::collections::BTreeSet;

use tokio::sync::watch;

use domain::entry_matches::EntryMatches;
use domain::list::MasternodeList;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::unreadable::Unreadable;
use domain::watch::{Selector, WatchList, WatchTarget};

/// See the module.
pub(super) struct Watching {
    list: watch::Receiver<WatchList>,
    targets: Vec<WatchTarget>,
}

impl Watching {
    /// Nothing is selected yet.
    pub(super) fn new(list: watch::Receiver<WatchList>) -> Watching {
        Watching { list, targets: Vec::new() }
    }

    /// Waits for another watch list. Fails when the sender is gone.
    pub(super) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.list.changed().await?;
        self.targets.clear();
        Ok(())
    }

    /// Selects the watched masternodes of a list. Masternodes that left it are remembered for as long as the same watch
    /// list is in force.
    pub(super) fn select(&mut self, list: &MasternodeList) {
        let watch_list = self.list.borrow_and_update();
        let known = if watch_list.has_changed() { Vec::new() } else { std::mem::take(&mut self.targets) };
        self.targets = watch_list.resolve(list, &known);
    }

    /// The same for the list of an earlier block: a masternode that an entry selected stays watched, whatever changed
    /// since.
    pub(super) fn select_earlier(&mut self, list: &MasternodeList) {
        self.targets = self.list.borrow().resolve(list, &self.targets);
    }

    /// How many masternodes of a list each entry matches at a time.
    pub(super) fn matches(&self, list: &MasternodeList, now: UnixSeconds) -> Vec<EntryMatches> {
        self.list.borrow().matches(list, &self.targets, now)
    }

    /// The masternodes that were selected last.
    pub(super) fn targets(&self) -> &[WatchTarget] {
        &self.targets
    }

    /// Whether a watched masternode is one of the unreadable entries of a list, so nothing may be reported about it.
    pub(super) fn is_hidden_in(&self, list: &MasternodeList) -> bool {
        self.targets.iter().any(|target| list.unreadable().has(&target.id))
    }

    /// A watched masternode whose entry is not readable, or may be one of those without a readable identity.
    pub(super) fn unreadable_in(&self, list: &MasternodeList) -> Option<MasternodeId> {
        self.hidden_in(list).first().copied()
    }

    /// A list that hides watched masternodes, with each of them among its unreadable ones. A masternode that may be an
    /// entry without a readable identity adds one entry.
    pub(super) fn with_hidden(&self, list: MasternodeList) -> MasternodeList {
        let unreadable = list.unreadable();
        let hidden = self.hidden_in(&list);
        let unnamed = hidden.iter().filter(|id| !unreadable.has(id)).count();
        let ids = unreadable.ids().iter().copied().chain(hidden).collect();
        let unreadable = Unreadable::new(ids, unreadable.entries() + unnamed);
        list.with_unreadable(unreadable)
    }

    fn hidden_in(&self, list: &MasternodeList) -> BTreeSet<MasternodeId> {
        let unreadable = list.unreadable();
        if unreadable.entries() == 0 {
            return BTreeSet::new();
        }
        let watch_list = self.list.borrow();
        let named = watch_list.entries().iter().filter_map(|entry| match &entry.selector {
            Selector::Id(id) => Some(*id),
            Selector::Fields(_) => None,
        });
        let unnamed = unreadable.unnamed() > 0;
        let is_hidden = |id: &MasternodeId| unreadable.has(id) || (unnamed && list.get(id).is_none());
        named.chain(self.targets.iter().map(|target| target.id)).filter(is_hidden).collect()
    }
}
