//! The state of one network: the value that its follower publishes, and that exposition, alerting, API, pages and
//! readiness read. Metrics are written from it; no decision reads a metric.
//!
//! Never here: how the values were obtained.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::ChainRules;
use crate::condition::{Thresholds, text};
use crate::event::Event;
use crate::list_proof::{ListMismatch, ListProofStatus};
use crate::masternode::{Height, MasternodeId, UnixSeconds};
use crate::probe::Probes;
use crate::snapshot::Snapshot;
use crate::watch::WatchTarget;

/// A point in time by the wall clock and by the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the wall clock, which may jump.
    pub unix: UnixSeconds,
    /// Since the process started, by the monotonic clock. Ages are measured with it.
    pub uptime: Duration,
}

impl Moment {
    /// Time from this point to `now`, unaffected by changes of the wall clock.
    #[must_use]
    pub fn age(&self, now: Moment) -> Duration {
        now.uptime.saturating_sub(self.uptime)
    }
}

/// The known state of one network.
#[derive(Clone)]
pub struct NetworkState {
    /// Its configured name.
    pub network: Arc<str>,
    /// The rules of its chain.
    pub rules: Arc<ChainRules>,
    /// The newest list with all derived values. `None` before the first list, and when no source confirmed it for
    /// longer than `stale_after`.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The snapshot that was published last, while there is none: for names, groups and events only, since its states are
    /// no longer known.
    pub withdrawn: Option<Arc<Snapshot>>,
    /// The masternodes that are watched whatever is on the list ([`WatchList::named`](crate::watch::WatchList::named)).
    pub named: Arc<[WatchTarget]>,
    /// Its sources in the order of the configuration.
    pub sources: Vec<SourceHealth>,
    /// When the source in use last confirmed the list; `None` if none did yet. A source that is not in use confirms nothing.
    pub confirmed: Option<Moment>,
    /// The last probe of each watched masternode; `None` if probes are off.
    pub probes: Option<Arc<Probes>>,
    /// Blocks that were not followed one by one since the process started.
    pub gap_blocks: u64,
    /// Values in answers that were not understood since the process started.
    pub not_understood: u64,
    /// Scores in lists that were not the computed ones since the process started.
    pub score_disagreements: u64,
    /// First block under the rules of the next consensus change, once it is final.
    pub fork_activation: Option<Height>,
    /// When following the network began.
    pub since: Moment,
    /// Without a confirmation for this long, the state is stale.
    pub stale_after: Duration,
    /// Age of the tip at which the chain counts as stalled, in seconds, if it is configured.
    pub stalled_seconds: Option<u64>,
}

/// The known state of one source node. `None` is unknown: not requested yet, or not reported by the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// Its configured name.
    pub name: Arc<str>,
    /// Whether it answered the last request.
    pub up: Option<bool>,
    /// Whether it was usable and in sync.
    pub synced: Option<bool>,
    /// Whether it is on the configured chain and network.
    pub network_match: Option<bool>,
    /// When it last confirmed the list, or, if it is not in use, reported a tip in sync.
    pub last_success: Option<Moment>,
    /// Height of its own tip.
    pub height: Option<Height>,
    /// Blocks by which its tip is behind the best tip or header of all sources of its network.
    pub blocks_behind: Option<u32>,
    /// Time in the header of its own tip.
    pub tip_time: Option<UnixSeconds>,
    /// Its connections to other nodes.
    pub connections: Option<u32>,
    /// Whether it is isolated from its network.
    pub isolated: Option<bool>,
    /// Whether it runs a release with a known fault.
    pub release_bad: Option<bool>,
    /// Whether its index of compact block filters is synced; `None` also if it builds none.
    pub filter_index_synced: Option<bool>,
    /// Whether it follows the next consensus change.
    pub follows_fork: Option<bool>,
    /// Whether it is on another chain than the followed one.
    pub fork_split: Option<bool>,
    /// Whether the last list of it that was checked is the one to which its block commits.
    pub list_proof: ListProofStatus,
    /// Its own masternode; `None` if it is not a masternode or does not report it.
    pub masternode: Option<OwnMasternode>,
}

/// The masternode that a source runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMasternode {
    /// Its identity, if known.
    pub id: Option<MasternodeId>,
    /// Its own view of its state: `ready`, `waiting`, `pose_banned`, `removed`, `operator_key_changed`,
    /// `address_changed`, `not_capable`, `error`, `unknown`.
    pub state: Arc<str>,
}

impl NetworkState {
    /// A network of which nothing is known yet, followed since `since` through sources of these names.
    #[must_use]
    pub fn new<'a>(
        network: &str,
        rules: Arc<ChainRules>,
        stale_after: Duration,
        since: Moment,
        sources: impl IntoIterator<Item = &'a str>,
    ) -> NetworkState {
        let source = |name: &str| SourceHealth { name: name.into(), ..SourceHealth::default() };
        NetworkState {
            network: network.into(),
            rules,
            snapshot: None,
            withdrawn: None,
            named: Arc::new([]),
            sources: sources.into_iter().map(source).collect(),
            confirmed: None,
            probes: None,
            gap_blocks: 0,
            not_understood: 0,
            score_disagreements: 0,
            fork_activation: None,
            since,
            stale_after,
            stalled_seconds: None,
        }
    }
}

