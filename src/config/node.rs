//! A value of the configuration with the path of its key, read with every mistake noted instead of the first returned.
//!
//! Never here: what a key means.

use std::cell::RefCell;
use std::time::Duration;

use ::config::{Value, ValueKind};

/// Mistakes found so far.
#[derive(Default)]
pub(super) struct Report {
    errors: RefCell<Vec<String>>,
}

impl Report {
    /// Notes a mistake at a key.
    pub(super) fn error(&self, path: &str, what: impl std::fmt::Display) {
        self.errors.borrow_mut().push(format!("{path}: {what}"));
    }

    /// All mistakes, in the order in which they were found.
    pub(super) fn into_errors(self) -> Vec<String> {
        self.errors.into_inner()
    }
}

/// A value, or the place where it could stand.
#[derive(Clone)]
pub(super) struct Node<'a> {
    value: Option<&'a Value>,
    path: String,
    report: &'a Report,
}

impl<'a> Node<'a> {
    /// The root of a configuration.
    pub(super) fn root(value: &'a Value, report: &'a Report) -> Node<'a> {
        Node { value: Some(value), path: String::new(), report }
    }

    /// Whether a value stands here.
    pub(super) fn is_set(&self) -> bool {
        self.value.is_some_and(|value| value.kind != ValueKind::Nil)
    }

    /// Notes a mistake here.
    pub(super) fn error(&self, what: impl std::fmt::Display) {
        self.report.error(&self.path, what);
    }

    /// Checks that this is a table with no other keys than these.
    pub(super) fn keys(&self, known: &[&str]) {
        match self.value.map(|value| &value.kind) {
            None | Some(ValueKind::Nil) => {}
            Some(ValueKind::Table(table)) => {
                let mut unknown: Vec<&String> = table.keys().filter(|key| !known.contains(&key.as_str())).collect();
                unknown.sort();
                for key in unknown {
                    let near =
                        known.iter().filter(|name| distance(name, key) <= 2).min_by_key(|name| distance(name, key));
                    let hint = near.map_or_else(
                        || format!("known here are {}", known.join(", ")),
                        |near| format!("did you mean {near}?"),
                    );
                    self.get(key).error(format_args!("unknown key; {hint}"));
                }
            }
            Some(_) => self.error(format_args!("expected keys with values ({})", known.join(", "))),
        }
    }

    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Node<'a> {
        let value = match self.value.map(|value| &value.kind) {
            Some(ValueKind::Table(table)) => table.get(key),
            _ => None,
        };
        let path = if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) };
        Node { value, path, report: self.report }
    }

    /// The entries of a table whose keys are free, by key.
    pub(super) fn entries(&self) -> Vec<(String, Node<'a>)> {
        match self.value.map(|value| &value.kind) {
            None | Some(ValueKind::Nil) => Vec::new(),
            Some(ValueKind::Table(table)) => {
                let mut keys: Vec<&String> = table.keys().collect();
                keys.sort();
                keys.into_iter().map(|key| (key.clone(), self.get(key))).collect()
            }
            Some(_) => {
                self.error("expected keys with values");
                Vec::new()
            }
        }
    }

    /// The elements of a list; a single value counts as a list of one.
    pub(super) fn elements(&self) -> Vec<Node<'a>> {
        let element =
            |(index, value)| Node { value: Some(value), path: format!("{}[{index}]", self.path), report: self.report };
        match self.value.map(|value| &value.kind) {
            None | Some(ValueKind::Nil) => Vec::new(),
            Some(ValueKind::Array(values)) => values.iter().enumerate().map(element).collect(),
            Some(ValueKind::Table(_)) => {
                self.error("expected a list");
                Vec::new()
            }
            Some(_) => vec![self.clone()],
        }
    }

    /// A text; numbers and flags are taken as they are written.
    pub(super) fn text(&self) -> Option<String> {
        match self.value.map(|value| &value.kind)? {
            ValueKind::Nil => None,
            ValueKind::Table(_) | ValueKind::Array(_) => {
                self.error("expected a text");
                None
            }
            kind => Some(kind.to_string()),
        }
    }

    /// A text that must stand here.
    pub(super) fn required(&self) -> Option<String> {
        if !self.is_set() {
            self.error("is missing");
        }
        self.text()
    }

    /// A whole number in a range.
    pub(super) fn whole(&self, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let text = self.text()?;
        match text.parse::<u64>().ok().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.error(format_args!("{text:?} is not a whole number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }

    /// A flag.
    pub(super) fn flag(&self) -> Option<bool> {
        let text = self.text()?;
        match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.error(format_args!("{text:?} is neither true nor false"));
                None
            }
        }
    }

    /// A time span such as `5s`, in a range.
    pub(super) fn duration(&self, range: std::ops::RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text()?;
        match parse_duration(&text) {
            Ok(duration) if range.contains(&duration) => Some(duration),
            Ok(_) => {
                self.error(format_args!("{text} is not between {:?} and {:?}", range.start(), range.end()));
                None
            }
            Err(error) => {
                self.error(error);
                None
            }
        }
    }

    /// A value that a function reads from its text.
    pub(super) fn parsed<T, E: std::fmt::Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text()?;
        parse(&text).map_err(|error| self.error(error)).ok()
    }
}

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

/// Edits that turn one word into another, to guess what was meant.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, character) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
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
    fn a_near_miss_is_near() {
        assert_eq!(distance("sources", "source"), 1);
        assert_eq!(distance("poll_interval", "pol_intervall"), 2);
        assert!(distance("watch", "networks") > 2);
    }
}
