//! Formats numbers and dates in the texts of alerts.
//!
//! Never here: the texts themselves, which are with their conditions (`pose`, `life`, `network`, `source`, …).

use crate::condition::NetworkContext;
use crate::list::Block;
use crate::masternode::{Height, UnixSeconds};
use crate::rfc3339;

/// A duration: `1h 2m 3s`.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".into() } else { parts.join(" ") }
}

/// A time: `2026-01-31 12:00 UTC`.
pub fn time(moment: UnixSeconds) -> String {
    let text = rfc3339::text(moment);
    format!("{} {} UTC", &text[..10], &text[11..16])
}

/// A block of the past, with its date if `known` is this block: `block 2123456 (2026-10-27)`. A date computed back from the
/// tip would change with the measured block interval.
pub(super) fn past_block(height: Height, known: Option<Block>) -> String {
    match known.filter(|block| block.height == height) {
        Some(block) => format!("block {height} ({})", &rfc3339::text(block.time)[..10]),
        None => format!("block {height}"),
    }
}

/// A future block with its expected date: `block 2123456 (about 2026-10-27)`; without a date if it is not in the future.
pub(super) fn block(network: &NetworkContext<'_>, height: Height) -> String {
    let future = network.fresh.filter(|snapshot| height > snapshot.block().height);
    let Some(snapshot) = future else { return format!("block {height}") };
    let (tip, spacing) = (snapshot.block(), snapshot.facts().spacing_seconds(snapshot.rules()));
    let ahead = (f64::from(height.above(tip.height)) * spacing) as u64;
    let moment = UnixSeconds(tip.time.0.saturating_add(ahead));
    format!("block {height} (about {})", &rfc3339::text(moment)[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_moments_are_short() {
        for (seconds, text) in [(0, "0s"), (45, "45s"), (930, "15m 30s"), (3_600, "1h"), (90_061, "1d 1h 1m 1s")] {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(time(UnixSeconds(1_769_860_805)), "2026-01-31 12:00 UTC");
    }
}
