//! Members of a non-rotating quorum (`src/llmq/utils.cpp GetAllQuorumMembers`, `GetHashModifier`): selected by hash
//! among the confirmed valid nodes, eight blocks before the session begins.
//!
//! Never here: when a session begins.

use std::cmp::Reverse;

use ring::digest::{SHA256, digest};

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
    let modifier = digest(&SHA256, digest(&SHA256, &named).as_ref());
    let mut scored: Vec<([u8; 32], Masternode)> = nodes
        .into_iter()
        .map(|node| {
            let own = [node.hash.memory_order(), node.confirmed.memory_order()].concat();
            let both = [digest(&SHA256, &own).as_ref(), modifier.as_ref()].concat();
            let mut score = [0; 32];
            score.copy_from_slice(digest(&SHA256, &both).as_ref());
            // A number with the most significant byte last.
            score.reverse();
            (score, node)
        })
        .collect();
    scored.sort_unstable_by_key(|(score, _)| Reverse(*score));
    scored.into_iter().map(|(_, node)| node).collect()
}
