//! `protx list`, `info` and `listdiff` (`src/rpc/evo.cpp`).
//!
//! Never here: writing; the commands that need a wallet are unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::entry::{Scene, difference_fields, entry_value, write_entry};
use super::extended::{frame as extended_frame, simplified as simplified_entry};
use super::params::{Params, shown};
use super::stream::Pieces;
use super::{Context, Reply, RpcError};
use crate::history::{Block, Difference};
use crate::masternode::Masternode;
use crate::random::Hash256;

/// The answer of `protx info` without its argument.
const INFO_HELP: &str =
    "protx info \"proTxHash\" ( \"blockHash\" )\n\nReturns detailed information about a deterministic masternode.\n";
/// The answer of `protx listdiff` without its arguments.
const DIFF_HELP: &str =
    "protx listdiff baseBlock block\n\nCalculate a full MN list diff between two masternode lists.\n";

/// The answer of `protx diff` without its arguments.
const SIMPLIFIED_HELP: &str =
    "protx diff baseBlock block ( extended )\n\nCalculates a diff between two deterministic masternode lists.\n";

/// Answers a `protx` command.
pub(super) fn command(context: &Context<'_>, subcommand: &str, params: &Params) -> Result<Reply, RpcError> {
    match subcommand {
        "list" => list(context, params),
        "info" => info(context, params),
        "listdiff" => {
            context.since(200_000, "protx")?;
            list_diff(context, params)
        }
        "diff" => diff(context, params),
        _ => Err(context.unknown_subcommand("protx")),
    }
}

/// The list at this server's tip or an earlier block.
pub(super) fn nodes_at(context: &Context<'_>, block: &Arc<Block>) -> Result<Vec<Masternode>, RpcError> {
    let slots = context.state.list_at(block).ok_or_else(|| not_kept(block.hash))?;
    Ok(slots.into_iter().flatten().collect())
}

fn list(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let kind = params.text(1).unwrap_or("registered");
    let known = match kind {
        "registered" | "valid" | "wallet" => true,
        "hpmn" => (190_000..200_000).contains(&context.version()),
        "evo" => context.version() >= 200_000,
        _ => false,
    };
    if !known {
        return Err(RpcError::parameter("invalid type specified"));
    }
    let detailed = params.truth(2, "detailed")?;
    let height = params.number(3, "height")?.unwrap_or_else(|| i64::from(context.tip.height));
    let block = u32::try_from(height)
        .ok()
        .and_then(|height| context.block_at(height))
        .ok_or_else(|| RpcError::parameter("invalid height specified"))?;
    let mut nodes = nodes_at(context, &block)?;
    match kind {
        "valid" => nodes.retain(Masternode::is_valid),
        "evo" | "hpmn" => nodes.retain(|node| node.evo),
        "wallet" => nodes.clear(),
        _ => {}
    }
    if detailed {
        let scene = Scene::of(context);
        let bad: Vec<Hash256> = nodes.iter().take(context.lies.bad_scores).map(|node| node.hash).collect();
        let write = move |node: &Masternode, out: &mut Vec<u8>| {
            let start = out.len();
            write_entry(&scene, node, out);
            if bad.contains(&node.hash) {
                let entry = String::from_utf8_lossy(&out[start..]).replace("Penalty\":", "Penalty\":-1,\"before\":");
                out.truncate(start);
                out.extend_from_slice(entry.as_bytes());
            }
        };
        return Ok(Reply::Stream(Pieces::array(nodes, Box::new(write))));
    }
    let write = |node: &Masternode, out: &mut Vec<u8>| out.extend_from_slice(format!("\"{}\"", node.hash).as_bytes());
    Ok(Reply::Stream(Pieces::array(nodes, Box::new(write))))
}

fn info(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(1, "proTxHash", INFO_HELP)?;
    let block = match params.get(2) {
        Some(_) => block_argument(context, params, 2, "blockHash")?,
        None => Arc::clone(&context.tip),
    };
    let at_tip = block.hash == context.state.history.tip().hash;
    let node = if at_tip {
        context.state.list.find(hash).copied()
    } else {
        nodes_at(context, &block)?.into_iter().find(|node| node.hash == hash)
    };
    let node = node.ok_or_else(|| RpcError::parameter(format!("{hash} not found")))?;
    Ok(entry_value(&Scene::of(context), &node, true).into())
}

