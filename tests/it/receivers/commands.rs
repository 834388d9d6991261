//! The commands `notify --test` and `rules`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::markdown;
use crate::push::FakeReceiver;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_masternode-exporter")).args(arguments).output();
    let Output { status, stdout, stderr } = output.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

async fn notify(file: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let file = format!("--config.file={}", file.display());
    let arguments: Vec<String> = [file.as_str(), "notify"].iter().chain(arguments).map(ToString::to_string).collect();
    let work = move || run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn notify_sends_each_or_the_named_receiver_a_marked_message_and_reports_each_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exporter.yml");
    let (good, bad) = (FakeReceiver::start().await, FakeReceiver::start().await);
    bad.answer_with(403);
    let text = format!(
        "networks: [{{name: n, sources: [{{name: a, url: \"http://a:1\", cookie_file: /x}}]}}]\nalerting:\n  webhooks:\n  \
         - {{name: good, url: \"{}/hunter2\", minimum_severity: critical}}\n  - {{name: bad, url: \"{}/hunter2\"}}\n",
        good.address, bad.address
    );
    std::fs::write(&file, text).unwrap();
    let (code, report, _) = notify(&file, &["--test"]).await;
    assert_eq!(code, Some(3), "{report}");
    let lines: Vec<&str> = report.lines().collect();
    assert!(lines[0].starts_with("  ok    good ") && lines[1].starts_with("  FAIL  bad "), "{report}");
    assert!(lines[1].contains("status 403") && !report.contains("hunter2"), "{report}");
    let alert = &good.got()[0].body["alerts"][0];
    assert_eq!(alert["alert"], "MasternodeExporterTest");
    assert!(alert["summary"].as_str().unwrap().starts_with("TEST"), "{alert}");
    assert_eq!(notify(&file, &["--test", "good"]).await.0, Some(0));
    let (code, _, error) = notify(&file, &["--test", "godo"]).await;
    assert!(code == Some(2) && error.contains("did you mean good?"), "{code:?} {error}");
    assert_eq!(notify(&file, &[]).await.0, Some(2), "without --test");
    std::fs::write(&file, "log: {}\n").unwrap();
    let (code, _, error) = notify(&file, &["--test"]).await;
    assert!(code == Some(2) && error.contains("no receiver is configured"), "{code:?} {error}");
}

#[test]
fn rules_prints_the_file_of_the_project_with_what_the_options_change() {
    let (code, plain, _) = run(&["rules"]);
    assert_eq!((code, plain), (Some(0), markdown::read("alerts/masternode.rules.yml")));
    let (code, text, error) = run(&[
        "rules",
        "--label",
        "team=a \"b\"",
        "--severity",
        "MasternodePoSeBanned=warning",
        "--runbook-url",
        "https://exporter.example.org/runbooks/",
        "--job",
        "nodes",
    ]);
    assert_eq!(code, Some(0), "{error}");
    let (_, grafana, _) = run(&["rules", "--grafana", "--datasource", "metrics"]);
    let [rules, grafana]: [Value; 2] = [text, grafana].map(|text| serde_saphyr::from_str(&text).unwrap());
    let all = rules["groups"][0]["rules"].as_array().unwrap();
    let alerts: Vec<&Value> = all.iter().filter(|rule| rule["alert"].is_string()).collect();
    for alert in &alerts {
        assert_eq!(alert["labels"]["team"], "a \"b\"", "{alert}");
        let name = alert["alert"].as_str().unwrap();
        assert_eq!(alert["annotations"]["runbook_url"], format!("https://exporter.example.org/runbooks/{name}"));
        assert_eq!(
            alert["labels"]["severity"] == "warning",
            name == "MasternodePoSeBanned" || is_warning(name),
            "{name}"
        );
    }
    let absent = alerts.iter().find(|alert| alert["alert"] == "MasternodeExporterAbsent").unwrap();
    assert!(absent["expr"].as_str().unwrap().contains("{job=\"nodes\"}"), "{absent}");
    let of_grafana = grafana["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(of_grafana.len(), all.len());
    let uids: std::collections::BTreeSet<&str> = of_grafana.iter().map(|rule| rule["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), all.len());
    assert!(of_grafana.iter().all(|rule| rule["data"][0]["datasourceUid"] == "metrics"));
    for bad in [
        ["--label", "severity=x"],
        ["--label", "alertname=x"],
        ["--label", "source=x"],
        ["--label", "receiver=x"],
        ["--label", "group=x"],
        ["--label", "masternode=x"],
        ["--label", "job=x"],
        ["--label", "instance=x"],
        ["--severity", "MasternodePoSeBand=warning"],
        ["--severity", "MasternodePoSeBanned=loud"],
    ] {
        assert_eq!(run(&["rules", bad[0], bad[1]]).0, Some(2), "{bad:?}");
    }
}

fn is_warning(name: &str) -> bool {
    let catalogue = domain::condition::Catalogue::default();
    let alert = masternode_exporter::alerting::catalog::alerts(&catalogue).find(|alert| alert.name == name).unwrap();
    alert.severity.label() == "warning"
}
