//! The time of a simulation: true time, which blocks have, and the wall clock of the exporter's host, which may be wrong.
//!
//! While a process runs, time is that of its paused runtime. Between two processes it is moved on by hand.
//!
//! Never here: the real clock.

use std::cell::Cell;

use domain::UnixSeconds;
use tokio::time::{Duration, Instant};

/// Time at which each simulation begins.
const BEGIN_SECONDS: u64 = 1_795_000_000;

thread_local! {
    static CLOCK: Cell<Clock> = const { Cell::new(Clock { base: 0, runs_since: None, skew: 0, drift: 0 }) };
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
}

/// Begins a simulation.
pub(crate) fn reset() {
    CLOCK.set(Clock { base: 0, runs_since: None, skew: 0, drift: 0 });
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
