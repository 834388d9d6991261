//! Conditions of this process: configuration, history file, series limit and receivers.
//!
//! Never here: what only Prometheus can detect, such as an exporter that is down.

use crate::condition::{Condition, ProcessState, ReceiverState, Rule, Severity, Verdict};
use crate::rfc3339;

/// The conditions of this process.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeExporterNotificationsFailing",
        Severity::Critical,
        300,
        Rule::Receiver(notifications_failing),
        [
            "Notifications of the exporter to a receiver fail.",
            "Notifications to receiver {receiver} failed and succeed again.",
        ],
    ),
    Condition::new(
        "MasternodeExporterConfigReloadFailed",
        Severity::Warning,
        300,
        Rule::Exporter(config_reload_failed),
        ["The last configuration reload failed.", "A configuration reload failed; a later reload succeeded."],
    ),
    Condition::new(
        "MasternodeExporterWebConfigReloadFailed",
        Severity::Warning,
        300,
        Rule::Exporter(web_config_reload_failed),
        [
            "The last reload of the web configuration file, or of a certificate or key in it, failed.",
            "A reload of the web configuration failed; a later reload succeeded.",
        ],
    ),
    Condition::new(
        "MasternodeExporterHistoryDamaged",
        Severity::Warning,
        0,
        Rule::Exporter(history_damaged),
        [
            "The history file is damaged, or damage was found lately.",
            "The history file was damaged; no further damage was found.",
        ],
    ),
    Condition::new(
        "MasternodeExporterHistoryNotWritten",
        Severity::Warning,
        300,
        Rule::Exporter(history_not_written),
        ["Writing to the history file fails.", "Writing to the history file failed and succeeds again."],
    ),
    Condition::new(
        "MasternodeExporterSeriesSuppressed",
        Severity::Warning,
        300,
        Rule::Exporter(series_suppressed),
        [
            "The series limit removes samples of masternodes from `/metrics`.",
            "The series limit removed samples from `/metrics` and no longer does.",
        ],
    ),
    Condition::new(
        "MasternodeExporterEntryUnmatched",
        Severity::Warning,
        600,
        Rule::Exporter(entry_unmatched),
        [
            "An entry of the watch list or of maintenance matches no masternode, or other masternodes than before.",
            "Every entry of the watch list and of maintenance matches its masternodes again.",
        ],
    ),
    Condition::new(
        "MasternodeExporterWatchFileRefused",
        Severity::Warning,
        0,
        Rule::Exporter(watch_file_refused),
        [
            "A file of the watch list is refused, or names a masternode that is named elsewhere.",
            "Every file of the watch list is in force again.",
        ],
    ),
    Condition::new(
        "MasternodeExporterAlertsUnrouted",
        Severity::Warning,
        300,
        Rule::Exporter(alerts_unrouted),
        [
            "No receiver of the exporter gets some critical alerts.",
            "Some critical alerts had no receiver; every critical alert has one again.",
        ],
    ),
];

/// Most problems of watch files in a text.
const MOST_PROBLEMS: usize = 3;

fn notifications_failing(receiver: &ReceiverState) -> Verdict {
    Verdict::of(receiver.failing, || {
        format!("Receiver {} is unreachable or rejects messages: its notifications are not delivered.", receiver.name)
    })
}

fn config_reload_failed(process: &ProcessState) -> Verdict {
    Verdict::of(Some(!process.config_good), || {
        "The new configuration is invalid; the exporter still uses the previous one. Its log lists the mistakes.".into()
    })
}

fn web_config_reload_failed(process: &ProcessState) -> Verdict {
    Verdict::of(Some(!process.web_config_good), || {
        "The new web configuration is invalid; the exporter still uses the previous certificate and passwords.".into()
    })
}

fn history_damaged(process: &ProcessState) -> Verdict {
    match (process.history_damaged, process.history_damaged_at) {
        (Some(rows @ 1..), _) => Verdict::holds(
            rows as f64,
            format!(
                "{rows} events in the history file of the exporter are damaged and are omitted from all answers. Check the disk: \
                 other files on it may be damaged too."
            ),
        ),
        (_, Some(at)) => Verdict::holds(
            1.0,
            format!(
                "Damage to the history file of the exporter was found at {}. What could be read is in use; events, counters or \
                 states may be lost, see the log of the exporter. Check the disk: other files on it may be damaged too.",
                rfc3339::text(at)
            ),
        ),
        (Some(0), None) => Verdict::DoesNotHold,
        (None, None) if process.history_writable.is_none() => Verdict::Inapplicable,
        (None, None) => Verdict::Unknown,
    }
}

fn history_not_written(process: &ProcessState) -> Verdict {
    match process.history_writable {
        Some(writable) => Verdict::of(Some(!writable), || {
            "Writing to the history file fails: events are queued in memory, and a restart loses them. Check the disk and the \
             permissions of the file."
                .into()
        }),
        None => Verdict::Inapplicable,
    }
}

fn series_suppressed(process: &ProcessState) -> Verdict {
    Verdict::of(Some(process.suppressed_series > 0), || {
        "series.limit removes samples of masternodes from /metrics. Raise it, or set series.others to at_risk.".into()
    })
}

fn alerts_unrouted(process: &ProcessState) -> Verdict {
    Verdict::of(Some(!process.unrouted.is_empty()), || {
        format!(
            "The receivers' match and minimum_severity exclude critical alerts about {}: the exporter notifies nobody of them. Add \
             a receiver for them.",
            process.unrouted.join("; ")
        )
    })
}

fn watch_file_refused(process: &ProcessState) -> Verdict {
    let problems = &process.watch_file_problems;
    Verdict::of(Some(!problems.is_empty()), || {
        let more = problems.len().saturating_sub(MOST_PROBLEMS);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        format!(
            "Watch files have {} problems: {}{more}. `masternode-exporter check` lists all mistakes.",
            problems.len(),
            problems[..problems.len().min(MOST_PROBLEMS)].join("; ")
        )
    })
}

fn entry_unmatched(process: &ProcessState) -> Verdict {
    let Some(problems) = &process.entry_problems else { return Verdict::Unknown };
    Verdict::of(Some(!problems.is_empty()), || problems.join(" "))
}
