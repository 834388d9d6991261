//! `quorum` commands (`src/rpc/quorums.cpp`), and commitments as answers write them.
//!
//! Never here: sessions that are under way (`session`), `quorum rotationinfo` (`rotation`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::entry::Scene;
use super::params::Params;
use super::{Context, Reply, RpcError, rotation, session};
use crate::dkg::{Commitment, DkgState};
use crate::random::{Hash256, Random, hex};
use crate::rules::quorum_types;

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
        "rotationinfo" => {
            context.since(180_000, "quorum")?;
            rotation::info(context, params)
        }
        "dkgstatus" => session::status(context, params).map(Reply::from),
        "dkginfo" => {
            context.since(200_100, "quorum")?;
            session::info(context, params).map(Reply::from)
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

/// The transaction of a commitment, without its hash and where it was mined.
pub(super) fn commitment_value(commitment: &Commitment) -> Map<String, Value> {
    let value = json!({
        "version": 3,
        "type": 6,
        "size": 330,
        "locktime": 0,
        "vin": [],
        "vout": [],
        "extraPayloadSize": 317,
        "extraPayload": draw(commitment, 2).hex(317),
        "qcTx": { "version": 1, "height": commitment.height, "commitment": commitment_fields(commitment) },
        "hex": commitment_bytes(commitment),
    });
    let Value::Object(fields) = value else { unreachable!("written as an object") };
    fields
}

/// Its bytes; the payload is random.
pub(super) fn commitment_bytes(commitment: &Commitment) -> String {
    format!("03000600000000000000fd3d01{}", draw(commitment, 2).hex(317))
}

/// The commitment itself.
pub(super) fn commitment_fields(commitment: &Commitment) -> Value {
    let session = &commitment.session;
    let bits = bit_field(&commitment.valid);
    let quorum_version = if session.kind.rotating > 0 { 4 } else { 3 };
    let signed = |text: String| if commitment.is_null() { "0".repeat(text.len()) } else { text };
    let mut random = draw(commitment, 3);
    json!({
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
