//! Members of rotating quorums: what is computed ahead is what recorded nodes of mainnet and testnet then show.

use std::io::Read;

use domain::dkg::{MAIN, QuorumType, TEST};
use domain::quorum_rotation::{Quarter, QuarterSnapshot, Rotation, SkipMode};
use domain::quorum_selection::{QuorumModifierInput, Sml, SmlDiff};
use domain::{BlockHash, Hash, Height};
use masternode_exporter::rpc::dash::{rotation, sml_diff};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::oracle;

/// A recorded `quorum rotationinfo`, the coinbases of its work blocks, and members from `quorum info`.
struct Recorded {
    kind: QuorumType,
    value: Value,
    /// Names of the cycles, the oldest first, as the answer spells them.
    cycles: Vec<&'static str>,
}

fn recorded(name: &str, types: &[QuorumType], cycles: &[&'static str]) -> Recorded {
    let file = format!("{}/tests/fixtures/dash/rotation/{name}.json.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&std::fs::read(file).unwrap()[..]).read_to_string(&mut text).unwrap();
    let kind = *types.iter().find(|kind| kind.id == 5).unwrap();
    Recorded { kind, value: serde_json::from_str(&text).unwrap(), cycles: cycles.to_vec() }
}

fn mainnet() -> Recorded {
    recorded("mainnet-2516544", MAIN, &["AtHMinus4C", "AtHMinus3C", "AtHMinus2C", "AtHMinusC", "H"])
}

fn testnet() -> Recorded {
    recorded("testnet-1520064", TEST, &["AtHMinus3C", "AtHMinus2C", "AtHMinusC", "H"])
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

impl Recorded {
    /// The list and the modifier input of each work block, the oldest first.
    fn lists(&self) -> Vec<(Sml, QuorumModifierInput)> {
        let mut list = Sml::default();
        let blocks = self.value["work_blocks"].as_array().unwrap();
        let made = self.cycles.iter().zip(blocks).map(|(cycle, block)| {
            let hash = BlockHash(block["hash"].as_str().unwrap().parse().unwrap());
            let diff = &self.value["rotationinfo"][format!("mnListDiff{cycle}")];
            let body = serde_json::json!({ "result": diff, "error": null, "id": 1 }).to_string();
            list.apply(&SmlDiff::from(&sml_diff::sml_diff(body.as_bytes(), &hash).unwrap()));
            let height = Height(block["height"].as_u64().unwrap() as u32);
            let chainlock = Some(bytes(block["bestCLSignature"].as_str().unwrap()));
            (list.clone(), QuorumModifierInput { height, hash, chainlock })
        });
        made.collect()
    }

    fn snapshot(&self, cycle: &str) -> QuarterSnapshot {
        let wire = &self.value["rotationinfo"][format!("quorumSnapshot{cycle}")];
        QuarterSnapshot {
            active: wire["activeQuorumMembers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|flag| flag.as_bool().unwrap())
                .collect(),
            mode: if wire["mnSkipListMode"] == 0 { SkipMode::None } else { SkipMode::Skipped },
            skips: wire["mnSkipList"].as_array().unwrap().iter().map(|skip| skip.as_i64().unwrap()).collect(),
        }
    }

    fn quarter(&self, cycle: &str, (list, input): &(Sml, QuorumModifierInput)) -> Quarter {
        Quarter::from_snapshot(&self.kind, list, input, &self.snapshot(cycle)).unwrap()
    }

    /// Quorum index and members, as `quorum info` named them.
    fn quorums(&self) -> Vec<(usize, Vec<Hash>)> {
        let hash = |text: &Value| text.as_str().unwrap().parse().unwrap();
        let quorum = |quorum: &Value| {
            let members = quorum["members"].as_array().unwrap().iter().map(hash).collect();
            (quorum["quorumIndex"].as_u64().unwrap() as usize, members)
        };
        self.value["quorums"].as_array().unwrap().iter().map(quorum).collect()
    }

    /// The rotation of the recorded cycle, from the stored snapshots of the three before it.
    fn rotation(&self) -> Rotation {
        let lists = self.lists();
        let [three, two, one, newest] = &lists[lists.len() - 4..] else { panic!("four lists") };
        let earlier =
            [self.quarter("AtHMinusC", one), self.quarter("AtHMinus2C", two), self.quarter("AtHMinus3C", three)];
        Rotation::new(self.kind, earlier, &newest.0, &newest.1).unwrap()
    }
}

#[test]
fn all_quorums_of_a_recorded_mainnet_cycle_have_the_computed_members_in_order() {
    let recorded = mainnet();
    let rotation = recorded.rotation();
    assert_eq!(rotation.cycle(), Height(2_516_544));
    let quorums = recorded.quorums();
    assert_eq!(quorums.len(), 32);
    let mut ids = Sha256::new();
    for (index, members) in quorums {
        assert_eq!(members.len(), 60);
        assert_eq!(rotation.members(index), members, "quorum {index}");
        members.iter().for_each(|id| ids.update(id.to_string()));
    }
    // docs/spec/dip24-rotation.md#test-vectors
    let digest: String = ids.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "79642c9ef2b5bf7422d5498e68c8c60532b46d00c597b15788f4c772f97cc3df");
}

/// `tests/oracles/rotation.py` was written from the specification, not from our code.
#[test]
fn an_implementation_in_another_language_computes_the_same_members_and_snapshot() {
    for (name, recorded) in [("mainnet-2516544", mainnet()), ("testnet-1520064", testnet())] {
        let file = format!("{}/tests/fixtures/dash/rotation/{name}.json.gz", env!("CARGO_MANIFEST_DIR"));
        let answer = oracle::run(&["recorded", &file], &Value::Null);
        let rotation = recorded.rotation();
        let ours: Vec<Vec<String>> =
            (0..32).map(|index| rotation.members(index).iter().map(Hash::to_string).collect()).collect();
        assert_eq!(answer["members"], serde_json::json!(ours), "{name}");
        let lists = recorded.lists();
        let [three, two, one, (list, input)] = &lists[lists.len() - 4..] else { panic!("four lists") };
        let earlier = [
            recorded.quarter("AtHMinusC", one),
            recorded.quarter("AtHMinus2C", two),
            recorded.quarter("AtHMinus3C", three),
        ];
        let (_, snapshot) = Quarter::new(&recorded.kind, list, input, [&earlier[0], &earlier[1], &earlier[2]]).unwrap();
        let mode = u32::from(snapshot.mode == SkipMode::Skipped);
        let ours = serde_json::json!({ "bits": snapshot.active, "mode": mode, "skips": snapshot.skips });
        assert_eq!(answer["snapshot"], ours, "{name}");
    }
}

#[test]
fn a_new_quarter_equals_the_snapshot_that_the_mainnet_node_stored_of_it() {
    let recorded = mainnet();
    let lists = recorded.lists();
    let quarters: Vec<Quarter> =
        recorded.cycles[..4].iter().zip(&lists).map(|(cycle, list)| recorded.quarter(cycle, list)).collect();
    let (list, input) = &lists[3];
    let (quarter, snapshot) =
        Quarter::new(&recorded.kind, list, input, [&quarters[2], &quarters[1], &quarters[0]]).unwrap();
    assert_eq!(snapshot, recorded.snapshot("AtHMinusC"));
    assert_eq!(quarter, quarters[3]);
    let (list, input) = &lists[4];
    let (_, snapshot) = Quarter::new(&recorded.kind, list, input, [&quarters[3], &quarters[2], &quarters[1]]).unwrap();
    let set = snapshot.active.iter().filter(|active| **active).count();
    assert_eq!((snapshot.active.len(), set, snapshot.mode), (2971, 1434, SkipMode::None));
    let packed: Vec<u8> = snapshot
        .active
        .chunks(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
        .collect();
    let digest: String = Sha256::digest(packed).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "a2333509121c1868e32b15c0913f1b69178bfee9307584be5c69a5040ed35efc");
}

#[test]
fn a_recorded_testnet_quorum_with_skip_lists_has_the_computed_members_in_order() {
    let recorded = testnet();
    let rotation = recorded.rotation();
    for (index, members) in recorded.quorums() {
        assert_eq!(rotation.members(index), members, "quorum {index}");
    }
}

#[test]
fn seats_are_known_for_four_cycles_and_no_masternode_has_two_in_one_where_there_are_enough() {
    let recorded = mainnet();
    let rotation = recorded.rotation();
    let (list, _) = recorded.lists().remove(4);
    assert!(list.valid() >= 1920, "{}", list.valid());
    let quorums = recorded.quorums();
    let everyone: std::collections::BTreeSet<Hash> = quorums.iter().flat_map(|(_, members)| members.clone()).collect();
    let mut by_cycle = [0_usize; 4];
    for id in &everyone {
        let seats = rotation.seats(id);
        for step in 0..4_u32 {
            let cycle = rotation.cycle().after(step * 288);
            let here: Vec<_> = seats.iter().filter(|seat| seat.due == cycle.after(42)).collect();
            assert!(here.len() <= 1, "{id}");
            by_cycle[step as usize] += here.len();
            assert!(here.iter().all(|seat| seat.start == cycle.after(seat.index)));
        }
        let now = seats.iter().filter(|seat| seat.due == Height(2_516_586)).map(|seat| seat.index as usize);
        let sits = quorums.iter().filter(|(_, members)| members.contains(id)).map(|(index, _)| *index);
        assert!(now.eq(sits), "{id}");
    }
    assert_eq!(by_cycle, [1920, 1440, 960, 480]);
}

#[test]
fn the_members_of_one_whole_cycle_are_enough_to_compute_the_next_quarter() {
    let recorded = mainnet();
    let members: Vec<Vec<Hash>> = recorded.quorums().into_iter().map(|(_, members)| members).collect();
    let (list, input) = recorded.lists().remove(4);
    let mut read = Rotation::from_members(recorded.kind, Height(2_516_544), &members, &list).unwrap();
    let mut computed = recorded.rotation();
    assert!(members.iter().enumerate().all(|(index, members)| read.members(index) == *members));
    // A block that was never mined stands for the next work block: both have to select the same.
    let next = QuorumModifierInput { height: Height(2_516_824), ..input };
    assert_eq!(read.advance(&list, &next), computed.advance(&list, &next));
    assert!((0..32).all(|index| read.members(index) == computed.members(index)));
    assert_eq!(read.cycle(), Height(2_516_832));
    let short: Vec<Vec<Hash>> = members[..31].to_vec();
    let error = Rotation::from_members(recorded.kind, Height(2_516_544), &short, &list).unwrap_err();
    assert_eq!(error, "a quorum does not have the number of members of its type");
    let gap = QuorumModifierInput { height: Height(2_517_400), ..next };
    assert!(read.advance(&list, &gap).unwrap_err().starts_with("the quarter of the cycle at "), "a cycle was left out");
    assert_eq!(read.cycle(), Height(2_516_832), "nothing has changed");
}

#[test]
fn a_recorded_answer_is_read_with_its_snapshots_and_work_blocks_the_newest_first() {
    for (recorded, quorum_type) in [(mainnet(), Some(5)), (testnet(), Some(5))] {
        let answer = &recorded.value["rotationinfo"];
        let body = |answer: &Value| serde_json::json!({ "result": answer, "error": null, "id": 1 }).to_string();
        let info = rotation::rotation_info(body(answer).as_bytes()).unwrap();
        let blocks: Vec<BlockHash> = recorded.lists().iter().rev().map(|(_, input)| input.hash).collect();
        assert_eq!(info.work_block, blocks[0]);
        for (place, (snapshot, block)) in info.earlier.iter().enumerate() {
            let cycle = ["AtHMinusC", "AtHMinus2C", "AtHMinus3C"][place];
            assert_eq!((snapshot, *block), (&recorded.snapshot(cycle), blocks[place + 1]), "{cycle}");
        }
        let named = answer["lastCommitmentPerIndex"].as_array().is_some_and(|named| !named.is_empty());
        assert_eq!(info.quorum_type, quorum_type.filter(|_| named));
        let mut short = answer.clone();
        short.as_object_mut().unwrap().remove("quorumSnapshotAtHMinus2C");
        assert!(rotation::rotation_info(body(&short).as_bytes()).is_err(), "a snapshot is missing");
        let mut torn = answer.clone();
        torn["mnListDiffH"]["blockHash"] = "00".into();
        assert!(rotation::rotation_info(body(&torn).as_bytes()).is_err(), "a block has no hash");
    }
}
