//! Times as text outside of metrics: always UTC, always RFC 3339.
//!
//! Never here: the current time; other time zones.

use crate::masternode::UnixSeconds;

const DAY: u64 = 86_400;

/// The first and last second of `2026-01-31` or `2026-01-31T12:00:00Z`: a day, or one second. `None` for any other
/// text, for dates that do not exist, and before 1970.
pub fn span(text: &str) -> Option<(UnixSeconds, UnixSeconds)> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time.strip_suffix('Z')?)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let day_start = day_number(year, month, day)? * DAY;
    let Some(time) = time else { return Some((UnixSeconds(day_start), UnixSeconds(day_start + DAY - 1))) };
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let moment = UnixSeconds(day_start + hour * 3600 + minute * 60 + second);
    Some((moment, moment))
}

/// The first and last second of the month `2026-01`; `None` for any other text.
pub fn month(text: &str) -> Option<(UnixSeconds, UnixSeconds)> {
    let [year, month, _] = numbers(&format!("{text}-01"), '-', [4, 2, 2])?;
    let first = day_number(year, month, 1)?;
    let seconds = days_of_month(year, month) * DAY;
    Some((UnixSeconds(first * DAY), UnixSeconds(first * DAY + seconds - 1)))
}

/// `2026-01-31T12:00:00Z`.
pub fn text(time: UnixSeconds) -> String {
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

/// Whole numbers with the given numbers of digits, separated by a sign.
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

/// Days since 1970; `None` for a day that does not exist, or before 1970.
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
    fn dates_match_those_of_the_system() {
        // Computed by `date -u -d … +%s`.
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ];
        for (written, seconds) in cases {
            let moment = UnixSeconds(seconds);
            assert_eq!(span(written), Some((moment, moment)), "{written}");
            assert_eq!(text(moment), written);
        }
    }

    #[test]
    fn a_month_is_all_of_it() {
        let cases = [
            ("2026-02", "2026-02-28T23:59:59Z"),
            ("2028-02", "2028-02-29T23:59:59Z"),
            ("2026-12", "2026-12-31T23:59:59Z"),
        ];
        for (written, last) in cases {
            let (first, until) = month(written).unwrap();
            assert_eq!((text(first), text(until)), (format!("{written}-01T00:00:00Z"), last.to_string()));
        }
        for wrong in ["2026-13", "2026-00", "2026-1", "2026", "2026-01-01", "1969-12", "", "2026-01-"] {
            assert_eq!(month(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_is_all_of_it() {
        assert_eq!(span("1970-01-02"), Some((UnixSeconds(86_400), UnixSeconds(172_799))));
    }
}
