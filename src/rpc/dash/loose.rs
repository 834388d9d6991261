//! Lenient values: an unexpected form makes the value unknown and does not affect the rest of the list.
//!
//! Never here: the meaning of a value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use domain::ForeignText;
use domain::details::Purpose;

/// A text or a whole number, or something else.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Loose<'a> {
    Text(Cow<'a, str>),
    Whole(i64),
    Null,
    Other,
}

impl Loose<'_> {
    /// The text; `None` for anything else.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Loose::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number; `None` for anything else.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Loose::Whole(number) => Some(*number),
            _ => None,
        }
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(ForeignText::address(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(ForeignText::address(Cow::Owned(text.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose<'de>, E> {
        Ok(Loose::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose<'de>, E> {
        Ok(i64::try_from(number).map_or(Loose::Other, Loose::Whole))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_unit<E>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Loose<'de>, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Loose<'a>, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

/// Addresses by purpose, since v23; an empty object when there are none.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Addresses<'a> {
    /// By [`Purpose::ALL`]; `None` for a missing key.
    pub(super) by_purpose: [Option<Vec<Cow<'a, str>>>; 3],
    /// Number of keys and entries of an unknown kind.
    pub(super) unknown: u64,
}

/// The entries of one purpose: texts, and the number of others.
struct Entries<'a>(Vec<Cow<'a, str>>, u64);

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of addresses")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Entries(Vec::new(), 0);
        while let Some(entry) = sequence.next_element::<Loose<'de>>()? {
            match entry {
                Loose::Text(text) => entries.0.push(text),
                _ => entries.1 += 1,
            }
        }
        Ok(entries)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Entries<'de>, E> {
        Ok(Entries(vec![ForeignText::address(Cow::Borrowed(text))], 0))
    }

    fn visit_str<E>(self, text: &str) -> Result<Entries<'de>, E> {
        Ok(Entries(vec![ForeignText::address(Cow::Owned(text.to_string()))], 0))
    }

    fn visit_unit<E>(self) -> Result<Entries<'de>, E> {
        Ok(Entries(Vec::new(), 0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Entries<'de>, E> {
        Ok(Entries(Vec::new(), 1))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Entries<'de>, E> {
        Ok(Entries(Vec::new(), 1))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Entries<'de>, E> {
        Ok(Entries(Vec::new(), 1))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Entries<'de>, E> {
        Ok(Entries(Vec::new(), 1))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Entries(Vec::new(), 1))
    }
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries<'de>, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

struct AddressesVisitor;

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = Option<Addresses<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("addresses by purpose")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut addresses = Addresses::default();
        while let Some(key) = map.next_key::<Loose<'de>>()? {
            match Purpose::ALL.into_iter().find(|purpose| key.text() == Some(purpose.label())) {
                Some(purpose) => {
                    let Entries(texts, unknown) = map.next_value()?;
                    addresses.unknown += unknown;
                    addresses.by_purpose[purpose as usize] = Some(texts);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                    addresses.unknown += 1;
                }
            }
        }
        Ok(Some(addresses))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Some(Addresses { unknown: 1, ..Addresses::default() }))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Some(Addresses { unknown: 1, ..Addresses::default() }))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Some(Addresses { unknown: 1, ..Addresses::default() }))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Some(Addresses { unknown: 1, ..Addresses::default() }))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Some(Addresses { unknown: 1, ..Addresses::default() }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Addresses { unknown: 1, ..Addresses::default() }))
    }
}

/// Reads `addresses`; `None` for null.
pub(super) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Addresses<'de>>, D::Error> {
    deserializer.deserialize_any(AddressesVisitor)
}