fn list_diff(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    if params.get(1).is_none() || params.get(2).is_none() {
        return Err(RpcError::new(-1, DIFF_HELP));
    }
    let base = block_argument(context, params, 1, "baseBlock")?;
    let target = block_argument(context, params, 2, "block")?;
    let differences = context.state.history.difference(&base, &target).ok_or_else(|| not_kept(base.hash))?;
    let scene = Scene::of(context);
    let (mut added, mut removed, mut updated) = (Vec::new(), Vec::new(), Vec::new());
    for (slot, difference) in differences {
        match difference {
            Difference::Node { before: None, after: Some(node) } => added.push(entry_value(&scene, &node, false)),
            Difference::Node { before: Some(node), after: None } => removed.push(Value::from(node.hash.to_string())),
            _ => {
                let hash = match difference {
                    Difference::Node { before: Some(node), .. } => node.hash,
                    _ => context.state.list.known_hash(slot).expect("a node whose score changed is known"),
                };
                let fields = difference_fields(&scene, &difference).expect("the node is in both lists");
                if !fields.is_empty() {
                    updated.push(Value::Object(Map::from_iter([(hash.to_string(), Value::Object(fields))])));
                }
            }
        }
    }
    if context.lies.unknown_in_diff {
        updated.push(json!({ format!("{}", Hash256([0xee; 32])): { "PoSePenalty": 1 } }));
    }
    Ok(json!({
        "baseHeight": base.height,
        "blockHeight": target.height,
        "addedMNs": added,
        "removedMNs": removed,
        "updatedMNs": updated,
    })
    .into())
}

/// The simplified list: new or changed entries since the base. The base may be block 1, which has no entries.
fn diff(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    if params.get(1).is_none() || params.get(2).is_none() {
        return Err(RpcError::new(-1, SIMPLIFIED_HELP));
    }
    let target = block_argument(context, params, 2, "block")?;
    let from_the_beginning = params.number(1, "baseBlock").ok().flatten() == Some(1);
    let base = (!from_the_beginning).then(|| block_argument(context, params, 1, "baseBlock")).transpose()?;
    let active = |block: &Arc<Block>| context.hash_at(block.height) == Some(block.hash);
    if !active(&target) || !base.as_ref().is_none_or(active) {
        let base = base.map_or(Hash256::ZERO, |base| base.hash);
        return Err(RpcError::new(-1, format!("block {base} and {} are not in the same chain", target.hash)));
    }
    let extended = context.software.follows_fork() && params.truth(3, "extended")?;
    let before: BTreeMap<Hash256, Value> = match &base {
        Some(base) => simplified(context, base, extended)?,
        None => BTreeMap::new(),
    };
    let after = simplified(context, &target, extended)?;
    let entered: Vec<&Value> =
        after.iter().filter(|(hash, entry)| before.get(*hash) != Some(*entry)).map(|(_, entry)| entry).collect();
    let removed: Vec<&Hash256> = before.keys().filter(|hash| !after.contains_key(*hash)).collect();
    let mut answer = json!({
        "nVersion": 1,
        "baseBlockHash": base.map_or_else(|| context.state.history.naming().old(1), |base| base.hash),
        "blockHash": target.hash,
        "deletedMNs": removed,
        "mnList": entered,
    });
    if context.software.follows_fork() {
        answer.as_object_mut().expect("an object").extend(extended_frame(&target));
    }
    Ok(answer.into())
}

/// The entries of the simplified list at a block.
fn simplified(context: &Context<'_>, block: &Arc<Block>, extended: bool) -> Result<BTreeMap<Hash256, Value>, RpcError> {
    let scene = Scene::of(context);
    let entry = |node: &Masternode| {
        if context.software.follows_fork() {
            return simplified_entry(&scene, node, extended);
        }
        json!({
            "nVersion": 2,
            "nType": u8::from(node.evo),
            "proRegTxHash": node.hash,
            "confirmedHash": node.confirmed,
            "service": node.service(scene.facts),
            "pubKeyOperator": node.operator_key_hex(),
            "isValid": node.is_valid(),
        })
    };
    Ok(nodes_at(context, block)?.iter().map(|node| (node.hash, entry(node))).collect())
}

/// A block by its hash or its height, a number or a text (`src/rpc/evo.cpp ParseBlockIndex`).
fn block_argument(context: &Context<'_>, params: &Params, index: usize, name: &str) -> Result<Arc<Block>, RpcError> {
    let value = params.get(index).expect("checked to be there");
    let text = shown(value);
    if let Some(hash) = Hash256::parse(&text) {
        let history = &context.state.history;
        if let Some(block) = history.block(hash).filter(|block| block.height <= context.tip.height) {
            return Ok(Arc::clone(block));
        }
        return Err(match history.old_height(hash) {
            Some(_) => not_kept(hash),
            None => RpcError::new(-1, format!("Block {name} with hash {text} not found")),
        });
    }
    let height = text.parse::<u32>().ok().filter(|height| (1..=context.tip.height).contains(height));
    let Some(height) = height else {
        return Err(RpcError::new(-1, format!("{name} must be a block hash or chain height and not {text}")));
    };
    context.block_at(height).ok_or_else(|| not_kept(context.state.history.naming().old(height)))
}

/// A real node has every list; the simulator reports an error if it no longer has one.
fn not_kept(hash: Hash256) -> RpcError {
    RpcError::new(-1, format!("the simulator does not keep the list of block {hash}"))
}
