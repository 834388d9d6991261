//! What a running exporter takes from its host: the time, random bytes, threads.
//!
//! Never here: variables of the process environment.

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
    /// The writer of the history has a thread of its own. Otherwise it is a task of the runtime, which each write blocks.
    pub has_threads: bool,
}

impl Default for Environment {
    /// The host itself.
    fn default() -> Environment {
        Environment { clock: now, jitter: alerting::random_byte, has_threads: true }
    }
}
