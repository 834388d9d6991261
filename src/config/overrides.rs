//! Overrides of the file: the environment, and then the arguments. The order is fixed, and a path that does not fit is
//! an error that contains its name.
//!
//! Never here: reading the process's environment; the meaning of a key.

use std::collections::BTreeMap;

use ::config::{Value, ValueKind};

use crate::config::Override;
use crate::config::mistakes::Mistakes;

/// Prefix of variables that set a key; `__` separates the parts of its path.
pub(super) const PREFIX: &str = "MASTERNODE_EXPORTER__";

/// One part of the path of a key. Numbers are ordered as numbers, so that a list grows from its beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Index(usize),
    Key(String),
}

/// Applies the variables that begin with [`PREFIX`] to `root`, in upper or lower case.
pub(super) fn environment(root: &mut Value, environment: &BTreeMap<String, String>, mistakes: &Mistakes) {
    let mut settings: BTreeMap<Vec<Part>, (&String, &String)> = BTreeMap::new();
    for (name, value) in environment {
        let upper = name.to_ascii_uppercase();
        let Some(rest) = upper.strip_prefix(PREFIX) else { continue };
        match parts(rest) {
            Ok(path) => {
                if let Some((earlier, _)) = settings.insert(path, (name, value)) {
                    mistakes.add(name, format_args!("{earlier} sets the same key: remove one of the two"));
                }
            }
            Err(what) => mistakes.add(name, what),
        }
    }
    for (path, (name, value)) in settings {
        let leaf = Value::new(Some(name), value.clone());
        if let Err(what) = set(root, &path, leaf) {
            mistakes.add(name, what);
        }
    }
}

/// Warnings about variables that look as if they set a key: with one underscore instead of two.
pub(super) fn mistyped(environment: &BTreeMap<String, String>, sections: &[&str]) -> Vec<String> {
    let sentence = |name: &String| {
        let upper = name.to_ascii_uppercase();
        let rest = upper.strip_prefix(PREFIX.trim_end_matches('_'))?.strip_prefix('_')?;
        let section = rest.split('_').next()?.to_ascii_lowercase();
        let is_one = sections.contains(&section.as_str());
        is_one.then(|| {
            format!("{name} has no effect: variables begin with {PREFIX}, with two underscores between all parts")
        })
    };
    environment.keys().filter_map(sentence).collect()
}

/// Applies arguments to `root`. Each replaces the value of its key, including a list.
pub(super) fn arguments(root: &mut Value, overrides: &[Override], mistakes: &Mistakes) {
    for Override { argument, key, values } in overrides {
        let origin = (*argument).to_string();
        let leaf = |text: &String| Value::new(Some(&origin), text.clone());
        let value = match values.as_slice() {
            [single] => leaf(single),
            several => Value::new(Some(&origin), several.iter().map(leaf).collect::<Vec<Value>>()),
        };
        let path: Vec<Part> = key.split('.').map(|part| Part::Key(part.to_string())).collect();
        if let Err(what) = set(root, &path, value) {
            mistakes.add(argument, what);
        }
    }
}

/// `NETWORKS__0__URL` is the key `url` of the first of `networks`.
fn parts(variable: &str) -> Result<Vec<Part>, String> {
    let part = |part: &str| match part {
        "" => Err("has an empty part between two pairs of underscores, or after the last".to_string()),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map(Part::Index).map_err(|_| format!("{digits} is not a list index"))
        }
        key => Ok(Part::Key(key.to_ascii_lowercase())),
    };
    match variable.split("__").map(part).collect::<Result<Vec<Part>, String>>()? {
        path if matches!(path[0], Part::Index(_)) => Err("begins with a list index: name the list".into()),
        path => Ok(path),
    }
}

/// Puts `leaf` at `path` below `slot`. A list grows by one entry at a time, so that an index cannot allocate any amount
/// of memory.
fn set(slot: &mut Value, path: &[Part], leaf: Value) -> Result<(), String> {
    let Some((part, rest)) = path.split_first() else {
        *slot = leaf;
        return Ok(());
    };
    match part {
        Part::Key(key) => {
            if slot.kind == ValueKind::Nil {
                slot.kind = ValueKind::Table(::config::Map::new());
            }
            let ValueKind::Table(table) = &mut slot.kind else {
                return Err(format!("key {key:?} cannot be set: the parent is a list or a single value"));
            };
            set(table.entry(key.clone()).or_default(), rest, leaf)
        }
        Part::Index(index) => {
            match &slot.kind {
                ValueKind::Array(_) => {}
                ValueKind::Table(_) => return Err(format!("{index} is a list index, but the value is not a list")),
                ValueKind::Nil => slot.kind = ValueKind::Array(Vec::new()),
                _ => slot.kind = ValueKind::Array(vec![slot.clone()]),
            }
            let ValueKind::Array(list) = &mut slot.kind else { return Ok(()) };
            if *index > list.len() {
                return Err(format!(
                    "index {index} is beyond the end of the list: the next free one is {}",
                    list.len()
                ));
            }
            if *index == list.len() {
                list.push(Value::default());
            }
            set(&mut list[*index], rest, leaf)
        }
    }
}
