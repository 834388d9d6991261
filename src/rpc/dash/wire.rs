//! Wire types of a node's answers, with the fields that are read.
//!
//! Never here: the meaning of a value; −1 and 0 for "never" are kept as they are.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::rpc::dash::loose::{self, Addresses, Loose};
use crate::rpc::foreign::Foreign;

/// The envelope of every answer.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Envelope<T> {
    pub(super) result: Option<T>,
    pub(super) error: Option<WireError>,
}

#[derive(Deserialize)]
pub(super) struct WireError {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
}

/// A text of the answer, borrowed unless it has escapes. Serde copies a plain `Cow` unless it is a field itself.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// An entry of `protx list … true`, of `addedMNs`, and of `protx info`.
#[derive(Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) node_type: Option<Text<'a>>,
    #[serde(rename = "proTxHash", borrow)]
    pub(super) pro_tx_hash: Cow<'a, str>,
    /// In percent; outside the state, because it never changes.
    #[serde(rename = "operatorReward")]
    pub(super) operator_reward: Option<serde_json::Number>,
    #[serde(borrow)]
    pub(super) state: State<'a>,
    /// Raptoreum: the collateral is no longer sufficient, so it is not paid.
    #[serde(rename = "needToUpgrade")]
    pub(super) need_to_upgrade: Option<bool>,
    #[serde(rename = "metaInfo")]
    pub(super) meta_info: Option<MetaInfo>,
}

/// The state of an entry; in `updatedMNs` only the changed fields. Fields that are not used in arithmetic may have any
/// form.
#[derive(Deserialize)]
pub(super) struct State<'a> {
    /// 1 and 2; 3 since v24, where a registration has several payees and up to four addresses per purpose.
    #[serde(borrow)]
    pub(super) version: Option<Loose<'a>>,
    /// Only with `-deprecatedrpc=service` since v24. `[::]:0` if there is none.
    #[serde(borrow)]
    pub(super) service: Option<Loose<'a>>,
    #[serde(borrow, default, deserialize_with = "loose::addresses")]
    pub(super) addresses: Option<Addresses<'a>>,
    /// Removed in v24 except in diffs and with `-deprecatedrpc=service`.
    #[serde(rename = "platformP2PPort", borrow)]
    pub(super) platform_p2p_port: Option<Loose<'a>>,
    #[serde(rename = "platformHTTPPort", borrow)]
    pub(super) platform_http_port: Option<Loose<'a>>,
    #[serde(rename = "registeredHeight", default, deserialize_with = "number")]
    pub(super) registered_height: Option<i64>,
    #[serde(rename = "lastPaidHeight", default, deserialize_with = "number")]
    pub(super) last_paid_height: Option<i64>,
    #[serde(rename = "consecutivePayments", default, deserialize_with = "number")]
    pub(super) consecutive_payments: Option<i64>,
    #[serde(rename = "PoSePenalty", default, deserialize_with = "number")]
    pub(super) pose_penalty: Option<i64>,
    #[serde(rename = "PoSeRevivedHeight", default, deserialize_with = "number")]
    pub(super) pose_revived_height: Option<i64>,
    #[serde(rename = "PoSeBanHeight", default, deserialize_with = "number")]
    pub(super) pose_ban_height: Option<i64>,
    #[serde(rename = "revocationReason", default, deserialize_with = "number")]
    pub(super) revocation_reason: Option<i64>,
    #[serde(rename = "ownerAddress", borrow)]
    pub(super) owner_address: Option<Loose<'a>>,
    #[serde(rename = "votingAddress", borrow)]
    pub(super) voting_address: Option<Loose<'a>>,
    /// Below version 3.
    #[serde(rename = "payoutAddress", borrow)]
    pub(super) payout_address: Option<Loose<'a>>,
    /// From version 3 on, if there is one owner.
    pub(super) payouts: Option<Value>,
    /// If there are several owners.
    pub(super) shares: Option<Value>,
    #[serde(rename = "earlyPeriodBlocks", borrow)]
    pub(super) early_period_blocks: Option<Loose<'a>>,
    #[serde(rename = "earlyPenalty", borrow)]
    pub(super) early_penalty: Option<Loose<'a>>,
    #[serde(rename = "pubKeyOperator", borrow)]
    pub(super) pub_key_operator: Option<Loose<'a>>,
    #[serde(rename = "operatorPayoutAddress", borrow)]
    pub(super) operator_payout_address: Option<Loose<'a>>,
}

