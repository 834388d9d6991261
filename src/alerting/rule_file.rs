//! `alerts/masternode.rules.yml`: the rules for Prometheus.
//!
//! The exporter evaluates the conditions. The rules add what no exporter can: how long a condition must hold, which of several
//! exporters speaks, what was known last while an exporter is away, and that it is away.
//!
//! Never here: a condition; a threshold.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::alerting::catalog::PROMETHEUS_ALERTS;
use domain::condition::{Agreement, Condition};
use domain::condition::{Alert, Catalogue, Scope, Severity};

/// Labels by which Prometheus and Kubernetes tell targets apart. Alerts have none of them, so that two replicas give one alert,
/// and a rule and a notification of the exporter are one alert to Alertmanager.
pub const TARGET_LABELS: &[&str] = &[
    "job",
    "instance",
    "namespace",
    "pod",
    "container",
    "endpoint",
    "service",
    "node",
    "prometheus",
    "prometheus_replica",
];

/// What was known last counts for so long while nobody knows better.
pub const MEMORY: &str = "7d";
const MEMORY_SECONDS: u32 = 7 * 86_400;

/// The conditions that hold, each with its text and the target that said so; the value is when it last did.
pub const HELD: &str = "page:masternode_alert_text:held";

/// The same, one for each subject, without those that are muted.
pub const FIRING: &str = "masternode:masternode_alert_text:firing";

/// How many exporters of a job report a network.
const PAGES: &str = "job:masternode_alert_evaluated:count";

/// Held conditions of masternodes that an exporter knows to hold or not.
const KNOWN: &str = "masternode:masternode_alert_text:known";

/// The condition of masternodes that is known wherever there is a list: it stands for being watched.
pub const ALWAYS_KNOWN: &str = "MasternodeMissing";

/// The jobs of which no exporter is missing, by network.
const WHOLE: &str = "job:masternode_alert_evaluated:whole";

/// What differs from one installation to another.
#[derive(Clone, Debug, Default)]
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

const HEAD: &str = "\
# Recording and alerting rules for masternodes, for Prometheus 2.42 or later.
#
# Made of the catalogue of conditions; a test compares both. docs/alerts.md explains how to load it, and what to change.
# One group, evaluated at least every 2 minutes: a record reads what it was at the evaluation before.
groups:
  - name: masternode-exporter
    rules:
";

/// The file.
pub fn render(catalogue: &Catalogue, options: &RuleOptions) -> String {
    let mut text = HEAD.to_string();
    for (name, comment, expression) in records(catalogue) {
        let _ = write!(text, "\n      # {comment}\n      - record: {name}\n");
        write_expression(&mut text, &expression);
    }
    for condition in catalogue.conditions() {
        let expression = format!("{FIRING}{{alertname=\"{}\"}}", condition.alert.name);
        write_alert(&mut text, &condition.alert, &expression, &description(condition), options);
    }
    for alert in PROMETHEUS_ALERTS {
        let job = options.job.as_ref().map_or(String::new(), |job| format!("{{job={job:?}}}"));
        let expression = alert.expression.replace("$job", &job);
        write_alert(&mut text, &alert.alert, &expression, alert.description, options);
    }
    text
}

fn without(more: &[&str]) -> String {
    TARGET_LABELS.iter().chain(more).copied().collect::<Vec<_>>().join(", ")
}

/// Name, comment and expression of a recording rule.
type Record = (&'static str, &'static str, String);

/// Each recording rule, in the order in which they need each other.
fn records(catalogue: &Catalogue) -> Vec<Record> {
    presence().into_iter().chain([known(), held(catalogue), firing(catalogue)]).collect()
}

/// Which exporters are there, and what is missing without them.
fn presence() -> [Record; 4] {
    [
        (
            PAGES,
            "How many exporters of a job report a network; without a network, how many there are.",
            "count by (job, network) (masternode_alert_evaluated)\nor\ncount by (job) (masternode_exporter_build_info)"
                .into(),
        ),
        (
            WHOLE,
            "The jobs of which no exporter is missing: as many as in the last two days, but for ten minutes of a roll-out.",
            format!("{PAGES} >= max_over_time(min_over_time({PAGES}[10m])[2d:10m])\n  unless on (job) up == 0"),
        ),
        (
            "job:masternode_exporter:seen",
            "When a job last reported a network.",
            format!(
                "count by (job, network) (masternode_exporter_gap_blocks_total) * 0 + time()\n\
                 or\n\
                 job:masternode_exporter:seen > time() - {MEMORY_SECONDS}"
            ),
        ),
        (
            "masternode:masternode_registered:lost",
            "Masternodes of an exporter that is gone without another in its place, which no other exporter watches.",
            format!(
                "(\n  \
                   max by (job, network, masternode, alias) (masternode_registered offset 5m) * 0 + time()\n  \
                   or\n  \
                   masternode:masternode_registered:lost > time() - {MEMORY_SECONDS}\n\
                 )\n\
                 unless on (network, masternode) masternode_registered\n\
                 unless on (job, network) {WHOLE}"
            ),
        ),
    ]
}

fn names(catalogue: &Catalogue, fits: impl Fn(&Condition) -> bool) -> String {
    let fitting = catalogue.conditions().filter(|condition| fits(condition));
    fitting.map(|condition| condition.alert.name).collect::<Vec<_>>().join("|")
}

