//! `masternodelist` and `masternode` (`src/rpc/masternode.cpp`).
//!
//! Never here: `masternode payments` as a node before Dash 24 answers it; without an index it may crash.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::coinbase::PLATFORM_AMOUNT;
use super::entry::{Scene, list_entry, paid_time, state_value, status};
use super::params::Params;
use super::protx::nodes_at;
use super::stream::Pieces;
use super::{Context, Reply, RpcError, special};
use crate::history::Block;
use crate::masternode::Masternode;
use crate::payment::{payment_amount, projection};
use crate::software::DASH_24;

/// Blocks that `masternode winners` looks ahead.
const WINNERS_AHEAD: usize = 20;

/// Answers `masternodelist`, also known as `masternode list`.
pub(super) fn list(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    list_from(context, params, 0)
}

/// Answers a `masternode` command.
pub(super) fn command(context: &Context<'_>, subcommand: &str, params: &Params) -> Result<Reply, RpcError> {
    match subcommand {
        "count" => count(context),
        "list" => list_from(context, params, 1),
        "status" => own_status(context).map(Reply::from),
        "winners" => winners(context, params),
        "payments" if context.software.follows_fork() => payments(context, params),
        _ => Err(context.unknown_subcommand("masternode")),
    }
}

fn list_from(context: &Context<'_>, params: &Params, first: usize) -> Result<Reply, RpcError> {
    let mode = params.text(first).unwrap_or("json").to_lowercase();
    let filter = params.text(first + 1).unwrap_or_default().to_owned();
    let version = context.version();
    let mut nodes = nodes_at(context, &context.tip)?;
    match mode.as_str() {
        "recent" if version >= 190_000 => {
            let oldest = context.tip.height.saturating_sub(context.state.facts.superblock_cycle);
            nodes.retain(|node| node.ban.is_none_or(|height| height >= oldest));
        }
        "evo" if version >= 200_000 => nodes.retain(|node| node.evo),
        "addr" | "full" | "info" | "json" | "lastpaidblock" | "lastpaidtime" | "owneraddress" | "payee"
        | "pubkeyoperator" | "status" | "votingaddress" => {}
        _ if version >= 210_000 => return Err(RpcError::parameter("unknown list mode")),
        _ => return Err(RpcError::new(-1, "masternodelist ( \"mode\" \"filter\" )\n")),
    }
    let scene = Scene::of(context);
    if !filter.is_empty() {
        let fits = |text: &str| text.contains(&filter);
        nodes.retain(|node| fits(&node.outpoint()) || fits(&value_text(&scene, node, &mode)));
    }
    let write = move |node: &Masternode, out: &mut Vec<u8>| {
        out.extend_from_slice(format!("\"{}\":", node.outpoint()).as_bytes());
        out.extend_from_slice(value_text(&scene, node, &mode).as_bytes());
    };
    Ok(Reply::Stream(Pieces::object(nodes, Box::new(write))))
}

