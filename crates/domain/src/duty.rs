//! Duties of a masternode: the DKG sessions in which it sits or may sit, and what follows if it goes offline.
//!
//! Seats in quorums that do not rotate are known [`LEAD`] blocks ahead, those in rotating ones up to four cycles.
//!
//! Never here: how members are selected; when to restart ([`crate::restart`]); asking a node.

use crate::chain_facts::Population;
use crate::dkg::{Membership, QuorumType};
use crate::masternode::{Height, MasternodeId, NodeType, Score};
use crate::pose::PoseLimits;
use crate::quorum::Formations;
use crate::quorum_rotation::{CYCLES, Rotation, RotationSeat};
#[cfg(doc)]
use crate::quorum_selection::LEAD;
use crate::quorum_selection::SelectedQuorum;
use crate::score_projection::ScoreProjection;

/// Blocks ahead for which duties are listed: four cycles of the rotating type of mainnet, in which seats can be known.
pub const OUTLOOK_BLOCKS: u32 = 1_152;

/// The highest chance of a seat that is not decided: never 1, which is a known seat.
const UNDECIDED: f64 = 0.999;

/// A session in which a masternode sits or may sit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duty {
    /// Name of the quorum type.
    pub quorum_type: &'static str,
    /// Index of the quorum in its cycle; `None` for types that do not rotate, and while it is not known.
    pub index: Option<u32>,
    /// Block with which the session begins: a member that is absent then fails. Of a seat that is not known the first block of
    /// its cycle.
    pub start: Height,
    /// The newest block from which on a restart misses nothing of it ([`QuorumType::free_from`]).
    pub end: Height,
    /// First height at which a failure can be punished.
    pub due: Height,
    /// Chance in 0…1 that the masternode sits in it; 1 for a known seat, 0 while there are too few masternodes for the session.
    pub chance: f64,
    /// Most seats that it stands for: 1, but of the seats of a cycle that are not known as many as there are quorums, if there are
    /// fewer masternodes than seats.
    pub most_seats: u32,
}

impl Duty {
    /// The failures if all of these are missed: blocks from the tip to the first one in which each can be punished.
    pub(crate) fn failures<'a>(missed: impl Iterator<Item = &'a Duty>, tip: Height) -> Vec<Height> {
        let blocks = |duty: &Duty| Height(duty.due.max(tip.after(1)).above(tip));
        missed.flat_map(|duty| std::iter::repeat_n(blocks(duty), duty.most_seats as usize)).collect()
    }

    /// Whether its seat is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.chance >= 1.0
    }

    /// Whether an outage that begins after the block `after` and still lasts at `last` may be a failure in it; `None` for an
    /// outage without end.
    #[must_use]
    pub fn may_be_missed_by(&self, after: Height, last: Option<Height>) -> bool {
        after < self.end && last.is_none_or(|last| last >= self.start)
    }
}

/// What decides about a masternode's duties.
pub struct DutyInputs<'a> {
    /// Quorum types of the network.
    pub types: &'a [QuorumType],
    /// How many masternodes there are.
    pub population: &'a Population,
    /// Sessions of types that do not rotate whose members are known.
    pub selected: &'a [std::sync::Arc<SelectedQuorum>],
    /// Members of rotating types, where they are known.
    pub rotations: &'a [std::sync::Arc<Rotation>],
    /// When quorums were last mined, and which sessions are open.
    pub formations: &'a Formations,
    /// The newest block.
    pub tip: Height,
}

