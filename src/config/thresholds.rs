//! The thresholds of conditions: `alerting.thresholds` in general and for groups, `watch[].thresholds` for an entry.
//!
//! Never here: conditions (`domain::condition`).

use std::collections::BTreeSet;
use std::time::Duration;

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};

use crate::config::WatchConfig;
use crate::config::leaf::{DAY, Kind, LabelText, Leaf, List, MINUTE, Ratio, Span, Whole};
use crate::config::mistakes::{Place, required};
use crate::config::network::count;
use crate::config::receiver_match::suggestion;
use domain::condition::{GroupThresholds, ThresholdOverrides, ThresholdSettings, Thresholds};

/// A number of blocks, masternodes or windows.
type Count = Whole<1, 1_000_000>;
/// A period for which events count as recent: a day of Dash's mainnet has fewer events than the exporter keeps in memory.
type Recent = Span<MINUTE, DAY>;
/// A multiple of a penalty step.
type Factor = Leaf<FactorKind>;

/// A number from 1 to 100.
struct FactorKind;

impl Kind for FactorKind {
    type Value = f64;

    fn read(text: &str) -> Result<f64, String> {
        let number = text.parse::<f64>().ok().filter(|number| (1.0..=100.0).contains(number));
        number.ok_or_else(|| format!("{text:?} is not a number from 1 to 100"))
    }

    fn schema() -> Schema {
        json_schema!({"type": "number", "title": "number, 1–100", "minimum": 1, "maximum": 100})
    }

    fn write(number: &f64) -> serde_json::Value {
        (*number).into()
    }
}

/// Limits from which alerts follow.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ThresholdsSection {
    /// Probability of a test above which a ban is imminent.
    imminent_chance: Ratio,
    /// Period for which an event counts as recent: a penalty, a lost payment, skipped blocks.
    recent: Recent,
    /// Repeated failures: multiple of the penalty of one failure above which a score needs two within one decay.
    repeated_steps: Factor,
    /// Share of all masternodes from which penalties are a wave …
    wave_ratio: Ratio,
    /// … and the least number of them.
    wave_minimum: Count,
    /// Number of masternodes of a group that fire an alert, whatever the size of the group.
    group_nodes: Count,
    /// Share of a group that fires an alert too, from two masternodes on; a third by default.
    group_ratio: Ratio,
    /// Age of the tip of a stalled chain; without it, the longer of 30 minutes and 15 measured block intervals.
    stalled_after: Option<Span<MINUTE, { 30 * DAY }>>,
    /// Blocks by which ChainLocks may lag.
    chainlock_lag: Count,
    /// Number of mining windows without a quorum of a type that fires an alert.
    quorum_windows: Count,
    /// Time before the expected activation of a consensus change from which it is near.
    fork_near: Span<MINUTE, { 365 * DAY }>,
    /// Number of blocks at the head of the payment queue from which a payment is overdue.
    overdue_blocks: Count,
    /// Payment cycle, in blocks, up to which no payment is overdue: in a short cycle, waiting at the head means nothing.
    shortest_cycle: Count,
    /// Period for which data of a source that was not understood fires an alert.
    not_understood: Span<MINUTE, { 30 * DAY }>,
    /// Period for which the last report of a source about itself counts when it stops reporting.
    source_silence: Span<MINUTE, DAY>,
    /// Thresholds of groups of `watch` that differ. If a masternode is in several of them, the first one counts.
    groups: List<GroupThresholdsSection>,
}

/// Thresholds of one group of `watch`, and of its masternodes.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["key", "group"]))]
struct GroupThresholdsSection {
    /// Key of the group in `watch[].groups`.
    key: Option<LabelText>,
    /// The group.
    group: Option<LabelText>,
    /// As in `alerting.thresholds`, for each of its masternodes.
    imminent_chance: Option<Ratio>,
    /// As in `alerting.thresholds`, for the group and each of its masternodes.
    recent: Option<Recent>,
    /// As in `alerting.thresholds`, for each of its masternodes.
    repeated_steps: Option<Factor>,
    /// As in `alerting.thresholds`, for each of its masternodes.
    overdue_blocks: Option<Count>,
    /// As in `alerting.thresholds`, for each of its masternodes.
    shortest_cycle: Option<Count>,
    /// As in `alerting.thresholds`.
    group_nodes: Option<Count>,
    /// As in `alerting.thresholds`.
    group_ratio: Option<Ratio>,
}

/// Thresholds of the masternodes of one entry that differ. Those that are missing are the ones of its groups, or general.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EntryThresholdsSection {
    /// As in `alerting.thresholds`.
    imminent_chance: Option<Ratio>,
    /// As in `alerting.thresholds`.
    recent: Option<Recent>,
    /// As in `alerting.thresholds`.
    repeated_steps: Option<Factor>,
    /// As in `alerting.thresholds`.
    overdue_blocks: Option<Count>,
    /// As in `alerting.thresholds`.
    shortest_cycle: Option<Count>,
}

