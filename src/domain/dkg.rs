//! Distributed key generation: when sessions run, how often a node sits in one, and what being offline costs.
//!
//! A node is punished when a session's commitment is mined that marks it as failed (spec `dash.md` §4). The tables are
//! those of `src/llmq/params.h` and `src/chainparams.cpp`.
//!
//! Never here: who sat in which session; that needs answers from a node.

use crate::domain::facts::Population;
use crate::domain::masternode::{Height, NodeType};
use crate::domain::pose::PoseLimits;

/// One quorum type of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumType {
    /// Number in commitments.
    pub id: u8,
    /// The value of the label `quorum_type`.
    pub name: &'static str,
    /// Members of one quorum.
    pub size: u32,
    /// Blocks from one session (or cycle of sessions) to the next.
    pub interval: u32,
    /// Quorums formed in one cycle; 1 for types that do not rotate.
    pub quorums: u32,
    /// Commitments can be mined from this offset into the interval …
    pub window_start: u32,
    /// … up to this one.
    pub window_end: u32,
    /// A member should not restart before this offset into the interval (spec `dash.md` §4, safe maintenance).
    pub busy_until: u32,
    /// Only Evo nodes are drawn.
    pub evo_only: bool,
}

const fn small(id: u8, name: &'static str, size: u32) -> QuorumType {
    QuorumType {
        id,
        name,
        size,
        interval: 24,
        quorums: 1,
        window_start: 10,
        window_end: 18,
        busy_until: 13,
        evo_only: false,
    }
}

const LLMQ_400_60: QuorumType =
    QuorumType { interval: 288, window_start: 20, window_end: 28, busy_until: 25, ..small(2, "llmq_400_60", 400) };
const LLMQ_400_85: QuorumType =
    QuorumType { interval: 576, window_start: 20, window_end: 48, busy_until: 25, ..small(3, "llmq_400_85", 400) };
const LLMQ_60_75: QuorumType = QuorumType {
    interval: 288,
    quorums: 32,
    window_start: 42,
    window_end: 50,
    busy_until: 50,
    ..small(5, "llmq_60_75", 60)
};

/// Mainnet, since the switch of InstantSend to rotation at height 1738698.
pub const MAIN: &[QuorumType] =
    &[LLMQ_400_60, LLMQ_400_85, QuorumType { evo_only: true, ..small(4, "llmq_100_67", 100) }, LLMQ_60_75];

/// Testnet.
pub const TEST: &[QuorumType] = &[
    small(1, "llmq_50_60", 50),
    LLMQ_400_60,
    LLMQ_400_85,
    small(4, "llmq_100_67", 100),
    LLMQ_60_75,
    QuorumType { evo_only: true, ..small(6, "llmq_25_67", 25) },
];

/// Development networks.
pub const DEVNET: &[QuorumType] = &[
    small(1, "llmq_50_60", 50),
    LLMQ_400_60,
    LLMQ_400_85,
    small(4, "llmq_100_67", 100),
    LLMQ_60_75,
    small(101, "llmq_devnet", 12),
    small(107, "llmq_devnet_platform", 12),
    QuorumType {
        interval: 48,
        quorums: 2,
        window_start: 12,
        window_end: 20,
        busy_until: 20,
        ..small(105, "llmq_devnet_dip0024", 8)
    },
];

/// Private networks. `llmq_test_v17` runs where the test deployment is active; `llmq_test_platform` draws Evo nodes.
pub const REGTEST: &[QuorumType] = &[
    small(100, "llmq_test", 3),
    small(104, "llmq_test_instantsend", 3),
    small(102, "llmq_test_v17", 3),
    QuorumType { quorums: 2, window_start: 12, window_end: 20, busy_until: 20, ..small(103, "llmq_test_dip0024", 4) },
    QuorumType { evo_only: true, ..small(106, "llmq_test_platform", 3) },
];

impl QuorumType {
    /// Whether nodes of this kind can be drawn.
    pub fn draws(&self, node_type: NodeType) -> bool {
        !self.evo_only || node_type == NodeType::Evo
    }

    /// Whether a commitment of this type can be mined at this height: one that no quorum formed is, else, in each block.
    pub fn is_due_at(&self, height: Height) -> bool {
        (self.window_start..=self.window_end).contains(&self.offset(height))
    }

    /// Whether a session of this type that formed no quorum yet can form none any more after this block.
    pub fn ends_at(&self, height: Height) -> bool {
        self.offset(height) == self.window_end
    }

    fn offset(&self, height: Height) -> u32 {
        height.0 % self.interval
    }

    /// First height above `tip` at which this type's commitments fall due.
    pub fn next_window(&self, tip: Height) -> Height {
        let next = tip.0 - self.offset(tip) + self.window_start;
        Height(if next > tip.0 { next } else { next + self.interval })
    }

