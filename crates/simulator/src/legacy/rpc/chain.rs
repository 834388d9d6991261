//! Blocks, headers and versions of both chains, each in its own format.
//!
//! Never here: masternodes.

use super::written::{Json, Object};
use super::{Answer, Context, hash, integer, misuse};
use crate::legacy::headers::Header;
use crate::legacy::network::payout_text;
use crate::legacy::options::Chain;
use crate::legacy::rules::AUDIT_PERIOD;
use crate::random::{Hash256, Random, hex};
use crate::rpc::{Params, RpcError};

/// Peers of the node.
pub(super) const CONNECTIONS: u32 = 16;
/// Number of blocks of the median time.
const MEDIAN_BLOCKS: u64 = 5;

const DIMECOIN_HASH_HELP: &str = include_str!("../help/dimecoin-getblockhash.txt");
const PRCYCOIN_HASH_HELP: &str = include_str!("../help/prcycoin-getblockhash.txt");
const BLOCK_HELP: &str = "getblock \"blockhash\" ( verbosity )\n";
const HEADER_HELP: &str = "getblockheader \"hash\" ( verbose )\n";
/// Genesis hash of Bitcoin.
const BITCOIN_GENESIS: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

/// Answers a call about blocks; `None` for other calls.
pub(super) fn answer(context: &Context<'_>, method: &str, params: &Params) -> Option<Answer> {
    Some(match method {
        "getbestblockhash" => Ok(context.state.headers.tip().hash.to_string().into()),
        "getblockcount" => Ok(context.reported(context.tip()).into()),
        "getblockhash" => block_hash(context, params),
        "getblockheader" => block_header(context, params),
        "getblock" => block(context, params),
        "getblockchaininfo" => Ok(match context.state.options.chain {
            Chain::Dimecoin => dimecoin_info(context),
            Chain::Prcycoin => prcycoin_info(context),
        }),
        "getnetworkinfo" => Ok(network_info(context)),
        _ => return None,
    })
}

fn block_hash(context: &Context<'_>, params: &Params) -> Answer {
    let help = match context.state.options.chain {
        Chain::Dimecoin => DIMECOIN_HASH_HELP,
        Chain::Prcycoin => PRCYCOIN_HASH_HELP,
    };
    let height = integer(params, 0, help)?;
    // A node that reports wrong heights identifies its blocks by these heights.
    let real = if height == 0 { 0 } else { height - context.lies.height_offset };
    let header = u32::try_from(real).ok().and_then(|height| context.state.headers.at(height));
    let header = header.ok_or_else(|| RpcError::parameter("Block height out of range"))?;
    if header.height == 0 && context.lies.bitcoin {
        return Ok(BITCOIN_GENESIS.into());
    }
    if header.height == 0 && context.lies.other_network {
        return Ok("01".repeat(32).into());
    }
    Ok(header.hash.to_string().into())
}

fn block_header(context: &Context<'_>, params: &Params) -> Answer {
    let hash = hash(params, 0, HEADER_HELP)?;
    let known = context.state.headers.find(hash).filter(|(header, _)| header.height <= context.tip());
    let (header, active) = known.ok_or_else(|| RpcError::new(-5, "Block not found"))?;
    match params.get(1).map(|value| value.as_bool()) {
        Some(Some(false)) => Ok(Random::of(&[hash.seed(), 0x4ead]).hex(80).into()),
        Some(None) => Err(misuse("JSON value is not a boolean as expected")),
        _ => Ok(header_json(context, header, active)),
    }
}

