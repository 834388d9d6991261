//! Follows one network: from the list at the tip, block by block, across node restarts, gaps and reorgs.
//!
//! Each poll asks the best source for its tip. For each new block it reads the list diff from the node (`protx
//! listdiff`), or the full list if the node has no diffs. The result is published as an immutable [`Snapshot`].
//!
//! With a history, counters continue where the previous process ended, the blocks of the downtime are replayed, and a
//! block is recorded before it is published.
//!
//! Never here: exposition, alerts, HTTP; publishing an old list as new.

mod availability;
mod block_replay;
mod block_sync;
mod blocks_ahead;
mod capabilities;
mod chain_state;
mod common_block;
mod dkg_outcomes;
mod election_check;
mod enrichment;
mod followed_chain;
mod history_sink;
mod kept_selection;
mod late_votes;
mod list_check;
mod list_reader;
mod network_forks;
pub mod offline_backfill;
mod online_backfill;
mod payees;
mod progress;
mod publisher;
mod reading_attempts;
mod recorded_chain;
mod refuted_sources;
mod replaced_blocks;
mod resume;
mod settings;
mod skipped_blocks;
mod source;
mod source_forks;
mod source_health;
mod source_pool;
mod sync_planner;
mod unread_payments;
mod unreadable;
mod watch_entries;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{debug, warn};

use crate::follower::block_sync::ChainSync;
pub use crate::follower::enrichment::rotation_reasons;
use crate::follower::history_sink::HistorySink;
pub use crate::follower::list_reader::is_whole;
use crate::follower::online_backfill::reached;
use crate::follower::publisher::Publisher;
pub use crate::follower::publisher::state_channel;
pub use crate::follower::settings::{ExpectedNetwork, FollowerSettings};
pub use crate::follower::source::try_source;
use crate::follower::source::{Identity, SourceError};
pub use crate::follower::source_health::OptionalQueries;
use crate::follower::source_pool::SourcePool;
use crate::history::Writer;
use crate::meters::Meters;
use crate::rpc::{ChainInfo, Client};
use domain::NetworkState;
use domain::masternode::Height;
use domain::watch::WatchList;

/// How often a list is read again because another block arrived during the read.
const MOVES: usize = 3;

/// Age in seconds at which a list that changes between blocks is read again without a new block.
const REFRESH_SECONDS: u64 = 300;

/// How long a new list waits for the selection of the next quorums, so that both are published together. A slower node
/// does not delay the list: the selection is published later.
const SELECTION_WAIT: Duration = Duration::from_secs(2);

/// Follows one network; see the module.
pub struct Follower {
    settings: Arc<FollowerSettings>,
    sources: SourcePool,
    chain: ChainSync,
    publisher: Publisher,
}

impl Follower {
    /// A follower of the network behind `clients`, the preferred one first. `watch_list` may change at any time. It
    /// writes the whole published state except the probes.
    pub fn new(
        settings: FollowerSettings,
        clients: Vec<Client>,
        meters: &Meters,
        watch_list: watch::Receiver<WatchList>,
        published: watch::Sender<Arc<NetworkState>>,
    ) -> Follower {
        let sources = SourcePool::new(settings.clone(), clients, meters.not_understood(&settings.network));
        let settings = Arc::new(settings);
        let chain = ChainSync::new(settings.clone(), meters.network(&settings.network), watch_list);
        Follower { settings, sources, chain, publisher: Publisher::new(published) }
    }

    /// The same, resuming where the history ends and recording each block before it is published.
    #[must_use]
    pub fn with_history(mut self, writer: Writer) -> Follower {
        self.chain.recorded.history = HistorySink::new(&self.settings.network, Some(writer));
        self
    }

