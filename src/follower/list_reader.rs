//! Reads the list of a block from a source: by its list diff, or in full.
//!
//! Never here: which block is read; whether a list with unreadable entries is accepted.

use crate::follower::source::{Source, SourceError, optional};
use crate::follower::unreadable;
use crate::rpc::{Header, UnreadableEntry};
use domain::details::Detail;
use domain::list::{Block, MasternodeList};
use domain::masternode::Height;

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
/// the node's branch. `before` is an earlier list, if there is one.
pub(super) async fn in_full(
    source: &Source,
    block: Block,
    before: Option<&MasternodeList>,
) -> Result<(MasternodeList, Vec<UnreadableEntry>), SourceError> {
    let client = &source.client;
    // The number of entries, so that the list is allocated once and the client has an upper bound.
    let expected = match client.masternode_count().await {
        Ok(count) => count.total as usize,
        Err(_) => before.map_or(0, MasternodeList::registered),
    };
    let registered = client.registered(block.height, expected).await?;
    if !client.dialect().is_pinned() && client.best_block_hash().await? != block.hash {
        return Err(SourceError::Moved);
    }
    if client.block_hash(block.height).await? != block.hash {
        return Err(SourceError::Contradiction(format!("block {} was replaced while its list was read", block.height)));
    }
    let reasons = registered.unreadable.clone();
    Ok((unreadable::list_of(block, registered, before)?, reasons))
}
