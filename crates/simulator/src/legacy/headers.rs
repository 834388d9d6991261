//! The chain: headers of the active branch and of abandoned ones, and hashes of all older blocks.
//!
//! Never here: masternodes.

use crate::history::Naming;
use crate::random::Hash256;

/// The queryable values of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) height: u32,
    pub(super) hash: Hash256,
    pub(super) parent: Hash256,
    /// Unix time.
    pub(super) time: u64,
}

/// All headers since the setup began.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    naming: Naming,
    spacing: u64,
    /// The active branch, from the root on; never empty.
    active: Vec<Header>,
    abandoned: Vec<Header>,
}

impl Headers {
    /// Starts with the newest block before the setup.
    pub(super) fn new(naming: Naming, spacing: u64, height: u32, time: u64) -> Self {
        let root = Header { height, hash: naming.old(height), parent: naming.old(height - 1), time };
        Self { naming, spacing, active: vec![root], abandoned: Vec::new() }
    }

    /// The newest block of the active branch.
    pub(super) fn tip(&self) -> Header {
        *self.active.last().expect("the root is never removed")
    }

    /// Height of the oldest block that is kept.
    pub(super) fn root_height(&self) -> u32 {
        self.active[0].height
    }

    /// The block of the active branch at this height.
    pub(super) fn at(&self, height: u32) -> Option<Header> {
        let root = self.active[0];
        if height >= root.height {
            return self.active.get((height - root.height) as usize).copied();
        }
        let time = root.time.saturating_sub(u64::from(root.height - height) * self.spacing);
        Some(Header { height, hash: self.naming.old(height), parent: self.naming.old(height.saturating_sub(1)), time })
    }

    /// The block with this hash, and whether it is on the active branch.
    pub(super) fn find(&self, hash: Hash256) -> Option<(Header, bool)> {
        let mine = |blocks: &[Header]| blocks.iter().rev().find(|header| header.hash == hash).copied();
        if let Some(header) = mine(&self.active) {
            return Some((header, true));
        }
        if let Some(header) = mine(&self.abandoned) {
            return Some((header, false));
        }
        if hash == self.naming.genesis {
            return self.at(0).map(|header| (header, true));
        }
        let mut height = [0; 4];
        height.copy_from_slice(&hash.0[28..]);
        let header = self.at(u32::from_be_bytes(height))?;
        (header.hash == hash).then_some((header, true))
    }

    /// Adds a block to the tip.
    pub(super) fn push(&mut self, time: u64) {
        let tip = self.tip();
        let height = tip.height + 1;
        let branch = self.abandoned.len() as u64;
        let hash = self.naming.new_block(tip.hash, height, branch);
        self.active.push(Header { height, hash, parent: tip.hash, time });
    }

    /// Abandons the tip. The root stays.
    pub(super) fn pop(&mut self) -> Option<Header> {
        let popped = (self.active.len() > 1).then(|| self.active.pop())??;
        self.abandoned.push(popped);
        Some(popped)
    }

    /// Drops the blocks above the height.
    pub(super) fn forget_above(&mut self, height: u32) {
        let root = self.root_height();
        let kept = (height.max(root) - root) as usize + 1;
        self.active.truncate(kept);
    }
}
