//! Heights and dates as arguments say them, and times as tables show them: always UTC.
//!
//! Never here: what lies between two of them.

use crate::domain::masternode::{Height, UnixSeconds};

const DAY: u64 = 86_400;

/// A place in a chain: a block, or a span of time as short as the text said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// A block.
    Height(Height),
    /// From the first of these seconds to the last: a day, or one second.
    Time(UnixSeconds, UnixSeconds),
}

/// Reads `2528000`, `2026-01-31` or `2026-01-31T12:00:00Z`.
pub(super) fn parse(text: &str) -> Result<When, String> {
    if let Ok(height) = text.parse() {
        return Ok(When::Height(Height(height)));
    }
    let bad = || {
        format!("{text:?} is neither a height such as 2528000 nor a date such as 2026-01-31 or 2026-01-31T12:00:00Z")
    };
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time.strip_suffix('Z').ok_or_else(bad)?)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or_else(bad)?;
    let day_start = day_number(year, month, day).ok_or_else(bad)? * DAY;
    let Some(time) = time else { return Ok(When::Time(UnixSeconds(day_start), UnixSeconds(day_start + DAY - 1))) };
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).ok_or_else(bad)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(bad());
    }
    let moment = UnixSeconds(day_start + hour * 3600 + minute * 60 + second);
    Ok(When::Time(moment, moment))
}

/// `2026-01-31T12:00:00Z`.
pub(super) fn text(time: UnixSeconds) -> String {
    let (mut days, seconds) = (time.0 / DAY, time.0 % DAY);
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

/// Whole numbers of so many digits with a sign between them.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut found = [0; 3];
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let fits = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = fits.then(|| part.parse().ok()).flatten()?;
    }
    parts.next().is_none().then_some(found)
}

/// Days since 1970; `None` for a day that the calendar does not have, or before.
fn day_number(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
        return None;
    }
    let years: u64 = (1970..year).map(days_of_year).sum();
    let months: u64 = (1..month).map(|month| days_of_month(year, month)).sum();
    Some(years + months + day - 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_that_the_system_computes() {
        // By `date -u -d … +%s`.
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ];
        for (written, seconds) in cases {
            let moment = UnixSeconds(seconds);
            assert_eq!(parse(written), Ok(When::Time(moment, moment)), "{written}");
            assert_eq!(text(moment), written);
        }
    }

    #[test]
    fn a_day_is_all_of_it_and_a_number_is_a_height() {
        assert_eq!(parse("1970-01-02"), Ok(When::Time(UnixSeconds(86_400), UnixSeconds(172_799))));
        assert_eq!(parse("2528000"), Ok(When::Height(Height(2_528_000))));
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
