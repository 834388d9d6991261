//! Due heights of DKG sessions: compared with the blocks of real chains and with the simulator.

use std::collections::BTreeMap;
use std::io::Read;

use domain::dkg::{MAIN, QuorumType, REGTEST, next_due};
use domain::quorum::{Formations, Quorums};
use domain::{Block, BlockHash, Hash, Height, UnixSeconds};
use masternode_exporter::rpc::dash::quorums;
use serde_json::{Value, json};
use simulator::{Action, Fault};

use crate::support::conditions::holding;
use crate::support::harness::{NOW, Stage, fail};

const NEXT: &str = "masternode_network_dkg_next_window_height";

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/dash");

/// A commitment: number of its type, index, and whether its quorum was formed.
type Commitment = (u8, u32, bool);

/// The heights of a recording in their order, each with its commitments.
type Blocks = BTreeMap<u32, Vec<Commitment>>;

fn episode(name: &str) -> Blocks {
    let packed = std::fs::read(format!("{FIXTURES}/{name}/blocks.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let block = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let own = line.get("commitments").filter(|own| !own.is_null()).cloned().unwrap_or_else(|| json!([]));
        let own = quorums::commitments(json!({ "result": own }).to_string().as_bytes()).unwrap();
        let brief = own.iter().map(|own| (own.quorum_type, own.index, own.valid_members > 0)).collect();
        (line["height"].as_u64().unwrap() as u32, brief)
    };
    // The first line is the list before the first block.
    text.lines().skip(1).map(block).collect()
}

/// 3,102 blocks of mainnet.
fn mainnet() -> Blocks {
    let text = std::fs::read_to_string(format!("{FIXTURES}/mainnet-2026-08/commitments.txt")).unwrap();
    let commitment = |word: &str| {
        let (session, valid) = word.split_once('=').unwrap();
        let (kind, index) = session.split_once('/').unwrap();
        (kind.parse().unwrap(), index.parse().unwrap(), valid != "0")
    };
    let mut blocks: Blocks = (2_513_685..=2_516_786).map(|height| (height, Vec::new())).collect();
    for line in text.lines() {
        let mut words = line.split(' ');
        let height = words.next().unwrap().parse().unwrap();
        blocks.insert(height, words.map(commitment).collect());
    }
    blocks
}

/// The block that mined the last quorum of a session, or of a cycle of sessions; `None` if none was mined.
fn done(blocks: &Blocks, kind: &QuorumType, start: u32) -> Option<u32> {
    let window = blocks.range(start + kind.window_start..=start + kind.window_end);
    let formed = window.flat_map(|(height, own)| own.iter().map(move |own| (*height, own)));
    let formed: BTreeMap<u32, u32> = formed
        .filter(|(_, (id, _, formed))| *id == kind.id && *formed)
        .map(|(height, (_, index, _))| (*index, height))
        .collect();
    (formed.len() as u32 == kind.quorums).then(|| formed.into_values().max().unwrap())
}

/// The next height above a tip at which a quorum of a type can be mined, determined from later blocks of the chain.
fn truth(blocks: &Blocks, kind: &QuorumType, tip: u32) -> u32 {
    let start = tip - tip % kind.interval;
    let first = start + kind.window_start + u32::from(kind.quorums == 1);
    // Types without sessions have no commitments.
    let window = start + kind.window_start..=(start + kind.window_end).min(tip);
    let is_held = window.is_empty() || blocks.range(window).any(|(_, own)| own.iter().any(|own| own.0 == kind.id));
    let last = if is_held { done(blocks, kind, start).unwrap_or(start + kind.window_end) } else { 0 };
    (first..=last).find(|height| *height > tip).unwrap_or(first + kind.interval)
}

/// Processes a recording like the follower and compares at each tip. Returns the number of quorums mined at their due
/// height.
fn walk(name: &str, blocks: &Blocks, types: &'static [QuorumType]) -> usize {
    let block = |height: u32| {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        Block { height: Height(height), hash: BlockHash(Hash(hash)), time: UnixSeconds(0) }
    };
    let first = *blocks.keys().next().unwrap();
    let mut known = Quorums { at: Some(block(first - 1).hash), formations: Formations::new() };
    let mut predicted = 0;
    for (height, own) in blocks {
        let open = |kind: &QuorumType| known.formations.get(kind.name).and_then(|formation| formation.open);
        for kind in types.iter().filter(|_| *height > first) {
            if own.iter().any(|(id, _, formed)| *id == kind.id && *formed) {
                let due = kind.next_due(Height(height - 1), open(kind));
                assert_eq!(due, Height(*height), "{name}: {} mined in {height}", kind.name);
                predicted += 1;
            }
        }
        let brief: Vec<_> = own.iter().map(|(id, _, formed)| (*id, *formed)).collect();
        known.step(types, (&block(height - 1).hash, &block(*height)), Some(&brief));
        assert_eq!(known.at, Some(block(*height).hash));
        let open = |kind: &QuorumType| known.formations.get(kind.name).and_then(|formation| formation.open);
        let expected = types.iter().map(|kind| truth(blocks, kind, *height)).min();
        let next = next_due(types, Height(*height), open).map(|next| next.0);
        assert_eq!(next, expected, "{name}: tip {height}, offset {}", height % 288);
    }
    predicted
}

#[test]
fn the_next_block_that_can_punish_is_right_at_every_tip_of_the_recordings() {
    assert_eq!(walk("before-mn-rr", &episode("v23.1.2/episodes/before-mn-rr"), REGTEST), 12);
    assert_eq!(walk("decay-and-changes", &episode("v23.1.2/episodes/decay-and-changes"), REGTEST), 11);
    assert_eq!(walk("fail-ban-revive", &episode("v23.1.2/episodes/fail-ban-revive"), REGTEST), 12);
    for (name, mined) in [("activation", 2), ("ban-revive-addresses", 1)] {
        assert_eq!(walk(name, &episode(&format!("v24/episodes/{name}")), REGTEST), mined, "{name}");
    }
    // After the first block: 10 and 4 of 400 members, 128 of Platform, 11 cycles of 32 quorums in 14 blocks.
    assert_eq!(walk("mainnet", &mainnet(), MAIN), 156);
}

#[test]
fn no_recorded_quorum_is_mined_before_it_is_due() {
    let mut offsets: BTreeMap<(&str, u32), u32> = BTreeMap::new();
    for (height, own) in mainnet() {
        for (id, _, _) in own.iter().filter(|(_, _, formed)| *formed) {
            let kind = MAIN.iter().find(|kind| kind.id == *id).unwrap();
            *offsets.entry((kind.name, height % kind.interval)).or_default() += 1;
        }
    }
    for (name, offset) in offsets.keys() {
        let kind = MAIN.iter().find(|kind| kind.name == *name).unwrap();
        assert!((kind.due_offset()..=kind.window_end).contains(offset), "{name} at {offset}");
    }
    assert_eq!(offsets[&("llmq_100_67", 11)], 108);
    assert_eq!(offsets[&("llmq_60_75", 42)], 349);
}

/// What holds of a masternode.
fn held(stage: &Stage, id: &str) -> Vec<&'static str> {
    let holding = holding(stage.snapshot().unwrap(), UnixSeconds(NOW));
    holding.into_iter().filter(|held| held.of == id).map(|held| held.alert).collect()
}

