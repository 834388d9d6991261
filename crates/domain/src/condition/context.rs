//! The input of a condition: one subject with its surroundings.
//!
//! Never here: a verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::condition::Verdict;
use crate::condition::event_digest::EventDigest;
use crate::condition::life::MISSING_HOLD_SECONDS;
use crate::condition::memory::NetworkMemory;
use crate::condition::thresholds::Thresholds;
use crate::dkg::QuorumType;
use crate::masternode::{Height, UnixSeconds};
use crate::network_state::{Moment, NetworkState, SourceHealth};
use crate::probe::Probe;
use crate::requirement::Case;
use crate::snapshot::{NodeView, Snapshot, WatchedEntry};

/// How far ahead of a node's own clock the time of a block may be: `MAX_FUTURE_BLOCK_TIME` in `src/chain.h` of Dash Core.
pub(super) const MOST_AHEAD_SECONDS: u64 = 7_200;

/// The input of an evaluation.
pub struct EvaluationInput {
    /// All configured networks.
    pub networks: Vec<Arc<NetworkState>>,
    /// This process.
    pub process: ProcessState,
    /// The present.
    pub now: Moment,
    /// Networks whose tip was read before a jump of the wall clock: the age of the tip is not known.
    pub jumped: BTreeSet<Arc<str>>,
}

/// State of this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessState {
    /// Whether the last load of the configuration succeeded.
    pub config_good: bool,
    /// Whether the last load of the web configuration file succeeded; also true without one.
    pub web_config_good: bool,
    /// Number of damaged events in the history file. `None` until it was checked, and without a history file.
    pub history_damaged: Option<u64>,
    /// When damage was last found for which the history file was opened again or replaced. `None` if that is long ago.
    pub history_damaged_at: Option<UnixSeconds>,
    /// Whether the history file can be written. `None` without one.
    pub history_writable: Option<bool>,
    /// Samples that the series limit removes from the exposition.
    pub suppressed_series: u64,
    /// What is wrong with entries of the watch list and of maintenance, each in sentences; `None` while the list of a network is
    /// not known.
    pub entry_problems: Option<Vec<String>>,
    /// What is wrong with the files of the watch list, each as a sentence.
    pub watch_file_problems: Vec<String>,
    /// Whether entries of the watch list may be missing, because files or the history could not be read.
    pub is_watch_list_partial: bool,
    /// Every receiver of notifications.
    pub receivers: Vec<ReceiverState>,
    /// Kinds of critical alerts that no receiver gets although there are receivers.
    pub unrouted: Vec<String>,
}

/// State of a receiver of notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverState {
    /// Its configured name.
    pub name: String,
    /// Whether its last messages failed. `None` if none was sent since the start.
    pub failing: Option<bool>,
}

/// A network.
pub struct NetworkContext<'a> {
    /// Its published state.
    pub state: &'a NetworkState,
    /// Its list. `None` if the list is too old to draw conclusions.
    pub fresh: Option<&'a Snapshot>,
    /// The general thresholds. Masternodes and groups have their own.
    pub thresholds: &'a Thresholds,
    /// The present.
    pub now: Moment,
    /// Whether its tip was read before a jump of the wall clock.
    pub jumped: bool,
    /// Events before the tip.
    pub events: EventDigest<'a>,
    /// Facts of earlier evaluations.
    pub memory: &'a NetworkMemory,
    /// Blocks in which every masternode is paid once; 0 if not known.
    pub cycle: u32,
}

impl NetworkContext<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.state.network
    }

    /// Whether this process has followed the network for less than `seconds`: earlier events may not be known.
    pub fn is_young(&self, seconds: u64) -> bool {
        self.state.since.age(self.now).as_secs() < seconds
    }

    /// Whether the wall clock is behind: no node accepts a block from further than two hours ahead of its own clock
    /// (`MAX_FUTURE_BLOCK_TIME` in `src/chain.h` of Dash Core).
    pub fn is_clock_behind(&self, tip: UnixSeconds) -> bool {
        self.now.unix.0.saturating_add(MOST_AHEAD_SECONDS) < tip.0
    }

    /// Whether a block is at most `seconds` old. Measured by block time, because the wall clock may jump.
    pub fn is_within(&self, seconds: u64, height: Height) -> bool {
        self.fresh.is_some_and(|snapshot| {
            let blocks = snapshot.facts().blocks_in(seconds, snapshot.rules());
            snapshot.block().height.above(height) < blocks
        })
    }
}

/// A watched masternode of a fresh list.
pub struct NodeContext<'a> {
    /// Its network.
    pub network: &'a NetworkContext<'a>,
    /// The list.
    pub snapshot: &'a Snapshot,
    /// Its entry of the watch list.
    pub watched: &'a WatchedEntry,
    /// Its entry of the masternode list. `None` if it is not in the list.
    pub view: Option<NodeView<'a>>,
    /// Its last probe.
    pub probe: Option<&'a Probe>,
    /// Its thresholds.
    pub thresholds: Thresholds,
}

impl<'a> NodeContext<'a> {
    /// The verdict on a masternode that is not in the list. Unknown until `MasternodeMissing` fires, so that a masternode
    /// that leaves the list is not all clear in between; inapplicable after that.
    pub fn absent(&self) -> Verdict {
        let absent = self.network.memory.absent_seconds(&self.watched.watched.id, self.network.now);
        match absent {
            Some(seconds) if seconds > MISSING_HOLD_SECONDS.into() => Verdict::Inapplicable,
            _ => Verdict::Unknown,
        }
    }

    /// The verdict on a masternode that lacks what a condition needs: inapplicable if it is in the list.
    pub fn inapplicable(&self) -> Verdict {
        if self.view.is_none() { self.absent() } else { Verdict::Inapplicable }
    }

    /// Everything known of its requirements. `None` if it is not in the list.
    pub fn case(&self) -> Option<Case<'a>> {
        Case::of(self.snapshot, self.view.as_ref(), self.probe)
    }

    /// The first words of a text: `Masternode mn-1 operator=acme on dash-main`.
    pub fn who(&self) -> String {
        let target = &self.watched.watched;
        let mut text = String::from("Masternode ");
        match target.alias.as_str() {
            "" => text += &target.id.to_string(),
            alias => text += alias,
        }
        for (key, group) in &target.groups {
            text += &format!(" {key}={group}");
        }
        text + " on " + self.network.name()
    }
}

/// A group of the watch list.
pub struct GroupContext<'a> {
    /// Its network.
    pub network: &'a NetworkContext<'a>,
    /// The list.
    pub snapshot: &'a Snapshot,
    /// The key, such as `operator`.
    pub key: &'a str,
    /// The group, such as `acme`.
    pub group: &'a str,
    /// Its members, in the list or not.
    pub members: Vec<&'a WatchedEntry>,
    /// Its thresholds.
    pub thresholds: Thresholds,
}

/// The quorums of one type.
pub struct QuorumTypeContext<'a> {
    /// Their network.
    pub network: &'a NetworkContext<'a>,
    /// The list.
    pub snapshot: &'a Snapshot,
    /// The type.
    pub quorum_type: &'a QuorumType,
}

/// A source.
pub struct SourceContext<'a> {
    /// Its network.
    pub network: &'a NetworkContext<'a>,
    /// Its state.
    pub source: &'a SourceHealth,
}

impl SourceContext<'_> {
    /// The first words of a text: `Source local of dash-main`.
    pub fn who(&self) -> String {
        format!("Source {} of {}", self.source.name, self.network.name())
    }
}
