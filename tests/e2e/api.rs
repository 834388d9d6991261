//! The JSON API of the binary under requests that schemathesis generates from its contract: valid ones, invalid ones,
//! other methods. The contract must cover every answer.
//!
//! Never here: the expected content of an answer; the integration tests cover that.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::configuration;
use crate::process::{Running, exporter, free_port, get, wait_for};

/// The path at which scripts/test installs it.
const SCHEMATHESIS: &str = "target/schemathesis/bin/schemathesis";

#[test]
fn every_request_of_schemathesis_gets_an_answer_of_the_contract() {
    for (history, kind) in [("history: {path: HISTORY}", "\"id\":"), ("", "\"history\":false")] {
        let (rpc_port, port) = (free_port(), free_port());
        let (address, web) = (format!("127.0.0.1:{rpc_port}"), format!("127.0.0.1:{port}"));
        let node = ["demo", "--node-only", "--masternodes", "100", "--block-time", "500ms"];
        let _node = Running::start(exporter().args(node).args(["--rpc.listen-address", &address]));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.db");
        let more = history.replace("HISTORY", path.to_str().unwrap());
        let file = configuration(directory.path(), &address, &more);
        let _exporter = Running::start(exporter().arg("--config.file").arg(&file).args(["--web.listen-address", &web]));
        wait_for("the first event", Duration::from_secs(60), || {
            get(port, "/api/v1/events?limit=1").filter(|page| page.contains("payment") && page.contains(kind))
        });
        examine(directory.path(), port);
    }
}

/// Fails with its findings.
fn examine(directory: &Path, port: u16) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let url = format!("http://127.0.0.1:{port}");
    let output = Command::new(root.join(SCHEMATHESIS))
        .current_dir(directory)
        .arg("--config-file")
        .arg(root.join("tests/e2e/schemathesis.toml"))
        .args(["run", &format!("{url}/api/v1/openapi.json"), "--url", &url, "--no-color"])
        .args(["--seed", "1", "--max-examples", "20", "--max-response-time", "5", "--continue-on-failure"])
        .output()
        .unwrap_or_else(|error| panic!("{SCHEMATHESIS} is installed by scripts/test: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    // A generated request may have many kilobytes.
    let short: Vec<String> = said.lines().map(|line| line.chars().take(300).collect()).collect();
    assert!(output.status.success(), "{}\n{}", short.join("\n"), String::from_utf8_lossy(&output.stderr));
}
