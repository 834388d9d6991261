//! The thresholds of conditions.
//!
//! Never here: reading them from a file (`config`).

/// The thresholds of conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Probability of another test before the score is safe, above which a ban counts as imminent; 0…1.
    pub imminent_chance: f64,
    /// The length of "recently", in seconds.
    pub recent_seconds: u64,
    /// A score above this many penalty steps needs two failures within one decay. Slightly above 1, because the step
    /// changes with the number of masternodes.
    pub repeated_steps: f64,
    /// Ratio of recently penalised masternodes to all, above which it is a penalty wave of the network.
    pub wave_ratio: f64,
    /// Minimum number of failures of a penalty wave, on any size of network.
    pub wave_minimum: u64,
    /// Number of recently penalised masternodes that degrade a group of any size …
    pub group_nodes: u64,
    /// … and the ratio to the size of the group that degrades it with fewer, but at least two.
    pub group_ratio: f64,
    /// Age of the tip at which the chain counts as stalled, in seconds. `None`: the longer of [`STALLED_SECONDS`] and
    /// [`STALLED_BLOCKS`] measured block intervals.
    pub stalled_seconds: Option<u64>,
    /// Maximum lag of ChainLocks, in blocks.
    pub chainlock_lag: u32,
    /// Mining windows without a quorum of a type after which the type counts as missing.
    pub quorum_windows: u32,
    /// Seconds before the expected activation of a consensus change from which it counts as near.
    pub fork_near_seconds: u64,
    /// Shortest payment cycle, in blocks, in which waiting at the head of the queue is meaningful.
    pub shortest_cycle: u32,
    /// Maximum number of blocks at the head of the payment queue.
    pub overdue_blocks: u32,
}

/// Minimum age of the tip of a stalled chain, in seconds.
pub const STALLED_SECONDS: u64 = 1_800;

/// Block intervals are random: none for this many intervals happens about three times in ten million blocks (e⁻¹⁵).
pub const STALLED_BLOCKS: f64 = 15.0;

impl Thresholds {
    /// The defaults.
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

    /// Age of the tip, in seconds, above which a chain with this block interval is stalled.
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
