//! How often requests may come: a burst at once, then one each interval.
//!
//! Never here: a clock.

use std::time::{Duration, Instant};

use crate::settings::RateLimit;

/// The state of a rate limit.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: RateLimit,
    /// When the next request would come if all so far had kept the interval.
    due: Option<Instant>,
}

impl Bucket {
    /// Nothing was asked yet.
    pub(crate) fn new(limit: RateLimit) -> Bucket {
        Bucket { limit, due: None }
    }

    /// Whether a request may come now; it is counted when it may.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let RateLimit { interval, burst } = self.limit;
        let Some(further) = burst.checked_sub(1) else { return false };
        let due = self.due.map_or(now, |due| due.max(now));
        if due - now > interval.checked_mul(further).unwrap_or(Duration::MAX) {
            return false;
        }
        // Beyond what the clock can add, the limit stays where it is.
        self.due = due.checked_add(interval).or(self.due);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_comes_at_once_and_then_one_each_interval() {
        let mut bucket = Bucket::new(RateLimit { interval: SECOND, burst: 3 });
        let start = Instant::now();
        let taken = |bucket: &mut Bucket, now| (0..10).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(&mut bucket, start), 3);
        assert_eq!(taken(&mut bucket, start + SECOND / 2), 0);
        assert_eq!(taken(&mut bucket, start + SECOND), 1);
        assert_eq!(taken(&mut bucket, start + 3 * SECOND), 2);
        assert_eq!(taken(&mut bucket, start + 1000 * SECOND), 3, "a long rest saves no more than a burst");
    }

    #[test]
    fn a_burst_of_none_lets_nobody_in_and_endless_numbers_do_not_overflow() {
        assert!(!Bucket::new(RateLimit { interval: SECOND, burst: 0 }).take(Instant::now()));
        let mut endless = Bucket::new(RateLimit { interval: Duration::MAX, burst: u32::MAX });
        assert!(endless.take(Instant::now()) && endless.take(Instant::now()));
    }
}
