//! The alert files: generated from the catalogue, with the same alerts everywhere.
//!
//! Never here: whether a rule fires when it should; promtool tests that with `alerts/tests` (`scripts/test`).

use std::collections::BTreeSet;

use domain::condition::{Alert, Catalogue, Condition, Rule, Severity, Verdict};
use domain::release::{BAD_RELEASES, REFUSED_SETTINGS};
use domain::revival::Revival;
use domain::{MasternodeId, NodeType};
use masternode_exporter::alerting::catalog::{alerts, inhibitions};
use masternode_exporter::alerting::grafana::{self, Grafana};
use masternode_exporter::alerting::inhibition;
use masternode_exporter::alerting::rule_file::{self, RuleOptions};

use masternode_exporter::alerting::settings::Kind;
use masternode_exporter::app::web_state;
use masternode_exporter::metrics::{Exposition, Format, MetricsSettings};
use masternode_exporter::web::api::AlertsOf;
use prometheus::Registry;

use crate::alerts_probes_api::Known;
use crate::markdown;
use crate::push::{FakeReceiver, TestEngine, at_once, has};
use crate::support::golden;
use crate::support::harness::Stage;
use crate::support::samples::Page;

fn catalogue() -> Catalogue {
    Catalogue::default()
}

#[test]
fn the_rules_are_those_of_the_catalogue() {
    golden("alerts/masternode.rules.yml", &rule_file::render(&catalogue(), &RuleOptions::default()));
}

#[test]
fn the_inhibitions_are_those_of_the_code() {
    golden("alerts/inhibition.yml", &inhibition::render(&catalogue()));
}

#[test]
fn the_rules_have_every_alert_with_its_hold_severity_and_runbook_and_what_is_configured() {
    let options = RuleOptions {
        labels: [("team".to_string(), "masternodes".to_string())].into(),
        severities: [("MasternodeMissing".to_string(), Severity::Warning)].into(),
        disabled: ["MasternodePingLate".to_string()].into(),
        runbook_url: "https://example.org".into(),
        job: Some("exporters".into()),
    };
    let text = rule_file::render(&catalogue(), &options);
    let blocks: Vec<(&str, &str)> =
        text.split("- alert: ").skip(1).map(|block| block.split_once('\n').unwrap()).collect();
    let names: Vec<&str> = blocks.iter().map(|(name, _)| *name).collect();
    let rendered = |alert: &&Alert| alert.name != "MasternodePingLate";
    assert_eq!(names, alerts(&catalogue()).filter(rendered).map(|alert| alert.name).collect::<Vec<_>>());
    for (alert, (_, block)) in alerts(&catalogue()).filter(rendered).zip(blocks) {
        let has = |line: String| assert!(block.lines().any(|found| found.trim() == line), "{}: {line}", alert.name);
        let severity = if alert.name == "MasternodeMissing" { "warning" } else { alert.severity.label() };
        has(format!("for: {}", rule_file::duration(alert.hold_seconds.into())));
        has(format!("severity: {severity}"));
        has("team: \"masternodes\"".into());
        has(format!("runbook_url: https://example.org/{}", alert.runbook()));
    }
    assert!(text.contains("absent(masternode_exporter_build_info{job=\"exporters\"})\n"), "other jobs do not count");
}

#[test]
fn the_chart_gives_the_job_to_the_alert_that_the_command_gives_it_to() {
    let template = markdown::read("helm/masternode-exporter/templates/_rules.tpl");
    assert!(template.contains(&format!("{:?}", rule_file::ABSENT)), "{template}");
    let rules = markdown::read("alerts/masternode.rules.yml");
    assert_eq!(rules.matches(rule_file::ABSENT).count(), 1);
}

#[test]
fn grafana_runs_no_query_and_every_alert_has_a_text() {
    let rules = rule_file::render(&catalogue(), &RuleOptions::default());
    let grafana = Grafana { datasource: "prometheus".into(), folder: "Masternodes".into() };
    let text = grafana::provisioning(&rules, &grafana).unwrap();
    assert!(!text.contains("| query"), "{text}");
    let texts = text.lines().filter(|line| line.contains("description: \"{{ $labels.text }}"));
    assert_eq!(texts.count(), catalogue().conditions().count(), "{text}");
}

