//! Merkle trees of double SHA-256 (`src/consensus/merkle.cpp`, `src/merkleblock.cpp`): over the transactions of a block, and over
//! the leaves of a list, where a change costs only the path above it.
//!
//! Never here: what a leaf says.

use sha2::{Digest, Sha256};

use super::random::Hash256;

/// A node of a tree, in memory order.
type Node = [u8; 32];

/// The hash of a transaction, a block or a leaf, in memory order.
pub(super) fn double_sha256(bytes: &[u8]) -> Node {
    Sha256::digest(Sha256::digest(bytes)).into()
}

fn parent(left: &Node, right: &Node) -> Node {
    double_sha256([*left, *right].as_flattened())
}

fn printed(mut node: Node) -> Hash256 {
    node.reverse();
    Hash256(node)
}

/// The root over hashes as printed; zeros of none.
pub(super) fn root(hashes: &[Hash256]) -> Hash256 {
    let leaves = hashes.iter().map(|hash| (hash.memory_order(), hash.memory_order())).collect();
    Tree::of(leaves).root()
}

/// The proof that the first of these transactions is in the block, as `protx diff` gives it: a partial Merkle tree.
pub(super) fn proof_of_first(hashes: &[Hash256]) -> Vec<u8> {
    let count = u32::try_from(hashes.len()).expect("a block has fewer than 2^32 transactions");
    let leaves = hashes.iter().map(|hash| (hash.memory_order(), hash.memory_order())).collect();
    let tree = Tree::of(leaves);
    // Down the left side to the first leaf, then up again: each right sibling is one hash without a match below it.
    let depth = tree.levels.len() - 1;
    let siblings: Vec<Node> = tree.levels[..depth].iter().filter_map(|level| level.get(1)).copied().collect();
    let mut bits = vec![true; depth + 1];
    bits.resize(depth + 1 + siblings.len(), false);
    let mut proof = count.to_le_bytes().to_vec();
    proof.push(u8::try_from(siblings.len() + 1).expect("a tree is less deep than 253"));
    proof.extend(hashes[0].memory_order());
    proof.extend(siblings.iter().flatten());
    let mut flags = vec![0; bits.len().div_ceil(8)];
    for (place, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
        flags[place / 8] |= 1 << (place % 8);
    }
    proof.push(u8::try_from(flags.len()).expect("a tree is less deep than 253"));
    proof.extend(flags);
    proof
}

/// A tree over leaves that are sorted by a key.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    keys: Vec<[u8; 32]>,
    /// The leaves, then each level above, up to the root.
    levels: Vec<Vec<Node>>,
}

impl Tree {
    /// A tree over leaves that are in order already.
    pub(super) fn of(leaves: Vec<([u8; 32], Node)>) -> Self {
        let (keys, leaves) = leaves.into_iter().unzip();
        let mut tree = Self { keys, levels: vec![leaves] };
        tree.hash(Vec::new(), Some(0));
        tree
    }

    /// The root as it is printed; zeros of no leaf.
    pub(super) fn root(&self) -> Hash256 {
        printed(self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default())
    }

    /// Sets or takes away the leaf of each key.
    pub(super) fn change(&mut self, changes: impl IntoIterator<Item = ([u8; 32], Option<Node>)>) {
        let mut replaced = Vec::new();
        let mut moved: Option<usize> = None;
        for (key, leaf) in changes {
            let place = self.keys.binary_search(&key);
            let leaves = &mut self.levels[0];
            match (place, leaf) {
                (Ok(place), Some(leaf)) if leaves[place] != leaf => {
                    leaves[place] = leaf;
                    replaced.push(key);
                }
                (Ok(place), None) => {
                    self.keys.remove(place);
                    leaves.remove(place);
                    moved = Some(moved.map_or(place, |first| first.min(place)));
                }
                (Err(place), Some(leaf)) => {
                    self.keys.insert(place, key);
                    leaves.insert(place, leaf);
                    moved = Some(moved.map_or(place, |first| first.min(place)));
                }
                _ => {}
            }
        }
        let places = replaced.iter().filter_map(|key| self.keys.binary_search(key).ok()).collect();
        self.hash(places, moved);
    }

