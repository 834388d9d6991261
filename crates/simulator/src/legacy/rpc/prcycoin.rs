//! Answers that only PRCYcoin gives (`src/rpc/masternode.cpp`, `src/rpc/misc.cpp`).
//!
//! Never here: deciding a state or a payment.

use std::cmp::Reverse;

use super::chain::CONNECTIONS;
use super::written::{Json, Object};
use super::{Answer, Context, count, misuse, text};
use crate::legacy::network::payout_text;
use crate::legacy::node::NodeState;
use crate::legacy::rules::ELECTING_DEPTH;
use crate::legacy::score::prcycoin_score;
use crate::rpc::{Params, RpcError};

const MASTERNODE_HELP: &str = include_str!("../help/prcycoin-masternode.txt");
const SYNC_HELP: &str = "mnsync \"status|reset\"\n\nReturns the sync status or resets sync.\n";

/// Answers one call. Below the parent `masternode` each other call has a second name.
pub(super) fn answer(context: &Context<'_>, method: &str, params: &Params) -> Answer {
    let subcommand = if method == "masternode" { text(params, 0)?.unwrap_or_default() } else { "" };
    match (method, subcommand) {
        ("listmasternodes", _) => list(context, text(params, 0)?.unwrap_or_default()),
        ("masternode", "list") => list(context, text(params, 1)?.unwrap_or_default()),
        ("getmasternodecount", _) | ("masternode", "count") => Ok(counts(context)),
        ("masternodecurrent", _) | ("masternode", "current") => current(context),
        ("getmasternodewinners", _) => winners(context, count(params, 0, 10)?, text(params, 1)?.unwrap_or_default()),
        ("masternode", "winners") => winners(context, count(params, 1, 10)?, text(params, 2)?.unwrap_or_default()),
        ("getmasternodescores", _) => Ok(scores(context, count(params, 0, 10)?)),
        ("masternode", "calcscore") => Ok(scores(context, count(params, 1, 10)?)),
        ("masternode", "status") => own_status(context),
        ("masternode", _) => Err(misuse(MASTERNODE_HELP)),
        ("mnsync", _) => match text(params, 0)? {
            Some("status") => Ok(sync(context)),
            _ => Err(misuse(SYNC_HELP)),
        },
        ("getinfo", _) => Ok(info(context)),
        ("getversion", _) => Ok(Object::new().with("version", 2_000_006).into()),
        _ => Err(RpcError::unknown_method()),
    }
}

/// `listmasternodes`, the best rank first. A filter is part of the transaction, the status or the address.
fn list(context: &Context<'_>, filter: &str) -> Answer {
    let state = context.state;
    let paid = state.prcycoin_paid();
    let mut entries = Vec::new();
    for (index, node) in state.ranked().into_iter().enumerate() {
        let (txid, status) = (node.txid.to_string(), node.state.text());
        let address = node.collateral_address(state.names);
        if ![txid.as_str(), status, &address].iter().any(|text| text.contains(filter)) {
            continue;
        }
        let rank = if node.state == NodeState::Enabled { index + 1 } else { 0 };
        let entry = Object::new()
            .with("rank", rank)
            .with("network", "ipv4")
            .with("txhash", txid)
            .with("outidx", node.index)
            .with("pubkey", node.key())
            .with("status", status)
            .with("addr", address)
            .with("stealthaddress", payout_text(state, node.payout))
            .with("version", state.rules.protocol)
            .with("lastseen", node.seen)
            .with("activetime", node.seen.saturating_sub(node.started))
            .with("lastpaid", state.prcycoin_last_paid(node, &paid));
        entries.push(entry.into());
    }
    Ok(Json::array(entries))
}

fn counts(context: &Context<'_>) -> Json {
    let (total, enabled) = (context.state.listed().count(), context.state.enabled());
    Object::new()
        .with("total", total)
        .with("stable", enabled)
        .with("enabled", enabled)
        .with("inqueue", context.state.queue(context.tip()).len())
        .with("ipv4", total)
        .with("ipv6", 0)
        .with("onion", 0)
        .into()
}

/// `masternodecurrent`: the masternode that the unused queue would elect.
fn current(context: &Context<'_>) -> Answer {
    let node = context.state.elect(context.tip() + 1).ok_or_else(|| misuse("unknown"))?;
    Ok(Object::new()
        .with("protocol", context.state.rules.protocol)
        .with("txhash", node.txid.to_string())
        .with("pubkey", node.collateral_address(context.state.names))
        .with("lastseen", node.seen)
        .with("activeseconds", node.seen.saturating_sub(node.started))
        .into())
}

