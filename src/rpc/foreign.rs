//! Text in a node's answer: shortened and sanitised when it is read, before anything stores it.
//!
//! Never here: the meaning of a text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use domain::ForeignText;

/// A text, or the key of an object, that a node wrote.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Foreign(pub(super) ForeignText);

struct ForeignVisitor;

impl Visitor<'_> for ForeignVisitor {
    type Value = Foreign;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Foreign, E> {
        Ok(Foreign(ForeignText::new(text)))
    }
}

impl<'de> Deserialize<'de> for Foreign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Foreign, D::Error> {
        deserializer.deserialize_str(ForeignVisitor)
    }
}