    /// Follows until the sender of the watch list is dropped, which is how the owner stops it.
    pub async fn run(mut self) {
        // The masternodes that are watched are known before any source answers.
        let recalled = kept_selection::recall(&self.chain.recorded, &mut self.chain.lists.watching);
        // Otherwise they are recalled when a source answers.
        let _ = tokio::time::timeout(SELECTION_WAIT, recalled).await;
        self.publisher.publish_sources(&self.sources, &self.chain);
        let mut timer = tokio::time::interval(self.settings.poll_interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased; // The tip goes before the past.
                changed = self.chain.lists.watching.changed() => {
                    let Ok(()) = changed else { return };
                    self.publish_again();
                    self.publish_health();
                    self.until_stale(kept_selection::keep).await;
                }
                _ = timer.tick() => self.poll().await,
                () = reached(self.chain.enrichment.votes_due()) => self.until_stale(late_votes::read).await,
                () = reached(self.chain.recorded.backfill.due()) => drop(self.until_stale(Follower::fill).await),
            }
        }
    }

    /// Polls once: follows the first usable source to its tip. Without a usable source, a stale snapshot is withdrawn.
    pub async fn poll(&mut self) {
        if let Err(troubles) = self.until_stale(Follower::try_sources).await {
            self.withdraw_if_stale(&troubles);
        }
        if self.sources.is_report_poll() {
            self.ask_for_reports().await;
        }
        self.publish_health();
    }

    /// Does `work`, which may wait for slow sources. If the published snapshot becomes stale meanwhile, it is withdrawn.
    async fn until_stale<T>(&mut self, work: impl AsyncFnOnce(&mut Follower) -> T) -> T {
        let shown = self.publisher.shown(self.sources.stale_at());
        shown.during(work(self)).await
    }

    /// As [`Follower::poll`], but returns the errors: one line for each source.
    pub async fn poll_once(&mut self) -> Result<(), Vec<String>> {
        let followed = self.try_sources().await;
        if followed.is_ok() {
            self.ask_for_reports().await;
        }
        self.publisher.publish_sources(&self.sources, &self.chain);
        followed
    }

    /// Backfills one block, or finds the missing blocks. Returns whether more is to do.
    pub async fn fill(&mut self) -> bool {
        let (tip, history) = (self.chain.recorded.tip(), &self.chain.recorded.history);
        let is_recorded = history.is_written() && tip.is_some() && history.cursor() == tip;
        let source = self.sources.active.map(|index| &mut self.sources[index]);
        self.chain.fill(source.filter(|source| is_recorded && source.availability.error().is_none())).await
    }

    async fn try_sources(&mut self) -> Result<(), Vec<String>> {
        self.sources.begin_poll();
        self.sources.introduce().await;
        if self.sources.is_standby_poll() {
            self.sources.look_at_standbys(self.followed()).await;
            self.sources.audit_refuted().await;
        }
        for index in self.sources.by_preference(self.followed()) {
            if !self.sources.is_due(index) {
                continue;
            }
            match self.follow(index).await {
                Ok(tip) => {
                    self.sources.activate(index, tip);
                    kept_selection::keep(self).await;
                    return Ok(());
                }
                Err(trouble) => {
                    self.sources.failed(index, &trouble);
                    // Following the next source may take minutes.
                    self.publisher.publish_sources(&self.sources, &self.chain);
                }
            }
        }
        Err(self.sources.complaints())
    }

    fn followed(&self) -> Option<Height> {
        self.chain.recorded.tip().map(|tip| tip.height)
    }

    /// Follows a source to its tip and publishes the new list. Optional data never delays it.
    async fn follow(&mut self, index: usize) -> Result<Height, SourceError> {
        let best = self.sources[index].client.best_block_hash().await?;
        let followed = self.chain.recorded.followed().filter(|_| self.sources.active == Some(index));
        if let Some((depth, tip)) = followed.and_then(|chain| Some((chain.depth_of(&best)?, chain.tip().height))) {
            let is_shown = depth == 0 && self.publisher.is_published_at(&best);
            if is_shown && !self.sources.is_left_behind(index, Some(tip)) {
                self.confirm_tip(index).await?;
                if !self.publisher.is_published() {
                    // Withdrawn while the source took long to confirm it.
                    self.publish_confirmed();
                }
                return Ok(tip);
            }
            if depth > 0 && self.sources.awaits_rollback() {
                return Err(SourceError::Behind(Height(tip.0.saturating_sub(depth as u32))));
            }
        }
        let followed = self.followed();
        let (identity, chain) = self.sources.check(index, followed).await?;
        self.check_takeover(index, &chain)?;
        self.sources.audit(index, chain.best).await?;
        self.chain.accepts_refuted = self.sources.accepts_refuted();
        self.chain.recorded.accepts_any_branch = self.sources.is_overdue();
        self.sources.identity = Some(identity.clone());
        self.resume(index, &identity, &chain).await?;
        self.sources.is_not_rolled_back();
        let chain = progress::walk(self, index, chain).await?;
        self.enrich(index, &chain).await;
        self.publish_with_selection(index).await?;
        match self.chain.check_against_node(&mut self.sources[index]).await {
            Ok(false) => {}
            Ok(true) => self.publish(),
            Err(trouble @ SourceError::Refuted(_)) => return Err(trouble),
            Err(trouble) => warn!(network = %self.settings.network, "Comparison with the node failed: {trouble}"),
        }
        Ok(self.followed().unwrap_or(chain.blocks))
    }

    /// At a published tip: asks for what may change without a block.
    async fn confirm_tip(&mut self, index: usize) -> Result<(), SourceError> {
        // A node without new blocks may have lost its sync: asked periodically, and after any error.
        if self.sources[index].availability.error().is_some() || self.sources.is_standby_poll() {
            self.sources.check(index, self.followed()).await?;
        }
        if self.settings.rules.ping.is_some() {
            self.refresh(index).await?;
        }
        if let Some(tip) = self.chain.recorded.tip()
            && self.chain.enrichment.refresh_quorums(&mut self.sources[index], &tip, &self.settings.rules).await
        {
            self.publish();
        }
        self.sources.is_not_rolled_back();
        late_votes::read(self).await;
        Ok(())
    }

    /// Opens the history if it is closed, and continues where it ends.
    async fn resume(&mut self, index: usize, identity: &Identity, chain: &ChainInfo) -> Result<(), SourceError> {
        if let Err(trouble) = self.chain.open_history(identity).await {
            // The chain followed so far is of the network that is refused now.
            self.sources.forget_answers();
            self.publisher.withdraw(&self.sources, &self.chain);
            return Err(trouble);
        }
        // Before recorded blocks are withdrawn in favour of a chain that was left behind.
        if let Some(height) = self.chain.recorded.history.take_activation() {
            self.sources.recall_activation(index, chain, (height, self.followed())).await?;
        }
        self.chain.recorded.history.keep_activation(self.sources.forks.activation_height()).await;
        let is_below =
            self.chain.recorded.state.is_resuming() && self.chain.recorded.history.is_below_cursor(&chain.best);
        if is_below && self.sources.awaits_rollback() {
            return Err(SourceError::Behind(chain.blocks));
        }
        self.chain.resume(&self.sources[index], chain).after_opening().await
    }

    /// Follows a source to its tip, and to the next tip if a block arrived while the list was read.
    async fn walk_to_tip(&mut self, index: usize, mut chain: ChainInfo) -> Result<ChainInfo, SourceError> {
        for _ in 0..MOVES {
            match self.chain.walk_to(&mut self.sources[index], &chain).await {
                Err(SourceError::Moved) => chain = self.sources[index].client.chain_info().await?,
                walked => return walked.map(|()| chain),
            }
        }
        self.chain.walk_to(&mut self.sources[index], &chain).await.map(|()| chain)
    }

    /// Asks for the data other than the list that is due at the newest followed block, which was just read.
    async fn enrich(&mut self, index: usize, chain: &ChainInfo) {
        self.publisher.read_at = (self.settings.clock)();
        if let Some(tip) = self.chain.recorded.tip() {
            self.sources.look_at_special(index, &tip).await;
        }
        self.chain.enrich(&mut self.sources[index], chain).await;
        let (deployment, newest) = (self.sources.deployment(index), self.sources.newest_version());
        if let Some(facts) = self.chain.enrichment.facts_mut() {
            (facts.deployment, facts.newest_version) = (deployment, newest);
        }
    }

    /// Publishes the new list together with the selection of the next quorums. If the selection takes too long, the
    /// list is published first.
    async fn publish_with_selection(&mut self, index: usize) -> Result<(), SourceError> {
        // The cancelled call of a slow node is lost and repeated below without a time limit.
        let selection = self.chain.select_quorums(&mut self.sources[index]);
        let quick = tokio::time::timeout(SELECTION_WAIT, selection).await.ok();
        self.publish_confirmed();
        self.reveal_hidden(index).await?;
        let selected = match quick {
            Some((_, selected)) => selected,
            None => {
                let (is_news, selected) = self.chain.select_quorums(&mut self.sources[index]).await;
                if is_news {
                    self.publish();
                }
                selected
            }
        };
        if let Err(trouble) = selected {
            debug!(network = %self.settings.network, "Members of the next DKG sessions are unknown: {trouble}");
        }
        Ok(())
    }

    /// Whether the followed list hides a watched masternode.
    fn is_hidden(&self) -> bool {
        self.chain.list().is_some_and(|list| self.chain.lists.watching.is_hidden_in(list))
    }

    /// Reads the list of the tip again if it hides a watched masternode: this source may contain it. Fails if it does
    /// not; then nothing is published.
    async fn reveal_hidden(&mut self, index: usize) -> Result<(), SourceError> {
        if self.is_hidden() {
            self.chain.verify(&mut self.sources[index]).await?;
            self.publish();
        }
        Ok(())
    }

    /// Reads a list again that changes between blocks: masternodes can also miss pings while no block arrives.
    async fn refresh(&mut self, index: usize) -> Result<(), SourceError> {
        let now = (self.settings.clock)();
        // A clock that jumped back counts too: otherwise the list would not be read until the clock caught up.
        if now.0.abs_diff(self.publisher.read_at.0) < REFRESH_SECONDS || self.chain.recorded.tip().is_none() {
            return Ok(());
        }
        self.chain.verify(&mut self.sources[index]).await?;
        self.publisher.read_at = now;
        self.publish();
        Ok(())
    }

    /// Refuses a source that is to take over and is behind the followed tip. After `stale_after` without a confirmation the
    /// followed tip may be wrong, and any source that passes the checks is followed.
    fn check_takeover(&mut self, index: usize, chain: &ChainInfo) -> Result<(), SourceError> {
        let loses = self.sources.active != Some(index) && self.chain.recorded.is_ahead_of(chain);
        if !loses || self.sources.is_astray(index, self.followed()) {
            return Ok(());
        }
        if !self.sources.is_stale() {
            return Err(SourceError::Behind(chain.blocks));
        }
        let (network, name, height) = (&self.settings.network, self.sources[index].name(), chain.blocks);
        warn!(
            %network,
            "source {name} at height {height} is behind the followed tip of {network} and is followed: no source confirmed \
             that tip for {:?}",
            self.settings.stale_after
        );
        Ok(())
    }

    /// Publishes the list that a source just returned or confirmed; what follows may take long.
    fn publish_confirmed(&mut self) {
        if !self.is_hidden() {
            self.sources.confirm();
        }
        self.publish();
    }

    fn publish(&mut self) {
        self.publisher.publish(&self.sources, &mut self.chain);
    }

    /// Publishes additions to a published snapshot. A withdrawn one stays withdrawn: it did not become fresher.
    fn publish_again(&mut self) {
        if self.publisher.is_published() {
            self.publish();
        }
    }
}
