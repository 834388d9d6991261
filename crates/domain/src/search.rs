//! A search for a part of an identity or address among all masternodes of a list.
//!
//! Never here: aliases and groups, which only watched masternodes have.

use std::fmt::Write;

use crate::details::Detail;
use crate::masternode::Masternode;

/// The searchable text of each masternode, one after the other, in lower case.
#[derive(Clone)]
pub struct SearchIndex {
    text: String,
    /// Where the text of each masternode ends, by its index in the list.
    ends: Vec<usize>,
}

impl SearchIndex {
    pub(crate) fn new(masternodes: &[Masternode]) -> SearchIndex {
        // An identity and an IPv4 address with its port.
        let mut text = String::with_capacity(masternodes.len() * 90);
        let mut ends = Vec::with_capacity(masternodes.len());
        for masternode in masternodes {
            write!(text, "{}", masternode.id).expect("a String takes all");
            text.push(SEPARATOR);
            let start = text.len();
            masternode.details.write(Detail::Address, &mut text);
            if text[start..].bytes().any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase()) {
                let lower = text[start..].to_lowercase();
                text.truncate(start);
                text.push_str(&lower);
            }
            text.push(SEPARATOR);
            ends.push(text.len());
        }
        SearchIndex { text, ends }
    }

    /// Indices in the list of the masternodes whose identity or address contains `part`, ascending. `part` is not empty
    /// and in lower case.
    pub fn find(&self, part: &str) -> Vec<usize> {
        let mut found = Vec::new();
        if part.is_empty() || part.contains(SEPARATOR) {
            return found;
        }
        let mut from = 0;
        while let Some(at) = self.text[from..].find(part) {
            let index = self.ends.partition_point(|end| *end <= from + at);
            found.push(index);
            from = self.ends[index];
        }
        found
    }
}

/// In no identity and no address.
const SEPARATOR: char = '\n';

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::details::{DetailTexts, Details};
    use crate::samples::masternode;

    #[test]
    fn a_part_of_an_identity_or_address_is_found() {
        let at = |number: u8, address: &'static str| Masternode {
            details: Details::new(&DetailTexts { address: Some(Cow::Borrowed(address)), ..DetailTexts::default() }),
            ..masternode(number)
        };
        let nodes = [at(1, "192.0.2.1:9999"), at(2, "Node.Example.org:9999"), masternode(3), at(4, "192.0.2.11:9999")];
        let index = SearchIndex::new(&nodes);
        let id = |number: usize| nodes[number].id.to_string();
        let cases: [(&str, &[usize]); 8] = [
            ("192.0.2.1", &[0, 2, 3]),
            ("192.0.2.1:", &[0, 2]),
            ("node.example", &[1]),
            ("9999", &[0, 1, 2, 3]),
            (&id(2), &[2]),
            (&id(3)[..8], &[3]),
            ("9999\n", &[]),
            ("", &[]),
        ];
        for (part, expected) in cases {
            assert_eq!(index.find(part), expected, "{part:?}");
        }
    }
}
