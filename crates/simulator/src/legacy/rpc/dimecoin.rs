//! Answers that only Dimecoin gives (`src/rpc/masternode.cpp`, `src/rpc/bitcoinmisc.cpp`).
//!
//! Never here: deciding a state or a payment.

use super::written::{Json, Object};
use super::{Answer, Context, count, hash, integer, misuse, text};
use crate::legacy::network::payout_text;
use crate::legacy::node::{Node, NodeState, payout_hash};
use crate::rpc::{Params, RpcError};

const LIST_HELP: &str = include_str!("../help/dimecoin-masternodelist.txt");
const MASTERNODE_HELP: &str = include_str!("../help/dimecoin-masternode.txt");
const SYNC_HELP: &str =
    "mnsync [status|next|reset]\nReturns the sync status, updates to the next step or resets it entirely.\n";
const SPORK_HELP: &str = "spork <name> [<value>]\n<name> is the corresponding spork name, or 'show' to show all current spork settings, active to show which sporks are active\n<value> is a epoch datetime to enable or disable spork";
const OUTPUT_HELP: &str = "gettxout \"txid\" n ( include_mempool )\n";
/// The recorded answer of a call that was removed long ago.
const INFO_REMOVED: &str = "getinfo\n\nThis call was removed in version 0.16.0. Use the appropriate fields from:\n- getblockchaininfo: blocks, difficulty, chain\n- getnetworkinfo: version, protocolversion, timeoffset, connections, proxy, relayfee, warnings\n- getwalletinfo: balance, keypoololdest, keypoolsize, paytxfee, unlocked_until, walletversion\n\ndimecoin-cli has the option -getinfo to collect and format these in the old format.";

/// Modes of the list.
const MODES: [&str; 12] = [
    "activeseconds",
    "addr",
    "full",
    "info",
    "lastpaidblock",
    "lastpaidtime",
    "lastseen",
    "payee",
    "protocol",
    "pubkey",
    "rank",
    "status",
];

/// A spork's value that means never.
const NEVER: u64 = 4_070_908_800;
/// Name and value, as recorded.
const SPORKS: [(&str, u64); 10] = [
    ("SPORK_2_INSTANTSEND_ENABLED", 0),
    ("SPORK_3_INSTANTSEND_BLOCK_FILTERING", 0),
    ("SPORK_5_INSTANTSEND_MAX_VALUE", 1_000),
    (ENFORCEMENT, NEVER),
    ("SPORK_9_SUPERBLOCKS_ENABLED", 0),
    ("SPORK_10_MASTERNODE_PAY_UPDATED_NODES", NEVER),
    ("SPORK_12_RECONSIDER_BLOCKS", 0),
    ("SPORK_13_OLD_SUPERBLOCK_FLAG", NEVER),
    ("SPORK_14_REQUIRE_SENTINEL_FLAG", NEVER),
    ("SPORK_15_POS_DISABLED", NEVER),
];
/// The spork that makes votes binding.
const ENFORCEMENT: &str = "SPORK_8_MASTERNODE_PAYMENT_ENFORCEMENT";

/// Answers one call.
pub(super) fn answer(context: &Context<'_>, method: &str, params: &Params) -> Answer {
    match method {
        "masternodelist" => list(context, text(params, 0)?, text(params, 1)?),
        "masternode" => command(context, params),
        "mnsync" => match text(params, 0)? {
            Some("status") => Ok(sync(context)),
            _ => Err(misuse(SYNC_HELP)),
        },
        "spork" => sporks(context, params),
        "gettxout" => output(context, params),
        "getinfo" => Err(RpcError::new(-32601, INFO_REMOVED)),
        _ => Err(RpcError::unknown_method()),
    }
}

fn command(context: &Context<'_>, params: &Params) -> Answer {
    match text(params, 0)?.unwrap_or_default() {
        "list" => list(context, text(params, 1)?, text(params, 2)?),
        "count" => counted(context, params),
        "current" => Ok(elected(context, context.tip() + 1)),
        "winner" => Ok(elected(context, context.tip() + 10)),
        "winners" => winners(context, params),
        "status" => own_status(context),
        _ => Err(misuse(MASTERNODE_HELP)),
    }
}

