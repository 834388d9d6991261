//! The value of a sample as text.
//!
//! Never here: units; a value is written unchanged.

use domain::Duffs;

/// A value; integers have a fast path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// A count, height, score or flag.
    Whole(u64),
    /// An amount of coins.
    Coins(Duffs),
    /// Anything else.
    Real(f64),
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Whole(u64::from(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Whole(u64::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        Value::Whole(value as u64)
    }
}

impl Value {
    /// The value if it has one digit.
    fn digit(self) -> Option<u8> {
        match self {
            Value::Whole(digit @ 0..=9) => Some(digit as u8),
            // A probability that is certain.
            Value::Real(0.0) => Some(0),
            Value::Real(1.0) => Some(1),
            _ => None,
        }
    }

    /// Appends the value and the end of its line.
    pub(super) fn write_line(self, out: &mut Vec<u8>) {
        // Most values have one digit: flags, remaining failures, and the score of a healthy masternode.
        match self.digit() {
            Some(digit) => out.extend_from_slice(&[b'0' + digit, b'\n']),
            None => {
                self.write(out);
                out.push(b'\n');
            }
        }
    }

    /// Appends the text of the exposition formats.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Value::Whole(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Value::Coins(amount) => {
                let text = amount.to_string();
                out.extend_from_slice(text.trim_end_matches('0').trim_end_matches('.').as_bytes());
            }
            Value::Real(value) if value.is_nan() => out.extend_from_slice(b"NaN"),
            Value::Real(value) if value.is_infinite() => {
                out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
            }
            Value::Real(value) => {
                let mut buffer = zmij::Buffer::new();
                let text = buffer.format_finite(value);
                out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_the_same_value() {
        let values = [0.0, 1.0, 2.0, 0.5, f64::NAN, f64::INFINITY].map(Value::Real);
        for value in values.into_iter().chain((0..12).map(Value::Whole)) {
            let (mut text, mut line) = (Vec::new(), Vec::new());
            value.write(&mut text);
            value.write_line(&mut line);
            assert_eq!(line.strip_suffix(b"\n"), Some(&*text), "{value:?}");
        }
    }

    #[test]
    fn values_are_written_as_the_formats_want_them() {
        let cases = [
            (Value::Whole(2_523_213), "2523213"),
            (Value::Coins(Duffs(0)), "0"),
            (Value::Coins(Duffs(1)), "0.00000001"),
            (Value::Coins(Duffs(77_050_000)), "0.7705"),
            (Value::Coins(Duffs(12_000_000_000)), "120"),
            (Value::Coins(Duffs(u64::MAX)), "184467440737.09551615"),
            (Value::Real(1.0), "1"),
            (Value::Real(157.6), "157.6"),
            (Value::Real(-3.0), "-3"),
            (Value::Real(f64::NAN), "NaN"),
            (Value::Real(f64::INFINITY), "+Inf"),
            (Value::Real(f64::NEG_INFINITY), "-Inf"),
        ];
        for (value, expected) in cases {
            let mut out = Vec::new();
            value.write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{value:?}");
        }
        let mut out = Vec::new();
        Value::Real(1e-7).write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap().parse(), Ok(1e-7));
    }
}