    /// Blocks after `tip` before the next session starts, when none of this type needs its members now; 0 else.
    fn quiet_blocks(&self, tip: Height) -> u32 {
        if self.offset(tip) < self.busy_until { 0 } else { self.interval - self.offset(tip) }
    }

    /// Seats that one eligible node expects per block.
    fn seats_per_block(&self, population: &Population) -> f64 {
        self.seats(population) / f64::from(self.interval)
    }

    /// Seats that one eligible node expects in a session, or in a cycle of them.
    fn seats(&self, population: &Population) -> f64 {
        let eligible = if self.evo_only { population.valid_evo() } else { population.all_valid() };
        if eligible < self.size as usize {
            // Too few members for a quorum: the session fails as a whole and nobody is punished.
            return 0.0;
        }
        f64::from(self.quorums) * f64::from(self.size) / eligible as f64
    }

    /// How many times commitments of this type fall due in the `blocks` blocks after `tip`.
    fn windows_within(&self, tip: Height, blocks: u32) -> u32 {
        let first = self.next_window(tip).above(tip);
        if first > blocks { 0 } else { 1 + (blocks - first) / self.interval }
    }
}

/// First height above `tip` at which any commitment falls due: the next moment at which a score can rise.
pub fn next_window(types: &[QuorumType], tip: Height) -> Option<Height> {
    types.iter().map(|quorum| quorum.next_window(tip)).min()
}

/// Blocks after `tip` in which a restart of a node of this kind misses no session; 0 = not now. Be back before they end.
pub fn maintenance_window(types: &[QuorumType], node_type: NodeType, tip: Height) -> Option<u32> {
    types.iter().filter(|quorum| quorum.draws(node_type)).map(|quorum| quorum.quiet_blocks(tip)).min()
}

/// Expected sessions per block in which a node of this kind is a member (spec `dash.md` §4, exposure).
pub fn sessions_per_block(types: &[QuorumType], node_type: NodeType, population: &Population) -> f64 {
    types.iter().filter(|quorum| quorum.draws(node_type)).map(|quorum| quorum.seats_per_block(population)).sum()
}

/// Chance in 0…1 that a node of this kind sits in a session whose commitment falls due in the `blocks` blocks after `tip`.
///
/// Counts the windows that really come, so it is 0 when none does, and never rises while blocks pass. Quorums of one cycle
/// share the nodes out rather than draw each anew: with 2,100 valid ones, 1,920 seats reach 91 % (spec `dash.md` §4).
pub fn chance_of_test(
    types: &[QuorumType],
    node_type: NodeType,
    population: &Population,
    tip: Height,
    blocks: u32,
) -> f64 {
    let spared = |quorum: &QuorumType| {
        let windows = i32::try_from(quorum.windows_within(tip, blocks)).unwrap_or(i32::MAX);
        (1.0 - quorum.seats(population).min(1.0)).powi(windows)
    };
    1.0 - types.iter().filter(|quorum| quorum.draws(node_type)).map(spared).product::<f64>()
}

