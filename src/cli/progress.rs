//! Progress of a long operation: a progress bar on a terminal, periodic lines in a log.
//!
//! Never here: the work.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::follower::offline_backfill::Progress;

/// Interval between two lines of a log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Interval between two states of a bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);

/// Characters of a full bar.
const BAR_LENGTH: u32 = 30;

/// Reports progress on standard error, and checks whether to stop.
pub(super) struct ProgressReport {
    begun: Instant,
    said: Instant,
    stop: Arc<AtomicBool>,
    terminal: bool,
    drawn: bool,
}

impl ProgressReport {
    /// Progress of work that starts now and ends early once `stop` is set.
    pub(super) fn new(stop: Arc<AtomicBool>) -> ProgressReport {
        let now = Instant::now();
        ProgressReport { begun: now, said: now, stop, terminal: std::io::stderr().is_terminal(), drawn: false }
    }

    /// Reports progress from time to time. Returns whether to continue.
    pub(super) fn goes_on(&mut self, progress: Progress) -> bool {
        let interval = if self.terminal { BAR_INTERVAL } else { LOG_INTERVAL };
        if self.said.elapsed() >= interval {
            self.said = Instant::now();
            let line = line(progress, self.begun.elapsed());
            if self.terminal {
                // Overwrites the previous state up to the end of the line.
                eprint!("\r{} {line}\x1b[K", bar(progress));
                self.drawn = true;
            } else {
                note!("{line}");
            }
        }
        !self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for ProgressReport {
    fn drop(&mut self) {
        if self.drawn {
            note!();
        }
    }
}

/// The completed part as a bar.
fn bar(Progress { done, total, .. }: Progress) -> String {
    let filled = u64::from(done) * u64::from(BAR_LENGTH) / u64::from(total.max(1));
    let filled = usize::try_from(filled).unwrap_or(usize::MAX).min(BAR_LENGTH as usize);
    format!("[{}{}]", "#".repeat(filled), ".".repeat(BAR_LENGTH as usize - filled))
}

/// The completed part in words, with the estimated remaining time; without it before the first block.
fn line(Progress { height, done, total }: Progress, elapsed: Duration) -> String {
    let left = (done > 0).then(|| elapsed.as_secs_f64() / f64::from(done) * f64::from(total.saturating_sub(done)));
    match left {
        Some(left) => format!("block {height}: {done} of {total}, about {left:.0} s left"),
        None => format!("block {height}: {done} of {total}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Height;

    fn progress(done: u32, total: u32) -> Progress {
        Progress { height: Height(700), done, total }
    }

    #[test]
    fn the_bar_is_as_full_as_the_work_is_done() {
        assert_eq!(bar(progress(0, 300)), format!("[{}]", ".".repeat(30)));
        assert_eq!(bar(progress(149, 300)), format!("[{}{}]", "#".repeat(14), ".".repeat(16)));
        assert_eq!(bar(progress(300, 300)), format!("[{}]", "#".repeat(30)));
        assert_eq!(bar(progress(0, 0)), format!("[{}]", ".".repeat(30)), "of no work nothing is done");
    }

    #[test]
    fn the_rest_is_reckoned_by_the_pace_so_far() {
        let line = |done| line(progress(done, 300), Duration::from_secs(50));
        assert_eq!(line(100), "block 700: 100 of 300, about 100 s left");
        assert_eq!(line(300), "block 700: 300 of 300, about 0 s left");
        assert_eq!(line(0), "block 700: 0 of 300");
    }
}
