//! Distributed key generation: when sessions run, how often a node is a member, and the effect of being offline.
//!
//! A node is punished when a session's commitment is mined that marks it as failed
//! (docs/spec/dash.md#dkg-sessions). The tables are
//! those of `src/llmq/params.h` and `src/chainparams.cpp`.
//!
//! Never here: who was a member of which session; that needs answers from a node.

use std::cmp::Ordering;

use crate::chain_facts::Population;
use crate::masternode::{Height, NodeType};
use crate::pose::PoseLimits;

/// One quorum type of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumType {
    /// Number in commitments.
    pub id: u8,
    /// The value of the label `quorum_type`.
    pub name: &'static str,
    /// Members of one quorum.
    pub size: u32,
    /// Minimum number of members to form a quorum.
    pub minimum: u32,
    /// Blocks from one session (or cycle of sessions) to the next.
    pub interval: u32,
    /// Quorums formed in one cycle; 1 for types that do not rotate.
    pub quorums: u32,
    /// First offset into the interval at which commitments can be mined.
    pub window_start: u32,
    /// Last offset into the interval at which commitments can be mined.
    pub window_end: u32,
    /// A member should not restart before this offset into the interval
    /// (docs/spec/dash.md#safe-maintenance).
    pub busy_until: u32,
    /// Only Evo nodes are members.
    pub evo_only: bool,
}

/// What is known about the sessions of a type, in addition to the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The node's membership in the newest session whose members are known.
    pub draw: Option<KnownMembership>,
    /// Whether the session whose mining window includes the tip can still form a quorum after the tip: `false` once its
    /// quorum is mined. `None` if not known, and outside mining windows.
    pub open: Option<bool>,
}

/// A node's membership in the newest session of a type whose members are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownMembership {
    /// Height of the block with which the session begins.
    pub start: Height,
    /// The node is a member.
    pub seated: bool,
}

const fn small(id: u8, name: &'static str, size: u32, minimum: u32) -> QuorumType {
    QuorumType {
        id,
        name,
        size,
        minimum,
        interval: 24,
        quorums: 1,
        window_start: 10,
        window_end: 18,
        busy_until: 13,
        evo_only: false,
    }
}

const LLMQ_400_60: QuorumType =
    QuorumType { interval: 288, window_start: 20, window_end: 28, busy_until: 25, ..small(2, "llmq_400_60", 400, 300) };
const LLMQ_400_85: QuorumType =
    QuorumType { interval: 576, window_start: 20, window_end: 48, busy_until: 25, ..small(3, "llmq_400_85", 400, 350) };
const LLMQ_60_75: QuorumType = QuorumType {
    interval: 288,
    quorums: 32,
    window_start: 42,
    window_end: 50,
    busy_until: 50,
    ..small(5, "llmq_60_75", 60, 50)
};

/// Mainnet, since the switch of InstantSend to rotation at height 1738698.
pub const MAIN: &[QuorumType] =
    &[LLMQ_400_60, LLMQ_400_85, QuorumType { evo_only: true, ..small(4, "llmq_100_67", 100, 80) }, LLMQ_60_75];

/// Testnet.
pub const TEST: &[QuorumType] = &[
    small(1, "llmq_50_60", 50, 40),
    LLMQ_400_60,
    LLMQ_400_85,
    small(4, "llmq_100_67", 100, 80),
    LLMQ_60_75,
    QuorumType { evo_only: true, ..small(6, "llmq_25_67", 25, 22) },
];

/// Development networks.
pub const DEVNET: &[QuorumType] = &[
    small(1, "llmq_50_60", 50, 40),
    LLMQ_400_60,
    LLMQ_400_85,
    small(4, "llmq_100_67", 100, 80),
    LLMQ_60_75,
    small(101, "llmq_devnet", 12, 7),
    QuorumType { evo_only: true, ..small(107, "llmq_devnet_platform", 12, 9) },
    QuorumType {
        interval: 48,
        quorums: 2,
        window_start: 12,
        window_end: 20,
        busy_until: 20,
        ..small(105, "llmq_devnet_dip0024", 8, 6)
    },
];

/// Private networks. `llmq_test_v17` runs where the test deployment is active; `llmq_test_platform` selects Evo nodes.
pub const REGTEST: &[QuorumType] = &[
    small(100, "llmq_test", 3, 2),
    small(102, "llmq_test_v17", 3, 2),
    QuorumType {
        quorums: 2,
        window_start: 12,
        window_end: 20,
        busy_until: 20,
        ..small(103, "llmq_test_dip0024", 4, 4)
    },
    QuorumType { evo_only: true, ..small(106, "llmq_test_platform", 3, 2) },
];

