//! Members of rotating quorums (DIP-24), computed ahead of their sessions (docs/spec/dip24-rotation.md).
//!
//! Each cycle makes a [`Quarter`]: for every quorum index up to a quarter of its members. A quarter has its seats in the sessions
//! of four cycles, so three quarters of the next cycle's seats are known, half of those of the one after, a quarter of the third.
//!
//! Never here: quorums that do not rotate ([`crate::quorum_selection`]); asking a node.

mod rotation;

use std::collections::BTreeSet;

use crate::dkg::QuorumType;
use crate::masternode::{Hash, Height};
use crate::quorum_selection::{Fingerprint, LEAD, QuorumModifierInput, Sml};

pub use rotation::{Rotation, RotationSeat};

/// Cycles in which the seats of a quarter are.
pub const CYCLES: u32 = 4;

/// Which registered masternodes a quarter found in use, and which positions it skipped: what a node stores of it
/// (`CQuorumSnapshot` in `src/llmq/snapshot.h`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarterSnapshot {
    /// For the k-th of the ranked valid masternodes whether it had a seat in an earlier quarter; one for each registered one.
    pub active: Vec<bool>,
    /// How `skips` is to be read.
    pub mode: SkipMode,
    /// Skipped positions: the first one absolute, the others relative to it (negative after a wrap).
    pub skips: Vec<i64>,
}

/// Modes of a skip list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipMode {
    /// Nothing was skipped (0).
    None,
    /// The positions in the list were skipped (1).
    Skipped,
    /// Modes 2 and 3, which no node writes and every node reads as an empty quarter.
    Unused,
}

/// A seat, with what must be unique among the masternodes of a list at the quarter's own work block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    pro_tx: Hash,
    address: Option<Fingerprint>,
    operator_key: Option<Fingerprint>,
}

type Seats = Vec<Vec<Seat>>;

/// The masternodes that a cycle selected, by quorum index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarter {
    base: Height,
    /// As the node keeps it in later cycles.
    kept: Seats,
    /// As it is in the quarter's own cycle, where that differs: with too few masternodes a new quarter is short, and is
    /// full when it is made from its snapshot.
    own: Option<Seats>,
}

impl Quarter {
    /// First block of the cycle that made it.
    #[must_use]
    pub fn base(&self) -> Height {
        self.base
    }

    /// A quarter without seats: before the type began to rotate.
    #[must_use]
    pub fn empty(kind: &QuorumType, base: Height) -> Quarter {
        Quarter { base, kept: vec![Vec::new(); kind.quorums as usize], own: None }
    }

    /// The members at an index in the session that begins in the cycle at `cycle`.
    fn at(&self, index: usize, cycle: Height) -> &[Seat] {
        let seats = self.own.as_ref().filter(|_| cycle == self.base).unwrap_or(&self.kept);
        seats.get(index).map_or(&[], Vec::as_slice)
    }

    /// The quarter that a stored snapshot describes, at the list of its work block
    /// (docs/spec/dip24-rotation.md#a-quarter-from-a-snapshot).
    ///
    /// # Errors
    /// When the type does not rotate, or the snapshot does not fit the list.
    pub fn from_snapshot(
        kind: &QuorumType,
        list: &Sml,
        input: &QuorumModifierInput,
        snapshot: &QuarterSnapshot,
    ) -> Result<Quarter, String> {
        let base = input.height.after(LEAD);
        let quarter = quarter_size(kind)?;
        let all = list.ranked(kind, input, |_| true);
        if snapshot.active.len() < all.len() {
            return Err("the snapshot has fewer flags than there are masternodes".into());
        }
        if snapshot.mode == SkipMode::Unused || all.is_empty() {
            return Ok(Quarter::empty(kind, base));
        }
        let part = |is_active: bool| {
            let flagged = all.iter().zip(&snapshot.active);
            flagged.filter(move |(_, active)| **active == is_active).map(|(pro_tx, _)| *pro_tx)
        };
        let combined: Vec<Hash> = part(false).chain(part(true)).collect();
        let mut positions = snapshot.positions();
        let mut next = positions.next();
        let mut at = Cursor::over(combined.len());
        let mut out = vec![Vec::with_capacity(quarter); kind.quorums as usize];
        for seats in &mut out {
            while seats.len() < quarter {
                if next == Some(at.index as i64) {
                    next = positions.next();
                } else {
                    seats.push(seat(list, &combined[at.index]));
                }
                at.step();
            }
        }
        Ok(Quarter { base, kept: out, own: None })
    }

