//! Parsers: one function for each answer, from the body to the domain's value.
//!
//! Never here: the network; `protx list` as a whole, which is parsed while it arrives (`list_parser`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::rpc::dash::wire::{
    Entry, Envelope, WireChainInfo, WireChainLock, WireCount, WireDiff, WireHeader, WireNetworkInfo, WireSync,
};
use crate::rpc::dash::{convert, forks};
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use crate::rpc::unknown::Unknown;
use domain::deployment::Forks;
use domain::{Block, BlockHash, Duffs, ForeignText, Hash, Height, ListDiff, Masternode, UnixSeconds};

/// A block and its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The block.
    pub block: Block,
    /// Its parent; `None` for the genesis block.
    pub previous: Option<BlockHash>,
    /// Root of its transactions; `None` if the node does not report it.
    pub merkle_root: Option<Hash>,
}

/// The chain as a node reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainInfo {
    /// `main`, `test`, `regtest` or the name of a devnet.
    pub chain: ForeignText,
    /// Height of its tip.
    pub blocks: Height,
    /// Height of the best header that it knows.
    pub headers: Height,
    /// Hash of its tip.
    pub best: BlockHash,
    /// It is in its initial block download; `None` if the node does not report it.
    pub initial_block_download: Option<bool>,
    /// Time in the header of its tip; `None` if the node does not report it (Dash before v20).
    pub tip_time: Option<UnixSeconds>,
    /// Median time of the last blocks; `None` if the node does not report it.
    pub median_time: Option<UnixSeconds>,
    /// Forks by name; `None` if the node does not report them here (v24).
    pub forks: Option<Forks>,
}

impl ChainInfo {
    /// Whether a fork is active for the next block; `None` if the node does not report it.
    pub fn fork_active(&self, name: &str) -> Option<bool> {
        self.forks.as_ref()?.get(name)?.active
    }

    /// Height from which a fork is active; `None` if the node does not report it.
    pub fn fork_height(&self, name: &str) -> Option<Height> {
        self.forks.as_ref()?.get(name)?.height
    }
}

/// The software of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInfo {
    /// 230102 for 23.1.2; 170003 for 0.17.0.3.
    pub version: u32,
    /// E.g. `/Dash Core:23.1.2/`.
    pub subversion: ForeignText,
    /// Version of the peer-to-peer protocol.
    pub protocol_version: u32,
    /// Connections to other nodes; `None` if it does not report them.
    pub connections: Option<u32>,
    /// Its networking is enabled; `None` if it does not report it.
    pub network_active: Option<bool>,
    /// It relays transactions; `None` if it does not report it.
    pub relays: Option<bool>,
    /// It advertises compact block filters; `None` if it does not report its services.
    pub compact_filters: Option<bool>,
    /// Minimum relay fee for 1000 bytes; `None` if it does not report it.
    pub relay_fee: Option<Duffs>,
    /// Incremental relay fee for 1000 bytes; `None` if it does not report it.
    pub incremental_fee: Option<Duffs>,
}

impl NetworkInfo {
    /// Whether it is isolated: such a node still reports that it is synced and ready. `None` if unknown.
    pub fn is_isolated(&self) -> Option<bool> {
        if self.network_active == Some(false) { Some(true) } else { self.connections.map(|count| count == 0) }
    }
}

/// The number of masternodes that a node counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Registered, banned ones included.
    pub total: u32,
    /// Not banned; on the older chains, in the state `ENABLED`.
    pub enabled: u32,
    /// In the payment queue, on the older chains.
    pub queued: Option<u32>,
}

/// Sync state of the data that a node requests from other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncStatus {
    /// The list is complete.
    pub list: bool,
    /// The votes for payees are complete.
    pub votes: bool,
}

