//! This process: its configuration, its history, its page and its receivers.
//!
//! Never here: what only Prometheus can see, such as an exporter that is gone.

use crate::condition::{Condition, ProcessState, ReceiverState, Rule, Severity, Verdict};

/// All of them.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeExporterNotificationsFailing",
        Severity::Critical,
        300,
        Rule::Receiver(notifications_failing),
        [
            "The exporter cannot reach a receiver of its own notifications.",
            "Receiver {receiver} was not reached and is again.",
        ],
    ),
    Condition::new(
        "MasternodeExporterConfigReloadFailed",
        Severity::Warning,
        300,
        Rule::Exporter(config_reload_failed),
        ["The exporter refused its new configuration.", "The exporter refused a configuration and uses a new one now."],
    ),
    Condition::new(
        "MasternodeExporterWebConfigReloadFailed",
        Severity::Warning,
        300,
        Rule::Exporter(web_config_reload_failed),
        [
            "The exporter could not use its web configuration file, or a certificate or key that it names.",
            "The exporter refused a web configuration and uses a new one now.",
        ],
    ),
    Condition::new(
        "MasternodeExporterHistoryDamaged",
        Severity::Warning,
        0,
        Rule::Exporter(history_damaged),
        ["Events of the history file are damaged.", "Events of the history file were damaged; none is now."],
    ),
    Condition::new(
        "MasternodeExporterHistoryNotWritten",
        Severity::Warning,
        300,
        Rule::Exporter(history_not_written),
        ["The history cannot be written.", "The history could not be written and can be again."],
    ),
    Condition::new(
        "MasternodeExporterSeriesSuppressed",
        Severity::Warning,
        300,
        Rule::Exporter(series_suppressed),
        [
            "The series limit keeps samples of masternodes off the page.",
            "The series limit kept samples off the page and no longer does.",
        ],
    ),
    Condition::new(
        "MasternodeExporterEntryUnmatched",
        Severity::Warning,
        600,
        Rule::Exporter(entry_unmatched),
        [
            "An entry of the watch list or of maintenance matches no masternode.",
            "Every entry of the watch list and of maintenance matches a masternode again.",
        ],
    ),
];

fn notifications_failing(receiver: &ReceiverState) -> Verdict {
    Verdict::of(receiver.failing, || {
        format!("Receiver {} was not reached, or refused a message: notifications do not arrive there.", receiver.name)
    })
}

fn config_reload_failed(process: &ProcessState) -> Verdict {
    Verdict::of(Some(!process.config_good), || {
        "The exporter refused its new configuration and still uses the previous one. Its log names the mistakes.".into()
    })
}

fn web_config_reload_failed(process: &ProcessState) -> Verdict {
    Verdict::of(Some(!process.web_config_good), || {
        "The exporter refused its new web configuration and serves with the old certificate and passwords.".into()
    })
}

fn history_damaged(process: &ProcessState) -> Verdict {
    match process.history_damaged {
        Some(0) => Verdict::DoesNotHold,
        Some(rows) => Verdict::holds(
            rows as f64,
            format!(
                "{rows} events in the history file of the exporter are damaged and left out of all answers. Check the disk: other \
                 files on it can be damaged too."
            ),
        ),
        None if process.history_writable.is_none() => Verdict::Inapplicable,
        None => Verdict::Unknown,
    }
}

fn history_not_written(process: &ProcessState) -> Verdict {
    match process.history_writable {
        Some(writable) => Verdict::of(Some(!writable), || {
            "The history file cannot be written: events wait in memory, and a restart loses them. Check the disk and the file's \
             permissions."
                .into()
        }),
        None => Verdict::Inapplicable,
    }
}

fn series_suppressed(process: &ProcessState) -> Verdict {
    Verdict::of(Some(process.suppressed_series > 0), || {
        "series.limit keeps samples of masternodes off the page: raise it, or choose series.others: at_risk.".into()
    })
}

fn entry_unmatched(process: &ProcessState) -> Verdict {
    let Some(entries) = &process.unmatched_entries else { return Verdict::Unknown };
    Verdict::of(Some(!entries.is_empty()), || {
        format!(
            "No masternode matches {}: what the entry is meant for is not watched. Look for a typing mistake, or remove the entry.",
            entries.join("; ")
        )
    })
}
