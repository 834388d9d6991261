//! Initialises logging, once for the process.
//!
//! Never here: what is logged.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogConfig;

/// Logs to the error stream. Other crates log from level `warn`.
pub(super) fn start(config: &LogConfig) {
    let filter = EnvFilter::new(format!("warn,masternode_exporter={}", config.level));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A log that cannot be written, for example on a full disk, would be reported on the same stream, which panics.
    let log = log.log_internal_errors(false);
    // A second start, as in a test, keeps the first configuration.
    let _ = match config.json {
        true => log.json().flatten_event(true).try_init(),
        false => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}
