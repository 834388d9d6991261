//! Alerts about what is seen of a watched masternode before its score rises: by calls, by sessions under way.
//!
//! All of them are warnings: there is no penalty yet, and one alone bans nobody who was not close to a ban. Who is, is told by
//! an alert of its own.
//!
//! Never here: what the masternode list says.

use crate::alerting::catalog::{About, Alert, Severity};
use crate::domain::finding::Condition;

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
            "# As with calls, what was known before a restart counts for a while.\n\
         last_over_time(masternode:masternode_requirement_met:newest{requirement=\"protocol_version\"}[5m]) == 0\n\
         or\n\
         # Who does not answer, or is not reached, does not say that it was updated.\n\
         last_over_time(masternode:masternode_requirement_met:newest{requirement=\"protocol_version\"}[6h]) == 0\n  \
           and on (network, masternode, alias)\n  \
           masternode:masternode_p2p_failure:newest{reason!~\"no_address|name|overlay|private|unknown_network|too_old\"} == 1",
            "A watched masternode speaks an older protocol than its network demands.",
            "Masternode {node}{groups} on {network} speaks a protocol that is too old: it needs an update.\n\
         Other masternodes may vote it bad in DKG sessions, or no longer pay it.",
        ],
    ),
];
