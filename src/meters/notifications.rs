//! Notifications that the exporter sends itself: outcomes and queue lengths.
//!
//! Never here: their content; their receivers.

use crate::catalog::process;
use crate::meters::families::Families;

/// The outcome of a notification: the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver accepted it.
    Delivered,
    /// An attempt failed; it is retried.
    Failed,
    /// It was dropped.
    Dropped,
}

impl Outcome {
    const ALL: [Outcome; 3] = [Outcome::Delivered, Outcome::Failed, Outcome::Dropped];

    fn label(self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Failed => "failed",
            Outcome::Dropped => "dropped",
        }
    }
}

/// The families. Without a receiver they have no samples.
#[derive(Clone)]
pub struct NotificationMeters(pub(super) Families);

impl NotificationMeters {
    /// The receiver is configured: all its samples appear.
    pub fn began(&self, receiver: &str) {
        for outcome in Outcome::ALL {
            self.0.counters(&process::NOTIFICATIONS).with_label_values(&[receiver, outcome.label()]);
        }
        self.waiting(receiver, 0);
    }

    /// Counts a message with its outcome.
    pub fn ended(&self, receiver: &str, outcome: Outcome) {
        self.0.counters(&process::NOTIFICATIONS).with_label_values(&[receiver, outcome.label()]).inc();
    }

    /// A message was delivered, at a Unix time in seconds.
    pub fn delivered(&self, receiver: &str, now: u64) {
        self.ended(receiver, Outcome::Delivered);
        self.0
            .gauges(&process::NOTIFICATION_LAST_SUCCESS)
            .with_label_values(&[receiver])
            .set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// Sets the seconds by which the receiver's clock is ahead.
    pub fn clock_ahead(&self, receiver: &str, seconds: i64) {
        self.0.gauges(&process::NOTIFICATION_CLOCK_AHEAD).with_label_values(&[receiver]).set(seconds);
    }

    /// Sets the number of queued alerts.
    pub fn waiting(&self, receiver: &str, alerts: usize) {
        self.0
            .gauges(&process::NOTIFICATION_QUEUE_LENGTH)
            .with_label_values(&[receiver])
            .set(i64::try_from(alerts).unwrap_or(i64::MAX));
    }

    /// Removes the gauges of a receiver that is no longer configured. Counters stay.
    pub fn forget(&self, receiver: &str) {
        for family in [
            &process::NOTIFICATION_QUEUE_LENGTH,
            &process::NOTIFICATION_LAST_SUCCESS,
            &process::NOTIFICATION_CLOCK_AHEAD,
        ] {
            // An absent sample is as good as a removed one.
            let _ = self.0.gauges(family).remove_label_values(&[receiver]);
        }
    }
}
