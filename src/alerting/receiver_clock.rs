//! The clock of a receiver, from the `Date` header of its responses, compared with the clock of this host.
//!
//! Alertmanager treats an alert as resolved when its end time is in the past. So its alerts carry times of
//! Alertmanager's clock: if the clock of this host is behind, an alert would be resolved on arrival.
//!
//! Never here: reading a clock.

use tracing::{info, warn};

use crate::meters::NotificationMeters;
use domain::masternode::UnixSeconds;

/// Tolerated difference of the clocks in seconds: responses take time, and the header has whole seconds.
const TOLERANCE: u64 = 30;

/// How far a receiver's clock is ahead.
#[derive(Debug, Default)]
pub(super) struct ReceiverClock {
    ahead_seconds: i64,
    is_corrected: bool,
}

impl ReceiverClock {
    /// A time of this host in the receiver's clock.
    pub(super) fn ahead_seconds(&self) -> i64 {
        self.ahead_seconds
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
        if ahead.abs_diff(self.ahead_seconds) <= TOLERANCE {
            self.is_corrected = false;
            return false;
        }
        if ahead.unsigned_abs() <= TOLERANCE {
            info!(receiver, "The clocks of receiver {receiver} and of this host agree again");
        } else {
            warn!(
                receiver,
                "The clock of receiver {receiver} is {ahead} s ahead of this host's (negative: behind): set both by NTP"
            );
        }
        self.ahead_seconds = if ahead.unsigned_abs() <= TOLERANCE { 0 } else { ahead };
        !std::mem::replace(&mut self.is_corrected, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meters::Meters;

    #[test]
    fn a_message_is_sent_again_once_when_the_difference_of_the_clocks_shows() {
        let meters = Meters::new(&prometheus::Registry::new()).unwrap();
        let mut clock = ReceiverClock::default();
        let mut answered = |date: Option<u64>| {
            (
                clock.answered("am", date.map(UnixSeconds), UnixSeconds(1000), meters.notifications()),
                clock.ahead_seconds(),
            )
        };
        assert_eq!(answered(None), (false, 0));
        assert_eq!(answered(Some(1029)), (false, 0), "within the tolerance");
        assert_eq!(answered(Some(1300)), (true, 300));
        assert_eq!(answered(Some(1301)), (false, 300), "corrected");
        assert_eq!(answered(Some(400)), (true, -600));
        assert_eq!(answered(Some(5000)), (false, 4000), "a clock that jumps costs one message at most");
        assert_eq!(answered(Some(5000)), (false, 4000));
        assert_eq!(answered(Some(1002)), (true, 0));
    }
}
