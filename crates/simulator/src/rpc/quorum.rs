//! `quorum` commands and `getspecialtxes` (`src/rpc/quorums.cpp`, `src/rpc/blockchain.cpp`).
//!
//! A coinbase has the outputs of the miner, of the platform and of the payee; the operator gets no output.
//!
//! Never here: active sessions (`session`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::entry::Scene;
use super::params::Params;
use super::{Context, Reply, RpcError, session, special};
use crate::dkg::{Commitment, DkgState};
use crate::history::Block;
use crate::masternode::Masternode;
use crate::payment::payment_amount;
use crate::quorum_selection::chainlock_signature;
use crate::random::{Hash256, Random, hex};
use crate::rules::quorum_types;

/// The type of a block's first transaction.
const COINBASE_TYPE: i64 = 5;

/// The type of a transaction that carries a commitment.
const COMMITMENT_TYPE: i64 = 6;

/// Duffs for the platform.
pub(super) const PLATFORM_AMOUNT: u64 = 112_592_247;

/// Answers a `quorum` command.
pub(super) fn command(context: &Context<'_>, subcommand: &str, params: &Params) -> Result<Reply, RpcError> {
    match subcommand {
        "list" => list(context, params),
        "listextended" => {
            context.since(180_200, "quorum")?;
            list_extended(context, params)
        }
        "info" => info(context, params),
        "memberof" => member_of(context, params),
        "dkgstatus" => session::status(context, params).map(Reply::from),
        "dkginfo" => {
            context.since(200_100, "quorum")?;
            Ok(session::info(context).into())
        }
        _ => Err(context.unknown_subcommand("quorum")),
    }
}

/// Types of the chain with their active quorums, the newest first.
fn active<'a>(context: &Context<'_>, dkg: &'a DkgState) -> Vec<(&'static str, &'a [Arc<Commitment>])> {
    quorum_types(context.state.options.subnet)
        .iter()
        .map(|kind| (kind.name, dkg.active.get(&kind.id).map_or(&[][..], Vec::as_slice)))
        .collect()
}

fn list(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let count = params.number(1, "count")?.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let types = active(context, &context.tip.dkg);
    let hashes = |quorums: &[Arc<Commitment>]| {
        quorums.iter().take(count).map(|quorum| json!(quorum.session.base_hash)).collect::<Vec<Value>>()
    };
    let object: Map<String, Value> =
        types.into_iter().map(|(name, quorums)| (name.to_owned(), Value::Array(hashes(quorums)))).collect();
    Ok(Value::Object(object).into())
}

fn list_extended(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let height = params.number(1, "height")?.unwrap_or_else(|| i64::from(context.tip.height));
    let block = u32::try_from(height)
        .ok()
        .and_then(|height| context.block_at(height))
        .ok_or_else(|| RpcError::parameter("invalid height specified"))?;
    let entry = |quorum: &Arc<Commitment>| {
        let valid = quorum.valid_count();
        let mut entry = json!({
            "creationHeight": quorum.session.base_height,
            "minedBlockHash": quorum.block,
            "numValidMembers": valid,
            "healthRatio": format!("{:.2}", valid as f64 / quorum.session.size as f64),
        });
        if quorum.session.kind.rotating > 0 {
            entry.as_object_mut().expect("an object").insert("quorumIndex".to_owned(), quorum.session.index.into());
        }
        Value::Object(Map::from_iter([(quorum.session.base_hash.to_string(), entry)]))
    };
    let object: Map<String, Value> = active(context, &block.dkg)
        .into_iter()
        .map(|(name, quorums)| (name.to_owned(), Value::Array(quorums.iter().map(entry).collect())))
        .collect();
    Ok(Value::Object(object).into())
}

/// `quorum info` of any quorum that was mined in a kept block of this server's branch.
fn info(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let kind =
        params.number(1, "llmqType")?.ok_or_else(|| RpcError::new(-1, "quorum info llmqType \"quorumHash\"\n"))?;
    let hash = params.hash(2, "quorumHash", "quorum info llmqType \"quorumHash\" ( includeSkShare )\n")?;
    let id = u8::try_from(kind)
        .ok()
        .filter(|id| quorum_types(context.state.options.subnet).iter().any(|kind| kind.id == *id));
    let id = id.ok_or_else(|| RpcError::parameter("invalid LLMQ type"))?;
    let quorum = find(context, id, hash).ok_or_else(|| RpcError::parameter("quorum not found"))?;
    Ok(quorum_info(context, &quorum, true).into())
}

