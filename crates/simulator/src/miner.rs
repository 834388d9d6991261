//! Mining by the clock, for the demonstration.
//!
//! Never here: catching up by mining two blocks at once; a late block stays late.

use std::future::Future;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval_at};

use super::network_kind::AnyNetwork;

/// Mines a block every `interval` (at least 10 ms) until `shutdown` is ready.
pub async fn drive(network: impl Into<AnyNetwork>, interval: Duration, shutdown: impl Future<Output = ()>) {
    let network = network.into();
    let interval = interval.max(Duration::from_millis(10));
    let mut ticks = interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            _ = ticks.tick() => network.mine(1),
        }
    }
}
