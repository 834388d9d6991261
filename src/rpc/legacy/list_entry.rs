//! Lists of any format as rows: the values of each masternode, by item.
//!
//! Never here: the meaning of a value, or its range.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::rpc::dialect::{Item, Shape};
use crate::rpc::error::ErrorKind;
use domain::ForeignText;

/// Longest text of a masternode that is kept: an address, a key or a state.
const TEXT_CHARACTERS: usize = 256;

/// One masternode of a list.
#[derive(Debug)]
pub(super) struct Row {
    /// Its key in the object, or its position in the array: its name in errors.
    pub(super) name: String,
    /// Whether `name` is a key that identifies it.
    pub(super) keyed: bool,
    values: BTreeMap<Item, Value>,
}

/// The name of an invalid row, and its error.
pub(super) type Unread = (String, ErrorKind);

/// An object's members in their order, including repeated ones, which a map would hide.
pub(in crate::rpc) struct Members(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Reads a list one entry at a time, so that never more than one is in memory as JSON.
pub(super) struct Entries<'a, F> {
    /// The format of the list.
    pub(super) shape: &'a Shape,
    /// Takes each row; an error ends the list.
    pub(super) take: F,
    /// The error that ended the list.
    pub(super) failure: &'a mut Option<ErrorKind>,
}

impl<F: FnMut(Result<Row, Unread>) -> Result<(), ErrorKind>> Entries<'_, F> {
    fn take<E: serde::de::Error>(&mut self, row: Result<Row, Unread>) -> Result<(), E> {
        (self.take)(row).map_err(|error| {
            *self.failure = Some(error);
            E::custom("the list ends here")
        })
    }
}

impl<'de, F: FnMut(Result<Row, Unread>) -> Result<(), ErrorKind>> DeserializeSeed<'de> for Entries<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.shape {
            Shape::Array(_) => deserializer.deserialize_seq(self),
            _ => deserializer.deserialize_map(self),
        }
    }
}

impl<'de, F: FnMut(Result<Row, Unread>) -> Result<(), ErrorKind>> Visitor<'de> for Entries<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.shape, Shape::Array(_)) { "an array" } else { "an object" })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry()? {
            let row = keyed(key, &value, self.shape);
            self.take(row)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some(element) = elements.next_element()? {
            place += 1;
            let row = listed(place, &element, self.shape);
            self.take(row)?;
        }
        Ok(())
    }
}

/// The row of an object's member, by collateral.
fn keyed(key: String, value: &Value, shape: &Shape) -> Result<Row, Unread> {
    let key = String::from(ForeignText::new(key));
    let values = match (shape, value) {
        (Shape::Text(columns), Value::String(text)) => columns_of(columns, text),
        (Shape::Object(fields), Value::Object(_)) => Ok(fields_of(fields, value)),
        (Shape::Text(_), _) => Err("its value is not a text".to_string()),
        _ => Err("its value is not an object".to_string()),
    };
    let values = values.map_err(|what| (key.clone(), malformed(&key, &what)))?;
    Ok(Row { name: key, keyed: true, values })
}

/// The row of an array's element, by its place.
fn listed(place: usize, element: &Value, shape: &Shape) -> Result<Row, Unread> {
    let name = format!("number {place}");
    match (shape, element) {
        (Shape::Array(fields), Value::Object(_)) => Ok(Row { name, keyed: false, values: fields_of(fields, element) }),
        _ => {
            let error = malformed(&name, "it is not an object");
            Err((name, error))
        }
    }
}

/// Splits a padded line. A missing address leaves the last column empty.
fn columns_of(columns: &[Item], text: &str) -> Result<BTreeMap<Item, Value>, String> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.len() != columns.len() {
        let names: Vec<&str> = columns.iter().map(|item| item.name()).collect();
        return Err(format!("it has {} fields, expected {}: {}", words.len(), names.len(), names.join(" ")));
    }
    Ok(columns.iter().copied().zip(words.into_iter().map(Value::from)).collect())
}

/// Looks up members; a dot descends into an object.
fn fields_of(fields: &[(Item, Cow<'static, str>)], value: &Value) -> BTreeMap<Item, Value> {
    let find = |path: &str| path.split('.').try_fold(value, |value, name| value.get(name));
    fields.iter().filter_map(|(item, path)| Some((*item, find(path)?.clone()))).collect()
}

/// An error about one masternode of a list.
pub(super) fn malformed(name: &str, what: &str) -> ErrorKind {
    ErrorKind::malformed(format_args!("masternode {name}: {what}"))
}

impl Row {
    /// Whether it has a value for an item.
    pub(super) fn has(&self, item: Item) -> bool {
        match self.values.get(&item) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(_) => true,
        }
    }

    /// A text; `None` if it is missing or empty.
    pub(super) fn text(&self, item: Item) -> Result<Option<Cow<'_, str>>, ErrorKind> {
        match self.values.get(&item) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().count() > TEXT_CHARACTERS => {
                Err(self.wrong(item, &format!("is longer than {TEXT_CHARACTERS} characters")))
            }
            Some(Value::String(text)) => {
                Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(|text| ForeignText::address(text.into())))
            }
            Some(_) => Err(self.wrong(item, "is not a text")),
        }
    }

    /// A whole number, as a number or a text; `None` if it is missing.
    pub(super) fn whole(&self, item: Item) -> Result<Option<i64>, ErrorKind> {
        let number = match self.values.get(&item) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(item, "is not a whole number"))
    }

    /// An error about an item.
    pub(super) fn wrong(&self, item: Item, what: &str) -> ErrorKind {
        malformed(&self.name, &format!("{} {what}", item.name()))
    }
}
