//! Banned, or close to it: what the penalty score of a watched masternode means.
//!
//! Never here: what is seen of a masternode before a penalty.

use crate::condition::memory::Penalties;
use crate::condition::{Condition, Inhibition, NODE, NodeContext, Rule, Severity, Verdict, text};
use crate::event::BanCause;
use crate::masternode::NodeType;
use crate::pose::{PoseLimits, PoseScore, Risk};

/// All of them.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodePoSeBanned",
        Severity::Critical,
        60,
        Rule::Masternode(banned),
        ["A watched masternode is banned.", "Masternode {node}{groups} on {network} was banned and is no longer."],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSePenalized", "MasternodePaymentLost", "MasternodeDkgContributionMissing"],
        equal: NODE,
        reason: "The ban says it all.",
    }]),
    Condition::new(
        "MasternodePoSeBanImminent",
        Severity::Critical,
        60,
        Rule::Masternode(ban_imminent),
        [
            "A watched masternode is one failure from a ban and about to be tested.",
            "Masternode {node}{groups} on {network} was about to be tested while one failure from a ban, and is no longer.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSeOneFailureFromBan"],
        equal: NODE,
        reason: "It tells the same with more urgency.",
    }]),
    Condition::new(
        "MasternodePoSeOneFailureFromBan",
        Severity::Warning,
        60,
        Rule::Masternode(one_failure_from_ban),
        [
            "The next failed DKG session bans a watched masternode.",
            "Masternode {node}{groups} on {network} was one failure from a ban and is no longer.",
        ],
    ),
    Condition::new(
        "MasternodePoSePenalized",
        Severity::Warning,
        60,
        Rule::Masternode(penalized),
        [
            "A watched masternode failed a DKG session within the last hour.",
            "Masternode {node}{groups} on {network} was penalised, and for an hour not again.",
        ],
    ),
    Condition::new(
        "MasternodePoSeRepeatedFailures",
        Severity::Critical,
        60,
        Rule::Masternode(repeated_failures),
        [
            "A watched masternode failed again before the last failure had decayed.",
            "The score of masternode {node}{groups} on {network} was that of repeated failures and is no longer.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSeOneFailureFromBan", "MasternodePoSePenalized"],
        equal: NODE,
        reason: "Each of the failures was a penalty.",
    }]),
    Condition::new(
        "MasternodePlatformBanned",
        Severity::Critical,
        300,
        Rule::Masternode(platform_banned),
        [
            "The Platform asked for a ban of a watched Evo node.",
            "Masternode {node}{groups} on {network} was marked as banned by the Platform and is no longer.",
        ],
    ),
];

fn banned(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = &node.view else { return Verdict::Inapplicable };
    if !view.masternode.is_banned() {
        return Verdict::DoesNotHold;
    }
    let since = view.masternode.ban_height.map(|height| format!(" since {}", text::block(node.network, height)));
    let cause = node.network.events.bans.get(&node.watched.watched.id).map(|(cause, _)| *cause);
    let cause = cause.filter(|cause| *cause != BanCause::Unknown).map(|cause| format!(", cause: {}", called(cause)));
    let revive = match view.masternode.node_type {
        _ if !node.snapshot.rules().has_dkg => "",
        NodeType::Evo => ", then revive it with `protx update_service_evo`",
        NodeType::Regular => ", then revive it with `protx update_service`",
    };
    let (since, cause) = (since.unwrap_or_default(), cause.unwrap_or_default());
    Verdict::holds(1.0, format!("{} is banned{since}{cause}. It earns nothing. Find the cause{revive}.", node.who()))
}

/// A cause in words.
fn called(cause: BanCause) -> &'static str {
    match cause {
        BanCause::Dkg => "failed DKG sessions",
        BanCause::Revoked => "its operator revoked it",
        BanCause::KeyChanged => "its operator key changed",
        BanCause::NoAddress => "it has no address",
        BanCause::Platform => "the Platform asked for it",
        BanCause::Unknown => "unknown",
    }
}

/// Score and limits; `None` where the chain shows no score, or the masternode is not on the list.
fn pose(node: &NodeContext<'_>) -> Option<(PoseScore, PoseLimits)> {
    node.view.as_ref()?.pose().zip(node.snapshot.limits())
}

