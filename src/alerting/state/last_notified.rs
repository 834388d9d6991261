//! The last notification of an alert that a receiver got or rejected.
//!
//! Never here: what is due; sending.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use domain::masternode::UnixSeconds;

/// Longest pause before the end of an alert is sent again: it is dropped after a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastNotified {
    /// When it was sent.
    pub(super) at: u64,
    /// True if it said that the alert fires, false if that it is resolved or muted.
    pub(super) firing: bool,
    /// The receiver rejected the message permanently.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) refused: bool,
    /// The receiver rejected the message, but accepted an earlier one that said the same alert fires.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) known: bool,
    /// A message that the alert ended got no answer, and may have arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) perhaps_ended: bool,
}

impl LastNotified {
    /// Whether the receiver has the alert as firing.
    pub(super) fn is_aware(&self) -> bool {
        if self.refused { self.known } else { self.firing }
    }

    /// Whether the receiver rejected the end of an alert that it has as firing: the end is sent again later.
    pub(super) fn is_end_refused(&self) -> bool {
        !self.firing && self.is_aware()
    }

    /// Whether the end of the alert, which ended at `since`, is to be sent to a receiver that has it as firing.
    pub(super) fn is_end_due(&self, since: u64, repeat: Duration, now: UnixSeconds) -> bool {
        self.is_aware() && (self.firing || self.at < since || now >= self.again(repeat))
    }

    /// When the next attempt or reminder is due.
    pub(super) fn again(&self, repeat: Duration) -> UnixSeconds {
        UnixSeconds(self.at.saturating_add(self.pause(repeat).as_secs()))
    }

    /// The pause before the next attempt or reminder.
    pub(super) fn pause(&self, repeat: Duration) -> Duration {
        if self.firing { repeat } else { repeat.min(LONGEST_PAUSE) }
    }
}
