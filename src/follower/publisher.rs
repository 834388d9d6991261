//! The published state of a network: the snapshot of the tip, and the health of the sources.
//!
//! Never here: following a chain; choosing a source.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use crate::follower::block_sync::ChainSync;
use crate::follower::online_backfill::reached;
use crate::follower::source_pool::SourcePool;
use crate::follower::{FollowerSettings, watch_entries};
use crate::meters::Meters;
use crate::rpc::Client;
use domain::chain_facts::ChainFacts;
use domain::list::Block;
use domain::masternode::{BlockHash, UnixSeconds};
use domain::snapshot::SnapshotInputs;
use domain::{Moment, NetworkState, Snapshot};

/// The channel for the state of a network. Initially everything is unknown except the totals since the process started.
pub fn state_channel(
    settings: &FollowerSettings,
    clients: &[Client],
    meters: &Meters,
) -> (watch::Sender<Arc<NetworkState>>, watch::Receiver<Arc<NetworkState>>) {
    let since = Moment { unix: (settings.clock)(), uptime: settings.started.elapsed() };
    let names = clients.iter().map(Client::name);
    let FollowerSettings { network, rules, stale_after, .. } = settings;
    let state = NetworkState {
        gap_blocks: meters.network(network).gap_blocks.total(),
        not_understood: meters.not_understood(network).total(),
        score_disagreements: meters.network(network).score_disagreements.total(),
        stalled_seconds: settings.stalled_seconds,
        ..NetworkState::new(network, rules.clone(), *stale_after, since, names)
    };
    watch::channel(Arc::new(state))
}

/// See the module.
pub(super) struct Publisher {
    state: watch::Sender<Arc<NetworkState>>,
    /// When the list was last read from a node.
    pub(super) read_at: UnixSeconds,
    /// That nothing is watched was logged.
    is_nothing_logged: bool,
}

impl Publisher {
    /// Publishes to `state`.
    pub(super) fn new(state: watch::Sender<Arc<NetworkState>>) -> Publisher {
        Publisher { state, read_at: UnixSeconds(0), is_nothing_logged: false }
    }

    /// Whether a snapshot is published.
    pub(super) fn is_published(&self) -> bool {
        self.state.borrow().snapshot.is_some()
    }

    /// Whether the published snapshot is of this block.
    pub(super) fn is_published_at(&self, tip: &BlockHash) -> bool {
        self.state.borrow().snapshot.as_ref().is_some_and(|snapshot| snapshot.block().hash == *tip)
    }

    /// Whether a snapshot of a block before `tip` is published.
    pub(super) fn is_published_before(&self, tip: &Block) -> bool {
        self.state.borrow().snapshot.as_ref().is_some_and(|snapshot| snapshot.block().height < tip.height)
    }

    /// Publishes the health of the sources. A published snapshot stays.
    pub(super) fn publish_sources(&self, sources: &SourcePool, chain: &ChainSync) {
        self.state.send_modify(|state| complete(Arc::make_mut(state), sources, chain));
    }

    /// Logs once that no masternode is watched. Called when the sources were asked whether they are masternodes.
    pub(super) fn log_nothing_watched(&mut self) {
        let is_nothing = self.state.borrow().snapshot.as_ref().is_some_and(|snapshot| snapshot.watched().is_empty());
        if is_nothing && !self.is_nothing_logged {
            watch_entries::log_nothing(&self.state.borrow().network);
        }
        self.is_nothing_logged = is_nothing;
    }

    /// Withdraws the snapshot; the sources stay.
    pub(super) fn withdraw(&self, sources: &SourcePool, chain: &ChainSync) {
        self.publish_snapshot(None, sources, chain);
    }

    /// What is published now, and stale at this time.
    pub(super) fn shown(&self, stale_at: Option<Instant>) -> Shown {
        Shown { confirmed: self.state.borrow().confirmed, state: self.state.clone(), stale_at }
    }

