//! All details of one masternode as JSON.
//!
//! Never here: its events, its alerts.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::json::values::{Text, number};
use crate::web::api::json::{Masternode, Subject};
use domain::Detail;
use domain::details::{Details, Purpose};
use domain::masternode::UnixSeconds;
use domain::payment::Certainty;
use domain::payout::{self, Payouts};
use domain::quorum_selection::SelectedQuorum;
use domain::snapshot::{NodeView, Snapshot, WatchedEntry};
use domain::watch::WatchField;

/// Details of a masternode from its list and the watch list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MasternodeDetails<'a> {
    #[serde(flatten)]
    summary: Masternode<'a>,
    /// Version of its registration; null if the node does not report it.
    version: Option<u32>,
    /// All its addresses by purpose, the primary one first.
    addresses: Option<Addresses>,
    /// Payout addresses of the owner, including reward addresses of shares; null if not known.
    payouts: Option<Vec<Payout>>,
    /// The owners, if there are several; otherwise null.
    shares: Option<Shares>,
    /// Address of the owner key; null if there are several owners.
    owner_address: Option<Cow<'a, str>>,
    /// Address of the voting key.
    voting_address: Option<Cow<'a, str>>,
    /// The operator's public key in hexadecimal; zeros if revoked.
    operator_key: Option<Cow<'a, str>>,
    /// Payout address of the operator.
    operator_payout_address: Option<Cow<'a, str>>,
    /// Block of its registration.
    registered_height: Option<u32>,
    /// Version of the P2P protocol that it announced; older chains only.
    protocol_version: Option<u32>,
    /// When the source node last connected to it.
    peer_last_success_time: Option<Text<UnixSeconds>>,
    /// Whether Dash Platform requested a ban, as seen by the source node.
    platform_banned: Option<bool>,
    /// Block of its last revival.
    pose_revived_height: Option<u32>,
    /// Blocks until the score is below two thirds of the limit.
    pose_blocks_until_below_two_thirds: Option<u32>,
    /// Height at which the score is 0.
    pose_clear_height: Option<u32>,
    /// Estimated block at which its ban ends by itself.
    pose_ban_end_height: Option<u32>,
    /// Expected seconds until a ban if it went offline now.
    #[schemars(range(min = 0))]
    pose_time_to_ban_if_offline_seconds: Option<f64>,
    /// Expected number of DKG sessions per day in which it is a member.
    #[schemars(range(min = 0))]
    dkg_sessions_per_day: Option<f64>,
    /// Blocks in which a restart misses no DKG session; 0 means not now. Sessions of which it is known not to be a
    /// member do not count.
    maintenance_window_blocks: Option<u32>,
    /// The newest DKG session of each non-rotating quorum type whose members are known. Null if the masternode is not
    /// registered.
    dkg_seats: Option<Vec<DkgSeat<'a>>>,
    /// Whether it is in the pool from which the next payee is drawn.
    payment_pool_member: Option<bool>,
    /// Votes for the block that is voted to pay it.
    payment_scheduled_votes: Option<u32>,
    /// All blocks ahead that are known to pay it, ascending; older chains only. Null if it is not registered.
    payment_elected: Option<Vec<ElectedBlock>>,
    /// Time of its last payment: of the block that paid it, on Dimecoin as seen by the source node; null if not watched.
    payment_last_time: Option<Text<UnixSeconds>>,
    /// Estimated duffs (1e-8 coins) that its current ban cost owner and operator so far; null if not banned, and until the amount of a
    /// payment is known.
    pose_ban_lost_duffs: Option<u64>,
    /// Expected values of the watch list; null if not watched.
    expectations: Option<Vec<Expectation<'a>>>,
    /// Number of its events since counting began; null if not watched.
    counted: Option<Counted>,
}

/// Addresses by purpose.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Addresses {
    /// For other nodes, the primary one first.
    core_p2p: Vec<String>,
    /// For the Dash Platform network.
    platform_p2p: Vec<String>,
    /// For Dash Platform applications.
    platform_https: Vec<String>,
}

