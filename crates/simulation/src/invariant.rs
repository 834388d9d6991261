//! The invariants, and how a broken one is reported.
//!
//! Never here: checking them.

use std::fmt;

/// What must hold whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// The recorded events are those that happened, once each.
    EventsOnce,
    /// Counters equal the events, and never decrease.
    Counters,
    /// A fresh snapshot is of one block of the best honest chain.
    BestChain,
    /// A condition is notified once and resolved once, in order, to each reachable receiver.
    NotifiedOnce,
    /// While a masternode is banned, nothing reads as if it were not.
    NoAllClear,
    /// Without a list, the page has no number about masternodes.
    NoNumberWithoutList,
    /// Tasks, queues and files stay small.
    Bounded,
    /// After the faults, everything is right again.
    RightAgain,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Invariant; 8] = [
        Invariant::EventsOnce,
        Invariant::Counters,
        Invariant::BestChain,
        Invariant::NotifiedOnce,
        Invariant::NoAllClear,
        Invariant::NoNumberWithoutList,
        Invariant::Bounded,
        Invariant::RightAgain,
    ];
}

/// The first broken invariant of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// Milliseconds since the simulation began.
    pub at: u64,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} broken after {} s: {}", self.invariant, self.at / 1000, self.what)
    }
}

/// The result of a check.
pub(crate) type Checked = Result<(), Violation>;

/// Fails with this text unless the condition holds.
pub(crate) fn ensure(holds: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { invariant, at: crate::clock::millis(), what: what() }) }
}
