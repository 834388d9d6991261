//! The simulator's own small pseudo-random generator (splitmix64) and the 32-byte hashes generated from it.
//!
//! The same seed gives the same network on every machine and in every run.
//!
//! Never here: secrets; the generator is fast and repeatable, not unpredictable.

use std::fmt;

use super::merkle::double_sha256;

/// The letters of Base58.
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// A splitmix64 generator.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// A generator that repeats its output for the same `parts` in the same order.
    pub(super) fn of(parts: &[u64]) -> Self {
        let mut random = Self { state: 0x6a09_e667_f3bc_c908 };
        for part in parts {
            random.state ^= part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            random.state = random.word();
        }
        random
    }

    /// The next 64 bits.
    pub(super) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        // The bias of the remainder is below 2^-40 for every bound used here.
        usize::try_from(self.word() % bound as u64).expect("a remainder is smaller than its usize divisor")
    }

    /// A number in `low..=high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let width = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(self.word() % width).expect("the width fits 32 bits")
    }

    /// True with probability `share`.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        if share <= 0.0 {
            return false;
        }
        // 53 bits are what a double can hold exactly.
        let unit = (self.word() >> 11) as f64 / (1_u64 << 53) as f64;
        unit < share
    }

    /// Shuffles the items.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }

    /// Fills the bytes.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// A hash.
    pub(super) fn hash(&mut self) -> Hash256 {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Hash256(bytes)
    }

    /// Letters that look like a Base58 text, without a valid checksum.
    pub(super) fn base58(&mut self, letters: usize) -> String {
        let mut text = String::with_capacity(letters);
        while text.len() < letters {
            // Ten letters of 58 fit one word of 64 bits; eleven are taken from each, the bias is only cosmetic.
            let mut word = self.word();
            for _ in 0..(letters - text.len()).min(11) {
                let letter = usize::try_from(word % 58).expect("below 58");
                text.push(char::from(BASE58[letter]));
                word /= 58;
            }
        }
        text
    }

    /// `bytes` random bytes as lower-case hex.
    pub(super) fn hex(&mut self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        hex(&buffer)
    }
}

/// A 256-bit hash, stored in the order in which a node prints it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Hash256(pub(super) [u8; 32]);

impl Hash256 {
    /// All zeros.
    pub(super) const ZERO: Self = Self([0; 32]);

    /// Reads 64 hex digits, of either case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).expect("two hex digits are one byte");
        }
        Some(Self(bytes))
    }

    /// The bytes in the node's memory order, in which it compares hashes (`src/uint256.h base_blob::Compare`).
    pub(super) fn memory_order(self) -> [u8; 32] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }

    /// Eight bytes of the hash as a seed for derived values.
    pub(super) fn seed(self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[8..16]);
        u64::from_le_bytes(bytes)
    }
}

impl fmt::Display for Hash256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl serde::Serialize for Hash256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

/// The bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of a hex text.
pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digit = |letter: u8| u8::try_from(char::from(letter).to_digit(16).expect("hex digits")).expect("below 16");
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// An address: a version, the hash of a key, and a checksum in Base58 (`src/base58.cpp`).
pub(super) fn base58_check(version: u8, id: [u8; 20]) -> String {
    let mut bytes = [0; 25];
    bytes[0] = version;
    bytes[1..21].copy_from_slice(&id);
    let checksum = double_sha256(&bytes[..21]);
    bytes[21..].copy_from_slice(&checksum[..4]);
    // One division by 58^5 gives five letters.
    const FIVE: u64 = 58 * 58 * 58 * 58 * 58;
    let mut padded = [0; 28];
    padded[3..].copy_from_slice(&bytes);
    let mut words = [0_u64; 7];
    for (word, chunk) in words.iter_mut().zip(padded.chunks_exact(4)) {
        *word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    let mut letters = Vec::with_capacity(35);
    for _ in 0..7 {
        let mut rest = 0;
        for word in &mut words {
            let value = rest << 32 | *word;
            (*word, rest) = (value / FIVE, value % FIVE);
        }
        for _ in 0..5 {
            letters.push(BASE58[usize::try_from(rest % 58).expect("below 58")]);
            rest /= 58;
        }
    }
    while letters.last() == Some(&BASE58[0]) {
        letters.pop();
    }
    letters.reverse();
    String::from_utf8(letters).expect("the letters are ASCII")
}

#[cfg(test)]
mod tests {
    use super::{Hash256, Random, base58_check};

    /// Recorded: the script of an address has its hash.
    #[test]
    fn an_address_has_the_hash_of_its_script() {
        let hash = Hash256::parse(&format!("8708dff2bf8b31363cb4201d179b4714aa7b54a0{}", "0".repeat(24))).expect("64");
        let mut id = [0; 20];
        id.copy_from_slice(&hash.0[..20]);
        assert_eq!(base58_check(140, id), "yYdShjQSptFKitYLksFEUSwHe4hnbar5rf");
    }

    #[test]
    fn the_same_seed_repeats_and_another_does_not() {
        assert_eq!(Random::of(&[1, 2]).hash(), Random::of(&[1, 2]).hash());
        assert_ne!(Random::of(&[1, 2]).hash(), Random::of(&[2, 1]).hash());
    }

    #[test]
    fn a_hash_survives_its_text() {
        let hash = Random::of(&[7]).hash();
        assert_eq!(Hash256::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hash256::parse("zz"), None);
    }

    #[test]
    fn memory_order_is_the_printed_order_reversed_byte_by_byte() {
        let hash = Hash256::parse(&format!("01{}", "0".repeat(62))).expect("64 digits");
        assert_eq!(hash.memory_order()[31], 1);
    }
}
