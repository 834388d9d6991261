//! Label text: escaped once for each masternode, kept from page to page.
//!
//! Never here: which labels a family has.

use std::sync::Arc;

use domain::MasternodeId;

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
    // Checking every byte without an early exit lets the compiler vectorise; almost no value has a special character.
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

/// A text for each place of a page, one after the other.
#[derive(Debug, Default)]
pub(super) struct LabelArena {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl LabelArena {
    /// The texts of `count` places. `same` gives, for each place in order, the place with the same text on the previous
    /// page. Whole pages stay the same from block to block.
    pub(super) fn of(
        count: usize,
        before: Option<&Arc<LabelArena>>,
        mut same: impl FnMut(usize) -> Option<usize>,
        write: impl Fn(usize, &mut Vec<u8>),
    ) -> Arc<LabelArena> {
        let (mut kept, mut first_other) = (0, None);
        if let Some(before) = before {
            while kept < count {
                let place = same(kept);
                if place != Some(kept) {
                    first_other = place;
                    break;
                }
                kept += 1;
            }
            if kept == count && before.ends.len() == count {
                return before.clone();
            }
        }
        let mut texts = LabelArena { text: Vec::new(), ends: Vec::with_capacity(count) };
        if let Some(before) = before {
            texts.text.reserve(before.text.len() + 1024);
            (0..kept).for_each(|place| texts.add(|out| out.extend_from_slice(before.get(place))));
        }
        for place in kept..count {
            let known = if place == kept { first_other } else { before.and_then(|_| same(place)) };
            texts.add(|out| match before.zip(known) {
                Some((before, known)) => out.extend_from_slice(before.get(known)),
                None => write(place, out),
            });
        }
        texts.text.shrink_to_fit();
        Arc::new(texts)
    }

    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
        self.ends.push(u32::try_from(self.text.len()).expect("labels of ten million masternodes are no page"));
    }

    /// The text of a place.
    pub(super) fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[place] as usize]
    }
}

/// The text after the last label of a sample.
pub(super) const CLOSE: &[u8] = b"} ";

/// The end of a label.
pub(super) const QUOTE: &[u8] = b"\"";

/// Reopens closed labels, so that others can follow.
pub(super) fn open(closed: &[u8]) -> &[u8] {
    closed.strip_suffix(CLOSE).unwrap_or(closed)
}

/// Appends the labels `network`, `masternode` and `alias`, closed, because most samples have no others. To Prometheus
/// an empty label equals no label, and most masternodes have no alias.
pub(super) fn write_name(network: &str, id: &MasternodeId, alias: &str, out: &mut Vec<u8>) {
    write_before_identity(network, out);
    write_value(out, &id.to_string());
    out.extend_from_slice(QUOTE);
    if !alias.is_empty() {
        out.push(b',');
        write(out, "alias", alias);
    }
    out.extend_from_slice(CLOSE);
}

fn write_before_identity(network: &str, out: &mut Vec<u8>) {
    write(out, "network", network);
    out.extend_from_slice(b",masternode=");
    out.extend_from_slice(QUOTE);
}

/// Position of the identity in the labels of [`write_name`].
pub(super) fn identity_start(network: &str) -> usize {
    let mut out = Vec::new();
    write_before_identity(network, &mut out);
    out.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_label_is_escaped() {
        assert_eq!(text(&[("a", "x\"y\\z\nw"), ("b", "ü{}")]), r#"a="x\"y\\z\nw",b="ü{}""#);
    }

    /// Texts of numbers; those of the previous page are copied instead of written again.
    fn texts(numbers: &[usize], before: Option<(&Arc<LabelArena>, &[usize])>) -> (Arc<LabelArena>, usize) {
        let written = std::cell::Cell::new(0);
        let texts = LabelArena::of(
            numbers.len(),
            before.map(|(texts, _)| texts),
            |place| before?.1.iter().position(|number| *number == numbers[place]),
            |place, out| {
                written.set(written.get() + 1);
                out.extend_from_slice("x".repeat(numbers[place]).as_bytes());
            },
        );
        (texts, written.get())
    }

    #[test]
    fn texts_are_taken_over_while_they_are_the_same() {
        let numbers = [3, 1, 4, 15, 9];
        let (first, written) = texts(&numbers, None);
        assert_eq!(written, 5);
        let (same, written) = texts(&numbers, Some((&first, &numbers)));
        assert!(Arc::ptr_eq(&first, &same) && written == 0);
        // One left in the midst, one came, the last left: (now, how many are written).
        for (now, expected) in
            [(&[3, 1, 15, 9][..], 0), (&[3, 1, 4, 2, 15, 9], 1), (&[3, 1, 4, 15], 0), (&[7], 1), (&[], 0)]
        {
            let (texts, written) = texts(now, Some((&first, &numbers)));
            assert_eq!(written, expected, "{now:?}");
            let lengths: Vec<usize> = (0..now.len()).map(|place| texts.get(place).len()).collect();
            assert_eq!(lengths, now);
        }
    }
}
