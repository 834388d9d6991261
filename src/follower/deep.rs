//! Reorgs that are deeper than what is kept: the node is asked for the common block.
//!
//! Never here: taking blocks back (`resume`); reorgs within the blocks that are kept (`walk`).

use crate::follower::Follower;
use crate::follower::resume::OUT_OF_RANGE;
use crate::follower::source::{SourceError, optional};
use crate::rpc::ErrorKind;
use domain::list::Block;
use domain::masternode::{BlockHash, Height};

impl Follower {
    /// Blocks up to `tip` that are not walked because the common block lies below `oldest`, the oldest block that is kept.
    /// Where nothing says how deep the reorg is, those from `oldest` on.
    pub(super) async fn blocks_replaced(&self, index: usize, tip: Block, oldest: Block) -> Result<u32, SourceError> {
        let common = match self.recorder.common() {
            Some(common) => Some(common),
            None => self.common_below(index, oldest).await?,
        };
        Ok(common.map_or(tip.height.above(oldest.height) + 1, |common| tip.height.above(common)))
    }

    /// Height of the highest block below an abandoned one that is on the node's branch; `None` where nothing says it.
    pub(super) async fn common_below(&self, index: usize, abandoned: Block) -> Result<Option<Height>, SourceError> {
        match self.common_by_headers(index, abandoned).await? {
            Some(common) => Ok(Some(common)),
            None => self.common_by_events(index, abandoned).await,
        }
    }

    /// A node that saw the abandoned branch knows its headers.
    async fn common_by_headers(&self, index: usize, abandoned: Block) -> Result<Option<Height>, SourceError> {
        let client = &self.sources[index].client;
        let mut hash = abandoned.hash;
        for _ in 0..=self.settings.max_gap_blocks {
            let Some(header) = optional(client.block_header(hash).await)? else { return Ok(None) };
            if self.is_on_branch(index, header.block.height, &header.block.hash).await? {
                return Ok(Some(header.block.height));
            }
            let Some(previous) = header.previous else { return Ok(None) };
            hash = previous;
        }
        Ok(None)
    }

    /// Another node is asked for the blocks of which the history has events.
    async fn common_by_events(&self, index: usize, abandoned: Block) -> Result<Option<Height>, SourceError> {
        for block in self.recorder.blocks_with_events_below(abandoned.height).await {
            if self.is_on_branch(index, block.height, &block.hash).await? {
                return Ok(Some(block.height));
            }
        }
        Ok(None)
    }

    async fn is_on_branch(&self, index: usize, height: Height, hash: &BlockHash) -> Result<bool, SourceError> {
        match self.sources[index].client.block_hash(height).await {
            Ok(found) => Ok(found == *hash),
            Err(error) if matches!(error.kind(), ErrorKind::Call { code: OUT_OF_RANGE, .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