/// `masternodelist`: an object with one member a masternode, in the order of the map of outpoints.
fn list(context: &Context<'_>, mode: Option<&str>, filter: Option<&str>) -> Answer {
    let (mode, filter) = (mode.unwrap_or("status"), filter.unwrap_or_default());
    if !MODES.contains(&mode) {
        return Err(misuse(LIST_HELP));
    }
    let mut list = Object::new();
    if mode == "rank" {
        // The ranks are requested for height -1, which this version's `GetBlockHash` refuses.
        return Ok(list.into());
    }
    let mut nodes: Vec<&Node> = context.state.listed().collect();
    nodes.sort_by_cached_key(|node| node.order());
    for node in nodes {
        let outpoint = node.outpoint();
        let (value, matched) = entry(context, node, mode);
        let exact = mode == "protocol";
        let fits = matched.is_some_and(|text| if exact { text == filter } else { text.contains(filter) });
        if filter.is_empty() || fits || outpoint.contains(filter) {
            list.add(&outpoint, value);
        }
    }
    Ok(list.into())
}

/// The value of a masternode in a mode, and the text that a filter searches in addition to the outpoint.
fn entry(context: &Context<'_>, node: &Node, mode: &str) -> (Json, Option<String>) {
    let state = context.state;
    let texts = |text: String| (Json::from(text.clone()), Some(text));
    let paid = state.remembered.get(&node.payout);
    let (paid_time, paid_block) = paid.map_or((0, 0), |paid| (paid.time, paid.height));
    let active = node.seen.saturating_sub(node.started);
    let (status, protocol, seen) = (node.state.text(), state.rules.protocol, node.seen);
    let (payee, service) = (payout_text(state, node.payout), node.service(state.names));
    match mode {
        "full" => texts(format!(
            "{status:>18} {protocol} {payee} {seen} {active:>8} {paid_time:>10} {paid_block:>6} {service}"
        )),
        // Sentinels of default nodes never ping.
        "info" => texts(format!("{status:>18} {protocol} {payee} {seen} {active:>8} expired {service}")),
        "addr" => texts(service),
        "payee" => texts(payee),
        "status" => texts(status.to_owned()),
        "protocol" => (protocol.into(), Some(protocol.to_string())),
        "pubkey" => (node.key().into(), None),
        "activeseconds" => (active.into(), None),
        "lastseen" => (seen.into(), None),
        "lastpaidtime" => (paid_time.into(), None),
        _ => (paid_block.into(), None),
    }
}

fn counted(context: &Context<'_>, params: &Params) -> Answer {
    let state = context.state;
    if params.get(2).is_some() {
        return Err(RpcError::parameter("Too many parameters"));
    }
    let total = state.listed().count();
    let enabled = state.enabled();
    // The queue is computed for the height of the tip, and not before the winners are known.
    let qualify = || if context.synced() { state.queue(context.tip()).len() } else { 0 };
    Ok(match text(params, 1)? {
        None => total.into(),
        Some("enabled") => enabled.into(),
        Some("qualify") => qualify().into(),
        Some("all") => format!("Total: {total} (Enabled: {enabled} / Qualify: {})", qualify()).into(),
        Some(_) => Json::raw("null"),
    })
}

/// `current` and `winner`: the current election, independent of votes.
fn elected(context: &Context<'_>, height: u32) -> Json {
    let Some(node) = context.state.elect(height).filter(|_| context.synced()) else {
        return "unknown".into();
    };
    Object::new()
        .with("height", context.reported(height))
        .with("IP:port", node.service(context.state.names))
        .with("protocol", context.state.rules.protocol)
        .with("outpoint", node.outpoint())
        .with("payee", payout_text(context.state, node.payout))
        .with("lastseen", node.seen)
        .with("activeseconds", node.seen.saturating_sub(node.started))
        .into()
}

