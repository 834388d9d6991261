//! The summary of a masternode as JSON.
//!
//! Never here: selection of masternodes; details that only the response about one masternode has
//! (`masternode_details`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::json::values::{Text, number, or_null};
use domain::Detail;
use domain::masternode::{MasternodeId, NodeType, UnixSeconds};
use domain::payment::Certainty;
use domain::pose::Risk;
use domain::snapshot::{NodeView, Snapshot, WatchedEntry};
use domain::state;

/// One day, the horizon of `payment_probability_24h`.
const DAY: u64 = 86_400;

/// A masternode of a snapshot: listed, watched, or both. One that is watched but not listed has its identity, the data
/// of the watch list, and otherwise `null`.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Its network and snapshot.
    pub snapshot: &'a Snapshot,
    /// Its entry of the masternode list; `None` if it is not in the list.
    pub node: Option<NodeView<'a>>,
    /// Its entry of the watch list; `None` if it is not watched.
    pub watched: Option<&'a WatchedEntry>,
}

impl<'a> Subject<'a> {
    /// Rank in [`Subject::danger`] of a watched masternode that is not registered: above all risk bands.
    pub const ABSENT: u8 = Risk::ALL.len() as u8;

    /// Sort key, highest danger first: the risk band, then the blocks until safe, then the score.
    pub fn danger(&self) -> (u8, u32, u32) {
        self.node.map_or((Subject::ABSENT, 0, 0), |node| {
            let (risk, safe, score) = node.danger();
            (risk as u8, safe, score)
        })
    }

    /// Label of its state; `None` if it is not registered.
    pub fn state(&self) -> Option<Cow<'static, str>> {
        let states = &self.snapshot.rules().states;
        self.node.map(|node| state::label(states, node.state))
    }

    /// Its alias, or its identity if it has none.
    pub fn name(&self, id: &MasternodeId) -> String {
        let alias = self.watched.map(|watched| watched.watched.alias.clone());
        alias.filter(|alias| !alias.is_empty()).unwrap_or_else(|| id.to_string())
    }

    pub(super) fn on_list<T>(&self, value: impl FnOnce(&NodeView<'a>) -> Option<T>) -> Option<T> {
        self.node.as_ref().and_then(value)
    }

    pub(super) fn detail(&self, detail: Detail) -> Option<Cow<'a, str>> {
        self.node?.masternode.details.get(detail)
    }
}

/// Summary of a masternode. Every field is always present; null means not known, or not part of the chain.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Masternode<'a> {
    /// Name of the network in the configuration.
    pub network: &'a str,
    /// Identity: the proTxHash, or txid-n of the collateral on older chains.
    #[schemars(with = "Text<MasternodeId>")]
    pub masternode: Option<Text<MasternodeId>>,
    /// Alias in the watch list; empty if it has none.
    pub alias: &'a str,
    /// Whether the watch list names or selects it.
    pub watched: bool,
    /// Groups of the watch list.
    pub groups: BTreeMap<&'a str, &'a str>,
    /// End of its latest maintenance, until which its alerts are muted; null without one. It may be past.
    pub maintenance_until_time: Option<Text<UnixSeconds>>,
    /// Whether it is in the masternode list. If not, all values of the list are null.
    pub registered: bool,
    /// Type by collateral.
    #[schemars(extend("enum" = or_null(NodeType::ALL.map(NodeType::label))))]
    pub node_type: Option<&'static str>,
    /// Its registered address.
    pub address: Option<Cow<'a, str>>,
    /// Payout address of the owner, if there is exactly one.
    pub payout_address: Option<Cow<'a, str>>,
    /// Its state, in lower case. It depends on the chain: enabled, pose_banned, revoked, expired, and others.
    pub state: Option<Cow<'static, str>>,
    /// Risk of a ban.
    #[schemars(extend("enum" = or_null(Risk::ALL.map(Risk::label))))]
    pub risk: Option<&'static str>,
    /// Its last ping; older chains only.
    pub last_seen_time: Option<Text<UnixSeconds>>,
    /// Seconds between its start and its last ping; older chains only.
    pub active_seconds: Option<u64>,
    /// PoSe score.
    pub pose_score: Option<u32>,
    /// Whether it is banned.
    pub pose_banned: Option<bool>,
    /// Block of the ban.
    pub pose_ban_height: Option<u32>,
    /// Number of failed DKG sessions that cause a ban if they occur in the next block: 2, 1, or 0 if it is banned.
    pub pose_failures_until_ban: Option<u32>,
    /// Blocks until one more failure no longer causes a ban. Null if it is banned.
    pub pose_blocks_until_safe: Option<u32>,
    /// Blocks until the score is 0. Null if it is banned.
    pub pose_blocks_until_clear: Option<u32>,
    /// First height at whose tip one more failure no longer causes a ban. A failure mined in that block itself still
    /// does.
    pub pose_safe_height: Option<u32>,
    /// Position in the payment queue, 1 is the next block; the rank on older chains.
    #[schemars(range(min = 1))]
    pub payment_queue_position: Option<u32>,
    /// Block by which it is paid at the latest. Null on chains that draw the payee at random.
    pub payment_projected_height: Option<u32>,
    /// Probability of a payment within 24 hours; 0…1.
    #[schemars(range(min = 0, max = 1))]
    pub payment_probability_24h: Option<f64>,
    /// Block that is voted to pay it; Dimecoin only.
    pub payment_scheduled_height: Option<u32>,
    /// Next block for which it is elected as payee; older chains only. Null if no known hash elects it, and if not known.
    pub payment_elected_height: Option<u32>,
    /// How sure that is: exact, or forecast from the queue as it is now.
    #[schemars(extend("enum" = or_null([Certainty::Exact, Certainty::Forecast].map(Certainty::label))))]
    pub payment_elected_certainty: Option<&'static str>,
    /// Block of its last payment.
    pub payment_last_height: Option<u32>,
}

