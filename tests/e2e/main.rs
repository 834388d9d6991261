//! End to end: the binary itself, a real Prometheus and promtool, as an operator would run them.
//!
//! Every server binds loopback on a free port and is stopped by its own process id.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod abuse;
mod api;
mod boards;
mod browser;
#[path = "../../crates/exporter-toolkit/tests/support/certificates.rs"]
mod certificates;
mod demo_alert;
mod latency;
mod pages;
mod past;
mod peer;
mod process;
mod protection;
mod push;
mod rules;
mod secrets;
#[path = "../../crates/exporter-toolkit/tests/support/web_cases.rs"]
mod web_cases;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{RULES, Running, exporter, free_port, get, start_prometheus, wait_for};

/// A configuration for the simulated node at an address, with additions.
fn configuration(directory: &Path, address: &str, more: &str) -> PathBuf {
    let (file, password) = (directory.join("exporter.yml"), directory.join("password"));
    std::fs::write(&password, "demo\n").unwrap();
    let source =
        format!("{{name: node, url: \"http://{address}\", username: demo, password_file: {}}}", password.display());
    std::fs::write(&file, format!("networks: [{{name: dash-demo, sources: [{source}]}}]\n{more}\n")).unwrap();
    file
}

/// Number of masternodes of the demonstration.
const MASTERNODES: usize = 300;

fn demo(port: u16, extra: &[&str]) -> Running {
    let address = format!("127.0.0.1:{port}");
    let count = MASTERNODES.to_string();
    let mut arguments =
        vec!["demo", "--masternodes", &count, "--block-time", "200ms", "--web.listen-address", &address];
    arguments.extend(extra);
    Running::start(exporter().args(arguments))
}

fn count(page: &str, family: &str) -> usize {
    page.lines().filter(|line| line.starts_with(&format!("{family}{{"))).count()
}

#[test]
fn the_demo_serves_data_within_three_seconds_and_stops_within_two() {
    let port = free_port();
    let started = Instant::now();
    let mut demo = demo(port, &[]);
    let page = wait_for("the first list", Duration::from_secs(30), || {
        get(port, "/metrics").filter(|page| count(page, "masternode_pose_score") == MASTERNODES)
    });
    let first = started.elapsed();
    assert!(first < Duration::from_secs(3), "the first page with masternodes came after {first:?}");
    assert!(page.contains("masternode_network_risk_nodes{network=\"dash-demo\",risk=\"one_failure_from_ban\"}"));
    let height =
        |page: &str| page.lines().find(|line| line.starts_with("masternode_network_height")).map(str::to_string);
    wait_for("the next block", Duration::from_secs(10), || {
        get(port, "/metrics").filter(|next| height(next) != height(&page))
    });
    assert!(get(port, "/-/healthy").is_some() && get(port, "/-/ready").is_some());
    let stopped = Instant::now();
    assert!(demo.terminate().success(), "a demo that is asked to stop ends well");
    assert!(stopped.elapsed() < Duration::from_secs(2), "it took {:?} to stop", stopped.elapsed());
}

#[test]
fn promtool_reports_no_problem() {
    let port = free_port();
    let _demo = demo(port, &[]);
    let page = wait_for("the first list", Duration::from_secs(30), || {
        get(port, "/metrics").filter(|page| count(page, "masternode_pose_score") == MASTERNODES)
    });
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed by scripts/test");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "promtool: {}", String::from_utf8_lossy(&said));
}

#[test]
fn a_real_prometheus_scrapes_every_masternode() {
    let (port, prometheus_port) = (free_port(), free_port());
    let _demo = demo(port, &[]);
    wait_for("the first list", Duration::from_secs(30), || {
        get(port, "/metrics").filter(|page| count(page, "masternode_pose_score") == MASTERNODES)
    });
    let directory = tempfile::tempdir().unwrap();
    let _prometheus = start_prometheus(directory.path(), port, prometheus_port, "");
    let query = |expression: &str| {
        let answer = get(prometheus_port, &format!("/api/v1/query?query={expression}"))?;
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse::<f64>().ok()
    };
    let wait_equal = |expression: &str, expected: f64| {
        wait_for(expression, Duration::from_secs(60), || query(expression).filter(|value| *value == expected));
    };
    wait_equal("min(up)", 1.0);
    wait_equal("count(masternode_pose_score)", MASTERNODES as f64);
    wait_equal("count(count%20by%20(masternode)(masternode_info))", MASTERNODES as f64);
    wait_equal("sum(masternode_network_risk_nodes)", MASTERNODES as f64);
    wait_for("heights that rise", Duration::from_secs(30), || {
        query("changes(masternode_network_height[30s])").filter(|changes| *changes > 0.0)
    });
}

