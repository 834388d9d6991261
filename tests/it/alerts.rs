//! The files for alerts: made of the catalogue, all speaking of the same alerts.
//!
//! Never here: whether a rule fires when it should; `alerts/tests` and promtool tell (`scripts/test`).

use std::collections::{BTreeMap, BTreeSet};

use domain::condition::Thresholds;
use domain::release::{BAD_RELEASES, REFUSED_SETTINGS};
use domain::revival::Revival;
use domain::{MasternodeId, NodeType};
use masternode_exporter::alerting::catalog::{About, Alert, alerts};
use masternode_exporter::alerting::rule_file::RuleOptions;
use masternode_exporter::alerting::{inhibition, recording_rules, rule_file};

use crate::markdown;
use crate::support::golden;

const RULES: &str = "alerts/masternode.rules.yml";

/// What the tests of every alert must show.
const CASES: &[&str] =
    &["fires", "does not fire", "resolves", "the data is stale", "the exporter restarts", "two replicas"];

/// Always fires, so two of the cases cannot be.
const WATCHDOG: &str = "MasternodeExporterWatchdog";

#[test]
fn the_rules_are_those_of_the_catalogue() {
    golden(RULES, &rule_file::render(&Thresholds::DEFAULT, &RuleOptions::default()).unwrap());
}

#[test]
fn the_inhibitions_are_those_of_the_code() {
    golden("alerts/inhibition.yml", &inhibition::inhibition());
}

/// What a file of rules says of one alert: the key of each line to its value, up to the next one. Alerts stand behind all records.
fn read_rules(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut read: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let blocks = text.split("- alert: ").skip(1);
    for block in blocks {
        let (name, block) = block.split_once('\n').unwrap();
        let pairs = block.lines().filter_map(|line| line.trim().split_once(": "));
        let pairs = pairs.map(|(key, value)| (key.to_string(), value.trim_matches('"').to_string()));
        assert!(read.insert(name.into(), pairs.collect()).is_none(), "{name} stands twice");
    }
    read
}

#[test]
fn rules_and_catalogue_agree_on_names_severities_durations_and_runbooks() {
    let read = read_rules(&markdown::read(RULES));
    let names: BTreeSet<&str> = read.keys().map(String::as_str).collect();
    assert_eq!(names, alerts().map(|alert| alert.name).collect());
    for alert in alerts() {
        let said = &read[alert.name];
        assert_eq!(said["severity"], alert.severity.label(), "{}", alert.name);
        assert_eq!(said["for"], rule_file::duration(alert.hold_seconds.into()), "{}", alert.name);
        assert_eq!(said["summary"], alert.summary);
        assert_eq!(said["runbook_url"], alert.runbook());
    }
}

/// The names of the files of a folder, without what follows the last dot.
fn stems(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(markdown::root().join(folder)).unwrap();
    let stem = |path: std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    entries.map(|entry| stem(entry.unwrap().path())).collect()
}

#[test]
fn every_alert_has_tests_of_every_case_with_its_labels_and_text() {
    assert_eq!(stems("alerts/tests"), alerts().map(|alert| alert.name.to_string()).collect());
    for alert in alerts() {
        let path = format!("alerts/tests/{}.yml", alert.name);
        let text = markdown::read(&path);
        let cases: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("  - name: "))
            .map(|name| name.trim_matches('"'))
            .collect();
        let cannot: &[&str] = if alert.name == WATCHDOG { &CASES[1..] } else { &[] };
        for case in CASES.iter().filter(|case| !cannot.contains(case)) {
            let shown =
                cases.iter().any(|name| name.starts_with(case) || name.contains(&case.replace("the exporter ", "")));
            assert!(shown, "{path} has no case {case:?}: {cases:?}");
        }
        let tested = text.lines().filter_map(|line| line.trim().strip_prefix("alertname: "));
        assert!(tested.clone().count() > 0 && tested.clone().all(|name| name == alert.name), "{path}");
        let labels: Vec<&str> = text.lines().filter(|line| line.contains("exp_labels")).collect();
        assert!(!labels.is_empty(), "{path} looks at no label");
        for line in labels {
            assert!(line.ends_with(&format!("severity: {}}}", alert.severity.label())), "{path}: {line}");
        }
        assert!(text.contains(&format!("summary: {:?}", alert.summary)), "{path} has another summary");
        assert!(text.contains(&alert.runbook()), "{path} names no runbook");
    }
}

#[test]
fn a_diagnosis_with_commands_says_how_they_run_in_kubernetes() {
    let mut without = Vec::new();
    for alert in alerts() {
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
    assert_eq!(stems("docs/runbooks"), alerts().map(|alert| alert.name.to_string()).collect());
    for alert in alerts() {
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

#[test]
fn the_overview_lists_every_alert_with_severity_and_duration() {
    let table = markdown::table_of("docs/alerts.md", "## All alerts");
    let row = |alert: &Alert| {
        let link = format!("[{}](runbooks/{}.md)", alert.name, alert.name);
        [link, alert.severity.label().into(), rule_file::duration(alert.hold_seconds.into()), alert.summary.into()]
    };
    let expected: Vec<[String; 4]> = alerts().map(row).collect();
    assert_eq!(table.rows, expected);
}

#[test]
fn every_record_that_a_rule_reads_is_recorded() {
    let text = markdown::read(RULES);
    let recorded: BTreeSet<String> = recording_rules::recordings().into_iter().map(|rule| rule.name).collect();
    let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_' || character == ':');
    let levels = ["page:", "masternode:", "network:", "group:", "source:"];
    let read: BTreeSet<String> = text
        .split(word)
        .filter(|word| levels.iter().any(|level| word.strip_prefix(level).is_some_and(|rest| rest.contains(':'))))
        .map(str::to_string)
        .collect();
    assert_eq!(read, recorded, "read and recorded; a record that nobody reads would stand on the right only");
    for name in &recorded {
        assert!(text.matches(name.as_str()).count() > 1, "nobody reads {name}");
    }
}

#[test]
fn an_inhibition_names_alerts_that_exist_and_labels_that_both_have() {
    let labels = |about: About| -> &[&str] {
        match about {
            About::Masternode => &["network", "masternode", "alias", "node_type"],
            About::Group => &["network", "group_key", "group"],
            About::Network => &["network"],
            About::QuorumType => &["network", "quorum_type"],
            About::Source => &["network", "source"],
            About::Receiver => &["receiver"],
            About::Exporter => &["job"],
        }
    };
    let named = |name: &str| alerts().find(|alert| alert.name == name).unwrap_or_else(|| panic!("no alert {name}"));
    for rule in inhibition::INHIBITIONS {
        for alert in rule.targets.iter().chain([&rule.source]).map(|name| named(name)) {
            assert!(rule.equal.iter().all(|label| labels(alert.about).contains(label)), "{}", alert.name);
        }
        assert!(!rule.targets.contains(&rule.source), "{} mutes itself", rule.source);
    }
}

/// A wave tells of the network; what is critical for one masternode stays told.
#[test]
fn a_wave_mutes_nothing_critical() {
    let wave = inhibition::INHIBITIONS.iter().find(|rule| rule.source == "MasternodePenaltyWave").unwrap();
    let severity = |name: &str| alerts().find(|alert| alert.name == name).unwrap().severity.label();
    assert!(wave.targets.iter().all(|name| severity(name) == "warning"));
}

/// Words that stand in two places: a runbook or a page, and what `doctor` and the page of a masternode print.
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
