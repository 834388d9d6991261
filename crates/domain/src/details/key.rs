//! Operator keys in their two encodings.
//!
//! A masternode of version 1 and one of a later version write the same key differently: the legacy and the basic
//! encoding of BLS differ in the three top bits of the first byte (docs/spec/dash-24.md#operator-key-encodings).
//!
//! Never here: cryptography; whether a key is a point of the curve.

use crate::hex;

/// The bits of the first byte that belong to the key in both encodings.
const KEY_BITS: u8 = 0x1f;

/// Whether both byte sequences are the same key. All zeros mean no key and are equal in both encodings.
pub(super) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    let is_zero = |key: &[u8]| key.iter().all(|byte| *byte == 0);
    match (one.split_first(), other.split_first()) {
        (Some((first, rest)), Some((other_first, other_rest))) => {
            first & KEY_BITS == other_first & KEY_BITS && rest == other_rest && !is_zero(one) && !is_zero(other)
        }
        _ => false,
    }
}

/// Whether both texts are the same key, regardless of case.
pub fn same_key(one: &str, other: &str) -> bool {
    let bytes = |text| hex::decode(text).filter(|bytes| !bytes.is_empty());
    match (bytes(one), bytes(other)) {
        (Some(one), Some(other)) => same_bytes(&one, &other),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_in_both_encodings_and_another_key_is_not() {
        let key = |first: &str, last: &str| format!("{first}{}{last}", "5a".repeat(46));
        let legacy = key("0b", "01");
        let cases = [
            // Both signs: the legacy encoding has the sign in bit 7, the basic one in bit 5; bit 7 is always set there.
            (key("8b", "01"), true),
            (key("ab", "01"), true),
            (key("0B", "01"), true),
            (key("0c", "01"), false),
            (key("1b", "01"), false),
            (key("8b", "02"), false),
            ("0".repeat(96), false),
            (String::new(), false),
            ("0b".to_string(), false),
        ];
        for (other, same) in cases {
            assert_eq!(same_key(&legacy, &other), same, "{other}");
            assert_eq!(same_key(&other, &legacy), same, "{other}");
        }
        let zero = "0".repeat(96);
        assert!(same_key(&zero, &zero));
        assert!(!same_key(&zero, &format!("c0{}", "0".repeat(94))), "infinity of the basic encoding is no null key");
        assert!(same_key("no hex", "no hex") && !same_key("no hex", "No hex"));
    }
}
