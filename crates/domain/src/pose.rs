//! Proof-of-Service arithmetic: limit, step, safe level, and the distance of a score to each.
//!
//! Rules are data ([`PenaltyRule`]), so that the same code computes the node's rule ([`CONSENSUS`]) and that of Dash's
//! public pages ([`DOCUMENTED`]). Rules:
//! docs/spec/dash.md#pose-state and docs/spec/dash.md#pose-headroom; docs/pose.md explains them to operators.
//!
//! Never here: why a node was penalised (`event`) or when it will be tested again (`dkg`).

use crate::masternode::{Height, Masternode, Score};

/// How many points one failed DKG adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `limit · percent / 100`, multiplied first, truncated: `CDeterministicMNList::CalcPenalty`.
    Percent(u32),
    /// `limit · 2 / 3`, truncated: the table on Dash's public pages.
    TwoThirds,
}

/// How a chain turns failures into bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PenaltyRule {
    /// Points one failure adds.
    pub step: Step,
    /// The minimum limit: `CDeterministicMNList::CalcMaxPoSePenalty`.
    pub minimum_limit: u32,
    /// A ban needs a score above the limit (public pages) rather than at it (`PoSePunish`).
    pub ban_above_limit: bool,
    /// The score is clamped to the limit.
    pub clamped: bool,
    /// A valid node loses one point in each block whose height is divisible by this: 1 on Dash.
    pub decay_period: u32,
}

/// The rule of Dash Core, the same in every version read: `src/evo/deterministicmns.cpp`.
pub const CONSENSUS: PenaltyRule =
    PenaltyRule { step: Step::Percent(66), minimum_limit: 100, ban_above_limit: false, clamped: true, decay_period: 1 };

/// The rule of the table on Dash's public pages: for comparison only.
pub const DOCUMENTED: PenaltyRule =
    PenaltyRule { step: Step::TwoThirds, minimum_limit: 1, ban_above_limit: true, clamped: false, decay_period: 1 };

impl PenaltyRule {
    /// The levels while `registered` masternodes, including banned ones, are on the list.
    pub fn limits(&self, registered: usize) -> PoseLimits {
        let limit = u32::try_from(registered).unwrap_or(u32::MAX).max(self.minimum_limit);
        let step = match self.step {
            Step::Percent(percent) => u64::from(limit) * u64::from(percent) / 100,
            Step::TwoThirds => u64::from(limit) * 2 / 3,
        };
        let step = u32::try_from(step).unwrap_or(u32::MAX).max(1);
        PoseLimits { limit, step, rule: *self }
    }

    /// Number of decays in the `blocks` blocks after `from`.
    pub fn decays(&self, from: Height, blocks: u32) -> u32 {
        from.after(blocks).0 / self.decay_period - from.0 / self.decay_period
    }

    /// Number of blocks after `from` until the `decays`-th decay; 0 for none.
    /// docs/spec/legacy-chains.md#chain-profiles.
    fn blocks_for(&self, decays: u32, from: Height) -> u32 {
        if decays == 0 {
            return 0;
        }
        (from.0 / self.decay_period).saturating_add(decays).saturating_mul(self.decay_period).saturating_sub(from.0)
    }
}

/// Limit, step and safe level of a network at one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoseLimits {
    /// Maximum score `M`.
    pub limit: u32,
    /// Points `p` one failure adds; at least 1.
    pub step: u32,
    /// The rule behind both.
    pub rule: PenaltyRule,
}

impl PoseLimits {
    /// Safe level `T` = M − p. At the tip, a score at or below it survives one more failure, because the block that
    /// carries the failure takes one point off first (docs/spec/dash.md#pose-headroom).
    pub fn safe_level(&self) -> u32 {
        self.limit - self.step.min(self.limit)
    }

    /// Whether a failure at `score`, after the block's own decay, bans.
    pub fn bans(&self, score: u32) -> bool {
        let raised = u64::from(score) + u64::from(self.step);
        if self.rule.ban_above_limit { raised > u64::from(self.limit) } else { raised >= u64::from(self.limit) }
    }

    /// The score after a failure at `score`.
    pub fn punish(&self, score: u32) -> u32 {
        let raised = score.saturating_add(self.step);
        if self.rule.clamped { raised.min(self.limit.max(score)) } else { raised }
    }

    /// Highest score at the tip that survives one more failure at any later time: `T`, or one more if a ban needs a
    /// score above the limit. If scores do not decay in every block, one less, because the failure may come first.
    pub fn safe_at_tip(&self) -> u32 {
        // The decay of the failure's own block counts too, so the required level is one above the surviving one.
        let before_the_block = |score: u32| score + u32::from(self.rule.decay_period == 1);
        self.highest_surviving().map_or(0, before_the_block)
    }

    /// The highest score that survives a failure; `None` when any failure bans.
    fn highest_surviving(&self) -> Option<u32> {
        let below = self.safe_level();
        if self.rule.ban_above_limit { Some(below) } else { below.checked_sub(1) }
    }
}