/// A payee of the owner's reward.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Payout {
    /// Its address; for a script without an address, `script:` and the script in hexadecimal.
    address: Box<str>,
    /// Its share of the owner's reward; null if not known.
    #[schemars(range(min = 0, max = 1))]
    ratio: Option<f64>,
}

/// Several owners of one masternode.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Shares {
    /// Blocks after the registration in which a dissolution costs a penalty.
    early_period_blocks: Option<u32>,
    /// That penalty, in duffs (1e-8 coins).
    early_penalty_duffs: Option<u64>,
    /// The owners with their shares.
    owners: Vec<Owner>,
}

/// An owner and its share.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Owner {
    /// Address of the owner key; empty if the node does not report it.
    owner_address: Box<str>,
    /// Payout address of its share of rewards.
    reward_address: Box<str>,
    /// Payout address of its share of the collateral; empty if the node does not report it.
    refund_address: Box<str>,
    /// Its share of the collateral, in duffs (1e-8 coins).
    amount_duffs: u64,
}

/// A DKG session, and whether the masternode is a member.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DkgSeat<'a> {
    /// Name of the quorum type, for example llmq_400_60.
    quorum_type: &'a str,
    /// Height at which the session starts.
    #[schemars(range(min = 1))]
    start_height: u32,
    /// Height at which its commitment is due: 11 blocks after its start, for types of 400 members 21; the next block
    /// while it has no quorum after that.
    #[schemars(range(min = 1))]
    due_height: u32,
    /// Whether the masternode is a member.
    drawn: bool,
}

/// A block that is known to pay the masternode.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ElectedBlock {
    /// Its height.
    height: u32,
    /// How sure it is: voted, exact (elected at the tip), forecast (by known hashes from the queue as it is now).
    #[schemars(extend("enum" = Certainty::ALL.map(Certainty::label)))]
    certainty: &'static str,
}

/// A field with the value that the watch list expects.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Expectation<'a> {
    /// The field.
    #[schemars(extend("enum" = WatchField::ALL.map(WatchField::label)))]
    field: &'static str,
    /// The expected value.
    value: &'a str,
    /// Whether the field has that value; null if the masternode is not registered, or if the list does not contain the
    /// field.
    met: Option<bool>,
}

/// Number of events of a watched masternode since counting began.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Counted {
    /// Penalties.
    penalties: u64,
    /// Bans.
    bans: u64,
    /// Revivals.
    revivals: u64,
    /// Payments.
    payments: u64,
    /// Payments lost to a ban.
    payments_lost: u64,
    /// Changes of keys, payees or address.
    changes: u64,
    /// Block of the last penalty.
    last_penalty_height: Option<u32>,
}

