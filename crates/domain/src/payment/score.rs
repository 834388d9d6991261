//! The scores by which the older chains elect a payee: hashes of a collateral and of blocks.
//!
//! Never here: who takes part in an election.

use sha2::{Digest, Sha256};

use crate::masternode::{BlockHash, Hash, Outpoint};

/// What the scores of a masternode have in common, hashed once: its outpoint, and the block with the 15th confirmation of its
/// collateral.
#[derive(Clone)]
pub(super) struct ScorePrefix(Sha256);

impl ScorePrefix {
    /// That of a masternode.
    pub(super) fn new(collateral: &Outpoint, confirmed: &BlockHash) -> ScorePrefix {
        ScorePrefix(
            Sha256::new()
                .chain_update(collateral.txid.in_memory_order())
                .chain_update(collateral.index.to_le_bytes())
                .chain_update(confirmed.0.in_memory_order()),
        )
    }

    /// Score in the election by the block `electing`; the highest wins, compared as displayed.
    ///
    /// Double SHA-256 of the outpoint, the hash of the block with the 15th confirmation of its collateral, and the hash of
    /// the electing block: `CMasternode::CalculateScore` in `src/masternode/masternode.cpp` of Dimecoin.
    pub(super) fn score(&self, electing: &BlockHash) -> Hash {
        let hash = self.0.clone().chain_update(electing.0.in_memory_order()).finalize();
        displayed(Sha256::digest(hash).into())
    }
}

/// Score of a masternode in the election by the block `electing`; the largest wins.
///
/// The distance of two hashes in its compact form, which keeps about 23 bits: `CMasternode::CalculateScore` in
/// `src/masternode.cpp` of PRCYCoin, compared as `CMasternodeMan::GetCurrentMasterNode` does.
pub(super) fn distance(collateral: &Outpoint, electing: &BlockHash) -> u32 {
    let electing = electing.0.in_memory_order();
    let mut named = sum(collateral.txid, collateral.index).0;
    named.reverse();
    let of_block = double(&[&electing]);
    let of_masternode = double(&[&electing, &named]);
    compact(difference(of_block, of_masternode))
}

fn double(parts: &[&[u8]]) -> Hash {
    displayed(Sha256::digest(Sha256::digest(parts.concat())).into())
}

/// A hash from its bytes in memory, which are those of a little-endian number.
fn displayed(mut bytes: [u8; 32]) -> Hash {
    bytes.reverse();
    Hash(bytes)
}

/// The halves of a 256-bit number.
fn halves(number: Hash) -> (u128, u128) {
    let half = |at: usize| number.0[at..].first_chunk().map_or(0, |half: &[u8; 16]| u128::from_be_bytes(*half));
    (half(0), half(16))
}

fn number((high, low): (u128, u128)) -> Hash {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&high.to_be_bytes());
    bytes[16..].copy_from_slice(&low.to_be_bytes());
    Hash(bytes)
}

/// The sum without the carry out of 256 bits.
fn sum(hash: Hash, index: u32) -> Hash {
    let (high, low) = halves(hash);
    let (low, carried) = low.overflowing_add(u128::from(index));
    number((high.wrapping_add(u128::from(carried)), low))
}

/// The larger number minus the smaller one.
fn difference(one: Hash, other: Hash) -> Hash {
    let (large, small) = if one >= other { (one, other) } else { (other, one) };
    let ((high, low), (less_high, less_low)) = (halves(large), halves(small));
    let (low, borrowed) = low.overflowing_sub(less_low);
    number((high - less_high - u128::from(borrowed), low))
}

/// The length in bytes, then the highest bits without a sign (`base_uint::GetCompact`).
fn compact(number: Hash) -> u32 {
    let first = number.0.iter().position(|byte| *byte != 0).unwrap_or(32);
    let size = (32 - first) as u32;
    let byte = |place: usize| number.0.get(first + place).map_or(0, |byte| u32::from(*byte));
    let highest = byte(0) << 16 | byte(1) << 8 | byte(2);
    if highest & 0x0080_0000 == 0 { highest | size << 24 } else { highest >> 8 | (size + 1) << 24 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> Hash {
        format!("{text:0>64}").parse().unwrap()
    }

    #[test]
    fn numbers_of_256_bits_carry_and_borrow() {
        let all = Hash([0xff; 32]);
        assert_eq!((sum(hash("ff"), 1), sum(all, 1)), (hash("100"), hash("0")));
        let half = "1".to_string() + &"0".repeat(32);
        assert_eq!(sum(hash(&"f".repeat(32)), 1), hash(&half), "from the lower half into the upper one");
        for (one, other) in [("100", "1"), ("1", "100")] {
            assert_eq!(difference(hash(one), hash(other)), hash("ff"));
        }
        assert_eq!(difference(hash(&half), hash("1")), hash(&"f".repeat(32)));
    }

    #[test]
    fn the_compact_form_is_that_of_bitcoin() {
        // `arith_uint256_tests.cpp` and the target of Bitcoin's genesis block.
        for (text, expected) in [
            ("0", 0),
            ("12", 0x0112_0000),
            ("80", 0x0200_8000),
            ("1234", 0x0212_3400),
            ("123456", 0x0312_3456),
            ("92340000", 0x0500_9234),
            ("ffff0000000000000000000000000000000000000000000000000000", 0x1d00_ffff),
        ] {
            assert_eq!(compact(hash(text)), expected, "{text}");
        }
    }
}
