//! The masternode list of the tip, with frequently used views: the payment queue, the nodes with a score.
//!
//! Never here: blocks; `block` changes the list and `history` reverts changes.

use std::collections::{BTreeSet, HashMap};

use super::masternode::Masternode;
use super::random::Hash256;

/// Height key, then the hash in memory order, then the slot: the order of payment.
type QueueKey = (u32, [u8; 32], u32);

/// All nodes by slot. A slot is never reused; an empty slot belongs to a node that left or was never confirmed.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    slots: Vec<Option<Masternode>>,
    hashes: Vec<Hash256>,
    by_hash: HashMap<Hash256, u32>,
    queue: BTreeSet<QueueKey>,
    decaying: BTreeSet<u32>,
    running: BTreeSet<u32>,
    unconfirmed: BTreeSet<u32>,
    registered: usize,
}

impl List {
    /// The node in the slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Masternode> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The node with this hash.
    pub(super) fn find(&self, hash: Hash256) -> Option<&Masternode> {
        self.get(*self.by_hash.get(&hash)?)
    }

    /// Whether a node with this hash is or was on the list.
    pub(super) fn was_known(&self, hash: Hash256) -> bool {
        self.by_hash.contains_key(&hash)
    }

    /// The hash of the node that is or was in the slot.
    pub(super) fn known_hash(&self, slot: u32) -> Option<Hash256> {
        self.hashes.get(slot as usize).copied()
    }

    /// The slot of the next new node.
    pub(super) fn next_slot(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("a network has fewer than 2^32 masternodes")
    }

    /// Registered nodes, including banned ones.
    pub(super) fn registered(&self) -> usize {
        self.registered
    }

    /// Valid nodes.
    pub(super) fn valid(&self) -> usize {
        self.queue.len()
    }

    /// All registered nodes, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Masternode> {
        self.slots.iter().flatten()
    }

    /// Valid nodes in the order of payment, the next one first.
    pub(super) fn queue(&self) -> impl Iterator<Item = &Masternode> {
        self.queue.iter().map(|key| self.slots[key.2 as usize].as_ref().expect("a queued node is registered"))
    }

    /// Slots of the Evo nodes within a run of consecutive payments.
    pub(super) fn running(&self) -> impl Iterator<Item = u32> {
        self.running.iter().copied()
    }

    /// Slots of the nodes that cannot be selected yet.
    pub(super) fn unconfirmed(&self) -> impl Iterator<Item = &Masternode> {
        self.unconfirmed.iter().filter_map(|slot| self.get(*slot))
    }

    /// Copies every slot, including empty ones.
    pub(super) fn copy_slots(&self) -> Vec<Option<Masternode>> {
        self.slots.clone()
    }

    /// Sets or clears the node of the slot and returns the previous one.
    pub(super) fn replace(&mut self, slot: u32, after: Option<Masternode>) -> Option<Masternode> {
        let index = slot as usize;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, None);
            self.hashes.resize(index + 1, Hash256::ZERO);
        }
        let before = std::mem::replace(&mut self.slots[index], after);
        if let Some(node) = &before {
            self.queue.remove(&queue_key(node));
            self.decaying.remove(&slot);
            self.running.remove(&slot);
            self.unconfirmed.remove(&slot);
            self.registered -= 1;
        }
        if let Some(node) = &after {
            if node.is_valid() {
                self.queue.insert(queue_key(node));
                if node.score > 0 {
                    self.decaying.insert(slot);
                }
            }
            if node.consecutive > 0 {
                self.running.insert(slot);
            }
            if !node.is_confirmed() {
                self.unconfirmed.insert(slot);
            }
            self.by_hash.insert(node.hash, slot);
            self.hashes[index] = node.hash;
            self.registered += 1;
        }
        before
    }

    /// Subtracts one point from every valid node with a score and returns their slots (`DecreaseScores`).
    pub(super) fn decay(&mut self) -> Vec<u32> {
        let slots: Vec<u32> = self.decaying.iter().copied().collect();
        for slot in &slots {
            let score = self.get(*slot).expect("a decaying node is registered").score;
            self.set_score(*slot, score - 1);
        }
        slots
    }

    /// Sets the score of a valid node.
    pub(super) fn set_score(&mut self, slot: u32, score: u32) {
        let node = self.slots[slot as usize].as_mut().expect("only registered nodes have a score");
        node.score = score;
        if score == 0 {
            self.decaying.remove(&slot);
        } else {
            self.decaying.insert(slot);
        }
    }
}

fn queue_key(node: &Masternode) -> QueueKey {
    (node.queue_height(), node.hash.memory_order(), node.slot)
}
