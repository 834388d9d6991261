//! Alerts about the truth of what is told: sources, data, the exporter itself.
//!
//! Never here: anything about masternodes.

use crate::alerting::catalog::{About, Alert, Severity};

const fn alert(
    name: &'static str,
    severity: Severity,
    minutes: u32,
    about: About,
    [rule, summary, description]: [&'static str; 3],
) -> Alert {
    Alert { name, severity, hold_seconds: minutes * 60, about, condition: None, rule, summary, description }
}

/// All of them.
pub(super) const ALERTS: &[Alert] = &[
    alert(
        "MasternodeExporterDataStale",
        Severity::Critical,
        0,
        About::Network,
        [
            "time() - network:masternode_exporter_source_last_success_timestamp_seconds:max > 900",
            "No source has confirmed the masternode list of a network for 15 minutes.",
            "What is known of {network} was last confirmed {duration} ago.\n\
         Alerts about its masternodes keep their last state for half an hour more, then they end without being solved.",
        ],
    ),
    alert(
        "MasternodeExporterSourceDown",
        Severity::Warning,
        5,
        About::Source,
        [
            "source:masternode_exporter_source_synced:max == 0",
            "A node that the exporter asks does not answer or is not in sync.",
            "Source {source} of {network} is not usable for any exporter: it does not answer, refuses, or is not in sync.",
        ],
    ),
    alert(
        "MasternodeExporterAllSourcesDown",
        Severity::Critical,
        5,
        About::Network,
        [
            "max by (network) (source:masternode_exporter_source_synced:max) == 0",
            "No node of a network can be used.",
            "None of the sources of {network} answers and is in sync: bans and penalties are not seen.",
        ],
    ),
    alert(
        "MasternodeExporterWrongNetwork",
        Severity::Critical,
        1,
        About::Source,
        [
            "min by (network, source) (last_over_time(masternode_exporter_source_network_match[10m])) == 0",
            "A node that the exporter asks is on another network than configured.",
            "Source {source} is not on the network that {network} is configured for; its answers are not used.",
        ],
    ),
    alert(
        "MasternodeExporterSourceIsolated",
        Severity::Warning,
        5,
        About::Source,
        [
            "source:masternode_exporter_source_isolated:min == 1",
            "A node that the exporter asks is cut off from its network.",
            "Source {source} of {network} has no connections, or its networking is switched off.\n\
         It goes on to say that it is in sync, but learns of no new blocks.",
        ],
    ),
    alert(
        "MasternodeExporterSourceReleaseBad",
        Severity::Warning,
        5,
        About::Source,
        [
            "min by (network, source) (last_over_time(masternode_exporter_source_release_bad[10m])) == 1",
            "A node that the exporter asks runs a release with a known fault.",
            "Source {source} of {network} runs a release with a known fault: it needs an update.",
        ],
    ),
    alert(
        "MasternodeExporterSourceFilterIndexBehind",
        Severity::Warning,
        60,
        About::Source,
        [
            "max by (network, source) (last_over_time(masternode_exporter_source_filter_index_synced[10m])) == 0",
            "A node that the exporter asks has not built its index of compact block filters.",
            "Source {source} of {network} has an index of compact block filters that is not synced.\n\
         A masternode on Dash Core 24 must serve these filters.",
        ],
    ),
    alert(
        "MasternodeExporterHistoryGap",
        Severity::Warning,
        0,
        About::Network,
        [
            "max by (network) (increase(masternode_exporter_gap_blocks_total[1h])) > 0",
            "Blocks were not followed one by one.",
            "About {value} blocks of {network} were jumped over within the last hour.\n\
         Scores and bans are right; counts of events in these blocks are missing or not exact.",
        ],
    ),
    alert(
        "MasternodeExporterAnswersNotUnderstood",
        Severity::Warning,
        0,
        About::Network,
        [
            "max by (network) (\n  \
               sum without (kind) (\n    \
                 # A series that is younger than the window may begin above 0: its whole value is a rise.\n    \
                 masternode_exporter_not_understood_total\n      \
                   unless masternode_exporter_not_understood_total offset 1d\n    \
                 or\n    \
                 increase(masternode_exporter_not_understood_total[1d])\n  \
               )\n\
             ) > 0",
            "Answers of a network's sources contain something that this version of the exporter does not understand.",
            "Sources of {network} said about {value} things within a day that the exporter does not understand.\n\
         What they mean is absent from metrics and alerts.\n\
         It may be the first sign of a fork: update the exporter.",
        ],
    ),
    alert(
        "MasternodeExporterNotificationsFailing",
        Severity::Critical,
        5,
        About::Receiver,
        [
            "max by (receiver) (\n  \
               # Tried, and never with success; or given up.\n  \
               increase(masternode_exporter_notifications_total{outcome=\"failed\"}[15m]) > 0\n    \
                 unless on (job, instance, receiver)\n    \
                 increase(masternode_exporter_notifications_total{outcome=\"delivered\"}[15m]) > 0\n  \
               or\n  \
               increase(masternode_exporter_notifications_total{outcome=\"dropped\"}[15m]) > 0\n\
             )",
            "The exporter cannot reach a receiver of its own notifications.",
            "Receiver {receiver} was not reached: what the exporter itself has to tell does not arrive there.",
        ],
    ),
    alert(
        "MasternodeExporterConfigReloadFailed",
        Severity::Warning,
        5,
        About::Exporter,
        [
            "min by (job) (last_over_time(masternode_exporter_config_last_reload_successful[10m])) == 0",
            "The exporter could not read its configuration anew.",
            "An exporter of job {job} refused its new configuration and runs on with the old one.",
        ],
    ),
    alert(
        "MasternodeExporterWebConfigReloadFailed",
        Severity::Warning,
        5,
        About::Exporter,
        [
            "min by (job) (last_over_time(masternode_exporter_web_config_last_reload_successful[10m])) == 0",
            "The exporter could not use its web configuration file, or a certificate or key that it names.",
            "An exporter of job {job} refused its new web configuration and serves with the old certificate and passwords.",
        ],
    ),
    alert(
        "MasternodeExporterHistoryDamaged",
        Severity::Warning,
        0,
        About::Exporter,
        [
            "max by (job) (last_over_time(masternode_exporter_history_damaged_rows[10m])) > 0",
            "Events of the history file are damaged.",
            "{value} events in the history file of an exporter of job {job} are damaged and left out of all answers.\n\
         Check the disk: other files on it can be damaged too.",
        ],
    ),
    alert(
        "MasternodeExporterAbsent",
        Severity::Critical,
        5,
        About::Exporter,
        [
            "# A job that exported within the last day and does no more; or no exporter at all.\n\
         (\n  \
           count by (job) (last_over_time(masternode_exporter_build_info[1d]))\n  \
           unless on (job) count by (job) (masternode_exporter_build_info)\n\
         )\n\
         or absent_over_time(masternode_exporter_build_info[1d])",
            "Prometheus sees no masternode exporter.",
            "No exporter{of_job} is scraped: nothing is known of its masternodes.",
        ],
    ),
    alert(
        "MasternodeExporterWatchdog",
        Severity::None,
        0,
        About::Exporter,
        [
            "vector(1)",
            "Always fires: whoever does not receive it knows that the way is broken.",
            "This alert always fires, so that a dead man's switch can tell when Prometheus or Alertmanager is silent.",
        ],
    ),
];