/// The demo's endangered masternode, with the rules of the release. It is revived before the alert has been pending for
/// its minute, so it stays pending.
#[test]
fn a_ban_reaches_a_real_prometheus_as_an_alert_with_its_name() {
    let (port, prometheus_port) = (free_port(), free_port());
    let directory = tempfile::tempdir().unwrap();
    let _prometheus = start_prometheus(directory.path(), port, prometheus_port, RULES);
    // One block per second: the risk before the ban lasts twelve blocks, the ban itself 45.
    let web = format!("127.0.0.1:{port}");
    let _demo = Running::start(exporter().args(["demo", "--masternodes", "300", "--web.listen-address", &web]));
    let pending = |alert: &str| {
        let answer = get(prometheus_port, "/api/v1/alerts")?;
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        let alerts = answer["data"]["alerts"].as_array()?.clone();
        alerts
            .into_iter()
            .find(|found| found["labels"]["alertname"] == alert && found["labels"]["alias"] == "in-danger")
    };
    for alert in ["MasternodePoSeOneFailureFromBan", "MasternodePoSeBanned"] {
        let pending = wait_for(alert, Duration::from_secs(60), || pending(alert));
        let description = pending["annotations"]["description"].as_str().unwrap();
        assert!(description.contains("Masternode in-danger") && !description.contains("unknown"), "{description}");
    }
    let rules = get(prometheus_port, "/api/v1/rules").unwrap();
    let rules: serde_json::Value = serde_json::from_str(&rules).unwrap();
    for rule in rules["data"]["groups"][0]["rules"].as_array().unwrap() {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

#[test]
fn every_command_works_against_a_node() {
    let rpc_port = free_port();
    let address = format!("127.0.0.1:{rpc_port}");
    let _node = Running::start(exporter().args([
        "demo",
        "--node-only",
        "--masternodes",
        "60",
        "--rpc.listen-address",
        &address,
    ]));
    let directory = tempfile::tempdir().unwrap();
    let configuration = configuration(directory.path(), &address, "");
    let run = |arguments: &[&str]| {
        let output = exporter().arg("--config.file").arg(&configuration).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    wait_for("the node", Duration::from_secs(30), || (run(&["observe"]).0 == Some(0)).then_some(()));
    let (code, table) = run(&["observe"]);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("60 registered"), "{table}");
    let (_, json) = run(&["observe", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["masternodes"].as_array().map(Vec::len), Some(60));
    let (_, page) = run(&["observe", "--format", "metrics"]);
    assert_eq!(count(&page, "masternode_pose_score"), 60);
    let (code, report) = run(&["doctor"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("The configured user works") && report.contains("rpcwhitelist=demo:"), "{report}");
    let (code, report) = run(&["check"]);
    assert_eq!(code, Some(0), "{report}");

    let port = free_port();
    let web = format!("127.0.0.1:{port}");
    let ready = Instant::now();
    let _exporter =
        Running::start(exporter().arg("--config.file").arg(&configuration).args(["--web.listen-address", &web]));
    wait_for("the first scrape", Duration::from_secs(10), || {
        get(port, "/metrics").filter(|page| count(page, "masternode_pose_score") == 60)
    });
    assert!(ready.elapsed() < Duration::from_secs(1), "the first good scrape came after {:?}", ready.elapsed());
    assert_eq!(run(&["--web.listen-address", &web, "healthcheck"]).0, Some(0));
    assert_ne!(run(&["--web.listen-address", "127.0.0.1:1", "healthcheck"]).0, Some(0));
}

#[test]
fn a_reload_uses_a_valid_configuration_and_keeps_the_old_one_otherwise() {
    let (rpc_port, port) = (free_port(), free_port());
    let address = format!("127.0.0.1:{rpc_port}");
    let _node = Running::start(exporter().args([
        "demo",
        "--node-only",
        "--masternodes",
        "20",
        "--rpc.listen-address",
        &address,
    ]));
    let directory = tempfile::tempdir().unwrap();
    let write = |more: &str| configuration(directory.path(), &address, more);
    let file = write("");
    let web = format!("127.0.0.1:{port}");
    let exporter = Running::start(exporter().arg("--config.file").arg(&file).args(["--web.listen-address", &web]));
    let page = |what: &str, has: &str| {
        wait_for(what, Duration::from_secs(20), || get(port, "/metrics").filter(|page| page.contains(has)))
    };
    let first = page("the first list", "masternode_pose_score{");
    let line = first.lines().find(|line| line.starts_with("masternode_pose_score{")).unwrap();
    let id = line.split("masternode=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();

    write(&format!("watch: [{{masternode: {id}, alias: mine}}]"));
    exporter.hang_up();
    let second = page("the alias", "masternode_registered{network=\"dash-demo\"");
    assert!(second.contains("alias=\"mine\""));
    assert!(second.contains("masternode_exporter_config_last_reload_successful 1"));

    write("wacht: []");
    exporter.hang_up();
    let third = page("the refusal", "masternode_exporter_config_last_reload_successful 0");
    assert!(third.contains("alias=\"mine\""), "the old configuration stays in force");
}
