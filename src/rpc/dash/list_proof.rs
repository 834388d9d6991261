//! `protx diff` with everything that a list proof needs: complete entries, the raw coinbase and its Merkle branch.
//!
//! Never here: hashing (`domain::list_proof`).

use serde::Deserialize;

use crate::rpc::dash::answers::result;
use crate::rpc::dash::convert;
use crate::rpc::error::ErrorKind;
use domain::hex;
use domain::list_proof::leaf::key_hash;
use domain::list_proof::{LeafFields, ProofDiff};
use domain::{BlockHash, Hash, NodeType};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDiff {
    block_hash: String,
    #[serde(rename = "deletedMNs")]
    removed: Vec<String>,
    mn_list: Vec<WireEntry>,
    cb_tx: String,
    cb_tx_merkle_tree: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    /// 1, 2 or 3. Version 19 and later.
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
    pub_key_operator: String,
    voting_address: String,
    is_valid: bool,
    /// Only with `-deprecatedrpc=service` from version 23 on.
    #[serde(default, rename = "platformHTTPPort")]
    http_port: Option<u16>,
    #[serde(default, rename = "platformNodeID")]
    platform_node: Option<String>,
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
            None => [self.service.into_iter().filter(|text| !text.ends_with(":0")).collect(), Vec::new(), Vec::new()],
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
            operator_key: bytes(&self.pub_key_operator, "pubKeyOperator")?,
            voting_key: key_hash(&self.voting_address),
            valid: self.is_valid,
            node_type: if self.n_type == 0 { NodeType::Regular } else { NodeType::Evo },
            http_port: self.http_port,
            platform_node,
        })
    }
}

/// `protx diff`: the changes of the simplified list up to `target`, with the proof of that block.
pub fn proof_diff(body: &[u8], target: &BlockHash) -> Result<ProofDiff, ErrorKind> {
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

fn hexadecimal(text: &str, key: &str) -> Result<Vec<u8>, ErrorKind> {
    hex::decode(text).ok_or_else(|| ErrorKind::malformed(format!("{key} is not hexadecimal")))
}

fn bytes<const N: usize>(text: &str, key: &str) -> Result<[u8; N], ErrorKind> {
    let bytes = hexadecimal(text, key)?;
    bytes.try_into().map_err(|_| ErrorKind::malformed(format!("{key} does not have {N} bytes")))
}