/// The JSON of a node in this mode.
fn value_text(scene: &Scene, node: &Masternode, mode: &str) -> String {
    match mode {
        // If there is none, Dash 24 prints nothing.
        "addr" if scene.version >= DASH_24 => text(&node.endpoint(scene.facts.port).unwrap_or_default()),
        "addr" => text(&node.service(scene.facts)),
        "full" => text(&full(scene, node)),
        "info" => text(&info(scene, node)),
        "lastpaidblock" => text(&node.last_paid),
        "lastpaidtime" => text(&paid_time(scene, node)),
        "owneraddress" => text(&node.owners(scene.facts).join(", ")),
        "payee" => text(&node.owner_payees(scene.facts).join(", ")),
        "pubkeyoperator" => text(&node.operator_key_hex()),
        "status" => text(&status(node)),
        "votingaddress" => text(&node.voting_address(scene.facts)),
        _ => text(&list_entry(scene, node)),
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain JSON")
}

/// "status score payee lastpaidtime lastpaidblock address"; without the score before v18. The address is empty if there
/// is none, as recorded from revoked nodes.
fn full(scene: &Scene, node: &Masternode) -> String {
    let score = score_column(scene, node);
    let time = paid_time(scene, node);
    let payee = node.owner_payees(scene.facts).join(", ");
    let address = node.endpoint(scene.facts.port).unwrap_or_default();
    format!("{:>18} {score}{payee} {time:>10} {:>6} {address}", status(node), node.last_paid)
}

fn info(scene: &Scene, node: &Masternode) -> String {
    let score = score_column(scene, node);
    let address = node.endpoint(scene.facts.port).unwrap_or_default();
    format!("{:>18} {score}{} {address}", status(node), node.owner_payees(scene.facts).join(", "))
}

fn score_column(scene: &Scene, node: &Masternode) -> String {
    if scene.version >= 180_000 { format!("{} ", node.score) } else { String::new() }
}

fn count(context: &Context<'_>) -> Result<Reply, RpcError> {
    // Requested at each block: for the newest one the list need not be copied.
    let past;
    let nodes: &mut dyn Iterator<Item = &Masternode> = if context.tip.hash == context.state.history.tip().hash {
        &mut context.state.list.iter()
    } else {
        past = nodes_at(context, &context.tip)?;
        &mut past.iter()
    };
    // Total and enabled, of regular and of Evo nodes.
    let mut tally = [[0_usize; 2]; 2];
    for node in nodes {
        let [total, enabled] = &mut tally[usize::from(node.evo)];
        *total += 1;
        *enabled += usize::from(node.is_valid());
    }
    let [regular, evo] = tally.map(|[total, enabled]| json!({ "total": total, "enabled": enabled }));
    let mut counts = json!({ "total": tally[0][0] + tally[1][0], "enabled": tally[0][1] + tally[1][1] });
    if context.version() >= 190_000 {
        let evo_name = if context.version() >= 200_000 { "evo" } else { "hpmn" };
        let object = counts.as_object_mut().expect("an object");
        object.insert("detailed".to_owned(), json!({ "regular": regular, evo_name: evo }));
    }
    Ok(counts.into())
}

/// `masternode status` of the answering node: a ban removes its identity, as recorded.
fn own_status(context: &Context<'_>) -> Result<Value, RpcError> {
    let Some(hash) = context.masternode else {
        return Err(RpcError::new(-32603, "This node does not run an active masternode."));
    };
    let scene = Scene::of(context);
    let node = nodes_at(context, &context.tip)?.into_iter().find(|node| node.hash == hash);
    let lost = |service: String, state: &str, status: &str| {
        let outpoint = format!("{}-4294967295", "0".repeat(64));
        json!({ "outpoint": outpoint, "service": service, "state": state, "status": status })
    };
    let gated = |mut status: Value| {
        if !scene.shows_service {
            status.as_object_mut().expect("an object").remove("service");
        }
        status
    };
    let Some(node) = node.filter(|node| node.operator_key != 0) else {
        return Ok(gated(lost("[::]:0".to_owned(), "REMOVED", "Masternode removed from list")));
    };
    if !node.is_valid() {
        return Ok(gated(lost(node.service(scene.facts), "POSE_BANNED", "Masternode was PoSe banned")));
    }
    let mut status = json!({
        "outpoint": node.outpoint(),
        "service": node.service(scene.facts),
        "proTxHash": node.hash,
        "collateralHash": node.collateral_hash(),
        "collateralIndex": node.collateral_index(),
        "dmnState": state_value(&scene, &node),
        "state": "READY",
        "status": "Ready",
    });
    if let Some(kind) = scene.kind_name(node.evo) {
        status.as_object_mut().expect("an object").insert("type".to_owned(), Value::from(kind));
    }
    Ok(gated(status))
}

/// `masternode payments`: the given number of blocks from the named one on, or up to it if the number is negative.
fn payments(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let count = params.number(2, "count")?.unwrap_or(1).clamp(-1_000, 1_000);
    let start = match params.get(1) {
        None => Arc::clone(&context.tip),
        Some(_) => {
            let hash = params.hash(1, "blockhash", "masternode payments ( \"blockhash\" count )\n")?;
            let block = context.state.history.block(hash).filter(|block| block.height <= context.tip.height);
            block.cloned().ok_or_else(|| RpcError::new(-5, "Block not found"))?
        }
    };
    let blocks = u32::try_from(count.unsigned_abs()).expect("clamped").max(1);
    let first = if count < 0 { (start.height + 1).saturating_sub(blocks) } else { start.height };
    let entry = |block: Arc<Block>| {
        let payee = block.payee?;
        let amount = payment_amount(block.height);
        let whole = amount + PLATFORM_AMOUNT;
        let payees = special::payees(context, &payee, PLATFORM_AMOUNT, amount);
        let paid = json!({ "proTxHash": payee.hash, "amount": whole, "payees": payees });
        Some(json!({ "height": block.height, "blockhash": block.hash, "amount": whole, "masternodes": [paid] }))
    };
    let entries = (first..first + blocks).filter_map(|height| context.block_at(height)).filter_map(entry);
    Ok(Value::Array(entries.collect()).into())
}

/// Payees by height: the last `count` + 1 blocks and the next 20.
fn winners(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let count = params.number(1, "count")?.unwrap_or(10).clamp(0, 1_000);
    let count = u32::try_from(count).expect("clamped");
    let facts = context.state.facts;
    let tip = context.tip.height;
    let nodes = nodes_at(context, &context.tip)?;
    let line = |node: &Masternode| {
        let owner = node.owner_payees(facts).join(", ");
        node.operator_payout_address(facts).map_or_else(|| owner.clone(), |operator| format!("{owner}, {operator}"))
    };
    let mut old: BTreeMap<u32, String> =
        nodes.iter().filter(|node| node.last_paid + count >= tip).map(|node| (node.last_paid, line(node))).collect();
    for height in tip.saturating_sub(count)..=tip {
        if let Some(payee) = context.block_at(height).and_then(|block| block.payee) {
            old.insert(height, line(&payee));
        }
    }
    let mn_rr = context.state.options.mn_rr(tip + 1);
    let mut next = crate::list::List::default();
    let queue = if tip == context.state.history.tip().height {
        &context.state.list
    } else {
        nodes.iter().for_each(|node| {
            next.replace(node.slot, Some(*node));
        });
        &next
    };
    let ahead = projection(queue, tip, mn_rr, WINNERS_AHEAD);
    let mut all: Map<String, Value> = old.into_iter().map(|(height, text)| (height.to_string(), text.into())).collect();
    for (height, node) in (tip + 1..).zip(&ahead) {
        all.insert(height.to_string(), Value::from(line(node)));
    }
    Ok(Value::Object(all).into())
}
