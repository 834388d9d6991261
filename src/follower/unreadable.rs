//! Lists with unreadable entries: an unreadable entry affects its own masternode only, unless that one is watched.
//!
//! Never here: reading entries (`rpc`); the share of unreadable entries that refuses a list (`rpc`).

use std::collections::BTreeMap;
use std::fmt;

use tracing::warn;

use crate::follower::source::SourceError;
use crate::rpc::{Registered, UnreadableEntry};
use domain::list::{Block, MasternodeList};
use domain::masternode::{BlockHash, MasternodeId};
use domain::unreadable::Unreadable;

/// Unreadable entries that one log line names.
const NAMED: usize = 10;

/// How often one source is asked for the list of a block in which it hides a watched masternode.
const ATTEMPTS: u32 = 3;

/// The attempts to read the list of one block in which a watched masternode is unreadable.
#[derive(Default)]
pub(super) struct HiddenAttempts {
    block: Option<BlockHash>,
    /// By name of the source.
    attempts: BTreeMap<String, u32>,
}

impl HiddenAttempts {
    /// Counts an attempt. Returns whether the source was asked often enough, so that the block is skipped without the
    /// entry.
    pub(super) fn is_exhausted(&mut self, block: BlockHash, source: &str) -> bool {
        if self.block != Some(block) {
            *self = HiddenAttempts { block: Some(block), attempts: BTreeMap::new() };
        }
        let attempts = self.attempts.entry(source.into()).or_default();
        *attempts += 1;
        *attempts >= ATTEMPTS
    }
}

/// The list of an answer. Missing masternodes of the previous list may be among the entries without a readable
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

/// A list in which the entry of a watched masternode is unreadable.
pub(super) struct Hidden {
    pub(super) list: MasternodeList,
    why: String,
}

impl Hidden {
    pub(super) fn new(id: &MasternodeId, list: MasternodeList, entries: &[UnreadableEntry]) -> Hidden {
        let why = entries.iter().find(|entry| entry.id == Some(*id)).or(entries.first());
        let why = format!(
            "list entry of the watched masternode {id} is unreadable at block {} ({})",
            list.block().height,
            why.map_or("", |entry| &entry.why)
        );
        Hidden { list, why }
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl From<Hidden> for SourceError {
    fn from(hidden: Hidden) -> SourceError {
        SourceError::Contradiction(hidden.why)
    }
}

/// Logs the unreadable entries of a list.
pub(super) fn log(network: &str, list: &MasternodeList, entries: &[UnreadableEntry]) {
    let height = list.block().height;
    if entries.is_empty() {
        warn!(network, height = height.0, "All entries of the list of {network} are readable again");
        return;
    }
    let named: Vec<&str> = entries.iter().take(NAMED).map(|entry| entry.why.as_str()).collect();
    warn!(
        network,
        height = height.0,
        entries = entries.len(),
        "{} entries of the list of {network} at height {height} are unreadable, omitting their masternodes: {}{}",
        entries.len(),
        named.join("; "),
        if entries.len() > NAMED { "; …" } else { "" }
    );
}
