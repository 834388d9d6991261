//! Restarts: what one costs a masternode, the windows in which it costs nothing, and an order for many masternodes.
//!
//! A session in which a masternode may sit is never counted as one in which it does not.
//!
//! Never here: which sessions there are ([`crate::duty`]); restarting anything.

mod plan;

use crate::duty::Duty;
use crate::masternode::{Height, Score};
use crate::pose::PoseLimits;
use crate::score_projection::ScoreProjection;

pub use plan::{Placement, plan};

/// Standard deviations of the number of blocks in an outage that are counted beyond its mean. Blocks arrive as a Poisson process:
/// in fewer than one of 200 outages more than these arrive.
const MARGIN: f64 = 3.0;

/// Blocks that may arrive during an outage of some seconds, at the given mean seconds between blocks.
#[must_use]
pub fn blocks_within(seconds: u64, spacing_seconds: f64) -> u32 {
    let mean = seconds as f64 / spacing_seconds;
    if mean.is_finite() { (mean + MARGIN * mean.sqrt()).ceil() as u32 } else { u32::MAX }
}

/// An outage that begins after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The newest block when it begins.
    pub after: Height,
    /// Blocks that may arrive during it.
    pub blocks: u32,
}

/// What an outage costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OutageCost {
    /// Known seats that it may miss.
    pub known: usize,
    /// Sessions, or cycles of sessions, that it may miss and in which the masternode may sit.
    pub possible: usize,
    /// Expected number of seats in those.
    pub expected: f64,
    /// Whether the known ones together ban.
    pub bans: bool,
    /// Whether all together, known and possible, ban.
    pub may_ban: bool,
}

impl OutageCost {
    /// That of an outage of a masternode with this score at the tip. Each missed seat counts as a failure at the first height at which
    /// it can be punished.
    #[must_use]
    pub fn new(duties: &[Duty], tip: Height, (score, limits): (Score, PoseLimits), outage: Outage) -> OutageCost {
        let last = outage.after.after(outage.blocks);
        let missed: Vec<&Duty> = duties.iter().filter(|duty| duty.may_be_missed_by(outage.after, Some(last))).collect();
        let bans = |is_counted: &dyn Fn(&Duty) -> bool| {
            let failures = Duty::failures(missed.iter().copied().filter(|duty| is_counted(duty)), tip);
            ScoreProjection::new(limits, score, &failures).ban_height().is_some()
        };
        let known = missed.iter().filter(|duty| duty.is_known()).count();
        OutageCost {
            known,
            possible: missed.len() - known,
            expected: missed.iter().filter(|duty| !duty.is_known()).map(|duty| duty.chance).sum(),
            bans: bans(&Duty::is_known),
            may_ban: bans(&|_| true),
        }
    }

    /// In words: `misses 1 known seat, and 0.25 further ones are expected, which may ban it`.
    #[must_use]
    pub fn describe(&self) -> String {
        let bans = match (self.bans, self.may_ban) {
            (true, _) => ", which bans it",
            (false, true) => ", which may ban it",
            (false, false) => "",
        };
        let plural = if self.known == 1 { "" } else { "s" };
        match (self.known, self.possible) {
            (0, 0) => "misses no session".to_string(),
            (known, 0) => format!("misses {known} known seat{plural}{bans}"),
            (known, _) if self.expected < 0.005 => {
                format!("misses {known} known seat{plural}, and further ones are possible{bans}")
            }
            (known, _) => {
                let expected = self.expected;
                format!("misses {known} known seat{plural}, and {expected:.2} further ones are expected{bans}")
            }
        }
    }

    /// Whether it is known to cost nothing.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.known == 0 && self.possible == 0
    }
}

/// The cheapest outage in which so many blocks may arrive, that begins at the tip or is over by `until`: the fewest known seats, then the fewest expected ones,
/// then the earliest.
#[must_use]
pub fn cheapest(
    duties: &[Duty],
    (tip, until): (Height, Height),
    pose: (Score, PoseLimits),
    blocks: u32,
) -> (Outage, OutageCost) {
    let cost = |after: Height| {
        let outage = Outage { after, blocks };
        (outage, OutageCost::new(duties, tip, pose, outage))
    };
    // Only at the end of a session does an outage that begins later cost less.
    let ends = duties.iter().map(|duty| duty.end).filter(|end| *end > tip && end.after(blocks) <= until);
    let order = |(outage, cost): &(Outage, OutageCost)| (cost.known, cost.expected, outage.after);
    let less = |one: &(Outage, OutageCost), other: &(Outage, OutageCost)| {
        let ((known, expected, after), (others, more, later)) = (order(one), order(other));
        known.cmp(&others).then(expected.total_cmp(&more)).then(after.cmp(&later))
    };
    ends.map(cost).fold(cost(tip), |best, next| if less(&next, &best).is_lt() { next } else { best })
}

/// A time in which no session, known or possible, needs the masternode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietWindow {
    /// The newest block when it opens.
    pub after: Height,
    /// Blocks until the next session begins: the masternode must be back before the last of them.
    pub blocks: u32,
}

impl QuietWindow {
    /// The last block after which an outage of so many blocks fits; `None` if it does not fit at all.
    #[must_use]
    pub fn last_start(&self, blocks: u32) -> Option<Height> {
        Some(self.after.after(self.blocks.checked_sub(blocks.checked_add(1)?)?))
    }
}

/// The windows from the tip on, by height. Nothing is said of blocks above `until`.
#[must_use]
pub fn quiet_windows(duties: &[Duty], tip: Height, until: Height) -> Vec<QuietWindow> {
    let mut windows = Vec::new();
    let mut free = tip;
    let mut busy: Vec<(Height, Height)> = duties.iter().map(|duty| (duty.start, duty.end)).collect();
    busy.sort_unstable();
    for (start, end) in busy {
        if start > free {
            windows.push(QuietWindow { after: free, blocks: start.above(free) });
        }
        free = free.max(end);
    }
    if free <= until {
        windows.push(QuietWindow { after: free, blocks: until.above(free) + 1 });
    }
    windows
}

/// What is known of restarts of one masternode.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartOutlook {
    /// The newest block.
    pub tip: Height,
    /// The last block of which anything is said.
    pub until: Height,
    /// Blocks that may arrive during the restart.
    pub blocks: u32,
    /// What it costs now.
    pub now: OutageCost,
    /// The cheapest one up to `until`.
    pub cheapest: (Outage, OutageCost),
    /// All windows up to `until`, by height, whether the restart fits or not.
    pub windows: Vec<QuietWindow>,
}

impl RestartOutlook {
    /// The next window in which the restart fits.
    #[must_use]
    pub fn next(&self) -> Option<QuietWindow> {
        self.windows.iter().find(|window| window.last_start(self.blocks).is_some()).copied()
    }

    /// The longest window, whether the restart fits or not; of equal ones the first.
    #[must_use]
    pub fn longest(&self) -> Option<QuietWindow> {
        self.windows.iter().rev().max_by_key(|window| window.blocks).copied()
    }
}

/// A restart of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRestart {
    /// What is known of restarts of the masternode.
    pub outlook: RestartOutlook,
    /// Where it is in the plan.
    pub placement: Placement,
}

#[cfg(test)]
mod tests;
