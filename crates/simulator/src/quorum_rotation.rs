//! The seats of a rotating quorum type (DIP-24; `docs/spec/dip24-rotation.md#a-new-quarter`): every cycle one quarter of
//! each quorum is replaced, so a node keeps its seat for four cycles, even if it is banned or removed meanwhile.
//!
//! Never here: when a session starts or ends, who contributes.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::list::List;
use super::masternode::Masternode;
use super::quorum_selection::ranked;
use super::random::Hash256;
use super::rules::QuorumType;

/// Cycles of which a quarter sits in a quorum.
const QUARTERS: u32 = 4;

/// Kept cycles: the one to come, the one under way, and the four before it that `quorum rotationinfo` shows.
const KEPT: usize = 6;

/// For each quorum index the members that one cycle adds, as its work block has them.
pub(super) type Quarter = Vec<Vec<Masternode>>;

/// How many quorums a cycle has, and how many members it adds to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) quorums: usize,
    pub(super) quarter: usize,
}

/// What a node stores about a cycle, so that its quarter can be made again (`CQuorumSnapshot`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// One for each registered node: whether the k-th of the ranked nodes had a seat already.
    pub(super) active: Vec<bool>,
    /// Positions that were passed over; all but the first relative to the first.
    pub(super) skips: Vec<i64>,
}

/// The quarter of one cycle.
#[derive(Debug)]
pub(super) struct Cycle {
    /// Height of the first block of the cycle.
    pub(super) base: u32,
    /// The work block.
    pub(super) work: (u32, Hash256),
    /// `None`: there were too few nodes for a quarter, and the node stores nothing.
    pub(super) snapshot: Option<Snapshot>,
    shape: Shape,
    /// As the sessions of the cycle itself have it; with too few nodes it is short.
    made: Quarter,
    /// As later cycles have it: made again from the snapshot, and never short.
    restored: Quarter,
}

/// The quarters of the newest cycles of one quorum type, the newest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Rotation {
    cycles: VecDeque<Arc<Cycle>>,
}

impl Rotation {
    /// Adds the cycle whose first block is `base`, as its work block decides.
    pub(super) fn advance(
        &mut self,
        (base, interval): (u32, u32),
        shape: Shape,
        list: &List,
        (work, modifier): ((u32, Hash256), [u8; 32]),
    ) {
        let previous: Vec<&Quarter> =
            (1..QUARTERS).filter_map(|back| Some(&self.cycle(base.checked_sub(back * interval)?)?.restored)).collect();
        let order = ranked(list.iter(), &modifier);
        let (made, snapshot) = new_quarter(shape, list, &order, &previous);
        let restored = snapshot.as_ref().map(|snapshot| restore(shape, &order, snapshot)).unwrap_or_default();
        self.cycles.push_front(Arc::new(Cycle { base, work, snapshot, shape, made, restored }));
        self.cycles.truncate(KEPT);
    }

    /// The kept cycle with this first block.
    pub(super) fn cycle(&self, base: u32) -> Option<&Arc<Cycle>> {
        self.cycles.iter().find(|cycle| cycle.base == base)
    }

    /// Whether a cycle has smaller quorums than its type, see [`super::Options::shrink_quorums`].
    pub(super) fn is_shrunk(&self, base: u32, kind: &QuorumType) -> bool {
        self.cycle(base).is_some_and(|cycle| cycle.shape.quarter < kind.size / 4)
    }

    /// The members of a quorum in the order of their seats; `None`: the cycle is not known or has no such quorum.
    pub(super) fn members(&self, (base, interval): (u32, u32), index: usize) -> Option<Vec<Masternode>> {
        let own = self.cycle(base).filter(|cycle| index < cycle.shape.quorums)?;
        let older = (1..QUARTERS).rev().filter_map(|back| self.cycle(base.checked_sub(back * interval)?));
        let older = older.filter_map(|cycle| cycle.restored.get(index));
        Some(older.chain(own.made.get(index)).flatten().copied().collect())
    }
}

/// Nodes that have a seat. Two that share an address cannot both be in it (`CDeterministicMNList::AddMN`; see
/// `docs/spec/dip24-rotation.md#pitfalls`): all else that has to be unique is unique on a simulated network.
#[derive(Default)]
struct Seated {
    slots: HashSet<u32>,
    ports: HashSet<u16>,
}