fn find(context: &Context<'_>, id: u8, hash: Hash256) -> Option<Arc<Commitment>> {
    let wanted = |quorum: &&Arc<Commitment>| {
        quorum.session.kind.id == id && quorum.session.base_hash == hash && !quorum.is_null()
    };
    // Most requests are for an active quorum.
    let in_use = context.tip.dkg.active.get(&id).and_then(|quorums| quorums.iter().find(wanted));
    if in_use.is_some() {
        return in_use.cloned();
    }
    let mut block = Arc::clone(&context.tip);
    loop {
        if let Some(quorum) = block.commitments.iter().find(wanted) {
            return Some(Arc::clone(quorum));
        }
        block = Arc::clone(context.state.history.block(block.parent)?);
    }
}

fn quorum_info(context: &Context<'_>, quorum: &Commitment, with_members: bool) -> Value {
    let scene = Scene::of(context);
    let session = &quorum.session;
    let mut info = json!({
        "height": session.base_height,
        "type": session.kind.name,
        "quorumHash": session.base_hash,
        "quorumIndex": session.index,
        "minedBlock": quorum.block,
        "quorumPublicKey": public_key(quorum),
    });
    let object = info.as_object_mut().expect("an object");
    if with_members {
        if session.kind.rotating > 0 && scene.version >= 190_000 {
            object.insert("previousConsecutiveDKGFailures".to_owned(), Value::from(0));
        }
        let members = session.members.iter().zip(&quorum.valid).map(|(member, valid)| {
            let mut entry = json!({
                "proTxHash": member.hash,
                "pubKeyOperator": member.operator_key_hex(),
                "valid": valid,
            });
            let fields = entry.as_object_mut().expect("an object");
            if scene.version >= 180_000 && scene.shows_service {
                fields.insert("service".to_owned(), Value::from(member.service(scene.facts)));
            }
            if let Some(addresses) = scene.addresses(member) {
                fields.insert("addresses".to_owned(), json!(addresses));
            }
            entry
        });
        object.insert("members".to_owned(), members.collect());
    }
    info
}

fn member_of(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(1, "proTxHash", "quorum memberof \"proTxHash\" ( scanQuorumsCount )\n")?;
    if context.state.list.find(hash).is_none() {
        return Err(RpcError::parameter("masternode not found"));
    }
    let mut quorums = Vec::new();
    for quorum in active(context, &context.tip.dkg).into_iter().flat_map(|(_, quorums)| quorums) {
        let Some(index) = quorum.session.members.iter().position(|member| member.hash == hash) else { continue };
        let mut info = quorum_info(context, quorum, false);
        let object = info.as_object_mut().expect("an object");
        object.insert("isValidMember".to_owned(), Value::from(quorum.valid[index]));
        object.insert("memberIndex".to_owned(), Value::from(index));
        quorums.push(info);
    }
    Ok(Value::Array(quorums).into())
}

/// `getspecialtxes`: the simulator has the commitments among a block's special transactions.
pub(super) fn special_transactions(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(0, "blockhash", "getspecialtxes \"blockhash\" ( type count skip verbosity )\n")?;
    let kind = params.number(1, "type")?.unwrap_or(-1);
    let count = params.number(2, "count")?.unwrap_or(10).clamp(0, 1_000_000);
    let skip = params.number(3, "skip")?.unwrap_or(0).clamp(0, 1_000_000);
    let verbosity = params.number(4, "verbosity")?.unwrap_or(0);
    let history = &context.state.history;
    let Some(block) = history.block(hash).filter(|block| block.height <= context.tip.height) else {
        return match history.old_height(hash) {
            Some(_) => Ok(Value::Array(Vec::new()).into()),
            None => Err(RpcError::new(-5, "Block not found")),
        };
    };
    let known = context.hash_at(block.height) == Some(hash);
    let confirmations = if known { i64::from(context.tip.height) - i64::from(block.height) + 1 } else { 0 };
    let coinbase = [-1, COINBASE_TYPE].contains(&kind).then(|| coinbase(context, block, verbosity));
    let commitments =
        block.commitments.iter().filter(|_| [-1, COMMITMENT_TYPE].contains(&kind)).map(|commitment| match verbosity {
            0 => json!(draw(commitment, 0).hash()),
            1 => Value::from(draw(commitment, 1).hex(330)),
            _ => transaction(commitment, block.time, confirmations),
        });
    let further = (0..).zip(&block.special).filter(|(_, special)| [-1, special.kind()].contains(&kind));
    let further =
        further.map(|(place, transaction)| special::transaction(context, block, place, transaction, verbosity));
    let transactions = coinbase
        .into_iter()
        .chain(commitments)
        .chain(further)
        .skip(usize::try_from(skip).expect("clamped"))
        .take(usize::try_from(count).expect("clamped"));
    Ok(Value::Array(transactions.collect()).into())
}

