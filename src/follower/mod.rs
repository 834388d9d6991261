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
mod stale;
mod unreadable;
mod watch_entries;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::follower::chain_facts::Facts;
use crate::follower::chain_state::ChainState;
use crate::follower::fork::{Activation, UnknownForks};
use crate::follower::history_sink::HistorySink;
use crate::follower::online_backfill::{OnlineBackfill, reached};
use crate::follower::quorum_selection::SelectionState;
use crate::follower::returned::TakenBack;
pub use crate::follower::settings::FollowerSettings;
use crate::follower::source::{Identity, Source, SourceError};
pub use crate::follower::source_health::OptionalQueries;
use crate::history::Writer;
use crate::meters::{ForkMeters, Meters, NetworkMeters};
use crate::rpc::{ChainInfo, Client};
use domain::Snapshot;
use domain::counters::EventCounters;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::quorum::Quorums;
use domain::snapshot::SnapshotInputs;
use domain::watch::{WatchList, WatchTarget};

/// How often sources that are not in use are asked for their tip, in polls.
const STANDBY_POLLS: u32 = 6;

/// Blocks by which the source in use may lie behind another one before that one is preferred.
const LAG: u32 = 2;

/// Polls in a row at which the node's tip must be an ancestor of ours before we believe that it was rolled back.
const ROLLBACK_POLLS: u32 = 3;

/// How often a list is read anew because another block came while it was read.
const MOVES: usize = 3;

/// Age at which a list that changes between blocks is read again although no block came, in seconds.
const REFRESH_SECONDS: u64 = 300;

/// Follows one network; see the module.
pub struct Follower {
    settings: FollowerSettings,
    sources: Vec<Source>,
    active: Option<usize>,
    identity: Option<Identity>,
    meters: NetworkMeters,
    fork_meters: ForkMeters,
    activation: Activation,
    unknown_forks: UnknownForks,
    watch_list: watch::Receiver<WatchList>,
    published: watch::Sender<Option<Arc<Snapshot>>>,
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
    confirmed: Option<Instant>,
    polls: u32,
    behind: u32,
    peers_asked: usize,
}

