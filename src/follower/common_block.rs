//! The common block of a recorded branch and the node's branch: the highest recorded block that is still on the node's
//! branch, or, below all recorded blocks, the block that the node's headers show.
//!
//! Never here: withdrawing blocks (`recorded_chain`); reorgs within the blocks that are kept (`sync_planner`).

use crate::follower::history_sink::HistorySink;
use crate::follower::source::{SourceError, optional};
use crate::rpc::{Client, ErrorKind};
use domain::list::Block;
use domain::masternode::{BlockHash, Height};

/// Dash Core's error code for a height above its tip: `RPC_INVALID_PARAMETER` of `rpc/protocol.h`.
const OUT_OF_RANGE: i64 = -8;

/// The highest recorded block that is on the node's branch.
pub(super) async fn highest_recorded(client: &Client, history: &HistorySink) -> Result<Option<Block>, SourceError> {
    for block in history.blocks() {
        if is_on_branch(client, block.height, &block.hash).await? {
            return Ok(Some(*block));
        }
    }
    Ok(None)
}

/// Height of the highest block below an abandoned one that is on the node's branch; `None` if unknown. Reads at most
/// `headers` headers.
pub(super) async fn below(
    client: &Client,
    history: &HistorySink,
    abandoned: Block,
    headers: u32,
) -> Result<Option<Height>, SourceError> {
    match by_headers(client, abandoned, headers).await? {
        Some(common) => Ok(Some(common)),
        None => by_events(client, history, abandoned).await,
    }
}

/// The same below all blocks that are kept, unless it is known already from withdrawing the recorded ones.
pub(super) async fn below_all(
    client: &Client,
    history: &HistorySink,
    oldest: Block,
    headers: u32,
) -> Result<Option<Height>, SourceError> {
    match history.common() {
        Some(common) => Ok(Some(common)),
        None => below(client, history, oldest, headers).await,
    }
}

/// A node that saw the abandoned branch has its headers.
async fn by_headers(client: &Client, abandoned: Block, headers: u32) -> Result<Option<Height>, SourceError> {
    let mut hash = abandoned.hash;
    for _ in 0..=headers {
        let Some(header) = optional(client.block_header(hash).await)? else { return Ok(None) };
        if is_on_branch(client, header.block.height, &header.block.hash).await? {
            return Ok(Some(header.block.height));
        }
        let Some(previous) = header.previous else { return Ok(None) };
        hash = previous;
    }
    Ok(None)
}

/// Other nodes are asked for the blocks of which the history has events.
async fn by_events(client: &Client, history: &HistorySink, abandoned: Block) -> Result<Option<Height>, SourceError> {
    for block in history.blocks_with_events_below(abandoned.height).await {
        if is_on_branch(client, block.height, &block.hash).await? {
            return Ok(Some(block.height));
        }
    }
    Ok(None)
}

pub(super) async fn is_on_branch(client: &Client, height: Height, hash: &BlockHash) -> Result<bool, SourceError> {
    match client.block_hash(height).await {
        Ok(found) => Ok(found == *hash),
        Err(error) if matches!(error.kind(), ErrorKind::Call { code: OUT_OF_RANGE, .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
