//! What a running exporter takes from its host: the time, random bytes, threads.
//!
//! Never here: variables of the process environment.

use std::time::Duration;

use crate::alerting;
use crate::app::now;
use domain::masternode::UnixSeconds;

/// What a running exporter takes from its host. A simulation replaces it.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    /// The wall clock.
    pub clock: fn() -> UnixSeconds,
    /// A random byte, which spreads retries.
    pub jitter: fn() -> u8,
    /// Longest pause between two evaluations of the conditions, which may depend on time alone.
    pub evaluation_pause: fn() -> Duration,
    /// The writer of the history has a thread of its own. Otherwise it is a task of the runtime, which each write blocks.
    pub has_threads: bool,
}

impl Default for Environment {
    /// The host itself.
    fn default() -> Environment {
        let evaluation_pause = || alerting::EVALUATION_PAUSE;
        Environment { clock: now, jitter: alerting::random_byte, evaluation_pause, has_threads: true }
    }
}
