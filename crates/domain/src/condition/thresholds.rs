//! The thresholds of conditions: general ones, and those of groups and single masternodes that differ.
//!
//! Never here: reading them from a file (`config`).

use crate::watch::WatchTarget;

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
    /// Number of blocks at the head of the payment queue from which a payment is overdue.
    pub overdue_blocks: u32,
    /// Seconds for which a value of a source that was not understood counts.
    pub not_understood_seconds: u64,
    /// Seconds for which the last report of a source about itself counts after it stops reporting.
    pub source_silence_seconds: u64,
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
        not_understood_seconds: 86_400,
        source_silence_seconds: 600,
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

/// Thresholds of one watched masternode or one group that differ; `None` keeps the general one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ThresholdOverrides {
    /// Replaces [`Thresholds::imminent_chance`].
    pub imminent_chance: Option<f64>,
    /// Replaces [`Thresholds::recent_seconds`].
    pub recent_seconds: Option<u64>,
    /// Replaces [`Thresholds::repeated_steps`].
    pub repeated_steps: Option<f64>,
    /// Replaces [`Thresholds::shortest_cycle`].
    pub shortest_cycle: Option<u32>,
    /// Replaces [`Thresholds::overdue_blocks`].
    pub overdue_blocks: Option<u32>,
    /// Replaces [`Thresholds::group_nodes`]; without effect on a masternode.
    pub group_nodes: Option<u64>,
    /// Replaces [`Thresholds::group_ratio`]; without effect on a masternode.
    pub group_ratio: Option<f64>,
}

impl ThresholdOverrides {
    fn over(&self, general: Thresholds) -> Thresholds {
        Thresholds {
            imminent_chance: self.imminent_chance.unwrap_or(general.imminent_chance),
            recent_seconds: self.recent_seconds.unwrap_or(general.recent_seconds),
            repeated_steps: self.repeated_steps.unwrap_or(general.repeated_steps),
            shortest_cycle: self.shortest_cycle.unwrap_or(general.shortest_cycle),
            overdue_blocks: self.overdue_blocks.unwrap_or(general.overdue_blocks),
            group_nodes: self.group_nodes.unwrap_or(general.group_nodes),
            group_ratio: self.group_ratio.unwrap_or(general.group_ratio),
            ..general
        }
    }
}

/// Thresholds of a group that differ.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupThresholds {
    /// The key, such as `operator`.
    pub key: String,
    /// The group, such as `acme`.
    pub group: String,
    /// What differs.
    pub overrides: ThresholdOverrides,
}

/// All thresholds of an exporter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThresholdSettings {
    /// The general ones.
    pub general: Thresholds,
    /// Those of groups, the most important first.
    pub groups: Vec<GroupThresholds>,
}

impl ThresholdSettings {
    /// The thresholds of a watched masternode: those of its entry, then those of its groups, then the general ones.
    pub fn of_masternode(&self, target: &WatchTarget) -> Thresholds {
        let of_target = |group: &&GroupThresholds| target.groups.get(&group.key) == Some(&group.group);
        let of_groups = self.groups.iter().filter(of_target).rev();
        let groups = of_groups.fold(self.general, |thresholds, group| group.overrides.over(thresholds));
        target.thresholds.over(groups)
    }

    /// The thresholds of a group as a whole.
    pub fn of_group(&self, key: &str, group: &str) -> Thresholds {
        let own = self.groups.iter().filter(|own| own.key == key && own.group == group).rev();
        own.fold(self.general, |thresholds, group| group.overrides.over(thresholds))
    }
}
