//! Addresses in base 58, as text and as the 21 bytes that they encode.
//!
//! Never here: which network or kind of script an address is of.

use sha2::{Digest, Sha256};

use crate::details::compact::digit_values;

/// Characters of an address that can be packed. Addresses of keys and scripts on Dash networks always have this length.
const DIGITS: usize = 34;

/// The bytes that the checksum covers: the version, and the hash of a key or a script.
pub(crate) const PACKED_BYTES: usize = 21;

/// Bytes of an address as a number: the packed bytes and four bytes of checksum. 58³⁴ is below 2²⁰⁰.
const NUMBER_BYTES: usize = PACKED_BYTES + 4;

/// Limbs of 64 bits, least significant first.
type Number = [u64; NUMBER_BYTES.div_ceil(8)];

/// Digits that are read or written in one step: 58¹⁰ is below 2⁶⁴.
const GROUP: usize = 10;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

const DIGIT: [u8; 256] = digit_values(ALPHABET);

/// The bytes of an address of [`DIGITS`] characters with a valid checksum; `None` for any other text. [`write()`]
/// restores exactly the packed text: leading zeros are ordinary digits, because the length is fixed.
pub(crate) fn pack(text: &str) -> Option<[u8; PACKED_BYTES]> {
    let digits: &[u8; DIGITS] = text.as_bytes().try_into().ok()?;
    let mut number = Number::default();
    for group in digits.chunks(GROUP) {
        let mut value = 0;
        for byte in group {
            let digit = DIGIT[usize::from(*byte)];
            if digit == 0xff {
                return None;
            }
            value = value * 58 + u64::from(digit);
        }
        let scale = u128::from(58_u64.pow(group.len() as u32));
        let mut carry = u128::from(value);
        for limb in &mut number {
            carry += u128::from(*limb) * scale;
            *limb = carry as u64;
            carry >>= 64;
        }
    }
    let mut bytes = [0; size_of::<Number>()];
    for (to, limb) in bytes.rchunks_exact_mut(8).zip(number) {
        to.copy_from_slice(&limb.to_be_bytes());
    }
    let (packed, sum) = bytes[size_of::<Number>() - NUMBER_BYTES..].split_at(PACKED_BYTES);
    let packed = packed.try_into().expect("split there");
    (checksum(&packed) == sum).then_some(packed)
}

/// Appends the text of a packed address.
pub(super) fn write(packed: &[u8; PACKED_BYTES], out: &mut String) {
    let mut bytes = [0; size_of::<Number>()];
    let (_, number) = bytes.split_at_mut(size_of::<Number>() - NUMBER_BYTES);
    number[..PACKED_BYTES].copy_from_slice(packed);
    number[PACKED_BYTES..].copy_from_slice(&checksum(packed));
    // Most significant first, as in long division.
    let mut limbs = Number::default();
    for (limb, from) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_be_bytes(from.try_into().expect("chunks of eight"));
    }
    let mut digits = [0; DIGITS];
    for group in digits.rchunks_mut(GROUP) {
        let scale = u128::from(58_u64.pow(group.len() as u32));
        let mut rest = 0;
        for limb in &mut limbs {
            let value = u128::from(rest) << 64 | u128::from(*limb);
            // The remainder is below the scale, so the quotient fits.
            *limb = (value / scale) as u64;
            rest = (value % scale) as u64;
        }
        for digit in group.iter_mut().rev() {
            *digit = ALPHABET[(rest % 58) as usize];
            rest /= 58;
        }
    }
    out.push_str(std::str::from_utf8(&digits).expect("the alphabet is ASCII"));
}

/// The first four bytes of the hash of the hash.
fn checksum(packed: &[u8; PACKED_BYTES]) -> [u8; 4] {
    *Sha256::digest(Sha256::digest(packed)).first_chunk().expect("a hash has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, version: Option<u8>) {
        let packed = pack(text);
        assert_eq!(packed.map(|bytes| bytes[0]), version, "{text}");
        if let Some(packed) = packed {
            let mut back = String::new();
            write(&packed, &mut back);
            assert_eq!(back, text);
        }
    }

    #[test]
    fn addresses_of_every_kind_are_restored_exactly() {
        // Recorded from a node, and created by another implementation. Versions: `src/chainparams.cpp`,
        // `base58Prefixes`.
        check("yWfYk2T5eeHhEx48BPzM5acDDmMk5tgC9U", Some(140));
        check("yft8wn4AnQizsjz4Lj4yVzNrhCuKXwtR2s", Some(140));
        check("XagqqFetxiDb9wbartKDrXgnqLah6SqX2S", Some(76));
        check("Xz2SpMxBftgTyNjftJeYLexaTqqdgzkiPj", Some(76));
        check("7SQekjmcMtR25wEPPiL6m1Mb5586R5ut33", Some(16));
        check("93m4hAxmCcGXMfnjVPfNhWSjb69sBgdWN2", Some(19));
        // Bitcoin's version 0 is a separate digit: these addresses have fewer or the same number of digits.
        check("1111111111111111111114oLvT2", None);
        check("1QLbz7JHiBTspS962RLKV8GndWFwi5j6Qr", Some(0));
    }

    #[test]
    fn other_texts_are_not_packed() {
        let good = "yWfYk2T5eeHhEx48BPzM5acDDmMk5tgC9U";
        for at in 0..good.len() {
            let mut other = good.as_bytes().to_vec();
            other[at] = if other[at] == b'2' { b'3' } else { b'2' };
            check(std::str::from_utf8(&other).unwrap(), None);
        }
        check(&good.replace('2', "0"), None);
        check(&good[1..], None);
        check("", None);
        check(&"é".repeat(17), None);
    }
}
