//! Conditions of a watched masternode before its PoSe score rises: from probes, active DKG sessions and its own node.
//!
//! All of them are warnings: there is no penalty yet, and one penalty bans only a masternode that is close to a ban.
//!
//! Never here: making a probe; what the masternode list says of penalties.

use crate::condition::{Condition, Inhibition, NODE, NodeContext, Rule, Severity, Verdict};
use crate::probe::{Outcome, Unprobed};
use crate::requirement::Requirement;

const fn warning(
    name: &'static str,
    minutes: u32,
    rule: fn(&NodeContext<'_>) -> Verdict,
    texts: [&'static str; 2],
) -> Condition {
    Condition::new(name, Severity::Warning, minutes * 60, Rule::Masternode(rule), texts)
}

/// The early warnings.
pub(super) const CONDITIONS: &[Condition] = &[
    warning(
        "MasternodeUnreachable",
        10,
        unreachable,
        [
            "A watched masternode does not answer at its address.",
            "Masternode {node}{groups} on {network} did not answer at its address and does again.",
        ],
    ),
    warning(
        "MasternodeDkgContributionMissing",
        1,
        contribution_missing,
        [
            "A watched masternode sent no contribution to an active DKG session.",
            "Masternode {node}{groups} on {network} sent no contribution to a DKG session, which has ended.",
        ],
    ),
    warning(
        "MasternodeProtocolTooOld",
        10,
        |node| {
            required(node, Requirement::ProtocolVersion, "uses a protocol version that is too old. Upgrade it: other masternodes may vote it bad in DKG sessions, or no longer pay it.")
        },
        [
            "A watched masternode uses an older protocol version than its network requires.",
            "Masternode {node}{groups} on {network} used a protocol version that was too old and was updated.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeUnreachable"],
        equal: NODE,
        reason: "The masternode answers, but peers drop connections with its protocol version.",
    }]),
    warning(
        "MasternodeNotReadyForNextRelease",
        10,
        |node| {
            required(node, Requirement::NextProtocolVersion, "uses a protocol version that members on the next release do not accept. Upgrade it: they vote it bad in DKG sessions as soon as there are enough of them, whether or not the fork is active.")
        },
        [
            "A watched masternode uses an older protocol version than the next release requires.",
            "Masternode {node}{groups} on {network} was not ready for the next release and was updated.",
        ],
    ),
    warning(
        "MasternodeTransactionRelayOff",
        10,
        |node| {
            required(node, Requirement::TransactionRelay, "reports that it does not relay transactions. Members on Dash Core 24 vote it bad in DKG sessions.")
        },
        [
            "A watched masternode does not relay transactions.",
            "Masternode {node}{groups} on {network} did not relay transactions and does again.",
        ],
    ),
    warning(
        "MasternodeCompactFiltersOff",
        10,
        |node| {
            required(node, Requirement::CompactFilters, "does not advertise compact block filters (NODE_COMPACT_FILTERS). Members on Dash Core 24 vote it bad in DKG sessions.")
        },
        [
            "A watched masternode does not serve compact block filters.",
            "Masternode {node}{groups} on {network} did not serve compact block filters and does again.",
        ],
    ),
    warning(
        "MasternodeReleaseBad",
        10,
        |node| required(node, Requirement::Release, "runs a release with a known fault. Upgrade it."),
        [
            "A watched masternode runs a release with a known fault.",
            "Masternode {node}{groups} on {network} ran a release with a known fault and was updated.",
        ],
    ),
    warning(
        "MasternodeEvoVersionOld",
        10,
        evo_version_old,
        [
            "A watched Evo node has a registration below ProTx version 3 while Dash Core 24 is active.",
            "The registration of masternode {node}{groups} on {network} was below ProTx version 3 and was raised.",
        ],
    ),
];

fn unreachable(node: &NodeContext<'_>) -> Verdict {
    if node.network.state.probes.is_none() || node.view.is_none() {
        return node.inapplicable();
    }
    match node.probe.map(|probe| probe.outcome) {
        Some(Outcome::Reached) => Verdict::DoesNotHold,
        Some(outcome @ Outcome::Failed(_)) => {
            let reason = outcome.reason().unwrap_or("unknown");
            let text = format!(
                "{} does not complete the P2P handshake at its registered address: {reason}. It will be penalised if it misses \
                 a DKG session. Check the daemon, the firewall and the address.",
                node.who()
            );
            Verdict::holds(0.0, text)
        }
        None | Some(Outcome::Unprobed(Unprobed::NoRoute)) => Verdict::Unknown,
        // An address that is never probed cannot have this condition.
        Some(Outcome::Unprobed(_)) => Verdict::Inapplicable,
    }
}

fn contribution_missing(node: &NodeContext<'_>) -> Verdict {
    let had_sessions = node.network.memory.had_sessions && node.snapshot.rules().has_dkg;
    let Some(sessions) = node.snapshot.facts().sessions.as_ref() else {
        return if had_sessions { Verdict::Unknown } else { Verdict::Inapplicable };
    };
    if node.view.is_none() {
        return node.absent();
    }
    let seats = sessions.of(&node.watched.watched.id);
    if seats.is_none_or(|seats| seats.contributed != Some(false)) {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} sent no contribution to an active DKG session, and the contribution phase is over. If most members see the same, it \
         will be penalised when the session ends.",
        node.who()
    );
    Verdict::holds(0.0, text)
}

/// A requirement that a probe or the masternode's own node reports on. A masternode that does not answer is unknown, because
/// it may have been upgraded or not.
fn required(node: &NodeContext<'_>, requirement: Requirement, text: &str) -> Verdict {
    let Some(case) = node.case() else { return node.absent() };
    match case.verdict(requirement).map(|verdict| verdict.met) {
        Some(true) => Verdict::DoesNotHold,
        Some(false) => Verdict::holds(0.0, format!("{} {text}", node.who())),
        None => {
            let outcome = node.probe.map(|probe| probe.outcome);
            let may_answer = matches!(outcome, None | Some(Outcome::Unprobed(Unprobed::NoRoute) | Outcome::Failed(_)));
            let is_unknown = node.network.state.probes.is_some() && may_answer
                || case.own_node_is_silent()
                || requirement == Requirement::ProtocolVersion && case.lacks_protocol_version();
            if is_unknown { Verdict::Unknown } else { Verdict::Inapplicable }
        }
    }
}

fn evo_version_old(node: &NodeContext<'_>) -> Verdict {
    let Some(case) = node.case() else { return node.absent() };
    match case.verdict(Requirement::ProtxVersion).map(|verdict| verdict.met) {
        Some(true) => Verdict::DoesNotHold,
        Some(false) => Verdict::holds(
            0.0,
            format!(
                "{} is an Evo node with a registration below ProTx version 3. Its operator must send a service update that \
                 contains the Platform addresses. If it is banned before, tools that write version 2 cannot revive it.",
                node.who()
            ),
        ),
        None if case.protx_version_is_unknown() => Verdict::Unknown,
        None => Verdict::Inapplicable,
    }
}
