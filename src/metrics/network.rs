//! Families of networks and groups, each with its values.
//!
//! Never here: single masternodes.

use crate::catalog::{self, Family};
use crate::metrics::value::Value;
use domain::chain_facts::ChainFacts;
use domain::counters::NetworkCounters;
use domain::deployment::{Deployment, Phase, V24};
use domain::entry_matches::{EntryKind, EntryMatches};
use domain::masternode::Height;
use domain::payment::{Certainty, PaymentModel};
use domain::pose::Risk;
use domain::quorum::QuorumHealth;
use domain::registrations::VERSIONS;
use domain::requirement::{Covers, QuorumSpork, compiled_in, minimum_protocol, next_protocol};
use domain::snapshot::Snapshot;
use domain::{NodeType, state};

/// Receives the samples of one family: labels next to `network`, and value.
pub(super) type Samples<'a> = &'a mut dyn FnMut(&[(&str, &str)], Value);

/// A family and the function that gives its samples.
pub(super) struct NetworkFamily {
    pub(super) family: &'static Family,
    pub(super) samples: fn(&Snapshot, Samples<'_>),
}

macro_rules! network_families {
    ($($family:ident => $samples:expr;)*) => {
        /// All of them, in the order of the page.
        pub(super) const NETWORK_FAMILIES: &[NetworkFamily] =
            &[$(NetworkFamily { family: &catalog::$family, samples: $samples }),*];
    };
}

network_families! {
    NETWORK_HEIGHT => |snapshot, add| add(&[], snapshot.block().height.0.into());
    NETWORK_TIP_TIMESTAMP => |snapshot, add| add(&[], Value::Whole(snapshot.block().time.0));
    LIST_HEIGHT => |snapshot, add| add(&[], snapshot.block().height.0.into());
    LIST_TIMESTAMP => |snapshot, add| add(&[], Value::Whole(snapshot.read_at().0));
    LIST_UNREADABLE => |snapshot, add| {
        let unreadable = snapshot.list().unreadable();
        unreadable.ids().iter().for_each(|id| add(&[("masternode", &id.to_string())], 1_u32.into()));
        if unreadable.unnamed() > 0 { add(&[("masternode", "")], Value::Whole(unreadable.unnamed() as u64)) }
    };
    NETWORK_CHAINLOCK_HEIGHT => |snapshot, add| if let Some(height) = snapshot.facts().chainlock_height { add(&[], height.0.into()) };
    NETWORK_LIST_PROVEN => |snapshot, add| {
        if let Some(height) = snapshot.facts().list_proof.proven_height { add(&[], height.0.into()) }
    };
    NETWORK_SCORES_CHECKED => |snapshot, add| {
        if let Some(height) = snapshot.facts().list_proof.scores_checked_height { add(&[], height.0.into()) }
    };
    NETWORK_NODES => nodes;
    NETWORK_NODES_BY_VERSION => versions;
    NETWORK_SHARED_NODES => |snapshot, add| {
        if let Some(count) = snapshot.registrations().and_then(|counts| counts.shared) { add(&[], count.into()) }
    };
    NETWORK_SPLIT_PAYOUT_NODES => |snapshot, add| {
        if let Some(count) = snapshot.registrations().and_then(|counts| counts.split) { add(&[], count.into()) }
    };
    NETWORK_POSE_LIMIT => |snapshot, add| if let Some(limits) = snapshot.limits() { add(&[], limits.limit.into()) };
    NETWORK_POSE_STEP => |snapshot, add| if let Some(limits) = snapshot.limits() { add(&[], limits.step.into()) };
    NETWORK_POSE_SAFE_LEVEL => |snapshot, add| {
        if let Some(limits) = snapshot.limits() { add(&[], limits.safe_at_tip().into()) }
    };
    NETWORK_RISK_NODES => |snapshot, add| risks(snapshot, snapshot.risks(), &mut |risk, count| add(&[("risk", risk)], count));
    NETWORK_PAYMENT_POOL_SIZE => |snapshot, add| {
        if let Some(number) = snapshot.payments().drawn_from() { add(&[], number.get().into()) }
    };
    NETWORK_PAYMENT_ELECTED => |snapshot, add| {
        let elections = snapshot.payments().elections();
        if elections.gap().is_none() && !matches!(snapshot.rules().payment, PaymentModel::Queue { .. }) {
            for certainty in Certainty::ALL {
                let count = elections.ahead().iter().filter(|ahead| ahead.certainty == certainty).count();
                add(&[("certainty", certainty.label())], Value::Whole(count as u64));
            }
        }
    };
    NETWORK_PAYMENT_ELIGIBLE => |snapshot, add| {
        if let Some(pool) = snapshot.payments().pool() { add(&[], pool.queue_length().into()) }
    };
    NETWORK_PING_WARNING => |snapshot, add| {
        if let Some(ping) = snapshot.rules().ping { add(&[], Value::Whole(ping.warning_seconds)) }
    };
    NETWORK_PING_EXPIRY => |snapshot, add| {
        if let Some(ping) = snapshot.rules().ping { add(&[], Value::Whole(ping.expiry_seconds)) }
    };
    NETWORK_PENALTIES => |snapshot, add| {
        if snapshot.limits().is_some() { tally(snapshot, add, |tally| tally.penalties) }
    };
    NETWORK_BANS => |snapshot, add| tally(snapshot, add, |tally| tally.bans);
    NETWORK_REVIVALS => |snapshot, add| tally(snapshot, add, |tally| tally.revivals);
    NETWORK_REGISTRATIONS => |snapshot, add| tally(snapshot, add, |tally| tally.registrations);
    NETWORK_REMOVALS => |snapshot, add| tally(snapshot, add, |tally| tally.removals);
    NETWORK_PAYMENT_CYCLE => |snapshot, add| if let Some(blocks) = snapshot.payment_cycle_blocks() { add(&[], blocks.into()) };
    NETWORK_BLOCK_INTERVAL => |snapshot, add| if let Some(seconds) = snapshot.facts().measured_spacing_seconds {
        add(&[], Value::Real(seconds));
    };
    NETWORK_DKG_NEXT_WINDOW => |snapshot, add| if let Some(height) = snapshot.next_commitments() { add(&[], height.0.into()) };
    NETWORK_DKG_NEXT_START => |snapshot, add| if let Some(height) = snapshot.facts().next_session { add(&[], height.0.into()) };
    NETWORK_DKG_DRAWN => |snapshot, add| {
        let ChainFacts { drawings, rotations, .. } = snapshot.facts();
        let selected = drawings.iter().map(|drawing| (drawing.kind.name, drawing.start));
        let rotating = rotations.iter().map(|rotation| (rotation.kind().name, rotation.cycle()));
        for (quorum_type, start) in selected.chain(rotating) {
            add(&[("quorum_type", quorum_type)], start.0.into());
        }
    };
    NETWORK_ROTATION_SLACK => |snapshot, add| for (kind, slack) in snapshot.rotation_slack() {
        add(&[("quorum_type", kind.name)], Value::Real(slack as f64));
    };
    NETWORK_DKG_SESSIONS => sessions;
    NETWORK_QUORUM_LAST_MINED => |snapshot, add| quorums(snapshot, add, |health| health.last_mined.0);
    NETWORK_QUORUM_MISSED_WINDOWS => |snapshot, add| quorums(snapshot, add, |health| health.missed_windows);
    NETWORK_MAINTENANCE_WINDOW => |snapshot, add| for node_type in NodeType::ALL {
        if let Some(blocks) = snapshot.maintenance_window(node_type) {
            add(&[("node_type", node_type.label())], blocks.into());
        }
    };
    NETWORK_SPORK => |snapshot, add| for (name, value) in &snapshot.facts().sporks {
        add(&[("spork", name)], Value::Real(*value as f64));
    };
    NETWORK_MINIMUM_PROTOCOL => |snapshot, add| {
        if let Some(minimum) = minimum_protocol(snapshot.rules(), snapshot.facts()) { add(&[], minimum.into()) }
    };
    NETWORK_NEXT_PROTOCOL => |snapshot, add| {
        if let Some(minimum) = next_protocol(snapshot.rules(), snapshot.facts()) { add(&[], minimum.into()) }
    };
    NETWORK_QUORUM_SPORK => |snapshot, add| for spork in QuorumSpork::ALL {
        let Some(covered) = spork.covers(snapshot.rules(), snapshot.facts()) else { continue };
        for quorums in Covers::ALL {
            add(&[("spork", spork.name()), ("quorums", quorums.label())], (quorums == covered).into());
        }
    };
    NETWORK_SPORKS_COMPILED_IN => |snapshot, add| {
        if let Some(compiled) = compiled_in(snapshot.rules(), snapshot.facts()) { add(&[], compiled.into()) }
    };
    NETWORK_COINBASE_VERSION => |snapshot, add| {
        if let Some(version) = snapshot.facts().coinbase_version { add(&[], u32::from(version).into()) }
    };
    DEPLOYMENT_STATE => |snapshot, add| if let Some(deployment) = &snapshot.facts().deployment {
        for phase in Phase::ALL {
            add(&[("deployment", V24), ("state", phase.label())], (phase == deployment.phase).into());
        }
    };
    DEPLOYMENT_WINDOW => |snapshot, add| deployment(snapshot, add, |known| known.window);
    DEPLOYMENT_SIGNAL_HEIGHT => |snapshot, add| deployment(snapshot, add, |known| Some(known.signal_height?.0));
    DEPLOYMENT_SIGNALLING => |snapshot, add| deployment(snapshot, add, |known| Some(known.signalling?.count));
    DEPLOYMENT_ELAPSED => |snapshot, add| deployment(snapshot, add, |known| Some(known.signalling?.elapsed));
    DEPLOYMENT_THRESHOLD => |snapshot, add| deployment(snapshot, add, |known| known.signalling?.threshold);
    DEPLOYMENT_POSSIBLE => |snapshot, add| deployment(snapshot, add, |known| known.signalling?.possible.map(u32::from));
    DEPLOYMENT_ACTIVATION_HEIGHT => |snapshot, add| deployment(snapshot, add, |known| Some(known.activation_height?.0));
    DEPLOYMENT_ACTIVATION_TIMESTAMP => |snapshot, add| expected(snapshot, add, |known| known.activation_height);
    DEPLOYMENT_EARLIEST_HEIGHT => |snapshot, add| deployment(snapshot, add, |known| Some(known.earliest_height?.0));
    DEPLOYMENT_EARLIEST_TIMESTAMP => |snapshot, add| expected(snapshot, add, |known| known.earliest_height);
    DEPLOYMENT_ACTIVE_SINCE => |snapshot, add| {
        let tip = snapshot.block().height;
        deployment(snapshot, add, |known| Some(known.active_since(tip)?.0));
    };
    GROUP_NODES => |snapshot, add| for ((key, group), counts) in snapshot.groups() {
        risks(snapshot, counts, &mut |risk, count| add(&[("group_key", key), ("group", group), ("risk", risk)], count));
    };
    WATCH_ENTRY_MATCHES => |snapshot, add| entries(snapshot, add, EntryKind::Watch, |found| found.masternodes);
    WATCH_ENTRY_KEPT => |snapshot, add| entries(snapshot, add, EntryKind::Watch, |found| found.kept);
    MAINTENANCE_ENTRY_MATCHES => |snapshot, add| entries(snapshot, add, EntryKind::Maintenance, |found| found.masternodes);
}

fn entries(snapshot: &Snapshot, add: Samples<'_>, kind: EntryKind, number: fn(&EntryMatches) -> usize) {
    for found in snapshot.entry_matches().iter().filter(|found| found.kind == kind) {
        add(&[("entry", &found.entry)], number(found).into());
    }
}

fn deployment(snapshot: &Snapshot, add: Samples<'_>, value: impl Fn(&Deployment) -> Option<u32>) {
    if let Some(value) = snapshot.facts().deployment.as_ref().and_then(value) {
        add(&[("deployment", V24)], value.into());
    }
}

/// Expected time of a height of the deployment.
fn expected(snapshot: &Snapshot, add: Samples<'_>, height: fn(&Deployment) -> Option<Height>) {
    let height = snapshot.facts().deployment.as_ref().and_then(height);
    if let Some(at) = height.and_then(|height| snapshot.facts().expected_at(height, snapshot.block(), snapshot.rules()))
    {
        add(&[("deployment", V24)], Value::Whole(at.0));
    }
}

fn sessions(snapshot: &Snapshot, add: Samples<'_>) {
    for kind in snapshot.quorum_types().unwrap_or_default() {
        let Some(sessions) = snapshot.sessions(kind.name) else { continue };
        for (result, count) in [("formed", sessions.formed), ("failed", sessions.failed)] {
            add(&[("quorum_type", kind.name), ("result", result)], Value::Whole(count));
        }
    }
}

fn quorums(snapshot: &Snapshot, add: Samples<'_>, value: fn(&QuorumHealth) -> u32) {
    for (kind, health) in snapshot.quorums() {
        add(&[("quorum_type", kind.name)], value(&health).into());
    }
}

fn nodes(snapshot: &Snapshot, add: Samples<'_>) {
    let states = &snapshot.rules().states;
    for (place, counts) in snapshot.states().iter().enumerate() {
        let beyond = place == states.len();
        for (node_type, count) in kinds(snapshot).iter().zip(counts) {
            // States that are not in the table of the chain are shown only if there are masternodes in them.
            if *count > 0 || !beyond {
                add(&[("state", &state::label(states, place)), ("node_type", node_type.label())], (*count).into());
            }
        }
    }
}

fn versions(snapshot: &Snapshot, add: Samples<'_>) {
    let counts = snapshot.registrations().into_iter().flat_map(|counts| VERSIONS.iter().zip(&counts.by_version));
    for (version, counts) in counts {
        for (node_type, count) in kinds(snapshot).iter().zip(counts) {
            add(&[("protx_version", version), ("node_type", node_type.label())], (*count).into());
        }
    }
}

/// Masternode types of the chain: only Dash has Evo nodes.
fn kinds(snapshot: &Snapshot) -> &'static [NodeType] {
    if snapshot.rules().has_dkg { &NodeType::ALL } else { &NodeType::ALL[..1] }
}

/// Counts by risk, for the risk bands of the chain.
fn risks(snapshot: &Snapshot, counts: &[usize; Risk::ALL.len()], add: &mut dyn FnMut(&str, Value)) {
    let with_scores = snapshot.limits().is_some();
    for (risk, count) in Risk::ALL.iter().zip(counts).filter(|(risk, _)| risk.exists(with_scores)) {
        add(risk.label(), (*count).into());
    }
}

fn tally(snapshot: &Snapshot, add: Samples<'_>, count: fn(&NetworkCounters) -> u64) {
    for (node_type, tally) in kinds(snapshot).iter().zip(snapshot.network_tally()) {
        add(&[("node_type", node_type.label())], Value::Whole(count(tally)));
    }
}