/// `getbestblockhash`, `getblockhash`.
pub fn block_hash(body: &[u8]) -> Result<BlockHash, ErrorKind> {
    convert::parse(&result::<Cow<'_, str>>(body)?, "block hash")
}

/// `getblockheader`.
pub fn header(body: &[u8]) -> Result<Header, ErrorKind> {
    let wire: WireHeader<'_> = result(body)?;
    let height = convert::block_height(wire.height, "height")?;
    let previous = wire.previous.map(|hash| convert::parse(&hash, "previousblockhash")).transpose()?;
    if previous.is_none() && height != Height(0) {
        return Err(ErrorKind::malformed(format_args!("block {height} has no parent")));
    }
    let time = convert::block_time(wire.time, "time")?;
    let block = Block { height, hash: convert::parse(&wire.hash, "hash")?, time };
    let merkle_root = wire.merkle_root.map(|root| convert::parse(&root, "merkleroot")).transpose()?;
    Ok(Header { block, previous, merkle_root })
}

/// `getblockchaininfo`.
pub fn chain_info(body: &[u8]) -> Result<ChainInfo, ErrorKind> {
    let wire: WireChainInfo = result(body)?;
    Ok(ChainInfo {
        forks: forks::softforks(wire.softforks.as_ref(), wire.bip9_softforks.as_ref()),
        median_time: wire.mediantime.map(UnixSeconds),
        blocks: convert::block_height(wire.blocks, "blocks")?,
        headers: convert::block_height(wire.headers, "headers")?,
        best: convert::parse(&wire.bestblockhash, "bestblockhash")?,
        initial_block_download: wire.initialblockdownload,
        tip_time: wire.time.map(|time| convert::block_time(time, "time")).transpose()?,
        chain: wire.chain.0,
    })
}

/// `getnetworkinfo`.
pub fn network_info(body: &[u8]) -> Result<NetworkInfo, ErrorKind> {
    let wire: WireNetworkInfo = result(body)?;
    let names = wire.localservicesnames.as_array();
    let duffs = |fee: &Value| Some(Duffs((fee.as_f64().filter(|fee| *fee >= 0.0)? * 1e8).round() as u64));
    Ok(NetworkInfo {
        relays: wire.localrelay.as_bool(),
        compact_filters: names.map(|names| names.iter().any(|name| name == "COMPACT_FILTERS")),
        relay_fee: duffs(&wire.relayfee),
        incremental_fee: duffs(&wire.incrementalfee),
        version: wire.version,
        subversion: wire.subversion.0,
        protocol_version: wire.protocolversion,
        connections: wire.connections,
        network_active: wire.networkactive,
    })
}

/// `mnsync status` of any chain (docs/spec/legacy-chains.md#other-dimecoin-calls,
/// docs/spec/legacy-chains.md#prcycoin-rpc).
pub fn sync_status(body: &[u8]) -> Result<SyncStatus, ErrorKind> {
    let wire: WireSync = result(body)?;
    match (wire.is_synced, wire.requested_assets) {
        (Some(all), _) => {
            let blocks = wire.is_blockchain_synced.unwrap_or(true);
            Ok(SyncStatus {
                list: all
                    || (blocks
                        && wire.is_masternode_list_synced == Some(true)
                        && wire.is_winners_list_synced.is_some()),
                votes: all || wire.is_winners_list_synced == Some(true),
            })
        }
        // PRCYCoin: 1 list, 2 winners, 3 budget; PIVX: 1 sporks, 2 list, 3 winners, 4 budget. On both 998 is failed and
        // 999 finished. The data of the previous stage is complete; the later of the two numbers applies.
        (None, Some(stage)) => {
            let blocks = wire.is_blockchain_synced != Some(false);
            let past = |least| blocks && stage >= least && stage != 998;
            Ok(SyncStatus { list: past(3), votes: past(4) })
        }
        (None, None) => Err(ErrorKind::malformed("the answer has neither IsSynced nor RequestedMasternodeAssets")),
    }
}

/// The count of any chain: an object, or a text such as `Total: 3 (Enabled: 3 / Qualify: 2)`.
pub fn count(body: &[u8]) -> Result<Count, ErrorKind> {
    match result::<WireCount>(body)? {
        WireCount::Object { total, enabled, inqueue } => Ok(Count { total, enabled, queued: inqueue }),
        WireCount::Text(text) => {
            let number = |name: &str| {
                let (_, rest) = text.split_once(name)?;
                let digits = rest.trim_start().split(|character: char| !character.is_ascii_digit()).next()?;
                digits.parse().ok()
            };
            let (total, enabled) = number("Total:").zip(number("Enabled:")).ok_or_else(|| {
                ErrorKind::malformed(format_args!("expected Total: and Enabled:, found {:.100}", text))
            })?;
            Ok(Count { total, enabled, queued: number("Qualify:") })
        }
    }
}

/// `getbestchainlock`.
pub fn chainlock(body: &[u8]) -> Result<(Height, BlockHash), ErrorKind> {
    let wire: WireChainLock = result(body)?;
    Ok((convert::block_height(wire.height, "height")?, convert::parse(&wire.blockhash, "blockhash")?))
}

/// `spork show`.
pub fn sporks(body: &[u8]) -> Result<Vec<(ForeignText, i64)>, ErrorKind> {
    Ok(result::<BTreeMap<Foreign, i64>>(body)?.into_iter().map(|(Foreign(name), value)| (name, value)).collect())
}

/// `protx info`.
pub fn masternode(body: &[u8]) -> Result<Masternode, ErrorKind> {
    convert::masternode(&result::<Entry<'_>>(body)?, &mut Unknown::default())
}

/// `protx listdiff` from `base` to `target`, with the values that are not understood; any other span is malformed.
pub fn list_diff(body: &[u8], base: &Block, target: &Block) -> Result<(ListDiff, Unknown), ErrorKind> {
    let mut unknown = Unknown::default();
    let diff = convert::list_diff(&result::<WireDiff<'_>>(body)?, base, target, &mut unknown)?;
    Ok((diff, unknown))
}

/// The error in a body; `None` if it is none of the node's.
pub(in crate::rpc) fn reported_error(body: &[u8]) -> Option<ErrorKind> {
    let envelope: Envelope<serde::de::IgnoredAny> = serde_json::from_slice(body).ok()?;
    envelope.error.map(|error| ErrorKind::reported(error.code, &error.message))
}

/// The result of an answer, or the error that it contains instead.
pub(in crate::rpc) fn result<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, ErrorKind> {
    // The error is checked first: with an error the result is null, which is no `T`.
    let envelope: Envelope<T> = match serde_json::from_slice(body) {
        Ok(envelope) => envelope,
        Err(error) => return Err(reported_error(body).unwrap_or_else(|| ErrorKind::malformed(error))),
    };
    match envelope {
        Envelope { error: Some(error), .. } => Err(ErrorKind::reported(error.code, &error.message)),
        Envelope { result: Some(result), .. } => Ok(result),
        _ => Err(ErrorKind::malformed("the answer has neither result nor error")),
    }
}
