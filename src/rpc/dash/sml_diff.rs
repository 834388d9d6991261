//! What decides who will sit in DKG sessions that have not begun: the simplified list, and the coinbase of a block.
//!
//! Never here: drawing (`domain::drawing`).

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

/// Bytes of the signature of a ChainLock.
const SIGNATURE: usize = 96;

/// Version of the coinbase's payload from which on it names a ChainLock: that of the fork v20, which changed how is drawn.
const NAMES_CHAINLOCK: u32 = 3;

#[derive(Deserialize)]
struct WireRoll<'a> {
    #[serde(rename = "blockHash", borrow)]
    block: Cow<'a, str>,
    #[serde(rename = "deletedMNs", borrow)]
    removed: Vec<Cow<'a, str>>,
    #[serde(rename = "mnList", borrow)]
    entered: Vec<WireEntrant<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntrant<'a> {
    #[serde(rename = "proRegTxHash", borrow)]
    pro_tx: Cow<'a, str>,
    #[serde(borrow)]
    confirmed_hash: Cow<'a, str>,
    is_valid: bool,
    /// 0 regular, 1 Evo. Version 19 and later.
    #[serde(default)]
    n_type: u8,
    /// Address and port; gated behind `-deprecatedrpc=service` from version 23 on.
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

impl WireEntrant<'_> {
    /// Its first address; `None` when it has none, which older versions write as port 0 of no address.
    fn address(&self) -> Option<&str> {
        let first = self.addresses.as_ref().and_then(|addresses| addresses.core_p2p.first());
        let text = first.map(String::as_str).or(self.service.as_deref())?;
        (!text.is_empty() && !text.ends_with(":0")).then_some(text)
    }

    /// Its operator key; `None` when it was revoked, which is written as zeros.
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

/// `protx diff`: what changed on the simplified list up to `target`.
pub fn roll_change(body: &[u8], target: &BlockHash) -> Result<SmlDiff, ErrorKind> {
    let wire: WireRoll<'_> = result(body)?;
    if convert::parse::<BlockHash>(&wire.block, "blockHash")? != *target {
        return Err(ErrorKind::malformed("it is of another block than asked for"));
    }
    let entrant = |entrant: &WireEntrant<'_>| {
        let confirmed: Hash = convert::parse(&entrant.confirmed_hash, "confirmedHash")?;
        Ok(SmlEntry {
            pro_tx: convert::parse(&entrant.pro_tx, "proRegTxHash")?,
            confirmed: Some(confirmed).filter(|hash| hash.0 != [0; 32]),
            node_type: if entrant.n_type == 0 { NodeType::Regular } else { NodeType::Evo },
            valid: entrant.is_valid,
            address: entrant.address().map(Fingerprint::of),
            operator_key: entrant.operator_key().map(Fingerprint::of),
        })
    };
    Ok(SmlDiff {
        removed: wire.removed.iter().map(|hash| convert::parse(hash, "deletedMNs")).collect::<Result<_, _>>()?,
        entered: wire.entered.iter().map(entrant).collect::<Result<_, ErrorKind>>()?,
    })
}

/// `getspecialtxes` of the type of the coinbase, in full: what the block decides; `None` before the fork v20.
pub fn lot(body: &[u8], block: &Block) -> Result<Option<QuorumModifierInput>, ErrorKind> {
    let transactions: Vec<WireCoinbase<'_>> = result(body)?;
    let Some(WireCoinbase { payload }) = transactions.first() else { return Ok(None) };
    if payload.version < NAMES_CHAINLOCK {
        return Ok(None);
    }
    let signature = hex::decode(&payload.chainlock)
        .filter(|signature| signature.len() == SIGNATURE)
        .ok_or_else(|| ErrorKind::malformed("bestCLSignature is no signature of 96 bytes in hexadecimal"))?;
    let chainlock = Some(signature).filter(|signature| signature.iter().any(|byte| *byte != 0));
    Ok(Some(QuorumModifierInput { height: block.height, hash: block.hash, chainlock }))
}

impl Client {
    /// What changed on the simplified list from an earlier block to a later one; from its beginning where none is given.
    pub async fn roll_change(&self, base: Option<&BlockHash>, target: &BlockHash) -> Result<SmlDiff, RpcError> {
        let method = self.known(self.dialect().roll)?;
        // Block 1 has no masternodes; the genesis block cannot be named.
        let base = base.map_or_else(|| json!(1), |base| json!(base.to_string()));
        let params = self.params(method, [base, json!(target.to_string())]);
        let target = *target;
        self.call(method, params, move |body| roll_change(body, &target)).await
    }

    /// What a block decides about sessions that begin after it; `None` before the fork v20.
    pub async fn lot(&self, block: &Block) -> Result<Option<QuorumModifierInput>, RpcError> {
        let method = self.known(self.dialect().special)?;
        let block = *block;
        self.call(method, quorums::of_coinbase(&block.hash), move |body| lot(body, &block)).await
    }
}
