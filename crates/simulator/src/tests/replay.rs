//! Three recorded chains replayed by the simulator's rules: every score, ban and payment must be equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::recorded_path;
use crate::Action;
use crate::block::BlockBuilder;
use crate::dkg::{Commitment, Session};
use crate::list::List;
use crate::masternode::Masternode;
use crate::options::Subnet;
use crate::payment::payee;
use crate::random::Hash256;
use crate::rules::quorum_types;

#[test]
fn failure_ban_and_revival_match_the_recording() {
    replay("fail-ban-revive", 96, true);
}

#[test]
fn decay_double_failure_and_revocation_match_the_recording() {
    replay("decay-and-changes", 80, true);
}

#[test]
fn payments_before_mn_rr_match_the_recording() {
    replay("before-mn-rr", 91, false);
}

fn replay(episode: &str, blocks: usize, mn_rr: bool) {
    let file = File::open(recorded_path(&format!("episodes/{episode}/blocks.jsonl.gz"))).expect("the episode");
    let mut lines = BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("a line is JSON"));
    let base = lines.next().expect("the base block");
    let mut list = List::default();
    for entry in base["list"].as_array().expect("a list") {
        let node = read_node(entry, list.next_slot());
        list.replace(node.slot, Some(node));
    }
    let mut replayed = 0;
    for block in lines {
        apply(&mut list, &block, mn_rr);
        compare(&list, &block);
        replayed += 1;
    }
    assert_eq!(replayed, blocks, "{episode} is complete");
}

/// One recorded block: its commitments, its transactions (derived from the listdiff), its payee.
fn apply(list: &mut List, block: &Value, mn_rr: bool) {
    let height = number(&block["height"]);
    let payee = payee(list, height - 1, mn_rr).map(|node| node.slot);
    let commitments = read_commitments(list, block);
    let mut actions = Vec::new();
    for (name, fields) in block["listdiff"]["updatedMNs"].as_array().expect("updates").iter().flat_map(fields) {
        let masternode = name.clone();
        if fields["PoSeRevivedHeight"].is_number() {
            actions.push(Action::Revive { masternode });
        } else if let Some(reason) = fields["revocationReason"].as_u64() {
            actions.push(Action::Revoke { masternode, reason: u8::try_from(reason).expect("a reason") });
        }
    }
    let slots: Vec<u32> = actions.iter().filter_map(Action::masternode).map(|name| slot(list, name)).collect();
    let mut builder = BlockBuilder::begin(list, height, Hash256::ZERO);
    builder.punish(&commitments);
    for (action, slot) in actions.iter().zip(slots) {
        builder.transact(action, Some(slot), 0);
    }
    builder.pay(payee, mn_rr);
    builder.finish();
}

fn compare(list: &List, block: &Value) {
    let height = &block["height"];
    let expected: BTreeMap<String, Masternode> = block["list"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| (entry["proTxHash"].to_string(), read_node(entry, slot(list, text(&entry["proTxHash"])))))
        .collect();
    assert_eq!(expected.len(), list.registered(), "block {height}");
    for node in list.iter() {
        let mut wanted = expected[&format!("\"{}\"", node.hash)];
        // Keys and addresses are those of the recorded chain; only the rules are compared.
        wanted.operator_key = node.operator_key;
        wanted.address = node.address;
        wanted.platform = node.platform;
        wanted.operator_payout = node.operator_payout;
        assert_eq!(*node, wanted, "block {height}");
    }
}

fn read_node(entry: &Value, slot: u32) -> Masternode {
    let state = &entry["state"];
    let hash = Hash256::parse(text(&entry["proTxHash"])).expect("a hash");
    let node = Masternode::registered(hash, slot, entry["type"] == "Evo", number(&state["registeredHeight"]), true);
    let height = |field: &str| state[field].as_u64().map(|height| u32::try_from(height).expect("a height"));
    Masternode {
        last_paid: number(&state["lastPaidHeight"]),
        consecutive: number(&state["consecutivePayments"]),
        score: number(&state["PoSePenalty"]),
        ban: height("PoSeBanHeight"),
        revived: height("PoSeRevivedHeight"),
        revocation: u8::try_from(number(&state["revocationReason"])).expect("a reason"),
        version: u8::try_from(number(&state["version"])).expect("a version"),
        ..node
    }
}

/// The commitments that marked a member as failed.
fn read_commitments(list: &List, block: &Value) -> Vec<Arc<Commitment>> {
    let mut commitments = Vec::new();
    let mined: BTreeSet<String> = block["commitments"]
        .as_array()
        .expect("commitments")
        .iter()
        .map(|transaction| &transaction["qcTx"]["commitment"])
        .map(|commitment| format!("{}:{}", commitment["llmqType"], text(&commitment["quorumHash"])))
        .collect();
    for (key, quorum) in block["quorum_info"].as_object().expect("quorums") {
        assert!(mined.contains(key), "{key} is mined in block {}", block["height"]);
        let (id, _) = key.split_once(':').expect("type:hash");
        let kind = quorum_types(Subnet::Regtest).iter().find(|kind| kind.id.to_string() == id).expect("a known type");
        let members = quorum["members"].as_array().expect("members");
        let nodes = members.iter().map(|member| *list.get(slot(list, text(&member["proTxHash"]))).expect("listed"));
        let session = Session {
            kind,
            index: 0,
            base_height: 0,
            base_hash: Hash256::ZERO,
            cycle: 0,
            size: members.len(),
            minimum: kind.minimum,
            members: nodes.collect(),
        };
        let valid = members.iter().map(|member| member["valid"] == true).collect();
        commitments.push(Arc::new(Commitment { session: Arc::new(session), height: 0, block: Hash256::ZERO, valid }));
    }
    commitments
}

fn fields(update: &Value) -> impl Iterator<Item = (&String, &Value)> {
    update.as_object().expect("an update is an object").iter()
}

fn slot(list: &List, hash: &str) -> u32 {
    list.find(Hash256::parse(hash).expect("a hash")).expect("listed").slot
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a small number")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
