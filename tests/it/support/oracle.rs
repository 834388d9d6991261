//! Runs `tests/oracles/rotation.py`: the selection of rotating quorums, written from the specification in another language.
//!
//! Never here: what the exporter computes.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Its answer to a request on the standard input.
pub(crate) fn run(arguments: &[&str], request: &Value) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/rotation.py");
    let mut child = Command::new("python3")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts: scripts/test installs it");
    child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} {arguments:?} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}