    /// The quarter that a cycle makes at the list of its work block, and what a node stores of it. `earlier` are the quarters
    /// of the three cycles before, the newest first (docs/spec/dip24-rotation.md#a-new-quarter).
    ///
    /// # Errors
    /// When the type does not rotate, the quarters are of other cycles, or two seated masternodes share what must be unique.
    pub fn new(
        kind: &QuorumType,
        list: &Sml,
        input: &QuorumModifierInput,
        earlier: [&Quarter; 3],
    ) -> Result<(Quarter, QuarterSnapshot), String> {
        let base = input.height.after(LEAD);
        let quarter = quarter_size(kind)?;
        for (quarter, steps) in earlier.iter().zip(1..) {
            let wanted = Height(base.0.saturating_sub(steps * kind.interval));
            if quarter.base != wanted {
                let given = quarter.base;
                return Err(format!("the quarter of the cycle at {wanted} is needed, that of {given} was given"));
            }
        }
        let unused =
            QuarterSnapshot { active: vec![false; list.registered()], mode: SkipMode::None, skips: Vec::new() };
        if list.valid() < quarter {
            return Ok((Quarter::empty(kind, base), unused));
        }
        let (used, mut used_at) = in_use(kind, list, earlier)?;
        let is_used = |pro_tx: &Hash| used.contains(pro_tx);
        let active_first = list.ranked(kind, input, |_| true);
        let mut active: Vec<bool> = active_first.iter().map(is_used).collect();
        active.resize(list.registered(), false);
        let mut combined = list.ranked(kind, input, |pro_tx| !is_used(pro_tx));
        combined.extend(list.ranked(kind, input, is_used));
        let Some((own, skips)) = pick(list, quarter, &combined, &mut used_at)? else {
            return Ok((Quarter::empty(kind, base), QuarterSnapshot { active, ..unused }));
        };
        let mode = if skips.is_empty() { SkipMode::None } else { SkipMode::Skipped };
        let snapshot = QuarterSnapshot { active, mode, skips };
        let is_short = own.iter().any(|seats| seats.len() < quarter);
        let made = if is_short {
            Quarter { own: Some(own), ..Quarter::from_snapshot(kind, list, input, &snapshot)? }
        } else {
            Quarter { base, kept: own, own: None }
        };
        Ok((made, snapshot))
    }
}

impl QuarterSnapshot {
    /// The skipped positions in the order in which they were skipped.
    fn positions(&self) -> impl Iterator<Item = i64> {
        let skips = if self.mode == SkipMode::Skipped { self.skips.as_slice() } else { &[] };
        skips.iter().scan(0_i64, |first, skip| {
            // A first position of 0 reads as "none yet", in the node as here.
            let position = if *first == 0 { *skip } else { first.saturating_add(*skip) };
            if *first == 0 {
                *first = *skip;
            }
            Some(position)
        })
    }
}

/// A position in a list that begins again behind its end.
struct Cursor {
    index: usize,
    length: usize,
}

impl Cursor {
    fn over(length: usize) -> Cursor {
        Cursor { index: 0, length }
    }

    fn step(&mut self) {
        self.index = (self.index + 1) % self.length;
    }
}

fn quarter_size(kind: &QuorumType) -> Result<usize, String> {
    if kind.quorums > 1 && kind.size >= CYCLES {
        Ok((kind.size / CYCLES) as usize)
    } else {
        Err("the quorum type does not rotate".into())
    }
}