impl Default for ThresholdsSection {
    fn default() -> Self {
        let default = Thresholds::DEFAULT;
        let seconds = Duration::from_secs;
        ThresholdsSection {
            imminent_chance: Leaf(default.imminent_chance),
            recent: Leaf(seconds(default.recent_seconds)),
            repeated_steps: Leaf(default.repeated_steps),
            wave_ratio: Leaf(default.wave_ratio),
            wave_minimum: Leaf(default.wave_minimum),
            group_nodes: Leaf(default.group_nodes),
            group_ratio: Leaf(default.group_ratio),
            stalled_after: None,
            chainlock_lag: Leaf(default.chainlock_lag.into()),
            quorum_windows: Leaf(default.quorum_windows.into()),
            fork_near: Leaf(seconds(default.fork_near_seconds)),
            overdue_blocks: Leaf(default.overdue_blocks.into()),
            shortest_cycle: Leaf(default.shortest_cycle.into()),
            not_understood: Leaf(seconds(default.not_understood_seconds)),
            source_silence: Leaf(seconds(default.source_silence_seconds)),
            groups: List::default(),
        }
    }
}

impl ThresholdsSection {
    /// The settings. A group that no entry of `watch` has is an error, unless the list `grows` with files.
    pub(super) fn settings(self, (watch, grows): (&[WatchConfig], bool), at: &Place<'_>) -> ThresholdSettings {
        let general = Thresholds {
            imminent_chance: self.imminent_chance.0,
            recent_seconds: self.recent.0.as_secs(),
            repeated_steps: self.repeated_steps.0,
            wave_ratio: self.wave_ratio.0,
            wave_minimum: self.wave_minimum.0,
            group_nodes: self.group_nodes.0,
            group_ratio: self.group_ratio.0,
            stalled_seconds: self.stalled_after.map(|after| after.0.as_secs()),
            chainlock_lag: count(self.chainlock_lag.0),
            quorum_windows: count(self.quorum_windows.0),
            fork_near_seconds: self.fork_near.0.as_secs(),
            shortest_cycle: count(self.shortest_cycle.0),
            overdue_blocks: count(self.overdue_blocks.0),
            not_understood_seconds: self.not_understood.0.as_secs(),
            source_silence_seconds: self.source_silence.0.as_secs(),
        };
        let groups_at = at.key("groups");
        let mut groups: Vec<GroupThresholds> = Vec::new();
        for (index, section) in self.groups.each() {
            let at = groups_at.index(index);
            let Some(own) = section.settings(watch, grows, &at) else { continue };
            if groups.iter().any(|earlier| earlier.key == own.key && earlier.group == own.group) {
                at.key("group").error("an earlier entry has the same group");
            }
            groups.push(own);
        }
        ThresholdSettings { general, groups }
    }
}

impl GroupThresholdsSection {
    fn settings(self, watch: &[WatchConfig], grows: bool, at: &Place<'_>) -> Option<GroupThresholds> {
        let (key, group) = (required(self.key, "key", at), required(self.group, "group", at));
        let (key, group) = (key?.0, group?.0);
        let known: BTreeSet<&str> =
            watch.iter().filter_map(|(_, entry)| entry.groups.get(&key)).map(String::as_str).collect();
        if grows {
            // Another file may have it later.
        } else if known.is_empty() {
            let keys = watch.iter().flat_map(|(_, entry)| entry.groups.keys()).map(String::as_str);
            let keys: BTreeSet<&str> = keys.collect();
            let hint = suggestion(&key, keys.iter().copied());
            at.key("key").error(format_args!("no entry of watch has a group {key:?}{hint}"));
        } else if !known.contains(group.as_str()) {
            let hint = suggestion(&group, known.iter().copied());
            at.key("group").error(format_args!("no entry of watch has the group {key}={group:?}{hint}"));
        }
        let overrides = ThresholdOverrides {
            imminent_chance: self.imminent_chance.map(|chance| chance.0),
            recent_seconds: self.recent.map(|recent| recent.0.as_secs()),
            repeated_steps: self.repeated_steps.map(|steps| steps.0),
            shortest_cycle: self.shortest_cycle.map(|blocks| count(blocks.0)),
            overdue_blocks: self.overdue_blocks.map(|blocks| count(blocks.0)),
            group_nodes: self.group_nodes.map(|nodes| nodes.0),
            group_ratio: self.group_ratio.map(|ratio| ratio.0),
        };
        Some(GroupThresholds { key, group, overrides })
    }
}

impl EntryThresholdsSection {
    /// What differs.
    pub(super) fn overrides(self) -> ThresholdOverrides {
        ThresholdOverrides {
            imminent_chance: self.imminent_chance.map(|chance| chance.0),
            recent_seconds: self.recent.map(|recent| recent.0.as_secs()),
            repeated_steps: self.repeated_steps.map(|steps| steps.0),
            shortest_cycle: self.shortest_cycle.map(|blocks| count(blocks.0)),
            overdue_blocks: self.overdue_blocks.map(|blocks| count(blocks.0)),
            ..ThresholdOverrides::default()
        }
    }
}
