//! What a condition looks at: one subject with everything around it.
//!
//! Never here: a verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::condition::memory::{EventDigest, NetworkMemory};
use crate::condition::thresholds::Thresholds;
use crate::dkg::QuorumType;
use crate::masternode::Height;
use crate::network_state::{Moment, NetworkState, SourceHealth};
use crate::probe::Probe;
use crate::requirement::Case;
use crate::snapshot::{NodeView, Snapshot, WatchedEntry};

/// Everything that is evaluated.
pub struct EvaluationInput {
    /// All configured networks.
    pub networks: Vec<Arc<NetworkState>>,
    /// This process.
    pub process: ProcessState,
    /// The present.
    pub now: Moment,
    /// Networks whose tip is still that of before the wall clock jumped: its age is not known.
    pub jumped: BTreeSet<Arc<str>>,
}

/// What is known of this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessState {
    /// Whether the configuration could be read when it was last tried.
    pub config_good: bool,
    /// Whether the web configuration file could be used when it was last read; also true where there is none.
    pub web_config_good: bool,
    /// Damaged events of the history file; `None` until it was checked, and where there is none.
    pub history_damaged: Option<u64>,
    /// Whether the history can be written; `None` where there is none.
    pub history_writable: Option<bool>,
    /// Samples that the series limit keeps off the page.
    pub suppressed_series: u64,
    /// Entries of the watch list and of maintenance that match no masternode of any network; `None` while the list of a network
    /// is not known.
    pub unmatched_entries: Option<Vec<String>>,
    /// Every receiver of notifications.
    pub receivers: Vec<ReceiverState>,
}

/// What is known of a receiver of notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverState {
    /// Its configured name.
    pub name: String,
    /// Whether its last messages were refused or did not arrive; `None` when none was sent since the start.
    pub failing: Option<bool>,
}

/// A network.
pub struct NetworkContext<'a> {
    /// What is known of it.
    pub state: &'a NetworkState,
    /// Its list, where it is fresh enough to conclude anything from.
    pub fresh: Option<&'a Snapshot>,
    /// The limits.
    pub thresholds: &'a Thresholds,
    /// The present.
    pub now: Moment,
    /// Its tip is that of before the wall clock jumped.
    pub jumped: bool,
    /// What happened within [`Thresholds::recent_seconds`] before the tip.
    pub events: EventDigest<'a>,
    /// What earlier evaluations saw.
    pub memory: &'a NetworkMemory,
    /// Blocks in which everybody is paid once; 0 where that is not known.
    pub cycle: u32,
}

impl NetworkContext<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.state.network
    }

    /// Whether this process follows the network for less than `seconds`: what happened before may not be known to it.
    pub fn is_young(&self, seconds: u64) -> bool {
        self.state.since.age(self.now).as_secs() < seconds
    }

    /// Whether a block lies within the recent past. By the time of blocks, not by our clock, which may jump.
    pub fn is_recent(&self, height: Height) -> bool {
        self.fresh.is_some_and(|snapshot| {
            let blocks = snapshot.facts().blocks_in(self.thresholds.recent_seconds, snapshot.rules());
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
    /// Its entry of the list; `None` when it is not on it.
    pub view: Option<NodeView<'a>>,
    /// The last probe of it.
    pub probe: Option<&'a Probe>,
}

impl<'a> NodeContext<'a> {
    /// Everything that is known of its requirements; `None` when it is not on the list.
    pub fn case(&self) -> Option<Case<'a>> {
        Case::of(self.snapshot, self.view.as_ref(), self.probe)
    }

    /// How a text begins: `Masternode mn-1 operator=acme on dash-main`.
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
    /// Its members, on the list or not.
    pub members: Vec<&'a WatchedEntry>,
}

/// The quorums of a type.
pub struct QuorumTypeContext<'a> {
    /// Their network.
    pub network: &'a NetworkContext<'a>,
    /// The list.
    pub snapshot: &'a Snapshot,
    /// Which.
    pub quorum_type: &'a QuorumType,
}

/// A source.
pub struct SourceContext<'a> {
    /// Its network.
    pub network: &'a NetworkContext<'a>,
    /// What is known of it.
    pub source: &'a SourceHealth,
}

impl SourceContext<'_> {
    /// How a text begins: `Source local of dash-main`.
    pub fn who(&self) -> String {
        format!("Source {} of {}", self.source.name, self.network.name())
    }
}
