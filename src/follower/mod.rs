//! Follows one network: from the list at the tip, block by block, over restarts of nodes, gaps and reorgs.
//!
//! A poll asks the best source for its tip. For each block that is new it takes the list's changes from the node
//! (`protx listdiff`), or the whole list where the node cannot tell changes. What follows is published as an immutable
//! [`Snapshot`]. The node's load depends on blocks, never on who reads the snapshot.
//!
//! With a history, counters go on where the process before ended, the blocks of the downtime are walked, and a block is
//! recorded before it is published.
//!
//! Never here: exposition, alerts, HTTP; publishing an old list as new.

mod block_replay;
mod block_sync;
mod chain_facts;
mod chain_state;
mod deep;
mod dkg_outcomes;
mod fork;
mod history_sink;
pub mod offline_backfill;
mod online_backfill;
mod quorum_selection;
mod quorums;
mod resume;
mod returned;
mod settings;
mod source;
mod source_health;
mod source_pool;
mod stale;
mod unreadable;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{debug, warn};

use crate::follower::chain_facts::Facts;
use crate::follower::chain_state::ChainState;
use crate::follower::history_sink::HistorySink;
use crate::follower::online_backfill::{OnlineBackfill, reached};
use crate::follower::quorum_selection::SelectionState;
use crate::follower::returned::TakenBack;
pub use crate::follower::settings::FollowerSettings;
use crate::follower::source::SourceError;
pub use crate::follower::source_health::OptionalQueries;
use crate::follower::source_pool::SourcePool;
use crate::history::Writer;
use crate::meters::{Meters, NetworkMeters};
use crate::rpc::{ChainInfo, Client};
use domain::counters::EventCounters;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::quorum::Quorums;
use domain::snapshot::SnapshotInputs;
use domain::watch::{WatchList, WatchTarget};
use domain::{Moment, NetworkState, Snapshot};

/// How often a list is read anew because another block came while it was read.
const MOVES: usize = 3;

/// Age at which a list that changes between blocks is read again although no block came, in seconds.
const REFRESH_SECONDS: u64 = 300;

/// How long a new list waits for the selection of the next quorums, so that both are published as one. A node that takes
/// longer keeps back no list: what it says is published when it says it.
const SELECTION_WAIT: Duration = Duration::from_secs(2);

/// Follows one network; see the module.
pub struct Follower {
    settings: FollowerSettings,
    sources: SourcePool,
    meters: NetworkMeters,
    watch_list: watch::Receiver<WatchList>,
    published: watch::Sender<Arc<NetworkState>>,
    book: Option<ChainState>,
    /// What was followed before the history was opened, until it is known where to go on.
    aside: Option<ChainState>,
    recorder: HistorySink,
    taken_back: TakenBack,
    filling: OnlineBackfill,
    /// The block of which the node did not say how its sessions ended when it was asked.
    unanswered: Option<BlockHash>,
    /// The history was opened, and its place on the chain is not found yet.
    is_resuming: bool,
    tallies: EventCounters,
    /// The counts in memory go on from those of the history.
    counts_history: bool,
    facts: Option<Facts>,
    drawn: SelectionState,
    quorums: Quorums,
    watched: Vec<WatchTarget>,
    read_at: UnixSeconds,
    peers_asked: usize,
}

/// Where the state of a network is published. Nothing is known of it at first.
pub fn state_channel(
    settings: &FollowerSettings,
    clients: &[Client],
) -> (watch::Sender<Arc<NetworkState>>, watch::Receiver<Arc<NetworkState>>) {
    let since = Moment { unix: (settings.clock)(), uptime: settings.started.elapsed() };
    let names = clients.iter().map(Client::name);
    let FollowerSettings { network, rules, stale_after, .. } = settings;
    watch::channel(Arc::new(NetworkState::new(network, rules.clone(), *stale_after, since, names)))
}

impl Follower {
    /// A follower of the network behind `clients`, the preferred one first. `watch_list` may change at any time. Of what is
    /// published it writes everything but the probes.
    pub fn new(
        settings: FollowerSettings,
        clients: Vec<Client>,
        meters: &Meters,
        watch_list: watch::Receiver<WatchList>,
        published: watch::Sender<Arc<NetworkState>>,
    ) -> Follower {
        let network = meters.network(&settings.network);
        let sources = SourcePool::new(settings.clone(), clients, meters.not_understood(&settings.network));
        Follower {
            recorder: HistorySink::new(&settings.network, None),
            settings,
            sources,
            meters: network,
            watch_list,
            published,
            book: None,
            aside: None,
            taken_back: TakenBack::default(),
            filling: OnlineBackfill::new(),
            unanswered: None,
            is_resuming: false,
            tallies: EventCounters::default(),
            counts_history: false,
            facts: None,
            drawn: SelectionState::default(),
            quorums: Quorums::default(),
            watched: Vec::new(),
            read_at: UnixSeconds(0),
            peers_asked: 0,
        }
    }

