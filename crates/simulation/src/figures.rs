//! The figures of a run: how much time, how many blocks and faults.
//!
//! Never here: counting them.

use std::collections::BTreeMap;

/// Figures of one or several episodes.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Simulated milliseconds while the exporter ran.
    pub running: u64,
    /// Simulated milliseconds while it was stopped.
    pub stopped: u64,
    /// Mined blocks.
    pub blocks: u64,
    /// Replaced tips.
    pub reorgs: u64,
    /// Starts of the process.
    pub starts: u64,
    /// Requests of the exporter.
    pub requests: u64,
    /// Writes to the disk.
    pub writes: u64,
    /// Accepted notices.
    pub notices: u64,
    /// Snapshots that were compared with the chain.
    pub snapshots: u64,
    /// Faults, by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// Adds those of another episode.
    pub fn add(&mut self, other: &Figures) {
        self.running += other.running;
        self.stopped += other.stopped;
        self.blocks += other.blocks;
        self.reorgs += other.reorgs;
        self.starts += other.starts;
        self.requests += other.requests;
        self.writes += other.writes;
        self.notices += other.notices;
        self.snapshots += other.snapshots;
        other.faults.iter().for_each(|(kind, number)| *self.faults.entry(kind).or_default() += number);
    }
}
