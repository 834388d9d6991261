//! Which of the due notifications the next message covers, after failures.
//!
//! A receiver may refuse a message because of one notification, finally or again and again: it answers 500 to one text, or a
//! proxy in front of it answers 403. Smaller messages find that notification. One that is not refused finally is suspected: it is
//! retried alone, after the others, so that none is held back by it.
//!
//! Never here: sending; the pauses after failures (`notifier`).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::alerting::state::{Notification, NotificationReason};

/// Consecutive failures after which a single notification may be the cause.
const PATIENCE: u32 = 3;

/// A notification.
type Key = (String, NotificationReason);

/// The state of one receiver.
#[derive(Debug)]
pub(super) struct Portion {
    /// Consecutive failures.
    failures: u32,
    /// Maximum number of notifications in a message.
    most: usize,
    /// The suspected notifications, the next one to retry first.
    suspects: VecDeque<Key>,
    /// When it is retried.
    next_at: Option<Instant>,
}

impl Default for Portion {
    fn default() -> Portion {
        Portion { failures: 0, most: usize::MAX, suspects: VecDeque::new(), next_at: None }
    }
}

impl Portion {
    /// What the next message may cover: the due notifications that are not suspected. If there are none, one suspected
    /// notification, once its pause is over.
    pub(super) fn select(&mut self, due: Vec<Notification>) -> Vec<Notification> {
        self.suspects.retain(|key| due.iter().any(|notice| is(notice, key)));
        let (suspected, mut clear): (Vec<_>, Vec<_>) = due.into_iter().partition(|notice| self.suspects(notice));
        if clear.is_empty()
            && self.pause().is_zero()
            && let Some(first) = self.suspects.front()
        {
            clear.extend(suspected.into_iter().find(|notice| is(notice, first)));
        }
        clear
    }

    /// How many of the selected notifications the next message covers.
    pub(super) fn most(&self, selected: &[Notification]) -> usize {
        self.most.min(selected.len())
    }

    /// Time until the next retry of a suspected notification.
    pub(super) fn pause(&self) -> Duration {
        match self.next_at.filter(|_| !self.suspects.is_empty()) {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None if self.suspects.is_empty() => Duration::MAX,
            None => Duration::ZERO,
        }
    }

    fn suspects(&self, notice: &Notification) -> bool {
        self.suspects.iter().any(|key| is(notice, key))
    }

    /// The notification that was refused finally is found: larger messages again.
    pub(super) fn grow(&mut self) {
        self.most = self.most.saturating_mul(2);
    }

    /// A message about these was refused finally.
    pub(super) fn halve(&mut self, notices: &[Notification]) {
        self.most = notices.len() / 2;
    }

    /// A message was accepted. If it was about a suspected notification, the receiver was the cause: none is suspected any
    /// more.
    pub(super) fn accepted(&mut self, notices: &[Notification]) {
        self.failures = 0;
        self.grow();
        if notices.iter().any(|notice| self.suspects(notice)) {
            self.suspects.clear();
            self.most = usize::MAX;
        }
    }

    /// A message failed, not finally. Returns the pause before the next one: `long` by the number of failures, or `short`
    /// while the cause is searched. Both are at least as long as the receiver demands.
    pub(super) fn failed(
        &mut self,
        notices: &[Notification],
        long: impl Fn(u32) -> Duration,
        short: Duration,
    ) -> Duration {
        self.failures += 1;
        let is_searching = self.failures >= PATIENCE || !self.suspects.is_empty();
        match notices {
            [notice] if self.failures >= PATIENCE || self.suspects(notice) => {
                self.suspects.retain(|key| !is(notice, key));
                self.suspects.push_back((notice.key.clone(), notice.occasion));
                self.next_at = Some(Instant::now() + long(self.failures));
                short
            }
            [_, _, ..] if is_searching => {
                self.most = notices.len().div_ceil(2);
                short
            }
            _ => long(self.failures),
        }
    }
}

fn is(notice: &Notification, (key, occasion): &Key) -> bool {
    notice.key == *key && notice.occasion == *occasion
}
