//! PoSe conditions of a watched masternode: bans, distance to a ban, penalties.
//!
//! Never here: warnings before a penalty (`early_warning`).

use crate::condition::event_digest::Penalties;
use crate::condition::memory::SESSION_PAUSE_SECONDS;
use crate::condition::{Condition, Inhibition, NODE, NodeContext, Rule, Severity, Verdict, duty, text};
use crate::duty::Duty;
use crate::event::BanCause;
use crate::masternode::NodeType;
use crate::pose::{PoseLimits, PoseScore, Risk};
use crate::snapshot::NodeView;

/// The name of the condition of a ban.
pub(super) const BANNED: &str = "MasternodePoSeBanned";

/// Its hold, in seconds.
pub(super) const BAN_HOLD_SECONDS: u32 = 60;

/// The PoSe conditions.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        BANNED,
        Severity::Critical,
        BAN_HOLD_SECONDS,
        Rule::Masternode(banned),
        ["A watched masternode is banned.", "Masternode {node}{groups} on {network} was banned; the ban is over."],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSePenalized", "MasternodePaymentLost", "MasternodeDkgContributionMissing"],
        equal: NODE,
        reason: "A banned masternode is penalised, misses DKG sessions and loses payments.",
    }]),
    Condition::new(
        "MasternodePoSeBanImminent",
        Severity::Critical,
        60,
        Rule::Masternode(ban_imminent),
        [
            "A watched masternode is one failed DKG session from a ban and likely to be tested soon.",
            "Masternode {node}{groups} on {network} was one failed DKG session from a ban and likely to be tested. It no longer is: its score decayed, no test is left, or it is banned.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSeOneFailureFromBan"],
        equal: NODE,
        reason: "It reports the same masternode with a higher severity.",
    }]),
    Condition::new(
        "MasternodePoSeOneFailureFromBan",
        Severity::Warning,
        60,
        Rule::Masternode(one_failure_from_ban),
        [
            "The next failed DKG session bans a watched masternode.",
            "Masternode {node}{groups} on {network} was one failed DKG session from a ban. It no longer is: its score decayed, or it is banned.",
        ],
    ),
    Condition::new(
        "MasternodePoSePenalized",
        Severity::Warning,
        60,
        Rule::Masternode(penalized),
        [
            "A watched masternode recently failed a DKG session.",
            "Masternode {node}{groups} on {network} was penalised and has no recent penalty any more.",
        ],
    ),
    Condition::new(
        "MasternodePoSeRepeatedFailures",
        Severity::Critical,
        60,
        Rule::Masternode(repeated_failures),
        [
            "A watched masternode failed a DKG session again before the previous penalty had decayed.",
            "The PoSe score of masternode {node}{groups} on {network} showed repeated failures and has decayed.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSeOneFailureFromBan", "MasternodePoSePenalized"],
        equal: NODE,
        reason: "Each of the failures caused a penalty.",
    }]),
    Condition::new(
        "MasternodePlatformBanned",
        Severity::Critical,
        300,
        Rule::Masternode(platform_banned),
        [
            "Dash Platform requested a ban of a watched Evo node.",
            "Masternode {node}{groups} on {network} was marked as banned by Dash Platform and is no longer.",
        ],
    ),
];

fn banned(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = &node.view else { return node.absent() };
    if !view.masternode.is_ban_known() {
        return Verdict::Unknown;
    }
    if !view.masternode.is_banned() {
        return Verdict::DoesNotHold;
    }
    let ban = node.network.events.bans.get(&node.watched.watched.id);
    let block = ban.map(|(_, event)| event.block);
    let since = view.masternode.ban_height.map(|height| format!(" since {}", text::past_block(height, block)));
    let cause = ban.map(|(cause, _)| *cause);
    let cause = cause.filter(|cause| *cause != BanCause::Unknown).map(|cause| format!(", cause: {}", called(cause)));
    let revive = match view.masternode.node_type {
        _ if !node.snapshot.rules().has_dkg => "",
        NodeType::Evo => ", then revive it with `protx update_service_evo`",
        NodeType::Regular => ", then revive it with `protx update_service`",
    };
    let (since, cause) = (since.unwrap_or_default(), cause.unwrap_or_default());
    Verdict::holds(1.0, format!("{} is banned{since}{cause}. It is not paid. Find the cause{revive}.", node.who()))
}

/// The cause of a ban in words.
fn called(cause: BanCause) -> &'static str {
    match cause {
        BanCause::Dkg => "failed DKG sessions",
        BanCause::Revoked => "its operator revoked it",
        BanCause::KeyChanged => "its operator key changed",
        BanCause::NoAddress => "it has no address",
        BanCause::Platform => "requested by Dash Platform",
        BanCause::Unknown => "unknown",
    }
}

/// Score and limits. `None` if the chain has no PoSe score or the masternode is not in the list.
fn pose(node: &NodeContext<'_>) -> Option<(PoseScore, PoseLimits)> {
    node.view.as_ref()?.pose().zip(node.snapshot.limits())
}

/// The block from which one more failure no longer causes a ban, as a sentence; empty if there is none.
fn safe(node: &NodeContext<'_>, pose: &PoseScore) -> String {
    let safe = pose.safe_height().map(|height| format!(" Safe after {}.", text::block(node.network, height)));
    safe.unwrap_or_default()
}

