//! Alerts about groups, networks and their quorums.
//!
//! Never here: single masternodes.

use crate::alerting::catalog::{About, Alert, Severity};
use domain::condition::Condition;

/// All of them.
pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "MasternodePenaltyWave",
        severity: Severity::Warning,
        hold_seconds: 0,
        about: About::Network,
        condition: Some(Condition::PenaltyWave),
        rule: "# Each exporter counts for itself, so each is summed up for itself.\n\
               max by (network) (sum without (node_type) (increase(masternode_network_penalties_total[$recent])))\n  \
                 >= $wave_minimum\n\
               and on (network)\n\
               max by (network) (sum without (node_type) (increase(masternode_network_penalties_total[$recent])))\n  \
                 > on (network) $wave_ratio * network:masternode_network_risk_nodes:newest",
        summary: "Many masternodes of a network were penalised within an hour.",
        description: "On {network} about {value} DKG failures were counted within an hour: the network itself has a problem.\n\
                      A single penalty of yours in this time need not be your fault.",
    },
    Alert {
        name: "MasternodeGroupDegraded",
        severity: Severity::Critical,
        hold_seconds: 60,
        about: About::Group,
        condition: Some(Condition::GroupDegraded),
        rule: "(\n  \
                 group:masternode_group_nodes:endangered - min_over_time(group:masternode_group_nodes:endangered[$recent])\n    \
                   >= $group_nodes\n\
               )\n\
               or\n\
               (\n  \
                 group:masternode_group_nodes:endangered - min_over_time(group:masternode_group_nodes:endangered[$recent]) >= 2\n  \
                 and group:masternode_group_nodes:endangered - min_over_time(group:masternode_group_nodes:endangered[$recent])\n    \
                   >= $group_ratio * group:masternode_group_nodes:all\n\
               )",
        summary: "Several masternodes of a group were penalised within an hour.",
        description: "Of group {group_key}={group} on {network} {value} masternodes were penalised within the last hour.\n\
                      Look for what they share: host, network, provider, version.",
    },
    Alert {
        name: "MasternodeChainStalled",
        severity: Severity::Critical,
        hold_seconds: 0,
        about: About::Network,
        condition: Some(Condition::ChainStalled),
        rule: "time() - network:masternode_network_tip_timestamp_seconds:newest > $stalled_seconds\n\
               # Only while a source confirms that this is still its tip.\n\
               and on (network) time() - network:masternode_exporter_source_last_success_timestamp_seconds:max < 300",
        summary: "A chain has had no new block for more than half an hour.",
        description: "The newest block of {network} is {duration} old, and a node in sync confirms that there is none after it.",
    },
    Alert {
        name: "MasternodeChainLockLag",
        severity: Severity::Warning,
        hold_seconds: 600,
        about: About::Network,
        condition: Some(Condition::ChainLockLag),
        rule: "network:masternode_network_height:newest - network:masternode_network_chainlock_height:newest > $chainlock_lag",
        summary: "Blocks of a chain are not locked.",
        description: "The last ChainLock of {network} lies {value} blocks below the tip.\n\
                      Quorums are not signing: penalties may follow.",
    },
    Alert {
        name: "MasternodeQuorumMissing",
        severity: Severity::Warning,
        hold_seconds: 60,
        about: About::QuorumType,
        condition: Some(Condition::QuorumMissing),
        rule: "network:masternode_network_quorum_missed_windows:newest >= $quorum_windows",
        summary: "A quorum type of a network forms no quorums.",
        description: "{quorum_type} on {network} has not formed a quorum in {value} mining windows.\n\
                      Nobody is punished for a session that forms no quorum: it is no fault of a masternode of yours.",
    },
];
