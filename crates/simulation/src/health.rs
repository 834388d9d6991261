//! Since when each part of the world is as it should be.
//!
//! Never here: the exporter.

use crate::clock;
use crate::configuration::SOURCES;
use crate::plan::{Fault, FaultKind};
use crate::receivers::NAMES;

/// Milliseconds from one message about an active alert to the next.
pub(crate) const REMINDER: u64 = 4 * 3_600_000;

/// Milliseconds since when something is right; `None` while it is not.
type Since = Option<u64>;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) sources: [Since; SOURCES],
    pub(crate) receivers: [Since; NAMES.len()],
    pub(crate) disk: Since,
    pub(crate) clock: Since,
    /// The watch list and the configuration.
    pub(crate) configuration: Since,
    /// The process runs since then.
    pub(crate) process: Since,
    /// The process runs with an undamaged file since the first start.
    pub(crate) is_undamaged: bool,
    /// The last reorg.
    pub(crate) reorg: u64,
    /// A masternode was watched or not, the last time that changed.
    pub(crate) has_power_failed: bool,
}

impl Health {
    pub(crate) fn new() -> Health {
        Health {
            sources: [Some(0); SOURCES],
            receivers: [Some(0); NAMES.len()],
            disk: Some(0),
            clock: Some(0),
            configuration: Some(0),
            process: None,
            is_undamaged: true,
            reorg: 0,
            has_power_failed: false,
        }
    }

    /// Whether a fault can begin: each part has one fault at a time.
    pub(crate) fn is_free_for(&self, kind: &FaultKind) -> bool {
        match kind {
            FaultKind::ClockJump(_) | FaultKind::ClockDrift(_) => self.clock.is_some(),
            FaultKind::WatchList(_) | FaultKind::BadConfiguration(_) => self.configuration.is_some(),
            FaultKind::SecondExporter | FaultKind::Rollback(_) => self.disk.is_some(),
            kind if kind.is_of_disk() => self.disk.is_some(),
            kind => {
                kind.source().is_none_or(|source| self.sources[source].is_some())
                    && kind.receiver().is_none_or(|receiver| self.receivers[receiver].is_some())
            }
        }
    }

    /// A fault begins, or ends.
    pub(crate) fn note(&mut self, fault: &Fault, begins: bool) {
        let since = if begins { None } else { Some(clock::millis()) };
        match &fault.kind {
            FaultKind::ClockJump(_) | FaultKind::ClockDrift(_) => self.clock = since,
            FaultKind::WatchList(_) | FaultKind::BadConfiguration(_) => self.configuration = since,
            FaultKind::Reorg(_) => self.reorg = clock::millis(),
            kind if kind.is_of_disk() => self.disk = since,
            kind => {
                kind.source().into_iter().for_each(|source| self.sources[source] = since);
                // After a refusal for good, the next attempt is that of the reminder.
                let wait = if matches!(kind, FaultKind::ReceiverRefuses(_)) { REMINDER } else { 0 };
                let since = since.map(|since| since + wait);
                kind.receiver().into_iter().for_each(|receiver| self.receivers[receiver] = since);
            }
        }
    }

    /// Whether the process could open an undamaged history when it started: otherwise its counters begin at 0.
    pub(crate) fn has_history(&self) -> bool {
        self.is_undamaged && self.disk.is_some_and(|since| self.process.is_some_and(|process| since <= process))
    }

    /// Whether all sources, the process, the clock and the watch list have been right for these milliseconds, without a reorg.
    pub(crate) fn is_quiet_for(&self, millis: u64) -> bool {
        let long = |since: Since| since.is_some_and(|since| clock::millis().saturating_sub(since) >= millis);
        let all = [self.clock, self.configuration, self.process, Some(self.reorg)];
        all.into_iter().chain(self.sources).all(long)
    }

    /// Whether the disk has been right for these milliseconds.
    pub(crate) fn has_disk_for(&self, millis: u64) -> bool {
        self.disk.is_some_and(|since| clock::millis().saturating_sub(since) >= millis)
    }

    /// The same for a receiver and the disk.
    pub(crate) fn is_receiver_quiet_for(&self, receiver: usize, millis: u64) -> bool {
        let long = |since: Since| since.is_some_and(|since| clock::millis().saturating_sub(since) >= millis);
        long(self.receivers[receiver]) && long(self.disk) && self.is_quiet_for(millis)
    }
}
