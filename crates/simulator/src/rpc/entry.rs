//! A masternode as `protx` and `masternodelist` write it, with the fields of the simulated version (`src/rpc/evo.cpp`,
//! `src/rpc/masternode.cpp`, `src/evo/dmnstate.cpp`).
//!
//! Never here: reading the chain; [`Scene`] holds the inputs of an entry in addition to the node.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::Context;
use super::extended::{self, Payees};
use crate::faults::LeafField;
use crate::history::Difference;
use crate::masternode::Masternode;
use crate::random::{Hash256, Random, hex};
use crate::rules::ChainFacts;
use crate::software::DASH_24;

/// The addresses of a node by purpose.
type Addresses = BTreeMap<&'static str, Vec<String>>;

/// The inputs of an entry in addition to its node. It owns all of them, so that a long answer can outlive the lock.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) facts: &'static ChainFacts,
    pub(super) version: u32,
    /// `service` and related fields are shown.
    pub(super) shows_service: bool,
    tip_height: u32,
    tip_time: u64,
    spacing: u64,
    root_height: u32,
    times: Vec<u64>,
    offline: HashSet<u32>,
    platform_bans: BTreeMap<u32, u32>,
    lie: Option<(Hash256, LeafField)>,
    score_lie: Option<(Hash256, u32)>,
}

impl Scene {
    pub(super) fn of(context: &Context<'_>) -> Self {
        let state = context.state;
        Self {
            facts: state.facts,
            version: context.software.version,
            shows_service: context.software.shows_service || !context.software.follows_fork(),
            tip_height: context.tip.height,
            tip_time: context.tip.time,
            spacing: state.options.spacing.as_secs(),
            root_height: state.history.root().height,
            times: state.history.active().map(|block| block.time).collect(),
            offline: state.offline.clone(),
            platform_bans: state.platform_bans.clone(),
            lie: context.lies.leaf,
            score_lie: context.lies.score,
        }
    }

    /// The node as this server shows it: one that lies has a field of one node wrong.
    pub(super) fn shown(&self, node: &Masternode) -> Masternode {
        let mut node = *node;
        if let Some((_, field)) = self.lie.filter(|(hash, _)| *hash == node.hash) {
            match field {
                LeafField::Validity => node.ban = if node.ban.is_none() { Some(node.registered) } else { None },
                LeafField::Address => node.address += 1,
                LeafField::OperatorKey => node.operator_key += 1,
                LeafField::VotingKey => node.voting_key += 1,
                LeafField::NodeType => node.evo = !node.evo,
                LeafField::Version => node.version = if node.version == 2 { 1 } else { 2 },
                LeafField::Confirmation => node.confirmed = node.hash,
                LeafField::PlatformId => node.platform += 1,
            }
        }
        node.score += self.false_points(node.hash);
        node
    }

    /// Points that this server adds to the score of a masternode.
    pub(super) fn false_points(&self, hash: Hash256) -> u32 {
        self.score_lie.filter(|(of, _)| *of == hash).map_or(0, |(_, points)| points)
    }

    /// Unix time of the block at this height; for blocks that are no longer kept, estimated by their spacing.
    pub(super) fn time_at(&self, height: u32) -> u64 {
        let older = |blocks: u32| self.times[0].saturating_sub(u64::from(blocks) * self.spacing);
        match height.checked_sub(self.root_height) {
            Some(index) => self.times.get(index as usize).copied().unwrap_or(self.tip_time),
            None => older(self.root_height - height),
        }
    }

    /// The version's name of the node type; empty before v19.
    pub(super) fn kind_name(&self, evo: bool) -> Option<&'static str> {
        let evo_name = if self.version >= 200_000 { "Evo" } else { "HighPerformance" };
        (self.version >= 190_000).then_some(if evo { evo_name } else { "Regular" })
    }

    /// The three address lists; empty before v23.
    pub(super) fn addresses(&self, node: &Masternode) -> Option<Addresses> {
        (self.version >= 230_000).then(|| {
            let mut addresses = BTreeMap::new();
            let core = node.core_addresses(self.facts);
            if core.is_empty() {
                return addresses;
            }
            addresses.insert("core_p2p", core);
            if node.evo {
                let (p2p, https) = self.platform_ports(node);
                let mut put = |name, port| addresses.extend(node.endpoint(port).map(|endpoint| (name, vec![endpoint])));
                put("platform_p2p", p2p);
                put("platform_https", https);
            }
            addresses
        })
    }

    /// An Evo node's ports of P2P and HTTPS.
    pub(super) fn platform_ports(&self, node: &Masternode) -> (u16, u16) {
        let (p2p, https) = self.facts.platform_ports;
        (node.platform_port(p2p), node.platform_port(https))
    }

    fn platform(&self, node: &Masternode) -> Option<Platform> {
        (node.evo && self.version >= 190_000).then(|| {
            let unknown = if self.version >= 230_000 { -1 } else { 0 };
            let port = |port: u16| self.shows_service.then(|| if node.address > 0 { i32::from(port) } else { unknown });
            let (p2p, https) = self.platform_ports(node);
            Platform { id: hex(&node.platform_id()), p2p: port(p2p), http: port(https) }
        })
    }
}

