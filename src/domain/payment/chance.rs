//! Chances of a draw. (Placeholder while merging.)
//!
//! Never here: lists.
use std::num::NonZeroU32;
/// Chance within blocks.
pub fn chance_within(pool_size: NonZeroU32, blocks: u32) -> f64 {
    match (pool_size.get(), blocks) {
        (_, 0) => 0.0,
        (1, _) => 1.0,
        (size, blocks) => -(f64::from(blocks) * (-1.0 / f64::from(size)).ln_1p()).exp_m1(),
    }
}
