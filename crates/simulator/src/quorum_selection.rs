//! The order in which nodes get the seats of a quorum (`src/llmq/utils.cpp GetHashModifier`, `CalculateQuorum`): by hash
//! among the confirmed valid nodes, as of the work block, eight blocks before the session begins.
//!
//! Never here: when a session begins, which of the ranked nodes get its seats.

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use super::masternode::Masternode;
use super::random::{Hash256, Random};

/// Blocks from the work block to the base of the session (`WORK_DIFF_DEPTH`).
pub(super) const LEAD: u32 = 8;

/// The signature of the newest ChainLock that the coinbase of a block names: that of its parent.
pub(super) fn chainlock_signature(block: Hash256) -> [u8; 96] {
    let mut signature = [0; 96];
    Random::of(&[block.seed(), 0xc10c]).fill(&mut signature);
    signature
}

/// The quorum modifier of a simulated work block (`docs/spec/dip24-rotation.md#inputs-of-a-cycle`).
pub(super) fn modifier((height, hash): (u32, Hash256), kind: u8) -> [u8; 32] {
    modifier_of(kind, height, &chainlock_signature(hash))
}

/// The quorum modifier of a work block whose coinbase names this ChainLock.
pub(super) fn modifier_of(kind: u8, height: u32, signature: &[u8; 96]) -> [u8; 32] {
    let named = [&[kind][..], &height.to_le_bytes(), signature].concat();
    sha256(&sha256(&named))
}

/// The number by which a node is ranked, its most significant byte first.
pub(super) fn number(node: &Masternode, modifier: &[u8; 32]) -> [u8; 32] {
    let mut own = [0; 64];
    own[..32].copy_from_slice(&node.hash.memory_order());
    own[32..].copy_from_slice(&node.confirmed.memory_order());
    let mut both = [0; 64];
    both[..32].copy_from_slice(&sha256(&own));
    both[32..].copy_from_slice(modifier);
    let mut number = sha256(&both);
    // A number whose last byte counts most.
    number.reverse();
    number
}

/// The valid and confirmed ones among the nodes, by their numbers, the largest first.
pub(super) fn ranked<'a>(nodes: impl IntoIterator<Item = &'a Masternode>, modifier: &[u8; 32]) -> Vec<&'a Masternode> {
    let eligible = nodes.into_iter().filter(|node| node.is_valid() && node.is_confirmed());
    let mut numbered: Vec<([u8; 32], &Masternode)> = eligible.map(|node| (number(node, modifier), node)).collect();
    numbered.sort_unstable_by_key(|(number, _)| Reverse(*number));
    numbered.into_iter().map(|(_, node)| node).collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