#[derive(Serialize)]
struct Platform {
    #[serde(rename = "platformNodeID")]
    id: String,
    #[serde(rename = "platformP2PPort", skip_serializing_if = "Option::is_none")]
    p2p: Option<i32>,
    #[serde(rename = "platformHTTPPort", skip_serializing_if = "Option::is_none")]
    http: Option<i32>,
}

/// An entry of `protx list`, `protx info`, and, without current values, of `addedMNs`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    pro_tx_hash: Hash256,
    collateral_hash: Hash256,
    collateral_index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    collateral_address: Option<String>,
    operator_reward: Number,
    state: NodeState,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmations: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta_info: Option<MetaInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeState {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Addresses>,
    registered_height: u32,
    last_paid_height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    consecutive_payments: Option<u32>,
    #[serde(rename = "PoSePenalty")]
    penalty: u32,
    #[serde(rename = "PoSeRevivedHeight")]
    revived: i64,
    #[serde(rename = "PoSeBanHeight")]
    ban: i64,
    revocation_reason: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_address: Option<String>,
    voting_address: String,
    #[serde(flatten)]
    platform: Option<Platform>,
    #[serde(flatten)]
    payees: Payees,
    pub_key_operator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_payout_address: Option<String>,
}

/// The answering node's own view of the masternode.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetaInfo {
    #[serde(rename = "lastDSQ")]
    last_dsq: u32,
    mixing_tx_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    outbound_attempt_count: Option<u32>,
    last_outbound_attempt: u64,
    last_outbound_attempt_elapsed: u64,
    last_outbound_success: u64,
    last_outbound_success_elapsed: u64,
    #[serde(rename = "is_platform_banned", skip_serializing_if = "Option::is_none")]
    platform_banned: Option<bool>,
    #[serde(rename = "platform_ban_height_updated", skip_serializing_if = "Option::is_none")]
    platform_ban_height: Option<u32>,
}

/// An entry of `masternodelist json`.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
struct ListEntry {
    #[serde(rename = "proTxHash")]
    hash: Hash256,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Addresses>,
    payee: String,
    status: &'static str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(flatten)]
    platform: Option<Platform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "pospenaltyscore")]
    penalty: Option<u32>,
    #[serde(rename = "consecutivePayments", skip_serializing_if = "Option::is_none")]
    consecutive: Option<u32>,
    #[serde(rename = "lastpaidtime")]
    paid_time: u64,
    #[serde(rename = "lastpaidblock")]
    paid_block: u32,
    #[serde(rename = "owneraddress")]
    owner: String,
    #[serde(rename = "votingaddress")]
    voting: String,
    #[serde(rename = "collateraladdress")]
    collateral: String,
    #[serde(rename = "pubkeyoperator")]
    operator: String,
}

/// Writes an entry of `protx list` at the end of `out`.
pub(super) fn write_entry(scene: &Scene, node: &Masternode, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &entry(scene, node, true)).expect("writing to memory does not fail");
}

/// An entry of `protx info`, or of `addedMNs` when `with_now` is false.
pub(super) fn entry_value(scene: &Scene, node: &Masternode, with_now: bool) -> Value {
    serde_json::to_value(entry(scene, node, with_now)).expect("an entry is plain JSON")
}

/// The consensus state alone.
pub(super) fn state_value(scene: &Scene, node: &Masternode) -> Value {
    serde_json::to_value(node_state(scene, &scene.shown(node))).expect("a state is plain JSON")
}

/// The value of `masternodelist json`.
pub(super) fn list_entry(scene: &Scene, node: &Masternode) -> impl Serialize + use<> {
    let node = &scene.shown(node);
    ListEntry {
        hash: node.hash,
        address: scene.shows_service.then(|| node.service(scene.facts)),
        addresses: scene.addresses(node),
        payee: node.owner_payees(scene.facts).join(", "),
        status: status(node),
        kind: scene.kind_name(node.evo),
        platform: scene.platform(node),
        penalty: (scene.version >= 180_000).then_some(node.score),
        consecutive: (scene.version >= 190_000).then_some(node.consecutive),
        paid_time: paid_time(scene, node),
        paid_block: node.last_paid,
        owner: node.owners(scene.facts).join(", "),
        voting: node.voting_address(scene.facts),
        collateral: collateral_address(scene, node).unwrap_or_else(|| "UNKNOWN".to_owned()),
        operator: node.operator_key_hex(),
    }
}

/// ENABLED or POSE_BANNED.
pub(super) fn status(node: &Masternode) -> &'static str {
    if node.is_valid() { "ENABLED" } else { "POSE_BANNED" }
}

