//! Requests the answers for the next blocks of a catch-up ahead, in batches, so that a link with a long round trip does not
//! slow it down. A batch is one request that the node works off one call after another; its size follows the node's time.
//!
//! Never here: using the answers; which blocks are missed.

use std::time::Duration;

use crate::follower::dkg_outcomes;
use crate::follower::source::{Source, SourceError};
use crate::rpc::{Batch, batch};
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Height};

/// Time of the node for a batch above which the next one has fewer blocks, and below half of which it has more.
const TARGET: Duration = Duration::from_millis(500);

/// Fewest and most blocks of a batch.
const FEWEST_BLOCKS: usize = 4;
const MOST_BLOCKS: usize = 32;

/// Headers of a batch.
const HEADERS: usize = 100;

/// The state of one catch-up.
pub(super) struct BlocksAhead {
    /// Blocks of the next batch.
    size: usize,
    /// Blocks whose answers were requested.
    requested: usize,
    /// The list of each block is proven.
    proves: bool,
}

impl BlocksAhead {
    /// Nothing is requested yet.
    pub(super) fn new(proves: bool) -> BlocksAhead {
        BlocksAhead { size: 2 * FEWEST_BLOCKS, requested: 0, proves }
    }

    /// Requests what the replay of `blocks` needs from the one at `next` on, unless that was requested. `base` is the block
    /// before the first. A few blocks are not worth a batch.
    pub(super) async fn reach(
        &mut self,
        source: &Source,
        types: &[QuorumType],
        (base, blocks): (BlockHash, &[Block]),
        next: usize,
    ) {
        if next < self.requested || blocks.len() < batch::FEWEST || !source.capabilities.list_diffs {
            return;
        }
        let end = blocks.len().min(next + self.size);
        let mut batch = Batch::new(&source.client);
        for index in next..end {
            let before = index.checked_sub(1).map_or(base, |before| blocks[before].hash);
            self.add(&mut batch, source, types, (&before, &blocks[index]));
        }
        self.requested = end;
        let took = batch.send().await;
        let mut members = Batch::new(&source.client);
        for block in &blocks[next..end] {
            let commitments = source.client.commitments_ahead(&block.hash);
            dkg_outcomes::add_members(&mut members, types, &commitments, true);
        }
        members.send().await;
        match took {
            Some(took) if took > TARGET => self.size = (self.size / 2).max(FEWEST_BLOCKS),
            Some(took) if took < TARGET / 2 => self.size = (self.size * 2).min(MOST_BLOCKS),
            _ => {}
        }
    }

    fn add(&self, batch: &mut Batch<'_>, source: &Source, types: &[QuorumType], (before, block): (&BlockHash, &Block)) {
        let can = source.capabilities;
        batch.list_diff(before, &block.hash);
        if can.list_proof && self.proves {
            batch.sml_diff(before, &block.hash);
        }
        if can.special_transactions {
            batch.block_outputs(&block.hash);
        }
        if can.dkg_outcomes() && types.iter().any(|kind| kind.is_due_at(block.height)) {
            batch.commitments(&block.hash);
        }
    }
}

/// Requests the headers of the heights from `low` to `high`, at most those of a catch-up.
pub(super) async fn headers(source: &Source, low: Height, high: Height) -> Result<(), SourceError> {
    let heights: Vec<Height> = (low.0..=high.0).map(Height).collect();
    for heights in heights.chunks(HEADERS) {
        let mut hashes = Batch::new(&source.client);
        heights.iter().for_each(|height| hashes.block_hash(*height));
        if hashes.send().await.is_none() {
            return Ok(());
        }
        let mut headers = Batch::new(&source.client);
        for height in heights {
            headers.block_header(&source.client.block_hash(*height).await?);
        }
        headers.send().await;
    }
    Ok(())
}
