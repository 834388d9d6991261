//! Sets the log up, once for the process.
//!
//! Never here: what is logged.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogConfig;

/// Logs to the error stream from now on. Other crates are heard from `warn` on.
pub(super) fn start(config: &LogConfig) {
    let filter = EnvFilter::new(format!("warn,masternode_exporter={}", config.level));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A log that cannot be written, on a full disk for one, would be complained of on the same stream, and that is a panic.
    let log = log.log_internal_errors(false);
    // A second start, as in a test, keeps the first one's.
    let _ = match config.json {
        true => log.json().flatten_event(true).try_init(),
        false => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}
