//! Values whose JSON is a string of a fixed format: times, hashes, identities.
//!
//! Never here: objects; the meaning of a value.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use domain::masternode::{BlockHash, Height, MasternodeId, UnixSeconds};
use domain::rfc3339;

/// A value that is a string of a fixed format.
pub trait Form {
    /// Regular expression of the format.
    const PATTERN: &'static str;
    /// The string.
    fn text(&self) -> String;
}

impl Form for UnixSeconds {
    const PATTERN: &'static str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";
    fn text(&self) -> String {
        rfc3339::text(*self)
    }
}

impl Form for BlockHash {
    const PATTERN: &'static str = "^[0-9a-f]{64}$";
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Form for MasternodeId {
    const PATTERN: &'static str = "^[0-9a-f]{64}(-[0-9]{1,10})?$";
    fn text(&self) -> String {
        self.to_string()
    }
}

/// A value, serialized as its string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<T: Form> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl<T: Form> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::PATTERN.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": T::PATTERN })
    }
}

/// The number of a height.
pub(super) fn number(height: Option<Height>) -> Option<u32> {
    height.map(|height| height.0)
}

/// The labels of an enumeration that may be `null`.
pub(super) fn or_null<const N: usize>(labels: [&'static str; N]) -> Vec<Option<&'static str>> {
    labels.into_iter().map(Some).chain([None]).collect()
}

/// For objects that omit unknown values: such a property is not required, and never `null`.
pub(super) fn absent_instead_of_null(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(|properties| properties.as_object_mut()) else {
        return;
    };
    let mut optional = Vec::new();
    for (name, property) in properties {
        let Some(kinds) = property["type"].as_array_mut().filter(|kinds| kinds.contains(&"null".into())) else {
            continue;
        };
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            property["type"] = kind.clone();
        }
        optional.push(name.clone());
    }
    if let Some(required) = schema.get_mut("required").and_then(|required| required.as_array_mut()) {
        required.retain(|name| !optional.iter().any(|optional| name == optional));
    }
}
