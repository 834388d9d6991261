//! Masternodes, networks and events as JSON: the one spelling, for the API and for the command line.
//!
//! A name is that of the metric where there is one, without its prefix. A name is always there; `null` is what is not
//! known or what a chain does not have. Only events leave out what their kind does not carry.
//!
//! Never here: which of them are shown, in which order.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::history::EventId;
use crate::web::api::terms;
use domain::Detail;
use domain::Duffs;
use domain::deployment::{Deployment, V24};
use domain::dkg::QuorumType;
use domain::event::{Event, EventKind, FailedQuorum};
use domain::masternode::{Height, NodeType, UnixSeconds};
use domain::pose::Risk;
use domain::quorum_selection::SelectedQuorum;
use domain::rfc3339;
use domain::snapshot::{NodeView, Snapshot, WatchedEntry};
use domain::state;
use domain::watch::WatchField;

/// A day, the horizon of `payment_probability_24h`.
const DAY: u64 = 86_400;

/// One object.
pub type Object = Map<String, Value>;

/// A masternode of a snapshot: on its list, watched, or both. One that is watched and not on the list has an identity,
/// what the operator says of it, and otherwise `null`.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Where it was seen.
    pub snapshot: &'a Snapshot,
    /// Its entry; `None` when it is not on the list.
    pub node: Option<NodeView<'a>>,
    /// What the watch list says of it; `None` when it does not name it.
    pub watched: Option<&'a WatchedEntry>,
}

impl Subject<'_> {
    /// Label of its state; `None` when it is not registered.
    pub fn state(&self) -> Option<std::borrow::Cow<'static, str>> {
        let states = &self.snapshot.rules().states;
        self.node.map(|node| state::label(states, state::index_of(states, node.masternode)))
    }

    fn on_list<T>(&self, value: impl FnOnce(&NodeView<'_>) -> Option<T>) -> Option<T> {
        self.node.as_ref().and_then(value)
    }
}

/// What matters of a masternode at a glance.
pub fn masternode(subject: &Subject<'_>) -> Object {
    let (snapshot, node) = (subject.snapshot, subject.node.as_ref());
    let (id, alias) = match (node, subject.watched) {
        (Some(node), watched) => (Some(node.masternode.id), watched.map(|watched| watched.watched.alias.as_str())),
        (None, watched) => (watched.map(|watched| watched.watched.id), watched.map(|w| w.watched.alias.as_str())),
    };
    let details = node.map(|node| &node.masternode.details);
    let announced = node.and_then(|node| node.masternode.announced.as_deref());
    let pose = node.and_then(NodeView::pose);
    let scheduled = subject.on_list(|node| snapshot.payments().pool()?.scheduled(node.index));
    object(json!({
        "network": snapshot.network(),
        "masternode": id.map(|id| id.to_string()),
        "alias": alias.unwrap_or_default(),
        "watched": subject.watched.is_some(),
        "groups": subject.watched.map(|watched| watched.watched.groups.clone()).unwrap_or_default(),
        "registered": node.is_some(),
        "node_type": node.map(|node| node.masternode.node_type.label()),
        "address": details.and_then(|details| details.get(Detail::Address)),
        "payout_address": details.and_then(|details| details.get(Detail::PayoutAddress)),
        "state": subject.state(),
        "risk": node.map(|node| node.risk().label()),
        "last_seen_time": clock(announced.and_then(|announced| announced.last_seen)),
        "active_seconds": announced.and_then(|announced| announced.active_seconds()),
        "pose_score": subject.on_list(|node| node.masternode.pose_score).map(|score| score.0),
        "pose_banned": node.map(|node| node.masternode.is_banned()),
        "pose_ban_height": height(subject.on_list(|node| node.masternode.ban_height)),
        "pose_failures_until_ban": pose.map(|pose| pose.failures_until_ban()),
        "pose_blocks_until_safe": pose.and_then(|pose| pose.blocks_until_safe()),
        "pose_blocks_until_clear": pose.and_then(|pose| pose.blocks_until_clear()),
        "pose_safe_height": height(pose.and_then(|pose| pose.safe_height())),
        "payment_queue_position": subject.on_list(|node| node.queue_position),
        "payment_projected_height": height(subject.on_list(|node| snapshot.payments().projected_height(node.index))),
        "payment_probability_24h": subject.on_list(|node| snapshot.payment_probability(node, DAY)),
        "payment_scheduled_height": height(scheduled.map(|scheduled| scheduled.height)),
        "payment_last_height": height(subject.on_list(|node| node.masternode.last_paid_height)),
    }))
}

