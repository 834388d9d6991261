//! Blocks, headers, versions, sync state and sporks.
//!
//! Never here: masternodes.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::params::Params;
use super::transactions::{self, Point};
use super::{Context, Reply, RpcError, deployment};
use crate::fork::BIT;
use crate::options::Subnet;
use crate::random::Random;
use crate::rules::chain_facts;

/// Peers of the node.
pub(super) const CONNECTIONS: u32 = 24;

/// The recorded answer of `getblockhash` without its argument.
const BLOCK_HASH_HELP: &str = "getblockhash height\n\nReturns hash of block in best-block-chain at height provided.\n\nArguments:\n1. height    (numeric, required) The height index\n\nResult:\n\"hex\"    (string) The block hash\n\nExamples:\n> dash-cli getblockhash 1000\n> curl --user myusername --data-binary '{\"jsonrpc\": \"1.0\", \"id\": \"curltest\", \"method\": \"getblockhash\", \"params\": [1000]}' -H 'content-type: text/plain;' http://127.0.0.1:9998/\n";
const HEADER_HELP: &str = "getblockheader \"blockhash\" ( verbose )\n";
/// Genesis hash of Bitcoin.
const BITCOIN_GENESIS: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

/// Sporks of a v23 node.
const SPORKS: [&str; 7] = [
    "SPORK_2_INSTANTSEND_ENABLED",
    "SPORK_3_INSTANTSEND_BLOCK_FILTERING",
    "SPORK_9_SUPERBLOCKS_ENABLED",
    "SPORK_17_QUORUM_DKG_ENABLED",
    "SPORK_19_CHAINLOCKS_ENABLED",
    "SPORK_21_QUORUM_ALL_CONNECTED",
    "SPORK_23_QUORUM_POSE",
];

/// Sporks that Dash 24 no longer has.
const GONE_SPORKS: [&str; 2] = ["SPORK_3_INSTANTSEND_BLOCK_FILTERING", "SPORK_9_SUPERBLOCKS_ENABLED"];

/// `getblockhash`.
pub(super) fn block_hash(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let height = params.strict_number(0, BLOCK_HASH_HELP)?;
    let out_of_range = || RpcError::parameter("Block height out of range");
    // A node that reports wrong heights identifies its blocks by these heights.
    let real = if height == 0 { 0 } else { height - context.lies.height_offset };
    let height = u32::try_from(real).map_err(|_| out_of_range())?;
    if height == 0 {
        return Ok(Value::from(genesis(context)).into());
    }
    let hash = context.hash_at(height).ok_or_else(out_of_range)?;
    Ok(Value::from(hash.to_string()).into())
}

/// `getblockheader`.
pub(super) fn block_header(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(0, "blockhash", HEADER_HELP)?;
    let point = Point::of(context, hash).ok_or_else(|| RpcError::new(-5, "Block not found"))?;
    if params.get(1) == Some(&Value::Bool(false)) {
        return Ok(Value::from(Random::of(&[hash.seed(), 0x4ead]).hex(80)).into());
    }
    Ok(Value::Object(header_value(context, &point)).into())
}

/// Unix time of a block; of one that is no longer kept, by the spacing.
pub(super) fn time_of(context: &Context<'_>, point: &Point) -> u64 {
    let root = context.state.history.root();
    let older = |height: u32| {
        let age = u64::from(root.height - height) * context.state.options.spacing.as_secs();
        root.time.saturating_sub(age)
    };
    point.block.as_ref().map_or_else(|| older(point.height), |block| block.time)
}

/// The fields of a block's header.
pub(super) fn header_value(context: &Context<'_>, point: &Point) -> Map<String, Value> {
    let (height, time) = (point.height, time_of(context, point));
    let active = context.hash_at(height) == Some(point.hash);
    let spacing = context.state.options.spacing.as_secs();
    let confirmations = if active { i64::from(context.tip.height) - i64::from(height) + 1 } else { -1 };
    // Without the fork of Dash 24, as recorded.
    let signals = deployment::signals(context, height).unwrap_or(true);
    let version = 0x2000_0000 + (u32::from(signals) << BIT);
    // The old branch has no quorums.
    let locked = active && context.state.left_behind.is_none_or(|last| height <= last);
    let (root, count) = transactions::merkle_root(context, point);
    let header = json!({
        "hash": point.hash,
        "confirmations": confirmations,
        "height": context.reported(height),
        "version": version,
        "versionHex": format!("{version:08x}"),
        "merkleroot": root,
        "time": time,
        "mediantime": time.saturating_sub(5 * spacing),
        "nonce": point.hash.seed() & 0xffff,
        "bits": "207fffff",
        "difficulty": difficulty(),
        "chainwork": chain_work(height),
        "nTx": count,
        "chainlock": locked,
    });
    let Value::Object(mut fields) = header else { unreachable!("written as an object") };
    if height > 0 {
        let older = || context.state.history.naming().old(height - 1);
        fields.insert(
            "previousblockhash".to_owned(),
            json!(point.block.as_ref().map_or_else(older, |block| block.parent)),
        );
    }
    if active
        && height < context.tip.height
        && let Some(next) = context.hash_at(height + 1)
    {
        fields.insert("nextblockhash".to_owned(), json!(next));
    }
    fields
}

