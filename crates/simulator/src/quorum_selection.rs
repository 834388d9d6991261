//! Members of a non-rotating quorum (`src/llmq/utils.cpp GetAllQuorumMembers`, `GetHashModifier`): selected by hash
//! among the confirmed valid nodes, eight blocks before the session begins.
//!
//! Never here: when a session begins.

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use super::masternode::Masternode;
use super::random::{Hash256, Random};

/// Blocks from the work block to the base of the session (`WORK_DIFF_DEPTH`).
pub(super) const LEAD: u32 = 8;

/// The signature of the newest ChainLock in the coinbase of a block: that of its parent.
pub(super) fn chainlock_signature(block: Hash256) -> [u8; 96] {
    let mut signature = [0; 96];
    Random::of(&[block.seed(), 0xc10c]).fill(&mut signature);
    signature
}

/// The confirmed nodes, in the order of selection.
pub(super) fn by_draw(kind: u8, (height, hash): (u32, Hash256), nodes: Vec<Masternode>) -> Vec<Masternode> {
    let named = [&[kind][..], &height.to_le_bytes(), &chainlock_signature(hash)].concat();
    let modifier = Sha256::digest(Sha256::digest(named));
    let mut scored: Vec<([u8; 32], Masternode)> = nodes
        .into_iter()
        .map(|node| {
            let own = [node.hash.memory_order(), node.confirmed.memory_order()].concat();
            let both = [Sha256::digest(own), modifier].concat();
            let mut score: [u8; 32] = Sha256::digest(both).into();
            // A number with the most significant byte last.
            score.reverse();
            (score, node)
        })
        .collect();
    scored.sort_unstable_by_key(|(score, _)| Reverse(*score));
    scored.into_iter().map(|(_, node)| node).collect()
}