/// The risk of a ban: the label `risk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Valid, score 0.
    Clear,
    /// Valid, score above 0, and the next failure does not ban.
    Decaying,
    /// Valid, and a failure in the next block bans.
    OneFailureFromBan,
    /// Neither healthy nor banned, on chains without a score; for example expired.
    Unhealthy,
    /// Banned.
    Banned,
}

impl Risk {
    /// All, from the lowest to the highest risk.
    pub const ALL: [Risk; 5] = [Risk::Clear, Risk::Decaying, Risk::OneFailureFromBan, Risk::Unhealthy, Risk::Banned];

    /// The risk of a masternode on chains without a score: whether it is healthy, not how close it is to a ban.
    pub fn without_score(masternode: &Masternode) -> Risk {
        match masternode.announced_state() {
            _ if masternode.is_banned() => Risk::Banned,
            Some(state) if !state.healthy => Risk::Unhealthy,
            _ => Risk::Clear,
        }
    }

    /// Whether this risk exists on chains with scores, or on those without.
    pub fn exists(self, with_scores: bool) -> bool {
        match self {
            Risk::Clear | Risk::Banned => true,
            Risk::Decaying | Risk::OneFailureFromBan => with_scores,
            Risk::Unhealthy => !with_scores,
        }
    }

    /// The value of the label `risk`.
    pub fn label(self) -> &'static str {
        match self {
            Risk::Clear => "clear",
            Risk::Decaying => "decaying",
            Risk::OneFailureFromBan => "one_failure_from_ban",
            Risk::Unhealthy => "unhealthy",
            Risk::Banned => "banned",
        }
    }
}

/// One node's score at the tip, with all levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoseScore {
    score: Score,
    banned: bool,
    decays: bool,
    tip: Height,
    limits: PoseLimits,
}

impl PoseScore {
    /// A score at `tip`.
    pub fn new(score: Score, banned: bool, tip: Height, limits: PoseLimits) -> PoseScore {
        PoseScore { score, banned, decays: !banned, tip, limits }
    }

    /// The score of a masternode; `None` if the chain does not show it.
    pub fn of(masternode: &Masternode, tip: Height, limits: PoseLimits) -> Option<PoseScore> {
        // A node that is not paid although it is not banned (Raptoreum) does not lose points either.
        let decays = masternode.is_payable();
        let score = masternode.pose_score?;
        Some(PoseScore { decays, ..PoseScore::new(score, masternode.is_banned(), tip, limits) })
    }

    /// Points.
    pub fn score(&self) -> Score {
        self.score
    }

    /// Number of failures that would ban if they came in the next block: 0 when banned, else 1 or 2
    /// (docs/spec/dash.md#pose-headroom).
    pub fn failures_until_ban(&self) -> u32 {
        if self.banned {
            return 0;
        }
        let decayed = self.score.0.saturating_sub(self.limits.rule.decays(self.tip, 1));
        let missing = self.limits.limit.saturating_sub(decayed) + u32::from(self.limits.rule.ban_above_limit);
        missing.div_ceil(self.limits.step).max(1)
    }

    /// Blocks until one more failure at any later time no longer bans. `None` when banned: no decay then.
    pub fn blocks_until_safe(&self) -> Option<u32> {
        self.blocks_until_at_most(self.limits.safe_at_tip())
    }

    /// Blocks until the score is below two thirds of the limit, the level of the public pages.
    pub fn blocks_until_below_two_thirds(&self) -> Option<u32> {
        let two_thirds = (u64::from(self.limits.limit) * 2).div_ceil(3);
        self.blocks_until_at_most(u32::try_from(two_thirds).unwrap_or(u32::MAX).saturating_sub(1))
    }

    /// Blocks until the score is 0. `None` when banned.
    pub fn blocks_until_clear(&self) -> Option<u32> {
        self.blocks_until_at_most(0)
    }

    /// First height at whose tip one more failure no longer bans; a failure mined in that block itself still bans.
    /// `None` when banned.
    pub fn safe_height(&self) -> Option<Height> {
        self.blocks_until_safe().map(|blocks| self.tip.after(blocks))
    }

    /// Height at which the score is 0. `None` when banned.
    pub fn clear_height(&self) -> Option<Height> {
        self.blocks_until_clear().map(|blocks| self.tip.after(blocks))
    }

    /// The risk of the node.
    pub fn risk(&self) -> Risk {
        match self.failures_until_ban() {
            0 => Risk::Banned,
            1 => Risk::OneFailureFromBan,
            _ if self.score.0 == 0 => Risk::Clear,
            _ => Risk::Decaying,
        }
    }

