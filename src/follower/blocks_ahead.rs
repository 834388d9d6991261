//! Requests the answers for the next blocks of a catch-up ahead, in batches, so that a link with a long round trip does not
//! slow it down. A batch is one request that the node works off one call after another; its size follows the node's time, and
//! there is one batch at a time.
//!
//! Never here: using the answers; which blocks are missed.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::follower::dkg_outcomes;
use crate::follower::source::{Source, SourceError};
use crate::rpc::{Batch, BatchCost, batch};
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Height};

/// Time of the node for a batch, and bytes of its answers, above which the next one has fewer blocks, and below half of which it
/// has more.
const TARGET: Duration = Duration::from_millis(500);
const TARGET_BYTES: usize = 2 << 20;

/// Fewest and most blocks of a batch.
const FEWEST_BLOCKS: usize = 4;
const MOST_BLOCKS: usize = 64;

/// Headers of a batch: half a megabyte.
const HEADERS: usize = 500;

/// The state of one catch-up.
pub(super) struct BlocksAhead {
    /// Blocks of the next batch.
    size: usize,
    /// Blocks whose answers were requested, and those whose answers were received.
    requested: usize,
    received: usize,
    /// The batch under way, at most one.
    running: JoinSet<Option<BatchCost>>,
    /// The list of each block is proven.
    proves: bool,
}

impl BlocksAhead {
    /// Nothing is requested yet.
    pub(super) fn new(proves: bool) -> BlocksAhead {
        BlocksAhead { size: 2 * FEWEST_BLOCKS, requested: 0, received: 0, running: JoinSet::new(), proves }
    }

    /// Waits for what the replay of `blocks` needs of the one at `next`, and requests the batch after it, which is under way
    /// while the blocks of this one are replayed. `base` is the block before the first. A few blocks are not worth a batch.
    pub(super) async fn reach(
        &mut self,
        source: &Source,
        types: &'static [QuorumType],
        (base, blocks): (BlockHash, &[Block]),
        next: usize,
    ) {
        if next < self.received || blocks.len() < batch::FEWEST || !source.capabilities.list_diffs {
            return;
        }
        if next >= self.requested {
            self.request(source, types, (base, blocks), next);
        }
        let cost = self.running.join_next().await.and_then(Result::ok).flatten();
        self.received = self.requested;
        match cost {
            Some(cost) if cost.took > TARGET || cost.bytes > TARGET_BYTES => {
                self.size = (self.size / 2).max(FEWEST_BLOCKS);
            }
            Some(cost) if cost.took < TARGET / 2 && cost.bytes < TARGET_BYTES / 2 => {
                self.size = (self.size * 2).min(MOST_BLOCKS);
            }
            _ => {}
        }
        self.request(source, types, (base, blocks), self.received);
    }

    /// Requests the batch that begins with the block at `from`.
    fn request(
        &mut self,
        source: &Source,
        types: &'static [QuorumType],
        (base, blocks): (BlockHash, &[Block]),
        from: usize,
    ) {
        self.requested = blocks.len().min(from + self.size);
        let mut batch = Batch::new(&source.client);
        for index in from..self.requested {
            let before = index.checked_sub(1).map_or(base, |before| blocks[before].hash);
            self.add(&mut batch, source, types, (&before, &blocks[index]));
        }
        let (client, blocks) = (source.client.clone(), blocks[from..self.requested].to_vec());
        self.running.spawn(async move {
            let cost = batch.send(batch::FEWEST).await;
            let mut members = Batch::new(&client);
            for block in &blocks {
                dkg_outcomes::add_members(&mut members, types, &client.commitments_ahead(&block.hash), true);
            }
            // Also a single call: nothing waits for it yet.
            members.send(1).await;
            cost
        });
    }

    fn add(&self, batch: &mut Batch, source: &Source, types: &[QuorumType], (before, block): (&BlockHash, &Block)) {
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
        if hashes.send(batch::FEWEST).await.is_none() {
            return Ok(());
        }
        let mut headers = Batch::new(&source.client);
        for height in heights {
            headers.block_header(&source.client.block_hash(*height).await?);
        }
        headers.send(batch::FEWEST).await;
    }
    Ok(())
}
