//! `protx diff`: the simplified masternode list from one block to another, with the raw coinbase and its Merkle branch. The
//! selection of quorum members and the proof of the list read the same answer.
//!
//! Never here: hashing (`domain::list_proof`); the selection (`domain::quorum_selection`).

use serde::Deserialize;

use crate::rpc::dash::answers::result;
use crate::rpc::dash::convert;
use crate::rpc::error::ErrorKind;
use domain::hex;
use domain::list_proof::leaf::{OPERATOR_KEY, key_hash};
use domain::list_proof::{LeafFields, ProofDiff};
use domain::quorum_selection::QuorumModifierInput;
use domain::{Block, BlockHash, Hash, NodeType};

/// Bytes of a ChainLock signature.
const SIGNATURE: usize = 96;

/// Version of the coinbase payload from which on it contains a ChainLock: that of the fork v20, which changed the
/// selection.
const NAMES_CHAINLOCK: u32 = 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDiff {
    block_hash: String,
    #[serde(rename = "deletedMNs")]
    removed: Vec<String>,
    mn_list: Vec<WireEntry>,
    #[serde(default)]
    cb_tx: String,
    #[serde(default)]
    cb_tx_merkle_tree: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    /// 1, 2 or 3. Version 19 and later; earlier ones have version 1 only.
    #[serde(default = "first_version")]
    n_version: u16,
    /// 0 regular, 1 Evo. Version 19 and later.
    #[serde(default)]
    n_type: u8,
    #[serde(rename = "proRegTxHash")]
    pro_tx: String,
    confirmed_hash: String,
    /// Address and port; only with `-deprecatedrpc=service` from version 23 on.
    #[serde(default)]
    service: Option<String>,
    /// Addresses by purpose, version 23 and later.
    #[serde(default)]
    addresses: Option<WireAddresses>,
    #[serde(default)]
    pub_key_operator: Option<String>,
    #[serde(default)]
    voting_address: String,
    is_valid: bool,
    /// Only with `-deprecatedrpc=service` from version 23 on.
    #[serde(default, rename = "platformHTTPPort")]
    http_port: Option<u16>,
    #[serde(default, rename = "platformNodeID")]
    platform_node: Option<String>,
}

fn first_version() -> u16 {
    1
}

#[derive(Deserialize)]
struct WireCoinbase {
    #[serde(rename = "cbTx")]
    payload: WirePayload,
}

#[derive(Deserialize)]
struct WirePayload {
    version: u32,
    #[serde(rename = "bestCLSignature", default)]
    chainlock: String,
}

#[derive(Default, Deserialize)]
struct WireAddresses {
    #[serde(default)]
    core_p2p: Vec<String>,
    #[serde(default)]
    platform_p2p: Vec<String>,
    #[serde(default)]
    platform_https: Vec<String>,
}

impl WireEntry {
    fn fields(self) -> Result<LeafFields, ErrorKind> {
        let confirmed: Hash = convert::parse(&self.confirmed_hash, "confirmedHash")?;
        let addresses = match self.addresses {
            Some(addresses) => [addresses.core_p2p, addresses.platform_p2p, addresses.platform_https],
            // A masternode without an address has port 0 there.
            None => [self.service.into_iter().filter(|text| is_address(text)).collect(), Vec::new(), Vec::new()],
        };
        let mut platform_node = [0; 20];
        if let Some(id) = self.platform_node {
            platform_node = bytes(&id, "platformNodeID")?;
            platform_node.reverse();
        }
        Ok(LeafFields {
            version: self.n_version,
            pro_tx: convert::parse(&self.pro_tx, "proRegTxHash")?,
            confirmed: Some(confirmed).filter(|hash| hash.0 != [0; 32]),
            addresses,
            operator_key: match self.pub_key_operator {
                Some(key) => bytes(&key, "pubKeyOperator")?,
                None => [0; OPERATOR_KEY],
            },
            voting_key: key_hash(&self.voting_address),
            valid: self.is_valid,
            node_type: if self.n_type == 0 { NodeType::Regular } else { NodeType::Evo },
            http_port: self.http_port,
            platform_node,
        })
    }
}

fn is_address(text: &str) -> bool {
    !text.is_empty() && !text.ends_with(":0")
}

/// `protx diff`: the changes of the simplified list up to `target`, with the proof of that block.
pub fn sml_diff(body: &[u8], target: &BlockHash) -> Result<ProofDiff, ErrorKind> {
    let wire: WireDiff = result(body)?;
    if convert::parse::<BlockHash>(&wire.block_hash, "blockHash")? != *target {
        return Err(ErrorKind::malformed("it belongs to another block than the requested one"));
    }
    Ok(ProofDiff {
        removed: wire.removed.iter().map(|hash| convert::parse(hash, "deletedMNs")).collect::<Result<_, _>>()?,
        entered: wire.mn_list.into_iter().map(WireEntry::fields).collect::<Result<_, _>>()?,
        coinbase: hexadecimal(&wire.cb_tx, "cbTx")?,
        branch: hexadecimal(&wire.cb_tx_merkle_tree, "cbTxMerkleTree")?,
    })
}

/// `getspecialtxes` of the type of the coinbase, in full: the quorum modifier input of the block; `None` before the
/// fork v20.
pub fn quorum_modifier_input(body: &[u8], block: &Block) -> Result<Option<QuorumModifierInput>, ErrorKind> {
    let transactions: Vec<WireCoinbase> = result(body)?;
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

fn hexadecimal(text: &str, key: &str) -> Result<Vec<u8>, ErrorKind> {
    hex::decode(text).ok_or_else(|| ErrorKind::malformed(format!("{key} is not hexadecimal")))
}

fn bytes<const N: usize>(text: &str, key: &str) -> Result<[u8; N], ErrorKind> {
    let bytes = hexadecimal(text, key)?;
    bytes.try_into().map_err(|_| ErrorKind::malformed(format!("{key} does not have {N} bytes")))
}
