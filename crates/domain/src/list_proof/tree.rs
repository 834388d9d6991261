//! The Merkle tree over the leaves of a list (docs/spec/dash-24.md#root).
//!
//! Never here: how a leaf is made.

use crate::list_proof::{Node, double};
use crate::masternode::Hash;

/// Leaves in the order of their registrations, with all levels above them. Only what changed is hashed again.
#[derive(Clone, Debug, Default)]
pub struct MerkleTree {
    /// Registrations in memory order, ascending.
    ids: Vec<Node>,
    /// The leaves, then each level above them, up to the root.
    levels: Vec<Vec<Node>>,
    /// Leaves from here on moved; all above them is hashed again.
    moved: Option<usize>,
    /// Leaves that changed in their place.
    changed: Vec<usize>,
}

impl MerkleTree {
    /// Sets the leaf of a registration.
    pub fn set(&mut self, pro_tx: Hash, leaf: Node) {
        let id = pro_tx.in_memory_order();
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        match self.ids.binary_search(&id) {
            Ok(at) => {
                self.levels[0][at] = leaf;
                self.changed.push(at);
            }
            Err(at) => {
                self.ids.insert(at, id);
                self.levels[0].insert(at, leaf);
                self.moved_from(at);
            }
        }
    }

    /// Removes the leaf of a registration, if it has one.
    pub fn remove(&mut self, pro_tx: &Hash) {
        if let Ok(at) = self.ids.binary_search(&pro_tx.in_memory_order()) {
            self.ids.remove(at);
            self.levels[0].remove(at);
            self.moved_from(at);
        }
    }

    fn moved_from(&mut self, at: usize) {
        self.moved = Some(self.moved.map_or(at, |moved| moved.min(at)));
    }

    /// The root; zeros where there is no leaf.
    pub fn root(&mut self) -> Node {
        let mut moved = self.moved.take();
        let mut changed = std::mem::take(&mut self.changed);
        // What moved since is at another place; where leaves moved, everything behind them is hashed again.
        if moved.is_some() {
            moved = moved.min(changed.iter().copied().min()).or(moved);
            changed.clear();
        }
        let mut level = 0;
        while self.levels.get(level).is_some_and(|nodes| nodes.len() > 1) {
            let parents = self.levels[level].len().div_ceil(2);
            if self.levels.len() == level + 1 {
                self.levels.push(Vec::new());
            }
            let (below, above) = self.levels.split_at_mut(level + 1);
            let (nodes, above) = (&below[level], &mut above[0]);
            above.resize(parents, [0; 32]);
            if let Some(from) = moved.map(|from| from / 2) {
                (from..parents).for_each(|at| above[at] = parent(nodes, at));
                moved = Some(from);
            }
            changed.iter_mut().for_each(|at| *at /= 2);
            changed.sort_unstable();
            changed.dedup();
            changed.iter().for_each(|at| above[*at] = parent(nodes, *at));
            level += 1;
        }
        self.levels.truncate(level + 1);
        self.levels.last().and_then(|nodes| nodes.first()).copied().unwrap_or([0; 32])
    }
}

/// The node above a pair; the odd last one is paired with itself.
fn parent(nodes: &[Node], at: usize) -> Node {
    let (left, right) = (nodes[2 * at], nodes.get(2 * at + 1).unwrap_or(&nodes[2 * at]));
    let mut both = [0; 64];
    both[..32].copy_from_slice(&left);
    both[32..].copy_from_slice(right);
    double(&both)
}
