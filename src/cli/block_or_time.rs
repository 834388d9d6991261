//! Heights and dates as arguments.
//!
//! Never here: the blocks between two of them.

use domain::masternode::{Height, UnixSeconds};
use domain::rfc3339;

/// A position in a chain: a block, or a time range of the given precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockOrTime {
    /// A block.
    Height(Height),
    /// From the first to the last of these seconds: a day, or one second.
    Time(UnixSeconds, UnixSeconds),
}

/// Parses `2528000`, `2026-01-31` or `2026-01-31T12:00:00Z`.
pub(super) fn parse(text: &str) -> Result<BlockOrTime, String> {
    if let Ok(height) = text.parse() {
        return Ok(BlockOrTime::Height(Height(height)));
    }
    let (first, last) = rfc3339::span(text).ok_or_else(|| {
        format!("{text:?} is neither a height such as 2528000 nor a date such as 2026-01-31 or 2026-01-31T12:00:00Z")
    })?;
    Ok(BlockOrTime::Time(first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_all_of_it_and_a_number_is_a_height() {
        assert_eq!(parse("1970-01-02"), Ok(BlockOrTime::Time(UnixSeconds(86_400), UnixSeconds(172_799))));
        assert_eq!(parse("2528000"), Ok(BlockOrTime::Height(Height(2_528_000))));
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        let cases = [
            "",
            "yesterday",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-1-1",
            "1969-12-31",
            "2026-01-31T12:00:00",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00Z",
            "-5",
            "5000000000",
            "2026-01-31-01",
        ];
        for text in cases {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
