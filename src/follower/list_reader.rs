//! Reads the list of a block from a source: by its list diff, or in full.
//!
//! Never here: which block is read; what the list is used for.

use std::sync::Arc;

use prometheus::IntCounter;
use tokio::sync::watch;
use tracing::warn;

use crate::follower::capabilities::is_refusal;
use crate::follower::source::{Source, SourceError, optional};
use crate::follower::unreadable::{self, Hidden, HiddenAttempts};
use crate::follower::watching::Watching;
use crate::rpc::{ErrorKind, Header, UnreadableEntry};
use domain::details::Detail;
use domain::list::{Block, MasternodeList};
use domain::masternode::Height;
use domain::unreadable::Unreadable;
use domain::watch::WatchList;

/// Reads the lists of one network. Refuses those that hide a watched masternode.
pub(super) struct ListReader {
    network: Arc<str>,
    pub(super) watching: Watching,
    hidden: HiddenAttempts,
    /// Full lists that were read because a list diff failed.
    resyncs: IntCounter,
}

impl ListReader {
    /// Nothing is watched yet.
    pub(super) fn new(network: Arc<str>, watch_list: watch::Receiver<WatchList>, resyncs: IntCounter) -> ListReader {
        ListReader { network, watching: Watching::new(watch_list), hidden: HiddenAttempts::default(), resyncs }
    }

    /// The list after `block`, the next one: from its list diff, or read in full if the diff fails.
    pub(super) async fn next(
        &mut self,
        source: &mut Source,
        block: Block,
        before: Option<&MasternodeList>,
    ) -> Result<MasternodeList, SourceError> {
        let Some(known) = before.filter(|_| source.capabilities.list_diffs) else {
            return self.full(source, block, before).await;
        };
        let why = match by_diff(source, known, &block).await {
            Ok(next) => return Ok(next),
            Err(SourceError::Rpc(error)) if is_refusal(&error) => {
                source.capabilities.list_diffs = false;
                return self.full(source, block, before).await;
            }
            Err(SourceError::Rpc(error)) => match error.kind() {
                ErrorKind::Call { .. } | ErrorKind::Malformed { .. } | ErrorKind::TooLarge { .. } => error.to_string(),
                _ => return Err(error.into()),
            },
            Err(trouble) => trouble.to_string(),
        };
        self.resyncs.inc();
        let (network, height) = (&self.network, block.height);
        warn!(
            %network,
            height = height.0,
            "List diff of block {height} of {network} is unusable ({why}): reading the full list"
        );
        self.full(source, block, before).await
    }

    /// The full list of a block before the tip, `before` being an earlier list. A list that hides a watched masternode is refused until the source has
    /// been asked often enough. Then the block is skipped, and nothing is published until a list contains the
    /// masternode again.
    pub(super) async fn full(
        &mut self,
        source: &Source,
        block: Block,
        before: Option<&MasternodeList>,
    ) -> Result<MasternodeList, SourceError> {
        let hidden = match self.visible(source, block, before, !source.client.dialect().is_pinned()).await? {
            Ok(list) => return Ok(list),
            Err(hidden) => hidden,
        };
        if !self.hidden.is_exhausted(block.hash, source.name()) {
            return Err(hidden.into());
        }
        let (network, height) = (&self.network, block.height);
        warn!(%network, height = height.0, "Skipping block {height} of {network}, its events are approximate: {hidden}");
        Ok(self.watching.with_hidden(hidden.list))
    }

    /// The full list of a block, or an error if it hides a watched masternode.
    async fn visible(
        &self,
        source: &Source,
        block: Block,
        before: Option<&MasternodeList>,
        is_tip: bool,
    ) -> Result<Result<MasternodeList, Hidden>, SourceError> {
        let (list, reasons) = in_full(source, block, before, is_tip).await?;
        if before.map_or(&Unreadable::default(), MasternodeList::unreadable) != list.unreadable() {
            unreadable::log(&self.network, &list, &reasons);
        }
        Ok(match self.watching.unreadable_in(&list) {
            Some(id) => Err(Hidden::new(&id, list, &reasons)),
            None => Ok(list),
        })
    }

    /// The full list of the tip. A list that hides a watched masternode is refused.
    pub(super) async fn at_tip(
        &self,
        source: &Source,
        tip: Block,
        before: Option<&MasternodeList>,
    ) -> Result<MasternodeList, SourceError> {
        Ok(self.visible(source, tip, before, true).await??)
    }
}

