//! Effects of the machine on the process. `scripts/soak` covers clients and nodes, all at once and for a longer time.
//!
//! Never here: a single hostile request or answer; the tests of `web` and `rpc` cover those.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use crate::process::{Running, exporter, free_port, get, wait_for};

const LONG: Duration = Duration::from_secs(60);

/// Every write to this device fails as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_does_not_end_the_process() {
    let port = free_port();
    let log = File::options().write(true).open("/dev/full").unwrap();
    let mut command = exporter();
    command.args(["--web.listen-address", &format!("127.0.0.1:{port}")]);
    let mut exporter = Running::start_logging(&mut command, Stdio::from(log));
    wait_for("the exporter", LONG, || get(port, "/-/healthy"));
    let reloaded = "masternode_exporter_config_last_reload_timestamp_seconds ";
    let when = || {
        let page = get(port, "/metrics")?;
        page.lines().find_map(|line| line.strip_prefix(reloaded).map(str::to_string))
    };
    let first = wait_for("the start", LONG, when);
    wait_for("a reload, which is logged", LONG, || {
        exporter.hang_up();
        when().filter(|last| *last != first)
    });
    assert!(exporter.terminate().success());
}