    fn blocks_until_at_most(&self, level: u32) -> Option<u32> {
        let decays = self.score.0.saturating_sub(level);
        self.decays.then(|| self.limits.rule.blocks_for(decays, self.tip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(score: u32, registered: usize) -> PoseScore {
        PoseScore::new(Score(score), false, Height(1000), CONSENSUS.limits(registered))
    }

    #[test]
    fn limit_step_and_safe_level_follow_the_number_of_masternodes() {
        // registered, limit, step, safe level: docs/spec/dash.md#pose-headroom, docs/spec/recorded-answers.md#score.
        let cases = [
            (12, 100, 66, 34),
            (109, 109, 71, 38),
            (547, 547, 361, 186),
            (2993, 2993, 1975, 1018),
            (5000, 5000, 3300, 1700),
        ];
        for (registered, limit, step, safe) in cases {
            let limits = CONSENSUS.limits(registered);
            assert_eq!(
                (limits.limit, limits.step, limits.safe_level()),
                (limit, step, safe),
                "{registered} registered"
            );
        }
        assert_eq!(DOCUMENTED.limits(5000).step, 3333);
    }

    #[test]
    fn countdowns_at_the_edges() {
        // score, failures until ban, blocks until safe, below two thirds, clear; limit 100, step 66, safe level 34.
        let cases = [
            (0, 2, 0, 0, 0),
            (34, 2, 0, 0, 34),
            (35, 1, 1, 0, 35),
            (66, 1, 32, 0, 66),
            (67, 1, 33, 1, 67),
            (99, 1, 65, 33, 99),
            (109, 1, 75, 43, 109),
        ];
        for (score, failures, safe, two_thirds, clear) in cases {
            let pose = at(score, 12);
            assert_eq!(pose.failures_until_ban(), failures, "score {score}");
            assert_eq!(pose.blocks_until_safe(), Some(safe), "score {score}");
            assert_eq!(pose.blocks_until_below_two_thirds(), Some(two_thirds), "score {score}");
            assert_eq!(pose.blocks_until_clear(), Some(clear), "score {score}");
        }
    }

    #[test]
    fn a_banned_node_has_no_countdown_whatever_its_score() {
        for score in [0, 50, 100] {
            let pose = PoseScore::new(Score(score), true, Height(1000), CONSENSUS.limits(12));
            assert_eq!(pose.failures_until_ban(), 0);
            assert_eq!(pose.blocks_until_safe(), None);
            assert_eq!(pose.risk(), Risk::Banned);
        }
    }

    #[test]
    fn the_public_pages_example_under_both_rules() {
        // block, score before the failure or None, score after: docs/spec/dash.md#worked-example,
        // with 5000 masternodes.
        type Row = (u32, Option<u32>, u32, bool);
        let documented: [Row; 4] = [
            (1, None, 3333, false),
            (1734, Some(1600), 4933, false),
            (5500, Some(1167), 4500, false),
            (7000, Some(3000), 6333, true),
        ];
        let consensus: [Row; 4] = [
            (1, None, 3300, false),
            (1734, Some(1567), 4867, false),
            (5500, Some(1101), 4401, false),
            (7000, Some(2901), 5000, true),
        ];
        for (rule, rows) in [(DOCUMENTED, documented), (CONSENSUS, consensus)] {
            let limits = rule.limits(5000);
            let (mut height, mut score) = (0, 0_u32);
            for (block, before, after, banned) in rows {
                score = score.saturating_sub(rule.decays(Height(height), block - height));
                assert_eq!(score, before.unwrap_or(0), "before block {block}");
                assert_eq!(limits.bans(score), banned, "block {block}");
                score = limits.punish(score);
                assert_eq!(score, after, "after block {block}");
                height = block;
            }
        }
    }

    #[test]
    fn the_safe_level_of_the_public_pages_lies_one_higher() {
        let documented = |score| PoseScore::new(Score(score), false, Height(1), DOCUMENTED.limits(5000));
        // 1667 + 3333 = 5000 is not above the limit; the block's own decay turns 1668 into 1667.
        assert_eq!(documented(1668).blocks_until_safe(), Some(0));
        assert_eq!(documented(1668).failures_until_ban(), 2);
        assert_eq!(documented(1669).blocks_until_safe(), Some(1));
        assert_eq!(documented(1669).failures_until_ban(), 1);
    }

    #[test]
    fn a_slower_decay_is_counted_in_blocks_not_in_points() {
        for period in [1, 2, 3, 30] {
            let rule = PenaltyRule { decay_period: period, ..CONSENSUS };
            for tip in 1000..1000 + 2 * period {
                let pose = PoseScore::new(Score(40), false, Height(tip), rule.limits(12));
                let (mut height, mut score) = (tip, 40);
                // At 34, a failure bans in a block without decay: 34 + 66 is the limit.
                while score > if period == 1 { 34 } else { 33 } {
                    height += 1;
                    score -= u32::from(height % period == 0);
                }
                assert_eq!(pose.safe_height(), Some(Height(height)), "period {period}, tip {tip}");
            }
        }
    }
}
