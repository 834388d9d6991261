//! YAML text as a table of values: merge keys, top-level keys `x-…` for anchors, line and column of a syntax error,
//! limits on size, depth and aliases.
//!
//! Never here: the meaning of a key; opening a file.

use ::config::{File, FileStoredFormat, Format, Map, Source, Value, ValueKind};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, Options};

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
        other => format!("is not YAML: {place}{}", DefaultMessageFormatter.format_message(other)),
    }
}
