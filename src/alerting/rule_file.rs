//! `alerts/masternode.rules.yml`: the Prometheus rules.
//!
//! The exporter evaluates the conditions. The rules add what an exporter cannot know: the pending duration, which of
//! several exporters counts, the last known state while an exporter is down, and that it is down.
//!
//! Never here: a condition; a threshold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::alerting::catalog::PROMETHEUS_ALERTS;
use domain::condition::{Agreement, Condition};
use domain::condition::{Alert, Catalogue, Scope, Severity};

/// Labels by which Prometheus and Kubernetes distinguish targets. Alerts do not have them, so that two replicas raise
/// one alert, and a rule and a notification of the exporter are one alert in Alertmanager.
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

/// Whether a label added to all rules replaces one by which alerts, or the exporters of two alerts, differ. Only
/// `namespace` may be set: an `AlertmanagerConfig` requires it.
pub fn is_reserved(label: &str) -> bool {
    (TARGET_LABELS.contains(&label) && label != "namespace") || is_alert_label(label)
}

/// Whether the exporter gives the label to alerts: a value for all alerts would make different ones equal.
pub fn is_alert_label(label: &str) -> bool {
    let scopes = [
        Scope::Masternode,
        Scope::Group,
        Scope::Network,
        Scope::QuorumType,
        Scope::Source,
        Scope::Receiver,
        Scope::Exporter,
    ];
    matches!(label, "alertname" | "severity" | "text") || scopes.iter().any(|scope| scope.labels().contains(&label))
}

/// How long the last known state counts while no exporter reports a newer one.
pub const MEMORY: &str = "7d";
const MEMORY_SECONDS: u32 = 7 * 86_400;

/// The conditions that hold, each with its text and the target that reported it; the value is the time of the last
/// report.
pub const HELD: &str = "page:masternode_alert_text:held";

/// Those that are remembered: almost none while all exporters run, so what depends on them costs little.
const UNREPORTED: &str = "page:masternode_alert_text:unreported";

/// Exporters that evaluate the masternodes of [`UNREPORTED`]: read once instead of in each clause of [`HELD`].
const SUBJECT: &str = "page:masternode_alert_subject:unreported";

/// The same as [`HELD`], one series for each subject.
pub const FIRING: &str = "masternode:masternode_alert_text:firing";

/// Number of exporters of a job that report a network.
const PAGES: &str = "job:masternode_alert_evaluated:count";

/// The condition of a watched masternode that left the list: it ends the others.
const MISSING: &str = "MasternodeMissing";

/// Targets that were exporters. A job can have other targets.
const EXPORTERS: &str = "instance:masternode_exporter:seen";

/// Exporters that cannot be scraped.
const DOWN: &str = "up == 0 and on (job, instance) instance:masternode_exporter:seen";

/// Jobs with all their exporters, by network.
const WHOLE: &str = "job:masternode_alert_evaluated:whole";

/// Options that differ between installations.
#[derive(Clone, Debug, Default)]
pub struct RuleOptions {
    /// Labels added to each alert.
    pub labels: BTreeMap<String, String>,
    /// Severity overrides by alert name.
    pub severities: BTreeMap<String, Severity>,
    /// Names of alerts that are left out.
    pub disabled: BTreeSet<String>,
    /// Base URL of runbooks; empty for none.
    pub runbook_url: String,
    /// The job of the exporters. With it, `MasternodeExporterAbsent` has its `job` even if Prometheus never scraped an
    /// exporter.
    pub job: Option<String>,
}