fn winners(context: &Context<'_>, params: &Params) -> Answer {
    let (back, filter) = (count(params, 1, 10)?, text(params, 2)?.unwrap_or_default());
    let tip = context.tip();
    let mut winners = Object::new();
    for height in tip.saturating_sub(back)..tip + 20 {
        let votes = context.state.votes.at(height).iter();
        let votes: Vec<String> =
            votes.map(|tally| format!("{}:{}", payout_text(context.state, tally.payout), tally.votes)).collect();
        let line = if votes.is_empty() { "Unknown".to_owned() } else { votes.join(", ") };
        if line.contains(filter) {
            winners.add(&context.reported(height).to_string(), line);
        }
    }
    Ok(winners.into())
}

/// `masternode status`, of the masternode that the answering node runs.
fn own_status(context: &Context<'_>) -> Answer {
    let Some(own) = context.own() else {
        return Err(RpcError::new(-32603, "This is not a masternode"));
    };
    let Some(node) = own else {
        let outpoint = format!("COutPoint({}, {})", "0".repeat(64), u32::MAX);
        let status = "Not capable masternode: Masternode not in masternode list";
        return Ok(Object::new().with("outpoint", outpoint).with("service", "[::]:0").with("status", status).into());
    };
    // Its own daemon reports itself as healthy while others see it as expired (`IsValidStateForAutoStart`).
    let fine = matches!(node.state, NodeState::Enabled | NodeState::PreEnabled | NodeState::Expired);
    let status = if fine {
        "Masternode successfully started".to_owned()
    } else {
        format!("Not capable masternode: Masternode in {} state", node.state)
    };
    Ok(Object::new()
        .with("outpoint", node.outpoint())
        .with("service", node.service(context.state.names))
        .with("payee", payout_text(context.state, node.payout))
        .with("status", status)
        .into())
}

fn sync(context: &Context<'_>) -> Json {
    let synced = context.synced();
    let (id, name) = if synced { (999, "MASTERNODE_SYNC_FINISHED") } else { (2, "MASTERNODE_SYNC_LIST") };
    Object::new()
        .with("AssetID", id)
        .with("AssetName", name)
        .with("AssetStartTime", context.state.now.saturating_sub(3_600))
        .with("Attempt", 0)
        .with("IsBlockchainSynced", true)
        .with("IsMasternodeListSynced", synced)
        .with("IsWinnersListSynced", synced)
        .with("IsSynced", synced)
        .with("IsFailed", false)
        .into()
}

fn sporks(context: &Context<'_>, params: &Params) -> Answer {
    let value =
        |(name, value): (&str, u64)| if name == ENFORCEMENT && context.state.options.enforced { 0 } else { value };
    let mut sporks = Object::new();
    match text(params, 0)? {
        Some("show") => SPORKS.iter().for_each(|spork| sporks.add(spork.0, value(*spork))),
        Some("active") => SPORKS.iter().for_each(|spork| sporks.add(spork.0, value(*spork) < context.state.now)),
        _ => return Err(misuse(SPORK_HELP)),
    }
    Ok(sporks.into())
}

/// `gettxout` of a collateral; other outputs are not known.
fn output(context: &Context<'_>, params: &Params) -> Answer {
    let (txid, index) = (hash(params, 0, OUTPUT_HELP)?, integer(params, 1, OUTPUT_HELP)?);
    let nodes = context.state.nodes.iter();
    let node = nodes.into_iter().find(|node| node.txid == txid && i64::from(node.index) == index && !node.spent);
    let Some(node) = node.filter(|node| node.born <= context.tip()) else {
        return Ok(Json::raw("null"));
    };
    let payee = payout_hash(context.state.options.seed, node.payout);
    let script = Object::new()
        .with("asm", format!("OP_DUP OP_HASH160 {payee} OP_EQUALVERIFY OP_CHECKSIG"))
        .with("hex", format!("76a914{payee}88ac"))
        .with("reqSigs", 1)
        .with("type", "pubkeyhash")
        .with("addresses", Json::array([payout_text(context.state, node.payout).into()]));
    Ok(Object::new()
        .with("bestblock", context.state.headers.tip().hash.to_string())
        .with("confirmations", node.confirmations(context.tip()))
        .with("value", Json::raw(format!("{}.00000", context.state.names.collateral)))
        .with("scriptPubKey", script)
        .with("coinbase", false)
        .into())
}