impl QuorumType {
    /// Whether nodes of this type can be members.
    pub fn draws(&self, node_type: NodeType) -> bool {
        !self.evo_only || node_type == NodeType::Evo
    }

    /// Whether a commitment of this type can be mined at this height. Each block of the window has one, a null
    /// commitment if no quorum was formed.
    pub fn is_due_at(&self, height: Height) -> bool {
        (self.window_start..=self.window_end).contains(&self.offset(height))
    }

    /// Offset into the interval of the first block that can have a quorum. A non-rotating type has a null commitment in
    /// the first block of its mining window, because finalising starts only once that block is connected. Recorded on
    /// regtest (76 of 79 sessions at offset 11, none at 10) and on mainnet (108 of 128 at 11, 400 members: 11 of 14 at
    /// 21, 349 of 352 rotating ones at 42).
    pub fn due_offset(&self) -> u32 {
        self.window_start + u32::from(self.quorums == 1)
    }

    /// Blocks from the beginning of a session in which an absence is a failure: the four phases before the members commit. A
    /// phase has 2 blocks, with 400 members 4 (docs/spec/dip24-rotation.md#when-a-seat-is-in-danger).
    pub fn danger_blocks(&self) -> u32 {
        if self.size >= 400 { 16 } else { 8 }
    }

    /// Whether a session of this type that formed no quorum yet can form none any more after this block.
    pub fn ends_at(&self, height: Height) -> bool {
        self.offset(height) == self.window_end
    }

    /// Height at which the session, or the cycle of sessions, began whose interval includes a height.
    pub fn begun(&self, height: Height) -> Height {
        Height(height.0 - self.offset(height))
    }

    fn offset(&self, height: Height) -> u32 {
        height.0 % self.interval
    }

    /// First height above `tip` at which a quorum of this type can be mined. A session counts while it is open, see
    /// [`Known::open`]; if that is not known, it counts until its mining window ends.
    pub fn next_due(&self, tip: Height, open: Option<bool>) -> Height {
        let offset = self.offset(tip);
        let begun = self.begun(tip).0;
        let over = offset >= self.window_end || (offset >= self.window_start && open == Some(false));
        let due = begun + self.due_offset();
        Height(if over { due + self.interval } else { due.max(tip.0 + 1) })
    }

    /// Mining windows that ended up to `tip` without a quorum, since the session that began at `last` formed one.
    pub fn missed_windows(&self, tip: Height, last: Height) -> u32 {
        tip.0.saturating_sub(self.begun(last).0 + self.window_end) / self.interval
    }

    /// Blocks after `tip` before the next session that may include the node, if no session of this type needs it now;
    /// otherwise 0.
    fn quiet_blocks(&self, tip: Height, draw: Option<KnownMembership>) -> u32 {
        let begun = tip.0 - self.offset(tip);
        let is_spared = |start: u32| draw.is_some_and(|draw| draw.start.0 == start && !draw.seated);
        if self.offset(tip) < self.busy_until && !is_spared(begun) {
            return 0;
        }
        let next = begun + self.interval;
        let end = if is_spared(next) { next + self.interval } else { next };
        end - tip.0
    }

    /// Expected memberships of one eligible node per block.
    fn seats_per_block(&self, population: &Population) -> f64 {
        self.seats(population) / f64::from(self.interval)
    }

    /// Expected memberships of one eligible node in a session, or in a cycle of sessions.
    pub(crate) fn seats(&self, population: &Population) -> f64 {
        let eligible = if self.evo_only { population.valid_evo() } else { population.all_valid() };
        if eligible < self.minimum as usize {
            // Too few members for a quorum: no session is held and no masternode is punished (`CDKGSession::Init`).
            return 0.0;
        }
        f64::from(self.quorums) * f64::from(self.size).min(eligible as f64) / eligible as f64
    }

    /// Number of sessions of this type whose result is due in the `blocks` blocks after `tip`.
    fn sessions_within(&self, tip: Height, blocks: u32, open: Option<bool>) -> u32 {
        let first = self.next_due(tip, open);
        let regular = self.begun(first).0 + self.due_offset();
        if first.above(tip) > blocks { 0 } else { 1 + (tip.0 + blocks - regular) / self.interval }
    }

