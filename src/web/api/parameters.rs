//! The query of a request: known parameters, each within its bounds.
//!
//! Never here: the search; whether a name exists.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::web::api::ApiError;

/// Maximum number of items of a page.
pub(super) const MOST: u32 = 1000;

/// Default number of items of a page.
const USUAL: u32 = 100;

/// Maximum number of values of a repeatable parameter.
pub(super) const TIMES: usize = 100;

/// Maximum number of characters of a client's text that an error repeats.
const ECHO: usize = 80;

/// A parameter of an endpoint.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// Whether it is repeatable.
    pub(super) times: Times,
    /// JSON schema of one value.
    pub(super) schema: fn() -> Value,
}

/// Whether a parameter is repeatable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    Many,
}

impl Parameter {
    pub(super) const fn once(name: &'static str, description: &'static str, schema: fn() -> Value) -> Parameter {
        Parameter { name, description, times: Times::Once, schema }
    }

    pub(super) const fn many(name: &'static str, description: &'static str, schema: fn() -> Value) -> Parameter {
        Parameter { name, description, times: Times::Many, schema }
    }

    /// The name of a network.
    pub(super) const NETWORK: Parameter = Parameter::once("network", "Filter by network.", name);

    /// Masternodes by name, see `selection`.
    pub(super) const MASTERNODE: Parameter = Parameter::many(
        "masternode",
        "Filter by masternode: proTxHash, txid-n of the collateral, alias, or address. Can be repeated.",
        name,
    );

    /// Aliases in the watch list.
    pub(super) const ALIAS: Parameter =
        Parameter::many("alias", "Filter by alias in the watch list. Can be repeated.", name);

    /// Groups of the watch list.
    pub(super) const GROUP: Parameter = Parameter::many(
        "group",
        "Filter by group in the watch list, written key=value or key:value. If repeated, all must match.",
        group,
    );

    /// Watched masternodes only.
    pub(super) const WATCHED: Parameter = Parameter::once("watched", "Only watched masternodes.", flag);

    /// Begin of a span of time.
    pub(super) const FROM_TIME: Parameter =
        Parameter::once("from_time", "Earliest day or block time, inclusive.", day_or_time);

    /// End of a span of time.
    pub(super) const TO_TIME: Parameter =
        Parameter::once("to_time", "Latest day or block time, inclusive.", day_or_time);

    /// See [`Parameters::format`].
    pub(super) const FORMAT: Parameter = Parameter::once(
        "format",
        "json: pages. csv: all items that match at once, a line of names and then a line for each; limit and after do not apply.",
        || choice(&["json", "csv"]),
    );

    /// See [`Parameters::limit`].
    pub(super) const LIMIT: Parameter = Parameter::once(
        "limit",
        "Maximum number of items.",
        || json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL }),
    );
}

/// Schema of a name.
pub(super) fn name() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// Schema of a flag.
pub(super) fn flag() -> Value {
    json!({ "type": "boolean", "default": false })
}

/// Schema of a choice whose default is the first.
pub(super) fn choice(names: &[&str]) -> Value {
    json!({ "type": "string", "enum": names, "default": names[0] })
}

/// Schema of a label.
pub(super) fn label(labels: &[&str]) -> Value {
    json!({ "type": "string", "enum": labels })
}

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A page.
    Json,
    /// A table of everything.
    Csv,
}

/// The parameters of a request.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Parses a query; rejects unknown parameters, empty values, and a second value of a parameter that is not
    /// repeatable.
    pub(super) fn read(query: &str, known: &[Parameter]) -> Result<Parameters, ApiError> {
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown(&name, known));
            };
            let repeated = parameter.times == Times::Many;
            if value.is_empty() {
                return Err(bad(format!("{name} has no value: omit it")));
            }
            if !repeated && given.iter().any(|(other, _)| *other == name) {
                return Err(bad(format!("{name} is given twice")));
            }
            if given.iter().filter(|(other, _)| *other == name).count() == TIMES {
                return Err(bad(format!("{name} is given more than {TIMES} times")));
            }
            given.push((name.into_owned(), value.into_owned()));
        }
        Ok(Parameters(given))
    }

    /// The format of the answer.
    pub(super) fn format(&self) -> Result<Format, ApiError> {
        self.choice("format", &[("json", Format::Json), ("csv", Format::Csv)])
    }

    /// The value of a parameter.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter, as given.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.one(name).is_some()
    }

    /// All values, each parsed by `read`.
    pub(super) fn each<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        self.all(name).map(|value| read(value).ok_or_else(|| unfit(name, expected, value))).collect()
    }

    /// The value, parsed by `read`.
    pub(super) fn read_one<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.one(name).map(|value| read(value).ok_or_else(|| unfit(name, expected, value))).transpose()
    }

    /// A height, or another 32-bit unsigned integer.
    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, ApiError> {
        self.read_one(name, "a whole number from 0 to 4294967295", whole)
    }

    /// `true` or `false`; `false` if not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let read = |value: &str| value.parse().ok();
        self.read_one(name, "true or false", read).map(Option::unwrap_or_default)
    }

    /// One of `choices`; the first if not given.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&'static str, T)]) -> Result<T, ApiError> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let read = |value: &str| choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice);
        let chosen = self.read_one(name, &names.join(" or "), read)?;
        Ok(chosen.unwrap_or(choices[0].1))
    }

    /// Maximum number of items of this page.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let fits = |value: &str| whole(value).filter(|limit| (1..=MOST).contains(limit));
        let limit = self.read_one("limit", &format!("a whole number from 1 to {MOST}"), fits)?;
        Ok(limit.unwrap_or(USUAL) as usize)
    }
}

fn day_or_time() -> Value {
    let day = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])";
    let time = "(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?";
    json!({
        "type": "string",
        "pattern": format!("^(19[7-9][0-9]|20[0-9][0-9])-({day}){time}$"),
        "examples": ["2026-01-31", "2026-01-31T12:00:00Z"],
    })
}

/// The schema of a group.
fn group() -> Value {
    json!({ "type": "string", "pattern": "^[^=:]+[=:][\\s\\S]+$" })
}

/// A number of digits only.
pub(super) fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A text of the client, shortened and without control characters.
pub(super) fn echo(text: &str) -> String {
    match text.char_indices().nth(ECHO) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// An invalid request (400).
pub(super) fn bad(error: String) -> ApiError {
    ApiError { status: StatusCode::BAD_REQUEST, error }
}

fn unfit(name: &str, expected: &str, value: &str) -> ApiError {
    bad(format!("{name} must be {expected}, and {} is not", echo(value)))
}

fn unknown(name: &str, known: &[Parameter]) -> ApiError {
    let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
    let there = if names.is_empty() { "this path has none".into() } else { format!("known: {}", names.join(", ")) };
    bad(format!("unknown parameter {}; {there}", echo(name)))
}
