//! `alerts/masternode.rules.yml`: recording and alerting rules for Prometheus, made of the catalogue.
//!
//! The file is the record of what this writes, and a test compares both. So a threshold, a name or a text that is changed in the
//! catalogue cannot stay old in the rules.
//!
//! Never here: an alert; a threshold of its own.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::alerting::catalog::{About, Alert, Severity, alerts};
use crate::alerting::recording_rules::{indent, recordings};
use crate::alerting::template;
use domain::condition::Thresholds;

/// The alert that names a job, and the metric by which it is known.
const ABSENT: &str = "MasternodeExporterAbsent";
const BUILD_INFO: &str = "masternode_exporter_build_info";

const HEAD: &str = "\
# Recording and alerting rules for masternodes, for Prometheus 2.42 or later.
#
# Made of the catalogue of alerts in src/alerting; a test compares both. docs/alerts.md explains how to load it, and what to
# change. One group, so that every alert sees the records of its own evaluation.
groups:
  - name: masternode-exporter
    rules:
";

/// What differs from one installation to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// Labels that each alert gets.
    pub labels: BTreeMap<String, String>,
    /// Another severity for an alert, by its name.
    pub severities: BTreeMap<String, Severity>,
    /// What stands before the path of a runbook; empty for none.
    pub runbook_url: String,
    /// The job of the exporters: with it, `MasternodeExporterAbsent` has its `job` also where Prometheus never saw an exporter.
    pub job: Option<String>,
}

/// The file. Fails when an alert's text has a placeholder that does not exist.
pub fn render(thresholds: &Thresholds, options: &RuleOptions) -> Result<String, String> {
    let mut text = HEAD.to_string();
    for rule in recordings() {
        if !rule.comment.is_empty() {
            let _ = write!(text, "\n      # {}\n", rule.comment);
        }
        let _ = writeln!(text, "      - record: {}", rule.name);
        write_expression(&mut text, &rule.expression);
    }
    for alert in alerts() {
        write_alert(&mut text, alert, thresholds, options)?;
    }
    Ok(text)
}

fn write_alert(text: &mut String, alert: &Alert, thresholds: &Thresholds, options: &RuleOptions) -> Result<(), String> {
    let severity = options.severities.get(alert.name).copied().unwrap_or(alert.severity);
    let _ = write!(text, "\n      - alert: {}\n", alert.name);
    let mut rule = expression(alert, thresholds);
    if let Some(job) = options.job.as_ref().filter(|_| alert.name == ABSENT) {
        rule = rule.replace(BUILD_INFO, &format!("{BUILD_INFO}{{job={job:?}}}"));
    }
    write_expression(text, &rule);
    let _ = writeln!(text, "        for: {}", duration(u64::from(alert.hold_seconds)));
    let _ = writeln!(text, "        labels:\n          severity: {}", severity.label());
    for (name, value) in &options.labels {
        let _ = writeln!(text, "          {name}: {}", serde_json::Value::from(value.as_str()));
    }
    let _ = writeln!(text, "        annotations:\n          summary: {:?}", alert.summary);
    let _ = writeln!(text, "          description: >-");
    for line in template::prometheus(alert.description)?.lines() {
        let _ = writeln!(text, "            {line}");
    }
    let _ = writeln!(text, "          runbook_url: {}", alert.runbook_url(&options.runbook_url));
    Ok(())
}

/// The PromQL of an alert.
pub fn expression(alert: &Alert, thresholds: &Thresholds) -> String {
    let rule = numbers(thresholds).iter().fold(alert.rule.to_string(), |rule, (name, value)| rule.replace(name, value));
    match alert.about {
        // The side with the groups is the many one: its labels are kept, whatever they are called.
        About::Masternode => {
            let mute = "unless on (network, masternode, alias)\n  \
                        masternode:masternode_maintenance_until_timestamp_seconds:newest > time()";
            format!(
                "(\n{}\n)\n* on (network, masternode, alias) group_right () masternode:masternode_info:newest{}{}",
                indent(&rule),
                if alert.is_mutable() { "\n" } else { "" },
                if alert.is_mutable() { mute } else { "" },
            )
        }
        _ => rule,
    }
}

fn numbers(thresholds: &Thresholds) -> [(&'static str, String); 12] {
    [
        ("$imminent_chance", thresholds.imminent_chance.to_string()),
        ("$recent", duration(thresholds.recent_seconds)),
        ("$repeated_steps", thresholds.repeated_steps.to_string()),
        ("$wave_minimum", thresholds.wave_minimum.to_string()),
        ("$wave_ratio", thresholds.wave_ratio.to_string()),
        ("$group_nodes", thresholds.group_nodes.to_string()),
        ("$group_ratio", format!("{:.4}", thresholds.group_ratio)),
        ("$stalled_seconds", thresholds.stalled_seconds.to_string()),
        ("$chainlock_lag", thresholds.chainlock_lag.to_string()),
        ("$quorum_windows", thresholds.quorum_windows.to_string()),
        ("$shortest_cycle", thresholds.shortest_cycle.to_string()),
        ("$fork_near", thresholds.fork_near_seconds.to_string()),
    ]
}

/// As Prometheus writes spans.
pub fn duration(seconds: u64) -> String {
    match seconds {
        _ if seconds > 0 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

fn write_expression(text: &mut String, expression: &str) {
    text.push_str("        expr: |-\n");
    for line in expression.lines() {
        let _ = writeln!(text, "          {line}");
    }
}
