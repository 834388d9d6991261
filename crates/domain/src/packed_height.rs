//! A height that may be unknown, in four bytes instead of eight: a masternode has it once, and a list has very many masternodes.
//!
//! Never here: heights that are not part of a masternode.

use crate::masternode::Height;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedHeight(u32);

impl PackedHeight {
    /// The height; `None` if it is unknown.
    #[must_use]
    pub fn get(self) -> Option<Height> {
        (self.0 < u32::MAX).then_some(Height(self.0))
    }
}

impl From<Option<Height>> for PackedHeight {
    /// The highest number that a height can have is not one of a block: it stands for none.
    fn from(height: Option<Height>) -> PackedHeight {
        PackedHeight(height.map_or(u32::MAX, |height| height.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_is_restored_and_none_stays_none() {
        for height in [None, Some(Height(0)), Some(Height(2_500_000)), Some(Height(u32::MAX - 1))] {
            assert_eq!(PackedHeight::from(height).get(), height);
        }
    }
}
