//! Which quorums were formed, and which of their members failed.
//!
//! Never here: what follows for a masternode.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::{BlockHash, Hash, Height, MasternodeId};
use crate::rpc::dash::answers::result;
use crate::rpc::dash::convert;
use crate::rpc::error::ErrorKind;

/// A quorum of the active ones, as `quorum listextended` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormedQuorum {
    /// Name of its type, e.g. `llmq_60_75`.
    pub quorum_type: String,
    /// Hash of the block at which its session began, which names it.
    pub hash: BlockHash,
    /// Height of that block.
    pub height: Height,
    /// Which of a cycle's quorums, 0 for types that do not rotate.
    pub index: u32,
    /// Members that did not fail.
    pub valid_members: u32,
}

#[derive(Deserialize)]
struct WireQuorum<'a> {
    #[serde(rename = "creationHeight")]
    creation_height: i64,
    #[serde(rename = "minedBlockHash", borrow)]
    mined_block: Cow<'a, str>,
    #[serde(rename = "numValidMembers")]
    valid_members: u32,
    #[serde(rename = "quorumIndex", default)]
    index: u32,
}

#[derive(Deserialize)]
struct WireMember<'a> {
    #[serde(rename = "proTxHash", borrow)]
    pro_tx_hash: Cow<'a, str>,
    valid: bool,
}

#[derive(Deserialize)]
struct WireInfo<'a> {
    #[serde(borrow)]
    members: Vec<WireMember<'a>>,
}

type ByHash<'a> = BTreeMap<Cow<'a, str>, WireQuorum<'a>>;

/// `quorum listextended`: those whose commitment the block has.
pub fn formed_in(body: &[u8], block: &BlockHash) -> Result<Vec<FormedQuorum>, ErrorKind> {
    let types: BTreeMap<String, Vec<ByHash<'_>>> = result(body)?;
    let block = block.to_string();
    let mut formed = Vec::new();
    for (quorum_type, quorums) in &types {
        let of_block = quorums.iter().flatten().filter(|(_, quorum)| quorum.mined_block == block);
        for (hash, quorum) in of_block {
            formed.push(FormedQuorum {
                quorum_type: quorum_type.clone(),
                hash: convert::parse(hash, "quorum hash")?,
                height: convert::block_height(quorum.creation_height, "creationHeight")?,
                index: quorum.index,
                valid_members: quorum.valid_members,
            });
        }
    }
    Ok(formed)
}

/// `quorum info`: the members that its commitment calls failed.
pub fn failed_members(body: &[u8]) -> Result<Vec<MasternodeId>, ErrorKind> {
    let info: WireInfo<'_> = result(body)?;
    let failed = info.members.iter().filter(|member| !member.valid);
    failed.map(|member| Ok(MasternodeId::ProTx(convert::parse::<Hash>(&member.pro_tx_hash, "proTxHash")?))).collect()
}
