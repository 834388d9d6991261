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

/// An Evo entry of version 2.
fn evo(number: u8, address: Option<&str>, http_port: Option<u16>) -> LeafFields {
    LeafFields {
        version: 2,
        pro_tx: hash(number),
        confirmed: Some(hash(99)),
        addresses: [address.into_iter().map(Into::into).collect(), Vec::new(), Vec::new()],
        operator_key: [0x81; leaf::OPERATOR_KEY],
        voting_key: Some([7; 20]),
        valid: address.is_some(),
        node_type: crate::masternode::NodeType::Evo,
        http_port,
        platform_node: [number; 20],
    }
}

fn of(entered: Vec<LeafFields>) -> ProofDiff {
    ProofDiff { removed: Vec::new(), entered, coinbase: Vec::new(), branch: Vec::new() }
}

#[test]
fn ports_that_no_answer_contains_are_those_from_before_or_none() {
    let address = Some("192.0.2.1:9999");
    let first = of((1..=3).map(|number| evo(number, address, Some(443))).collect());
    // The addresses of two are emptied: one keeps the port in its leaf, the other does not.
    for ports in [[443, 0], [0, 443], [443, 443], [0, 0]] {
        let mut truth = ListProof::default();
        truth.apply(&first);
        truth.apply(&of(vec![evo(1, None, Some(ports[0])), evo(2, None, Some(ports[1]))]));
        let mut proof = ListProof::default();
        proof.apply(&first);
        proof.apply(&of(vec![evo(1, None, None), evo(2, None, None)]));
        assert!(proof.find_ports(&truth.tree.root()), "{ports:?}");
        assert_eq!(proof.entry(&hash(1)).unwrap().http_port, Some(ports[0]));
        assert!(proof.unknown.is_empty() && proof.tree.root() == truth.tree.root());
    }
    let mut proof = ListProof::default();
    proof.apply(&of(vec![evo(1, None, None), evo(2, None, None)]));
    assert!(!proof.find_ports(&[1; 32]), "another root");
    assert_eq!((proof.unknown.len(), proof.tree.root()), (2, [0; 32]));
}

#[test]
fn changes_that_are_taken_back_leave_the_entries_as_they_were() {
    let mut proof = ListProof::default();
    proof.apply(&of((1..=5).map(|number| evo(number, Some("192.0.2.1:9999"), Some(1))).collect()));
    let before = (proof.tree.root(), proof.entries.clone());
    let diff = ProofDiff { removed: vec![hash(2), hash(9)], ..of(vec![evo(3, None, Some(2)), evo(7, None, None)]) };
    let undo = proof.apply(&diff);
    assert_ne!(proof.tree.root(), before.0);
    proof.revert(undo);
    assert_eq!((proof.tree.root(), proof.entries.clone()), before);
    assert!(proof.unknown.is_empty());
}
