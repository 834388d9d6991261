//! Payment by chance: each block selects the payee at random among some candidates, all with the same probability.
//!
//! The two models differ only in the candidates. *Pool* (Dimecoin): those that wait longest, a tenth of all known ones.
//! *Uniform* (PRCYcoin): every enabled masternode. Rules:
//! docs/spec/legacy-chains.md#payment and docs/spec/legacy-chains.md#computed-values; docs/payment.md explains both.
//!
//! Never here: the deterministic queue (`queue`), or the identities of the candidates.

use std::f64::consts::LN_2;
use std::num::NonZeroU32;

/// Number of candidates of the model *pool*: the `known` masternodes of any state divided by `divisor`, rounded down,
/// at least 1, at most the `eligible` ones. `None` when no masternode is eligible: then none is paid.
pub fn pool_size(eligible: u32, known: u32, divisor: NonZeroU32) -> Option<NonZeroU32> {
    NonZeroU32::new(eligible.min((known / divisor).max(1)))
}

/// Number of candidates of the model *uniform*: all `enabled` masternodes. `None` when there is none.
pub fn uniform_size(enabled: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(enabled)
}

/// Probability that a candidate is paid at least once in the next `blocks` blocks, 0 to 1.
///
/// It does not depend on how long a node has waited, because selections are independent.
pub fn chance_within(candidates: NonZeroU32, blocks: u32) -> f64 {
    chance_within_fraction(candidates, f64::from(blocks))
}

/// [`chance_within`] for a fractional number of blocks, as in public tables. 0 for a negative value or not a number.
pub fn chance_within_fraction(candidates: NonZeroU32, blocks: f64) -> f64 {
    if blocks > 0.0 {
        // 1 − (1 − 1/k)^b without the loss of digits of a probability near 0. One candidate: 1, by −∞.
        -f64::exp_m1(blocks * f64::ln_1p(-1.0 / f64::from(candidates.get())))
    } else {
        0.0
    }
}

/// Blocks until the masternode at `position` of the queue, 1 = the longest unpaid, is in the pool: each payment removes
/// one ahead of it.
pub fn blocks_until_in_pool(position: NonZeroU32, pool: NonZeroU32) -> u32 {
    position.get().saturating_sub(pool.get())
}

/// Mean wait of a candidate in blocks, including the paying block.
pub fn mean_blocks(candidates: NonZeroU32) -> u32 {
    candidates.get()
}

/// Median wait of a candidate in blocks: the smallest number of blocks that pays with a probability of at least one
/// half.
pub fn median_blocks(candidates: NonZeroU32) -> u32 {
    let blocks = -LN_2 / f64::ln_1p(-1.0 / f64::from(candidates.get()));
    // One candidate: the formula gives 0, but the shortest wait is the next block. After `ceil` the cast truncates
    // nothing.
    blocks.ceil().max(1.0) as u32
}

/// Whole blocks within `seconds`, at one block per `spacing_seconds`. Only this function rounds down.
pub fn whole_blocks(seconds: u64, spacing_seconds: f64) -> u32 {
    let blocks = seconds as f64 / spacing_seconds;
    let nearest = blocks.round();
    // 10800 s of 2.7 s are 4000 blocks, but 2.7 has no exact double and the quotient is one bit too small.
    let whole = if (blocks - nearest).abs() <= nearest * f64::EPSILON { nearest } else { blocks.floor() };
    whole as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn chances_to_twelve_digits() {
        // candidates, blocks, probability: computed separately with 50 digits.
        let cases = [
            (450, 1, 0.002222222222),
            (450, 277, 0.460029365320),
            (450, 1440, 0.959382685259),
            (500, 72, 0.134237097276),
            (500, 720, 0.763413626690),
            (500, 5184, 0.999968902460),
            (25, 72, 0.947091094347),
            (1, 1, 1.0),
            (2, 10, 0.999023437500),
        ];
        for (candidates, blocks, chance) in cases {
            let ours = chance_within(count(candidates), blocks);
            assert!((ours - chance).abs() < 1e-12, "{candidates} candidates, {blocks} blocks: {ours}");
        }
    }

    #[test]
    fn zero_blocks_pay_no_candidate_and_a_single_candidate_is_paid_next() {
        for candidates in [1, 2, 450, u32::MAX] {
            assert_eq!(chance_within(count(candidates), 0), 0.0, "{candidates} candidates");
        }
        assert_eq!(chance_within(count(1), u32::MAX), 1.0);
        for blocks in [f64::NAN, f64::NEG_INFINITY, -1.0, -0.0] {
            assert_eq!(chance_within_fraction(count(450), blocks), 0.0, "{blocks} blocks");
        }
        assert_eq!(chance_within_fraction(count(450), f64::INFINITY), 1.0);
    }

    #[test]
    fn a_small_probability_keeps_its_digits() {
        // b/k − b(b−1)/2k² + …: the next term is below 1e-26.
        let ours = chance_within(count(1_000_000_000), 2);
        assert!((ours - 1.999_999_999e-9).abs() < 1e-24, "{ours:e}");
    }

    #[test]
    fn the_pool_is_a_tenth_of_the_known_at_least_one_at_most_the_eligible() {
        // eligible, known, size.
        let cases = [
            (0, 0, None),
            (0, 4500, None),
            (1, 1, Some(1)),
            (9, 9, Some(1)),
            (10, 10, Some(1)),
            (11, 11, Some(1)),
            (20, 20, Some(2)),
            (4999, 4999, Some(499)),
            (4500, 4500, Some(450)),
            (2000, 4500, Some(450)),
            (3, 4500, Some(3)),
        ];
        for (eligible, known, size) in cases {
            assert_eq!(pool_size(eligible, known, count(10)).map(NonZeroU32::get), size, "{eligible} of {known}");
        }
        assert_eq!((uniform_size(0), uniform_size(4500)), (None, Some(count(4500))));
    }

    #[test]
    fn a_masternode_behind_the_pool_first_waits_for_those_ahead() {
        // position, pool, blocks until in the pool.
        for (position, pool, until) in [(1, 450, 0), (450, 450, 0), (451, 450, 1), (4500, 450, 4050), (2, 1, 1)] {
            assert_eq!(blocks_until_in_pool(count(position), count(pool)), until, "place {position}");
        }
    }

    #[test]
    fn half_of_the_waits_end_within_the_median() {
        // candidates, median: ln 2 / −ln(1 − 1/k), rounded up.
        for (candidates, median) in [(1, 1), (2, 1), (3, 2), (25, 17), (450, 312), (500, 347), (4500, 3119)] {
            assert_eq!(median_blocks(count(candidates)), median, "{candidates} candidates");
        }
    }

    #[test]
    fn blocks_of_a_window_are_rounded_down_once() {
        // seconds, spacing, blocks: 1 h, 3 h and 12 h of the public tables, then quotients that are sensitive to one
        // bit.
        let cases = [
            (3600, 50.0, 72),
            (3600, 64.0, 56),
            (10_800, 64.0, 168),
            (3600, 156.0, 23),
            (43_200, 156.0, 276),
            (0, 60.0, 0),
            (59, 60.0, 0),
            (60, 60.0, 1),
            (10_800, 2.7, 4000),
            (10_799, 2.7, 3999),
            (788, 157.6, 5),
        ];
        for (seconds, spacing, blocks) in cases {
            assert_eq!(whole_blocks(seconds, spacing), blocks, "{seconds} s of {spacing} s");
        }
    }
}