/// Unix time of the last payment, 0 without one.
pub(super) fn paid_time(scene: &Scene, node: &Masternode) -> u64 {
    if node.last_paid == 0 { 0 } else { scene.time_at(node.last_paid) }
}

/// The changed fields of a node, as an element of `updatedMNs` has them (`CDeterministicMNStateDiff::ToJson`). As
/// recorded from v23.1.2, an address change shows in `service` only, and a new operator key includes `version`.
pub(super) fn changed_fields(scene: &Scene, before: &Masternode, after: &Masternode) -> Map<String, Value> {
    let (Value::Object(old), Value::Object(new)) = (state_value(scene, before), state_value(scene, after)) else {
        unreachable!("a state is written as an object");
    };
    if scene.version >= DASH_24 {
        return extended::changed_fields(scene, (before, after), (&old, new));
    }
    let key_changed = old.get("pubKeyOperator") != new.get("pubKeyOperator");
    new.into_iter()
        .filter(|(name, value)| {
            let changed = old.get(name) != Some(value) || (key_changed && name == "version");
            changed && name != "addresses"
        })
        .collect()
}

/// The fields of a difference between two lists; `None` for a node that was added or removed.
pub(super) fn difference_fields(scene: &Scene, difference: &Difference) -> Option<Map<String, Value>> {
    match difference {
        Difference::Score { after, .. } => Some(Map::from_iter([("PoSePenalty".to_owned(), Value::from(*after))])),
        Difference::Node { before: Some(before), after: Some(after) } => Some(changed_fields(scene, before, after)),
        Difference::Node { .. } => None,
    }
}

/// The collateral of a shared masternode has no address.
fn collateral_address(scene: &Scene, node: &Masternode) -> Option<String> {
    (!node.is_shared()).then(|| node.collateral_address(scene.facts))
}

fn entry(scene: &Scene, node: &Masternode, with_now: bool) -> Entry {
    let node = &scene.shown(node);
    let confirmations = i64::from(scene.tip_height) - i64::from(node.registered) + 1;
    Entry {
        kind: scene.kind_name(node.evo),
        pro_tx_hash: node.hash,
        collateral_hash: node.collateral_hash(),
        collateral_index: node.collateral_index(),
        collateral_address: collateral_address(scene, node),
        operator_reward: percent(node.operator_reward),
        state: node_state(scene, node),
        confirmations: with_now.then_some(confirmations),
        meta_info: with_now.then(|| meta_info(scene, node)),
    }
}

fn node_state(scene: &Scene, node: &Masternode) -> NodeState {
    NodeState {
        version: (scene.version >= 190_000).then_some(node.version),
        service: scene.shows_service.then(|| node.service(scene.facts)),
        addresses: scene.addresses(node),
        registered_height: node.registered,
        last_paid_height: node.last_paid,
        consecutive_payments: (scene.version >= 190_000).then_some(node.consecutive),
        penalty: node.score,
        revived: node.revived.map_or(-1, i64::from),
        ban: node.ban.map_or(-1, i64::from),
        revocation_reason: node.revocation,
        owner_address: (!node.is_shared()).then(|| node.owner_address(scene.facts)),
        voting_address: node.voting_address(scene.facts),
        platform: scene.platform(node),
        payees: Payees::of(scene, node),
        pub_key_operator: node.operator_key_hex(),
        operator_payout_address: node.operator_payout_address(scene.facts),
    }
}

fn meta_info(scene: &Scene, node: &Masternode) -> MetaInfo {
    let offline = scene.offline.contains(&node.slot);
    let mut random = Random::of(&[node.hash.seed(), 0x3e7a, scene.tip_time / 600]);
    let attempt = u64::from(random.between(1, 600));
    let success = if offline { attempt + 7_200 } else { attempt };
    let platform_ban = scene.platform_bans.get(&node.slot).copied();
    let modern = scene.version >= 230_000;
    MetaInfo {
        last_dsq: 0,
        mixing_tx_count: 0,
        outbound_attempt_count: (scene.version >= 180_000).then_some(if offline { 12 } else { 0 }),
        last_outbound_attempt: scene.tip_time.saturating_sub(attempt),
        last_outbound_attempt_elapsed: attempt,
        last_outbound_success: scene.tip_time.saturating_sub(success),
        last_outbound_success_elapsed: success,
        platform_banned: modern.then_some(platform_ban.is_some()),
        platform_ban_height: modern.then_some(platform_ban.unwrap_or(0)),
    }
}

/// Hundredths of a percent as a node prints them: as a whole number if possible.
fn percent(hundredths: u16) -> Number {
    if hundredths.is_multiple_of(100) {
        Number::from(hundredths / 100)
    } else {
        Number::from_f64(f64::from(hundredths) / 100.0).expect("a percentage is finite")
    }
}