fn seat(list: &Sml, pro_tx: &Hash) -> Seat {
    let node = list.get(pro_tx);
    Seat {
        pro_tx: *pro_tx,
        address: node.and_then(|node| node.address),
        operator_key: node.and_then(|node| node.operator_key),
    }
}

/// Whether two seats are of different masternodes that cannot be on one list (`CDeterministicMNList::AddMN`).
fn conflict(one: &Seat, other: &Seat) -> bool {
    let shares = |one: Option<Fingerprint>, other: Option<Fingerprint>| one.is_some() && one == other;
    one.pro_tx != other.pro_tx && (shares(one.address, other.address) || shares(one.operator_key, other.operator_key))
}

/// Two seated masternodes have the same address or operator key, each at its own cycle: the node drops one of them by an order
/// that cannot be reconstructed from here (docs/spec/dip24-rotation.md#pitfalls).
fn shared(one: &Seat, other: &Seat) -> String {
    format!("masternodes {} and {} have seats and share an address or operator key", one.pro_tx, other.pro_tx)
}

fn check_conflicts(seats: &[Seat], new: &Seat) -> Result<(), String> {
    match seats.iter().find(|seat| conflict(seat, new)) {
        Some(seat) => Err(shared(seat, new)),
        None => Ok(()),
    }
}

type InUse = (BTreeSet<Hash>, Seats);

/// Masternodes with a seat in an earlier quarter that are still valid: all of them, and those of each index.
fn in_use(kind: &QuorumType, list: &Sml, earlier: [&Quarter; 3]) -> Result<InUse, String> {
    let mut used = BTreeSet::new();
    let mut all: Vec<Seat> = Vec::new();
    let mut used_at: Seats = vec![Vec::new(); kind.quorums as usize];
    for (index, at) in used_at.iter_mut().enumerate() {
        for seat in earlier.iter().flat_map(|quarter| quarter.kept.get(index).into_iter().flatten()) {
            if list.get(&seat.pro_tx).is_none_or(|node| !node.valid) {
                continue;
            }
            if used.insert(seat.pro_tx) {
                all.push(*seat);
            }
            if !at.iter().any(|other: &Seat| other.pro_tx == seat.pro_tx) {
                at.push(*seat);
            }
        }
    }
    // Sorted, equal properties are neighbours.
    for property in [|seat: &Seat| seat.address, |seat: &Seat| seat.operator_key] {
        all.sort_unstable_by_key(property);
        if let Some(pair) =
            all.windows(2).find(|pair| property(&pair[0]).is_some() && property(&pair[0]) == property(&pair[1]))
        {
            return Err(shared(&pair[0], &pair[1]));
        }
    }
    Ok((used, used_at))
}

/// Fills each index from the combined list; `None` when there was no masternode left for one. `used_at` are those that an
/// index has already.
fn pick(
    list: &Sml,
    quarter: usize,
    combined: &[Hash],
    used_at: &mut Seats,
) -> Result<Option<(Seats, Vec<i64>)>, String> {
    let mut out: Seats = vec![Vec::new(); used_at.len()];
    let (mut skips, mut first) = (Vec::new(), 0_i64);
    let mut at = Cursor::over(combined.len());
    for (seats, used) in out.iter_mut().zip(used_at) {
        let (before, start, mut updated) = (used.len(), at.index, false);
        while seats.len() < quarter && before + seats.len() < combined.len() {
            let new = seat(list, &combined[at.index]);
            if used.iter().any(|other| other.pro_tx == new.pro_tx) {
                let position = at.index as i64;
                skips.push(if first == 0 { position } else { position - first });
                if first == 0 {
                    first = position;
                }
            } else {
                check_conflicts(used, &new)?;
                used.push(new);
                seats.push(new);
                updated = true;
            }
            at.step();
            if at.index == start {
                if !updated {
                    return Ok(None);
                }
                updated = false;
            }
        }
    }
    Ok(Some((out, skips)))
}

#[cfg(test)]
mod tests;
