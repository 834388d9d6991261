//! The time of a simulation: true time, which blocks have, and the wall clock of the exporter's host, which may be wrong.
//!
//! While a process runs, time is that of its paused runtime. Between two processes it is moved on by hand.
//!
//! Never here: the real clock.

use std::cell::Cell;

use domain::UnixSeconds;
use masternode_exporter::alerting::EVALUATION_PAUSE;
use tokio::time::{Duration, Instant};

/// Time at which each simulation begins.
const BEGIN_SECONDS: u64 = 1_795_000_000;

thread_local! {
    static CLOCK: Cell<Clock> = const { Cell::new(BEGIN) };
}

#[derive(Clone, Copy)]
struct Clock {
    /// Milliseconds of simulated time when the runtime started.
    base: u64,
    /// The start of the runtime.
    runs_since: Option<Instant>,
    /// Seconds by which the host's clock is ahead.
    skew: i64,
    /// Parts per million by which it is fast.
    drift: i64,
    /// Until then, conditions are evaluated as often as in production.
    lively_until: u64,
}

const BEGIN: Clock = Clock { base: 0, runs_since: None, skew: 0, drift: 0, lively_until: LIVELY };

/// Milliseconds after a fault begins or ends in which conditions are evaluated as often as in production.
const LIVELY: u64 = 120_000;

/// Longest pause between two evaluations at other times: less than the minute after which the exporter takes itself for stuck.
const LONGEST_PAUSE: Duration = Duration::from_secs(50);

/// Begins a simulation.
pub(crate) fn reset() {
    CLOCK.set(BEGIN);
}

/// A runtime started; called within it.
pub(crate) fn runtime_started() {
    CLOCK.set(Clock { runs_since: Some(Instant::now()), ..CLOCK.get() });
}

/// The runtime is about to end; called within it.
pub(crate) fn runtime_ends() {
    CLOCK.set(Clock { base: millis(), runs_since: None, ..CLOCK.get() });
}

/// Moves time on to a moment while no process runs.
pub(crate) fn pass_to(moment: u64) {
    let clock = CLOCK.get();
    CLOCK.set(Clock { base: clock.base.max(moment), ..clock });
}

/// Milliseconds since the simulation began.
pub(crate) fn millis() -> u64 {
    let Clock { base, runs_since, .. } = CLOCK.get();
    base + runs_since.map_or(0, |since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// True Unix time.
pub(crate) fn seconds() -> u64 {
    BEGIN_SECONDS + millis() / 1000
}

/// The wall clock of the exporter's host.
pub(crate) fn wall() -> UnixSeconds {
    let Clock { skew, drift, .. } = CLOCK.get();
    let millis = i64::try_from(millis()).unwrap_or(i64::MAX);
    UnixSeconds(seconds().saturating_add_signed(skew + millis / 1000 * drift / 1_000_000))
}

/// Sets by how many seconds the wall clock is ahead, and by how many parts per million it is fast.
pub(crate) fn set_wrong(skew: i64, drift: i64) {
    CLOCK.set(Clock { skew, drift, ..CLOCK.get() });
}

/// Sleeps until a moment.
pub(crate) async fn sleep_until(moment: u64) {
    tokio::time::sleep(Duration::from_millis(moment.saturating_sub(millis()))).await;
}

/// Something changed that is no block: conditions are evaluated often for a while.
pub(crate) fn enliven() {
    CLOCK.set(Clock { lively_until: millis() + LIVELY, ..CLOCK.get() });
}

/// The longest pause between two evaluations of the conditions. A new block ends it in any case.
pub(crate) fn evaluation_pause() -> Duration {
    if millis() < CLOCK.get().lively_until { EVALUATION_PAUSE } else { LONGEST_PAUSE }
}
