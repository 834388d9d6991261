//! The errors of a configuration, collected instead of returned one by one, each with the path of its key.
//!
//! Never here: the rules.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};

use ::config::{Value, ValueKind};

/// The same error at more places than this is one line with a count.
const MOST_ALIKE: usize = 3;

/// One error.
struct Mistake {
    path: String,
    what: String,
    /// Its position: the index of each part of the path among its siblings.
    order: Vec<usize>,
}

/// Errors found so far.
#[derive(Default)]
pub(super) struct Mistakes {
    found: RefCell<Vec<Mistake>>,
    paths: RefCell<HashSet<String>>,
    /// The folder of the file, to which paths in it are relative; empty without one.
    folder: PathBuf,
}

impl Mistakes {
    /// No errors yet, of a configuration in this file.
    pub(super) fn of_file(file: Option<&Path>) -> Mistakes {
        let folder = file.and_then(Path::parent).unwrap_or(Path::new("")).to_path_buf();
        Mistakes { folder, ..Mistakes::default() }
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds an error that belongs to no key of the file.
    pub(super) fn add(&self, path: &str, what: impl Display) {
        self.add_at(path, what, vec![usize::MAX]);
    }

    fn add_at(&self, path: &str, what: impl Display, order: Vec<usize>) {
        self.paths.borrow_mut().insert(path.to_string());
        self.found.borrow_mut().push(Mistake { path: path.to_string(), what: what.to_string(), order });
    }

    /// All errors in the order of the file; repeated ones as one line with their number.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.into_located(|_| String::new())
    }

    /// The same, each after the place of its key, which `locate` tells.
    pub(super) fn into_located(self, locate: impl Fn(&str) -> String) -> Vec<String> {
        let mut found = self.found.into_inner();
        found.sort_by(|one, other| one.order.cmp(&other.order));
        let mut alike: HashMap<(String, &str), Vec<&str>> = HashMap::new();
        for Mistake { path, what, .. } in &found {
            alike.entry((pattern(path), what.as_str())).or_default().push(path);
        }
        let mut lines = Vec::new();
        for Mistake { path, what, .. } in &found {
            let places = &alike[&(pattern(path), what.as_str())];
            match places.as_slice() {
                [first, .., last] if places.len() > MOST_ALIKE => {
                    if first == path {
                        lines.push(format!(
                            "{}{path}: {what} ({} times, the last at {last})",
                            locate(path),
                            places.len()
                        ));
                    }
                }
                _ => lines.push(format!("{}{path}: {what}", locate(path))),
            }
        }
        lines
    }
}

/// A path without list indexes.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    for (index, part) in path.split('[').enumerate() {
        pattern.push_str(if index == 0 { part } else { "[" });
        pattern.push_str(if index == 0 { "" } else { part.trim_start_matches(|digit: char| digit.is_ascii_digit()) });
    }
    pattern
}

/// The position of a present or missing value, which a check uses to report an error.
#[derive(Clone)]
pub(super) struct Place<'a> {
    value: Option<&'a Value>,
    path: String,
    order: Vec<usize>,
    mistakes: &'a Mistakes,
}

impl<'a> Place<'a> {
    /// The root of a configuration.
    pub(super) fn root(value: &'a Value, mistakes: &'a Mistakes) -> Place<'a> {
        Place { value: Some(value), path: String::new(), order: Vec::new(), mistakes }
    }

    /// The position of a key below this one.
    pub(super) fn key(&self, key: &str) -> Place<'a> {
        let found = match self.value.map(|value| &value.kind) {
            Some(ValueKind::Table(table)) => table.get_full(key),
            _ => None,
        };
        let path = if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) };
        self.below(path, found.map(|(at, _, value)| (at, value)))
    }

    /// An index of the list at this position. A single value is a list of one, and has no index.
    pub(super) fn index(&self, index: usize) -> Place<'a> {
        let value = match self.value.map(|value| &value.kind) {
            None => None,
            Some(ValueKind::Array(values)) => values.get(index),
            Some(_) => return self.clone(),
        };
        self.below(format!("{}[{index}]", self.path), value.map(|value| (index, value)))
    }

    fn below(&self, path: String, found: Option<(usize, &'a Value)>) -> Place<'a> {
        let mut order = self.order.clone();
        order.push(found.map_or(usize::MAX, |(at, _)| at));
        Place { value: found.map(|(_, value)| value), path, order, mistakes: self.mistakes }
    }

    /// Adds an error here, with the variable or argument that set the value if it was not the file. Only the first
    /// error at a position counts: a value that could not be read is absent afterwards, which is not a separate error.
    pub(super) fn error(&self, what: impl Display) {
        if self.mistakes.paths.borrow().contains(&self.path) {
            return;
        }
        match self.value.and_then(Value::origin) {
            Some(origin) => {
                self.mistakes.add_at(&self.path, format_args!("{what} (set by {origin})"), self.order.clone());
            }
            None => self.mistakes.add_at(&self.path, what, self.order.clone()),
        }
    }

    /// Whether the value of a key here was refused.
    pub(super) fn is_refused(&self, key: &str) -> bool {
        self.mistakes.paths.borrow().contains(&self.key(key).path)
    }

    /// The values in a table or a list at this position.
    pub(super) fn elements(&self) -> Vec<Place<'a>> {
        match self.value.map(|value| &value.kind) {
            Some(ValueKind::Table(table)) => table.keys().map(|key| self.key(key)).collect(),
            Some(ValueKind::Array(values)) => (0..values.len()).map(|index| self.index(index)).collect(),
            _ => Vec::new(),
        }
    }

    /// The folder to which a path at this position is relative: that of the file, or the working directory if a variable or
    /// an argument set it.
    pub(super) fn folder(&self) -> &'a Path {
        let is_of_file = self.value.is_none_or(|value| value.origin().is_none());
        if is_of_file { self.mistakes.folder() } else { Path::new("") }
    }

    /// Whether there is no value at this position.
    pub(super) fn is_empty(&self) -> bool {
        self.value.is_none_or(|value| value.kind == ValueKind::Nil)
    }

    /// Whether there is a list at this position.
    pub(super) fn is_list(&self) -> bool {
        self.value.is_some_and(|value| matches!(value.kind, ValueKind::Array(_)))
    }
}

/// A required value.
pub(super) fn required<T>(value: Option<T>, key: &str, at: &Place<'_>) -> Option<T> {
    if value.is_none() {
        at.key(key).error("is missing");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_mistakes_of_one_kind_are_one_line() {
        let mistakes = Mistakes::default();
        for index in 0..67 {
            mistakes.add(&format!("watch[{index}].grups"), "unknown key");
        }
        mistakes.add("series.limit", "is wrong");
        for index in 0..3 {
            mistakes.add(&format!("watch[{index}].alias"), "is empty");
        }
        assert_eq!(
            mistakes.into_lines(),
            [
                "watch[0].grups: unknown key (67 times, the last at watch[66].grups)",
                "series.limit: is wrong",
                "watch[0].alias: is empty",
                "watch[1].alias: is empty",
                "watch[2].alias: is empty",
            ]
        );
    }

    #[test]
    fn a_pattern_has_no_numbers_in_its_places() {
        assert_eq!(pattern("networks[12].sources[0].url"), "networks[].sources[].url");
        assert_eq!(pattern("watch[3]"), "watch[]");
        assert_eq!(pattern("web.max_requests"), "web.max_requests");
    }
}
