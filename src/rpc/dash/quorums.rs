//! The outcomes of the DKG sessions of a block, the members that failed, and the payees of a block.
//!
//! Never here: the consequences for a masternode.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::rpc::dash::answers::result;
use crate::rpc::dash::convert;
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use domain::hex;
use domain::{BlockHash, Duffs, ForeignText, Hash, Height, MasternodeId};

/// An active quorum, from `quorum listextended`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormedQuorum {
    /// Name of its type, e.g. `llmq_60_75`.
    pub quorum_type: ForeignText,
    /// Hash of the block at which its session began, which identifies it.
    pub hash: BlockHash,
    /// Height of that block.
    pub height: Height,
    /// Index of the quorum in its cycle, 0 for types that do not rotate.
    pub index: u32,
    /// Members that did not fail.
    pub valid_members: u32,
}

/// Types of special transactions (DIP 2 and DIP 4).
const COINBASE: u8 = 5;
const COMMITMENTS: u8 = 6;

/// Most commitments that are read: a block of a rotation has 35 on mainnet.
const MOST_COMMITMENTS: u32 = 100;

/// A commitment in a block, from `getspecialtxes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Number of its quorum type.
    pub quorum_type: u8,
    /// Hash of the block at which the session began.
    pub hash: BlockHash,
    /// Index of the quorum in its cycle, 0 for types that do not rotate.
    pub index: u32,
    /// Members that did not fail; 0 in a null commitment.
    pub valid_members: u32,
    /// Flags of the members, eight a byte, the first member in the lowest bit: 1 for one that did not fail. Empty if the node does
    /// not report them.
    pub valid: Vec<u8>,
}

impl Commitment {
    /// Which of `members`, in the order of their seats, failed; `None` if the node does not report it.
    pub fn failed<'a>(&self, members: &'a [MasternodeId]) -> Option<Vec<&'a MasternodeId>> {
        let flag = |seat: usize| Some(self.valid.get(seat / 8)? >> (seat % 8) & 1 == 1);
        let flags = (0..members.len()).map(flag).collect::<Option<Vec<bool>>>()?;
        Some(members.iter().zip(flags).filter(|(_, is_valid)| !is_valid).map(|(member, _)| member).collect())
    }
}

/// A quorum with the validity of each member, from `quorum info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumMembers {
    /// Height of the block at which the session began.
    pub height: Height,
    /// The members, each with whether it is valid.
    pub members: Vec<(MasternodeId, bool)>,
}

#[derive(Deserialize)]
struct WireSpecial<'a> {
    #[serde(rename = "qcTx", borrow)]
    commitment: WireCommitmentTx<'a>,
}

#[derive(Deserialize)]
struct WireCommitmentTx<'a> {
    #[serde(borrow)]
    commitment: WireCommitment<'a>,
}

#[derive(Deserialize)]
struct WireCommitment<'a> {
    #[serde(rename = "llmqType")]
    quorum_type: u8,
    #[serde(rename = "quorumHash", borrow)]
    hash: Cow<'a, str>,
    // Version 18 and later.
    #[serde(rename = "quorumIndex", default)]
    index: u32,
    #[serde(rename = "validMembersCount")]
    valid_members: u32,
    #[serde(rename = "validMembers", borrow, default)]
    valid: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireCoinbase<'a> {
    #[serde(rename = "vout", borrow)]
    outputs: Vec<WireOutput<'a>>,
}

#[derive(Deserialize)]
struct WireOutput<'a> {
    #[serde(rename = "valueSat")]
    value: u64,
    #[serde(rename = "scriptPubKey", borrow)]
    script: WireScript<'a>,
}

/// Version 21 and later name one address, earlier ones a list.
#[derive(Deserialize)]
struct WireScript<'a> {
    #[serde(borrow)]
    address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    addresses: Vec<Cow<'a, str>>,
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
    height: i64,
    #[serde(borrow)]
    members: Vec<WireMember<'a>>,
}

type ByHash<'a> = BTreeMap<Cow<'a, str>, WireQuorum<'a>>;

/// `quorum listextended`: the quorums whose commitment the block has.
pub fn formed_in(body: &[u8], block: &BlockHash) -> Result<Vec<FormedQuorum>, ErrorKind> {
    let block = block.to_string();
    formed(body, |_, quorum| quorum.mined_block == block)
}