impl<'a> MasternodeDetails<'a> {
    /// Details of a masternode from its list and the watch list.
    pub fn new(subject: &Subject<'a>) -> MasternodeDetails<'a> {
        let (snapshot, node) = (subject.snapshot, subject.node.as_ref());
        let details = node.map(|node| &node.masternode.details);
        let announced = node.and_then(|node| node.masternode.announced.as_deref());
        let pose = node.and_then(NodeView::pose);
        MasternodeDetails {
            summary: Masternode::new(subject),
            version: details.and_then(Details::version),
            addresses: details.map(Addresses::new),
            payouts: details.and_then(payouts),
            shares: details.and_then(Shares::new),
            owner_address: subject.detail(Detail::OwnerAddress),
            voting_address: subject.detail(Detail::VotingAddress),
            operator_key: subject.detail(Detail::OperatorKey),
            operator_payout_address: subject.detail(Detail::OperatorPayoutAddress),
            registered_height: number(subject.on_list(|node| node.masternode.registered_height.get())),
            protocol_version: announced.and_then(|announced| announced.protocol_version),
            peer_last_success_time: subject.on_list(|node| node.masternode.peer.last_success()).map(Text),
            platform_banned: subject.on_list(|node| node.masternode.peer.platform_banned()),
            pose_revived_height: number(subject.on_list(|node| node.masternode.revived_height)),
            pose_blocks_until_below_two_thirds: pose.and_then(|pose| pose.blocks_until_below_two_thirds()),
            pose_clear_height: number(pose.and_then(|pose| pose.clear_height())),
            pose_ban_end_height: number(subject.watched.and_then(|watched| snapshot.ban_end(watched))),
            pose_time_to_ban_if_offline_seconds: subject.on_list(|node| snapshot.seconds_to_ban_if_offline(node)),
            dkg_sessions_per_day: subject.on_list(|node| snapshot.sessions_per_day(node.masternode.node_type)),
            maintenance_window_blocks: subject.on_list(|node| snapshot.maintenance_window_of(node)),
            dkg_seats: node.map(|node| dkg_seats(snapshot, node)),
            payment_pool_member: subject.on_list(|node| Some(snapshot.payments().pool()?.has(node.index))),
            payment_scheduled_votes: subject
                .on_list(|node| snapshot.payments().pool()?.scheduled(node.index))
                .map(|scheduled| scheduled.votes),
            payment_elected: node.map(|node| elected(snapshot, node)),
            payment_last_time: subject.watched.and_then(|watched| snapshot.last_paid_at(watched)).map(Text),
            pose_ban_lost_duffs: subject.on_list(|node| snapshot.lost_by_ban(node.masternode)).map(|lost| lost.0),
            expectations: subject.watched.map(|watched| expectations(subject, watched)),
            counted: subject.watched.map(Counted::new),
        }
    }
}

impl Addresses {
    fn new(details: &Details) -> Addresses {
        Addresses {
            core_p2p: details.addresses(Purpose::CoreP2p),
            platform_p2p: details.addresses(Purpose::PlatformP2p),
            platform_https: details.addresses(Purpose::PlatformHttps),
        }
    }
}

fn payouts(details: &Details) -> Option<Vec<Payout>> {
    let payout = |payee: payout::Payee| Payout { address: payee.address, ratio: payee.ratio };
    Some(details.payees()?.into_iter().map(payout).collect())
}

impl Shares {
    fn new(details: &Details) -> Option<Shares> {
        let Payouts::Shared(shared) = details.payouts() else { return None };
        let owner = |share: payout::Share| Owner {
            owner_address: share.owner_address,
            reward_address: share.reward_address,
            refund_address: share.refund_address,
            amount_duffs: share.amount.0,
        };
        Some(Shares {
            early_period_blocks: shared.early_period_blocks,
            early_penalty_duffs: shared.early_penalty.map(|penalty| penalty.0),
            owners: shared.shares.into_iter().map(owner).collect(),
        })
    }
}

fn elected(snapshot: &Snapshot, node: &NodeView<'_>) -> Vec<ElectedBlock> {
    let blocks = snapshot.payments().elections().of(node.index);
    blocks.map(|ahead| ElectedBlock { height: ahead.height.0, certainty: ahead.certainty.label() }).collect()
}

fn dkg_seats<'a>(snapshot: &'a Snapshot, node: &NodeView<'_>) -> Vec<DkgSeat<'a>> {
    let drawings = snapshot.facts().drawings.iter();
    let of_type = drawings.filter(|drawing| drawing.kind.draws(node.masternode.node_type));
    let seat = |drawing: &'a Arc<SelectedQuorum>| DkgSeat {
        quorum_type: drawing.kind.name,
        start_height: drawing.start.0,
        due_height: snapshot.due(drawing).0,
        drawn: drawing.seats(&node.masternode.id),
    };
    of_type.map(seat).collect()
}

fn expectations<'a>(subject: &Subject<'_>, watched: &'a WatchedEntry) -> Vec<Expectation<'a>> {
    let met = |field: WatchField, value: &str| subject.node.and_then(|node| field.met_by(node.masternode, value));
    let expected = watched.watched.expectations.iter();
    expected.map(|(field, value)| Expectation { field: field.label(), value, met: met(*field, value) }).collect()
}

impl Counted {
    fn new(watched: &WatchedEntry) -> Counted {
        let tally = &watched.tally;
        Counted {
            penalties: tally.penalties,
            bans: tally.bans.iter().sum(),
            revivals: tally.revivals,
            payments: tally.earned.payments,
            payments_lost: tally.payments_lost,
            changes: tally.changes.iter().sum(),
            last_penalty_height: number(tally.last_penalty_height),
        }
    }
}