fn is_endangered(node: &NodeContext<'_>) -> bool {
    node.view.as_ref().is_some_and(|view| view.risk() == Risk::OneFailureFromBan)
}

fn ban_imminent(node: &NodeContext<'_>) -> Verdict {
    let (Some((pose, _)), Some(view)) = (pose(node), &node.view) else { return node.inapplicable() };
    if let Some(height) = duty::ban_while_unreachable(node, view, pose.score()).filter(|_| !view.masternode.is_banned())
    {
        let text = format!(
            "{} does not complete the P2P handshake at its registered address, and sits in DKG sessions within the hour: if it misses \
             them, it is banned at block {height}. Bring it back now.",
            node.who(),
        );
        return Verdict::holds(1.0, text);
    }
    if !is_endangered(node) {
        return Verdict::DoesNotHold;
    }
    let Some(chance) = node.snapshot.chance_of_test_before_safe(view) else { return Verdict::Unknown };
    let under_way = node.network.memory.session_under_way(view.masternode.node_type, node.snapshot.block().time);
    if chance <= node.thresholds.imminent_chance && !(chance > 0.0 && under_way) {
        // A session may be active that began before this process first saw one.
        let is_unseen = chance > 0.0 && node.network.is_young(SESSION_PAUSE_SECONDS);
        return if is_unseen { Verdict::Unknown } else { Verdict::DoesNotHold };
    }
    let text = format!(
        "{} is one failed DKG session from a ban and {}.{} Do not restart it; make sure that it is reachable and synced.",
        node.who(),
        tested(node, view, &pose),
        safe(node, &pose),
    );
    Verdict::holds(chance, text)
}

/// Which test may ban it: the known seat that is due before it is safe, if there is one.
fn tested(node: &NodeContext<'_>, view: &NodeView<'_>, pose: &PoseScore) -> String {
    let duties = node.snapshot.duties_ahead(view).unwrap_or_default();
    let bans = |duty: &&Duty| duty.is_known() && pose.safe_height().is_none_or(|safe| duty.due <= safe);
    match duties.iter().find(bans) {
        Some(Duty { quorum_type, start, due, .. }) => format!(
            "sits in a session of {quorum_type} that begins with block {start}: if it misses it, it is banned at block {due}"
        ),
        None => "is likely to be tested before its score has decayed".to_string(),
    }
}

fn one_failure_from_ban(node: &NodeContext<'_>) -> Verdict {
    let Some((pose, limits)) = pose(node) else { return node.inapplicable() };
    if !is_endangered(node) {
        return Verdict::DoesNotHold;
    }
    let text =
        format!("{} is one failed DKG session from a ban (limit {}).{}", node.who(), limits.limit, safe(node, &pose));
    Verdict::holds(pose.blocks_until_safe().unwrap_or(0), text)
}

fn penalized(node: &NodeContext<'_>) -> Verdict {
    let Some((pose, limits)) = pose(node) else { return node.inapplicable() };
    // A revival resets the score to 0 and ends the condition.
    if pose.score().0 == 0 {
        return Verdict::DoesNotHold;
    }
    let recent = node.thresholds.recent_seconds;
    let penalties = node.network.events.penalties(&node.watched.watched.id, recent);
    let block = penalties.as_ref().and_then(|penalties| penalties.block);
    let last = block.map(|block| block.height).max(node.watched.tally.last_penalty_height);
    match last {
        Some(height) if node.network.is_within(recent, height) => {
            let points = penalties.as_ref().map_or(pose.score().0, |penalties| penalties.points);
            let text = format!(
                "{} was penalised with {points} points in {} (limit {}). {}.{}",
                node.who(),
                text::past_block(height, block),
                limits.limit,
                named(penalties.as_ref()),
                safe(node, &pose),
            );
            Verdict::holds(points, text)
        }
        Some(_) => Verdict::DoesNotHold,
        None if node.network.is_young(recent) => Verdict::Unknown,
        None => Verdict::DoesNotHold,
    }
}

/// The quorums whose commitments marked the masternode as failed.
fn named(penalties: Option<&Penalties<'_>>) -> String {
    let quorums = penalties.map(|penalties| penalties.quorums.as_slice()).unwrap_or_default();
    if quorums.is_empty() {
        return "The quorum that marked it as failed is not known".into();
    }
    let names: Vec<String> = quorums.iter().map(ToString::to_string).collect();
    format!("Marked as failed by quorum {}", names.join("; "))
}

fn repeated_failures(node: &NodeContext<'_>) -> Verdict {
    let (Some((pose, limits)), Some(view)) = (pose(node), &node.view) else { return node.inapplicable() };
    let step = node.thresholds.repeated_steps * f64::from(limits.step);
    if view.masternode.is_banned() || f64::from(pose.score().0) <= step {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} failed a DKG session again before the previous penalty had decayed (limit {}).{} Find the cause before the next \
         session.",
        node.who(),
        limits.limit,
        safe(node, &pose)
    );
    Verdict::holds(pose.score().0, text)
}

fn platform_banned(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = node.view.as_ref().filter(|view| view.masternode.node_type == NodeType::Evo) else {
        return node.inapplicable();
    };
    Verdict::of(view.masternode.peer.platform_banned(), || {
        format!(
            "{} is marked as banned by Dash Platform, as seen by the source node. Other members of its quorums vote it bad in \
             every DKG session. Check its Platform services.",
            node.who()
        )
    })
}
