//! Label text: escaped once for each masternode, kept from page to page.
//!
//! Never here: which labels a family has.

use std::sync::Arc;

use crate::domain::MasternodeId;

/// Appends `name="value"` with the value escaped.
pub(super) fn write(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    for byte in value.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
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

/// The labels `network`, `masternode` and `alias` of many masternodes, one behind the other.
#[derive(Debug)]
pub(super) struct Arena {
    network: String,
    keys: Vec<(MasternodeId, String)>,
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Arena {
    /// The arena of these masternodes and aliases: the one at hand when it is that already.
    pub(super) fn of(network: &str, keys: Vec<(MasternodeId, String)>, at_hand: Option<&Arc<Arena>>) -> Arc<Arena> {
        if let Some(arena) = at_hand.filter(|arena| arena.network == network && arena.keys == keys) {
            return arena.clone();
        }
        let mut text = Vec::with_capacity(keys.len() * (110 + network.len()));
        let mut ends = Vec::with_capacity(keys.len());
        for (id, alias) in &keys {
            write(&mut text, "network", network);
            text.push(b',');
            write(&mut text, "masternode", &id.to_string());
            text.push(b',');
            write(&mut text, "alias", alias);
            ends.push(u32::try_from(text.len()).expect("labels of 30 million masternodes do not fit into a list"));
        }
        text.shrink_to_fit();
        Arc::new(Arena { network: network.into(), keys, text, ends })
    }

    /// The text for the masternode at a place of the keys.
    pub(super) fn labels(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[place] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_label_is_escaped() {
        assert_eq!(text(&[("a", "x\"y\\z\nw"), ("b", "ü{}")]), r#"a="x\"y\\z\nw",b="ü{}""#);
    }

    #[test]
    fn an_arena_is_kept_while_nobody_is_renamed() {
        let id: MasternodeId = "ab".repeat(32).parse().unwrap();
        let first = Arena::of("net", vec![(id, "one".into())], None);
        assert!(Arc::ptr_eq(&first, &Arena::of("net", vec![(id, "one".into())], Some(&first))));
        let renamed = Arena::of("net", vec![(id, "two".into())], Some(&first));
        assert!(renamed.labels(0).ends_with(b"alias=\"two\""));
    }
}
