//! Formats numbers and dates in the texts of alerts.
//!
//! Never here: the choice of the number.

use crate::condition::NetworkContext;
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

/// A block with its time, or its expected time: `block 2123456 (about 2026-10-27)`.
pub(super) fn block(network: &NetworkContext<'_>, height: Height) -> String {
    let Some(snapshot) = network.fresh else { return format!("block {height}") };
    let (tip, spacing) = (snapshot.block(), snapshot.facts().spacing_seconds(snapshot.rules()));
    let seconds = |blocks: u32| (f64::from(blocks) * spacing) as u64;
    let moment = if height > tip.height {
        tip.time.0.saturating_add(seconds(height.above(tip.height)))
    } else {
        tip.time.0.saturating_sub(seconds(tip.height.above(height)))
    };
    format!("block {height} (about {})", &rfc3339::text(UnixSeconds(moment))[..10])
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