/// `getblock`: the header and the transactions. Dimecoin decodes them on request; PRCYcoin shows their ids and the kind of
/// the block.
fn block(context: &Context<'_>, params: &Params) -> Answer {
    let hash = hash(params, 0, BLOCK_HELP)?;
    let known = context.state.headers.find(hash).filter(|(header, _)| header.height <= context.tip());
    let (header, active) = known.ok_or_else(|| RpcError::new(-5, "Block not found"))?;
    let mut json = header_object(context, header, active);
    let id = Random::of(&[hash.seed(), 0xc01b]).hash().to_string();
    match (context.state.options.chain, params.get(1).map(|verbosity| verbosity.as_i64())) {
        (Chain::Dimecoin, Some(Some(2))) => json.add("tx", Json::array([coinbase(context, hash, &id)])),
        (Chain::Dimecoin, None | Some(Some(1))) => json.add("tx", Json::array([id.into()])),
        (Chain::Prcycoin, None) => {
            json.add("tx", Json::array([id.into()]));
            json.add("minetype", if header.height.is_multiple_of(AUDIT_PERIOD) { "PoA" } else { "PoS" });
        }
        _ => return Err(misuse("JSON value is not a boolean as expected")),
    }
    Ok(json.into())
}

/// The coinbase of a proof-of-work block: its producer, the masternode, the foundation (`CreateNewBlock` in
/// `src/miner.cpp` of Dimecoin).
fn coinbase(context: &Context<'_>, block: Hash256, id: &str) -> Json {
    let foundation = || "7KXXXXXXXXXXXXXXXXXXXXXXXXXXYMjbje".to_owned();
    let payee = context.state.payees.get(&block).map_or_else(foundation, |payout| payout_text(context.state, *payout));
    let output = |(index, (address, coins)): (usize, (String, &str))| {
        let script = Object::new().with("type", "pubkeyhash").with("addresses", Json::array([address.into()]));
        Json::from(Object::new().with("value", Json::raw(coins)).with("n", index).with("scriptPubKey", script))
    };
    let producer = Random::of(&[block.seed(), 0x3111]).hex(17);
    let outputs = [(producer, "6930.00000"), (payee, "6930.00000"), (foundation(), "1540.00000")];
    let outputs: Vec<Json> = outputs.into_iter().enumerate().map(output).collect();
    Object::new().with("txid", id).with("vin", Json::array([])).with("vout", Json::array(outputs)).into()
}

fn header_json(context: &Context<'_>, header: Header, active: bool) -> Json {
    header_object(context, header, active).into()
}

fn header_object(context: &Context<'_>, header: Header, active: bool) -> Object {
    let dimecoin = context.state.options.chain == Chain::Dimecoin;
    let confirmations = if active { i64::from(context.tip()) - i64::from(header.height) + 1 } else { -1 };
    let mut json = Object::new()
        .with("hash", header.hash.to_string())
        .with("confirmations", confirmations)
        .with("height", context.reported(header.height))
        .with("version", if dimecoin { 0x2000_0000 } else { 5 });
    if dimecoin {
        json.add("versionHex", "20000000");
    }
    json.add("merkleroot", Random::of(&[header.hash.seed(), 0x3e4]).hash().to_string());
    json.add("time", header.time);
    json.add("mediantime", median(context, header));
    json.add("nonce", header.hash.seed() & 0xffff);
    json.add("bits", "1b0404cb");
    json.add("difficulty", 16_307.420_938_523_983);
    json.add("chainwork", work(header.height));
    if dimecoin {
        json.add("nTx", 2);
    } else {
        json.add("acc_checkpoint", Hash256::ZERO.to_string());
    }
    if header.height > 0 {
        json.add("previousblockhash", header.parent.to_string());
    }
    if active
        && header.height < context.tip()
        && let Some(next) = context.state.headers.at(header.height + 1)
    {
        json.add("nextblockhash", next.hash.to_string());
    }
    json
}

fn median(context: &Context<'_>, header: Header) -> u64 {
    header.time.saturating_sub(MEDIAN_BLOCKS * context.state.options.spacing_seconds())
}

/// Grows with the height, like the sum of all work.
fn work(height: u32) -> String {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&(u64::from(height) * 0x0001_0001).to_be_bytes());
    hex(&bytes)
}

