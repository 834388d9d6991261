//! A network as JSON: its block, counts, quorums and next consensus change.
//!
//! Never here: its sources.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::json::Masternode;
use crate::web::api::json::values::{Text, number};
use domain::deployment::{self, V24};
use domain::dkg::QuorumType;
use domain::masternode::{BlockHash, Height, MasternodeId, NodeType, UnixSeconds};
use domain::payment::{Certainty, PaymentModel};
use domain::pose::Risk;
use domain::snapshot::Snapshot;
use domain::state;

/// The block to which a response refers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Block {
    /// Height of the block to which the response refers.
    height: u32,
    /// Hash of that block.
    block: Text<BlockHash>,
    /// Time in the header of that block.
    time: Text<UnixSeconds>,
}

impl Block {
    /// The block of a snapshot.
    pub fn new(snapshot: &Snapshot) -> Block {
        let block = snapshot.block();
        Block { height: block.height.0, block: Text(block.hash), time: Text(block.time) }
    }
}

/// State of a network. All values of its list are null while there is no fresh list.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct NetworkSummary {
    /// Name of the network in the configuration.
    pub network: String,
    /// Name of its chain: dash, dimecoin, prcycoin, or that of a custom profile.
    pub chain: String,
    /// Height of the followed tip. Null, like all values of the list, while there is no fresh list.
    pub height: Option<u32>,
    /// Hash of the tip.
    pub block: Option<Text<BlockHash>>,
    /// Time in the header of the tip.
    pub time: Option<Text<UnixSeconds>>,
    /// When the list was read from its source.
    pub list_time: Option<Text<UnixSeconds>>,
    /// Whether the list is the one to which its block commits. Null if not known, for the reason in `list_proof_reason`.
    pub list_proven: Option<bool>,
    /// Why it is not known, or where the list differs. Null if the list is proven.
    pub list_proof_reason: Option<String>,
    /// Height of the newest block whose list was proven.
    pub list_proven_height: Option<u32>,
    /// Height of the newest block whose scores were recomputed.
    pub scores_checked_height: Option<u32>,
    /// Masternodes in the list, including banned ones.
    pub registered: Option<usize>,
    /// Masternodes by state.
    pub nodes: Option<BTreeMap<String, usize>>,
    /// Masternodes by risk; only risk bands of the chain.
    pub risk_nodes: Option<BTreeMap<&'static str, usize>>,
    /// The maximum PoSe score. Null if the chain has none.
    pub pose_limit: Option<u32>,
    /// Points that one failed DKG session adds.
    pub pose_step: Option<u32>,
    /// Highest score at which one more failure does not cause a ban.
    pub pose_safe_level: Option<u32>,
    /// Number of masternodes among which the next payee is drawn. Null if the payment order is deterministic.
    pub payment_pool_size: Option<NonZeroU32>,
    /// Payees of the blocks after the tip, as far as they are voted, elected, or forecast by known hashes. Null if the payment
    /// order is deterministic.
    pub payments_ahead: Option<Vec<PaymentAhead>>,
    /// Why the next payee is not computed. Null if it is, and if the payment order is deterministic.
    pub payment_election_gap: Option<String>,
    /// Blocks in which a restart misses no DKG session, by type; 0 means not now.
    pub maintenance_window_blocks: Option<MaintenanceWindows>,
    /// The quorum types of the network. Null if there are none, and while there is no fresh list.
    pub quorums: Option<Vec<Quorums>>,
    /// State of the consensus change of Dash Core 24. Null if no source reports it.
    pub deployment: Option<Deployment>,
}

/// The payee of a block after the tip.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaymentAhead {
    /// Height of the block.
    pub height: u32,
    /// The masternode. Null if the votes name an address of none or of several.
    pub masternode: Option<Text<MasternodeId>>,
    /// Its payout address.
    pub payout_address: Option<Box<str>>,
    /// Votes for that address so far. Null if there are none.
    pub votes: Option<u32>,
    /// How sure it is: voted, exact (elected at the tip), forecast (by known hashes from the queue as it is now).
    #[schemars(extend("enum" = Certainty::ALL.map(Certainty::label)))]
    pub certainty: &'static str,
}

/// Blocks in which a restart misses no DKG session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MaintenanceWindows {
    /// Of a regular masternode.
    pub regular: Option<u32>,
    /// Of an Evo masternode.
    pub evo: Option<u32>,
}

/// Health of the quorums of a type.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Quorums {
    /// Name of the quorum type, for example llmq_400_85.
    pub quorum_type: &'static str,
    /// Height of the block with the newest quorum. Null if none is known.
    pub last_mined_height: Option<u32>,
    /// Mining windows without a quorum since then. A session that forms no quorum penalises no masternode.
    pub missed_windows: Option<u32>,
    /// DKG sessions that formed a quorum, since counting began. Null if the node does not report them.
    pub sessions_formed: Option<u64>,
    /// DKG sessions that formed no quorum, since counting began. Null if the node does not report them.
    pub sessions_failed: Option<u64>,
}

/// State of a consensus change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Deployment {
    /// Its name in the answers of nodes: v24.
    pub name: &'static str,
    /// Its state for the block after the tip: defined, waiting_for_signal, signalled, started, locked_in, active, failed.
    pub state: &'static str,
    /// Blocks of a signalling window; null if not known.
    #[schemars(range(min = 1))]
    pub window_blocks: Option<u32>,
    /// Block of its EHF signal; null if there is none, or no source reports it.
    pub signal_height: Option<u32>,
    /// The current window. Null while no signals are counted.
    pub signalling: Option<Signalling>,
    /// First block under its rules; null before it is locked in.
    pub activation_height: Option<u32>,
    /// Expected time of that block; null after it was reached.
    pub activation_time: Option<Text<UnixSeconds>>,
    /// Lowest height at which it can activate; null once the height is final.
    pub earliest_activation_height: Option<u32>,
    /// Expected time of that height.
    pub earliest_activation_time: Option<Text<UnixSeconds>>,
    /// First block under its rules, once the tip has reached it.
    pub active_since_height: Option<u32>,
}

