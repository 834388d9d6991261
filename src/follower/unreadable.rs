//! Lists with entries that cannot be read: each costs its own masternode only, unless that one is watched.
//!
//! Never here: reading entries (`rpc`); the share of unreadable entries that refuses a list (`rpc`).

use tracing::warn;

use crate::follower::Follower;
use crate::follower::source::SourceError;
use crate::rpc::{Registered, UnreadableEntry};
use domain::list::{Block, MasternodeList};
use domain::masternode::MasternodeId;
use domain::unreadable::Unreadable;
use domain::watch::{Selector, WatchTarget};

/// Unreadable entries that one log line names.
const NAMED: usize = 10;

impl Follower {
    /// The list of an answer. Refuses one in which the entry of a watched masternode cannot be read.
    pub(super) fn accept(&self, block: Block, read: Registered) -> Result<MasternodeList, SourceError> {
        let before = self.book.as_ref().map(|book| book.list().as_ref());
        let reasons = read.unreadable.clone();
        let list = list_of(block, read, before)?;
        if let Some(id) = self.watched_unreadable(&list) {
            let why = reasons.iter().find(|entry| entry.id == Some(id)).or(reasons.first());
            return Err(SourceError::Contradiction(format!(
                "the list entry of the watched masternode {id} cannot be read ({})",
                why.map_or("", |entry| &entry.why)
            )));
        }
        let known = before.map_or(&Unreadable::default(), MasternodeList::unreadable) == list.unreadable();
        if !known {
            self.log_unreadable(&list, &reasons);
        }
        Ok(list)
    }

    /// A watched masternode whose entry is not readable, or may be one of those without a readable identity.
    fn watched_unreadable(&self, list: &MasternodeList) -> Option<MasternodeId> {
        let unreadable = list.unreadable();
        if unreadable.entries() == 0 {
            return None;
        }
        let watch_list = self.watch_list.borrow();
        let named = watch_list.entries().iter().filter_map(|entry| match &entry.selector {
            Selector::Id(id) => Some(*id),
            Selector::Fields(_) => None,
        });
        let mut watched = named.chain(self.watched.iter().map(|watched| watched.id));
        let unnamed = unreadable.unnamed() > 0;
        watched.find(|id| unreadable.has(id) || (unnamed && list.get(id).is_none()))
    }

    /// Fails where the list that is followed has an unreadable entry of a watched masternode, so that nothing can be published.
    pub(super) fn refuse_hidden(&self) -> Result<(), SourceError> {
        match self.book.as_ref().filter(|book| hides_watched(book.list(), &self.watched)) {
            Some(book) => Err(SourceError::Contradiction(format!(
                "the list entry of a watched masternode cannot be read at block {}",
                book.tip().height
            ))),
            None => Ok(()),
        }
    }

    fn log_unreadable(&self, list: &MasternodeList, entries: &[UnreadableEntry]) {
        let network = &self.settings.network;
        let height = list.block().height;
        if entries.is_empty() {
            warn!(network = %network, height = height.0, "all entries of the list of {network} are readable again");
            return;
        }
        let named: Vec<&str> = entries.iter().take(NAMED).map(|entry| entry.why.as_str()).collect();
        warn!(
            network = %network,
            height = height.0,
            entries = entries.len(),
            "{} entries of the list of {network} at height {height} cannot be read, their masternodes are left out: {}{}",
            entries.len(),
            named.join("; "),
            if entries.len() > NAMED { "; …" } else { "" }
        );
    }
}

/// The list of an answer. Masternodes of the list before that are missing may stand behind entries without a readable
/// identity, so they did not leave.
pub(super) fn list_of(
    block: Block,
    read: Registered,
    before: Option<&MasternodeList>,
) -> Result<MasternodeList, SourceError> {
    let list =
        MasternodeList::new(block, read.masternodes).map_err(|error| SourceError::Contradiction(error.to_string()))?;
    let mut ids: Vec<MasternodeId> = read.unreadable.iter().filter_map(|entry| entry.id).collect();
    let has_unnamed = read.unreadable.iter().any(|entry| entry.id.is_none());
    if let Some(before) = before.filter(|_| has_unnamed) {
        let known = before.masternodes().iter().map(|masternode| &masternode.id).chain(before.unreadable().ids());
        ids.extend(known.filter(|id| list.get(id).is_none()));
    }
    Ok(list.with_unreadable(Unreadable::new(ids, read.unreadable.len())))
}

/// Whether a masternode that is watched now is one of the unreadable entries, so nothing may be said about it.
pub(super) fn hides_watched(list: &MasternodeList, watched: &[WatchTarget]) -> bool {
    watched.iter().any(|watched| list.unreadable().has(&watched.id))
}