impl DutyInputs<'_> {
    /// The duties of a masternode that are not over at the tip and begin up to `until`, by their first block.
    #[must_use]
    pub fn of(&self, id: &MasternodeId, node_type: NodeType, until: Height) -> Vec<Duty> {
        let mut duties = Vec::new();
        for kind in self.types.iter().filter(|kind| kind.draws(node_type)) {
            let seats = self.seats(id, kind);
            let mut start = kind.begun(self.tip);
            while start <= until {
                match kind.quorums {
                    _ if self.has_ended(kind, start) => {}
                    1 => duties.extend(self.in_session(id, kind, start)),
                    _ => duties.extend(self.in_cycle(&seats, kind, start)),
                }
                start = start.after(kind.interval);
            }
        }
        duties.retain(|duty| duty.end > self.tip && duty.start <= until);
        duties.sort_unstable_by_key(|duty| (duty.start, duty.due, duty.quorum_type, duty.index));
        duties
    }

    /// Whether nobody can fail any more in the session, or cycle of sessions, of a type that began at `start`.
    #[must_use]
    pub fn has_ended(&self, kind: &QuorumType, start: Height) -> bool {
        self.formations.get(kind.name).is_some_and(|formation| formation.has_ended(kind, start, self.tip))
    }

    /// What is known of a masternode's seat in the session, or cycle of sessions, of a type that begins at `start`. No masternode has
    /// one in a session that has ended.
    #[must_use]
    pub fn membership(&self, id: &MasternodeId, kind: &QuorumType, start: Height) -> Membership {
        if self.has_ended(kind, start) {
            return Membership::Absent;
        }
        let rotation = self.rotation(kind);
        let duties = match (kind.quorums, rotation) {
            (1, _) if self.selected_at(kind, start).is_some() => self.in_session(id, kind, start).into_iter().collect(),
            (2.., Some(rotation)) if rotation.cycle() <= start => self.in_cycle(&self.seats(id, kind), kind, start),
            _ => return Membership::Possible(kind.seats(self.population)),
        };
        let is_decided = kind.quorums == 1 || rotation.is_some_and(|rotation| rotation.cycle() == start);
        match duties.iter().map(|duty| duty.start).min() {
            None if is_decided => Membership::Absent,
            None => Membership::Possible(0.0),
            // A further seat that is possible begins with the cycle.
            Some(first) if duties.iter().any(Duty::is_known) => Membership::Seated(first),
            Some(_) => Membership::Possible(1.0 - duties.iter().map(|duty| 1.0 - duty.chance).product::<f64>()),
        }
    }

    fn rotation(&self, kind: &QuorumType) -> Option<&Rotation> {
        self.rotations.iter().find(|rotation| rotation.kind() == kind).map(AsRef::as_ref)
    }

    /// Its known seats in quorums of a rotating type.
    fn seats(&self, id: &MasternodeId, kind: &QuorumType) -> Vec<RotationSeat> {
        match id {
            MasternodeId::ProTx(pro_tx) => self.rotation(kind).map_or_else(Vec::new, |rotation| rotation.seats(pro_tx)),
            MasternodeId::Collateral(_) => Vec::new(),
        }
    }

    fn selected_at(&self, kind: &QuorumType, start: Height) -> Option<&SelectedQuorum> {
        self.selected.iter().find(|selected| selected.kind == *kind && selected.start == start).map(AsRef::as_ref)
    }

    fn in_session(&self, id: &MasternodeId, kind: &QuorumType, start: Height) -> Option<Duty> {
        let chance = match self.selected_at(kind, start) {
            Some(selected) if selected.seats(id) => 1.0,
            Some(_) => return None,
            None => kind.seats(self.population).min(UNDECIDED),
        };
        let (end, due) = (kind.free_from(start), start.after(kind.due_offset()));
        Some(Duty { quorum_type: kind.name, index: None, start, end, due, chance, most_seats: 1 })
    }

    fn in_cycle(&self, seats: &[RotationSeat], kind: &QuorumType, cycle: Height) -> Vec<Duty> {
        let (end, due) = (kind.free_from(cycle), cycle.after(kind.due_offset()));
        let known = seats.iter().filter(|seat| seat.due == due);
        let mut duties: Vec<Duty> = known
            .map(|seat| {
                let index = Some(seat.index);
                Duty { quorum_type: kind.name, index, start: seat.start, end, due, chance: 1.0, most_seats: 1 }
            })
            .collect();
        // Quarters of this cycle that are not made yet. Of a cycle before the newest one nothing is known any more.
        let missing = match self.rotation(kind) {
            Some(rotation) if rotation.cycle() <= cycle => (cycle.above(rotation.cycle()) / kind.interval).min(CYCLES),
            _ => CYCLES,
        };
        let chance = self.chance_of_more(kind, missing, !duties.is_empty()).map(|chance| chance.min(UNDECIDED));
        let is_crowded = self.population.all_valid() < (kind.size * kind.quorums) as usize;
        let most_seats = if is_crowded { kind.quorums } else { 1 };
        let more = |chance| Duty { quorum_type: kind.name, index: None, start: cycle, end, due, chance, most_seats };
        duties.extend(chance.map(more));
        duties
    }

    /// Chance of a seat in the quarters of a cycle that are still missing (docs/spec/dip24-rotation.md#what-rotates). `None`:
    /// there can be none.
    fn chance_of_more(&self, kind: &QuorumType, missing: u32, has_seat: bool) -> Option<f64> {
        let valid = self.population.all_valid() as f64;
        let seats = f64::from(kind.size * kind.quorums);
        let (open, taken) = (seats * f64::from(missing) / 4.0, seats * f64::from(CYCLES - missing) / 4.0);
        if missing == 0 || has_seat && valid >= seats {
            // With as many valid masternodes as seats none has two in a cycle.
            return None;
        }
        Some(match has_seat {
            _ if valid < f64::from(kind.minimum) => 0.0,
            true => ((seats - valid) / valid).clamp(0.0, 1.0),
            false => (open / (valid - taken).max(open)).min(1.0),
        })
    }
}

