//! Whether a source can be used: its last error, and when it is tried again.
//!
//! Never here: why a source is refused (`source`); which source is used (`source_pool`).

use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, warn};

use crate::follower::source::SourceError;
use crate::rpc::ErrorKind;
use crate::rpc::methods::method;

/// Longest pause before a failing source is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Default)]
pub(super) struct Availability {
    error: Option<String>,
    is_elsewhere: bool,
    failures: u32,
    retry_at: Option<Instant>,
}

impl Availability {
    /// Whether the pause after the last failure is over.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| now >= at)
    }

    /// Whether the source was last refused as being on another network.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// The last error; `None` after a useful answer.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Records a useful answer. Returns whether the source failed before.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(self).error.is_some()
    }

    /// Records a failure of the source `name`; logs it if it changed, and sets the pause before the next attempt.
    pub(super) fn failed(&mut self, name: &str, error: &SourceError, poll_interval: Duration) {
        self.is_elsewhere = matches!(error, SourceError::WrongNetwork(_));
        let message = error.to_string();
        if self.error.as_ref() != Some(&message) {
            if self.is_elsewhere {
                error!(source = name, "Source {name} refused: {message}");
            } else {
                warn!(source = name, "Source {name} failed: {message}");
            }
            self.error = Some(message);
        }
        // This passes quickly: a longer pause would only delay blocks.
        self.failures = if is_momentary(error) || is_cheap(error) { 1 } else { self.failures.saturating_add(1) };
        // 0, 1, 3, 7 … polls: the first retry is the next poll.
        let polls = (1 << (self.failures - 1).min(10)) - 1;
        self.retry_at = Some(Instant::now() + poll_interval.saturating_mul(polls).min(LONGEST_PAUSE));
    }
}

/// Whether the node only had no room for the call.
pub(super) fn is_queue_full(error: &SourceError) -> bool {
    matches!(error, SourceError::Rpc(error) if *error.kind() == ErrorKind::Refused)
}

/// Whether the node said something wrong that costs little to ask again, such as a time.
fn is_cheap(error: &SourceError) -> bool {
    match error {
        SourceError::Contradiction(_) => true,
        SourceError::Rpc(error) if matches!(error.kind(), ErrorKind::Malformed { .. }) => {
            method(error.method()).is_some_and(|method| !method.heavy)
        }
        _ => false,
    }
}

/// Whether the node answers, but not this call at this moment.
pub(super) fn is_momentary(error: &SourceError) -> bool {
    matches!(error, SourceError::Rpc(error) if error.kind().is_momentary())
}
