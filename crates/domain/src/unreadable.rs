//! Entries of a masternode list that could not be read, with their masternodes if known.
//!
//! Never here: why an entry could not be read (`rpc`).

use crate::masternode::{Height, Masternode, MasternodeId};

/// The unreadable entries of one list. Nothing is known about their masternodes at the block of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    ids: Vec<MasternodeId>,
    entries: usize,
}

impl Unreadable {
    /// The masternodes of unreadable entries in any order, and the number of such entries, those without a readable
    /// identity included.
    pub fn new(mut ids: Vec<MasternodeId>, entries: usize) -> Unreadable {
        ids.sort_unstable();
        ids.dedup();
        Unreadable { ids, entries }
    }

    /// The masternodes, ascending by identity.
    pub fn ids(&self) -> &[MasternodeId] {
        &self.ids
    }

    /// The number of unreadable entries.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// The number of entries whose masternode is not known.
    pub fn unnamed(&self) -> usize {
        self.entries.saturating_sub(self.ids.len())
    }

    /// Whether the entry of this masternode is unreadable.
    pub fn has(&self, id: &MasternodeId) -> bool {
        self.ids.binary_search(id).is_ok()
    }

    /// Whether a masternode of a later list may be behind one of these entries of a list at `height`. Its appearance is
    /// then no registration.
    pub fn may_be(&self, masternode: &Masternode, height: Height) -> bool {
        let is_older = masternode.registered_height.get().is_none_or(|registered| registered <= height);
        self.has(&masternode.id) || (self.unnamed() > 0 && is_older)
    }
}
