//! Jumps of the wall clock, told by a clock that does not jump: a wrong time that is set right, a host that slept.
//!
//! What was noted before is carried along, so that an alert is neither told early nor forgotten, and what holds goes on to hold.
//!
//! Never here: reading either clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::alerting::evaluate::EvaluationInput;
use domain::masternode::{BlockHash, UnixSeconds};

/// What two looks at the clocks may differ by, in seconds: clocks are set right in small steps all the time.
const TOLERANCE: i64 = 30;

/// By how much the wall clock jumped, in seconds; below zero for back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump(pub i64);

impl ClockJump {
    /// A moment of before the jump, as if it had been noted by the clock of now.
    pub fn carry(self, moment: UnixSeconds) -> UnixSeconds {
        UnixSeconds(moment.0.saturating_add_signed(self.0))
    }

    /// Whether the clock jumped back.
    pub fn is_back(self) -> bool {
        self.0 < 0
    }
}

/// The last look at the clocks.
#[derive(Default)]
pub(super) struct ClockJumps {
    last: Option<(UnixSeconds, Instant)>,
    /// The tip of each network when the clock jumped last.
    tips: BTreeMap<String, BlockHash>,
}

impl ClockJumps {
    /// Looks at both clocks. Returns the jump since the last look, if there was one.
    pub(super) fn look(&mut self, now: UnixSeconds, steady: Instant, world: &EvaluationInput) -> Option<ClockJump> {
        let (before, since) = self.last.replace((now, steady))?;
        let passed = i128::from(steady.saturating_duration_since(since).as_secs());
        let most = i128::from(i64::MAX);
        let said = (i128::from(now.0) - i128::from(before.0)).clamp(-most, most);
        let jump = i64::try_from(said - passed).unwrap_or(-i64::MAX);
        if jump.abs() <= TOLERANCE {
            return None;
        }
        self.tips = tips(world);
        Some(ClockJump(jump))
    }

    /// Networks that had no block since the last jump.
    pub(super) fn stalled_since(&self, world: &EvaluationInput) -> BTreeSet<String> {
        tips(world).into_iter().filter(|(name, tip)| self.tips.get(name) == Some(tip)).map(|(name, _)| name).collect()
    }
}

fn tips(world: &EvaluationInput) -> BTreeMap<String, BlockHash> {
    let tip = |snapshot: &domain::Snapshot| snapshot.block().hash;
    let networks = world.networks.iter();
    networks.filter_map(|network| Some((network.network.to_string(), tip(network.snapshot.as_deref()?)))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn nothing() -> EvaluationInput {
        EvaluationInput {
            networks: vec![],
            config_good: true,
            web_config_good: true,
            history_damaged: Some(0),
            failing: vec![],
            started: UnixSeconds(0),
        }
    }

    /// What is noted when the two clocks go on by so many seconds at each look.
    fn looks(steps: &[(i64, u64)]) -> Vec<Option<i64>> {
        let (mut jumps, mut wall, mut steady) = (ClockJumps::default(), UnixSeconds(1_700_000_000), Instant::now());
        assert_eq!(jumps.look(wall, steady, &nothing()), None, "the first look compares with nothing");
        let look = |(said, passed): &(i64, u64)| {
            wall = ClockJump(*said).carry(wall);
            steady += Duration::from_secs(*passed);
            jumps.look(wall, steady, &nothing()).map(|jump| jump.0)
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
        let start = Instant::now();
        jumps.look(UnixSeconds(0), start, &nothing());
        assert_eq!(jumps.look(UnixSeconds(u64::MAX), start, &nothing()), Some(ClockJump(i64::MAX)));
        assert_eq!(jumps.look(UnixSeconds(0), start, &nothing()), Some(ClockJump(-i64::MAX)));
    }
}