/// From which block on one more failure no longer bans.
fn safe(node: &NodeContext<'_>, pose: &PoseScore) -> String {
    let safe = pose.safe_height().map(|height| format!(" Safe after {}.", text::block(node.network, height)));
    safe.unwrap_or_default()
}

fn is_endangered(node: &NodeContext<'_>) -> bool {
    node.view.as_ref().is_some_and(|view| view.risk() == Risk::OneFailureFromBan)
}

fn ban_imminent(node: &NodeContext<'_>) -> Verdict {
    let (Some((pose, _)), Some(view)) = (pose(node), &node.view) else { return Verdict::Inapplicable };
    if !is_endangered(node) {
        return Verdict::DoesNotHold;
    }
    let Some(chance) = node.snapshot.chance_of_test_before_safe(view) else { return Verdict::Unknown };
    let under_way = node.network.memory.session_under_way(view.masternode.node_type, node.snapshot.block().time);
    if chance <= node.network.thresholds.imminent_chance && !(chance > 0.0 && under_way) {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} is one failed DKG session from a ban, and likely to be tested before it is safe.{} Do not restart it; make \
         sure that it is reachable and in sync.",
        node.who(),
        safe(node, &pose),
    );
    Verdict::holds(chance, text)
}

fn one_failure_from_ban(node: &NodeContext<'_>) -> Verdict {
    let Some((pose, limits)) = pose(node) else { return Verdict::Inapplicable };
    if !is_endangered(node) {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} would be banned by one more failed DKG session (limit {}).{}",
        node.who(),
        limits.limit,
        safe(node, &pose)
    );
    Verdict::holds(pose.blocks_until_safe().unwrap_or(0), text)
}

fn penalized(node: &NodeContext<'_>) -> Verdict {
    let Some((pose, limits)) = pose(node) else { return Verdict::Inapplicable };
    // A revival takes the score away, and with it what there was to say.
    if pose.score().0 == 0 {
        return Verdict::DoesNotHold;
    }
    let penalties = node.network.events.penalties.get(&node.watched.watched.id);
    let last = penalties.and_then(|penalties| penalties.height).max(node.watched.tally.last_penalty_height);
    match last {
        Some(height) if node.network.is_recent(height) => {
            let points = penalties.map_or(pose.score().0, |penalties| penalties.points);
            let text = format!(
                "{} was penalised with {points} points in {} (limit {}). {}.{}",
                node.who(),
                text::block(node.network, height),
                limits.limit,
                named(penalties),
                safe(node, &pose),
            );
            Verdict::holds(points, text)
        }
        Some(_) => Verdict::DoesNotHold,
        None if node.network.is_young(node.network.thresholds.recent_seconds) => Verdict::Unknown,
        None => Verdict::DoesNotHold,
    }
}

/// Which quorums named it.
fn named(penalties: Option<&Penalties<'_>>) -> String {
    let quorums = penalties.map(|penalties| penalties.quorums.as_slice()).unwrap_or_default();
    if quorums.is_empty() {
        return "Which quorum called it failed is not known".into();
    }
    let names: Vec<String> = quorums.iter().map(ToString::to_string).collect();
    format!("Called failed by quorum {}", names.join("; "))
}

fn repeated_failures(node: &NodeContext<'_>) -> Verdict {
    let (Some((pose, limits)), Some(view)) = (pose(node), &node.view) else { return Verdict::Inapplicable };
    let step = node.network.thresholds.repeated_steps * f64::from(limits.step);
    if view.masternode.is_banned() || f64::from(pose.score().0) <= step {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} failed at least two DKG sessions inside one decay (limit {}).{} Find the cause before the next session.",
        node.who(),
        limits.limit,
        safe(node, &pose)
    );
    Verdict::holds(pose.score().0, text)
}

fn platform_banned(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = node.view.as_ref().filter(|view| view.masternode.node_type == NodeType::Evo) else {
        return Verdict::Inapplicable;
    };
    Verdict::of(view.masternode.peer.platform_banned(), || {
        format!(
            "{} is marked as banned by the Platform, in the view of the answering node. Other members of its quorums vote it \
             bad in every DKG session.",
            node.who()
        )
    })
}
