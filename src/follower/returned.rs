//! Blocks that were taken back. One that returns with the same hash is restored, and counted no second time.
//!
//! Never here: taking blocks back (`walk`, `resume`).

use std::collections::VecDeque;

use domain::list::Block;
use domain::masternode::BlockHash;

/// Blocks that are remembered: several reorgs of the greatest depth that is followed.
const REMEMBERED: usize = 4 * 576;

/// The blocks that were taken back last.
#[derive(Default)]
pub(super) struct TakenBack(VecDeque<BlockHash>);

impl TakenBack {
    /// Remembers a block that is taken back.
    pub(super) fn note(&mut self, block: &Block) {
        self.extend([block.hash]);
    }

    /// Remembers blocks that were taken back.
    pub(super) fn extend(&mut self, blocks: impl IntoIterator<Item = BlockHash>) {
        for hash in blocks {
            if !self.has(&hash) {
                self.0.push_back(hash);
            }
        }
        self.0.drain(..self.0.len().saturating_sub(REMEMBERED));
    }

    /// Whether a block was taken back earlier, so what happened in it is counted already.
    pub(super) fn has(&self, hash: &BlockHash) -> bool {
        self.0.contains(hash)
    }
}
