//! The clock of a receiver, from the `Date` header of its responses, compared with the clock of this host.
//!
//! Alertmanager treats an alert as resolved when its end time is in the past. If the clock of this host is behind, an alert
//! would be resolved on arrival; if the `Date` is that of a proxy whose clock is behind, a correction would do the same. So
//! the end of a firing alert is in the future of both clocks.
//!
//! Never here: reading a clock.

use std::collections::VecDeque;

use tracing::{info, warn};

use crate::meters::NotificationMeters;
use domain::masternode::UnixSeconds;

/// Tolerated difference of the clocks in seconds: responses take time, and the header has whole seconds.
const TOLERANCE: u64 = 30;

/// Responses whose times count: several servers with different clocks may be behind one address.
const RESPONSES: usize = 8;

/// The range of a receiver's clock, compared with the clock of this host, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockDifference {
    /// 0, or how far its slowest clock is behind: negative.
    pub behind: i64,
    /// 0, or how far its fastest clock is ahead: positive.
    pub ahead: i64,
}

/// The clocks of a receiver.
#[derive(Debug, Default)]
pub(super) struct ReceiverClock {
    /// Differences beyond the tolerance, otherwise 0, the latest last.
    seen: VecDeque<i64>,
    is_corrected: bool,
}

impl ReceiverClock {
    /// The range of the last responses.
    pub(super) fn difference(&self) -> ClockDifference {
        let seen = || self.seen.iter().copied();
        ClockDifference { behind: seen().min().unwrap_or(0).min(0), ahead: seen().max().unwrap_or(0).max(0) }
    }

    /// Processes the time of a response that arrived at `now`. Returns whether the message was written with a wrong
    /// clock and must be sent again; that happens once, not for each response of a clock that jumps.
    pub(super) fn answered(
        &mut self,
        receiver: &str,
        date: Option<UnixSeconds>,
        now: UnixSeconds,
        meters: &NotificationMeters,
    ) -> bool {
        let Some(date) = date else { return false };
        let ahead = i64::try_from(date.0).unwrap_or(i64::MAX).saturating_sub(i64::try_from(now.0).unwrap_or(i64::MAX));
        meters.clock_ahead(receiver, ahead);
        let (difference, before) = (self.difference(), self.seen.back().copied().unwrap_or(0));
        let ahead = if ahead.unsigned_abs() <= TOLERANCE { 0 } else { ahead };
        self.seen.push_back(ahead);
        if self.seen.len() > RESPONSES {
            self.seen.pop_front();
        }
        if ahead.abs_diff(before) > TOLERANCE {
            log(receiver, ahead);
        }
        let tolerance = TOLERANCE.cast_signed();
        if (difference.behind - tolerance..=difference.ahead + tolerance).contains(&ahead) {
            self.is_corrected = false;
            return false;
        }
        !std::mem::replace(&mut self.is_corrected, true)
    }
}

fn log(receiver: &str, ahead: i64) {
    if ahead == 0 {
        info!(receiver, "The clocks of receiver {receiver} and of this host agree again");
    } else {
        warn!(
            receiver,
            "The clock of receiver {receiver} is {ahead} s ahead of this host's (negative: behind): set both by NTP"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meters::Meters;

    #[test]
    fn a_message_is_sent_again_once_when_the_difference_of_the_clocks_shows() {
        let meters = Meters::new(&prometheus::Registry::new());
        let mut clock = ReceiverClock::default();
        let mut answered = |date: Option<u64>| {
            let is_again = clock.answered("am", date.map(UnixSeconds), UnixSeconds(1000), meters.notifications());
            let ClockDifference { behind, ahead } = clock.difference();
            (is_again, behind, ahead)
        };
        assert_eq!(answered(None), (false, 0, 0));
        assert_eq!(answered(Some(1029)), (false, 0, 0), "within the tolerance");
        assert_eq!(answered(Some(1300)), (true, 0, 300));
        assert_eq!(answered(Some(1301)), (false, 0, 301), "corrected");
        assert_eq!(answered(Some(400)), (true, -600, 301), "another server: both clocks count");
        assert_eq!(answered(Some(5000)), (false, -600, 4000), "a clock that jumps costs one message at most");
        for _ in 0..7 {
            assert!(!answered(Some(1002)).0, "in the range");
        }
        assert_eq!(answered(Some(1002)), (false, 0, 0), "the other clocks no longer answer");
    }
}
