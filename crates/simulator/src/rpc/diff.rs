//! `protx diff`: the simplified list from one block to another, with the proof of its root (`src/evo/smldiff.cpp`).
//!
//! Never here: scores and heights, which the simplified list does not have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::coinbase::Coinbase;
use super::entry::Scene;
use super::extended::Payees;
use super::params::Params;
use super::protx::{nodes_at, not_kept, point_argument};
use super::quorum::commitment_fields;
use super::transactions::{Point, txids};
use super::{Context, Reply, RpcError};
use crate::dkg::Commitment;
use crate::history::Difference;
use crate::masternode::Masternode;
use crate::merkle::proof_of_first;
use crate::random::{Hash256, hex};

/// What `protx diff` says without its arguments.
const HELP: &str =
    "protx diff baseBlock block ( extended )\n\nCalculates a diff between two deterministic masternode lists.\n";

/// Answers `protx diff`. The base may be block 1, whose list is empty.
pub(super) fn answer(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    if params.get(1).is_none() || params.get(2).is_none() {
        return Err(RpcError::new(-1, HELP));
    }
    let target = point_argument(context, params, 2, "block")?;
    let from_the_beginning = params.number(1, "baseBlock").ok().flatten() == Some(1);
    let base = (!from_the_beginning).then(|| point_argument(context, params, 1, "baseBlock")).transpose()?;
    let active = |point: &Point| context.hash_at(point.height) == Some(point.hash);
    if !active(&target) || !base.as_ref().is_none_or(active) {
        let base = base.map_or(Hash256::ZERO, |base| base.hash);
        return Err(RpcError::new(-1, format!("block {base} and {} are not in the same chain", target.hash)));
    }
    let extended = context.version() >= 180_000 && params.truth(3, "extended")?;
    let first = context.state.history.naming().old(1);
    Ok(between(context, (base.as_ref(), first), &target, extended)?.into())
}

/// The difference from a base, or from a block of this hash whose list is empty.
pub(super) fn between(
    context: &Context<'_>,
    (base, first): (Option<&Point>, Hash256),
    target: &Point,
    extended: bool,
) -> Result<Value, RpcError> {
    // The list of the first block is empty.
    let base = base.filter(|base| base.height > 1);
    let (entered, removed) = changes(context, base, target, extended)?;
    let mut answer = json!({
        "nVersion": 1,
        "baseBlockHash": base.map_or(first, |base| base.hash),
        "blockHash": target.hash,
        "deletedMNs": removed,
        "mnList": entered,
    });
    let fields = answer.as_object_mut().expect("an object");
    let coinbase = Coinbase::of(context, target).ok_or_else(|| not_kept(target.hash))?;
    fields.insert("cbTx".to_owned(), json!(hex(&coinbase.bytes())));
    fields.insert("cbTxMerkleTree".to_owned(), json!(hex(&proof_of_first(&txids(context, target)))));
    fields.insert("merkleRootMNList".to_owned(), json!(coinbase.list_root));
    fields.insert("merkleRootQuorums".to_owned(), json!(coinbase.quorums_root));
    fields.extend(quorums(base, target));
    if context.version() >= 200_000 {
        fields.insert("quorumsCLSigs".to_owned(), json!([]));
    }
    Ok(answer)
}

/// Entries that are new or different, and hashes of the nodes that are gone.
fn changes(
    context: &Context<'_>,
    base: Option<&Point>,
    target: &Point,
    extended: bool,
) -> Result<(Vec<Value>, Vec<Hash256>), RpcError> {
    let scene = Scene::of(context);
    let list = |point: &Point| point.list.clone().ok_or_else(|| not_kept(point.hash));
    let after = list(target)?;
    let Some(base) = base else {
        let nodes = nodes_at(context, &after)?;
        return Ok((nodes.iter().map(|node| entry(&scene, node, extended)).collect(), Vec::new()));
    };
    let before = list(base)?;
    let differences = context.state.history.difference(&before, &after).ok_or_else(|| not_kept(base.hash))?;
    let (mut entered, mut removed) = (Vec::new(), Vec::new());
    for difference in differences.into_values() {
        match difference {
            Difference::Node { before, after: Some(after) } => {
                let old = before.map(|node| entry(&scene, &node, extended));
                entered.extend(Some(entry(&scene, &after, extended)).filter(|entry| old.as_ref() != Some(entry)));
            }
            Difference::Node { before: Some(node), after: None } => removed.push(node.hash),
            _ => {}
        }
    }
    Ok((entered, removed))
}

/// A node as the simplified list shows it (`CSimplifiedMNListEntry::ToJson`).
fn entry(scene: &Scene, node: &Masternode, extended: bool) -> Value {
    let node = &scene.shown(node);
    let mut entry = json!({
        "proRegTxHash": node.hash,
        "confirmedHash": node.confirmed,
        "pubKeyOperator": node.operator_key_hex(),
        "votingAddress": node.voting_address(scene.facts),
        "isValid": node.is_valid(),
    });
    let fields = entry.as_object_mut().expect("an object");
    if scene.version >= 190_000 {
        fields.insert("nVersion".to_owned(), json!(node.version));
        fields.insert("nType".to_owned(), json!(u8::from(node.evo)));
    }
    if let Some(addresses) = scene.addresses(node) {
        fields.insert("addresses".to_owned(), json!(addresses));
    }
    if scene.shows_service {
        fields.insert("service".to_owned(), json!(node.service(scene.facts)));
    }
    if node.evo && scene.version >= 190_000 {
        fields.insert("platformNodeID".to_owned(), json!(hex(&node.platform_id())));
        if scene.shows_service {
            let port = if node.address > 0 { scene.platform_ports(node).1 } else { 0 };
            fields.insert("platformHTTPPort".to_owned(), json!(port));
        }
    }
    if extended {
        let payees = serde_json::to_value(Payees::of(scene, node)).expect("plain JSON");
        fields.extend(payees.as_object().cloned().unwrap_or_default());
        fields.extend(
            node.operator_payout_address(scene.facts)
                .map(|address| ("operatorPayoutAddress".to_owned(), json!(address))),
        );
    }
    entry
}

/// The quorums in use that are new since the base, and those that no longer are.
fn quorums(base: Option<&Point>, target: &Point) -> Map<String, Value> {
    let active = |point: Option<&Point>| -> BTreeMap<(u8, Hash256), std::sync::Arc<Commitment>> {
        let block = point.and_then(|point| point.block.as_ref());
        let quorums = block.into_iter().flat_map(|block| block.dkg.active.values().flatten());
        quorums.map(|quorum| ((quorum.session.kind.id, quorum.session.base_hash), quorum.clone())).collect()
    };
    let (before, after) = (active(base), active(Some(target)));
    let new = after.iter().filter(|(key, _)| !before.contains_key(key)).map(|(_, quorum)| commitment_fields(quorum));
    let gone = before.keys().filter(|key| !after.contains_key(key));
    let gone = gone.map(|(kind, hash)| json!({ "llmqType": kind, "quorumHash": hash }));
    Map::from_iter([
        ("newQuorums".to_owned(), new.collect::<Value>()),
        ("deletedQuorums".to_owned(), gone.collect::<Value>()),
    ])
}