/// More exporters have a list with the masternode than do not know the condition. There are a hundred thousand conditions where
/// 5,000 masternodes are watched, so only those are looked at that held.
fn known() -> Record {
    let (target, target_and_text) = (without(&[]), without(&["text"]));
    let held = format!("max without ({target_and_text}) ({HELD}{{masternode!=\"\"}}) * 0");
    (
        KNOWN,
        "What held of masternodes and is known now, by more exporters with a list than do not know it.",
        format!(
            "(\n  \
               {held}\n    \
                 + on (network, masternode, alias) group_left ()\n  \
               count by (network, masternode, alias) (masternode_alert_condition{{alertname=\"{ALWAYS_KNOWN}\"}})\n\
             )\n\
             - (\n  \
               count without ({target}) (\n    \
                 masternode_alert_condition_unknown{{masternode!=\"\"}}\n      \
                   and on (job, instance, network) masternode_alert_evaluated\n  \
               )\n  \
               or\n  \
               {held}\n\
             )\n\
             > 0"
        ),
    )
}

fn held(catalogue: &Catalogue) -> Record {
    let target_and_text = without(&["text"]);
    let is_never_muted = |condition: &Condition| condition.alert.scope == Scope::Masternode && !condition.mutable;
    let unmuted = names(catalogue, is_never_muted);
    (
        HELD,
        "What exporters say now, or said last: until one knows better, the subject is no longer watched, or a week is over.",
        format!(
            "(\n  \
               masternode_alert_text{{masternode=\"\"}}\n  \
               or\n  \
               masternode_alert_text{{alertname=~\"{unmuted}\"}}\n  \
               or\n  \
               masternode_alert_text{{masternode!=\"\"}}\n    \
                 unless on (network, masternode, alias) masternode_maintenance_until_timestamp_seconds > time()\n\
             ) * 0 + time()\n\
             or\n\
             {HELD} > time() - {MEMORY_SECONDS}\n  \
               unless ignoring ({target_and_text}) masternode_alert_condition{{masternode=\"\"}}\n  \
               unless ignoring ({target_and_text}) {KNOWN}\n  \
               unless (\n    \
                 # All exporters of the job are there, and none of them has it on its list.\n    \
                 {HELD}\n      \
                   and on (job, network) {WHOLE}\n      \
                   unless ignoring ({target_and_text}) masternode_alert_condition_unknown\n  \
               )"
        ),
    )
}

fn firing(catalogue: &Catalogue) -> Record {
    let (target, target_and_text, but_job) = (without(&[]), without(&["text"]), TARGET_LABELS[1..].join(", "));
    let all = names(catalogue, |condition| condition.agreement == Agreement::All);
    (
        FIRING,
        "One for each subject, whoever said so. What concerns a whole network holds only while no exporter says otherwise.",
        format!(
            "(\n  \
               max without ({target_and_text}) ({HELD}{{network!=\"\"}} or {HELD}{{receiver!=\"\"}})\n  \
               or\n  \
               max without ({but_job}, text) ({HELD}{{network=\"\",receiver=\"\"}})\n\
             )\n\
             unless ignoring ({target}) (\n  \
               masternode_alert_condition{{alertname=~\"{all}\"}} == 0\n\
             )"
        ),
    )
}

/// The text of a condition, as the exporter wrote it. Where it matters which exporter it is, its instance is named.
fn description(condition: &Condition) -> String {
    let labels = condition.alert.scope.labels();
    let labels: Vec<&str> = labels.iter().copied().filter(|label| *label != "node_type").collect();
    let matchers: Vec<String> = labels.iter().map(|label| format!("{label}=%q")).collect();
    let values: Vec<String> = labels.iter().map(|label| format!("$labels.{label}")).collect();
    let query = format!("{HELD}{{alertname='{}',{}}}", condition.alert.name, matchers.join(","));
    let shown = match condition.alert.scope {
        Scope::Source | Scope::Receiver | Scope::Exporter => {
            "{{ range . | sortByLabel \"instance\" }}{{ .Labels.text }} Exporter {{ .Labels.instance }}. {{ end }}"
        }
        _ => "{{ . | first | label \"text\" }}",
    };
    format!("{{{{ with printf \"{query}\" {} | query }}}}{shown}{{{{ end }}}}", values.join(" "))
}

fn write_alert(text: &mut String, alert: &Alert, expression: &str, description: &str, options: &RuleOptions) {
    let severity = options.severities.get(alert.name).copied().unwrap_or(alert.severity);
    let _ = write!(text, "\n      - alert: {}\n", alert.name);
    write_expression(text, expression);
    let _ = writeln!(text, "        for: {}", duration(alert.hold_seconds.into()));
    let _ = writeln!(text, "        labels:\n          severity: {}", severity.label());
    for (name, value) in &options.labels {
        let _ = writeln!(text, "          {name}: {}", serde_json::Value::from(value.as_str()));
    }
    let _ = writeln!(text, "        annotations:\n          summary: {:?}", alert.summary);
    let _ = writeln!(text, "          description: >-\n            {description}");
    let _ = writeln!(text, "          runbook_url: {}", alert.runbook_url(&options.runbook_url));
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
    if expression.contains('\n') {
        text.push_str("        expr: |-\n");
        for line in expression.lines() {
            let _ = writeln!(text, "          {line}");
        }
    } else {
        let _ = writeln!(text, "        expr: '{}'", expression.replace('\'', "''"));
    }
}
