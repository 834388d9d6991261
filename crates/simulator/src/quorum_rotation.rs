//! The members of a rotating quorum type (DIP-24, `src/llmq/utils.cpp BuildNewQuorumQuarterMembers`): every cycle
//! replaces a quarter of each quorum, so a node remains a member for four cycles, even if it is banned in the meantime.
//!
//! Never here: when a session starts or ends.

use std::collections::{HashSet, VecDeque};

use super::dkg::Seating;
use super::random::Random;
use super::rules::QuorumType;

/// A quorum has four quarters, the oldest first.
type Quarters = VecDeque<Vec<u32>>;

/// Members of all quorums of one type in one cycle.
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    /// Size of one quorum.
    pub(super) size: usize,
    /// Minimum number of valid members; with fewer, a commitment is null.
    pub(super) minimum: usize,
    quorums: Vec<Quarters>,
}

impl Rotation {
    /// The cycle after `old`, selected from the eligible slots; the first cycle fills every quarter.
    pub(super) fn next(
        kind: &QuorumType,
        slots: &[u32],
        old: Option<&Self>,
        random: &mut Random,
        rule: Seating,
    ) -> Self {
        let Some((size, minimum)) = rule.sizes(kind, slots.len()) else {
            return Self { size: kind.size, minimum: kind.minimum, quorums: Vec::new() };
        };
        let most = kind.rotating as usize;
        // With fewer members than nodes, as on a large network, one missed cycle is one failure and not many.
        let count = if rule.shrink { (slots.len() / kind.size).clamp(1, most) } else { most };
        let mut quorums = old.map_or_else(Vec::new, |old| old.quorums.clone());
        quorums.resize(count, Quarters::new());
        let seated: HashSet<u32> = quorums.iter().flatten().flatten().copied().collect();
        let mut pool: Vec<u32> = slots.iter().copied().filter(|slot| !seated.contains(slot)).collect();
        random.shuffle(&mut pool);
        for (index, quorum) in quorums.iter_mut().enumerate() {
            let wanted = rule.wanted.filter(|_| index == 0);
            let missing = 4_usize.saturating_sub(quorum.len()).max(1);
            for _ in 0..missing {
                if quorum.len() == 4 {
                    quorum.pop_front();
                }
                let quarter = draw(quorum, &mut pool, slots, size.div_ceil(4), size, random, wanted);
                quorum.push_back(quarter);
            }
        }
        Self { size, minimum, quorums }
    }

    /// Members of a quorum in their order; `None` if the rotation has no such quorum.
    pub(super) fn members(&self, index: u32) -> Option<impl Iterator<Item = u32> + '_> {
        Some(self.quorums.get(index as usize)?.iter().flatten().copied().take(self.size))
    }
}

/// One new quarter: first nodes that are not members, then any that is not in this quorum yet.
fn draw(
    quorum: &Quarters,
    pool: &mut Vec<u32>,
    slots: &[u32],
    wish: usize,
    size: usize,
    random: &mut Random,
    wanted: Option<u32>,
) -> Vec<u32> {
    let mut inside: HashSet<u32> = quorum.iter().flatten().copied().collect();
    let seats = wish.min(size.saturating_sub(inside.len()));
    let mut quarter = Vec::with_capacity(seats);
    let mut take = |slot: u32, quarter: &mut Vec<u32>| {
        if quarter.len() < seats && inside.insert(slot) {
            quarter.push(slot);
        }
    };
    if let Some(slot) = wanted {
        take(slot, &mut quarter);
    }
    for refill in 0..2 {
        if refill > 0 && quarter.len() < seats {
            pool.extend(slots);
            random.shuffle(pool);
        }
        while quarter.len() < seats
            && let Some(slot) = pool.pop()
        {
            take(slot, &mut quarter);
        }
    }
    quarter
}