/// A stage at the beginning of a session in which a masternode will fail, which the next failure bans.
async fn before_a_ban() -> (Stage, String, u32) {
    let mut stage = Stage::following().await;
    let evo =
        (0..12).map(|index| stage.masternode(index)).find(|id| stage.network.masternode(id).unwrap().evo).unwrap();
    let start = stage.network.tip().0 + 24 - stage.network.tip().0 % 24;
    stage.network.mine((start - stage.network.tip().0 - 1) as usize);
    stage.mine(&[fail(&evo, 1)]).await;
    // All three Evo nodes are members of the Platform quorum.
    stage.network.set_offline(&evo, true).unwrap();
    (stage, evo, start)
}

#[tokio::test]
async fn a_ban_is_imminent_up_to_the_block_before_it() {
    // Blocks at offset 11 and above without a mined quorum.
    for late in 0..3 {
        let (mut stage, evo, start) = before_a_ban().await;
        for offset in 1..=11 + late {
            stage.page().await.expect(NEXT, &[], f64::from(start + offset.max(11)));
            let held = held(&stage, &evo);
            assert!(held.contains(&"MasternodePoSeBanImminent"), "late by {late}, before offset {offset}: {held:?}");
            let outage = (11..11 + late).contains(&offset);
            stage.mine(if outage { &[Action::FailNetwork] } else { &[] }).await;
        }
        let held = held(&stage, &evo);
        assert!(held.contains(&"MasternodePaymentLost"), "{held:?}");
        assert!(held.contains(&"MasternodePoSeBanned") && !held.contains(&"MasternodePoSeBanImminent"), "{held:?}");
    }
}

#[tokio::test]
async fn a_start_or_a_reorg_in_the_middle_of_a_late_session_knows_that_it_is_open() {
    let (mut stage, evo, start) = before_a_ban().await;
    stage.network.mine(10);
    for _ in 0..2 {
        stage.network.mine_with(&[Action::FailNetwork]).unwrap();
    }
    stage.restart().await;
    stage.page().await.expect(NEXT, &[], f64::from(start + 13));
    assert!(held(&stage, &evo).contains(&"MasternodePoSeBanImminent"));
    let late = vec![vec![Action::FailNetwork]; 3];
    stage.network.reorg(2, &late).unwrap();
    stage.poll().await;
    stage.page().await.expect(NEXT, &[], f64::from(start + 14));
    assert!(held(&stage, &evo).contains(&"MasternodePoSeBanImminent"));
}

#[tokio::test]
async fn an_unreported_session_counts_as_open_until_its_window_ends() {
    let (mut stage, _, start) = before_a_ban().await;
    stage.servers[0]
        .handle()
        .faults()
        .set_for(Fault::Forbidden, &["getspecialtxes", "quorum listextended", "quorum info"]);
    for offset in 1..=20 {
        stage.mine(&[]).await;
        // Rotating quorums can be mined up to offset 20, others up to 18.
        let expected = if offset < 20 { (offset + 1).max(11) } else { 24 + 11 };
        stage.page().await.expect(NEXT, &[], f64::from(start + expected));
    }
}

#[tokio::test]
async fn without_commitments_of_blocks_the_list_of_quorums_shows_finished_sessions() {
    let (mut stage, _, start) = before_a_ban().await;
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["getspecialtxes"]);
    for _ in 0..12 {
        stage.mine(&[]).await;
    }
    let open = |stage: &Stage, kind: &str| stage.snapshot().unwrap().facts().formations[kind].open;
    assert_eq!(open(&stage, "llmq_test"), Some(false), "tip {}", start + 12);
    assert_eq!(open(&stage, "llmq_test_dip0024"), None, "one of two may be missing");
}
