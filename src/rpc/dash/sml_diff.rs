//! The input from which members of future DKG sessions are selected: the simplified masternode list, and the coinbase
//! of a block.
//!
//! Never here: the selection (`domain::drawing`).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use crate::rpc::client::Client;
use crate::rpc::dash::answers::result;
use crate::rpc::dash::{convert, quorums};
use crate::rpc::error::{ErrorKind, RpcError};
use domain::hex;
use domain::quorum_selection::{Fingerprint, QuorumModifierInput, SmlDiff, SmlEntry};
use domain::{Block, BlockHash, Hash, NodeType};

/// Bytes of a ChainLock signature.
const SIGNATURE: usize = 96;

/// Version of the coinbase payload from which on it contains a ChainLock: that of the fork v20, which changed the
/// selection.
const NAMES_CHAINLOCK: u32 = 3;

#[derive(Deserialize)]
struct WireSmlDiff<'a> {
    #[serde(rename = "blockHash", borrow)]
    block: Cow<'a, str>,
    #[serde(rename = "deletedMNs", borrow)]
    removed: Vec<Cow<'a, str>>,
    #[serde(rename = "mnList", borrow)]
    entered: Vec<WireEntry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry<'a> {
    #[serde(rename = "proRegTxHash", borrow)]
    pro_tx: Cow<'a, str>,
    #[serde(borrow)]
    confirmed_hash: Cow<'a, str>,
    is_valid: bool,
    /// 0 regular, 1 Evo. Version 19 and later.
    #[serde(default)]
    n_type: u8,
    /// Address and port; only with `-deprecatedrpc=service` from version 23 on.
    #[serde(borrow, default)]
    service: Option<Cow<'a, str>>,
    /// Addresses by purpose, version 23 and later.
    #[serde(default)]
    addresses: Option<WireAddresses>,
    #[serde(borrow, default)]
    pub_key_operator: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct WireAddresses {
    #[serde(default)]
    core_p2p: Vec<String>,
}

impl WireEntry<'_> {
    /// Its first address; `None` if it has none, which older versions write as port 0 without an address.
    fn address(&self) -> Option<&str> {
        let first = self.addresses.as_ref().and_then(|addresses| addresses.core_p2p.first());
        let text = first.map(String::as_str).or(self.service.as_deref())?;
        (!text.is_empty() && !text.ends_with(":0")).then_some(text)
    }

    /// Its operator key; `None` if it was revoked, which is written as zeros.
    fn operator_key(&self) -> Option<&str> {
        self.pub_key_operator.as_deref().filter(|key| key.bytes().any(|digit| digit != b'0'))
    }
}

#[derive(Deserialize)]
struct WireCoinbase<'a> {
    #[serde(rename = "cbTx", borrow)]
    payload: WirePayload<'a>,
}

#[derive(Deserialize)]
struct WirePayload<'a> {
    version: u32,
    #[serde(rename = "bestCLSignature", borrow, default)]
    chainlock: Cow<'a, str>,
}

/// `protx diff`: the changes of the simplified list up to `target`.
pub fn sml_diff(body: &[u8], target: &BlockHash) -> Result<SmlDiff, ErrorKind> {
    let wire: WireSmlDiff<'_> = result(body)?;
    if convert::parse::<BlockHash>(&wire.block, "blockHash")? != *target {
        return Err(ErrorKind::malformed("it belongs to another block than the requested one"));
    }
    let read = |entry: &WireEntry<'_>| {
        let confirmed: Hash = convert::parse(&entry.confirmed_hash, "confirmedHash")?;
        Ok(SmlEntry {
            pro_tx: convert::parse(&entry.pro_tx, "proRegTxHash")?,
            confirmed: Some(confirmed).filter(|hash| hash.0 != [0; 32]),
            node_type: if entry.n_type == 0 { NodeType::Regular } else { NodeType::Evo },
            valid: entry.is_valid,
            address: entry.address().map(Fingerprint::of),
            operator_key: entry.operator_key().map(Fingerprint::of),
        })
    };
    Ok(SmlDiff {
        removed: wire.removed.iter().map(|hash| convert::parse(hash, "deletedMNs")).collect::<Result<_, _>>()?,
        entered: wire.entered.iter().map(read).collect::<Result<_, ErrorKind>>()?,
    })
}

/// `getspecialtxes` of the type of the coinbase, in full: the quorum modifier input of the block; `None` before the
/// fork v20.
pub fn quorum_modifier_input(body: &[u8], block: &Block) -> Result<Option<QuorumModifierInput>, ErrorKind> {
    let transactions: Vec<WireCoinbase<'_>> = result(body)?;
    let Some(WireCoinbase { payload }) = transactions.first() else { return Ok(None) };
    if payload.version < NAMES_CHAINLOCK {
        return Ok(None);
    }
    let signature = hex::decode(&payload.chainlock)
        .filter(|signature| signature.len() == SIGNATURE)
        .ok_or_else(|| ErrorKind::malformed("bestCLSignature is not a hexadecimal signature of 96 bytes"))?;
    let chainlock = Some(signature).filter(|signature| signature.iter().any(|byte| *byte != 0));
    Ok(Some(QuorumModifierInput { height: block.height, hash: block.hash, chainlock }))
}

impl Client {
    /// The changes of the simplified list from an earlier block to a later one; from the first block if none is given.
    pub async fn sml_diff(&self, base: Option<&BlockHash>, target: &BlockHash) -> Result<SmlDiff, RpcError> {
        let method = self.known(self.dialect().sml_diff)?;
        // Block 1 has no masternodes; the genesis block is not accepted.
        let base = base.map_or_else(|| json!(1), |base| json!(base.to_string()));
        let params = self.params(method, [base, json!(target.to_string())]);
        let target = *target;
        self.call(method, params, move |body| sml_diff(body, &target)).await
    }

    /// The quorum modifier input of a block; `None` before the fork v20.
    pub async fn quorum_modifier_input(&self, block: &Block) -> Result<Option<QuorumModifierInput>, RpcError> {
        let method = self.known(self.dialect().special)?;
        let block = *block;
        self.call(method, quorums::of_coinbase(&block.hash), move |body| quorum_modifier_input(body, &block)).await
    }
}
