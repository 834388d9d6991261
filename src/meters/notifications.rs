//! Notifications that the exporter sends itself: outcomes and queue lengths.
//!
//! Never here: their content; their receivers.

use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use crate::catalog::process;
use crate::meters::register;

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
pub struct NotificationMeters {
    notifications: IntCounterVec,
    queue: IntGaugeVec,
    last_success: IntGaugeVec,
    clock_ahead: IntGaugeVec,
}

impl NotificationMeters {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<NotificationMeters> {
        Ok(NotificationMeters {
            notifications: register::counters(registry, &process::NOTIFICATIONS)?,
            queue: register::gauges(registry, &process::NOTIFICATION_QUEUE_LENGTH)?,
            last_success: register::gauges(registry, &process::NOTIFICATION_LAST_SUCCESS)?,
            clock_ahead: register::gauges(registry, &process::NOTIFICATION_CLOCK_AHEAD)?,
        })
    }

    /// The receiver is configured: all its samples appear.
    pub fn began(&self, receiver: &str) {
        for outcome in Outcome::ALL {
            self.notifications.with_label_values(&[receiver, outcome.label()]);
        }
        self.waiting(receiver, 0);
    }

    /// Counts a message with its outcome.
    pub fn ended(&self, receiver: &str, outcome: Outcome) {
        self.notifications.with_label_values(&[receiver, outcome.label()]).inc();
    }

    /// A message was delivered, at a Unix time in seconds.
    pub fn delivered(&self, receiver: &str, now: u64) {
        self.ended(receiver, Outcome::Delivered);
        self.last_success.with_label_values(&[receiver]).set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// Sets the seconds by which the receiver's clock is ahead.
    pub fn clock_ahead(&self, receiver: &str, seconds: i64) {
        self.clock_ahead.with_label_values(&[receiver]).set(seconds);
    }

    /// Sets the number of queued alerts.
    pub fn waiting(&self, receiver: &str, alerts: usize) {
        self.queue.with_label_values(&[receiver]).set(i64::try_from(alerts).unwrap_or(i64::MAX));
    }

    /// Removes the gauges of a receiver that is no longer configured. Counters stay.
    pub fn forget(&self, receiver: &str) {
        // An absent sample is as good as a removed one.
        let _ = self.queue.remove_label_values(&[receiver]);
        let _ = self.last_success.remove_label_values(&[receiver]);
        let _ = self.clock_ahead.remove_label_values(&[receiver]);
    }
}