/// A list that was confirmed longer ago than this, in seconds, says nothing about the present.
pub const FRESH_SECONDS: u64 = 300;

impl NetworkState {
    /// The snapshot, if the source in use confirmed it recently by the wall clock `now`: for pages, which show nothing older as
    /// the present. `None` while the list is unknown, in [doubt](NetworkState::doubt), or not confirmed for [`FRESH_SECONDS`] or `stale_after`.
    #[must_use]
    pub fn fresh(&self, now: UnixSeconds) -> Option<&Snapshot> {
        let limit = self.stale_after.as_secs().min(FRESH_SECONDS);
        let is_fresh = self.confirmed.is_none_or(|confirmed| now.0.saturating_sub(confirmed.unix.0) <= limit);
        self.snapshot.as_deref().filter(|_| is_fresh && self.doubt(now).is_none())
    }

    /// Why the list in use does not describe the present although a source confirms it, in words: it is refuted, its block is older
    /// than a chain that is not stalled has, or no source that answers has peers.
    #[must_use]
    pub fn doubt(&self, now: UnixSeconds) -> Option<String> {
        let snapshot = self.snapshot.as_deref()?;
        if let Some(mismatch) = self.mismatch() {
            return Some(format!("the list is not trustworthy: {mismatch}"));
        }
        let thresholds = Thresholds { stalled_seconds: self.stalled_seconds, ..Thresholds::DEFAULT };
        let age = now.0.saturating_sub(snapshot.block().time.0);
        if age > thresholds.stalled_after(snapshot.facts().spacing_seconds(snapshot.rules())) {
            return Some(format!("the newest block is {} old", text::duration(age)));
        }
        let mut answering = self.sources.iter().filter(|source| source.up == Some(true)).peekable();
        let are_isolated = answering.peek().is_some() && answering.all(|source| source.isolated == Some(true));
        are_isolated.then(|| "no source has connections to other nodes".into())
    }

    /// The snapshot, unless its list is refuted: such a list may hide a ban.
    #[must_use]
    pub fn trusted(&self) -> Option<&Snapshot> {
        self.snapshot.as_deref().filter(|_| self.mismatch().is_none())
    }

    /// Why the list in use is refuted: it is not the one that its block commits to.
    #[must_use]
    pub fn mismatch(&self) -> Option<&ListMismatch> {
        match &self.snapshot.as_deref()?.facts().list_proof.status {
            ListProofStatus::Refuted(mismatch) => Some(mismatch),
            _ => None,
        }
    }

    /// Since when its masternodes are not known, if they are not: the last confirmation of the list, or the start.
    #[must_use]
    pub fn unknown_since(&self) -> UnixSeconds {
        self.confirmed.unwrap_or(self.since).unix
    }

    /// The last snapshot, current or not: for names, groups and events only.
    #[must_use]
    pub fn last(&self) -> Option<&Snapshot> {
        self.snapshot.as_deref().or(self.withdrawn.as_deref())
    }

    /// The watched masternodes, also while there is no list: those of the last snapshot, or those that are named, ascending
    /// by identity.
    #[must_use]
    pub fn watched(&self) -> Vec<&WatchTarget> {
        let mut watched: BTreeMap<MasternodeId, &WatchTarget> =
            self.named.iter().map(|target| (target.id, target)).collect();
        let of_last = self.last().into_iter().flat_map(|last| last.watched()).map(|entry| &entry.watched);
        watched.extend(of_last.map(|target| (target.id, target)));
        watched.into_values().collect()
    }

    /// The last events of the followed chain, oldest first, also while there is no list.
    #[must_use]
    pub fn recent_events(&self) -> &[Event] {
        self.last().map_or(&[], Snapshot::recent_events)
    }
}

impl SourceHealth {
    /// It answered usefully at `now`.
    pub fn confirm(&mut self, now: Moment) {
        (self.up, self.synced, self.network_match) = (Some(true), Some(true), Some(true));
        self.last_success = Some(now);
    }

    /// It cannot be used; `answers` tells whether it answered at all.
    pub fn fail(&mut self, answers: bool) {
        (self.up, self.synced) = (Some(answers), Some(false));
    }

    /// It says nothing of itself any more: what it said is no longer known.
    pub fn forget_statements(&mut self) {
        *self = SourceHealth {
            name: Arc::clone(&self.name),
            up: self.up,
            synced: self.synced,
            network_match: self.network_match,
            last_success: self.last_success,
            follows_fork: self.follows_fork,
            fork_split: self.fork_split,
            list_proof: self.list_proof.clone(),
            ..SourceHealth::default()
        };
    }
}