/// The condition that no exporter was ever seen, without a job. The template of the chart replaces it when it has one.
pub const ABSENT: &str = "absent(masternode_exporter_build_info) unless on () job:masternode_exporter:seen";

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
        // An empty value removes a label: an alert with a new text, or of another exporter, is the same alert.
        let removed: &[&str] = if SHARED.contains(&condition.alert.scope) { &["text"] } else { &["instance", "text"] };
        write_alert(&mut text, &condition.alert, &expression, (&description(condition), removed), options);
    }
    for alert in PROMETHEUS_ALERTS {
        let absent = options
            .job
            .as_ref()
            .map_or_else(|| ABSENT.to_string(), |job| format!("absent(masternode_exporter_build_info{{job={job:?}}})"));
        let expression = alert.expression.replace("$absent", &absent);
        write_alert(&mut text, &alert.alert, &expression, (alert.description, &[]), options);
    }
    text
}

fn without(more: &[&str]) -> String {
    TARGET_LABELS.iter().chain(more).copied().collect::<Vec<_>>().join(", ")
}

/// Name, comment and expression of a recording rule.
type Record = (&'static str, &'static str, String);

/// Each recording rule, in order of dependency.
fn records(catalogue: &Catalogue) -> Vec<Record> {
    presence().into_iter().chain(unreported()).chain([held(catalogue), firing(catalogue)]).collect()
}

/// Rules about exporters that are present, and about what is missing without them.
fn presence() -> [Record; 5] {
    [
        (
            PAGES,
            "Number of exporters of a job that report a network; without a network, number of exporters of the job.",
            "count by (job, network) (masternode_alert_evaluated)\nor\ncount by (job) (masternode_exporter_build_info)"
                .into(),
        ),
        (
            EXPORTERS,
            "Time at which an exporter last reported. Other targets of its job are none.",
            seen(EXPORTERS, "count by (job, instance) (masternode_exporter_build_info)", "(job, instance) up == 0"),
        ),
        (
            WHOLE,
            "Jobs with all their exporters: as many as in the last week, not counting ten minutes of a rollout.",
            format!(
                "{PAGES} >= max_over_time(min_over_time({PAGES}[10m])[{MEMORY}:10m])\n  \
                   unless on (job) ({DOWN})\n  \
                   unless on (job, network) (\n    \
                     masternode_exporter_gap_blocks_total unless on (job, instance, network) masternode_alert_evaluated\n  \
                   )"
            ),
        ),
        (
            "job:masternode_exporter:seen",
            "Time at which a job last reported a network.",
            seen(
                "job:masternode_exporter:seen",
                "count by (job, network) (masternode_exporter_gap_blocks_total)",
                &format!("(job) ({DOWN})"),
            ),
        ),
        (
            "masternode:masternode_registered:lost",
            "Masternodes of an exporter that is gone without a replacement, and that no other exporter watches.",
            format!(
                "(\n  \
                   max by (job, network, masternode, alias) (\n    \
                     masternode_registered offset 5m unless on (network, masternode) masternode_registered\n  \
                   ) * 0 + time()\n  \
                   or\n  \
                   {}\n\
                 )\n\
                 unless on (network, masternode) masternode_registered\n\
                 unless on (job, network) {WHOLE}",
                remembered("masternode:masternode_registered:lost", &format!("(job) ({DOWN})")).replace('\n', "\n  "),
            ),
        ),
    ]
}

/// The time of each series now, or the last time: a Prometheus that was down for up to an hour still knows it.
fn seen(record: &str, now: &str, down: &str) -> String {
    format!("{now} * 0 + time()\nor\n{}", remembered(&format!("last_over_time({record}[1h])"), down))
}

/// A record of times that remembers itself for a week, and longer while its exporters are configured and down.
fn remembered(record: &str, down: &str) -> String {
    format!("{record} > time() - {MEMORY_SECONDS}\nor\n{record} and on {down}")
}

fn names(catalogue: &Catalogue, fits: impl Fn(&Condition) -> bool) -> String {
    let fitting = catalogue.conditions().filter(|condition| fits(condition));
    fitting.map(|condition| condition.alert.name).collect::<Vec<_>>().join("|")
}

