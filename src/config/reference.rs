//! The reference of the configuration and its JSON schema, generated from the types.
//!
//! Never here: a key, its default or its help: these are defined at the field in its section.

use std::fmt::{self, Write};

use ::config::{Map, Value, ValueKind};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::overrides::PREFIX;
use crate::config::sections::RootSection;
use crate::config::value::Input;

/// The path of the profiles of chains, which have their own page.
const PROFILES: &str = "chains.<name>";

/// A key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path: `[]` is any index of a list, `<name>` a part that the operator chooses.
    pub path: String,
    /// Its type, in Markdown.
    pub kind: String,
    /// Its default; elements of a list with `, ` between them.
    pub default: DefaultValue,
    /// Its meaning, in Markdown.
    pub meaning: String,
}

/// The default of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// It is required.
    Required,
    /// This value.
    Value(String),
    /// Described in its meaning.
    None,
}

impl Key {
    /// The variable that sets it, with 0 for each list index.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace("[]", "__0").replace('.', "__").to_ascii_uppercase())
    }
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DefaultValue::Required => f.write_str("required"),
            DefaultValue::Value(value) => write!(f, "`{value}`"),
            DefaultValue::None => Ok(()),
        }
    }
}

/// The JSON schema of a configuration file (draft 7), for editors and for the values of the Helm chart.
pub fn schema() -> Json {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let generator = settings.with_transform(RecursiveTransform(remove_empty_defaults)).into_generator();
    generator.into_root_schema_for::<RootSection>().into()
}

/// The text of `docs/configuration.schema.json`.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// A default without a value is omitted.
fn remove_empty_defaults(schema: &mut Schema) {
    let is_empty = |default: &Json| match default {
        Json::Array(values) => values.is_empty(),
        default => default.is_null() || default.is_object(),
    };
    if schema.get("default").is_some_and(is_empty) {
        schema.remove("default");
    }
}

/// All keys but those of the profiles of chains, in the order of the page.
pub fn keys() -> Vec<Key> {
    let mut keys = Vec::new();
    walk(&schema(), "", false, &mut keys);
    keys
}

/// All keys of the profile of a chain, in the order of its page.
pub fn profile_keys() -> Vec<Key> {
    let mut keys = Vec::new();
    let schema = schema();
    let profile = &schema["properties"]["chains"]["additionalProperties"]["anyOf"][0];
    walk(profile, PROFILES, false, &mut keys);
    keys
}

/// The table of `docs/configuration.md`.
pub fn table() -> String {
    let mut table = String::from("| key | type | default | meaning | variable |\n| --- | --- | --- | --- | --- |\n");
    for key in keys() {
        let Key { path, kind, default, meaning } = &key;
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{path}` | {kind} | {default} | {meaning} | `{}` |", key.variable());
    }
    table
}

/// The table of `docs/chains/README.md`.
pub fn profile_table() -> String {
    let mut table = String::from("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for Key { path, kind, default, meaning } in profile_keys() {
        let path = path.trim_start_matches(PROFILES).trim_start_matches('.');
        let _ = writeln!(table, "| `{path}` | {kind} | {default} | {meaning} |");
    }
    table
}

/// Collects the keys below a path.
fn walk(schema: &Json, path: &str, is_required: bool, keys: &mut Vec<Key>) {
    let schema = present(schema);
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array();
        for name in known_keys(path) {
            let below = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let is_required = required.is_some_and(|required| required.iter().any(|key| key == name));
            walk(&properties[*name], &below, is_required, keys);
        }
        return;
    }
    let items = present(&schema["items"]);
    if items["properties"].is_object() {
        return walk(items, &format!("{path}[]"), false, keys);
    }
    let (path, kind) = match &schema["additionalProperties"] {
        values @ Json::Object(_) => (format!("{path}.<name>"), kind(values)),
        _ => (path.to_string(), kind(schema)),
    };
    let default = match &schema["default"] {
        _ if is_required => DefaultValue::Required,
        Json::Null => DefaultValue::None,
        default => DefaultValue::Value(written(default)),
    };
    let meaning = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    keys.push(Key { path, kind, default, meaning });
}

/// The schema of the value of an optional key.
fn present(schema: &Json) -> &Json {
    match schema["anyOf"].as_array().map(Vec::as_slice) {
        Some([present, missing]) if missing["type"] == "null" => present,
        _ => schema,
    }
}

/// The type of a value, in Markdown.
fn kind(schema: &Json) -> String {
    let schema = present(schema);
    if let Some(title) = schema["title"].as_str() {
        return title.to_string();
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(|word| Some(format!("`{}`", word.as_str()?))).collect();
        return words.join(", ");
    }
    let list = schema["anyOf"].get(0).filter(|first| first["type"] == "array").unwrap_or(schema);
    format!("list: {}", kind(&list["items"]))
}

fn written(default: &Json) -> String {
    match default {
        Json::String(text) => text.clone(),
        Json::Array(values) => values.iter().map(written).collect::<Vec<String>>().join(", "),
        other => other.to_string(),
    }
}

/// The sections of the configuration.
pub(super) fn sections() -> &'static [&'static str] {
    known_keys("")
}

/// The known keys below a path, in the order of the fields: for the error of an unknown key.
fn known_keys(path: &str) -> &'static [&'static str] {
    let table = |key: &str, value| Value::new(None, ValueKind::Table(Map::from_iter([(key.to_string(), value)])));
    let mut value = table("?", Value::new(None, ValueKind::Nil));
    for part in path.split('.').rev().filter(|part| !part.is_empty()) {
        value = match part.strip_suffix("[]") {
            Some(list) => table(list, Value::new(None, ValueKind::Array(vec![value]))),
            None => table(part, value),
        };
    }
    let fault = RootSection::deserialize(Input(&value)).err();
    fault.and_then(|fault| fault.known).unwrap_or_default()
}
