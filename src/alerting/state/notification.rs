//! What a receiver is to be notified of.
//!
//! Never here: which notifications are due (`state`).

use crate::alerting::state::{AlertState, Labels, Phase};
use domain::condition::Alert;
use domain::masternode::UnixSeconds;

/// Reason of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationReason {
    /// The alert fires.
    Fired,
    /// The alert still fires.
    Reminder,
    /// The alert is resolved.
    Resolved,
    /// The alert still fires, but maintenance mutes it.
    Muted,
}

/// A due notification of a receiver.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Key of the alert in the store.
    pub key: String,
    /// Its reason.
    pub occasion: NotificationReason,
    /// The alert as it was when the notification became due.
    pub entry: AlertState,
    /// Other alerts of its incident that the receiver has as firing; 0 without an incident.
    pub others: usize,
}

impl NotificationReason {
    /// Whether the receiver is to end the alert.
    pub fn is_end(self) -> bool {
        matches!(self, NotificationReason::Resolved | NotificationReason::Muted)
    }
}

impl Notification {
    /// Whether it is the first notification of a firing alert.
    pub(in crate::alerting) fn fired(
        alert: &'static Alert,
        key: String,
        labels: Labels,
        description: String,
        now: UnixSeconds,
    ) -> Notification {
        let entry = AlertState { description, ..AlertState::new(alert, labels, Phase::Firing, now) };
        Notification { key, occasion: NotificationReason::Fired, entry, others: 0 }
    }
}
