//! Label text: escaped once for each masternode, kept from page to page.
//!
//! Never here: which labels a family has.

use std::sync::Arc;

use crate::domain::MasternodeId;

/// Appends `name="value"` with the value escaped.
pub(super) fn write(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    write_value(out, value);
    out.push(b'"');
}

/// Appends a label's value, escaped.
pub(super) fn write_value(out: &mut Vec<u8>, value: &str) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\n');
    // Looking at every byte without a way out lets the compiler look at many at once; almost no value is special.
    if !value.as_bytes().iter().fold(false, |found, byte| found | special(byte)) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    for byte in value.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
}

/// The same as a text of its own.
pub(super) fn text(pairs: &[(&str, &str)]) -> String {
    let mut out = Vec::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b',');
        }
        write(&mut out, name, value);
    }
    String::from_utf8(out).expect("escaping keeps text UTF-8")
}

/// A text for each of many keys, one behind the other; kept while the keys stay the same.
#[derive(Debug)]
pub(super) struct Texts<K> {
    keys: Vec<K>,
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl<K: PartialEq> Texts<K> {
    /// The texts of these keys: those at hand when they are theirs already, else written anew.
    pub(super) fn of(keys: Vec<K>, at_hand: Option<&Arc<Texts<K>>>, write: impl Fn(&K, &mut Vec<u8>)) -> Arc<Texts<K>> {
        if let Some(texts) = at_hand.filter(|texts| texts.keys == keys) {
            return texts.clone();
        }
        let mut text = Vec::with_capacity(at_hand.map_or(0, |texts| texts.text.len() + 1024));
        let mut ends = Vec::with_capacity(keys.len());
        for key in &keys {
            write(key, &mut text);
            ends.push(u32::try_from(text.len()).expect("labels of ten million masternodes are no page"));
        }
        text.shrink_to_fit();
        Arc::new(Texts { keys, text, ends })
    }

    /// The text of the key at a place.
    pub(super) fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[place] as usize]
    }
}

/// Who a masternode is on a page: identity and alias.
pub(super) type Name = (MasternodeId, String);

/// Appends the labels `network`, `masternode` and `alias`.
pub(super) fn write_name(network: &str, (id, alias): &Name, out: &mut Vec<u8>) {
    write(out, "network", network);
    out.push(b',');
    write(out, "masternode", &id.to_string());
    out.push(b',');
    write(out, "alias", alias);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_label_is_escaped() {
        assert_eq!(text(&[("a", "x\"y\\z\nw"), ("b", "ü{}")]), r#"a="x\"y\\z\nw",b="ü{}""#);
    }

    #[test]
    fn texts_are_kept_while_nobody_is_renamed() {
        let id: MasternodeId = "ab".repeat(32).parse().unwrap();
        let name = |name: &Name, out: &mut Vec<u8>| write_name("net", name, out);
        let first = Texts::of(vec![(id, "one".into())], None, name);
        assert!(Arc::ptr_eq(&first, &Texts::of(vec![(id, "one".into())], Some(&first), name)));
        let renamed = Texts::of(vec![(id, "two".into())], Some(&first), name);
        assert!(renamed.get(0).ends_with(b"alias=\"two\""));
    }
}