    /// The same, going on where the history ends and recording each block there before it is published.
    #[must_use]
    pub fn with_history(self, writer: Writer) -> Follower {
        Follower { recorder: HistorySink::new(&self.settings.network, Some(writer)), ..self }
    }

    /// Follows until the watch list's sender is gone, which is how the owner stops it.
    pub async fn run(mut self) {
        let mut timer = tokio::time::interval(self.settings.poll_interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased; // The tip goes before the past.
                changed = self.watch_list.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.watched.clear();
                    // What was withdrawn stays so: another watch list does not make it any fresher.
                    if self.is_published() {
                        self.publish();
                    }
                }
                _ = timer.tick() => self.poll().await,
                () = reached(self.filling.due()) => drop(self.fill().await),
            }
        }
    }

    /// Asks once: the first usable source is followed to its tip. Where none is usable, what is stale is withdrawn.
    pub async fn poll(&mut self) {
        if let Err(troubles) = self.try_sources().await {
            self.withdraw_if_stale(&troubles);
        }
        if self.sources.is_report_poll() {
            let list = self.book.as_ref().map(|book| book.list().clone());
            self.sources.ask_for_reports(list).await;
            self.learn_reports();
        }
        self.publish_sources();
    }

    /// As [`Follower::poll`], but says what is wrong: one line a source.
    pub async fn poll_once(&mut self) -> Result<(), Vec<String>> {
        let followed = self.try_sources().await;
        self.publish_sources();
        followed
    }

    async fn try_sources(&mut self) -> Result<(), Vec<String>> {
        self.sources.begin_poll();
        if self.sources.is_standby_poll() {
            self.sources.look_at_standbys(self.followed()).await;
        }
        for index in self.sources.by_preference(self.followed()) {
            if !self.sources.is_due(index) {
                continue;
            }
            match self.follow(index).await {
                Ok(tip) => {
                    self.sources.activate(index, tip);
                    return Ok(());
                }
                Err(trouble) => {
                    self.sources.failed(index, &trouble);
                    // To follow the next one may take minutes.
                    self.publish_sources();
                }
            }
        }
        Err(self.sources.complaints())
    }

    /// Height of the tip that is followed.
    fn followed(&self) -> Option<Height> {
        self.book.as_ref().map(|book| book.tip().height)
    }

    /// Follows a source to its tip and publishes what is new. What only improves the picture cannot keep it back.
    async fn follow(&mut self, index: usize) -> Result<Height, SourceError> {
        let best = self.sources[index].client.best_block_hash().await?;
        let book = self.book.as_ref().filter(|_| self.sources.active == Some(index));
        if let Some((depth, tip)) = book.and_then(|book| Some((book.depth_of(&best)?, book.tip().height))) {
            let is_shown = depth == 0 && self.is_published_at(&best);
            if is_shown && !self.sources.is_left_behind(index, Some(tip)) {
                // A node that stands still may have lost its sync: that is asked now and then, and after any trouble.
                if self.sources[index].trouble().is_some() || self.sources.is_standby_poll() {
                    self.sources.check(index, Some(tip)).await?;
                }
                if self.settings.rules.ping.is_some() {
                    self.refresh(index).await?;
                }
                self.relearn_quorums(index).await;
                self.sources.is_not_rolled_back();
                return Ok(tip);
            }
            if depth > 0 && self.sources.awaits_rollback() {
                return Err(SourceError::Behind(Height(tip.0.saturating_sub(depth as u32))));
            }
        }
        let followed = self.followed();
        let (identity, chain) = self.sources.check(index, followed).await?;
        if self.sources.active != Some(index) && self.is_behind(&chain) && !self.sources.is_astray(index, followed) {
            return Err(SourceError::Behind(chain.blocks));
        }
        self.sources.identity = Some(identity);
        self.resume(index, &chain).await?;
        self.sources.is_not_rolled_back();
        let chain = self.walk_to_tip(index, chain).await?;
        if let Some(tip) = self.book.as_ref().map(|book| *book.tip()) {
            self.sources.look_at_special(index, &tip).await;
        }
        self.refresh_chain_facts(index, &chain).await;
        self.learn_quorums(index).await;
        self.ask_for_peers(index).await;
        self.read_at = (self.settings.clock)();
        self.publish_with_selection(index).await?;
        match self.check_against_node(index).await {
            Ok(false) => {}
            Ok(true) => self.publish(),
            Err(trouble) => warn!(
                network = %self.settings.network,
                "the list of {} could not be compared with the node's: {trouble}",
                self.settings.network
            ),
        }
        Ok(self.book.as_ref().map_or(chain.blocks, |book| book.tip().height))
    }

    /// Publishes the new list once, with the selection of the next quorums. Where that takes longer than a moment, the list
    /// comes first.
    async fn publish_with_selection(&mut self, index: usize) -> Result<(), SourceError> {
        // What a node that takes long answered so far is lost, and asked for again below: not waited for, but for once.
        let quick = tokio::time::timeout(SELECTION_WAIT, self.update_quorum_selection(index)).await.ok();
        self.publish();
        self.refuse_hidden()?;
        let selected = match quick {
            Some((_, selected)) => selected,
            None => {
                let (is_news, selected) = self.update_quorum_selection(index).await;
                if is_news {
                    self.publish();
                }
                selected
            }
        };
        if let Err(trouble) = selected {
            debug!(
                network = %self.settings.network,
                "who sits in the next sessions of {} is not known: {trouble}",
                self.settings.network
            );
        }
        Ok(())
    }

    /// Walks to a source's tip, and on to the next one where a block came while its list was read.
    async fn walk_to_tip(&mut self, index: usize, mut chain: ChainInfo) -> Result<ChainInfo, SourceError> {
        for _ in 0..MOVES {
            match self.walk_to(index, &chain).await {
                Err(SourceError::Moved) => chain = self.sources[index].client.chain_info().await?,
                walked => return walked.map(|()| chain),
            }
        }
        self.walk_to(index, &chain).await.map(|()| chain)
    }

    /// Reads a list again that changes between blocks: masternodes fall silent while no block comes, too.
    async fn refresh(&mut self, index: usize) -> Result<(), SourceError> {
        let now = (self.settings.clock)();
        // A clock that jumped back counts as well: it would keep the list from being read until it caught up.
        let aged = now.0.abs_diff(self.read_at.0) >= REFRESH_SECONDS;
        let Some(tip) = self.book.as_ref().map(|book| *book.tip()).filter(|_| aged) else { return Ok(()) };
        let full = self.full_list(index, tip).await?;
        let Some(book) = &mut self.book else { return Ok(()) };
        let (_, happened) = book.correct(full, None);
        self.recorder.amend(happened).await;
        self.read_at = now;
        self.publish();
        Ok(())
    }

    /// Whether a source that is to take over has less than what was followed already.
    fn is_behind(&self, chain: &ChainInfo) -> bool {
        self.book.as_ref().is_some_and(|book| match book.depth_of(&chain.best) {
            Some(depth) => depth > 0,
            None => chain.blocks < book.tip().height,
        })
    }

    fn is_published(&self) -> bool {
        self.published.borrow().snapshot.is_some()
    }

    fn is_published_at(&self, tip: &BlockHash) -> bool {
        self.published.borrow().snapshot.as_ref().is_some_and(|snapshot| snapshot.block().hash == *tip)
    }

    /// Publishes how the sources fare, beside the snapshot that is published already.
    fn publish_sources(&self) {
        self.published.send_modify(|state| self.complete(Arc::make_mut(state)));
    }

    fn publish_snapshot(&self, snapshot: Option<Arc<Snapshot>>) {
        self.published.send_modify(|state| {
            let state = Arc::make_mut(state);
            state.snapshot = snapshot;
            self.complete(state);
        });
    }

    /// Takes back the snapshot; the sources stay.
    fn withdraw(&self) {
        self.publish_snapshot(None);
    }

    fn complete(&self, state: &mut NetworkState) {
        state.sources = self.sources.health();
        state.gap_blocks = self.meters.gap_blocks.total();
        state.not_understood = self.sources.not_understood.total();
        state.fork_activation = self.sources.activation.height;
    }

    /// Publishes the list that is followed with what is known beside it.
    fn publish(&mut self) {
        let (Some(book), Some(facts)) = (&self.book, &self.facts) else { return };
        // Those that left the list are remembered for as long as the same watch list is in force.
        let watch_list = self.watch_list.borrow_and_update();
        let known = if watch_list.has_changed() { Vec::new() } else { std::mem::take(&mut self.watched) };
        self.watched = watch_list.resolve(book.list(), &known);
        drop(watch_list);
        if unreadable::hides_watched(book.list(), &self.watched) {
            // It would be published as one that is not registered.
            self.withdraw();
            return;
        }
        let parts = SnapshotInputs {
            network: self.settings.network.clone(),
            rules: self.settings.rules.clone(),
            list: book.list().clone(),
            facts: facts.chain.clone(),
            read_at: self.read_at,
            watched: self.watched.clone(),
            recent_events: book.recent().cloned().collect(),
        };
        self.publish_snapshot(Some(Arc::new(Snapshot::new(parts, book.tallies()))));
    }
}