/// A number that may be absent, but not null: in a diff a null would look like an unchanged value.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}

/// The answering node's own view of a peer.
#[derive(Deserialize)]
pub(super) struct MetaInfo {
    #[serde(rename = "lastOutboundSuccess")]
    pub(super) last_outbound_success: Option<i64>,
    pub(super) is_platform_banned: Option<bool>,
}

/// `protx listdiff`. A node always reports all three lists. Their elements are parsed one by one, by `convert`: all at once would take many times the memory of
/// their text.
#[derive(Deserialize)]
pub(super) struct WireDiff<'a> {
    #[serde(rename = "baseHeight")]
    pub(super) base_height: i64,
    #[serde(rename = "blockHeight")]
    pub(super) block_height: i64,
    #[serde(rename = "addedMNs", borrow)]
    pub(super) added: Vec<&'a RawValue>,
    /// The help text misspells it `removedMns`.
    #[serde(rename = "removedMNs", borrow)]
    pub(super) removed: Vec<&'a RawValue>,
    #[serde(rename = "updatedMNs", borrow)]
    pub(super) updated: Vec<&'a RawValue>,
}

/// `getblockheader`.
#[derive(Deserialize)]
pub(super) struct WireHeader<'a> {
    #[serde(borrow)]
    pub(super) hash: Cow<'a, str>,
    pub(super) height: i64,
    pub(super) time: u64,
    #[serde(rename = "previousblockhash", borrow)]
    pub(super) previous: Option<Text<'a>>,
    #[serde(rename = "merkleroot", borrow)]
    pub(super) merkle_root: Option<Text<'a>>,
}

/// `getblockchaininfo`.
#[derive(Deserialize)]
pub(super) struct WireChainInfo {
    pub(super) chain: Foreign,
    pub(super) blocks: i64,
    pub(super) headers: i64,
    pub(super) bestblockhash: String,
    pub(super) initialblockdownload: Option<bool>,
    /// Of the tip, since v20.
    pub(super) time: Option<u64>,
    pub(super) mediantime: Option<u64>,
    /// An object by name since v20, an array before.
    pub(super) softforks: Option<Value>,
    /// In addition to the array, before v20.
    pub(super) bip9_softforks: Option<Value>,
}

/// `getnetworkinfo`.
#[derive(Deserialize)]
pub(super) struct WireNetworkInfo {
    pub(super) version: u32,
    pub(super) subversion: Foreign,
    #[serde(default)]
    pub(super) protocolversion: u32,
    pub(super) connections: Option<u32>,
    pub(super) networkactive: Option<bool>,
    /// Read leniently, as are the others below: all are optional.
    #[serde(default)]
    pub(super) localrelay: serde_json::Value,
    #[serde(default)]
    pub(super) localservicesnames: serde_json::Value,
    #[serde(default)]
    pub(super) relayfee: serde_json::Value,
    #[serde(default)]
    pub(super) incrementalfee: serde_json::Value,
}

/// `mnsync status`.
#[derive(Deserialize)]
pub(super) struct WireSync {
    #[serde(rename = "IsSynced")]
    pub(super) is_synced: Option<bool>,
    #[serde(rename = "IsBlockchainSynced")]
    pub(super) is_blockchain_synced: Option<bool>,
    #[serde(rename = "IsMasternodeListSynced")]
    pub(super) is_masternode_list_synced: Option<bool>,
    /// Only chains whose nodes vote for payees.
    #[serde(rename = "IsWinnersListSynced")]
    pub(super) is_winners_list_synced: Option<bool>,
    /// Only the PIVX family.
    #[serde(rename = "RequestedMasternodeAssets")]
    pub(super) requested_assets: Option<i64>,
}

/// `masternode count`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WireCount {
    Object { total: u32, enabled: u32, inqueue: Option<u32> },
    Text(String),
}

/// `getbestchainlock`.
#[derive(Deserialize)]
pub(super) struct WireChainLock {
    pub(super) blockhash: String,
    pub(super) height: i64,
}