/// The same: those of a type that are active.
pub fn active_of(body: &[u8], kind: &str) -> Result<Vec<FormedQuorum>, ErrorKind> {
    formed(body, |name, _| name == kind)
}

fn formed(body: &[u8], is_wanted: impl Fn(&str, &WireQuorum<'_>) -> bool) -> Result<Vec<FormedQuorum>, ErrorKind> {
    let types: BTreeMap<Foreign, Vec<ByHash<'_>>> = result(body)?;
    let mut formed = Vec::new();
    for (Foreign(quorum_type), quorums) in &types {
        for (hash, quorum) in quorums.iter().flatten().filter(|(_, quorum)| is_wanted(quorum_type, quorum)) {
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

/// The same: of each type with a quorum, the newest one: the height at which its session began, and the block of its
/// commitment.
pub fn newest(body: &[u8]) -> Result<BTreeMap<ForeignText, (Height, BlockHash)>, ErrorKind> {
    let types: BTreeMap<Foreign, Vec<ByHash<'_>>> = result(body)?;
    let mut newest = BTreeMap::new();
    for (Foreign(quorum_type), quorums) in types {
        let last = quorums.iter().flatten().map(|(_, quorum)| quorum).max_by_key(|quorum| quorum.creation_height);
        if let Some(last) = last {
            let start = convert::block_height(last.creation_height, "creationHeight")?;
            newest.insert(quorum_type, (start, convert::parse(&last.mined_block, "minedBlockHash")?));
        }
    }
    Ok(newest)
}

/// The same: names of all types for which the network holds sessions, with or without a quorum.
pub fn types(body: &[u8]) -> Result<Vec<ForeignText>, ErrorKind> {
    let types: BTreeMap<Foreign, IgnoredAny> = result(body)?;
    Ok(types.into_keys().map(|Foreign(name)| name).collect())
}

/// `quorum info`: the members of a quorum.
pub fn members(body: &[u8]) -> Result<QuorumMembers, ErrorKind> {
    let info: WireInfo<'_> = result(body)?;
    let member = |member: &WireMember<'_>| {
        Ok((MasternodeId::ProTx(convert::parse::<Hash>(&member.pro_tx_hash, "proTxHash")?), member.valid))
    };
    let members = info.members.iter().map(member).collect::<Result<_, ErrorKind>>()?;
    Ok(QuorumMembers { height: convert::block_height(info.height, "height")?, members })
}

/// The `getspecialtxes` call for the commitments of a block, in full.
pub(in crate::rpc) fn of_commitments(block: &BlockHash) -> Value {
    json!([block.to_string(), COMMITMENTS, MOST_COMMITMENTS, 0, 2])
}

/// The `getspecialtxes` call for the coinbase of a block, in full.
pub(in crate::rpc) fn of_coinbase(block: &BlockHash) -> Value {
    json!([block.to_string(), COINBASE, 1, 0, 2])
}

/// `getspecialtxes` of the type of commitments, in full.
pub fn commitments(body: &[u8]) -> Result<Vec<Commitment>, ErrorKind> {
    let transactions: Vec<WireSpecial<'_>> = result(body)?;
    let commitment = |transaction: &WireSpecial<'_>| {
        let WireCommitment { quorum_type, hash, index, valid_members, valid } = &transaction.commitment.commitment;
        let hash = convert::parse(hash, "quorumHash")?;
        let valid = hex::decode(valid).unwrap_or_default();
        Ok(Commitment { quorum_type: *quorum_type, hash, index: *index, valid_members: *valid_members, valid })
    };
    transactions.iter().map(commitment).collect()
}

/// `getspecialtxes` of the type of the coinbase, in full: the amounts and addresses that the block pays. Outputs
/// without an address are omitted.
pub fn outputs(body: &[u8]) -> Result<Vec<(ForeignText, Duffs)>, ErrorKind> {
    let transactions: Vec<WireCoinbase<'_>> = result(body)?;
    let outputs = transactions.iter().flat_map(|coinbase| &coinbase.outputs);
    let paid = |output: &WireOutput<'_>| {
        let WireScript { address, addresses } = &output.script;
        let address = address.as_ref().or(addresses.first().filter(|_| addresses.len() == 1))?;
        Some((ForeignText::new(address), Duffs(output.value)))
    };
    Ok(outputs.filter_map(paid).collect())
}
