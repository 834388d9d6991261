//! `protx list`, `info` and `listdiff` (`src/rpc/evo.cpp`).
//!
//! Never here: writing; the commands that need a wallet are unknown.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::entry::{Scene, difference_fields, entry_value, write_entry};
use super::params::{Params, shown};
use super::stream::Pieces;
use super::transactions::Point;
use super::{Context, Reply, RpcError, diff};
use crate::history::{Block, Difference};
use crate::masternode::Masternode;
use crate::random::Hash256;

/// The answer of `protx info` without its argument.
const INFO_HELP: &str =
    "protx info \"proTxHash\" ( \"blockHash\" )\n\nReturns detailed information about a deterministic masternode.\n";
/// The answer of `protx listdiff` without its arguments.
const DIFF_HELP: &str =
    "protx listdiff baseBlock block\n\nCalculate a full MN list diff between two masternode lists.\n";

/// Answers a `protx` command.
pub(super) fn command(context: &Context<'_>, subcommand: &str, params: &Params) -> Result<Reply, RpcError> {
    match subcommand {
        "list" => list(context, params),
        "info" => info(context, params),
        "listdiff" => {
            context.since(200_000, "protx")?;
            list_diff(context, params)
        }
        "diff" => diff::answer(context, params),
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
        let applies = |at: Option<u32>| at.is_none_or(|height| height == block.height);
        let bad = context.lies.bad_scores.filter(|(_, at)| applies(*at)).map_or(0, |(count, _)| count);
        let bad: Vec<Hash256> = nodes.iter().take(bad).map(|node| node.hash).collect();
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
                let mut fields = difference_fields(&scene, &difference).expect("the node is in both lists");
                // The node lists every changed state, also one of which it prints nothing: a cleared operator payout address
                // (`CDeterministicMNStateDiff::ToJson`).
                let hides = |before: &Masternode, after: &Masternode| before.operator_payout != after.operator_payout;
                if let Difference::Score { after, .. } = difference {
                    fields.insert("PoSePenalty".to_owned(), Value::from(after + scene.false_points(hash)));
                }
                let is_hidden = matches!(&difference, Difference::Node { before: Some(before), after: Some(after) } if hides(before, after));
                if is_hidden || !fields.is_empty() {
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

/// A block by its hash or its height, a number or a text (`src/rpc/evo.cpp ParseBlockIndex`).
fn block_argument(context: &Context<'_>, params: &Params, index: usize, name: &str) -> Result<Arc<Block>, RpcError> {
    let point = point_argument(context, params, index, name)?;
    point.block.ok_or_else(|| not_kept(point.hash))
}

/// The same, also of a block from before the kept ones.
pub(super) fn point_argument(
    context: &Context<'_>,
    params: &Params,
    index: usize,
    name: &str,
) -> Result<Point, RpcError> {
    let value = params.get(index).expect("checked to be there");
    let text = shown(value);
    if let Some(hash) = Hash256::parse(&text) {
        let unknown = || RpcError::new(-1, format!("Block {name} with hash {text} not found"));
        return Point::of(context, hash).ok_or_else(unknown);
    }
    let height = text.parse::<u32>().ok().filter(|height| (1..=context.tip.height).contains(height));
    height
        .and_then(|height| Point::at(context, height))
        .ok_or_else(|| RpcError::new(-1, format!("{name} must be a block hash or chain height and not {text}")))
}

/// A real node has every list; the simulator reports an error if it no longer has one.
pub(super) fn not_kept(hash: Hash256) -> RpcError {
    RpcError::new(-1, format!("the simulator does not keep the list of block {hash}"))
}
