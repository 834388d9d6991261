//! Alerts about watched masternodes.
//!
//! Never here: groups and networks.

use crate::alerting::catalog::{About, Alert, Severity};
use domain::condition::Condition;

const fn alert(
    name: &'static str,
    severity: Severity,
    minutes: u32,
    condition: Condition,
    [rule, summary, description]: [&'static str; 3],
) -> Alert {
    let condition = Some(condition);
    Alert {
        name,
        severity,
        hold_seconds: minutes * 60,
        about: About::Masternode,
        condition,
        rule,
        summary,
        description,
    }
}

/// Banned or close to it.
const POSE: [Alert; 6] = [
    alert(
        "MasternodePoSeBanned",
        Severity::Critical,
        1,
        Condition::Banned,
        [
            "masternode:masternode_pose_banned:newest == 1",
            "A watched masternode is banned.",
            "Masternode {node}{groups} on {network} is banned and earns nothing.\n\
         Its score is {score}, the limit {limit}.\n\
         Find the cause before it is revived.",
        ],
    ),
    alert(
        "MasternodePoSeBanImminent",
        Severity::Critical,
        1,
        Condition::BanImminent,
        [
            "(\n    \
           masternode:masternode_pose_test_before_safe_probability_ratio:newest > $imminent_chance\n  \
         or\n    \
           # A session is under way, or was within the pause between two of them, and its result comes before safety.\n    \
           masternode:masternode_pose_test_before_safe_probability_ratio:newest > 0\n    \
           and on (network, masternode, alias) (\n      \
             masternode:masternode_info:newest\n      \
             and on (network, node_type)\n      \
             min_over_time(network:masternode_network_maintenance_window_blocks:newest[45m]) == 0\n    \
           )\n\
         )\n\
         and on (network, masternode, alias) masternode:masternode_pose_failures_until_ban:newest == 1",
            "A watched masternode is one failure from a ban and about to be tested.",
            "Masternode {node}{groups} on {network} is one failed DKG session from a ban.\n\
         The chance that a session tests it before it is safe is {percent}.\n\
         Score {score}, limit {limit}, safe in {blocks} blocks, about {hours} hours.",
        ],
    ),
    alert(
        "MasternodePoSeOneFailureFromBan",
        Severity::Warning,
        1,
        Condition::OneFailureFromBan,
        [
            "masternode:masternode_pose_failures_until_ban:newest == 1",
            "The next failed DKG session bans a watched masternode.",
            "Masternode {node}{groups} on {network} would be banned by one more failed DKG session.\n\
         Score {score}, limit {limit}, safe in {blocks} blocks, about {hours} hours.",
        ],
    ),
    alert(
        "MasternodePoSePenalized",
        Severity::Warning,
        1,
        Condition::Penalized,
        [
            "# A score only rises by a failure. Compared over time, this survives restarts, which counters do not.\n\
         masternode:masternode_pose_score:newest\n  \
           - min_over_time(masternode:masternode_pose_score:newest[$recent]) > 0",
            "A watched masternode failed a DKG session within the last hour.",
            "Masternode {node}{groups} on {network} was penalised: its score rose by {value} within the last hour.\n\
         Score {score}, limit {limit}, safe in {blocks} blocks, about {hours} hours.\n\
         {cause}.",
        ],
    ),
    alert(
        "MasternodePoSeRepeatedFailures",
        Severity::Critical,
        1,
        Condition::RepeatedFailures,
        [
            "# One failure from zero adds one step, so a score above it needs two.\n\
         (\n  \
           masternode:masternode_pose_score:newest\n    \
             > on (network) group_left () ($repeated_steps * network:masternode_network_pose_step:newest)\n\
         )\n\
         unless on (network, masternode, alias) masternode:masternode_pose_banned:newest == 1",
            "A watched masternode failed again before the last failure had decayed.",
            "Masternode {node}{groups} on {network} failed at least two DKG sessions inside one decay.\n\
         Score {score}, limit {limit}, safe in {blocks} blocks, about {hours} hours.",
        ],
    ),
    alert(
        "MasternodePlatformBanned",
        Severity::Critical,
        5,
        Condition::PlatformBanned,
        [
            "masternode:masternode_platform_banned:newest == 1",
            "The Platform asked for a ban of a watched Evo node.",
            "Masternode {node}{groups} on {network} is marked as banned by the Platform, in the view of the answering node.\n\
         Its quorum mates vote it bad in every DKG session: score {score}, limit {limit}.",
        ],
    ),
];

/// On the list, enabled, paid, and as its owner wants it.
const LIFE: [Alert; 6] = [
    alert(
        "MasternodeMissing",
        Severity::Critical,
        5,
        Condition::Missing,
        [
            "masternode:masternode_registered:newest == 0",
            "A watched masternode is not on the list.",
            "Masternode {node}{groups} on {network} is not on the list of masternodes.",
        ],
    ),
    alert(
        "MasternodeNotEnabled",
        Severity::Critical,
        15,
        Condition::NotEnabled,
        [
            "masternode:masternode_enabled:newest == 0\n\
         unless on (network, masternode, alias) masternode:masternode_pose_banned:newest == 1",
            "A watched masternode is on the list in a state that is not paid.",
            "Masternode {node}{groups} on {network} is in the state {state} and earns nothing.",
        ],
    ),
    alert(
        "MasternodePingLate",
        Severity::Warning,
        5,
        Condition::PingLate,
        [
            "# Against the time of the list, not the present: what is not read again must not seem to fall silent.\n\
         (\n  \
           network:masternode_exporter_list_timestamp_seconds:newest\n    \
             - on (network) group_right () masternode:masternode_last_seen_timestamp_seconds:newest\n    \
             > on (network) group_left () network:masternode_network_ping_warning_seconds:newest\n\
         )\n\
         and on (network, masternode, alias) masternode:masternode_enabled:newest == 1",
            "A watched masternode is silent and will expire.",
            "Masternode {node}{groups} on {network} sent no ping for {duration}.\n\
         Without one it expires, and may need a new start.",
        ],
    ),
    alert(
        "MasternodePaymentOverdue",
        Severity::Warning,
        30,
        Condition::HeadOfQueue,
        [
            "# First in the queue for half an hour in which blocks were made; tiny networks turn around too fast to tell.\n\
         masternode:masternode_payment_queue_position:newest == 1\n\
         and on (network) network:masternode_network_height:newest - (network:masternode_network_height:newest offset 30m) >= 3\n\
         and on (network) network:masternode_network_payment_cycle_blocks:newest > $shortest_cycle",
            "A watched masternode is not paid although it is its turn.",
            "Masternode {node}{groups} on {network} has been first in the payment queue for 30 minutes and was not paid.",
        ],
    ),
    alert(
        "MasternodePaymentLost",
        Severity::Warning,
        0,
        Condition::PaymentLost,
        [
            "max by (network, masternode, alias) (increase(masternode_payments_lost_total[$recent])) > 0\n\
         and on (network, masternode, alias) masternode:masternode_registered:newest",
            "A watched masternode lost its place in the payment queue.",
            "Masternode {node}{groups} on {network} lost the payment that it was waiting for, by a ban or by leaving the list.",
        ],
    ),
    alert(
        "MasternodeUnexpectedChange",
        Severity::Critical,
        0,
        Condition::UnexpectedChange,
        [
            "count without (field) (masternode:masternode_expectation_met:newest == 0)",
            "A watched masternode has another key, address or payee than it should.",
            "Masternode {node}{groups} on {network} is not as the watch list states in: {fields}.",
        ],
    ),
];

/// All of them.
pub(super) const ALERTS: &[Alert] = &{
    let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (POSE, LIFE);
    [a, b, c, d, e, f, g, h, i, j, k, l]
};