/// `getblockchaininfo`.
pub(super) fn blockchain_info(context: &Context<'_>) -> Value {
    let tip = &context.tip;
    let spacing = context.state.options.spacing.as_secs();
    let version = context.version();
    let behind = if context.lies.not_synced { 1_000 } else { 0 };
    let mut info = json!({
        "chain": chain_name(context),
        "blocks": context.reported(tip.height),
        "headers": context.reported(tip.height) + behind,
        "bestblockhash": tip.hash,
        "difficulty": difficulty(),
        "mediantime": tip.time.saturating_sub(5 * spacing),
        "verificationprogress": if context.lies.not_synced { json!(0.5) } else { json!(1) },
        "initialblockdownload": context.lies.not_synced,
        "chainwork": chain_work(tip.height),
        "size_on_disk": 392_863 + u64::from(tip.height),
        "pruned": false,
        "warnings": "",
    });
    let object = info.as_object_mut().expect("an object");
    if version >= 200_000 {
        object.insert("time".to_owned(), json!(tip.time));
        if context.software.shows_softforks || !context.software.follows_fork() {
            object.insert("softforks".to_owned(), Value::Object(softforks(context)));
        }
    } else {
        let old = |(index, id): (usize, &str)| json!({ "id": id, "version": index + 2, "reject": { "status": true } });
        let list: Vec<Value> = ["bip34", "bip66", "bip65"].into_iter().enumerate().map(old).collect();
        let bip9 = json!({ "csv": { "status": "active", "startTime": 0, "timeout": i64::MAX, "since": 432 } });
        object.insert("softforks".to_owned(), Value::Array(list));
        object.insert("bip9_softforks".to_owned(), bip9);
    }
    info
}

/// The forks that the node knows.
pub(super) fn softforks(context: &Context<'_>) -> Map<String, Value> {
    let [dip3, v19, v20] = context.state.facts.forks;
    let options = &context.state.options;
    let buried = |height: u32| {
        // Active means active in the next block (`DeploymentActiveAfter`).
        json!({ "type": "buried", "active": context.tip.height + 1 >= height, "height": height })
    };
    let mut forks = Map::new();
    for name in ["bip34", "bip66", "bip65", "bip147", "csv", "dip0001", "dip0008", "dip0020", "dip0024", "realloc"] {
        forks.insert(name.to_owned(), buried(1));
    }
    forks.insert("dip0003".to_owned(), buried(dip3));
    forks.insert("v19".to_owned(), buried(v19));
    forks.insert("v20".to_owned(), buried(v20));
    if let Some(height) = options.mn_rr_height {
        forks.insert("mn_rr".to_owned(), buried(height));
    } else {
        forks.insert("mn_rr".to_owned(), json!({ "type": "buried", "active": false, "height": i32::MAX }));
    }
    if context.version() >= 220_000 {
        forks.insert("withdrawals".to_owned(), buried(options.mn_rr_height.unwrap_or(i32::MAX.unsigned_abs())));
    }
    if context.software.follows_fork() {
        forks.extend(deployment::softfork(context).map(|fork| ("v24".to_owned(), fork)));
    }
    forks.insert("testdummy".to_owned(), {
        json!({
            "type": "bip9",
            "bip9": {
                "status": "defined",
                "start_time": 0,
                "timeout": i64::MAX,
                "min_activation_height": 0,
                "ehf": false,
                "since": 0,
            },
            "active": false,
        })
    });
    forks
}

/// `getnetworkinfo`.
pub(super) fn network_info(context: &Context<'_>) -> Value {
    let version = if context.lies.bitcoin { 250_000 } else { context.version() };
    let software = context.software;
    let build = if (230_100..240_000).contains(&version) { 2 } else { version % 100 };
    let dotted = format!("{}.{}.{build}", version / 10_000, version / 100 % 100);
    let name = if context.lies.bitcoin { "Satoshi" } else { "Dash Core" };
    let network = |name: &str, reachable: bool| {
        json!({
            "name": name,
            "limited": !reachable,
            "reachable": reachable,
            "proxy": "",
            "proxy_randomize_credentials": false,
        })
    };
    let mut info = json!({
        "version": version,
        "buildversion": format!("v{dotted}"),
        "subversion": software.subversion.clone().unwrap_or_else(|| format!("/{name}:{dotted}/")),
        "protocolversion": software.protocol.unwrap_or_else(|| protocol_version(version)),
        "localservices": if software.filters { "0000000000001c45" } else { "0000000000001c05" },
        "localservicesnames": services(software.filters),
        "localrelay": software.relay,
        "timeoffset": 0,
        "networkactive": !context.lies.cut_off,
        "connections": if context.lies.cut_off { 0 } else { CONNECTIONS },
        "socketevents": "epoll",
        "networks": [
            network("ipv4", true),
            network("ipv6", false),
            network("onion", false),
            network("i2p", false),
            network("cjdns", false),
        ],
        "relayfee": 0.000_01,
        "incrementalfee": 0.000_01,
        "localaddresses": [],
        "warnings": "",
    });
    let names: &[&str] = match version {
        210_000.. => {
            &["connections_in", "connections_out", "connections_mn", "connections_mn_in", "connections_mn_out"]
        }
        180_000.. => &[
            "inboundconnections",
            "outboundconnections",
            "mnconnections",
            "inboundmnconnections",
            "outboundmnconnections",
        ],
        _ => &[],
    };
    let object = info.as_object_mut().expect("an object");
    for (name, count) in names.iter().zip([12, 12, 12, 0, 12]) {
        object.insert((*name).to_owned(), Value::from(if context.lies.cut_off { 0 } else { count }));
    }
    info
}