/// First height at which two known seats are due: missed together, they ban whatever the score is. `None` when there is none.
#[must_use]
pub fn double_seat(duties: &[Duty]) -> Option<Height> {
    let mut dues: Vec<Height> = duties.iter().filter(|duty| duty.is_known()).map(|duty| duty.due).collect();
    dues.sort_unstable();
    dues.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// A height that is known, or between two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Not before this one; `None` when it does not come within the duties.
    pub earliest: Option<Height>,
    /// Not after this one; `None` when the known seats do not decide it.
    pub latest: Option<Height>,
}

impl Bounds {
    /// The height, where known seats decide it.
    #[must_use]
    pub fn exact(&self) -> Option<Height> {
        self.latest.filter(|latest| self.earliest == Some(*latest))
    }
}

/// What follows if a masternode goes offline after the tip and stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfflineOutlook {
    /// Height of the first penalty.
    pub penalty: Bounds,
    /// Height of the ban.
    pub ban: Bounds,
}

/// What follows if a masternode with this score goes offline after the tip. The earliest heights count every session that can be
/// held, in which it may sit and whose busy period is not over, the latest ones only known seats in sessions that begin after the tip. Penalties
/// are counted at the first height at which they can come.
#[must_use]
pub fn offline_outlook(duties: &[Duty], tip: Height, score: Score, limits: PoseLimits) -> OfflineOutlook {
    let heights = |is_counted: &dyn Fn(&Duty) -> bool| {
        let missed = duties.iter().filter(|duty| duty.may_be_missed_by(tip, None) && is_counted(duty));
        let failures = Duty::failures(missed, tip);
        let projection = ScoreProjection::new(limits, score, &failures);
        let absolute = |height: Height| tip.after(height.0);
        (failures.iter().min().copied().map(absolute), projection.ban_height().map(absolute))
    };
    let (earliest, latest) = (heights(&|duty| duty.chance > 0.0), heights(&|duty| duty.is_known() && duty.start > tip));
    OfflineOutlook {
        penalty: Bounds { earliest: earliest.0, latest: latest.0 },
        ban: Bounds { earliest: earliest.1, latest: latest.1 },
    }
}

#[cfg(test)]
mod tests;
