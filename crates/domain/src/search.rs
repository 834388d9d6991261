//! A search for a part of an identity or address among all masternodes of a list.
//!
//! Never here: aliases and groups, which only watched masternodes have.

use std::fmt::Write;
use std::sync::Arc;

use crate::details::{Detail, Details};
use crate::masternode::{Hash, Masternode, MasternodeId};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Indices in the list of the masternodes whose identity or address contains `part`, ascending. `part` is in lower
    /// case; an empty one is in none.
    pub fn search(&self, part: &str) -> Vec<u32> {
        if part.is_empty() || part.contains(SEPARATOR) {
            return Vec::new();
        }
        let masternodes = self.list.masternodes();
        let index = || {
            let before = self.search_before.as_ref().filter(|index| index.is_of(masternodes));
            before.cloned().unwrap_or_else(|| Arc::new(SearchIndex::new(masternodes)))
        };
        let mut found = self.search.get_or_init(index).find(part);
        if let Some(digits) = Digits::read(part) {
            found.extend((0..).zip(masternodes).filter(|(_, one)| digits.are_in(&one.id)).map(|(index, _)| index));
            found.sort_unstable();
            found.dedup();
        }
        found
    }

    /// The index that the next snapshot may use, if there was a search.
    pub(crate) fn search_index(&self) -> Option<Arc<SearchIndex>> {
        self.search.get().or(self.search_before.as_ref()).cloned()
    }
}

/// The addresses of all masternodes, and the identities that are not a hash alone, one after the other, in lower case.
/// Hashes are searched in the list. Built once for all readers, and used for later blocks until an address changes.
pub(crate) struct SearchIndex {
    text: String,
    /// What the text was made of.
    details: Vec<Details>,
    /// Where the text of each masternode ends, by its index in the list.
    ends: Vec<usize>,
}

impl SearchIndex {
    fn new(masternodes: &[Masternode]) -> SearchIndex {
        // An IPv4 address with its port.
        let mut text = String::with_capacity(masternodes.len() * 22);
        let mut ends = Vec::with_capacity(masternodes.len());
        for masternode in masternodes {
            if let MasternodeId::Collateral(outpoint) = &masternode.id {
                write!(text, "{outpoint}{SEPARATOR}").expect("a String takes all");
            }
            let start = text.len();
            masternode.details.write(Detail::Address, &mut text);
            if text.as_bytes()[start..].iter().fold(false, |found, byte| found | !is_lower(*byte)) {
                let lower = text[start..].to_lowercase();
                text.truncate(start);
                text.push_str(&lower);
            }
            text.push(SEPARATOR);
            ends.push(text.len());
        }
        let details = masternodes.iter().map(|masternode| masternode.details.clone()).collect();
        SearchIndex { text, details, ends }
    }

    /// Whether the text of these masternodes would be the same, as far as a comparison without reading them can say.
    fn is_of(&self, masternodes: &[Masternode]) -> bool {
        let is_same = |(masternode, details): (&Masternode, &Details)| {
            matches!(masternode.id, MasternodeId::ProTx(_)) && masternode.details.is_shared_with(details)
        };
        masternodes.len() == self.details.len() && masternodes.iter().zip(&self.details).all(is_same)
    }

    /// Indices in the list of the masternodes whose text contains `part`, ascending.
    fn find(&self, part: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = self.text[from..].find(part) {
            let index = self.ends.partition_point(|end| *end <= from + at);
            found.push(index as u32);
            from = self.ends[index];
        }
        found
    }
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_uppercase()
}

/// In no identity and no address.
const SEPARATOR: char = '\n';

/// A part of a hash in hexadecimal digits.
struct Digits<'a> {
    text: &'a str,
    /// The value of its first digits, at most 16.
    first: u64,
    /// The bits of `first`.
    mask: u64,
    /// The byte of its first two digits, and that of the second and third: a hash that contains the text contains one of them.
    bytes: Option<(u8, u8)>,
}