/// One cause is one page.
#[test]
fn a_list_that_is_not_confirmed_pages_once() {
    let catalogue = catalogue();
    let muted_by = |name: &str| -> BTreeSet<&str> {
        let rules = inhibitions(&catalogue).filter(|(source, _)| *source == name);
        rules.flat_map(|(_, rule)| rule.targets.iter().copied()).collect()
    };
    let consequences = ["MasternodeExporterListMissing", "MasternodeExporterMasternodesUnreported"];
    for cause in
        ["MasternodeExporterAllSourcesDown", "MasternodeExporterDataStale", "MasternodeExporterNetworkUnreported"]
    {
        let muted = muted_by(cause);
        assert!(consequences.iter().all(|name| muted.contains(name)), "{cause}: {muted:?}");
    }
    assert!(muted_by("MasternodeExporterAllSourcesDown").contains("MasternodeExporterDataStale"));
}

#[test]
fn the_chart_refuses_the_labels_that_the_command_refuses() {
    let schema: serde_json::Value =
        serde_json::from_str(&markdown::read("helm/masternode-exporter/values.schema.json")).unwrap();
    let of_scopes =
        catalogue().conditions().flat_map(|condition| condition.alert.scope.labels()).copied().collect::<Vec<_>>();
    let expected: BTreeSet<&str> = of_scopes
        .into_iter()
        .chain(rule_file::TARGET_LABELS.iter().copied())
        .chain(["alertname", "severity", "text"])
        .filter(|label| *label != "namespace")
        .collect();
    for path in ["/properties/prometheusRule/properties/alertLabels", "/definitions/alert/properties/labels"] {
        let refused = &schema.pointer(&format!("{path}/propertyNames/not/enum")).unwrap();
        let refused: BTreeSet<&str> = refused.as_array().unwrap().iter().filter_map(|label| label.as_str()).collect();
        assert_eq!(refused, expected, "{path}");
    }
    assert!(expected.iter().all(|label| rule_file::is_reserved(label)));
    assert!(!rule_file::is_reserved("namespace") && !rule_file::is_reserved("team"));
}

/// The names of the files of a folder, without extension.
fn stems(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(markdown::root().join(folder)).unwrap();
    let stem = |path: std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    entries.map(|entry| stem(entry.unwrap().path())).collect()
}

