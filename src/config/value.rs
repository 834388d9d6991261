//! Values of the merged configuration as a serde data format, with errors that describe the expected value and quote
//! none.
//!
//! It is as lenient as the file and the environment: a single value is a list of one, an empty key counts as omitted.
//!
//! Never here: the meaning of a key; the source of a value.

use std::fmt::Display;

use ::config::{Value, ValueKind};
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::nearest::nearest;

/// The error of one value.
#[derive(Debug)]
pub(super) struct Fault {
    /// A sentence that follows the path of the key.
    pub(super) text: String,
    /// The known keys, if the key itself is unknown.
    pub(super) known: Option<&'static [&'static str]>,
}

impl Fault {
    fn new(text: impl Display) -> Fault {
        Fault { text: text.to_string(), known: None }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Fault {
        Fault::new(message)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::new(format_args!("expected {expected}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::invalid_type(unexpected, expected)
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Fault {
        Fault::new(format_args!("{variant:?} is none of {}", known.join(", ")))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Fault {
        let text = match nearest(field, known.iter().copied()) {
            Some(near) => format!("unknown key; did you mean {near}?"),
            None => format!("unknown key; known here are {}", known.join(", ")),
        };
        Fault { text, known: Some(known) }
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::new(format_args!("{field} is missing"))
    }
}

/// A value that serde reads.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a Value);

impl<'de> Deserializer<'de> for Input<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.kind {
            ValueKind::Nil => visitor.visit_unit(),
            ValueKind::Boolean(flag) => visitor.visit_bool(*flag),
            ValueKind::I64(number) => visitor.visit_i64(*number),
            ValueKind::I128(number) => visitor.visit_i128(*number),
            ValueKind::U64(number) => visitor.visit_u64(*number),
            ValueKind::U128(number) => visitor.visit_u128(*number),
            ValueKind::Float(number) => visitor.visit_f64(*number),
            ValueKind::String(text) => visitor.visit_borrowed_str(text),
            ValueKind::Table(table) => {
                visitor.visit_map(MapDeserializer::new(table.iter().map(|(key, value)| (key.as_str(), Input(value)))))
            }
            ValueKind::Array(values) => visitor.visit_seq(SeqDeserializer::new(values.iter().map(Input))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.kind {
            ValueKind::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let ValueKind::Table(table) = &self.0.kind else {
            return Err(Fault::new(format_args!("expected keys with values ({})", fields.join(", "))));
        };
        let is_set =
            |(key, value): &(&String, &Value)| !matches!(value.kind, ValueKind::Nil) || !fields.contains(&key.as_str());
        let entries = table.iter().filter(is_set).map(|(key, value)| (key.as_str(), Input(value)));
        visitor.visit_map(MapDeserializer::new(entries))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.kind {
            ValueKind::Table(_) => self.deserialize_any(visitor),
            _ => Err(Fault::new("expected keys with values")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.kind {
            ValueKind::Array(_) => self.deserialize_any(visitor),
            ValueKind::Table(_) | ValueKind::Nil => Err(Fault::new("expected a list")),
            _ => visitor.visit_seq(SeqDeserializer::new(std::iter::once(self))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.0.kind {
            ValueKind::String(text) => visitor.visit_enum(StrDeserializer::new(text)),
            _ => Err(Fault::new(format_args!("expected one of {}", variants.join(", ")))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Input<'de> {
    type Deserializer = Input<'de>;

    fn into_deserializer(self) -> Input<'de> {
        self
    }
}