    /// Hashes what is above the changed leaves: single ones, and all from a place on.
    fn hash(&mut self, mut places: Vec<usize>, mut from: Option<usize>) {
        let mut level = 0;
        while self.levels[level].len() > 1 {
            let length = self.levels[level].len().div_ceil(2);
            places = places.into_iter().map(|place| place / 2).collect();
            places.sort_unstable();
            places.dedup();
            from = from.map(|from| from / 2);
            if level + 1 == self.levels.len() {
                self.levels.push(Vec::new());
                from = Some(0);
            }
            let (below, above) = self.levels.split_at_mut(level + 1);
            let (below, above) = (&below[level], &mut above[0]);
            above.resize(length, [0; 32]);
            let first = from.unwrap_or(length);
            for place in places.iter().copied().filter(|place| *place < first).chain(first..length) {
                let left = &below[2 * place];
                above[place] = parent(left, below.get(2 * place + 1).unwrap_or(left));
            }
            level += 1;
        }
        self.levels.truncate(level + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, double_sha256, parent, printed, proof_of_first, root};
    use crate::random::{Hash256, Random};

    fn leaf(number: u64) -> ([u8; 32], [u8; 32]) {
        (Random::of(&[number]).hash().0, Random::of(&[number, 7]).hash().0)
    }

    fn sorted(numbers: impl IntoIterator<Item = u64>) -> Vec<([u8; 32], [u8; 32])> {
        let mut leaves: Vec<_> = numbers.into_iter().map(leaf).collect();
        leaves.sort_unstable();
        leaves
    }

    #[test]
    fn an_odd_leaf_is_doubled_and_no_leaf_is_zero() {
        assert_eq!(root(&[]), Hash256::ZERO);
        let [first, second, third] = [1, 2, 3].map(|number| Random::of(&[number]).hash());
        assert_eq!(root(&[first]), first);
        let [a, b, c] = [first, second, third].map(Hash256::memory_order);
        assert_eq!(root(&[first, second, third]), printed(parent(&parent(&a, &b), &parent(&c, &c))));
        assert_eq!(double_sha256(b"")[..4], [0x5d, 0xf6, 0xe0, 0xe2]);
    }

    #[test]
    fn a_changed_tree_is_the_tree_of_the_changed_leaves() {
        let mut tree = Tree::of(sorted(0..40));
        let other = [9; 32];
        for numbers in [vec![3], vec![50, 51], vec![7, 60, 61, 62]] {
            tree.change(numbers.iter().map(|number| (leaf(*number).0, Some(leaf(*number).1))));
        }
        tree.change([(leaf(3).0, None), (leaf(20).0, Some(other)), (leaf(39).0, None)]);
        let numbers = (0..40).chain([50, 51, 60, 61, 62]).filter(|number| ![3, 39].contains(number));
        let mut expected = sorted(numbers);
        for leaf in expected.iter_mut().filter(|found| found.0 == leaf(20).0) {
            leaf.1 = other;
        }
        assert_eq!(tree.root(), Tree::of(expected.clone()).root());
        tree.change(expected.iter().skip(1).map(|(key, _)| (*key, None)));
        assert_eq!(tree.root(), printed(expected[0].1), "down to one leaf");
        tree.change([(expected[0].0, None)]);
        assert_eq!(tree.root(), Hash256::ZERO);
    }

    /// Follows a partial Merkle tree as BIP 37 says, and gives the root and the first matched hash.
    fn follow(proof: &[u8]) -> (Hash256, Hash256) {
        let count = u32::from_le_bytes(proof[..4].try_into().expect("four bytes")) as usize;
        let hashes: Vec<[u8; 32]> =
            proof[5..].chunks(32).take(usize::from(proof[4])).map(|hash| hash.try_into().expect("32 bytes")).collect();
        let flags = &proof[5 + 32 * hashes.len() + 1..];
        let depth = count.next_power_of_two().trailing_zeros();
        let (mut bit, mut next, mut matched) = (0, 0, None);
        let root = descend(depth, 0, count, flags, &hashes, (&mut bit, &mut next, &mut matched));
        assert_eq!((next, flags.len()), (hashes.len(), bit.div_ceil(8)), "nothing is left over");
        (printed(root), printed(matched.expect("a match")))
    }

    fn descend(
        height: u32,
        place: usize,
        count: usize,
        flags: &[u8],
        hashes: &[[u8; 32]],
        (bit, next, matched): (&mut usize, &mut usize, &mut Option<[u8; 32]>),
    ) -> [u8; 32] {
        let flag = flags[*bit / 8] >> (*bit % 8) & 1 == 1;
        *bit += 1;
        if height == 0 || !flag {
            let hash = hashes[*next];
            *next += 1;
            if flag {
                *matched = Some(hash);
            }
            return hash;
        }
        let left = descend(height - 1, place * 2, count, flags, hashes, (bit, next, matched));
        let has_right = (place * 2 + 1) << (height - 1) < count;
        let right = if has_right {
            descend(height - 1, place * 2 + 1, count, flags, hashes, (bit, next, matched))
        } else {
            left
        };
        parent(&left, &right)
    }

    #[test]
    fn the_proof_of_the_first_leads_to_the_root() {
        for count in 1..40 {
            let hashes: Vec<Hash256> = (0..count).map(|number| Random::of(&[number]).hash()).collect();
            assert_eq!(follow(&proof_of_first(&hashes)), (root(&hashes), hashes[0]), "{count}");
        }
    }
}
