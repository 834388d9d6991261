//! Jumps of the wall clock, detected by comparison with the monotonic clock: a corrected time, a suspended host.
//!
//! Stored times are shifted by the jump, so that an alert neither fires early nor is forgotten, and a firing alert
//! continues to fire.
//!
//! Never here: reading either clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::condition::EvaluationInput;
use domain::masternode::{BlockHash, UnixSeconds};
use domain::network_state::Moment;

/// Tolerated difference between two readings, in seconds: NTP adjusts clocks in small steps.
const TOLERANCE: i64 = 30;

/// The jump of the wall clock in seconds; negative for backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump(pub i64);

impl ClockJump {
    /// A time from before the jump, as the current clock would have recorded it.
    pub fn carry(self, moment: UnixSeconds) -> UnixSeconds {
        UnixSeconds(moment.0.saturating_add_signed(self.0))
    }

    /// Whether the clock jumped back.
    pub fn is_back(self) -> bool {
        self.0 < 0
    }
}

/// The last reading of the clocks.
#[derive(Default)]
pub(super) struct ClockJumps {
    last: Option<Moment>,
    /// The tip of each network at the last jump.
    tips: BTreeMap<Arc<str>, BlockHash>,
}

impl ClockJumps {
    /// Reads both clocks. Returns the jump since the last reading, if there was one.
    pub(super) fn look(&mut self, input: &EvaluationInput) -> Option<ClockJump> {
        let now = input.now;
        let before = self.last.replace(now)?;
        let passed = i128::from(before.age(now).as_secs());
        let (before, now) = (before.unix, now.unix);
        let most = i128::from(i64::MAX);
        let said = (i128::from(now.0) - i128::from(before.0)).clamp(-most, most);
        let jump = i64::try_from(said - passed).unwrap_or(-i64::MAX);
        if jump.abs() <= TOLERANCE {
            return None;
        }
        self.tips = tips(input);
        Some(ClockJump(jump))
    }

    /// Networks without a block since the last jump.
    pub(super) fn stalled_since(&self, input: &EvaluationInput) -> BTreeSet<Arc<str>> {
        tips(input).into_iter().filter(|(name, tip)| self.tips.get(name) == Some(tip)).map(|(name, _)| name).collect()
    }
}

fn tips(input: &EvaluationInput) -> BTreeMap<Arc<str>, BlockHash> {
    let networks = input.networks.iter();
    networks.filter_map(|state| Some((state.network.clone(), state.snapshot.as_ref()?.block().hash))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(unix: u64, uptime: u64) -> EvaluationInput {
        let now = Moment { unix: UnixSeconds(unix), uptime: Duration::from_secs(uptime) };
        EvaluationInput { networks: vec![], process: Default::default(), now, jumped: BTreeSet::new() }
    }

    /// Jumps found when the two clocks advance by these numbers of seconds between readings.
    fn looks(steps: &[(i64, u64)]) -> Vec<Option<i64>> {
        let (mut jumps, mut wall, mut steady) = (ClockJumps::default(), 1_700_000_000_u64, 0);
        assert_eq!(jumps.look(&at(wall, steady)), None, "the first look compares with nothing");
        let look = |(said, passed): &(i64, u64)| {
            wall = wall.saturating_add_signed(*said);
            steady += passed;
            jumps.look(&at(wall, steady)).map(|jump| jump.0)
        };
        steps.iter().map(look).collect()
    }

    #[test]
    fn a_jump_is_what_the_wall_clock_says_beyond_what_has_passed() {
        assert_eq!(
            looks(&[(5, 5), (18_005, 5), (5, 5), (-18_000, 0), (3600, 3600)]),
            [None, Some(18_000), None, Some(-18_000), None]
        );
        assert_eq!(looks(&[(28_800, 5)]), [Some(28_795)], "a host that slept for eight hours");
        assert_eq!(
            looks(&[(35, 5), (-25, 5), (5, 30)]),
            [None, None, None],
            "a clock that is set right in small steps"
        );
    }

    #[test]
    fn what_is_carried_stays_within_what_a_clock_can_say() {
        assert_eq!(ClockJump(-50).carry(UnixSeconds(20)), UnixSeconds(0));
        assert_eq!(ClockJump(i64::MAX).carry(UnixSeconds(u64::MAX - 5)), UnixSeconds(u64::MAX));
        let mut jumps = ClockJumps::default();
        jumps.look(&at(0, 0));
        assert_eq!(jumps.look(&at(u64::MAX, 0)), Some(ClockJump(i64::MAX)));
        assert_eq!(jumps.look(&at(0, 0)), Some(ClockJump(-i64::MAX)));
    }
}
