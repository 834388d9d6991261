//! Blocks that a reorg replaced. One that returns with the same hash is restored and not counted again.
//!
//! Never here: stepping back (`recorded_chain`).

use std::collections::VecDeque;

use domain::masternode::BlockHash;

/// Number of remembered blocks: several reorgs of the greatest depth that is followed.
const REMEMBERED: usize = 4 * 576;

/// The last blocks that were replaced after their events were counted.
#[derive(Default)]
pub(super) struct ReplacedBlocks(VecDeque<BlockHash>);

impl ReplacedBlocks {
    /// Remembers blocks that were replaced.
    pub(super) fn extend(&mut self, blocks: impl IntoIterator<Item = BlockHash>) {
        for hash in blocks {
            if !self.contains(&hash) {
                self.0.push_back(hash);
            }
        }
        self.0.drain(..self.0.len().saturating_sub(REMEMBERED));
    }

    /// Whether the events of a block are already counted because it was replaced earlier.
    pub(super) fn contains(&self, hash: &BlockHash) -> bool {
        self.0.contains(hash)
    }

    /// The remembered blocks, oldest first.
    pub(super) fn into_hashes(self) -> impl Iterator<Item = BlockHash> {
        self.0.into_iter()
    }
}