/// Node version since which `protx info` safely returns an entry of an earlier block (docs/spec/dash.md#protx-list).
const TELLS_OLD_ENTRIES: u32 = 210_000;

/// The header of the block at a height.
pub(super) async fn header_at(source: &Source, height: Height) -> Result<Header, SourceError> {
    let hash = source.client.block_hash(height).await?;
    Ok(source.client.block_header(hash).await?)
}

/// The list after `block`, from its changes since `before`. Changes that do not fit are a
/// [`SourceError::Contradiction`]. The entry of an operator whose payout address the changes may hide is read as well; where
/// the node refuses that, the next full list shows it.
pub(super) async fn by_diff(
    source: &Source,
    before: &MasternodeList,
    block: &Block,
) -> Result<MasternodeList, SourceError> {
    let mut diff = source.client.list_diff(before.block(), block).await?;
    for (id, terms) in diff.unsaid_operator_payouts(before).filter(|_| source.version >= Some(TELLS_OLD_ENTRIES)) {
        if let Some(read) = optional(source.client.masternode(&id, Some(&block.hash)).await)? {
            terms.operator_payout_address =
                Some(read.details.get(Detail::OperatorPayoutAddress).map(|text| (*text).into()));
        }
    }
    before
        .apply(&diff)
        .map_err(|error| SourceError::Contradiction(format!("the changes of block {}: {error}", block.height)))
}

/// The full list at a block, and the errors of its unreadable entries. Checks after the read that the block is still on
/// the node's branch. `before` is an earlier list, if there is one. A list of the tip, `is_tip`, that has far fewer entries than
/// the node counts is a [`SourceError::Contradiction`]: its missing masternodes would look removed.
pub(super) async fn in_full(
    source: &Source,
    block: Block,
    before: Option<&MasternodeList>,
    is_tip: bool,
) -> Result<(MasternodeList, Vec<UnreadableEntry>), SourceError> {
    let client = &source.client;
    // The number of entries, so that the list is allocated once and the client has an upper bound.
    let counted = client.masternode_count().await.ok().map(|count| count.total as usize);
    let expected = counted.unwrap_or_else(|| before.map_or(0, MasternodeList::registered));
    let registered = client.registered(block.height, expected).await?;
    let entries = registered.entries();
    if is_tip && counted.is_some_and(|counted| is_cut(entries, counted, before)) {
        return Err(SourceError::Contradiction(format!(
            "its list has {entries} of the {expected} masternodes that it counts"
        )));
    }
    if !client.dialect().is_pinned() && client.best_block_hash().await? != block.hash {
        return Err(SourceError::Moved);
    }
    if client.block_hash(block.height).await? != block.hash {
        return Err(SourceError::Contradiction(format!("block {} was replaced while its list was read", block.height)));
    }
    let reasons = registered.unreadable.clone();
    Ok((unreadable::list_of(block, registered, before)?, reasons))
}

/// Whether a list of this many entries is not all of the masternodes that the node counts. On some chains both numbers differ
/// for ever: there the lists before did too.
fn is_cut(entries: usize, counted: usize, before: Option<&MasternodeList>) -> bool {
    let was_whole = || before.is_some_and(|list| is_whole(list.registered(), counted));
    counted > 0 && (entries == 0 || (!is_whole(entries, counted) && was_whole()))
}

/// Whether a list of this many entries can be that of all masternodes that the node counts: the count may belong to another block.
pub fn is_whole(entries: usize, counted: usize) -> bool {
    entries.saturating_mul(10) >= counted.saturating_mul(9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::masternode::{BlockHash, Hash, UnixSeconds};
    use domain::samples;

    fn list(entries: u8) -> MasternodeList {
        let block = Block { height: Height(1), hash: BlockHash(Hash([1; 32])), time: UnixSeconds(1) };
        let nodes = (0..entries).map(samples::masternode).collect();
        MasternodeList::new(block, nodes).unwrap()
    }

    #[test]
    fn a_list_with_far_fewer_entries_than_the_node_counts_is_cut_unless_both_always_differed() {
        for (entries, counted, before, is) in [
            (0, 60, None, true),
            (0, 0, None, false),
            (60, 60, Some(60), false),
            (55, 60, Some(60), false),
            (30, 60, Some(60), true),
            (30, 60, Some(30), false),
            (30, 60, None, false),
            (70, 60, Some(60), false),
        ] {
            assert_eq!(is_cut(entries, counted, before.map(list).as_ref()), is, "{entries} of {counted}, {before:?}");
        }
    }
}
