//! Trees and branches over invented leaves; recorded lists are in `tests/it`.

use proptest::prelude::*;

use super::*;

fn hash(number: u8) -> Hash {
    Hash([number; 32])
}

/// The root by the definition: pair by pair, the odd last one doubled.
fn root_of(mut level: Vec<Node>) -> Node {
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| double(&[pair[0], *pair.last().unwrap()].concat())).collect();
    }
    level.first().copied().unwrap_or([0; 32])
}

proptest! {
    /// Whatever is set, changed and removed in whatever order, and however often the root is asked for in between.
    #[test]
    fn a_tree_that_is_carried_has_the_root_of_one_that_is_made_afresh(
        steps in prop::collection::vec((0_u8..40, prop::option::of(any::<u8>()), any::<bool>()), 0..60)
    ) {
        let mut tree = MerkleTree::default();
        let mut leaves: BTreeMap<Node, Node> = BTreeMap::new();
        for (number, leaf, asked) in steps {
            match leaf {
                Some(leaf) => {
                    tree.set(hash(number), [leaf; 32]);
                    leaves.insert(hash(number).in_memory_order(), [leaf; 32]);
                }
                None => {
                    tree.remove(&hash(number));
                    leaves.remove(&hash(number).in_memory_order());
                }
            }
            if asked {
                prop_assert_eq!(tree.root(), root_of(leaves.values().copied().collect()));
            }
        }
        prop_assert_eq!(tree.root(), root_of(leaves.values().copied().collect()));
    }

    /// A stranger's bytes are refused, not believed, and never end the process.
    #[test]
    fn any_bytes_are_no_proof(transaction in prop::collection::vec(any::<u8>(), 0..300), branch in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(coinbase_root(&transaction, &branch, &hash(1)).is_err());
    }
}

/// A coinbase with a payload of this version, and the branch of a block that has nothing else.
fn lone_coinbase(version: u16) -> (Vec<u8>, Vec<u8>) {
    let mut transaction = vec![3, 0, 5, 0, 1];
    transaction.extend([0; 32]);
    transaction.extend([0xff; 4]);
    transaction.extend([1, 0x51, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0]);
    let mut payload = version.to_le_bytes().to_vec();
    payload.extend(7_u32.to_le_bytes());
    payload.extend([9; 32]);
    transaction.push(payload.len() as u8);
    transaction.extend(payload);
    let mut branch = vec![1, 0, 0, 0, 1];
    branch.extend(double(&transaction));
    branch.extend([1, 1]);
    (transaction, branch)
}

#[test]
fn a_coinbase_is_read_once_it_is_the_blocks_own() {
    let (transaction, branch) = lone_coinbase(3);
    let root = printed(&double(&transaction));
    let committed = CommittedRoot { height: crate::masternode::Height(7), list_root: [9; 32] };
    assert_eq!(coinbase_root(&transaction, &branch, &root), Ok(committed));
    assert_eq!(coinbase_root(&transaction, &branch, &hash(1)), Err(CoinbaseError::OtherBlock));
    let (other, _) = lone_coinbase(2);
    assert_eq!(coinbase_root(&other, &branch, &root), Err(CoinbaseError::OtherBlock), "the branch is of another one");
    let (unknown, branch) = lone_coinbase(5);
    assert_eq!(coinbase_root(&unknown, &branch, &root), Err(CoinbaseError::Version(5)));
    let cut = &transaction[..transaction.len() - 1];
    assert_eq!(coinbase_root(cut, &branch, &root), Err(CoinbaseError::Malformed));
}

#[test]
fn a_branch_that_marks_another_transaction_or_two_equal_halves_is_refused() {
    let (transaction, _) = lone_coinbase(3);
    let own = double(&transaction);
    let branch = |hashes: &[Node], flags: u8| {
        let mut bytes = vec![2, 0, 0, 0, hashes.len() as u8];
        hashes.iter().for_each(|hash| bytes.extend(hash));
        bytes.extend([1, flags]);
        bytes
    };
    let other = [8; 32];
    let root = printed(&double(&[own, other].concat()));
    assert!(coinbase_root(&transaction, &branch(&[own, other], 0b011), &root).is_ok());
    let swapped = printed(&double(&[other, own].concat()));
    assert_eq!(
        coinbase_root(&transaction, &branch(&[other, own], 0b101), &swapped),
        Err(CoinbaseError::MalformedBranch)
    );
    assert_eq!(coinbase_root(&transaction, &branch(&[own, other], 0b111), &root), Err(CoinbaseError::MalformedBranch));
    let doubled = printed(&double(&[own, own].concat()));
    assert_eq!(coinbase_root(&transaction, &branch(&[own, own], 0b011), &doubled), Err(CoinbaseError::MalformedBranch));
    assert_eq!(coinbase_root(&transaction, &branch(&[own], 0b011), &root), Err(CoinbaseError::MalformedBranch));
    assert_eq!(
        coinbase_root(&transaction, &branch(&[own, other, other], 0b011), &root),
        Err(CoinbaseError::MalformedBranch)
    );
}