impl<'a> Masternode<'a> {
    /// The summary of a masternode.
    pub fn new(subject: &Subject<'a>) -> Masternode<'a> {
        let (snapshot, node) = (subject.snapshot, subject.node.as_ref());
        let watched = subject.watched.map(|watched| &watched.watched);
        let id = node.map(|node| node.masternode.id).or(watched.map(|watched| watched.id));
        let announced = node.and_then(|node| node.masternode.announced.as_deref());
        let pose = node.and_then(NodeView::pose);
        let elected = subject.on_list(|node| {
            let mut blocks = snapshot.payments().elections().of(node.index);
            blocks.find(|ahead| ahead.certainty != Certainty::Voted)
        });
        let groups = watched.map(|watched| watched.groups.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        Masternode {
            network: snapshot.network(),
            masternode: id.map(Text),
            alias: watched.map(|watched| watched.alias.as_str()).unwrap_or_default(),
            watched: watched.is_some(),
            groups: groups.into_iter().flatten().collect(),
            maintenance_until_time: watched.and_then(|watched| watched.maintenance_until).map(Text),
            registered: node.is_some(),
            node_type: node.map(|node| node.masternode.node_type.label()),
            address: subject.detail(Detail::Address),
            payout_address: subject.detail(Detail::PayoutAddress),
            state: subject.state(),
            risk: node.map(|node| node.risk().label()),
            last_seen_time: announced.and_then(|announced| announced.last_seen).map(Text),
            active_seconds: announced.and_then(|announced| announced.active_seconds()),
            pose_score: subject.on_list(|node| node.masternode.pose_score).map(|score| score.0),
            pose_banned: node.filter(|node| node.masternode.is_ban_known()).map(|node| node.masternode.is_banned()),
            pose_ban_height: number(subject.on_list(|node| node.masternode.ban_height)),
            pose_failures_until_ban: pose.map(|pose| pose.failures_until_ban()),
            pose_blocks_until_safe: pose.and_then(|pose| pose.blocks_until_safe()),
            pose_blocks_until_clear: pose.and_then(|pose| pose.blocks_until_clear()),
            pose_safe_height: number(pose.and_then(|pose| pose.safe_height())),
            payment_queue_position: subject.on_list(|node| node.queue_position).map(|position| position.get()),
            payment_projected_height: number(subject.on_list(|node| snapshot.payments().projected_height(node.index))),
            payment_probability_24h: subject.on_list(|node| snapshot.payment_probability(node, DAY)),
            payment_scheduled_height: subject
                .on_list(|node| snapshot.payments().pool()?.scheduled(node.index))
                .map(|scheduled| scheduled.height.0),
            payment_elected_height: elected.map(|ahead| ahead.height.0),
            payment_elected_certainty: elected.map(|ahead| ahead.certainty.label()),
            payment_last_height: number(subject.on_list(|node| node.masternode.last_paid_height)),
        }
    }
}
