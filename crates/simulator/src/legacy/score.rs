//! Election scores: double SHA-256 and 256-bit numbers.
//!
//! Never here: the election.

use sha2::{Digest, Sha256};

use crate::random::Hash256;

/// Double SHA-256 of the concatenated parts. Like printed hashes, the result is a big-endian number.
pub(super) fn double_sha256(parts: &[&[u8]]) -> Hash256 {
    let mut bytes: [u8; 32] = Sha256::digest(Sha256::digest(parts.concat())).into();
    bytes.reverse();
    Hash256(bytes)
}

/// Dimecoin's score of a masternode for a block (`src/masternode/masternode.cpp CalculateScore`): outpoint, hash of the
/// block in which the collateral had 15 confirmations, hash of the electing block. Highest wins.
pub(super) fn dimecoin_score(txid: Hash256, index: u32, confirmed: Hash256, block: Hash256) -> Hash256 {
    double_sha256(&[&txid.memory_order(), &index.to_le_bytes(), &confirmed.memory_order(), &block.memory_order()])
}

/// PRCYcoin's score (`src/masternode.cpp CalculateScore`): the distance between two hashes. Largest wins; ranks and the
/// payee of a block compare it in [`compact`] form.
pub(super) fn prcycoin_score(txid: Hash256, index: u32, block: Hash256) -> Hash256 {
    let block = block.memory_order();
    let mut named = add(txid, index).0;
    named.reverse();
    let own = double_sha256(&[&block, &named]);
    distance(own, double_sha256(&[&block]))
}

/// The sum as a 256-bit number, without the carry.
fn add(number: Hash256, addend: u32) -> Hash256 {
    let mut bytes = number.0;
    let mut carry = u64::from(addend);
    for byte in bytes.iter_mut().rev() {
        carry += u64::from(*byte);
        *byte = u8::try_from(carry & 0xff).expect("eight bits");
        carry >>= 8;
    }
    Hash256(bytes)
}

/// The difference of the larger and the smaller.
fn distance(one: Hash256, other: Hash256) -> Hash256 {
    let (large, small) = if one >= other { (one, other) } else { (other, one) };
    let mut bytes = [0; 32];
    let mut borrow = 0;
    for index in (0..32).rev() {
        let mut digit = i16::from(large.0[index]) - i16::from(small.0[index]) - borrow;
        borrow = i16::from(digit < 0);
        if digit < 0 {
            digit += 256;
        }
        bytes[index] = u8::try_from(digit).expect("one byte after the borrow");
    }
    Hash256(bytes)
}

/// The compact form: length in bytes, then the 23 highest bits (`GetCompact`).
pub(super) fn compact(number: Hash256) -> u32 {
    let first = number.0.iter().position(|byte| *byte != 0).unwrap_or(32);
    let mut size = u32::try_from(32 - first).expect("at most 32");
    let byte = |index: usize| number.0.get(first + index).map_or(0, |byte| u32::from(*byte));
    let mut mantissa = byte(0) << 16 | byte(1) << 8 | byte(2);
    // The highest bit of the mantissa is the sign.
    if mantissa & 0x0080_0000 != 0 {
        mantissa >>= 8;
        size += 1;
    }
    mantissa | size << 24
}

#[cfg(test)]
mod tests {
    use super::{add, compact, distance, double_sha256, prcycoin_score};
    use crate::random::{Hash256, hex};

    fn number(text: &str) -> Hash256 {
        Hash256::parse(&format!("{text:0>64}")).expect("hex digits")
    }

    #[test]
    fn the_double_hash_is_that_of_the_whole_text() {
        // The vector of the Bitcoin wiki's page on the protocol: "hello" hashed twice.
        let expected = "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50";
        assert_eq!(hex(&double_sha256(&[b"he", b"llo"]).memory_order()), expected);
    }

    #[test]
    fn numbers_of_256_bits_carry_and_borrow() {
        assert_eq!(add(number("ff"), 1), number("100"));
        assert_eq!(add(Hash256([0xff; 32]), 1), number("0"));
        assert_eq!(distance(number("100"), number("1")), number("ff"));
        assert_eq!(distance(number("1"), number("100")), number("ff"));
    }

    /// The cases of Bitcoin's own `arith_uint256_tests.cpp`, `bignum_SetCompact`, and the target of its genesis block.
    #[test]
    fn the_compact_form_is_bitcoins() {
        for (text, expected) in [
            ("0", 0),
            ("12", 0x0112_0000),
            ("80", 0x0200_8000),
            ("1234", 0x0212_3400),
            ("123456", 0x0312_3456),
            ("12345600", 0x0412_3456),
            ("92340000", 0x0500_9234),
            ("ffff0000000000000000000000000000000000000000000000000000", 0x1d00_ffff),
        ] {
            assert_eq!(compact(number(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_output_number_is_part_of_the_name() {
        let (txid, block) = (number("abc"), number("def"));
        assert_eq!(prcycoin_score(txid, 1, block), prcycoin_score(number("abd"), 0, block));
        assert_ne!(prcycoin_score(txid, 0, block), prcycoin_score(txid, 1, block));
    }
}
