//! A value of the configuration with the path of its key, read with every mistake noted instead of the first returned.
//!
//! Never here: what a key means.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::config::{Value, ValueKind};

use crate::config::keys;
use crate::config::span::{Span, parse_duration};

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

    /// Notes a mistake here, and which variable or argument made it where it was not the file.
    pub(super) fn error(&self, what: impl std::fmt::Display) {
        match self.value.and_then(Value::origin) {
            Some(origin) => self.report.error(&self.path, format_args!("{what} (set by {origin})")),
            None => self.report.error(&self.path, what),
        }
    }

    /// Checks that this is a table with no other keys than those that [`keys::KEYS`] has here.
    pub(super) fn check_keys(&self) {
        self.check_only(&keys::below(&pattern(&self.path)));
    }

    /// Checks that this is a table with no other keys than these.
    pub(super) fn check_only(&self, known: &[&str]) {
        let table = match self.value.map(|value| &value.kind) {
            None | Some(ValueKind::Nil) => return,
            Some(ValueKind::Table(table)) => table,
            Some(_) => return self.error(format_args!("expected keys with values ({})", known.join(", "))),
        };
        let mut unknown: Vec<&String> = table.keys().filter(|key| !known.contains(&key.as_str())).collect();
        unknown.sort();
        for key in unknown {
            let node = self.get(key);
            let near = known.iter().filter(|name| distance(name, key) <= 2).min_by_key(|name| distance(name, key));
            match near {
                _ if keys::is_of_later_version(&node.path) => node.error("is not in this version: leave it out"),
                Some(near) => node.error(format_args!("unknown key; did you mean {near}?")),
                None => node.error(format_args!("unknown key; known here are {}", known.join(", "))),
            }
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
            Some(ValueKind::Array(values)) => {
                let (set, empty): (Vec<_>, Vec<_>) = values.iter().enumerate().map(element).partition(Node::is_set);
                empty.iter().for_each(|node| node.error("is empty: give it a value, or remove it"));
                set
            }
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

    /// Whether a text stands here that YAML takes for nothing else.
    pub(super) fn is_text(&self) -> bool {
        self.value.is_some_and(|value| matches!(value.kind, ValueKind::String(_)))
    }

    /// A text that is shown or compared as it was written, so that `007`, which YAML takes for the number 7, is refused.
    pub(super) fn verbatim(&self) -> Option<String> {
        match self.value.map(|value| &value.kind)? {
            ValueKind::String(_) | ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_) => self.text(),
            _ => {
                self.error("is a number or a flag to YAML: put it into quotes");
                None
            }
        }
    }

    /// A path, with `~` for the home directory.
    pub(super) fn path(&self, home: Option<&Path>) -> Option<PathBuf> {
        let text = self.verbatim()?;
        let below = text.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with('/'));
        match (below, home) {
            _ if text.is_empty() => {
                self.error("names no file");
                None
            }
            (None, _) => Some(text.into()),
            (Some(below), Some(home)) => Some(home.join(below.trim_start_matches('/'))),
            (Some(_), None) => {
                self.error("begins with ~, and no home directory is known: write the whole path");
                None
            }
        }
    }

    /// A text that must stand here.
    pub(super) fn required(&self) -> Option<String> {
        if !self.is_set() {
            self.error("is missing");
        }
        self.verbatim()
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
                self.error(format_args!("{text} is not between {} and {}", Span(*range.start()), Span(*range.end())));
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

/// A path with `[]` for every place in a list, and `<name>` for the name of a chain.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    if let Some(rest) = path.strip_prefix("chains.") {
        let (_, below) = rest.split_once('.').unwrap_or((rest, ""));
        let dot = if below.is_empty() { "" } else { "." };
        return format!("chains.<name>{dot}{below}");
    }
    for (index, part) in path.split('[').enumerate() {
        pattern.push_str(if index == 0 { part } else { "[" });
        pattern.push_str(if index == 0 { "" } else { part.trim_start_matches(|digit: char| digit.is_ascii_digit()) });
    }
    pattern
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
    fn a_near_miss_is_near() {
        assert_eq!(distance("sources", "source"), 1);
        assert_eq!(distance("poll_interval", "pol_intervall"), 2);
        assert!(distance("watch", "networks") > 2);
    }

    #[test]
    fn a_pattern_has_no_numbers_in_its_places() {
        assert_eq!(pattern("networks[12].sources[0].url"), "networks[].sources[].url");
        assert_eq!(pattern("watch[3]"), "watch[]");
        assert_eq!(pattern("web.max_requests"), "web.max_requests");
    }
}
