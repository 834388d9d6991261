//! Leaf values: parsed from a scalar of the file or the environment, with their JSON schema.
//!
//! Never here: the range of each type (`kinds`); keys and their defaults.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::config::kinds;

/// Milliseconds, for the ends of a [`Span`].
pub(super) const SECOND: u64 = 1000;
/// The same for a minute.
pub(super) const MINUTE: u64 = 60 * SECOND;
/// The same for a day.
pub(super) const DAY: u64 = 24 * 60 * MINUTE;

/// A type of value that is written as one scalar.
pub(super) trait Kind {
    /// The parsed type.
    type Value;
    /// The type in the reference.
    const TITLE: &'static str = "text";
    /// The regular expression of its text in the JSON schema; empty for any text.
    const PATTERN: &'static str = "";
    /// Whether it is a text, so that a value that YAML reads as a number or a flag must be quoted.
    const VERBATIM: bool = false;
    /// Parses it; the error follows the path of its key.
    fn read(text: &str) -> Result<Self::Value, String>;
    /// Its JSON schema; the title is the type in the reference.
    fn schema() -> Schema {
        let mut schema = json_schema!({"type": "string", "title": Self::TITLE});
        if !Self::PATTERN.is_empty() {
            schema.insert("pattern".into(), Self::PATTERN.into());
        }
        schema
    }
    /// The text of the default, if the type has one.
    fn write(_: &Self::Value) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// A type of value with its own default, for sections that derive theirs.
pub(super) trait Preset: Kind {
    /// The default.
    fn preset() -> Self::Value;
}

/// A value of a type.
pub(super) struct Leaf<K: Kind>(pub(super) K::Value);

impl<'de, K: Kind> Deserialize<'de> for Leaf<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(Scalar { verbatim: K::VERBATIM })?;
        K::read(&text).map(Leaf).map_err(D::Error::custom)
    }
}

impl<K: Preset> Default for Leaf<K> {
    fn default() -> Self {
        Leaf(K::preset())
    }
}

impl<K: Kind> Serialize for Leaf<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        K::write(&self.0).serialize(serializer)
    }
}

impl<K: Kind> JsonSchema for Leaf<K> {
    fn schema_name() -> Cow<'static, str> {
        "Leaf".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        K::schema()
    }
}

/// Reads a scalar as text.
struct Scalar {
    verbatim: bool,
}

impl Scalar {
    fn unquoted<E: Error>(&self, value: impl fmt::Display) -> Result<String, E> {
        if self.verbatim {
            return Err(E::custom("is a number or a boolean in YAML: quote it"));
        }
        Ok(value.to_string())
    }
}

impl Visitor<'_> for Scalar {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_string())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<String, E> {
        self.unquoted(flag)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        self.unquoted(number)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<String, E> {
        self.unquoted(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        self.unquoted(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        self.unquoted(number)
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Err(E::custom("is missing"))
    }
}

/// A text of the operator's choice.
pub(super) type Text = Leaf<kinds::TextKind>;
/// A text that becomes the value of a label.
pub(super) type LabelText = Leaf<kinds::LabelTextKind>;
/// The name of something that is configured.
pub(super) type Name = Leaf<kinds::NameKind>;
/// The path of a file, as it is written.
pub(super) type FilePath = Leaf<kinds::FileKind>;
/// `true` or `false`.
pub(super) type Flag = Leaf<kinds::FlagKind>;
/// A whole number, from the first to the second; the third is its default.
pub(super) type Whole<const LEAST: u64, const MOST: u64, const DEFAULT: u64 = 0> =
    Leaf<kinds::WholeKind<LEAST, MOST, DEFAULT>>;
/// A number from 0 to 1.
pub(super) type Ratio = Leaf<kinds::RatioKind>;
/// A duration, from the first to the second, in milliseconds; the third is its default.
pub(super) type Span<const LEAST: u64, const MOST: u64, const DEFAULT: u64 = 0> =
    Leaf<kinds::SpanKind<LEAST, MOST, DEFAULT>>;

/// A list. A single value counts as a list of one.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct List<T>(Vec<Option<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        List(values.into_iter().map(Some).collect())
    }
}

impl<T> List<T> {
    /// Whether it has no element, not even an invalid one.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all its elements could be read.
    pub(super) fn is_complete(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// Its valid elements, each with its index.
    pub(super) fn each(self) -> impl Iterator<Item = (usize, T)> {
        self.0.into_iter().enumerate().filter_map(|(index, element)| Some((index, element?)))
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let element = generator.subschema_for::<T>();
        let list = json_schema!({"type": "array", "items": element});
        let is_table = element.get("properties").is_some();
        if is_table { list } else { json_schema!({"anyOf": [list, element]}) }
    }
}
