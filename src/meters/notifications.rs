//! Notifications that the exporter sends itself: outcomes and queue lengths.
//!
//! Never here: their content; their receivers.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

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
        let notifications = IntCounterVec::new(
            Opts::new(
                "masternode_exporter_notifications_total",
                "Messages to a receiver by outcome: delivered, failed (an attempt, which is retried), dropped (not retried).",
            ),
            &["receiver", "outcome"],
        )?;
        registry.register(Box::new(notifications.clone()))?;
        let queue = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_notification_queue_length",
                "Alerts with a notification queued for the receiver.",
            ),
            &["receiver"],
        )?;
        registry.register(Box::new(queue.clone()))?;
        let last_success = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_notification_last_success_timestamp_seconds",
                "Unix time at which the receiver last accepted a message. Absent if it accepted none since the process started.",
            ),
            &["receiver"],
        )?;
        registry.register(Box::new(last_success.clone()))?;
        let clock_ahead = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_notification_clock_ahead_seconds",
                "Seconds by which the receiver's clock is ahead of this host's, from its last answer; negative if it is behind. \
                 Absent if its answers have no time.",
            ),
            &["receiver"],
        )?;
        registry.register(Box::new(clock_ahead.clone()))?;
        Ok(NotificationMeters { notifications, queue, last_success, clock_ahead })
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