impl Digits<'_> {
    /// `None` if it is in no hash.
    fn read(text: &str) -> Option<Digits<'_>> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_digit) {
            return None;
        }
        let value = |part: Option<&str>| u64::from_str_radix(part?, 16).ok();
        let first = value(text.get(..text.len().min(16)))?;
        let byte = |from: usize| value(text.get(from..from + 2)).map(|value| value as u8);
        let mask = u64::MAX >> (64 - 4 * text.len().min(16));
        Some(Digits { text, first, mask, bytes: byte(0).zip(byte(1)) })
    }

    fn are_in(&self, id: &MasternodeId) -> bool {
        let MasternodeId::ProTx(hash) = id else { return false };
        self.may_be_in(hash) && self.begin_in(hash) && (self.text.len() <= 16 || hash.to_string().contains(self.text))
    }

    /// Excludes most hashes in a few instructions: no branch, so that the compiler compares many bytes at once.
    fn may_be_in(&self, hash: &Hash) -> bool {
        let Some((one, other)) = self.bytes else { return true };
        hash.0.iter().fold(false, |found, byte| found | (*byte == one) | (*byte == other))
    }

    /// Whether the first digits are in the hash.
    fn begin_in(&self, hash: &Hash) -> bool {
        let mut last: u64 = 0;
        let mut digits = self.text.len().min(16);
        hash.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).any(|digit| {
            last = last << 4 | u64::from(digit);
            digits = digits.saturating_sub(1);
            digits == 0 && last & self.mask == self.first
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::OnceLock;

    use super::*;
    use crate::details::DetailTexts;
    use crate::list::MasternodeList;
    use crate::masternode::Outpoint;
    use crate::samples::{list, masternode, snapshot};

    #[test]
    fn a_part_of_an_identity_or_address_is_found() {
        let at = |number: u8, address: &'static str| Masternode {
            details: Details::new(&DetailTexts { address: Some(Cow::Borrowed(address)), ..DetailTexts::default() }),
            ..masternode(number)
        };
        let nodes = [at(1, "192.0.2.1:9999"), at(2, "Node.Example.org:9999"), masternode(3), at(4, "192.0.2.11:9999")];
        let id = |number: usize| nodes[number].id.to_string();
        let snapshot = snapshot(nodes.to_vec());
        let cases: [(&str, &[u32]); 8] = [
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
            assert_eq!(snapshot.search(part), expected, "{part:?}");
        }
    }

    #[test]
    fn the_next_block_uses_the_index_until_an_address_changes() {
        let searched = snapshot((1..=9).map(masternode).collect());
        assert_eq!(searched.search("192.0").len(), 9);
        let of = |list: Arc<MasternodeList>| {
            let mut next = searched.clone();
            (next.list, next.search) = (list, OnceLock::new());
            let next = next.after(Some(&searched));
            next.search("192.0");
            Arc::ptr_eq(&next.search_index().unwrap(), &searched.search_index().unwrap())
        };
        assert!(of(searched.list.clone()));
        let mut nodes = searched.list.masternodes().to_vec();
        nodes[3].pose_score = None;
        assert!(of(Arc::new(list(101, nodes.clone()))), "the address is the same");
        nodes[3].details = masternode(4).details;
        assert!(!of(Arc::new(list(101, nodes.clone()))), "it may be another");
        nodes.remove(3);
        assert!(!of(Arc::new(list(101, nodes))));
    }

    #[test]
    fn every_part_of_an_identity_is_found_and_no_other() {
        let hash = |seed: u8| Hash(std::array::from_fn(|at| (at as u8).wrapping_mul(83).wrapping_add(seed) ^ seed));
        let with = |seed: u8, id: MasternodeId| Masternode { id, ..masternode(seed) };
        let collateral = |seed: u8| MasternodeId::Collateral(Outpoint { txid: hash(seed), index: 3 });
        let mut nodes: Vec<Masternode> = (0..20).map(|seed| with(seed, MasternodeId::ProTx(hash(seed)))).collect();
        nodes.extend((20..24).map(|seed| with(seed, collateral(seed))));
        let snapshot = snapshot(nodes);
        let texts: Vec<String> =
            snapshot.list.masternodes().iter().map(|masternode| masternode.id.to_string()).collect();
        let address = snapshot.list.masternodes()[0].details.address().map(Cow::into_owned).unwrap_or_default();
        for length in [1, 2, 3, 4, 7, 15, 16, 17, 18, 40, 64] {
            for text in &texts {
                for part in (0..text.len() + 1 - length).map(|from| &text[from..from + length]) {
                    let has = |text: &String| text.contains(part) || address.contains(part);
                    let expected: Vec<u32> =
                        (0..).zip(&texts).filter(|(_, text)| has(text)).map(|(index, _)| index).collect();
                    assert_eq!(snapshot.search(part), expected, "{part}");
                }
            }
        }
        assert_eq!(snapshot.search(&"0".repeat(65)), Vec::<u32>::new());
    }
}