    /// Publishes the followed list with the facts that complete it. A list that hides a watched masternode would show
    /// it as not registered: then nothing is published.
    pub(super) fn publish(&self, sources: &SourcePool, chain: &mut ChainSync) {
        let ChainSync { recorded, enrichment, lists, settings, list_check, election_check, .. } = chain;
        let watching = &mut lists.watching;
        let (Some(followed), Some(facts)) = (recorded.followed(), enrichment.facts()) else { return };
        watching.set_own(sources.own());
        watching.select(followed.list());
        if watching.is_hidden_in(followed.list()) {
            return self.withdraw(sources, chain);
        }
        let inputs = SnapshotInputs {
            network: settings.network.clone(),
            rules: settings.rules.clone(),
            list: followed.list().clone(),
            facts: ChainFacts { list_proof: list_check.facts(followed.tip()), ..facts.clone() },
            read_at: self.read_at,
            watched: watching.targets().to_vec(),
            recent_events: followed.recent().cloned().collect(),
        };
        let matches = watching.matches(followed.list(), self.read_at);
        let before = Arc::clone(&self.state.borrow());
        let snapshot = Snapshot::new(inputs, followed.counters()).with_entry_matches(matches).after(before.last());
        election_check.note(followed, snapshot.payments().elections());
        watch_entries::log_problems(self.state.borrow().snapshot.as_deref(), &snapshot);
        self.publish_snapshot(Some(Arc::new(snapshot)), sources, chain);
    }

    fn publish_snapshot(&self, snapshot: Option<Arc<Snapshot>>, sources: &SourcePool, chain: &ChainSync) {
        self.state.send_modify(|state| {
            let state = Arc::make_mut(state);
            let before = std::mem::replace(&mut state.snapshot, snapshot);
            state.withdrawn = if state.snapshot.is_some() { None } else { before.or(state.withdrawn.take()) };
            complete(state, sources, chain);
        });
    }
}

/// A published snapshot, which may become stale while sources are read.
pub(super) struct Shown {
    /// When its list was confirmed.
    confirmed: Option<Moment>,
    state: watch::Sender<Arc<NetworkState>>,
    stale_at: Option<Instant>,
}

impl Shown {
    /// Waits for `work`. Withdraws the snapshot if it becomes stale meanwhile.
    pub(super) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = reached(self.stale_at) => self.withdraw(),
        }
        work.await
    }

    /// Withdraws the published snapshot unless it was confirmed meanwhile. The published sources stay as they are.
    fn withdraw(&self) {
        self.state.send_if_modified(|state| {
            let is_shown = state.snapshot.is_some() && state.confirmed == self.confirmed;
            if is_shown {
                let state = Arc::make_mut(state);
                state.withdrawn = state.snapshot.take();
                warn!(
                    network = %state.network,
                    "Masternode list of {} is stale, removing its series: no source confirmed it for {:?}, and a source is \
                     still being read",
                    state.network, state.stale_after
                );
            }
            is_shown
        });
    }
}

fn complete(state: &mut NetworkState, sources: &SourcePool, chain: &ChainSync) {
    state.sources = sources.health();
    state.confirmed = sources.confirmed();
    state.gap_blocks = chain.recorded.meters.gap_blocks.total();
    state.not_understood = sources.forks.not_understood();
    state.fork_activation = sources.forks.activation_height();
    state.score_disagreements = chain.recorded.meters.score_disagreements.total();
    if !Arc::ptr_eq(&state.named, chain.lists.watching.named()) {
        state.named = Arc::clone(chain.lists.watching.named());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::follower::OptionalQueries;
    use crate::meters::NotUnderstood;
    use domain::chain::DASH;

    #[test]
    fn a_network_that_is_followed_again_begins_with_the_totals_of_the_process() {
        let settings = FollowerSettings {
            network: "net".into(),
            rules: Arc::new(DASH),
            expect: None,
            poll_interval: Duration::ZERO,
            stale_after: Duration::ZERO,
            stalled_seconds: None,
            resync_blocks: 1,
            max_gap_blocks: 1,
            ask: OptionalQueries::default(),
            backfill_blocks: 0,
            retention: Duration::ZERO,
            clock: || UnixSeconds(0),
            started: Instant::now(),
        };
        let meters = Meters::new(&prometheus::Registry::new());
        meters.network("net").gap_blocks.inc_by(500);
        meters.not_understood("net").add(NotUnderstood::ListEntry, 3);
        let (_publish, states) = state_channel(&settings, &[], &meters);
        assert_eq!((states.borrow().gap_blocks, states.borrow().not_understood), (500, 3));
    }
}