/// Names of the services that the node advertises.
fn services(filters: bool) -> Vec<&'static str> {
    let mut names = vec!["NETWORK", "BLOOM", "NETWORK_LIMITED", "HEADERS_COMPRESSED", "P2P_V2"];
    if filters {
        names.insert(2, "COMPACT_FILTERS");
    }
    names
}

/// `getbestchainlock`: the tip is always locked.
pub(super) fn best_chain_lock(context: &Context<'_>) -> Value {
    // On the old branch the newest lock is of the last common block.
    let last = context.state.left_behind.filter(|last| *last <= context.tip.height);
    let block = last.and_then(|last| context.block_at(last)).unwrap_or_else(|| Arc::clone(&context.tip));
    let mut random = Random::of(&[block.hash.seed(), 0xc1]);
    let mut lock = json!({
        "blockhash": block.hash,
        "height": context.reported(block.height),
        "signature": random.hex(96),
        "known_block": true,
    });
    if context.version() >= 220_100 {
        lock.as_object_mut().expect("an object").insert("hex".to_owned(), Value::from(random.hex(132)));
    }
    lock
}

/// `uptime`: seconds of chain time since the oldest kept block.
pub(super) fn uptime(context: &Context<'_>) -> u64 {
    context.tip.time.saturating_sub(context.state.history.root().time) + 60
}

/// `mnsync status`.
pub(super) fn sync(context: &Context<'_>, subcommand: &str) -> Result<Reply, RpcError> {
    if subcommand != "status" {
        return Err(context.unknown_subcommand("mnsync"));
    }
    let synced = !context.lies.not_synced;
    let (id, name) = if synced { (999, "MASTERNODE_SYNC_FINISHED") } else { (1, "MASTERNODE_SYNC_BLOCKCHAIN") };
    Ok(json!({
        "AssetID": id,
        "AssetName": name,
        "AssetStartTime": context.state.history.root().time,
        "Attempt": 0,
        "IsBlockchainSynced": synced,
        "IsSynced": synced,
    })
    .into())
}

/// `spork show` and `spork active`: all sporks are on, and compiled in as on mainnet since v21.
pub(super) fn sporks(context: &Context<'_>, subcommand: &str) -> Result<Reply, RpcError> {
    let compiled = context.state.options.subnet == Subnet::Main;
    let value = |name: &str| match subcommand {
        "active" => Value::Bool(true),
        _ if compiled && name.starts_with("SPORK_21") => Value::from(1),
        _ => Value::from(0),
    };
    if !["active", "show"].contains(&subcommand) {
        return Err(context.unknown_subcommand("spork"));
    }
    // Dash 24 removed two.
    let known = |name: &&&str| !context.software.follows_fork() || !GONE_SPORKS.contains(*name);
    let sporks: Map<String, Value> =
        SPORKS.iter().filter(known).map(|name| ((*name).to_owned(), value(name))).collect();
    Ok(Value::Object(sporks).into())
}

fn genesis(context: &Context<'_>) -> &'static str {
    if context.lies.bitcoin { BITCOIN_GENESIS } else { chain_facts(told_subnet(context)).genesis }
}

fn chain_name(context: &Context<'_>) -> &'static str {
    if context.lies.bitcoin { "main" } else { chain_facts(told_subnet(context)).name }
}

fn told_subnet(context: &Context<'_>) -> Subnet {
    match context.state.options.subnet {
        real if !context.lies.other_network => real,
        Subnet::Test => Subnet::Main,
        Subnet::Main | Subnet::Regtest => Subnet::Test,
    }
}

/// `src/version.h PROTOCOL_VERSION` by release.
fn protocol_version(version: u32) -> u32 {
    match version {
        240_000.. => 70_242,
        230_000.. => 70_240,
        220_000.. => 70_235,
        210_000.. => 70_233,
        200_000.. => 70_231,
        190_000.. => 70_228,
        180_000.. => 70_224,
        _ => 70_219,
    }
}

fn difficulty() -> f64 {
    4.656_542_373_906_925e-10
}

fn chain_work(height: u32) -> String {
    format!("{:064x}", u64::from(height) * 2 + 2)
}