    /// Height after `tip` at which the result of the given session is due; `None` when it is over.
    fn due(&self, draw: KnownMembership, tip: Height, open: Option<bool>) -> Option<Height> {
        let next = self.next_due(tip, open);
        match draw.start.cmp(&self.begun(next)) {
            Ordering::Less => None,
            Ordering::Equal => Some(next),
            Ordering::Greater => Some(draw.start.after(self.due_offset())),
        }
    }
}

/// First height above `tip` at which any quorum can be mined: the next block in which a score can rise.
pub fn next_due(types: &[QuorumType], tip: Height, open: impl Fn(&QuorumType) -> Option<bool>) -> Option<Height> {
    types.iter().map(|quorum| quorum.next_due(tip, open(quorum))).min()
}

/// Blocks after `tip` in which a restart of a node of this type misses no session; 0 = no safe restart now. The node
/// must be back before they end. `draw` returns the node's known membership in sessions of a type; `None` if the node
/// is not a specific one.
pub fn maintenance_window(
    types: &[QuorumType],
    node_type: NodeType,
    tip: Height,
    draw: impl Fn(&QuorumType) -> Option<KnownMembership>,
) -> Option<u32> {
    types.iter().filter(|quorum| quorum.draws(node_type)).map(|quorum| quorum.quiet_blocks(tip, draw(quorum))).min()
}

/// Expected sessions per block that include a node of this type (docs/spec/dash.md#exposure).
pub fn sessions_per_block(types: &[QuorumType], node_type: NodeType, population: &Population) -> f64 {
    types.iter().filter(|quorum| quorum.draws(node_type)).map(|quorum| quorum.seats_per_block(population)).sum()
}

/// Probability in 0…1 that a node of this type is a member of a session whose result is due in the `blocks` blocks
/// after `tip`.
///
/// Counts the sessions that are actually due, so it is 0 when there is none. An open session counts in each block until
/// its quorum is mined or its window ends. Quorums of one cycle select different nodes: with 2,100 valid ones, 1,920
/// members are 91 % (docs/spec/dash.md#exposure). `known` returns what is known about the sessions of a type: a known
/// membership replaces the probability.
pub fn chance_of_test(
    types: &[QuorumType],
    node_type: NodeType,
    population: &Population,
    (tip, blocks): (Height, u32),
    known: impl Fn(&QuorumType) -> Known,
) -> f64 {
    let spared = |quorum: &QuorumType| {
        let Known { draw, open } = known(quorum);
        let sessions = quorum.sessions_within(tip, blocks, open);
        let is_ahead =
            |draw: &KnownMembership| quorum.due(*draw, tip, open).is_some_and(|due| due.above(tip) <= blocks);
        let draw = draw.filter(is_ahead);
        if draw.is_some_and(|draw| draw.seated) {
            return 0.0;
        }
        let unknown = i32::try_from(sessions - u32::from(draw.is_some())).unwrap_or(i32::MAX);
        (1.0 - quorum.seats(population).min(1.0)).powi(unknown)
    };
    1.0 - types.iter().filter(|quorum| quorum.draws(node_type)).map(spared).product::<f64>()
}

/// Expected blocks until a node that goes offline now, and stays offline, is banned; `None` if no session would test
/// it.
///
/// Sessions are assumed to be independent, `rate` of them per block, and each one missed. With a decay of 1 per block,
/// the node is at risk for `score − T` blocks after a failure. A failure in that time bans; a later one starts again
/// from the level T. The sum of the geometric series gives the closed form; a test compares it with a simulation block
/// by block.
pub fn blocks_to_ban_if_offline(score: u32, limits: &PoseLimits, rate: f64) -> Option<f64> {
    if rate <= 0.0 {
        return None;
    }
    let safe = f64::from(limits.safe_level());
    let shortest_gap = (f64::from(limits.step) - safe).max(0.0);
    // Probability that no session falls into the time at risk after a failure that finds the score `level`, which
    // decays too.
    let spared = |level: f64| (-rate * (shortest_gap + level)).exp() * (1.0 + rate * level);
    let from_safe_level = (2.0 - spared(safe)) / (rate * (1.0 - spared(safe)));
    let level = f64::from(score).min(safe);
    let from_level = (2.0 - spared(level)) / rate + spared(level) * from_safe_level;
    let danger = (f64::from(score) - safe).max(0.0);
    let survives_danger = (-rate * danger).exp();
    Some((1.0 - survives_danger) / rate + survives_danger * from_level)
}

#[cfg(test)]
mod tests;
