//! Durations as people write them: `5s`, `1h30m`, `400d`.
//!
//! Never here: the durations that a key accepts.

use std::fmt;
use std::time::Duration;

/// Parses a duration: numbers with units, `1h30m`, `15m`, `200ms`. The error describes the format.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("{text:?} is not a time span such as 200ms, 5s, 15m, 24h, 400d or 1h30m"))
}

/// A duration as [`parse_duration`] reads it: each unit once, from days to milliseconds. Fractions of a millisecond are
/// truncated.
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
    fn durations_are_parsed_with_their_units() {
        let cases = [("5s", 5_000), ("200ms", 200), ("15m", 900_000), ("1h30m", 5_400_000), ("400d", 34_560_000_000)];
        for (text, milliseconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5x", "99999999999999999999s", "4000000000d5"] {
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