/// `getmasternodewinners`: actually voters, under the name of winners.
fn winners(context: &Context<'_>, back: u32, filter: &str) -> Answer {
    let tip = i64::from(context.tip());
    let mut list = Vec::new();
    for height in tip - i64::from(back)..tip + 20 {
        let votes = u32::try_from(height).map_or(&[][..], |height| context.state.votes.at(height));
        let mut winners: Vec<(String, u32)> =
            votes.iter().map(|tally| (payout_text(context.state, tally.payout), tally.votes)).collect();
        if winners.is_empty() {
            winners.push(("Unknown".to_owned(), 0));
        }
        if !winners.iter().any(|(address, _)| address.contains(filter)) {
            continue;
        }
        let entries = winners.into_iter().enumerate().map(|(index, (address, votes))| {
            // The node splits the text "a:1, b:1" at its commas only, so all but the first begin with a space.
            let address = if index == 0 { address } else { format!(" {address}") };
            Json::from(Object::new().with("address", address).with("nVotes", votes))
        });
        let mut entries: Vec<Json> = entries.collect();
        let winner = if entries.len() == 1 { entries.remove(0) } else { Json::array(entries) };
        list.push(Object::new().with("nHeight", height + context.lies.height_offset).with("winner", winner).into());
    }
    Ok(Json::array(list))
}

/// `getmasternodescores`: the best score of all masternodes, enabled or not, for each height.
fn scores(context: &Context<'_>, back: u32) -> Json {
    let mut scores = Object::new();
    let tip = context.tip();
    for height in tip.saturating_sub(back)..tip + 20 {
        let Some(block) = height.checked_sub(ELECTING_DEPTH).and_then(|height| context.state.headers.at(height)) else {
            continue;
        };
        let best = context.state.listed().min_by_key(|node| Reverse(prcycoin_score(node.txid, node.index, block.hash)));
        if let Some(node) = best {
            scores.add(&height.to_string(), node.txid.to_string());
        }
    }
    scores.into()
}

/// `masternode status`, of the masternode that the answering node runs.
fn own_status(context: &Context<'_>) -> Answer {
    let Some(own) = context.own() else {
        return Err(misuse("This is not a masternode"));
    };
    let Some(node) = own else {
        return Err(misuse(
            "Masternode not found in the list of available masternodes. Current status: Not capable masternode: Hot node, waiting for remote activation.",
        ));
    };
    Ok(Object::new()
        .with("txhash", node.txid.to_string())
        .with("outputidx", node.index)
        .with("netaddr", node.service(context.state.names))
        .with("addr", node.collateral_address(context.state.names))
        .with("status", 4)
        .with("message", "Masternode successfully started")
        .into())
}

fn sync(context: &Context<'_>) -> Json {
    let synced = context.synced();
    let time = if synced { context.state.now.saturating_sub(3_600) } else { 0 };
    let seen = if synced { context.state.nodes.len() } else { 0 };
    Object::new()
        .with("IsBlockchainSynced", synced)
        .with("lastMasternodeList", time)
        .with("lastMasternodeWinner", time)
        .with("lastBudgetItem", 0)
        .with("lastFailure", 0)
        .with("nCountFailures", 0)
        .with("sumMasternodeList", seen)
        .with("sumMasternodeWinner", seen)
        .with("sumBudgetItemProp", 0)
        .with("sumBudgetItemFin", 0)
        .with("countMasternodeList", usize::from(synced))
        .with("countMasternodeWinner", usize::from(synced))
        .with("countBudgetItemProp", 0)
        .with("countBudgetItemFin", 0)
        .with("RequestedMasternodeAssets", if synced { 999 } else { 1 })
        .with("RequestedMasternodeAttempt", 0)
        .into()
}

fn info(context: &Context<'_>) -> Json {
    Object::new()
        .with("version", 2_000_006)
        .with("protocolversion", context.state.rules.protocol)
        .with("walletversion", 61_000)
        .with("balance", Json::raw("0.00000000"))
        .with("blocks", context.reported(context.tip()))
        .with("synced", context.synced())
        .with("timeoffset", 0)
        .with("connections", CONNECTIONS)
        .with("proxy", "")
        .with("difficulty", 16_307.42)
        .with("testnet", false)
        .with("moneysupply", Json::raw("61000000.00000000"))
        .with("keypoololdest", context.state.now.saturating_sub(86_400))
        .with("paytxfee", Json::raw("0.00010000"))
        .with("relayfee", Json::raw("0.00000010"))
        .with("staking mode", "disabled")
        .with("staking status", "inactive (no mintable coins)")
        .with("errors", "")
        .into()
}