impl Follower {
    /// A follower of the network behind `clients`, the preferred one first. `watch_list` may change at any time.
    pub fn new(
        settings: FollowerSettings,
        clients: Vec<Client>,
        meters: &Meters,
        watch_list: watch::Receiver<WatchList>,
        published: watch::Sender<Option<Arc<Snapshot>>>,
    ) -> Follower {
        let network = meters.network(&settings.network);
        let sources = clients.into_iter().map(|client| Source::new(client, &settings.network, meters)).collect();
        Follower {
            fork_meters: meters.fork(&settings.network),
            recorder: HistorySink::new(&settings.network, None),
            settings,
            sources,
            active: None,
            identity: None,
            meters: network,
            activation: Activation::default(),
            unknown_forks: UnknownForks::new(),
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
            confirmed: None,
            polls: 0,
            behind: 0,
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
                    if self.published.borrow().is_some() {
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
        if self.settings.ask.reports && self.polls % STANDBY_POLLS == 1 {
            self.ask_for_reports().await;
        }
    }

    /// As [`Follower::poll`], but says what is wrong: one line a source.
    pub async fn poll_once(&mut self) -> Result<(), Vec<String>> {
        self.try_sources().await
    }

    async fn try_sources(&mut self) -> Result<(), Vec<String>> {
        self.polls = self.polls.wrapping_add(1);
        if self.polls.is_multiple_of(STANDBY_POLLS) {
            self.look_at_standbys().await;
        }
        for index in self.by_preference() {
            if !self.sources[index].is_due(Instant::now()) {
                continue;
            }
            match self.follow(index).await {
                Ok(tip) => {
                    self.activate_source(index, tip);
                    return Ok(());
                }
                Err(trouble) => self.sources[index].failed(&trouble, self.settings.poll_interval),
            }
        }
        Err(self
            .sources
            .iter()
            .filter_map(|source| Some(format!("{}: {}", source.name(), source.trouble()?)))
            .collect())
    }

    /// In the order of the configuration; those that lag behind another one, or are cut off from all others, last.
    fn by_preference(&self) -> Vec<usize> {
        let best = self.sources.iter().filter_map(|source| source.tip).max();
        let lags = |index: &usize| {
            let source = &self.sources[*index];
            source.report.isolated
                || self.is_left_behind(*index)
                || best.zip(source.tip).is_some_and(|(best, tip)| best.above(tip) > LAG)
        };
        let (lagging, mut order): (Vec<usize>, Vec<usize>) = (0..self.sources.len()).partition(lags);
        order.extend(lagging);
        order
    }

    /// Asks the sources that are waiting behind the one in use for their tip. Those before it are tried by themselves.
    async fn look_at_standbys(&mut self) {
        let expected = self.identity.clone();
        let waiting = self.by_preference().into_iter().skip_while(|index| self.active != Some(*index)).skip(1);
        for index in waiting.collect::<Vec<_>>() {
            if !self.sources[index].is_due(Instant::now()) {
                continue;
            }
            let checked = match self.sources[index].check(&self.settings.rules, expected.as_ref()).await {
                Ok((_, chain)) => self.examine_fork(index, &chain).await.map(|()| chain.blocks),
                Err(trouble) => Err(trouble),
            };
            match checked {
                Ok(tip) => self.sources[index].succeeded(tip, (self.settings.clock)().0 as f64),
                Err(trouble) => self.sources[index].failed(&trouble, self.settings.poll_interval),
            }
        }
    }

    fn activate_source(&mut self, index: usize, tip: Height) {
        self.sources[index].succeeded(tip, (self.settings.clock)().0 as f64);
        self.confirmed = Some(Instant::now());
        if self.active != Some(index) {
            if let Some(before) = self.active {
                warn!(
                    network = %self.settings.network,
                    "network {} is now followed through source {} instead of {}",
                    self.settings.network,
                    self.sources[index].name(),
                    self.sources[before].name()
                );
            }
            self.active = Some(index);
        }
    }

    /// Follows a source to its tip and publishes what is new. What only improves the picture cannot keep it back.
    async fn follow(&mut self, index: usize) -> Result<Height, SourceError> {
        let best = self.sources[index].client.best_block_hash().await?;
        let book = self.book.as_ref().filter(|_| self.active == Some(index));
        if let Some((depth, tip)) = book.and_then(|book| Some((book.depth_of(&best)?, book.tip().height))) {
            if depth == 0 && self.is_published(&best) && !self.is_left_behind(index) {
                // A node that stands still may have lost its sync: that is asked now and then, and after any trouble.
                if self.sources[index].trouble().is_some() || self.polls.is_multiple_of(STANDBY_POLLS) {
                    let (_, chain) = self.sources[index].check(&self.settings.rules, self.identity.as_ref()).await?;
                    self.examine_fork(index, &chain).await?;
                }
                if self.settings.rules.ping.is_some() {
                    self.refresh(index).await?;
                }
                self.relearn_quorums(index).await;
                self.behind = 0;
                return Ok(tip);
            }
            if depth > 0 && self.behind + 1 < ROLLBACK_POLLS {
                self.behind += 1;
                return Err(SourceError::Behind(Height(tip.0.saturating_sub(depth as u32))));
            }
        }
        let (identity, chain) = self.sources[index].check(&self.settings.rules, self.identity.as_ref()).await?;
        self.examine_fork(index, &chain).await?;
        if self.active != Some(index) && self.is_behind(&chain) && !self.is_astray(index) {
            return Err(SourceError::Behind(chain.blocks));
        }
        self.identity = Some(identity);
        self.resume(index, &chain).await?;
        self.behind = 0;
        let chain = self.walk_to_tip(index, chain).await?;
        self.look_at_special(index).await;
        self.refresh_chain_facts(index, &chain).await;
        self.learn_quorums(index).await;
        self.ask_for_peers(index).await;
        self.read_at = (self.settings.clock)();
        self.publish();
        self.refuse_hidden()?;
        let (is_news, drawn) = self.update_quorum_selection(index).await;
        if is_news {
            self.publish();
        }
        if let Err(trouble) = drawn {
            debug!(
                network = %self.settings.network,
                "who sits in the next sessions of {} is not known: {trouble}",
                self.settings.network
            );
        }
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

    fn is_published(&self, tip: &BlockHash) -> bool {
        self.published.borrow().as_ref().is_some_and(|snapshot| snapshot.block().hash == *tip)
    }

    fn publish(&mut self) {
        let (Some(book), Some(facts)) = (&self.book, &self.facts) else { return };
        // Those that left the list are remembered for as long as the same watch list is in force.
        let watch_list = self.watch_list.borrow_and_update();
        let known = if watch_list.has_changed() { Vec::new() } else { std::mem::take(&mut self.watched) };
        self.watched = watch_list.resolve(book.list(), &known);
        if unreadable::hides_watched(book.list(), &self.watched) {
            // It would be published as one that is not registered.
            self.published.send_replace(None);
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
        let matches = watch_list.matches(book.list(), &self.watched, self.read_at);
        let snapshot = Snapshot::new(parts, book.tallies()).with_entry_matches(matches);
        watch_entries::log_unmatched(self.published.borrow().as_deref(), &snapshot);
        self.published.send_replace(Some(Arc::new(snapshot)));
    }
}
