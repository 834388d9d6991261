//! The past in a real Prometheus: a file of samples, imported by promtool, answers what happened before it was set up.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::configuration;
use crate::process::{Running, exporter, free_port, get, wait_for};

/// Masternodes of the simulated network.
const MASTERNODES: usize = 60;

fn number(page: &str, series: &str) -> Option<u64> {
    let line = page.lines().find(|line| line.starts_with(series))?;
    line.rsplit(' ').next()?.parse::<f64>().ok().map(|value| value as u64)
}

/// A Prometheus that scrapes nothing, on the blocks below `data`.
fn prometheus(directory: &Path, port: u16) -> Running {
    let file = directory.join("prometheus.yml");
    std::fs::write(&file, "scrape_configs: []\n").unwrap();
    let running = Running::start(Command::new("prometheus").args([
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", directory.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ]));
    wait_for("Prometheus", Duration::from_secs(30), || get(port, "/-/ready"));
    running
}

#[test]
fn a_real_prometheus_answers_queries_about_blocks_from_before_its_start() {
    let (rpc_port, port, prometheus_port) = (free_port(), free_port(), free_port());
    let address = format!("127.0.0.1:{rpc_port}");
    let count = MASTERNODES.to_string();
    let node = ["demo", "--node-only", "--masternodes", &count, "--block-time", "1s", "--rpc.listen-address", &address];
    let _node = Running::start(exporter().args(node));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let more = format!("history: {{path: {}, backfill_blocks: 0}}", path("history.db"));
    let file = configuration(directory.path(), &address, &more);
    let web = format!("127.0.0.1:{port}");
    let mut running = Running::start(exporter().arg("--config.file").arg(&file).args(["--web.listen-address", &web]));
    let page = wait_for("the first list", Duration::from_secs(30), || {
        get(port, "/metrics").filter(|page| number(page, "masternode_network_height").is_some())
    });
    let start = number(&page, "masternode_network_height").unwrap();
    wait_for("some blocks", Duration::from_secs(60), || {
        number(&get(port, "/metrics")?, "masternode_network_height").filter(|height| *height > start + 5)
    });
    assert!(running.terminate().success());

    let samples = path("past.txt");
    let run = |arguments: &[&str]| {
        let output = exporter().arg("--config.file").arg(&file).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let from = start - 6;
    run(&["backfill", "--from", &from.to_string(), "--openmetrics", &samples]);
    let data = path("data");
    let imported =
        Command::new("promtool").args(["tsdb", "create-blocks-from", "openmetrics", &samples, &data]).output();
    let imported = imported.expect("promtool is installed by scripts/test");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));

    let _prometheus = prometheus(directory.path(), prometheus_port);
    let query = |expression: &str, time: u64| {
        let answer = get(prometheus_port, &format!("/api/v1/query?query={expression}&time={time}")).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["data"]["result"][0]["value"][1].as_str().and_then(|value| value.parse::<f64>().ok())
    };
    // Each block pays somebody, so the events have the times of all blocks.
    let events = run(&["events", "--kind", "payment", "--format", "json", "--order", "oldest", "--limit", "1000"]);
    let mut events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // They come in the order in which they were recorded: those from before the start last.
    events.sort_by_key(|event| event["height"].as_u64());
    assert_eq!(events[0]["height"], from, "blocks from before the start are known");
    let seconds = |event: &Value| {
        let output = Command::new("date").args(["-u", "+%s", "-d", event["time"].as_str().unwrap()]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<u64>().unwrap()
    };
    for event in events.iter().take(6) {
        let (height, time) = (event["height"].as_u64().unwrap(), seconds(event));
        assert_eq!(query("masternode_network_height", time), Some(height as f64), "at {time}");
        for expression in ["count(masternode_pose_score)", "sum(masternode_network_nodes)", "count(masternode_info)"] {
            assert_eq!(query(expression, time), Some(MASTERNODES as f64), "{expression} at {time}");
        }
    }
    let penalties = run(&["events", "--kind", "penalty", "--format", "json", "--limit", "1000"]);
    let failures = |line: &str| serde_json::from_str::<Value>(line).unwrap()["failures"].as_f64().unwrap();
    let last = events.last().map(seconds).unwrap() + 200;
    let counted = query("sum(masternode_network_penalties_total)", last);
    assert_eq!(counted, Some(penalties.lines().map(failures).sum()), "{penalties}");
}