/// A signalling window.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Signalling {
    /// Number of blocks that signal.
    pub blocks: u32,
    /// Number of blocks so far.
    pub elapsed_blocks: u32,
    /// Number of signalling blocks that lock it in; null unless its state is started.
    pub threshold_blocks: Option<u32>,
    /// Whether the threshold can still be reached; null if the node does not report it.
    pub possible: Option<bool>,
}

/// A network with its masternodes, as `observe` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct ObservedNetwork<'a> {
    /// The network.
    #[serde(flatten)]
    pub summary: NetworkSummary,
    /// The watched masternodes; all if none is watched.
    pub masternodes: Vec<Masternode<'a>>,
}

impl NetworkSummary {
    /// The data of a network in a snapshot.
    pub fn new(snapshot: &Snapshot) -> NetworkSummary {
        let (limits, proof) = (snapshot.limits(), &snapshot.facts().list_proof);
        let bands = Risk::ALL.iter().zip(snapshot.risks()).filter(|(risk, _)| risk.exists(limits.is_some()));
        NetworkSummary {
            network: snapshot.network().into(),
            chain: snapshot.rules().name.to_string(),
            height: Some(snapshot.block().height.0),
            block: Some(Text(snapshot.block().hash)),
            time: Some(Text(snapshot.block().time)),
            list_time: Some(Text(snapshot.read_at())),
            list_proven: proof.status.verdict(),
            list_proof_reason: proof.status.reason(),
            list_proven_height: proof.proven_height.map(|height| height.0),
            scores_checked_height: proof.scores_checked_height.map(|height| height.0),
            registered: Some(snapshot.list().registered()),
            nodes: Some(nodes(snapshot)),
            risk_nodes: Some(bands.map(|(risk, count)| (risk.label(), *count)).collect()),
            pose_limit: limits.map(|limits| limits.limit),
            pose_step: limits.map(|limits| limits.step),
            pose_safe_level: limits.map(|limits| limits.safe_at_tip()),
            payment_pool_size: snapshot.payments().drawn_from(),
            payments_ahead: (!matches!(snapshot.rules().payment, PaymentModel::Queue { .. }))
                .then(|| payments_ahead(snapshot)),
            payment_election_gap: snapshot.payments().elections().gap().map(|gap| gap.to_string()),
            maintenance_window_blocks: Some(MaintenanceWindows {
                regular: snapshot.maintenance_window(NodeType::Regular),
                evo: snapshot.maintenance_window(NodeType::Evo),
            }),
            quorums: snapshot
                .quorum_types()
                .map(|types| types.iter().map(|kind| Quorums::new(snapshot, kind)).collect()),
            deployment: snapshot.facts().deployment.as_ref().map(|known| Deployment::new(snapshot, known)),
        }
    }
}

fn payments_ahead(snapshot: &Snapshot) -> Vec<PaymentAhead> {
    let id = |index: usize| Text(snapshot.list().masternodes()[index].id);
    let ahead = snapshot.payments().elections().ahead().iter();
    ahead
        .map(|ahead| PaymentAhead {
            height: ahead.height.0,
            masternode: ahead.index.map(id),
            payout_address: ahead.payee.clone(),
            votes: ahead.votes,
            certainty: ahead.certainty.label(),
        })
        .collect()
}

/// Masternodes by state. States that are not in the table of the chain are shown if there are any.
fn nodes(snapshot: &Snapshot) -> BTreeMap<String, usize> {
    let states = &snapshot.rules().states;
    let counts = snapshot.states().iter().map(|counts| counts.iter().sum::<usize>()).enumerate();
    let known = counts.filter(|(place, count)| *place < states.len() || *count > 0);
    known.map(|(place, count)| (state::label(states, place).into_owned(), count)).collect()
}

impl Quorums {
    fn new(snapshot: &Snapshot, kind: &QuorumType) -> Quorums {
        let health = snapshot.quorum_health(kind);
        let ended = snapshot.sessions(kind.name);
        Quorums {
            quorum_type: kind.name,
            last_mined_height: health.map(|health| health.last_mined.0),
            missed_windows: health.map(|health| health.missed_windows),
            sessions_formed: ended.map(|ended| ended.formed),
            sessions_failed: ended.map(|ended| ended.failed),
        }
    }
}

impl Deployment {
    fn new(snapshot: &Snapshot, known: &deployment::Deployment) -> Deployment {
        let time = |height: Option<Height>| {
            snapshot.facts().expected_at(height?, snapshot.block(), snapshot.rules()).map(Text)
        };
        Deployment {
            name: V24,
            state: known.phase.label(),
            window_blocks: known.window,
            signal_height: number(known.signal_height),
            signalling: known.signalling.as_ref().map(|signalling| Signalling {
                blocks: signalling.count,
                elapsed_blocks: signalling.elapsed,
                threshold_blocks: signalling.threshold,
                possible: signalling.possible,
            }),
            activation_height: number(known.activation_height),
            activation_time: time(known.activation_height),
            earliest_activation_height: number(known.earliest_height),
            earliest_activation_time: time(known.earliest_height),
            active_since_height: number(known.active_since(snapshot.block().height)),
        }
    }
}
