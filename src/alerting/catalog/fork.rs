//! Alerts about the activation of a consensus change: sources that do not follow it, two chains, and the activation itself.
//!
//! Never here: a masternode that is not ready for it.

use crate::alerting::catalog::{About, Alert, Severity};
use domain::condition::Condition;

const fn alert(
    name: &'static str,
    severity: Severity,
    minutes: u32,
    about: About,
    condition: Option<Condition>,
    [rule, summary, description]: [&'static str; 3],
) -> Alert {
    Alert { name, severity, hold_seconds: minutes * 60, about, condition, rule, summary, description }
}

/// All of them.
pub(super) const ALERTS: &[Alert] = &[
    alert(
        "MasternodeForkActivationNear",
        Severity::Warning,
        0,
        About::Network,
        Some(Condition::ForkNear),
        [
            "clamp_min(network:masternode_network_deployment_activation_timestamp_seconds:newest - time(), 0) < $fork_near",
            "A consensus change that is locked in activates within a week.",
            "The rules of Dash Core 24 activate on {network} in about {duration}.\n\
             Until then every masternode and every source must run version 24: others are banned or left on a dead chain.",
        ],
    ),
    alert(
        "MasternodeForkActivated",
        Severity::Info,
        0,
        About::Network,
        Some(Condition::ForkActivated),
        [
            "network:masternode_network_height:newest - network:masternode_network_deployment_active_since_height:newest\n  \
               < on (network) network:masternode_network_deployment_window_blocks:newest",
            "A consensus change activated within the last signalling window.",
            "The rules of Dash Core 24 are active on {network} since {value} blocks below the tip.",
        ],
    ),
    alert(
        "MasternodeExporterSourceForkNotReady",
        Severity::Warning,
        10,
        About::Source,
        None,
        [
            "source:masternode_exporter_source_follows_fork:max == 0\n\
             unless on (network) network:masternode_exporter_fork_activation_height:max",
            "A node that the exporter asks will not follow the next consensus change.",
            "Source {source} of {network} runs a version below 24 and will not follow the activation of Dash Core 24.\n\
             It does not show whether the activation is near or already past: upgrade it.",
        ],
    ),
    alert(
        "MasternodeExporterSourceLeftBehind",
        Severity::Critical,
        1,
        About::Source,
        None,
        [
            "source:masternode_exporter_source_follows_fork:max == 0\n\
             and on (network) network:masternode_exporter_fork_activation_height:max",
            "A node that the exporter asks does not follow a consensus change that is locked in or active.",
            "Source {source} of {network} runs a version below 24, and the activation height of Dash Core 24 is certain.\n\
             From the block before that height on it is not used, even if it is the only source: upgrade it.",
        ],
    ),
    alert(
        "MasternodeExporterForkSplit",
        Severity::Critical,
        1,
        About::Source,
        None,
        [
            "source:masternode_exporter_source_fork_split:max == 1",
            "Two nodes that the exporter asks are on different chains since a consensus change.",
            "Source {source} of {network} is on another chain than the one that is followed since the activation of Dash Core 24.\n\
             Its blocks, payments and masternodes are not those of the network.",
        ],
    ),
];
