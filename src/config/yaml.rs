//! YAML text as a table of values: merge keys, top-level keys `x-…` for anchors, line and column of a syntax error,
//! limits on size, depth and aliases.
//!
//! Never here: the meaning of a key; opening a file.

use std::collections::HashMap;
use std::fmt;

use ::config::{File, FileStoredFormat, Format, Map, Source, Value, ValueKind};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, Options, Spanned};

/// Deepest nesting that is read. Reading recurses at each level.
const MAX_DEPTH: usize = 64;

/// Most values in a file: several times a watch list of every masternode of a large network.
const MAX_VALUES: usize = 1_000_000;

/// Most values that aliases (`*name`) may expand to in total.
const MAX_ALIASED_VALUES: usize = 300_000;

/// The format of the configuration file.
#[derive(Clone, Copy, Debug)]
struct Yaml;

impl Format for Yaml {
    fn parse(
        &self,
        _: Option<&String>,
        text: &str,
    ) -> Result<Map<String, Value>, Box<dyn std::error::Error + Send + Sync>> {
        let value: Value = serde_saphyr::from_str_with_options(text, options()).map_err(|error| describe(&error))?;
        match value.kind {
            ValueKind::Table(table) => Ok(table),
            // A file with comments only.
            ValueKind::Nil => Ok(Map::new()),
            _ => Err("is not a table of keys and values".into()),
        }
    }
}

impl FileStoredFormat for Yaml {
    fn file_extensions(&self) -> &'static [&'static str] {
        &["yaml", "yml"]
    }
}

/// The keys and values of a text. The error never quotes a value: the wrong file may be one with a password.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match File::from_str(text, Yaml).collect() {
        Ok(mut table) => {
            // Places for anchors, as in compose files.
            table.retain(|key, _| !key.starts_with("x-"));
            Ok(table.into())
        }
        Err(::config::ConfigError::FileParse { cause, .. }) => Err(cause.to_string()),
        Err(error) => Err(format!("is not YAML: {error}")),
    }
}

/// The lines of a text, by the paths of its keys: `watch[3].alias`.
pub(super) struct Positions(HashMap<String, u64>);

impl Positions {
    /// Finds all lines.
    ///
    /// # Errors
    /// A syntax error with its line.
    pub(super) fn of(text: &str) -> Result<Positions, (u64, String)> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root: Result<Spanned<Node>, Error> = serde_saphyr::from_str_with_options(text, options());
        let root = root.map_err(|error| (error.location().map_or(1, |place| place.line()), describe(&error)))?;
        let mut lines = HashMap::new();
        root.value.note("", &mut lines);
        Ok(Positions(lines))
    }

    /// The line of a key; of one that is missing, the line of what should contain it.
    pub(super) fn line(&self, path: &str) -> u64 {
        let mut path = path;
        loop {
            match (self.0.get(path), path.rfind(['.', '['])) {
                (Some(line), _) => return *line,
                (None, Some(end)) => path = &path[..end],
                (None, None) => return 1,
            }
        }
    }
}

/// A value of which only the places of its keys and elements matter.
enum Node {
    Table(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Scalar,
}

impl Node {
    fn note(&self, path: &str, lines: &mut HashMap<String, u64>) {
        let dot = if path.is_empty() { "" } else { "." };
        match self {
            Node::Table(table) => table.iter().for_each(|(key, below)| {
                let path = format!("{path}{dot}{}", key.value);
                below.value.note(&path, lines);
                lines.insert(path, key.referenced.line());
            }),
            Node::List(elements) => elements.iter().enumerate().for_each(|(index, below)| {
                let path = format!("{path}[{index}]");
                below.value.note(&path, lines);
                lines.insert(path, below.referenced.line());
            }),
            Node::Scalar => {}
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = map.next_entry()? {
            table.push(entry);
        }
        Ok(Node::Table(table))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Node::Scalar)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: 2 * MAX_DEPTH,
            max_nodes: MAX_VALUES,
            max_events: 4 * MAX_VALUES,
            max_aliases: 100_000,
            max_merge_keys: 100_000,
            // One anchor for thousands of entries of a watch list is legitimate.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED_VALUES },
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The error and its position.
fn describe(error: &Error) -> String {
    let place = match error.location() {
        Some(place) if place.line() > 0 => format!("line {}, column {}: ", place.line(), place.column()),
        _ => String::new(),
    };
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    match cause {
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("{place}is nested more than {MAX_DEPTH} levels deep")
        }
        Error::Budget { .. } => format!("{place}has more than {MAX_VALUES} values"),
        Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            format!("{place}aliases (*name) expand to more than {MAX_ALIASED_VALUES} values")
        }
        Error::MultipleDocuments { .. } => format!("{place}has several documents (---): write one file for each"),
        other => format!("is not YAML: {place}{}", DefaultMessageFormatter.format_message(other)),
    }
}