impl Seated {
    /// Whether the node came in.
    fn insert(&mut self, node: &Masternode) -> bool {
        let shared = node.local_port.is_some_and(|port| self.ports.contains(&port));
        if shared || !self.slots.insert(node.slot) {
            return false;
        }
        self.ports.extend(node.local_port);
        true
    }
}

/// The quarter that a cycle adds, and its snapshot. `order`: the ranked nodes of the list; `previous`: the quarters of the
/// three cycles before, the newest first. As since v19, removed and banned nodes do not count as seated.
pub(super) fn new_quarter(
    shape: Shape,
    list: &List,
    order: &[&Masternode],
    previous: &[&Quarter],
) -> (Quarter, Option<Snapshot>) {
    let empty = vec![Vec::new(); shape.quorums];
    if list.valid() < shape.quarter {
        return (empty, None);
    }
    let mut used = Seated::default();
    let mut used_at: Vec<Seated> = Vec::with_capacity(shape.quorums);
    for index in 0..shape.quorums {
        let mut at = Seated::default();
        for member in previous.iter().filter_map(|quarter| quarter.get(index)).flatten() {
            if list.get(member.slot).is_some_and(Masternode::is_valid) {
                used.insert(member);
                at.insert(member);
            }
        }
        used_at.push(at);
    }
    let is_used = |node: &&Masternode| used.slots.contains(&node.slot);
    let (seated, unused): (Vec<&Masternode>, Vec<&Masternode>) = order.iter().copied().partition(is_used);
    let combined: Vec<&Masternode> = unused.into_iter().chain(seated).collect();
    let Some((quarter, skips)) = fill(shape, &combined, &mut used_at) else { return (empty, None) };
    let mut active: Vec<bool> = order.iter().map(is_used).collect();
    active.resize(list.registered(), false);
    (quarter, Some(Snapshot { active, skips }))
}

/// Hands out the nodes in their order, and notes who was passed over because the quorum has it already. `None`: a whole
/// turn found no node.
fn fill(shape: Shape, combined: &[&Masternode], used_at: &mut [Seated]) -> Option<(Quarter, Vec<i64>)> {
    let position = |index: usize| i64::try_from(index).expect("a list is shorter than 2^63");
    let (mut skips, mut first, mut place) = (Vec::new(), 0_usize, 0_usize);
    let mut quarter = Vec::with_capacity(shape.quorums);
    for at in used_at {
        let before = at.slots.len();
        let mut members: Vec<Masternode> = Vec::with_capacity(shape.quarter);
        let (mut updated, start) = (false, place);
        while members.len() < shape.quarter && before + members.len() < combined.len() {
            let node = combined[place];
            if at.insert(node) {
                members.push(*node);
                updated = true;
            } else {
                skips.push(position(place) - position(first));
                // As in Core: a skip at position 0 does not count as the first.
                first = if first == 0 { place } else { first };
            }
            place = (place + 1) % combined.len();
            if place == start {
                if !updated {
                    return None;
                }
                updated = false;
            }
        }
        quarter.push(members);
    }
    Some((quarter, skips))
}

/// The quarter of a snapshot (`docs/spec/dip24-rotation.md#a-quarter-from-a-snapshot`): always full, even where the one
/// that was made is short.
pub(super) fn restore(shape: Shape, order: &[&Masternode], snapshot: &Snapshot) -> Quarter {
    let with = |active: bool| {
        let marked = order.iter().zip(&snapshot.active);
        marked.filter(move |(_, bit)| **bit == active).map(|(node, _)| **node)
    };
    let combined: Vec<Masternode> = with(false).chain(with(true)).collect();
    if combined.is_empty() {
        return vec![Vec::new(); shape.quorums];
    }
    let mut first = 0;
    let mut positions = snapshot.skips.iter().map(|skip| {
        let position = first + skip;
        first = if first == 0 { *skip } else { first };
        position
    });
    let mut next = positions.next();
    let mut place = 0;
    let mut quarter = vec![Vec::with_capacity(shape.quarter); shape.quorums];
    for members in &mut quarter {
        while members.len() < shape.quarter {
            if next == i64::try_from(place).ok() {
                next = positions.next();
            } else {
                members.push(combined[place]);
            }
            place = (place + 1) % combined.len();
        }
    }
    quarter
}
