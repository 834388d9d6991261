//! The proof of a masternode list: each block's coinbase commits to the simplified list after the block, and the header to the
//! coinbase (docs/spec/dash-24.md#list-proof).
//!
//! [`leaf`] makes the hash of one entry, [`tree`] the root of all, [`coinbase`] reads the committed root and shows that the
//! coinbase is the block's own. [`ListProof`] puts them together from block to block, and compares its entries with a list.
//!
//! Never here: what the root does not cover (scores, heights, payouts); asking a node.

pub mod coinbase;
mod comparison;
pub mod leaf;
mod mismatch;
pub mod tree;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

pub use coinbase::{CoinbaseError, CommittedRoot, coinbase_root};
pub use leaf::{LeafError, LeafFields};
pub use mismatch::{CoveredField, ListDifference, ListMismatch, ListProofFacts, ListProofStatus};
pub use tree::MerkleTree;

use crate::masternode::Hash;

/// Most entries whose port no answer contains and for which combinations are tried.
const MOST_HIDDEN: usize = 8;

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

/// Entries as they were before changes; `None` for those that were not registered.
pub type Undo = Vec<(Hash, Option<LeafFields>)>;

/// Entries of the simplified list with the tree over them, carried from block to block.
#[derive(Clone, Debug, Default)]
pub struct ListProof {
    tree: MerkleTree,
    entries: BTreeMap<Hash, LeafFields>,
    /// Entries without a leaf: why, and the HTTP port that each had before.
    unknown: BTreeMap<Hash, (LeafError, Option<u16>)>,
}

impl ListProof {
    /// Takes over what changed up to a block. Returns the entries as they were.
    pub fn apply(&mut self, diff: &ProofDiff) -> Undo {
        let mut undo = Undo::new();
        for pro_tx in &diff.removed {
            undo.push((*pro_tx, self.remove(pro_tx)));
        }
        // In the order of the tree, so that a whole list only appends to it.
        let mut entered: Vec<&LeafFields> = diff.entered.iter().collect();
        entered.sort_unstable_by_key(|fields| fields.pro_tx.in_memory_order());
        for fields in entered {
            let fields = fields.clone().after(self.entries.get(&fields.pro_tx));
            undo.push((fields.pro_tx, self.set(fields)));
        }
        undo
    }

    /// Takes back changes.
    pub fn revert(&mut self, undo: Undo) {
        for (pro_tx, before) in undo.into_iter().rev() {
            match before {
                Some(fields) => self.set(fields),
                None => self.remove(&pro_tx),
            };
        }
    }

    fn set(&mut self, fields: LeafFields) -> Option<LeafFields> {
        let pro_tx = fields.pro_tx;
        match fields.leaf() {
            Ok(leaf) => {
                self.unknown.remove(&pro_tx);
                self.tree.set(pro_tx, leaf);
            }
            Err(error) => {
                self.tree.remove(&pro_tx);
                let before = self.entries.get(&pro_tx).and_then(|before| before.http_port().ok());
                self.unknown.insert(pro_tx, (error, before));
            }
        }
        self.entries.insert(pro_tx, fields)
    }

    fn remove(&mut self, pro_tx: &Hash) -> Option<LeafFields> {
        self.unknown.remove(pro_tx);
        self.tree.remove(pro_tx);
        self.entries.remove(pro_tx)
    }

    /// Compares the entries with the root that the block's coinbase commits to, and the coinbase with the block's header, whose
    /// Merkle root is `header_root`.
    ///
    /// # Errors
    /// When the coinbase is not one, or not that of the block.
    pub fn check(&mut self, diff: &ProofDiff, header_root: &Hash) -> Result<(CommittedRoot, Proven), CoinbaseError> {
        let committed = coinbase_root(&diff.coinbase, &diff.branch, header_root)?;
        let other = self.unknown.iter().find(|(_, (error, _))| *error != LeafError::HiddenPort);
        if let Some((pro_tx, (error, _))) = other {
            return Ok((committed, Proven::Incomplete(*pro_tx, error.clone())));
        }
        let hidden = self.unknown.len();
        let is_equal = match self.unknown.keys().next().copied() {
            None => self.tree.root() == committed.list_root,
            Some(pro_tx) if hidden > 1 && !self.find_ports(&committed.list_root) => {
                return Ok((committed, Proven::Incomplete(pro_tx, LeafError::HiddenPort)));
            }
            Some(pro_tx) if hidden == 1 => self.find_port(pro_tx, &committed.list_root),
            Some(_) => true,
        };
        Ok((committed, if is_equal { Proven::Proven } else { Proven::Mismatch }))
    }

    /// Tries for entries whose port no answer contains the port that each had before, and none; the ports that give the root are
    /// kept.
    fn find_ports(&mut self, root: &Node) -> bool {
        let hidden: Vec<(Hash, u16)> =
            self.unknown.iter().map(|(pro_tx, (_, before))| (*pro_tx, before.unwrap_or(0))).collect();
        if hidden.len() > MOST_HIDDEN {
            return false;
        }
        for choice in 0..1_u32 << hidden.len() {
            let ports = hidden.iter().enumerate().map(|(at, (pro_tx, before))| {
                let port = if choice >> at & 1 == 0 { *before } else { 0 };
                (*pro_tx, port)
            });
            if self.fits(ports.collect(), root) {
                return true;
            }
        }
        hidden.iter().for_each(|(pro_tx, _)| self.tree.remove(pro_tx));
        false
    }

    /// Tries every port for the one entry whose port no answer contains, the one that it had before first. When none gives the
    /// root, another entry is wrong.
    fn find_port(&mut self, pro_tx: Hash, root: &Node) -> bool {
        let before = self.unknown.get(&pro_tx).and_then(|(_, before)| *before);
        let is_found = before.into_iter().chain(0..=u16::MAX).any(|port| self.fits(vec![(pro_tx, port)], root));
        if !is_found {
            self.tree.remove(&pro_tx);
        }
        is_found
    }

    /// Whether these ports give the root; then they are kept. Otherwise the tree still has their leaves.
    fn fits(&mut self, ports: Vec<(Hash, u16)>, root: &Node) -> bool {
        let mut entries = Vec::new();
        for (pro_tx, port) in ports {
            let Some(fields) = self.entries.get(&pro_tx) else { return false };
            let fields = LeafFields { http_port: Some(port), ..fields.clone() };
            let Ok(leaf) = fields.leaf() else { return false };
            self.tree.set(pro_tx, leaf);
            entries.push(fields);
        }
        if self.tree.root() != *root {
            return false;
        }
        for fields in entries {
            self.unknown.remove(&fields.pro_tx);
            self.entries.insert(fields.pro_tx, fields);
        }
        true
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