/// Everything of a masternode.
pub fn whole_masternode(subject: &Subject<'_>) -> Object {
    let (snapshot, node) = (subject.snapshot, subject.node.as_ref());
    let details = node.map(|node| &node.masternode.details);
    let announced = node.and_then(|node| node.masternode.announced.as_deref());
    let pose = node.and_then(NodeView::pose);
    let scheduled = subject.on_list(|node| snapshot.payments().pool()?.scheduled(node.index));
    let more = json!({
        "version": details.and_then(|details| details.version()),
        "addresses": details.map(terms::addresses),
        "payouts": details.and_then(terms::payouts),
        "shares": details.and_then(terms::shares),
        "owner_address": details.and_then(|details| details.get(Detail::OwnerAddress)),
        "voting_address": details.and_then(|details| details.get(Detail::VotingAddress)),
        "operator_key": details.and_then(|details| details.get(Detail::OperatorKey)),
        "operator_payout_address": details.and_then(|details| details.get(Detail::OperatorPayoutAddress)),
        "registered_height": height(subject.on_list(|node| node.masternode.registered_height)),
        "protocol_version": announced.and_then(|announced| announced.protocol_version),
        "peer_last_success_time": clock(subject.on_list(|node| node.masternode.peer.last_success())),
        "platform_banned": subject.on_list(|node| node.masternode.peer.platform_banned()),
        "pose_revived_height": height(subject.on_list(|node| node.masternode.revived_height)),
        "pose_blocks_until_below_two_thirds": pose.and_then(|pose| pose.blocks_until_below_two_thirds()),
        "pose_clear_height": height(pose.and_then(|pose| pose.clear_height())),
        "pose_ban_end_height": height(subject.watched.and_then(|watched| snapshot.ban_end(watched))),
        "pose_time_to_ban_if_offline_seconds": subject.on_list(|node| snapshot.seconds_to_ban_if_offline(node)),
        "dkg_sessions_per_day": subject.on_list(|node| snapshot.sessions_per_day(node.masternode.node_type)),
        "maintenance_window_blocks": subject.on_list(|node| snapshot.maintenance_window_of(node)),
        "dkg_seats": subject.on_list(|node| Some(dkg_seats(snapshot, node))),
        "payment_pool_member": subject.on_list(|node| Some(snapshot.payments().pool()?.has(node.index))),
        "payment_scheduled_votes": scheduled.map(|scheduled| scheduled.votes),
        "payment_last_time": clock(announced.and_then(|announced| announced.last_paid_at)),
        "expectations": subject.watched.map(|watched| expectations(subject, watched)),
        "counted": subject.watched.map(counted),
    });
    masternode(subject).into_iter().chain(object(more)).collect()
}

/// Sessions for which was drawn, each with whether the masternode sits in it.
fn dkg_seats(snapshot: &Snapshot, node: &NodeView<'_>) -> Vec<Value> {
    let seat = |drawing: &Arc<SelectedQuorum>| {
        json!({
            "quorum_type": drawing.kind.name,
            "start_height": drawing.start.0,
            "due_height": snapshot.due(drawing).0,
            "drawn": drawing.seats(&node.masternode.id),
        })
    };
    let drawings = snapshot.facts().drawings.iter();
    drawings.filter(|drawing| drawing.kind.draws(node.masternode.node_type)).map(seat).collect()
}

/// Each expectation of the watch list with what is so; `met` is `null` while the masternode is not registered, and where the
/// list does not say it.
fn expectations(subject: &Subject<'_>, watched: &WatchedEntry) -> Vec<Value> {
    let met = |field: WatchField, value: &str| subject.node.and_then(|node| field.met_by(node.masternode, value));
    let expected = watched.watched.expectations.iter();
    expected
        .map(|(field, value)| json!({ "field": field.label(), "value": value, "met": met(*field, value) }))
        .collect()
}

/// What happened to a watched masternode since counting began.
fn counted(watched: &WatchedEntry) -> Value {
    let tally = &watched.tally;
    json!({
        "penalties": tally.penalties,
        "bans": tally.bans.iter().sum::<u64>(),
        "revivals": tally.revivals,
        "payments": tally.payments,
        "payments_lost": tally.payments_lost,
        "changes": tally.changes.iter().sum::<u64>(),
        "last_penalty_height": height(tally.last_penalty_height),
    })
}

/// What a snapshot says of its network.
pub fn network(snapshot: &Snapshot) -> Object {
    let limits = snapshot.limits();
    let bands = Risk::ALL.iter().zip(snapshot.risks()).filter(|(risk, _)| risk.exists(limits.is_some()));
    let risks: Object = bands.map(|(risk, count)| (risk.label().into(), json!(count))).collect();
    let states = &snapshot.rules().states;
    let counts = snapshot.states().iter().enumerate();
    // Those of states that the chain's table does not have are shown when there are any.
    let known = counts.filter(|(place, counts)| *place < states.len() || counts.iter().any(|count| *count > 0));
    let nodes: Object = known
        .map(|(place, counts)| (state::label(states, place).into(), json!(counts.iter().sum::<usize>())))
        .collect();
    object(json!({
        "network": snapshot.network(),
        "chain": snapshot.rules().name,
        "height": snapshot.block().height.0,
        "block": snapshot.block().hash.to_string(),
        "time": rfc3339::text(snapshot.block().time),
        "list_time": rfc3339::text(snapshot.read_at()),
        "registered": snapshot.list().registered(),
        "nodes": nodes,
        "risk_nodes": risks,
        "pose_limit": limits.map(|limits| limits.limit),
        "pose_step": limits.map(|limits| limits.step),
        "pose_safe_level": limits.map(|limits| limits.safe_at_tip()),
        "payment_pool_size": snapshot.payments().drawn_from(),
        "maintenance_window_blocks": {
            "regular": snapshot.maintenance_window(NodeType::Regular),
            "evo": snapshot.maintenance_window(NodeType::Evo),
        },
        "quorums": snapshot.quorum_types().map(|types| types.iter().map(|kind| quorums(snapshot, kind)).collect::<Vec<_>>()),
        "deployment": snapshot.facts().deployment.as_ref().map(|known| deployment(snapshot, known)),
    }))
}