/// The transaction that pays the miner, the platform and the payee.
fn coinbase(context: &Context<'_>, block: &Block, verbosity: i64) -> Value {
    let mut random = Random::of(&[block.hash.seed(), 0xc0b]);
    let txid = random.hash();
    if verbosity < 2 {
        return if verbosity == 0 { json!(txid) } else { Value::from(random.hex(306)) };
    }
    let miner = ("yMiner", 100_081_998);
    let facts = context.state.facts;
    let amount = payment_amount(block.height);
    // Without the fork of Dash 24 the operator gets no output, see the module.
    let paid = |payee: Masternode| match context.state.options.fork {
        None => vec![(payee.payout_address(facts), amount)],
        Some(_) => payee.split(amount, facts),
    };
    let forked = context.state.forked(block.height);
    let to = |address: &str| json!({ "asm": "", "hex": "76a914", "address": address, "type": "pubkeyhash" });
    let burnt = json!({ "asm": "OP_RETURN", "hex": "6a", "type": "nulldata" });
    let mut outputs = vec![(to(miner.0), miner.1), (burnt, PLATFORM_AMOUNT)];
    let payees = block.payee.map(paid).unwrap_or_default();
    outputs.extend(payees.into_iter().map(|(address, amount)| (to(&address), amount)));
    let output = |(n, (script, value)): (usize, (Value, u64))| json!({ "value": value as f64 / 1e8, "valueSat": value, "n": n, "scriptPubKey": script });
    let mut payload = json!({
        "version": if forked { 4 } else { 3 },
        "height": block.height,
        "merkleRootMNList": random.hash(),
        "merkleRootQuorums": random.hash(),
        "bestCLHeightDiff": 0,
        "bestCLSignature": hex(&chainlock_signature(block.hash)),
        "creditPoolBalance": 32.65175163,
    });
    if forked {
        payload.as_object_mut().expect("an object").insert("merkleRootAssetUnlocks".to_owned(), json!(Hash256::ZERO));
    }
    json!({
        "txid": txid,
        "version": 3,
        "type": COINBASE_TYPE,
        "size": 306,
        "locktime": 0,
        "vin": [{ "coinbase": "6a", "sequence": 4_294_967_295_u32 }],
        "vout": outputs.into_iter().enumerate().map(output).collect::<Vec<Value>>(),
        "extraPayloadSize": if forked { 207 } else { 175 },
        "cbTx": payload,
    })
}

/// A commitment's whole transaction.
fn transaction(commitment: &Commitment, time: u64, confirmations: i64) -> Value {
    let session = &commitment.session;
    let bits = bit_field(&commitment.valid);
    let payload = draw(commitment, 2).hex(317);
    let quorum_version = if session.kind.rotating > 0 { 4 } else { 3 };
    let signed = |text: String| if commitment.is_null() { "0".repeat(text.len()) } else { text };
    let mut random = draw(commitment, 3);
    json!({
        "txid": draw(commitment, 0).hash(),
        "version": 3,
        "type": COMMITMENT_TYPE,
        "size": 330,
        "locktime": 0,
        "vin": [],
        "vout": [],
        "extraPayloadSize": 317,
        "extraPayload": payload,
        "qcTx": {
            "version": 1,
            "height": commitment.height,
            "commitment": {
                "version": quorum_version,
                "llmqType": session.kind.id,
                "quorumHash": session.base_hash,
                "quorumIndex": session.index,
                "signersCount": commitment.valid_count(),
                "signers": bits,
                "validMembersCount": commitment.valid_count(),
                "validMembers": bits,
                "quorumPublicKey": signed(public_key(commitment)),
                "quorumVvecHash": signed(random.hex(32)),
                "quorumSig": signed(random.hex(96)),
                "membersSig": signed(random.hex(96)),
            },
        },
        "hex": format!("03000600000000000000fd3d01{payload}"),
        "blockhash": commitment.block,
        "height": commitment.height,
        "confirmations": confirmations,
        "time": time,
        "blocktime": time,
        "instantlock": false,
        "instantlock_internal": false,
        "chainlock": false,
    })
}

fn public_key(commitment: &Commitment) -> String {
    draw(commitment, 4).hex(48)
}

/// Bit i is byte i / 8, bit i mod 8 from the least significant (`src/serialize.h DYNBITSET`).
fn bit_field(valid: &[bool]) -> String {
    let mut bytes = vec![0_u8; valid.len().div_ceil(8)];
    for (index, _) in valid.iter().enumerate().filter(|(_, valid)| **valid) {
        bytes[index / 8] |= 1 << (index % 8);
    }
    hex(&bytes)
}

fn draw(commitment: &Commitment, part: u64) -> Random {
    let session = &commitment.session;
    let name =
        [commitment.block.seed(), session.base_hash.seed(), u64::from(session.kind.id), u64::from(session.index)];
    Random::of(&[name[0], name[1], name[2], name[3], part])
}

#[cfg(test)]
mod tests {
    use super::bit_field;

    #[test]
    fn the_first_seat_is_the_least_significant_bit() {
        assert_eq!(bit_field(&[true, true, false]), "03");
        assert_eq!(bit_field(&[false, false, false, false, false, false, false, false, true]), "0001");
    }
}