fn chain_name(context: &Context<'_>) -> &'static str {
    match context.state.names.name {
        "main" if context.lies.other_network => "test",
        _ if context.lies.other_network || context.lies.bitcoin => "main",
        name => name,
    }
}

/// `getblockchaininfo` as Dimecoin answers it; its difficulty is an object.
fn dimecoin_info(context: &Context<'_>) -> Json {
    let tip = context.state.headers.tip();
    let softfork = |id: &str, version: u32| {
        Object::new().with("id", id).with("version", version).with("reject", Object::new().with("status", true)).into()
    };
    let bip9 = |start: u32, timeout: u32| {
        Object::new().with("status", "failed").with("startTime", start).with("timeout", timeout).with("since", 0)
    };
    Object::new()
        .with("chain", chain_name(context))
        .with("blocks", context.reported(tip.height))
        .with("headers", context.reported(tip.height))
        .with("bestblockhash", tip.hash.to_string())
        .with("difficulty", Object::new().with("proof-of-work", 16_307.42).with("proof-of-stake", 71_021.5))
        .with("mediantime", median(context, tip))
        .with("verificationprogress", if context.lies.not_synced { Json::raw("0.5") } else { Json::raw("1") })
        .with("initialblockdownload", context.lies.not_synced)
        .with("chainwork", work(tip.height))
        .with("size_on_disk", u64::from(tip.height) * 300)
        .with("softforks", Json::array([softfork("bip34", 2), softfork("bip66", 3), softfork("bip65", 4)]))
        .with(
            "bip9_softforks",
            Object::new()
                .with("csv", bip9(1_462_060_800, 1_493_596_800))
                .with("segwit", bip9(1_479_168_000, 1_510_704_000)),
        )
        .with("warnings", "")
        .into()
}

/// `getblockchaininfo` as PRCYcoin answers it: without times and without the flag of the initial download.
fn prcycoin_info(context: &Context<'_>) -> Json {
    let tip = context.state.headers.tip();
    let progress = |required: u32| {
        let counts = Object::new().with("status", true).with("found", 1_000);
        counts.with("required", required).with("window", 1_000)
    };
    let fork = Object::new().with("id", "bip65").with("version", 5);
    let fork = fork.with("enforce", progress(750)).with("reject", progress(950));
    Object::new()
        .with("chain", chain_name(context))
        .with("blocks", context.reported(tip.height))
        .with("headers", context.reported(tip.height))
        .with("bestblockhash", tip.hash.to_string())
        .with("difficulty", 16_307.42)
        .with("verificationprogress", if context.lies.not_synced { Json::raw("0.5") } else { Json::raw("1") })
        .with("chainwork", work(tip.height))
        .with("softforks", Json::array([fork.into()]))
        .into()
}

fn network_info(context: &Context<'_>) -> Json {
    let dimecoin = context.state.options.chain == Chain::Dimecoin;
    let (version, name) = match context.state.options.chain {
        _ if context.lies.bitcoin => (270_000, "/Satoshi:27.0.0/"),
        Chain::Dimecoin => (2_030_000, "/dimecoin:2.3.0/"),
        Chain::Prcycoin => (2_000_006, "/PRCY:2.0.0.6/"),
    };
    let network = |name: &str, reachable: bool| {
        let network = Object::new().with("name", name).with("limited", !reachable).with("reachable", reachable);
        network.with("proxy", "").with("proxy_randomize_credentials", false).into()
    };
    let mut info = Object::new()
        .with("version", version)
        .with("subversion", name)
        .with("protocolversion", context.state.rules.protocol)
        .with("localservices", if dimecoin { "000000000100040d" } else { "0000000000000005" });
    if dimecoin {
        info.add("localrelay", true);
    }
    info.add("timeoffset", 0);
    if dimecoin {
        info.add("networkactive", true);
    }
    info.add("connections", CONNECTIONS);
    let networks = [network("ipv4", true), network("ipv6", true), network("onion", false)];
    info.add("networks", Json::array(networks));
    info.add("relayfee", Json::raw(if dimecoin { "0.01000" } else { "0.00000010" }));
    if dimecoin {
        info.add("incrementalfee", Json::raw("0.01000"));
    }
    info.add("localaddresses", Json::array([]));
    if dimecoin {
        info.add("warnings", "");
    }
    info.into()
}