/// Expected blocks until a node that goes offline now, and stays so, is banned; `None` when no session would test it.
///
/// Sessions are taken as independent with `rate` of them a block, each one missed. With decay 1 a block the node is in
/// danger for `score − T` blocks after a failure; a failure in that time bans, one after it starts over from the level
/// T. Summing the geometric series gives the closed form; a test walks the chain block by block against it.
pub fn blocks_to_ban_if_offline(score: u32, limits: &PoseLimits, rate: f64) -> Option<f64> {
    if rate <= 0.0 {
        return None;
    }
    let safe = f64::from(limits.safe_level());
    let shortest_gap = (f64::from(limits.step) - safe).max(0.0);
    // Chance that no session falls into the danger time after a failure that finds the score `level`, itself decaying.
    let spared = |level: f64| (-rate * (shortest_gap + level)).exp() * (1.0 + rate * level);
    let from_safe_level = (2.0 - spared(safe)) / (rate * (1.0 - spared(safe)));
    let level = f64::from(score).min(safe);
    let from_level = (2.0 - spared(level)) / rate + spared(level) * from_safe_level;
    let danger = (f64::from(score) - safe).max(0.0);
    let survives_danger = (-rate * danger).exp();
    Some((1.0 - survives_danger) / rate + survives_danger * from_level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pose::CONSENSUS;

    const DAY: f64 = 548.0;

    #[test]
    fn exposure_is_that_of_the_table() {
        // valid, valid Evo, sessions a day of a regular node, of an Evo node: spec `dash.md` §4.
        let cases = [(3000, 400, 1.60, 7.31), (2100, 348, 2.28, 8.85), (2305, 299, 2.08, 9.72)];
        for (valid, evo, regular_expected, evo_expected) in cases {
            let population = Population { valid: [valid - evo, evo], banned: [0, 0] };
            let regular = DAY * sessions_per_block(MAIN, NodeType::Regular, &population);
            let evo = DAY * sessions_per_block(MAIN, NodeType::Evo, &population);
            assert!((regular - regular_expected).abs() < 0.011, "{valid}: {regular}");
            assert!((evo - evo_expected).abs() < 0.02, "{valid}: {evo}");
        }
    }

    #[test]
    fn commitments_fall_due_at_the_windows_of_the_table() {
        // tip, next height with a commitment: 288 · 1000 is the base of every mainnet type but 400_85's odd ones.
        let base = 288_000;
        let cases = [
            (base, base + 10),
            (base + 9, base + 10),
            (base + 10, base + 20),
            (base + 20, base + 34),
            (base + 34, base + 42),
        ];
        for (tip, expected) in cases {
            assert_eq!(next_window(MAIN, Height(tip)), Some(Height(expected)), "tip {tip}");
        }
    }

    #[test]
    fn a_restart_is_safe_when_the_spec_says_so() {
        // offset into 288, blocks left for a regular node, for an Evo node: spec `dash.md` §4.
        let cases = [
            (0, 0, 0),
            (49, 0, 0),
            (50, 238, 0),
            (61, 227, 11),
            (71, 217, 1),
            (72, 216, 0),
            (85, 203, 11),
            (287, 1, 1),
        ];
        for (offset, regular, evo) in cases {
            let tip = Height(288_000 + offset);
            assert_eq!(maintenance_window(MAIN, NodeType::Regular, tip), Some(regular), "offset {offset}");
            assert_eq!(maintenance_window(MAIN, NodeType::Evo, tip), Some(evo), "offset {offset}");
        }
    }

    #[test]
    fn the_chance_of_a_test_counts_the_windows_that_come() {
        let population = Population { valid: [1752, 348], banned: [0, 0] };
        // offset of the tip into 576, blocks, kind, which windows: chance. 1920 / 2100 = 0.914 in a rotation cycle,
        // 400 / 2100 = 0.190 in each quorum of 400, 100 / 348 = 0.287 in a Platform quorum.
        let (regular, evo) = (NodeType::Regular, NodeType::Evo);
        let cases = [
            (60, 247, regular, 0.0),
            (60, 248, regular, 0.1905),
            (60, 270, regular, 1.0 - 0.8095 * 0.0857),
            (20, 22, regular, 0.9143),
            (20, 21, regular, 0.0),
            (560, 36, regular, 1.0 - 0.8095 * 0.8095),
            (60, 21, evo, 0.0),
            (60, 22, evo, 0.2874),
            (60, 46, evo, 1.0 - 0.7126 * 0.7126),
        ];
        for (offset, blocks, kind, expected) in cases {
            let chance = chance_of_test(MAIN, kind, &population, Height(576_000 + offset), blocks);
            assert!((chance - expected).abs() < 0.001, "offset {offset}, {blocks} blocks: {chance}");
        }
    }

    #[test]
    fn a_network_too_small_for_a_quorum_tests_nobody() {
        let population = Population { valid: [2, 0], banned: [0, 0] };
        assert_eq!(sessions_per_block(REGTEST, NodeType::Regular, &population), 0.0);
        assert_eq!(blocks_to_ban_if_offline(0, &CONSENSUS.limits(100), 0.0), None);
    }

    /// Walks an offline node block by block until its ban: one session a block with chance `rate`.
    fn walk(score: u32, limits: &PoseLimits, rate: f64, random: &mut u64) -> u32 {
        let (mut score, mut blocks) = (score, 0);
        loop {
            blocks += 1;
            score = score.saturating_sub(1);
            *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if ((*random >> 11) as f64) < rate * (1_u64 << 53) as f64 {
                if limits.bans(score) {
                    return blocks;
                }
                score = limits.punish(score);
            }
        }
    }

    #[test]
    fn the_time_to_a_ban_is_what_a_walk_through_the_blocks_finds() {
        let limits = CONSENSUS.limits(2993);
        let mut random = 7;
        for (score, rate) in
            [(0, 2.28 / DAY), (500, 2.28 / DAY), (1975, 2.28 / DAY), (1200, 8.85 / DAY), (0, 0.5 / DAY)]
        {
            let rounds = 6000;
            let total: u64 = (0..rounds).map(|_| u64::from(walk(score, &limits, rate, &mut random))).sum();
            let walked = total as f64 / f64::from(rounds);
            let closed = blocks_to_ban_if_offline(score, &limits, rate).unwrap();
            assert!((closed / walked - 1.0).abs() < 0.05, "score {score}, rate {rate}: {closed} against {walked}");
        }
    }
}