/// What is remembered, and which exporters could contradict it.
fn unreported() -> [Record; 2] {
    let unreported = format!(
        "(\n  {}\n)\nunless masternode_alert_text",
        remembered(HELD, "(job, instance) up == 0").replace('\n', "\n  ")
    );
    let subject =
        format!("masternode_alert_subject\n  and ignoring (alertname, severity, {}) {UNREPORTED}", without(&["text"]));
    [
        (
            UNREPORTED,
            "Conditions of the evaluation before that no exporter reports now with the same text.",
            unreported,
        ),
        (SUBJECT, "Exporters that evaluate their masternodes.", subject),
    ]
}

/// The matchers are of `alertname`: one that a masternode label is set or not would read the index of every masternode.
fn held(catalogue: &Catalogue) -> Record {
    let (target, target_and_text) = (without(&[]), without(&["text"]));
    let of = |scopes: &[Scope]| names(catalogue, |condition| scopes.contains(&condition.alert.scope));
    let muted = names(catalogue, |condition| condition.alert.scope == Scope::Masternode && condition.mutable);
    let of_masternodes = format!("{UNREPORTED}{{alertname=~\"{}\"}}", of(&[Scope::Masternode]));
    let of_networks = of(&[Scope::Network, Scope::QuorumType]);
    let own = of(&[Scope::Source, Scope::Group, Scope::Receiver, Scope::Exporter]);
    let maintenance =
        "on (network, masternode, alias) masternode_maintenance_until_timestamp_seconds > time()".to_string();
    let held = format!(
        "(\n  \
           masternode_alert_text\n    \
             unless (masternode_alert_text{{alertname=~\"{muted}\"}} and {maintenance})\n\
         ) * 0 + time()\n\
         or\n\
         {UNREPORTED}\n  \
           # Every exporter can contradict a condition of a network; of its sources, groups, receivers and of itself each\n  \
           # knows only its own.\n  \
           unless ignoring ({target_and_text}) masternode_alert_condition{{alertname=~\"{of_networks}\"}}\n  \
           unless ignoring (text) masternode_alert_condition{{alertname=~\"{own}\"}}\n  \
           unless (\n    \
             # The exporter that reported it evaluates the masternode, and knows the condition.\n    \
             {of_masternodes}\n      \
               and ignoring (alertname, severity, text) {SUBJECT}\n      \
               unless ignoring (text) masternode_alert_condition_unknown\n    \
             or\n    \
             # Some exporter evaluates it and knows the condition, and to none it is inapplicable.\n    \
             {of_masternodes}\n      \
               and ignoring (alertname, severity, {target_and_text}) {SUBJECT}\n      \
               unless ignoring ({target_and_text}) (\n        \
                 count without ({target}) (masternode_alert_condition_unknown)\n          \
                   >= ignoring (alertname, severity) group_left () count without ({target}) ({SUBJECT})\n      \
               )\n      \
               unless on (alertname, network, node_type) masternode_alert_condition_inapplicable\n    \
             or\n    \
             {UNREPORTED}{{alertname=~\"{muted}\"}} and {maintenance}\n    \
             or\n    \
             # Its absence from the list fires: there is no time without an alert.\n    \
             {UNREPORTED}{{alertname!=\"{MISSING}\"}}\n      \
               and on (network, masternode, alias) ALERTS{{alertname=\"{MISSING}\",alertstate=\"firing\"}}\n    \
             or\n    \
             # All exporters of the job are there, and none of them has it on its list.\n    \
             {UNREPORTED}\n      \
               and on (job, network) {WHOLE}\n      \
               unless ignoring ({target_and_text}) masternode_alert_condition_unknown\n      \
               unless on (network, masternode, alias) masternode_alert_text{{alertname=\"{MISSING}\"}}\n  \
           )"
    );
    (
        HELD,
        "Conditions as exporters report them now or reported them last: until one reports otherwise, the subject is no longer watched, or a week has passed.",
        held,
    )
}

