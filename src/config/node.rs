//! A value of the web configuration file with the path of its key, read with every mistake noted instead of the first returned.
//!
//! Never here: what a key means.

use std::cell::RefCell;
use std::time::Duration;

use ::config::{Value, ValueKind};

use crate::config::span::{Span, parse_duration};
use crate::config::value::nearest;

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
            match nearest(key, known.iter().copied()) {
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
