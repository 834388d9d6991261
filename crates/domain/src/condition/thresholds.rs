//! The limits from which conditions follow.
//!
//! Never here: reading them from a file (`config`).

/// From where on a condition holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Chance of another test before it is safe, above which a ban counts as imminent; 0…1.
    pub imminent_chance: f64,
    /// What "recently" means, in seconds.
    pub recent_seconds: u64,
    /// A score above this many steps needs two failures inside one decay. A little more than one, because the step moves
    /// with the number of masternodes.
    pub repeated_steps: f64,
    /// Penalised lately, as a part of all masternodes: a wave of the whole network.
    pub wave_ratio: f64,
    /// Fewer are no wave, however small the network.
    pub wave_minimum: u64,
    /// So many of a group, penalised lately, are degraded whatever its size …
    pub group_nodes: u64,
    /// … and fewer, but at least two, when they are such a part of it.
    pub group_ratio: f64,
    /// Age of the tip at which the chain counts as stalled, in seconds; `None`: the longer of [`STALLED_SECONDS`] and
    /// [`STALLED_BLOCKS`] measured block intervals.
    pub stalled_seconds: Option<u64>,
    /// Blocks by which ChainLocks may lag.
    pub chainlock_lag: u32,
    /// Mining windows without a quorum of a type from which on it is missing.
    pub quorum_windows: u32,
    /// Seconds before the expected activation of a consensus change from which on it is near.
    pub fork_near_seconds: u64,
    /// Shortest payment cycle in which waiting at the head of the queue means anything.
    pub shortest_cycle: u32,
    /// For how many blocks a masternode may be first in the payment queue.
    pub overdue_blocks: u32,
}

/// No chain counts as stalled sooner, in seconds.
pub const STALLED_SECONDS: u64 = 1_800;

/// Blocks come at random: none for this many intervals happens about three times in ten million blocks (e⁻¹⁵).
pub const STALLED_BLOCKS: f64 = 15.0;

impl Thresholds {
    /// Those that hold unless configured.
    pub const DEFAULT: Thresholds = Thresholds {
        imminent_chance: 0.5,
        recent_seconds: 3_600,
        repeated_steps: 1.05,
        wave_ratio: 0.01,
        wave_minimum: 10,
        group_nodes: 3,
        group_ratio: 1.0 / 3.0,
        stalled_seconds: None,
        chainlock_lag: 5,
        quorum_windows: 2,
        fork_near_seconds: 604_800,
        shortest_cycle: 10,
        overdue_blocks: 3,
    };

    /// Age of the tip, in seconds, above which a chain with this interval between blocks is stalled.
    pub fn stalled_after(&self, spacing_seconds: f64) -> u64 {
        let measured = if spacing_seconds.is_finite() { (STALLED_BLOCKS * spacing_seconds) as u64 } else { 0 };
        self.stalled_seconds.unwrap_or(STALLED_SECONDS.max(measured))
    }
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds::DEFAULT
    }
}
