//! Time spans as people write them: `5s`, `1h30m`, `400d`.
//!
//! Never here: which spans make sense for a key.

use std::fmt;
use std::time::Duration;

/// Reads a time span: numbers with units behind them, `1h30m`, `15m`, `200ms`. The error says how one is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a time span such as 200ms, 5s, 15m, 24h, 400d or 1h30m");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).ok_or_else(bad)?;
        let number: u32 = rest[..digits].parse().map_err(|_| bad())?;
        let unit_end =
            rest[digits..].find(|character: char| character.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let unit = match &rest[digits..unit_end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(bad()),
        };
        total = unit.checked_mul(number).and_then(|span| total.checked_add(span)).ok_or_else(bad)?;
        rest = &rest[unit_end..];
    }
    if text.trim().is_empty() { Err(bad()) } else { Ok(total) }
}

/// A span as [`parse_duration`] reads it: each unit once, from days to milliseconds. What is below a millisecond is cut.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, milliseconds) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if rest >= milliseconds {
                write!(f, "{}{unit}", rest / milliseconds)?;
                rest %= milliseconds;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_read_as_people_write_them() {
        let cases = [("5s", 5_000), ("200ms", 200), ("15m", 900_000), ("1h30m", 5_400_000), ("400d", 34_560_000_000)];
        for (text, milliseconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-5s", "5x", "99999999999s", "4000000000d5"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for text in ["0s", "200ms", "5s", "15m", "1h30m", "400d", "1d1h1m1s1ms"] {
            assert_eq!(Span(parse_duration(text).unwrap()).to_string(), text);
        }
    }
}