/// Subjects of which one text is enough, whichever exporter wrote it.
const SHARED: &[Scope] = &[Scope::Masternode, Scope::Group, Scope::Network, Scope::QuorumType];

fn firing(catalogue: &Catalogue) -> Record {
    let (target, target_and_text, but_job) = (without(&[]), without(&["text"]), TARGET_LABELS[1..].join(", "));
    let but = |kept: &[&str]| {
        TARGET_LABELS.iter().filter(|label| !kept.contains(label)).copied().collect::<Vec<_>>().join(", ")
    };
    let (but_instance, but_both) = (but(&["instance"]), but(&["job", "instance"]));
    let of = |scopes: &[Scope]| names(catalogue, |condition| scopes.contains(&condition.alert.scope));
    let (shared, of_exporters) = (of(SHARED), of(&[Scope::Exporter]));
    let reachable = of(&[Scope::Source, Scope::Receiver]);
    let all = names(catalogue, |condition| condition.agreement == Agreement::All);
    (
        FIRING,
        "One series for each subject, with the newest text. A condition of a whole network holds only while no exporter contradicts it.",
        format!(
            "(\n  \
               max without ({target}) (\n    \
                 topk without ({target_and_text}) (1, {HELD}{{alertname=~\"{shared}\"}})\n  \
               )\n  \
               or\n  \
               max without ({but_instance}) (\n    \
                 topk without ({target_and_text}) (1, {HELD}{{alertname=~\"{reachable}\"}})\n  \
               )\n  \
               or\n  \
               max without ({but_both}) (\n    \
                 topk without ({but_job}, text) (1, {HELD}{{alertname=~\"{of_exporters}\"}})\n  \
               )\n\
             )\n\
             unless ignoring ({target_and_text}) (\n  \
               masternode_alert_condition{{alertname=~\"{all}\"}} == 0\n\
             )"
        ),
    )
}

/// The text of a condition as the exporter wrote it. If the exporter matters, its instance is named.
fn description(condition: &Condition) -> String {
    if SHARED.contains(&condition.alert.scope) {
        return "{{ $labels.text }}".into();
    }
    let labels = condition.alert.scope.labels();
    let matchers: Vec<String> = labels.iter().map(|label| format!("{label}=%q")).collect();
    let values: Vec<String> = labels.iter().map(|label| format!("$labels.{label}")).collect();
    let query = format!("{HELD}{{alertname='{}',{}}}", condition.alert.name, matchers.join(","));
    let shown = "{{ .Labels.text }} Exporter {{ .Labels.instance }}. ";
    format!(
        "{{{{ range printf \"{query}\" {} | query | sortByLabel \"instance\" }}}}{shown}{{{{ end }}}}",
        values.join(" ")
    )
}

fn write_alert(
    text: &mut String,
    alert: &Alert,
    expression: &str,
    (description, removed): (&str, &[&str]),
    options: &RuleOptions,
) {
    if options.disabled.contains(alert.name) {
        return;
    }
    let severity = options.severities.get(alert.name).copied().unwrap_or(alert.severity);
    let _ = write!(text, "\n      - alert: {}\n", alert.name);
    write_expression(text, expression);
    let _ = writeln!(text, "        for: {}", duration(alert.hold_seconds.into()));
    let _ = writeln!(text, "        labels:\n          severity: {}", severity.label());
    for label in removed {
        let _ = writeln!(text, "          {label}: \"\"");
    }
    for (name, value) in &options.labels {
        let _ = writeln!(text, "          {name}: {}", serde_json::Value::from(value.as_str()));
    }
    let _ = writeln!(text, "        annotations:\n          summary: {:?}", alert.summary);
    let _ = writeln!(text, "          description: >-\n            {description}");
    let _ = writeln!(text, "          runbook_url: {}", alert.runbook_url(&options.runbook_url));
}

/// A duration in the format of Prometheus.
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