/// How the quorums of a type are doing; what is not known is `null`.
fn quorums(snapshot: &Snapshot, kind: &QuorumType) -> Value {
    let health = snapshot.quorum_health(kind);
    let ended = snapshot.sessions(kind.name);
    json!({
        "quorum_type": kind.name,
        "last_mined_height": health.map(|health| health.last_mined.0),
        "missed_windows": health.map(|health| health.missed_windows),
        "sessions_formed": ended.map(|ended| ended.formed),
        "sessions_failed": ended.map(|ended| ended.failed),
    })
}

/// Where a consensus change stands.
fn deployment(snapshot: &Snapshot, known: &Deployment) -> Value {
    let time = |height: Option<Height>| {
        let at = snapshot.facts().expected_at(height?, snapshot.block(), snapshot.rules());
        at.map(rfc3339::text)
    };
    let signalling = known.signalling.map(|signalling| {
        json!({
            "blocks": signalling.count,
            "elapsed_blocks": signalling.elapsed,
            "threshold_blocks": signalling.threshold,
            "possible": signalling.possible,
        })
    });
    json!({
        "name": V24,
        "state": known.phase.label(),
        "window_blocks": known.window,
        "signal_height": known.signal_height.map(|height| height.0),
        "signalling": signalling,
        "activation_height": known.activation_height.map(|height| height.0),
        "activation_time": time(known.activation_height),
        "earliest_activation_height": known.earliest_height.map(|height| height.0),
        "earliest_activation_time": time(known.earliest_height),
        "active_since_height": known.active_since(snapshot.block().height).map(|height| height.0),
    })
}

/// An event of a network.
pub fn event(event: &Event, network: &str, alias: &str) -> Object {
    let Event { block, exact, masternode, node_type, kind } = event;
    let own = match kind {
        EventKind::Penalty { score, points, failures, clamped, quorums, others } => with(
            json!({
                "score": score.0, "points": points, "failures": failures, "clamped": clamped,
                "quorums": quorums.iter().map(quorum).collect::<Vec<Value>>(),
            }),
            "others",
            others.map(u64::from),
        ),
        EventKind::Payment { amount, payees } => {
            with(terms::paid(payees), "amount_duffs", amount.map(|Duffs(amount)| amount))
        }
        EventKind::Change(_, Some(change)) => json!({ "before": change.before, "after": change.after }),
        EventKind::Ban { cause, .. } => json!({ "cause": cause.label() }),
        EventKind::State { from, to } => json!({ "from": from, "to": to }),
        _ => json!({}),
    };
    let common = json!({
        "time": rfc3339::text(block.time),
        "height": block.height.0,
        "block": block.hash.to_string(),
        "network": network,
        "masternode": masternode.to_string(),
        "alias": alias,
        "node_type": node_type.label(),
        "kind": kind.name(),
        "exact": exact,
    });
    object(common).into_iter().chain(object(own)).collect()
}

/// An event that the history holds: with its place there, and whether a reorganisation withdrew it.
pub fn kept_event(mut event: Object, id: EventId, withdrawn: bool) -> Object {
    event.insert("id".into(), json!(id.0));
    event.insert("withdrawn".into(), json!(withdrawn));
    event
}

fn quorum(quorum: &FailedQuorum) -> Value {
    let known = json!({
        "quorum_type": quorum.quorum_type,
        "hash": quorum.hash.to_string(),
        "height": quorum.height.0,
        "index": quorum.index,
    });
    with(known, "others", quorum.others.map(u64::from))
}

/// The same with one name more, where its value is known.
fn with(mut value: Value, name: &str, known: Option<u64>) -> Value {
    if let (Value::Object(object), Some(known)) = (&mut value, known) {
        object.insert(name.into(), json!(known));
    }
    value
}

fn height(height: Option<Height>) -> Option<u32> {
    height.map(|height| height.0)
}

/// A time, or `null`.
pub(super) fn clock(moment: Option<UnixSeconds>) -> Option<String> {
    moment.map(rfc3339::text)
}

/// The object that a literal wrote.
pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => Object::from_iter([("value".to_string(), other)]),
    }
}
