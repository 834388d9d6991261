//! The operator's part of a masternode's reward.
//!
//! Never here: the address that it goes to; the division of the owner's part (`payout`).

use crate::masternode::Duffs;

/// The operator's part of each reward, in hundredths of a percent; part of the registration, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorReward(u16);

/// The whole reward.
const WHOLE_REWARD: u16 = 10_000;

impl OperatorReward {
    /// A part of up to 10,000 hundredths of a percent; any other value is not known.
    #[must_use]
    pub fn new(hundredths: Option<u16>) -> OperatorReward {
        OperatorReward(hundredths.filter(|part| *part <= WHOLE_REWARD).unwrap_or(u16::MAX))
    }

    /// The part; `None` if the node does not report it.
    #[must_use]
    pub fn hundredths(self) -> Option<u16> {
        Some(self.0).filter(|part| *part <= WHOLE_REWARD)
    }

    /// The operator's amount of a masternode's reward by the node's arithmetic (`GetBlockTxOuts` in
    /// `src/masternode/payments.cpp`); `None` if the part is not known.
    #[must_use]
    pub fn of(self, reward: Duffs) -> Option<Duffs> {
        let part = u128::from(reward.0) * u128::from(self.hundredths()?) / u128::from(WHOLE_REWARD);
        u64::try_from(part).ok().map(Duffs)
    }
}

impl Default for OperatorReward {
    fn default() -> OperatorReward {
        OperatorReward::new(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_is_rounded_down_and_what_is_no_part_is_not_known() {
        let of = |hundredths, reward| OperatorReward::new(hundredths).of(Duffs(reward)).map(|part| part.0);
        assert_eq!(of(Some(1_250), 77_050_001), Some(9_631_250));
        assert_eq!(of(Some(10_000), u64::MAX), Some(u64::MAX), "no overflow");
        assert_eq!((of(Some(0), 5), of(None, 5), of(Some(10_001), 5)), (Some(0), None, None));
    }
}
