//! How far long work is: a bar that moves where somebody looks on, a line now and then where a log is written.
//!
//! Never here: the work.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::follower::offline_backfill::Progress;

/// Between two lines of a log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Between two states of a bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);

/// Signs of a full bar.
const BAR_LENGTH: u32 = 30;

/// Says on standard error how far it is, and hears whether it shall go on.
pub(super) struct ProgressReport {
    begun: Instant,
    said: Instant,
    stop: Arc<AtomicBool>,
    terminal: bool,
    drawn: bool,
}

impl ProgressReport {
    /// Of work that begins now and ends early once `stop` is set.
    pub(super) fn new(stop: Arc<AtomicBool>) -> ProgressReport {
        let now = Instant::now();
        ProgressReport { begun: now, said: now, stop, terminal: std::io::stderr().is_terminal(), drawn: false }
    }

    /// Says now and then how far it is. Returns whether nobody asked to stop.
    pub(super) fn goes_on(&mut self, progress: Progress) -> bool {
        let interval = if self.terminal { BAR_INTERVAL } else { LOG_INTERVAL };
        if self.said.elapsed() >= interval {
            self.said = Instant::now();
            let line = line(progress, self.begun.elapsed());
            if self.terminal {
                // Over the state before, to the end of the line.
                eprint!("\r{} {line}\x1b[K", bar(progress));
                self.drawn = true;
            } else {
                eprintln!("{line}");
            }
        }
        !self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for ProgressReport {
    fn drop(&mut self) {
        if self.drawn {
            eprintln!();
        }
    }
}

/// The part that is done, as a picture.
fn bar(Progress { done, total, .. }: Progress) -> String {
    let filled = u64::from(done) * u64::from(BAR_LENGTH) / u64::from(total.max(1));
    let filled = usize::try_from(filled).unwrap_or(usize::MAX).min(BAR_LENGTH as usize);
    format!("[{}{}]", "#".repeat(filled), ".".repeat(BAR_LENGTH as usize - filled))
}

/// The part that is done, in words, and how long the rest takes at this pace; nothing of it before the first block.
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
