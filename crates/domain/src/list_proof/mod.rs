//! The proof of a masternode list: each block's coinbase commits to the simplified list after the block, and the header to the
//! coinbase (docs/spec/dash-24.md#list-proof).
//!
//! [`leaf`] makes the hash of one entry, [`tree`] the root of all, [`coinbase`] reads the committed root and shows that the
//! coinbase is the block's own. [`ListProof`] puts them together from block to block.
//!
//! Never here: what the root does not cover (scores, heights, payouts); asking a node.

pub mod coinbase;
pub mod leaf;
pub mod tree;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

pub use coinbase::{CoinbaseError, CommittedRoot, coinbase_root};
pub use leaf::{LeafError, LeafFields};
pub use tree::MerkleTree;

use crate::masternode::Hash;

/// A hash in the byte order of the node's memory, in which trees are built.
pub type Node = [u8; 32];

/// What `protx diff` says of the simplified list between two blocks, with the proof of the later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofDiff {
    /// Registrations that left the list.
    pub removed: Vec<Hash>,
    /// Entries that are new or different, whole.
    pub entered: Vec<LeafFields>,
    /// The raw coinbase transaction of the later block.
    pub coinbase: Vec<u8>,
    /// The partial Merkle tree (BIP 37) that leads from the coinbase to the header's root.
    pub branch: Vec<u8>,
}

/// How the proof of a block ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proven {
    /// The entries have the root that the block commits to.
    Proven,
    /// They have another one: an entry that the source reported is wrong, missing or too many.
    Mismatch,
    /// The root cannot be computed: the leaf of this masternode cannot be made from what the node says.
    Incomplete(Hash, LeafError),
}

/// Entries of the simplified list with the tree over them, carried from block to block.
#[derive(Clone, Debug, Default)]
pub struct ListProof {
    tree: MerkleTree,
    entries: BTreeMap<Hash, LeafFields>,
    unknown: BTreeMap<Hash, LeafError>,
}

impl ListProof {
    /// Takes over what changed up to a block.
    pub fn apply(&mut self, diff: &ProofDiff) {
        for pro_tx in &diff.removed {
            self.entries.remove(pro_tx);
            self.unknown.remove(pro_tx);
            self.tree.remove(pro_tx);
        }
        for fields in &diff.entered {
            self.unknown.remove(&fields.pro_tx);
            let before = self.entries.get(&fields.pro_tx);
            let fields = &before.map_or_else(|| fields.clone(), |before| fields.clone().after(before));
            match fields.leaf() {
                Ok(leaf) => self.tree.set(fields.pro_tx, leaf),
                Err(error) => {
                    self.tree.remove(&fields.pro_tx);
                    self.unknown.insert(fields.pro_tx, error);
                }
            }
            self.entries.insert(fields.pro_tx, fields.clone());
        }
    }

    /// Compares the entries with the root that the block's coinbase commits to, and the coinbase with the block's header, whose
    /// Merkle root is `header_root`.
    ///
    /// # Errors
    /// When the coinbase is not one, or not that of the block.
    pub fn check(&mut self, diff: &ProofDiff, header_root: &Hash) -> Result<(CommittedRoot, Proven), CoinbaseError> {
        let committed = coinbase_root(&diff.coinbase, &diff.branch, header_root)?;
        let mut unknown = self.unknown.iter();
        let is_equal = match (unknown.next(), unknown.next()) {
            (None, _) => self.tree.root() == committed.list_root,
            (Some((pro_tx, LeafError::HiddenPort)), None) => self.find_port(*pro_tx, &committed.list_root),
            (Some((pro_tx, error)), _) => return Ok((committed, Proven::Incomplete(*pro_tx, error.clone()))),
        };
        Ok((committed, if is_equal { Proven::Proven } else { Proven::Mismatch }))
    }

    /// Tries every port for the one entry whose port no answer contains; the one that gives the root is kept. When none
    /// does, another entry is wrong.
    fn find_port(&mut self, pro_tx: Hash, root: &Node) -> bool {
        let Some(mut fields) = self.entries.get(&pro_tx).cloned() else { return false };
        for port in 0..=u16::MAX {
            fields.http_port = Some(port);
            let Ok(leaf) = fields.leaf() else { break };
            self.tree.set(pro_tx, leaf);
            if self.tree.root() == *root {
                self.entries.insert(pro_tx, fields);
                self.unknown.remove(&pro_tx);
                return true;
            }
        }
        self.tree.remove(&pro_tx);
        false
    }

    /// The entry of a masternode.
    #[must_use]
    pub fn entry(&self, pro_tx: &Hash) -> Option<&LeafFields> {
        self.entries.get(pro_tx)
    }

    /// All entries, ascending by registration.
    pub fn entries(&self) -> impl Iterator<Item = &LeafFields> {
        self.entries.values()
    }

    /// How many masternodes are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// SHA-256 of SHA-256.
pub(crate) fn double(bytes: &[u8]) -> Node {
    Sha256::digest(Sha256::digest(bytes)).into()
}

/// The identity that a hash in memory order is printed as.
pub(crate) fn printed(node: &Node) -> Hash {
    let mut bytes = *node;
    bytes.reverse();
    Hash(bytes)
}

#[cfg(test)]
mod tests;
