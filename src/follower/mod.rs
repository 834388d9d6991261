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
mod chain_state;
mod common_block;
mod dkg_outcomes;
mod enrichment;
mod followed_chain;
mod fork;
mod history_sink;
mod list_reader;
pub mod offline_backfill;
mod online_backfill;
mod replaced_blocks;
mod resume;
mod settings;
mod source;
mod source_health;
mod stale;
mod sync_planner;
mod unreadable;
mod watching;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::follower::block_sync::ChainSync;
use crate::follower::fork::{Activation, UnknownForks};
use crate::follower::history_sink::HistorySink;
use crate::follower::online_backfill::reached;
pub use crate::follower::settings::FollowerSettings;
use crate::follower::source::{Identity, Source, SourceError};
pub use crate::follower::source_health::OptionalQueries;
use crate::history::Writer;
use crate::meters::{ForkMeters, Meters};
use crate::rpc::{ChainInfo, Client};
use domain::Snapshot;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::snapshot::SnapshotInputs;
use domain::watch::WatchList;

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
    settings: Arc<FollowerSettings>,
    sources: Vec<Source>,
    active: Option<usize>,
    identity: Option<Identity>,
    fork_meters: ForkMeters,
    activation: Activation,
    unknown_forks: UnknownForks,
    published: watch::Sender<Option<Arc<Snapshot>>>,
    chain: ChainSync,
    read_at: UnixSeconds,
    confirmed: Option<Instant>,
    polls: u32,
    behind: u32,
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
        let settings = Arc::new(settings);
        let sources = clients.into_iter().map(|client| Source::new(client, &settings.network, meters)).collect();
        Follower {
            fork_meters: meters.fork(&settings.network),
            chain: ChainSync::new(settings.clone(), meters.network(&settings.network), watch_list),
            settings,
            sources,
            active: None,
            identity: None,
            activation: Activation::default(),
            unknown_forks: UnknownForks::new(),
            published,
            read_at: UnixSeconds(0),
            confirmed: None,
            polls: 0,
            behind: 0,
        }
    }

    /// The same, continuing where the history ends and recording each block there before it is published.
    #[must_use]
    pub fn with_history(mut self, writer: Writer) -> Follower {
        self.chain.history = HistorySink::new(&self.settings.network, Some(writer));
        self
    }

    /// Follows until the watch list's sender is gone, which is how the owner stops it.
    pub async fn run(mut self) {
        let mut timer = tokio::time::interval(self.settings.poll_interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased; // The tip goes before the past.
                changed = self.chain.watching.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // What was withdrawn stays so: another watch list does not make it any fresher.
                    if self.published.borrow().is_some() {
                        self.publish();
                    }
                }
                _ = timer.tick() => self.poll().await,
                () = reached(self.chain.backfill.due()) => drop(self.fill().await),
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

    /// Fills in one block of the past, or finds out which are missing. Returns whether there is more to do.
    pub async fn fill(&mut self) -> bool {
        let tip = self.chain.tip();
        let is_recorded = self.chain.history.is_written() && tip.is_some() && self.chain.history.cursor() == tip;
        let source = self.active.map(|index| &mut self.sources[index]);
        self.chain.fill(source.filter(|source| is_recorded && source.trouble().is_none())).await
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
                let (network, now, before) =
                    (&self.settings.network, self.sources[index].name(), self.sources[before].name());
                warn!(%network, "network {network} is now followed through source {now} instead of {before}");
            }
            self.active = Some(index);
        }
    }

    /// Follows a source to its tip and publishes what is new. What only improves the picture cannot keep it back.
    async fn follow(&mut self, index: usize) -> Result<Height, SourceError> {
        let best = self.sources[index].client.best_block_hash().await?;
        let followed = self.chain.state.followed().filter(|_| self.active == Some(index));
        if let Some((depth, tip)) = followed.and_then(|chain| Some((chain.depth_of(&best)?, chain.tip().height))) {
            if depth == 0 && self.is_published(&best) && !self.is_left_behind(index) {
                self.confirm_tip(index).await?;
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
        self.identity = Some(identity.clone());
        self.resume(index, identity, &chain).await?;
        self.behind = 0;
        let chain = self.walk_to_tip(index, chain).await?;
        self.look_at_special(index).await;
        self.enrich(index, &chain).await;
        self.read_at = (self.settings.clock)();
        self.publish();
        self.reveal_hidden(index).await?;
        self.select_quorums(index).await;
        match self.chain.check_against_node(&self.sources[index]).await {
            Ok(false) => {}
            Ok(true) => self.publish(),
            Err(trouble) => {
                warn!("the list of {} could not be compared with the node's: {trouble}", self.settings.network);
            }
        }
        Ok(self.chain.tip().map_or(chain.blocks, |tip| tip.height))
    }

    /// At a tip that is published: asks what may have changed without a block.
    async fn confirm_tip(&mut self, index: usize) -> Result<(), SourceError> {
        // A node that stands still may have lost its sync: that is asked now and then, and after any trouble.
        if self.sources[index].trouble().is_some() || self.polls.is_multiple_of(STANDBY_POLLS) {
            let (_, chain) = self.sources[index].check(&self.settings.rules, self.identity.as_ref()).await?;
            self.examine_fork(index, &chain).await?;
        }
        if self.settings.rules.ping.is_some() {
            self.refresh(index).await?;
        }
        if let Some(tip) = self.chain.tip()
            && self.chain.enrichment.refresh_quorums(&mut self.sources[index], &tip, &self.settings.rules).await
        {
            self.publish();
        }
        self.behind = 0;
        Ok(())
    }

    /// Opens the history if it is closed, and continues where it ends.
    async fn resume(&mut self, index: usize, identity: Identity, chain: &ChainInfo) -> Result<(), SourceError> {
        if let Err(trouble) = self.chain.open_history(&identity).await {
            // What was followed so far is of the network that is refused now.
            self.identity = None;
            self.activation = Activation::default();
            self.published.send_replace(None);
            return Err(trouble);
        }
        // Before anything recorded is taken back for the sake of a chain that was left behind.
        self.remember_activation(index, chain).await?;
        let is_below = self.chain.state.is_resuming() && self.chain.history.is_below_cursor(&chain.best);
        if is_below && self.behind + 1 < ROLLBACK_POLLS {
            // It may only not have caught up yet after a restart of its own.
            self.behind += 1;
            return Err(SourceError::Behind(chain.blocks));
        }
        self.chain.resume(&self.sources[index], chain).await
    }

    /// Walks to a source's tip, and on to the next one where a block came while its list was read.
    async fn walk_to_tip(&mut self, index: usize, mut chain: ChainInfo) -> Result<ChainInfo, SourceError> {
        for _ in 0..MOVES {
            match self.chain.walk_to(&mut self.sources[index], &chain).await {
                Err(SourceError::Moved) => chain = self.sources[index].client.chain_info().await?,
                walked => return walked.map(|()| chain),
            }
        }
        self.chain.walk_to(&mut self.sources[index], &chain).await.map(|()| chain)
    }

    /// Asks for what is due at the tip in addition to the list.
    async fn enrich(&mut self, index: usize, chain: &ChainInfo) {
        self.chain.enrich(&mut self.sources[index], chain).await;
        let (deployment, newest) = (self.deployment(index), source_health::newest_version(&self.sources));
        if let Some(facts) = self.chain.enrichment.facts_mut() {
            (facts.deployment, facts.newest_version) = (deployment, newest);
        }
    }

    async fn select_quorums(&mut self, index: usize) {
        let (is_news, selected) = self.chain.select_quorums(&mut self.sources[index]).await;
        if is_news {
            self.publish();
        }
        if let Err(trouble) = selected {
            debug!("the members of the next sessions of {} are not known: {trouble}", self.settings.network);
        }
    }

    /// Reads the list of the tip again where a watched masternode is hidden in it: perhaps this source shows it. Fails where
    /// it does not; then nothing is published.
    async fn reveal_hidden(&mut self, index: usize) -> Result<(), SourceError> {
        if self.chain.list().is_some_and(|list| self.chain.watching.is_hidden_in(list)) {
            self.chain.verify(&self.sources[index]).await?;
            self.publish();
        }
        Ok(())
    }

    /// Reads a list again that changes between blocks: masternodes fall silent while no block comes, too.
    async fn refresh(&mut self, index: usize) -> Result<(), SourceError> {
        let now = (self.settings.clock)();
        // A clock that jumped back counts as well: it would keep the list from being read until it caught up.
        if now.0.abs_diff(self.read_at.0) < REFRESH_SECONDS || self.chain.tip().is_none() {
            return Ok(());
        }
        self.chain.verify(&self.sources[index]).await?;
        self.read_at = now;
        self.publish();
        Ok(())
    }

    /// Whether a source that is to take over has less than what was followed already.
    fn is_behind(&self, chain: &ChainInfo) -> bool {
        self.chain.state.followed().is_some_and(|followed| match followed.depth_of(&chain.best) {
            Some(depth) => depth > 0,
            None => chain.blocks < followed.tip().height,
        })
    }

    fn is_published(&self, tip: &BlockHash) -> bool {
        self.published.borrow().as_ref().is_some_and(|snapshot| snapshot.block().hash == *tip)
    }

    fn publish(&mut self) {
        let ChainSync { state, enrichment, watching, .. } = &mut self.chain;
        let (Some(followed), Some(facts)) = (state.followed(), enrichment.facts()) else { return };
        watching.select(followed.list());
        if watching.is_hidden_in(followed.list()) {
            // It would be published as one that is not registered.
            self.published.send_replace(None);
            return;
        }
        let parts = SnapshotInputs {
            network: self.settings.network.clone(),
            rules: self.settings.rules.clone(),
            list: followed.list().clone(),
            facts: facts.clone(),
            read_at: self.read_at,
            watched: watching.targets().to_vec(),
            recent_events: followed.recent().cloned().collect(),
        };
        self.published.send_replace(Some(Arc::new(Snapshot::new(parts, followed.counters()))));
    }
}
