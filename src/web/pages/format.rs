//! Formats numbers and times for the pages.
//!
//! Never here: judgement of values.

use maud::{Markup, html};

use domain::masternode::{Height, MasternodeId, UnixSeconds};
use domain::pose::Risk;
use domain::rfc3339;
use domain::snapshot::Snapshot;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A duration in its two largest units: `40 s`, `12 min`, `3 h 20 min`, `4 d 2 h`.
pub(super) fn format_duration(seconds: u64) -> String {
    let two = |large: u64, small: u64, of_large: &str, of_small: &str| match small {
        0 => format!("{large} {of_large}"),
        _ => format!("{large} {of_large} {small} {of_small}"),
    };
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => two(seconds / HOUR, seconds % HOUR / MINUTE, "h", "min"),
        _ => two(seconds / DAY, seconds % DAY / HOUR, "d", "h"),
    }
}

/// A count of a thing: `1 block`, `2 blocks`.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A ratio in percent; never 0 or 100 for a value that is only close to them.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        none if none <= 0.0 => "0 %".into(),
        few if few < 1.0 => "under 1 %".into(),
        most if most > 99.0 && most < 100.0 => "over 99 %".into(),
        percent => format!("{percent:.0} %"),
    }
}

/// The first and last characters of an identity: enough to distinguish it at a glance.
pub(super) fn short_id(id: &MasternodeId) -> String {
    let text = id.to_string();
    // All of it is ASCII.
    let hash = text.split('-').next().unwrap_or_default();
    format!("{}…{}", &text[..8], &text[hash.len() - 4..])
}

/// A time, to the minute for people and to the second in the `datetime` attribute.
pub(super) fn format_time(moment: UnixSeconds) -> Markup {
    let text = rfc3339::text(moment);
    let people = format!("{} {} UTC", &text[..10], &text[11..16]);
    html! { time datetime=(text) { (people) } }
}

/// A past time, with its age.
pub(super) fn format_age(now: UnixSeconds, then: UnixSeconds) -> Markup {
    html! { (format_duration(now.0.saturating_sub(then.0))) " ago" }
}

/// A number of blocks from now: as a duration and a time. An estimate from the mean block interval.
pub(super) fn in_blocks(snapshot: &Snapshot, now: UnixSeconds, blocks: u32) -> Markup {
    let seconds = seconds_of(snapshot, blocks);
    html! { "about " (format_duration(seconds)) span.when { (format_time(UnixSeconds(now.0.saturating_add(seconds)))) } }
}

/// Duration of a number of blocks.
pub(super) fn seconds_of(snapshot: &Snapshot, blocks: u32) -> u64 {
    let seconds = f64::from(blocks) * snapshot.facts().spacing_seconds(snapshot.rules());
    seconds.round() as u64
}

/// Time from a height below the tip to the tip, by the mean time between blocks.
pub(super) fn seconds_since(snapshot: &Snapshot, height: Height) -> u64 {
    seconds_of(snapshot, snapshot.block().height.above(height))
}

/// Number of blocks from the tip to a height above it.
pub(super) fn blocks_to(snapshot: &Snapshot, height: Height) -> u32 {
    height.above(snapshot.block().height)
}

/// A risk band, `None` for a masternode that is not registered: its CSS class and its text.
pub(super) fn risk(risk: Option<Risk>) -> (&'static str, &'static str) {
    match risk {
        Some(Risk::Clear) => ("clear", "clear"),
        Some(Risk::Decaying) => ("decaying", "decaying"),
        Some(Risk::OneFailureFromBan) => ("danger", "one failure from a ban"),
        Some(Risk::Unhealthy) => ("unhealthy", "unhealthy"),
        Some(Risk::Banned) => ("banned", "banned"),
        None => ("absent", "not registered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_two_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (12_000, "3 h 20 min"),
            (86_400, "1 d"),
            (86_400 * 4 + 7200, "4 d 2 h"),
        ];
        for (seconds, said) in cases {
            assert_eq!(format_duration(seconds), said);
        }
    }

    #[test]
    fn what_may_happen_is_never_said_to_be_sure() {
        let cases = [(0.0, "0 %"), (0.004, "under 1 %"), (0.5, "50 %"), (0.996, "over 99 %"), (1.0, "100 %")];
        for (share, said) in cases {
            assert_eq!(percent(share), said);
        }
    }

    #[test]
    fn an_outpoint_is_shortened_in_its_hash() {
        let id: MasternodeId = format!("{}89ab-12", "0".repeat(60)).parse().unwrap();
        assert_eq!(short_id(&id), "00000000…89ab-12");
    }
}
