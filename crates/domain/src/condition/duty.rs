//! Conditions that follow from DKG seats known ahead: an unreachable member, double seats, too few masternodes.
//!
//! Never here: which seats are known ([`crate::duty`]); the distance to a ban (`pose`).

use crate::chain::Subnet;
use crate::condition::{Condition, Inhibition, NODE, NodeContext, QuorumTypeContext, Rule, Severity, Verdict, text};
use crate::duty::{Duty, double_seat, offline_outlook};
use crate::masternode::{Height, Score};
use crate::probe::{Outcome, Unprobed};
use crate::snapshot::NodeView;

/// The conditions of seats known ahead.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeDkgSeatUnreachable",
        Severity::Critical,
        60,
        Rule::Masternode(seat_unreachable),
        [
            "A watched masternode does not answer and sits in a DKG session soon.",
            "Masternode {node}{groups} on {network} did not answer before a DKG session; it does again, or the session is over.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeUnreachable"],
        equal: NODE,
        reason: "It reports the same masternode with a higher severity.",
    }]),
    Condition::new(
        "MasternodeDkgDoubleSeat",
        Severity::Warning,
        60,
        Rule::Masternode(double_seats),
        [
            "A watched masternode has two DKG seats that are due in one block: one outage bans it at any score.",
            "Masternode {node}{groups} on {network} had two DKG seats that were due in one block; they are over.",
        ],
    ),
    Condition::new(
        "MasternodeRotationSlackLow",
        Severity::Info,
        600,
        Rule::QuorumType(slack_low),
        [
            "A network has fewer valid masternodes than a cycle of a rotating quorum type has seats: some have two.",
            "{network} had fewer valid masternodes than a cycle of {quorum_type} has seats, and has enough again.",
        ],
    ),
];

/// Seconds of the hour within which a seat of an unreachable masternode is an alert.
const HOUR: u64 = 3_600;

/// Its known seats in sessions that begin within the hour and whose busy period is not over. `None` where no quorums are known.
fn seats_within_the_hour(node: &NodeContext<'_>, view: &NodeView<'_>) -> Option<Vec<Duty>> {
    let blocks = node.snapshot.facts().blocks_in(HOUR, node.snapshot.rules());
    let mut duties = node.snapshot.duties(view, node.snapshot.block().height.after(blocks))?;
    duties.retain(Duty::is_known);
    Some(duties)
}

/// The verdict if no known seat is found: unknown while the members of a rotating type are not known, for example because they were
/// withdrawn.
fn without_seat(node: &NodeContext<'_>) -> Verdict {
    let rotating = node.snapshot.quorum_types().unwrap_or_default().iter().filter(|kind| kind.quorums > 1);
    let are_known = rotating.clone().all(|kind| node.snapshot.facts().rotation(kind).is_some());
    if are_known { Verdict::DoesNotHold } else { Verdict::Unknown }
}

/// Whether its last probe failed.
fn is_unreachable(node: &NodeContext<'_>) -> bool {
    matches!(node.probe.map(|probe| probe.outcome), Some(Outcome::Failed(_)))
}

/// The height at which known seats within the hour ban it, if it is unreachable and stays so.
pub(super) fn ban_while_unreachable(node: &NodeContext<'_>, view: &NodeView<'_>, score: Score) -> Option<Height> {
    let limits = node.snapshot.limits().filter(|_| is_unreachable(node))?;
    let seats = seats_within_the_hour(node, view)?;
    offline_outlook(&seats, node.snapshot.block().height, score, limits).ban.latest
}

fn seat_unreachable(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = &node.view else { return node.absent() };
    if node.network.state.probes.is_none() || view.masternode.is_banned() {
        return Verdict::Inapplicable;
    }
    let Some(seats) = seats_within_the_hour(node, view) else { return Verdict::Inapplicable };
    let Some(seat) = seats.first() else { return without_seat(node) };
    match node.probe.map(|probe| probe.outcome) {
        Some(Outcome::Reached) => Verdict::DoesNotHold,
        Some(Outcome::Failed(_)) => {
            let text = format!(
                "{} does not complete the P2P handshake at its registered address, and sits in a session of {} that begins with \
                 block {} (result due at block {}). It is penalised if it misses it. Bring it back before that block.",
                node.who(),
                seat.quorum_type,
                seat.start,
                seat.due
            );
            Verdict::holds(seat.start.0, text)
        }
        None | Some(Outcome::Unprobed(Unprobed::NoRoute)) => Verdict::Unknown,
        // An address that is never probed cannot have this condition.
        Some(Outcome::Unprobed(_)) => Verdict::Inapplicable,
    }
}

fn double_seats(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = &node.view else { return node.absent() };
    let Some(duties) = node.snapshot.duties_ahead(view).filter(|_| !view.masternode.is_banned()) else {
        return Verdict::Inapplicable;
    };
    let Some(due) = double_seat(&duties) else { return without_seat(node) };
    let seats: Vec<String> = duties
        .iter()
        .filter(|duty| duty.is_known() && duty.due == due)
        .map(|duty| format!("{} from block {}", duty.quorum_type, duty.start))
        .collect();
    let text = format!(
        "{} has {} seats whose results are due at {}: {}. Missed together they ban it at any score. Do not restart it then, and make \
         sure that it is reachable and synced.",
        node.who(),
        seats.len(),
        text::block(node.network, due),
        seats.join(", ")
    );
    Verdict::holds(due.0, text)
}

fn slack_low(quorums: &QuorumTypeContext<'_>) -> Verdict {
    let slack = quorums.snapshot.rotation_slack().find(|(kind, _)| *kind == quorums.quorum_type);
    let Some((kind, slack)) = slack else { return Verdict::Inapplicable };
    if slack >= 0 {
        return Verdict::DoesNotHold;
    }
    // A private or test network that could not fill a cycle with all its masternodes is not short of valid ones.
    let seats = u64::from(kind.quorums * kind.size);
    if quorums.snapshot.facts().subnet != Subnet::Main && (quorums.snapshot.list().registered() as u64) < seats {
        return Verdict::Inapplicable;
    }
    let text = format!(
        "{} has fewer valid masternodes than the {} seats of a cycle of {}: some masternodes have two seats in one cycle, and one \
         outage over both bans.",
        quorums.network.name(),
        seats,
        kind.name
    );
    Verdict::holds(slack as f64, text)
}