#[test]
fn a_diagnosis_with_commands_says_how_they_run_in_kubernetes() {
    let mut without = Vec::new();
    for alert in alerts(&catalogue()) {
        let page = markdown::read(&alert.runbook());
        let diagnosis = page.split("## Diagnosis").nth(1).unwrap().split("## Resolution").next().unwrap();
        let has_commands = ["-cli ", "masternode-exporter ", "journalctl", "exporter's log"]
            .iter()
            .any(|word| diagnosis.contains(word));
        if has_commands && !diagnosis.contains("kubectl ") {
            without.push(alert.name);
        }
    }
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn every_alert_has_a_runbook_that_says_what_to_do() {
    assert_eq!(stems("docs/runbooks"), alerts(&catalogue()).map(|alert| alert.name.to_string()).collect());
    for alert in alerts(&catalogue()) {
        let page = markdown::read(&alert.runbook());
        let mut lines = page.lines();
        assert_eq!(lines.next(), Some(&*format!("# {}", alert.name)));
        let (severity, held) = (alert.severity.label(), rule_file::duration(alert.hold_seconds.into()));
        assert_eq!(lines.nth(1), Some(&*format!("Severity {severity}, after {held}.")), "{}", alert.runbook());
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let expected = ["Meaning", "Impact", "Diagnosis", "Resolution", "False positives"];
        assert_eq!(headings, expected, "{}", alert.runbook());
    }
}

/// The rows of the overview in docs/alerts.md.
fn overview(catalogue: &Catalogue) -> String {
    let row = |alert: &Alert| {
        let (name, held) = (alert.name, rule_file::duration(alert.hold_seconds.into()));
        format!("| [{name}](runbooks/{name}.md) | {} | {held} | {} |\n", alert.severity.label(), alert.summary)
    };
    alerts(catalogue).map(row).collect()
}

#[test]
fn the_overview_lists_every_alert_with_severity_and_duration() {
    let page = markdown::read("docs/alerts.md");
    let (before, rest) = page.split_once("|---|---|---|---|\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    golden("docs/alerts.md", &format!("{before}|---|---|---|---|\n{}\n{after}", overview(&catalogue())));
}

static EXTRA: Condition = Condition::new(
    "MasternodeExtra",
    Severity::Critical,
    0,
    Rule::Masternode(|node| Verdict::holds(7.0, format!("{} is one more.", node.who()))),
    ["One more condition.", "Masternode {node} was one more."],
);

#[tokio::test(flavor = "multi_thread")]
async fn one_more_entry_of_the_catalogue_is_in_rules_chart_documents_messages_metrics_page_and_api() {
    let catalogue = catalogue().with(&EXTRA);
    let rules = rule_file::render(&catalogue, &RuleOptions::default());
    assert!(rules.contains("- alert: MasternodeExtra\n"));
    let grafana = Grafana { datasource: "prometheus".into(), folder: "Masternodes".into() };
    assert!(grafana::provisioning(&rules, &grafana).unwrap().contains("MasternodeExtra"));
    the_chart_has_every_alert_of_the_rules();
    assert!(overview(&catalogue).contains("| [MasternodeExtra](runbooks/MasternodeExtra.md) | critical | 0m |"));

    let stage = Stage::following().await;
    let receiver = FakeReceiver::start().await;
    let mut exporter = TestEngine::with(catalogue, None);
    let exposition = Exposition::new(MetricsSettings::default(), Registry::new());
    exposition.show_conditions(exporter.engine.evaluations());
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&at_once(vec![receiver.settings("one", Kind::Generic)])).await;
    let got = receiver.wait("one more", |got| has(got, "MasternodeExtra", "firing")).await;
    let description = got[0].body.to_string();
    assert!(description.contains("is one more."), "{description}");
    let text = exposition.text(Format::Text).await;
    // A thousand masternodes that are not banned are no thousand series.
    let zeros = text.lines().filter(|line| line.starts_with("masternode_alert_condition{") && line.ends_with(" 0"));
    assert!(zeros.clone().count() > 0 && zeros.clone().all(|line| !line.contains(",masternode=")), "{text}");
    let page = Page::read(&text);
    page.expect("masternode_alert_subject", &[("alias", "mn-0"), ("half", "even"), ("network", "dash-test")], 1.0);
    let inapplicable = [("alertname", "MasternodeUnreachable"), ("network", "dash-test"), ("node_type", "regular")];
    assert!(page.value("masternode_alert_condition_inapplicable", &inapplicable).is_some_and(|count| count >= 1.0));
    let known = [("alertname", "MasternodePoSeBanned"), inapplicable[1]];
    assert_eq!(page.value("masternode_alert_condition_inapplicable", &known), None);
    let labels = [("alertname", "MasternodeExtra"), ("severity", "critical"), ("alias", "mn-0"), ("half", "even")];
    page.expect("masternode_alert_condition", &labels, 1.0);
    let text = "Masternode mn-0 half=even on dash-test is one more.".to_string();
    page.expect("masternode_alert_text", &[labels[0], labels[2], ("text", &text)], 1.0);
    page.expect("masternode_alert_evaluated", &[("network", "dash-test")], 1.0);
    let id = stage.masternode(0);
    let board = exporter.engine.board();
    let mut known = Known::of(stage);
    known.firing = web_state::firing(&board, AlertsOf::Masternode("dash-test", &id.parse().unwrap()), 9);
    let shown = format!("critical MasternodeExtra mn-0 {text}");
    known.shows("/", &[&shown]);
    known.shows(&format!("/masternodes/{id}"), &["critical MasternodeExtra", &text]);
    let in_api = |alerts: &serde_json::Value| {
        let alerts = alerts.as_array().unwrap();
        alerts.iter().any(|alert| alert["alert"] == "MasternodeExtra" && alert["description"] == text.as_str())
    };
    assert!(in_api(&known.api("/api/v1/status")["alerts"]["firing"]));
    assert!(in_api(&known.api(&format!("/api/v1/masternodes/{id}"))["alerts"]));
    exporter.engine.stop().await;
}

/// The chart copies the rules, reads the names of its settings from the copy, and renders what it reads: its own files name no alert.
fn the_chart_has_every_alert_of_the_rules() {
    let chart = "helm/masternode-exporter";
    let rules = markdown::read("alerts/masternode.rules.yml");
    assert_eq!(markdown::read(&format!("{chart}/files/alerts/masternode.rules.yml")), rules);
    let schema: serde_json::Value =
        serde_json::from_str(&markdown::read(&format!("{chart}/values.schema.json"))).unwrap();
    let settings = schema.pointer("/properties/prometheusRule/properties/rules/properties").unwrap();
    let settings: BTreeSet<&str> = settings.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(settings, alerts(&catalogue()).map(|alert| alert.name).collect());
    for file in ["helm/generate.py", &format!("{chart}/templates/_rules.tpl")] {
        let text = markdown::read(file);
        assert_eq!(
            alerts(&catalogue()).find(|alert| text.contains(alert.name)).map(|alert| alert.name),
            None,
            "{file}"
        );
    }
}

#[test]
fn an_inhibition_names_alerts_that_exist_and_labels_that_both_have() {
    let catalogue = catalogue();
    let named = |name: &str| alerts(&catalogue).find(|alert| alert.name == name).unwrap_or_else(|| panic!("no {name}"));
    // Alerts that only Prometheus raises have the job, too.
    let has = |alert: &Alert, label: &str| alert.scope.labels().contains(&label) || label == "job";
    for (source, rule) in inhibitions(&catalogue) {
        for alert in rule.targets.iter().chain([&source]).map(|name| named(name)) {
            assert!(rule.equal.iter().all(|label| has(alert, label)), "{}", alert.name);
        }
        assert!(!rule.targets.contains(&source), "{source} mutes itself");
    }
}

/// A penalty wave concerns the network; critical alerts of single masternodes are still sent.
#[test]
fn a_wave_mutes_nothing_critical() {
    let catalogue = catalogue();
    let targets = inhibitions(&catalogue).filter(|(source, _)| *source == "MasternodePenaltyWave");
    let targets: Vec<_> = targets.flat_map(|(_, rule)| rule.targets).collect();
    assert!(!targets.is_empty());
    let severity = |name: &str| catalogue.find(name).unwrap().alert.severity;
    assert!(targets.iter().all(|name| severity(name) == Severity::Warning));
}

/// Texts that exist twice: in a runbook or a document, and in the output of `doctor` and the page of a masternode.
#[test]
fn the_pages_have_the_commands_and_settings_that_the_program_prints() {
    let id = "01".repeat(32).parse().map(MasternodeId::ProTx).unwrap();
    let page = markdown::read("docs/pose.md");
    for node_type in NodeType::ALL {
        for command in (Revival { id: &id, node_type, address: None, v24_active: None }).commands() {
            let shown = command.text.replace(&id.to_string(), "<proTxHash>").replace('\n', "\n   ");
            assert!(page.contains(&shown), "docs/pose.md lacks:\n{shown}");
        }
    }
    assert!(page.contains("up to 10 minutes in the mempool"));
    let runbook = markdown::read("docs/runbooks/MasternodeNotReadyForNextRelease.md");
    for (settings, change) in REFUSED_SETTINGS {
        let names: Vec<String> = settings.split(", ").map(|name| format!("`{name}`")).collect();
        let row = format!("| {} | {change} |", names.join(", "));
        assert!(runbook.contains(&row), "the runbook lacks {row}");
    }
    let bad = markdown::read("docs/runbooks/MasternodeReleaseBad.md");
    assert!(BAD_RELEASES.iter().all(|release| bad.contains(&format!("| Dash Core {} |", release.name))));
}
