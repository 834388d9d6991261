//! JSON text with its keys in the node's order, which a sorted map would lose.
//!
//! Never here: parsing.

use std::fmt;

use serde_json::Value;

/// A JSON value as text.
#[derive(Clone, Debug)]
pub(super) struct Json(String);

impl Json {
    /// A value that is already JSON text, e.g. an amount with a fixed number of decimals.
    pub(super) fn raw(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A list.
    pub(super) fn array(items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.0).collect();
        Self(format!("[{}]", items.join(",")))
    }

    /// The text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Self(value.into().to_string())
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self(object.text + "}")
    }
}

/// An object under construction.
#[derive(Clone)]
pub(super) struct Object {
    text: String,
}

impl Object {
    /// An empty object.
    pub(super) fn new() -> Self {
        Self { text: "{".to_owned() }
    }

    /// Adds a member.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.add(name, value);
        self
    }

    /// Adds a member.
    pub(super) fn add(&mut self, name: &str, value: impl Into<Json>) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text += &Value::from(name).to_string();
        self.text.push(':');
        self.text += &value.into().0;
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, Object};

    #[test]
    fn members_keep_their_order_and_are_escaped() {
        let inner = Object::new().with("z", 1).with("a", "x\"y");
        let outer =
            Object::new().with("list", Json::array([inner.into(), Json::raw("1.50000")])).with("none", Object::new());
        assert_eq!(Json::from(outer).into_text(), r#"{"list":[{"z":1,"a":"x\"y"},1.50000],"none":{}}"#);
    }
}
