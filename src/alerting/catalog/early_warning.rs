//! Alerts about what is seen of a watched masternode before its score rises: by calls, by sessions under way.
//!
//! All of them are warnings: there is no penalty yet, and one alone bans nobody who was not close to a ban. Who is, is told by
//! an alert of its own.
//!
//! Never here: what the masternode list says.

use crate::alerting::catalog::{About, Alert, Severity};
use domain::condition::Condition;

const fn alert(
    name: &'static str,
    minutes: u32,
    condition: Option<Condition>,
    [rule, summary, description]: [&'static str; 3],
) -> Alert {
    Alert {
        name,
        severity: Severity::Warning,
        hold_seconds: minutes * 60,
        about: About::Masternode,
        condition,
        rule,
        summary,
        description,
    }
}

/// The rule of a requirement that a call or the masternode's own node tells.
macro_rules! requirement_rule {
    ($requirement:literal) => {
        concat!(
            "max by (network, masternode, alias) (\n  ",
            "# As with calls, what was known before a restart counts for a while.\n  ",
            "last_over_time(masternode:masternode_requirement_met:newest{requirement=\"",
            $requirement,
            "\"}[5m]) == 0\n  ",
            "or\n  ",
            "# Who does not answer, or is not reached, does not say that it was updated.\n  ",
            "last_over_time(masternode:masternode_requirement_met:newest{requirement=\"",
            $requirement,
            "\"}[6h]) == 0\n    ",
            "and on (network, masternode, alias)\n    ",
            "masternode:masternode_p2p_failure:newest{reason!~\"no_address|name|overlay|private|unknown_network|too_old\"} == 1\n  ",
            "or\n  ",
            "# Its own node said it as a source, and says nothing at the moment.\n  ",
            "last_over_time(masternode_requirement_met{requirement=\"",
            $requirement,
            "\",evidence=\"own_node\"}[6h]) == 0\n    ",
            "unless on (network, masternode, alias)\n    ",
            "masternode:masternode_requirement_met:newest{requirement=\"",
            $requirement,
            "\"}\n",
            ")"
        )
    };
}

/// All of them.
pub(super) const ALERTS: &[Alert] = &[
    alert(
        "MasternodeUnreachable",
        10,
        Some(Condition::Unreachable),
        [
            "# An exporter that was restarted has called nobody yet: what was known before counts for as long as a first call takes.\n\
         last_over_time(masternode:masternode_p2p_reachable:newest[5m]) == 0\n\
         or\n\
         # While this host finds no way to anybody, nothing is known of it: nothing ends.\n\
         last_over_time(masternode:masternode_p2p_reachable:newest[6h]) == 0\n  \
           and on (network, masternode, alias) masternode:masternode_p2p_failure:newest{reason=\"no_route\"} == 1",
            "A watched masternode does not answer at its address.",
            "Masternode {node}{groups} on {network} does not answer with its chain's handshake at the address of the list.\n\
         The last call failed with: {reason}.\n\
         It will be penalised when the next quorum meets without it.",
        ],
    ),
    alert(
        "MasternodeDkgContributionMissing",
        1,
        Some(Condition::ContributionMissing),
        [
            "masternode:masternode_dkg_session_contribution_received:newest == 0",
            "A watched masternode is missing in a DKG session under way.",
            "Masternode {node}{groups} on {network} sent nothing to a DKG session under way, and the time to do so is over.\n\
         If most members see the same, it will be penalised when the session ends.\n\
         Score {score}, limit {limit}.",
        ],
    ),
    alert(
        "MasternodeProtocolTooOld",
        10,
        Some(Condition::ProtocolTooOld),
        [
            requirement_rule!("protocol_version"),
            "A watched masternode speaks an older protocol than its network demands.",
            "Masternode {node}{groups} on {network} speaks a protocol that is too old: it needs an update.\n\
         Other masternodes may vote it bad in DKG sessions, or no longer pay it.",
        ],
    ),
    alert(
        "MasternodeNotReadyForNextRelease",
        10,
        Some(Condition::NotReadyForNextRelease),
        [
            requirement_rule!("next_protocol_version"),
            "A watched masternode speaks an older protocol than the next release demands.",
            "Masternode {node}{groups} on {network} speaks a protocol that members on the next release do not accept: it needs an \
         update.\n\
         They vote it bad in DKG sessions as soon as they are enough, whether or not the fork is active.",
        ],
    ),
    alert(
        "MasternodeTransactionRelayOff",
        10,
        Some(Condition::NoTransactionRelay),
        [
            requirement_rule!("transaction_relay"),
            "A watched masternode does not relay transactions.",
            "Masternode {node}{groups} on {network} says that it does not relay transactions.\n\
         Members on Dash Core 24 vote it bad in DKG sessions.",
        ],
    ),
    alert(
        "MasternodeCompactFiltersOff",
        10,
        Some(Condition::NoCompactFilters),
        [
            requirement_rule!("compact_filters"),
            "A watched masternode does not serve compact block filters.",
            "Masternode {node}{groups} on {network} does not advertise compact block filters (NODE_COMPACT_FILTERS).\n\
         Members on Dash Core 24 vote it bad in DKG sessions.",
        ],
    ),
    alert(
        "MasternodeReleaseBad",
        10,
        Some(Condition::BadRelease),
        [
            requirement_rule!("release"),
            "A watched masternode runs a release with a known fault.",
            "Masternode {node}{groups} on {network} runs a release with a known fault: it needs an update.",
        ],
    ),
    alert(
        "MasternodeEvoVersionOld",
        10,
        Some(Condition::EvoVersionOld),
        [
            "# While it is not known whether the fork is active, the last verdict holds.\n\
         last_over_time(masternode:masternode_requirement_met:newest{requirement=\"protx_version\"}[6h]) == 0\n\
         unless on (network, masternode, alias) masternode:masternode_registered:newest == 0",
            "A watched Evo node has a registration below ProTx version 3 while Dash Core 24 is active.",
            "Masternode {node}{groups} on {network} is an Evo node with a registration below ProTx version 3.\n\
         Its operator raises it with a service update that names the Platform addresses.\n\
         If it is banned before that, tools that make version 2 cannot revive it.",
        ],
    ),
];
