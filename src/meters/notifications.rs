//! Notifications that the exporter sends itself: how they end, and how many wait.
//!
//! Never here: what they tell; where they go.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// What became of something to tell: the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// An attempt failed; it is tried again.
    Failed,
    /// It was given up.
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

/// The families. Their samples begin with a receiver: without one there are none.
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
                "Messages to a receiver by outcome: delivered, failed (an attempt; it is tried again), dropped (given up).",
            ),
            &["receiver", "outcome"],
        )?;
        registry.register(Box::new(notifications.clone()))?;
        let queue = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_notification_queue_length",
                "Alerts of which the receiver is still to be told something.",
            ),
            &["receiver"],
        )?;
        registry.register(Box::new(queue.clone()))?;
        let last_success = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_notification_last_success_timestamp_seconds",
                "Unix time at which the receiver last took a message. Absent when it took none since the process started.",
            ),
            &["receiver"],
        )?;
        registry.register(Box::new(last_success.clone()))?;
        let clock_ahead = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_notification_clock_ahead_seconds",
                "Seconds by which the receiver's clock is ahead of this host's, by its last answer; negative when it is behind. \
                 Absent when its answers have no time.",
            ),
            &["receiver"],
        )?;
        registry.register(Box::new(clock_ahead.clone()))?;
        Ok(NotificationMeters { notifications, queue, last_success, clock_ahead })
    }

    /// There is such a receiver: all its samples begin.
    pub fn began(&self, receiver: &str) {
        for outcome in Outcome::ALL {
            self.notifications.with_label_values(&[receiver, outcome.label()]);
        }
        self.waiting(receiver, 0);
    }

    /// This became of a message.
    pub fn ended(&self, receiver: &str, outcome: Outcome) {
        self.notifications.with_label_values(&[receiver, outcome.label()]).inc();
    }

    /// A message was delivered, at a Unix time in seconds.
    pub fn delivered(&self, receiver: &str, now: u64) {
        self.ended(receiver, Outcome::Delivered);
        self.last_success.with_label_values(&[receiver]).set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// The receiver's clock is this far ahead.
    pub fn clock_ahead(&self, receiver: &str, seconds: i64) {
        self.clock_ahead.with_label_values(&[receiver]).set(seconds);
    }

    /// So many alerts wait.
    pub fn waiting(&self, receiver: &str, alerts: usize) {
        self.queue.with_label_values(&[receiver]).set(i64::try_from(alerts).unwrap_or(i64::MAX));
    }

    /// Forgets the state of a receiver that is no longer configured. Counters stay.
    pub fn forget(&self, receiver: &str) {
        // Absent already is as good as removed.
        let _ = self.queue.remove_label_values(&[receiver]);
        let _ = self.last_success.remove_label_values(&[receiver]);
        let _ = self.clock_ahead.remove_label_values(&[receiver]);
    }
}
