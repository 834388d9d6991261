//! The quarters of four cycles, carried from cycle to cycle, and the seats that follow from them.
//!
//! Never here: how a quarter is made.

use std::collections::VecDeque;

use crate::dkg::QuorumType;
use crate::masternode::{Hash, Height};
use crate::quorum_rotation::{CYCLES, Quarter, QuarterSnapshot, quarter_size, seat};
use crate::quorum_selection::{QuorumModifierInput, Sml};

/// A seat of a masternode in a session that is known ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RotationSeat {
    /// Height of the block with which the session begins.
    pub start: Height,
    /// First height at which its quorum can be mined.
    pub due: Height,
    /// Index of the quorum in its cycle.
    pub index: u32,
}

/// The quarters of the four newest cycles of a rotating type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    kind: QuorumType,
    /// The oldest first; always four of them, one cycle apart.
    pub(super) quarters: VecDeque<Quarter>,
    /// All known seats, by masternode: made once in a cycle, read for each watched masternode at each block.
    seats: Vec<(Hash, RotationSeat)>,
}

impl Rotation {
    /// From the quarters of three cycles, the newest first, and the one that the newest cycle makes.
    ///
    /// # Errors
    /// As [`Quarter::new`].
    pub fn new(
        kind: QuorumType,
        earlier: [Quarter; 3],
        list: &Sml,
        input: &QuorumModifierInput,
    ) -> Result<Rotation, String> {
        let [one, two, three] = &earlier;
        let (quarter, _) = Quarter::new(&kind, list, input, [one, two, three])?;
        let [one, two, three] = earlier;
        Ok(Rotation::of(kind, [three, two, one, quarter].into()))
    }

    /// From the members of all quorums of one cycle, by index, with the properties that the list at hand knows of them
    /// (docs/spec/dip24-rotation.md#algorithm).
    ///
    /// # Errors
    /// When the quorums do not have the sizes of their type.
    pub fn from_members(
        kind: QuorumType,
        cycle: Height,
        members: &[Vec<Hash>],
        list: &Sml,
    ) -> Result<Rotation, String> {
        let quarter = quarter_size(&kind)?;
        let is_whole = members.len() == kind.quorums as usize
            && members.iter().all(|members| members.len() == quarter * CYCLES as usize);
        if !is_whole {
            return Err("a quorum does not have the number of members of its type".into());
        }
        let made = |part: u32| {
            let seats = |members: &Vec<Hash>| {
                let from = part as usize * quarter;
                members[from..from + quarter].iter().map(|pro_tx| seat(list, pro_tx)).collect()
            };
            let base = Height(cycle.0.saturating_sub((CYCLES - 1 - part) * kind.interval));
            Quarter { base, kept: members.iter().map(seats).collect(), own: None }
        };
        Ok(Rotation::of(kind, (0..CYCLES).map(made).collect()))
    }

    fn of(kind: QuorumType, quarters: VecDeque<Quarter>) -> Rotation {
        let mut rotation = Rotation { kind, quarters, seats: Vec::new() };
        rotation.find_seats();
        rotation
    }

    fn find_seats(&mut self) {
        self.seats.clear();
        for step in 0..CYCLES {
            let cycle = self.cycle().after(step * self.kind.interval);
            let due = cycle.after(self.kind.due_offset());
            for quarter in self.quarters.iter().skip(step as usize) {
                for index in 0..self.kind.quorums {
                    let seat = RotationSeat { start: cycle.after(index), due, index };
                    self.seats.extend(quarter.at(index as usize, cycle).iter().map(|member| (member.pro_tx, seat)));
                }
            }
        }
        self.seats.sort_unstable();
    }

    /// Makes the quarter of the next cycle.
    ///
    /// # Errors
    /// As [`Quarter::new`]; then nothing has changed.
    pub fn advance(&mut self, list: &Sml, input: &QuorumModifierInput) -> Result<QuarterSnapshot, String> {
        let newest = |steps: usize| &self.quarters[self.quarters.len() - steps];
        let (quarter, snapshot) = Quarter::new(&self.kind, list, input, [newest(1), newest(2), newest(3)])?;
        self.quarters.push_back(quarter);
        self.quarters.pop_front();
        self.find_seats();
        Ok(snapshot)
    }

    /// Its quorum type.
    #[must_use]
    pub fn kind(&self) -> &QuorumType {
        &self.kind
    }

    /// First block of the newest cycle of which all members are known.
    #[must_use]
    pub fn cycle(&self) -> Height {
        self.quarters.back().map_or(Height(0), Quarter::base)
    }

    /// The members of the newest cycle's quorum at an index, in the order of `validMembers` and of `quorum info`.
    #[must_use]
    pub fn members(&self, index: usize) -> Vec<Hash> {
        let cycle = self.cycle();
        self.quarters.iter().flat_map(|quarter| quarter.at(index, cycle)).map(|seat| seat.pro_tx).collect()
    }

    /// All known seats of a masternode in the newest cycle and the three after it, by the block with which the session begins.
    /// A masternode has two seats in one quorum only where there are too few of them.
    #[must_use]
    pub fn seats(&self, pro_tx: &Hash) -> Vec<RotationSeat> {
        let first = self.seats.partition_point(|(member, _)| member < pro_tx);
        self.seats[first..].iter().take_while(|(member, _)| member == pro_tx).map(|(_, seat)| *seat).collect()
    }
}
