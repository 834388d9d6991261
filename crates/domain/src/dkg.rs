//! Distributed key generation: when sessions run, how often a node is a member, and the effect of being offline.
//!
//! A node is punished when a session's commitment is mined that marks it as failed
//! (docs/spec/dash.md#dkg-sessions). The tables are
//! those of `src/llmq/params.h` and `src/chainparams.cpp`.
//!
//! Never here: who was a member of which session; that needs answers from a node.

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
    /// Offset into the interval up to which an absence of a member may be a failure: the one choice of a busy period, see
    /// [`QuorumType::free_from`].
    pub busy_until: u32,
    /// Only Evo nodes are members.
    pub evo_only: bool,
}

/// What is known of a node's seat in a session, or in a cycle of sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Membership {
    /// It has a seat; the first block of its session.
    Seated(Height),
    /// It has none.
    Absent,
    /// It may have one: the chance in 0…1.
    Possible(f64),
}

impl Membership {
    /// Chance in 0…1 of a seat.
    #[must_use]
    pub fn chance(self) -> f64 {
        match self {
            Membership::Seated(_) => 1.0,
            Membership::Absent => 0.0,
            Membership::Possible(chance) => chance.min(1.0),
        }
    }
}

/// Sessions ahead of which a node is at most known to have no seat: the newest cycle and the three after it, and the one before.
const MOST_SPARED: u32 = 5;

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

    /// The newest block from which on a restart misses nothing of the session, or cycle of sessions, that began at `begun`
    /// (docs/spec/dash.md#safe-maintenance): for rotating types the end of the mining window. The code of the node suggests
    /// less, 8 blocks from the beginning of the own session (docs/spec/dip24-rotation.md#when-a-seat-is-in-danger), which was
    /// not verified on a network.
    pub fn free_from(&self, begun: Height) -> Height {
        begun.after(self.busy_until)
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
    /// [`chance_of_test`]; if that is not known, it counts until its mining window ends.
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
    fn quiet_blocks(&self, tip: Height, seat: impl Fn(Height) -> Membership) -> u32 {
        let begun = self.begun(tip);
        let busy_from = |start: Height| match seat(start) {
            Membership::Absent => None,
            Membership::Seated(first) => Some(first),
            Membership::Possible(_) => Some(start),
        };
        let ahead = (0..MOST_SPARED).map(|session| begun.after(session * self.interval));
        for start in ahead.filter(|start| tip < self.free_from(*start)) {
            if let Some(first) = busy_from(start) {
                return first.above(tip);
            }
        }
        begun.after(MOST_SPARED * self.interval).above(tip)
    }

    /// Expected memberships of one eligible node per block.
    fn seats_per_block(&self, population: &Population) -> f64 {
        self.seats(population) / f64::from(self.interval)
    }

    /// Expected memberships of one eligible node in a session, or in a cycle of sessions.
    pub(crate) fn seats(&self, population: &Population) -> f64 {
        let eligible = if self.evo_only { population.valid_evo() } else { population.all_valid() };
        // Too few members for a quorum: no session is held and no masternode is punished (`CDKGSession::Init`). A revival or a
        // registration before the session may change that if few are missing.
        if eligible < (self.minimum - self.minimum / 10) as usize {
            return 0.0;
        }
        f64::from(self.quorums) * f64::from(self.size).min(eligible as f64) / eligible as f64
    }

    /// The sessions, or cycles of sessions, of this type whose result is due in the `blocks` blocks after `tip`, by their first block.
    fn sessions_within(&self, tip: Height, blocks: u32, open: Option<bool>) -> impl Iterator<Item = Height> {
        let next = self.next_due(tip, open);
        let (first, interval, due_offset) = (self.begun(next), self.interval, self.due_offset());
        let is_within = move |start: &Height| start.after(due_offset).max(next).above(tip) <= blocks;
        (0..).map(move |session| first.after(session * interval)).take_while(is_within)
    }
}

/// First height above `tip` at which any quorum can be mined: the next block in which a score can rise.
pub fn next_due(types: &[QuorumType], tip: Height, open: impl Fn(&QuorumType) -> Option<bool>) -> Option<Height> {
    types.iter().map(|quorum| quorum.next_due(tip, open(quorum))).min()
}

/// Blocks after `tip` in which a restart of a node of this type misses no session; 0 = no safe restart now. The node
/// must be back before they end. `seat` returns what is known of a seat of the node in the session, or cycle of sessions, that
/// begins at a block.
pub fn maintenance_window(
    types: &[QuorumType],
    node_type: NodeType,
    tip: Height,
    seat: impl Fn(&QuorumType, Height) -> Membership,
) -> Option<u32> {
    let quiet = |quorum: &&QuorumType| quorum.draws(node_type);
    types.iter().filter(quiet).map(|quorum| quorum.quiet_blocks(tip, |start| seat(quorum, start))).min()
}

/// Expected sessions per block that include a node of this type (docs/spec/dash.md#exposure).
pub fn sessions_per_block(types: &[QuorumType], node_type: NodeType, population: &Population) -> f64 {
    types.iter().filter(|quorum| quorum.draws(node_type)).map(|quorum| quorum.seats_per_block(population)).sum()
}

/// Probability in 0…1 that a node of this type is a member of a session whose result is due in the `blocks` blocks
/// after `tip`.
///
/// Counts the sessions that are actually due, so it is 0 when there is none. An open session counts in each block until
/// its quorum is mined or its window ends: `open` returns whether the session whose mining window includes the tip can still form a
/// quorum after the tip, `None` if not known. `seat` returns what is known of a seat in the session, or cycle of sessions, that
/// begins at a block.
pub fn chance_of_test(
    types: &[QuorumType],
    node_type: NodeType,
    (tip, blocks): (Height, u32),
    open: impl Fn(&QuorumType) -> Option<bool>,
    seat: impl Fn(&QuorumType, Height) -> Membership,
) -> f64 {
    let spared = |quorum: &QuorumType| -> f64 {
        let sessions = quorum.sessions_within(tip, blocks, open(quorum));
        sessions.map(|start| 1.0 - seat(quorum, start).chance()).product()
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
