//! The rule of the rotation, held against a cycle of mainnet and one of testnet.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::recorded_path;
use crate::list::List;
use crate::masternode::Masternode;
use crate::quorum_rotation::{Quarter, Shape, Snapshot, new_quarter, restore};
use crate::quorum_selection::{modifier_of, ranked};
use crate::random::Hash256;

const SHAPE: Shape = Shape { quorums: 32, quarter: 15 };

/// One recorded work block: the list, the modifier, the snapshot of its cycle.
struct Work {
    list: List,
    modifier: [u8; 32],
    snapshot: Option<Snapshot>,
}

fn read(name: &str) -> Value {
    let path = recorded_path(&format!("../rotation/{name}"));
    let mut text = String::new();
    GzDecoder::new(File::open(path).expect("the vectors")).read_to_string(&mut text).expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}

fn hash(value: &Value) -> Hash256 {
    Hash256::parse(value.as_str().expect("a text")).expect("a hash")
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    }
    bytes
}

/// The work blocks of the recorded cycles, the oldest first.
fn work_blocks(vectors: &Value) -> Vec<Work> {
    let info = &vectors["rotationinfo"];
    let diffs = ["AtHMinus4C", "AtHMinus3C", "AtHMinus2C", "AtHMinusC", "H"];
    let diffs = diffs.iter().filter(|name| info.get(format!("mnListDiff{name}")).is_some());
    let mut nodes: BTreeMap<Hash256, (Hash256, bool)> = BTreeMap::new();
    let mut slots: BTreeMap<Hash256, u32> = BTreeMap::new();
    let inputs = vectors["work_blocks"].as_array().expect("inputs");
    let works = diffs.zip(inputs).map(|(name, input)| {
        let diff = &info[format!("mnListDiff{name}")];
        assert_eq!(diff["blockHash"], input["hash"]);
        for gone in diff["deletedMNs"].as_array().expect("hashes") {
            nodes.remove(&hash(gone));
        }
        for entry in diff["mnList"].as_array().expect("entries") {
            nodes.insert(hash(&entry["proRegTxHash"]), (hash(&entry["confirmedHash"]), entry["isValid"] == true));
        }
        let mut list = List::default();
        for (id, (confirmed, valid)) in &nodes {
            let next = u32::try_from(slots.len()).expect("small");
            let slot = *slots.entry(*id).or_insert(next);
            let node = Masternode::registered(*id, slot, false, 1, *valid);
            list.replace(slot, Some(Masternode { confirmed: *confirmed, ..node }));
        }
        let signature = bytes(input["bestCLSignature"].as_str().expect("a signature"));
        let height = u32::try_from(input["height"].as_u64().expect("a height")).expect("small");
        let modifier = modifier_of(5, height, &signature);
        assert_eq!(modifier, bytes(input["modifier"].as_str().expect("hex")), "{name}");
        let snapshot = info.get(format!("quorumSnapshot{name}")).map(|snapshot| Snapshot {
            active: snapshot["activeQuorumMembers"].as_array().expect("bits").iter().map(|bit| *bit == true).collect(),
            skips: snapshot["mnSkipList"]
                .as_array()
                .expect("positions")
                .iter()
                .map(|skip| skip.as_i64().expect("a position"))
                .collect(),
        });
        Work { list, modifier, snapshot }
    });
    works.collect()
}

/// The quarters of the recorded snapshots, the oldest first, and the new one.
fn quarters(works: &[Work]) -> (Vec<Quarter>, Option<Snapshot>) {
    let (newest, older) = works.split_last().expect("works");
    let mut quarters: Vec<Quarter> = older
        .iter()
        .map(|work| {
            let order = ranked(work.list.iter(), &work.modifier);
            restore(SHAPE, &order, work.snapshot.as_ref().expect("a snapshot"))
        })
        .collect();
    let previous: Vec<&Quarter> = quarters.iter().rev().take(3).collect();
    let (made, snapshot) = new_quarter(SHAPE, &newest.list, &ranked(newest.list.iter(), &newest.modifier), &previous);
    quarters.push(made);
    (quarters, snapshot)
}

fn compare(name: &str, quorums: usize) -> (Vec<Work>, Vec<Quarter>, Option<Snapshot>) {
    let vectors = read(name);
    let works = work_blocks(&vectors);
    let (quarters, snapshot) = quarters(&works);
    let four = &quarters[quarters.len() - 4..];
    let recorded = vectors["quorums"].as_array().expect("quorums");
    assert_eq!(recorded.len(), quorums);
    for quorum in recorded {
        let index = usize::try_from(quorum["quorumIndex"].as_u64().expect("an index")).expect("small");
        let members: Vec<String> =
            four.iter().flat_map(|quarter| &quarter[index]).map(|node| node.hash.to_string()).collect();
        assert_eq!(members.len(), 60);
        assert_eq!(Value::from(members), quorum["members"], "index {index}");
    }
    (works, quarters, snapshot)
}

#[test]
fn a_cycle_of_mainnet_comes_out_in_order() {
    let (works, quarters, snapshot) = compare("mainnet-2516544.json.gz", 32);
    let snapshot = snapshot.expect("enough nodes");
    assert_eq!((snapshot.active.len(), snapshot.skips.len()), (2971, 0));
    assert_eq!(snapshot.active.iter().filter(|bit| **bit).count(), 1434);
    // The cycle before, made from the snapshots of the three before it, has the snapshot that the node stored.
    let before = &works[3];
    let previous: Vec<&Quarter> = quarters[..3].iter().rev().collect();
    let (made, again) = new_quarter(SHAPE, &before.list, &ranked(before.list.iter(), &before.modifier), &previous);
    assert_eq!((Some(&made), again.as_ref()), (Some(&quarters[3]), before.snapshot.as_ref()));
}

#[test]
fn a_cycle_of_testnet_with_skips_comes_out_in_order() {
    let (works, quarters, snapshot) = compare("testnet-1520064.json.gz", 1);
    let skips: Vec<usize> = works.iter().flat_map(|work| &work.snapshot).map(|stored| stored.skips.len()).collect();
    assert_eq!(skips, [564, 514, 523]);
    // No snapshot of the newest cycle is recorded: its own must give its quarter again.
    let (snapshot, newest) = (snapshot.expect("enough nodes"), works.last().expect("four"));
    assert!(!snapshot.skips.is_empty());
    let again = restore(SHAPE, &ranked(newest.list.iter(), &newest.modifier), &snapshot);
    assert_eq!(Some(&again), quarters.last());
}
