//! What is seen of a watched masternode before its score rises: by probes, by DKG sessions under way, by its own node.
//!
//! All of them are warnings: there is no penalty yet, and one alone bans nobody who was not close to a ban.
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

/// All of them.
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
            "A watched masternode is missing in a DKG session under way.",
            "Masternode {node}{groups} on {network} was missing in a DKG session that is over.",
        ],
    ),
    warning(
        "MasternodeProtocolTooOld",
        10,
        |node| {
            required(node, Requirement::ProtocolVersion, "speaks a protocol that is too old: it needs an update. Other masternodes may vote it bad in DKG sessions, or no longer pay it.")
        },
        [
            "A watched masternode speaks an older protocol than its network demands.",
            "Masternode {node}{groups} on {network} spoke a protocol that is too old and was updated.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeUnreachable"],
        equal: NODE,
        reason: "It answers, but in a version that others drop.",
    }]),
    warning(
        "MasternodeNotReadyForNextRelease",
        10,
        |node| {
            required(node, Requirement::NextProtocolVersion, "speaks a protocol that members on the next release do not accept: it needs an update. They vote it bad in DKG sessions as soon as they are enough, whether or not the fork is active.")
        },
        [
            "A watched masternode speaks an older protocol than the next release demands.",
            "Masternode {node}{groups} on {network} was not ready for the next release and was updated.",
        ],
    ),
    warning(
        "MasternodeTransactionRelayOff",
        10,
        |node| {
            required(node, Requirement::TransactionRelay, "says that it does not relay transactions. Members on Dash Core 24 vote it bad in DKG sessions.")
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
        |node| required(node, Requirement::Release, "runs a release with a known fault: it needs an update."),
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
        return Verdict::Inapplicable;
    }
    match node.probe.map(|probe| probe.outcome) {
        Some(Outcome::Reached) => Verdict::DoesNotHold,
        Some(outcome @ Outcome::Failed(_)) => {
            let reason = outcome.reason().unwrap_or("unknown");
            let text = format!(
                "{} does not answer with its chain's handshake at the address of the list: {reason}. It will be penalised when \
                 the next quorum meets without it.",
                node.who()
            );
            Verdict::holds(0.0, text)
        }
        None | Some(Outcome::Unprobed(Unprobed::NoRoute)) => Verdict::Unknown,
        // An address that is never probed tells nothing: that is an end.
        Some(Outcome::Unprobed(_)) => Verdict::Inapplicable,
    }
}

fn contribution_missing(node: &NodeContext<'_>) -> Verdict {
    let Some(sessions) = node.snapshot.facts().sessions.as_ref().filter(|_| node.view.is_some()) else {
        return Verdict::Inapplicable;
    };
    let seats = sessions.of(&node.watched.watched.id);
    if seats.is_none_or(|seats| seats.contributed != Some(false)) {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} sent no contribution to a DKG session under way, and the time to do so is over. If most members see the same, it \
         will be penalised when the session ends.",
        node.who()
    );
    Verdict::holds(0.0, text)
}

/// A requirement that a probe or the masternode's own node tells. Who does not answer does not say that it was updated.
fn required(node: &NodeContext<'_>, requirement: Requirement, text: &str) -> Verdict {
    let Some(case) = node.case() else { return Verdict::Inapplicable };
    match case.verdict(requirement).map(|verdict| verdict.met) {
        Some(true) => Verdict::DoesNotHold,
        Some(false) => Verdict::holds(0.0, format!("{} {text}", node.who())),
        None => {
            let outcome = node.probe.map(|probe| probe.outcome);
            let may_answer = matches!(outcome, None | Some(Outcome::Unprobed(Unprobed::NoRoute) | Outcome::Failed(_)));
            let is_unknown = node.network.state.probes.is_some() && may_answer || case.own_node_is_silent();
            if is_unknown { Verdict::Unknown } else { Verdict::Inapplicable }
        }
    }
}

fn evo_version_old(node: &NodeContext<'_>) -> Verdict {
    let Some(case) = node.case() else { return Verdict::Inapplicable };
    match case.verdict(Requirement::ProtxVersion).map(|verdict| verdict.met) {
        Some(true) => Verdict::DoesNotHold,
        Some(false) => Verdict::holds(
            0.0,
            format!(
                "{} is an Evo node with a registration below ProTx version 3. Its operator raises it with a service update that \
                 names the Platform addresses. If it is banned before that, tools that make version 2 cannot revive it.",
                node.who()
            ),
        ),
        None if case.protx_version_is_unknown() => Verdict::Unknown,
        None => Verdict::Inapplicable,
    }
}
