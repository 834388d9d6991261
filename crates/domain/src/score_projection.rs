//! Projection of one PoSe score with failures at known blocks: steps, the decay between them, the ban.
//!
//! Never here: when failures are likely (`dkg`), or what a list contains about a node (`event`).

use crate::masternode::{Height, Score};
use crate::pose::{PoseLimits, PoseScore};

/// Why a block of a [`ScoreProjection`] is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The start: block 0.
    Start,
    /// A failed DKG.
    Failure,
    /// From this block on one more failure does not ban.
    Safe,
    /// The score is 0 from this block on.
    Clear,
}

/// A block at which a score changes by a step or passes a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The block.
    pub height: Height,
    /// The change.
    pub change: Change,
    /// The score before the change, after the block's own decay.
    pub before: Score,
    /// The score after it.
    pub score: Score,
    /// Whether the node is banned after it.
    pub banned: bool,
}

/// A score from block 0 on, with constant limit and step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreProjection {
    limits: PoseLimits,
    moments: Vec<Moment>,
}

impl ScoreProjection {
    /// Applies failures at the blocks `failures`, counted from block 0, at whose tip the node has the score `start` and
    /// no ban. Their order does not matter; two at one block are two commitments in it, without decay between them.
    pub fn new(limits: PoseLimits, start: Score, failures: &[Height]) -> ScoreProjection {
        let mut failures = failures.to_vec();
        failures.sort_unstable();
        let start = Moment { height: Height(0), change: Change::Start, before: start, score: start, banned: false };
        let mut timeline = ScoreProjection { limits, moments: vec![start] };
        for failure in failures {
            timeline.pass(Some(failure));
            timeline.fail(failure);
        }
        timeline.pass(None);
        timeline
    }

    /// Limit and step.
    pub fn limits(&self) -> PoseLimits {
        self.limits
    }

    /// The changes in the order of the blocks; at least the start.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// The block of the ban.
    pub fn ban_height(&self) -> Option<Height> {
        self.moments.iter().find(|moment| moment.banned).map(|moment| moment.height)
    }

    /// Score after the block at `height`, and whether the node is banned then.
    pub fn at(&self, height: Height) -> (Score, bool) {
        let before = self.moments.partition_point(|moment| moment.height <= height);
        let last = self.moments[before.max(1) - 1];
        (self.decayed(last, height), last.banned)
    }

    fn last(&self) -> Moment {
        self.moments[self.moments.len() - 1]
    }

    fn decayed(&self, from: Moment, height: Height) -> Score {
        let blocks = height.above(from.height);
        let decay = if from.banned { 0 } else { self.limits.rule.decays(from.height, blocks) };
        Score(from.score.0.saturating_sub(decay))
    }

    /// Records the levels that the score passes before the block at `until`, at which a failure raises it again.
    fn pass(&mut self, until: Option<Height>) {
        let last = self.last();
        let pose = PoseScore::new(last.score, last.banned, last.height, self.limits);
        let levels = [(Change::Safe, pose.safe_height()), (Change::Clear, pose.clear_height())];
        for (change, height) in levels {
            let passed = height.filter(|height| *height > last.height && until.is_none_or(|until| *height < until));
            if let Some(height) = passed {
                let score = self.decayed(last, height);
                self.moments.push(Moment { height, change, before: score, score, banned: false });
            }
        }
    }

    fn fail(&mut self, height: Height) {
        let last = self.last();
        let before = self.decayed(last, height);
        // A node that failures banned has the limit as score, and `PoSePunish` keeps it. The public pages have no
        // failure after a ban.
        let score = if last.banned { before } else { Score(self.limits.punish(before.0)) };
        let banned = last.banned || self.limits.bans(before.0);
        self.moments.push(Moment { height, change: Change::Failure, before, score, banned });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::{CONSENSUS, DOCUMENTED, PenaltyRule};

    type Row = (u32, Change, u32, u32, bool);

    fn rows(rule: PenaltyRule, registered: usize, start: u32, failures: &[u32]) -> Vec<Row> {
        let failures: Vec<Height> = failures.iter().copied().map(Height).collect();
        let timeline = ScoreProjection::new(rule.limits(registered), Score(start), &failures);
        let row = |moment: &Moment| (moment.height.0, moment.change, moment.before.0, moment.score.0, moment.banned);
        timeline.moments().iter().map(row).collect()
    }

    #[test]
    fn the_public_example_is_played_under_both_rules() {
        // Block, change, score before, score after, banned: docs/spec/dash.md#worked-example; safe from T = 1700, or
        // 1668 in the public pages.
        let failures = [1, 1734, 5500, 7000];
        let consensus: [Row; 7] = [
            (0, Change::Start, 0, 0, false),
            (1, Change::Failure, 0, 3300, false),
            (1601, Change::Safe, 1700, 1700, false),
            (1734, Change::Failure, 1567, 4867, false),
            (4901, Change::Safe, 1700, 1700, false),
            (5500, Change::Failure, 1101, 4401, false),
            (7000, Change::Failure, 2901, 5000, true),
        ];
        let documented: [Row; 7] = [
            (0, Change::Start, 0, 0, false),
            (1, Change::Failure, 0, 3333, false),
            (1666, Change::Safe, 1668, 1668, false),
            (1734, Change::Failure, 1600, 4933, false),
            (4999, Change::Safe, 1668, 1668, false),
            (5500, Change::Failure, 1167, 4500, false),
            (7000, Change::Failure, 3000, 6333, true),
        ];
        assert_eq!(rows(CONSENSUS, 5000, 0, &failures), consensus);
        assert_eq!(rows(DOCUMENTED, 5000, 0, &failures), documented);
    }

    #[test]
    fn two_failures_in_one_block_ban_from_zero_and_a_banned_score_is_constant() {
        let expected = [
            (0, Change::Start, 0, 0, false),
            (5, Change::Failure, 0, 66, false),
            (5, Change::Failure, 66, 100, true),
            (50, Change::Failure, 100, 100, true),
        ];
        assert_eq!(rows(CONSENSUS, 100, 0, &[5, 50, 5]), expected);
        let timeline = ScoreProjection::new(CONSENSUS.limits(100), Score(0), &[Height(5), Height(5)]);
        assert_eq!(timeline.at(Height(1_000_000)), (Score(100), true));
        assert_eq!(timeline.ban_height(), Some(Height(5)));
    }

    #[test]
    fn a_failure_in_the_safe_block_itself_still_bans() {
        // Safe at block 33 means: survives a failure from block 34 on.
        let safe_too_late = [(0, Change::Start, 67, 67, false), (33, Change::Failure, 34, 100, true)];
        assert_eq!(rows(CONSENSUS, 100, 67, &[33]), safe_too_late);
        let just_safe = [
            (0, Change::Start, 67, 67, false),
            (33, Change::Safe, 34, 34, false),
            (34, Change::Failure, 33, 99, false),
            (99, Change::Safe, 34, 34, false),
            (133, Change::Clear, 0, 0, false),
        ];
        assert_eq!(rows(CONSENSUS, 100, 67, &[34]), just_safe);
    }

    #[test]
    fn the_score_decreases_by_one_per_block_and_never_below_zero() {
        let timeline = ScoreProjection::new(CONSENSUS.limits(100), Score(0), &[Height(10)]);
        let cases = [(0, 0), (9, 0), (10, 66), (11, 65), (42, 34), (75, 1), (76, 0), (77, 0)];
        for (height, score) in cases {
            assert_eq!(timeline.at(Height(height)), (Score(score), false), "block {height}");
        }
        assert_eq!(timeline.ban_height(), None);
    }
}
