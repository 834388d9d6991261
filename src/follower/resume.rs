//! Resumes where the history ends: from the last recorded block that is still on the chain, so that the blocks of a
//! downtime are replayed one by one.
//!
//! Never here: the way forward from there (`block_sync`).

use tracing::{info, warn};

use crate::follower::block_sync::ChainSync;
use crate::follower::chain_state::ChainState;
use crate::follower::common_block;
use crate::follower::followed_chain::{DEPTH, FollowedChain};
use crate::follower::source::{Identity, Source, SourceError};
use crate::follower::sync_planner::LONGEST_AHEAD;
use crate::rpc::{ChainInfo, ErrorKind};
use domain::counters::EventCounters;
use domain::list::Block;
use domain::masternode::Height;

impl ChainSync {
    /// Opens the history if it is closed. Fails if it is of another network; then the followed chain is discarded.
    pub(super) async fn open_history(&mut self, identity: &Identity) -> Result<(), SourceError> {
        if !self.history.is_closed() {
            return Ok(());
        }
        match self.history.open(identity).await {
            Ok(Some(replaced)) => {
                // The file determines where to continue: from there all blocks in memory are replayed again, if
                // possible.
                self.state.begin_resuming(replaced);
                self.backfill.again();
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(trouble) => {
                // The chain followed so far is of the network that is refused now.
                self.state = ChainState::default();
                self.enrichment.forget_facts();
                self.history.discard_buffered();
                Err(trouble)
            }
        }
    }

    /// After the history was opened: takes its counters, and resumes where it ends if the node returns the list of that
    /// block.
    pub(super) async fn resume(&mut self, source: &Source, chain: &ChainInfo) -> Result<(), SourceError> {
        if !self.state.is_resuming() {
            return Ok(());
        }
        self.check_far_tip(source, chain.blocks).await?;
        self.withdraw_abandoned(source).await?;
        let Some(in_file) = self.history.counters().await else {
            self.state.cancel_resuming();
            return Ok(());
        };
        if let Some(followed) = self.chain_at_cursor(source, chain, &in_file).await? {
            self.state.continue_from_history(followed);
            self.history.discard_buffered();
        } else if let Some(tip) = self.state.unrecorded_tip().map(|tip| tip.height) {
            self.count_unrecorded_gap(tip);
            self.state.continue_on_top_of(in_file);
            self.history.flush_buffered().await;
        } else {
            self.state.continue_on_top_of(in_file);
        }
        Ok(())
    }

    /// Counts the blocks between the end of the history and the buffered steps, or the tip if nothing is buffered.
    fn count_unrecorded_gap(&self, tip: Height) {
        let Some(cursor) = self.history.cursor() else { return };
        let skipped = self.history.before_buffered().unwrap_or(tip).above(cursor.height);
        self.meters.gap_blocks.inc_by(u64::from(skipped));
        if skipped > 0 {
            warn!(
                network = %self.settings.network,
                "Missing events of {skipped} blocks of {} after the end of the history: it was closed, or another file took its place",
                self.settings.network
            );
        }
    }

    /// If the kept blocks end above the common block, as they do soon after a start: continues from the highest
    /// recorded block that is still on the chain. Returns whether that is possible.
    pub(super) async fn resume_from_history(
        &mut self,
        source: &Source,
        chain: &ChainInfo,
    ) -> Result<bool, SourceError> {
        let followed = self.state.followed().map(|followed| followed.counters().clone());
        let (Some(cursor), Some(own)) = (self.history.cursor(), followed) else { return Ok(false) };
        if chain.blocks.above(cursor.height) > self.settings.max_gap_blocks {
            return Ok(false);
        }
        self.withdraw_abandoned(source).await?;
        // The counters of the file contain the height of the penalty before the replaced blocks.
        let in_file = if self.history.is_written() { self.history.counters().await } else { None };
        let counters = in_file.unwrap_or(own);
        match self.chain_at_cursor(source, chain, &counters).await? {
            Some(followed) => {
                self.state.follow(followed);
                Ok(true)
            }
            None => {
                self.state.give_up(Some(counters));
                Ok(false)
            }
        }
    }

    /// Refuses a source whose tip is more than `max_gap_blocks` ahead and that has none of our blocks: its height may be wrong.
    /// A branch that replaced all of them is followed after `stale_after`.
    pub(super) async fn check_far_tip(&self, source: &Source, tip: Height) -> Result<(), SourceError> {
        let ours: Vec<Block> = match self.state.followed() {
            Some(chain) => vec![*chain.tip(), *chain.oldest()],
            None => self.history.blocks().copied().collect(),
        };
        let is_far = |highest: &Block| tip.above(highest.height) > self.settings.max_gap_blocks;
        let Some(highest) = ours.first().filter(|highest| is_far(highest) && !self.accepts_any_branch) else {
            return Ok(());
        };
        for block in &ours {
            if common_block::is_on_branch(&source.client, block.height, &block.hash).await? {
                return Ok(());
            }
        }
        Err(SourceError::Contradiction(format!(
            "its tip is at height {tip}, but it does not have block {}, which was followed",
            highest.height
        )))
    }

    /// Checks the tip of a jump.
    pub(super) async fn check_jump(&self, source: &Source, tip: &Block) -> Result<(), SourceError> {
        self.check_far_tip(source, tip.height).await?;
        self.warn_of_clock(tip);
        Ok(())
    }

    /// A tip far in the future is believed only if the blocks below it agree.
    fn warn_of_clock(&self, tip: &Block) {
        let (network, seconds) = (&self.settings.network, tip.time.0.saturating_sub((self.settings.clock)().0));
        if seconds > LONGEST_AHEAD {
            warn!(
                %network,
                "Clock of this host is {seconds} s behind block {} of {network}, whose time agrees with the blocks below it: correct the \
                 clock. Until then, expected times and alerts about ages are wrong or not evaluated",
                tip.height
            );
        }
    }

    /// Withdraws recorded blocks that are not on the node's branch.
    pub(super) async fn withdraw_abandoned(&mut self, source: &Source) -> Result<(), SourceError> {
        let Some(cursor) = self.history.cursor() else { return Ok(()) };
        let common = common_block::highest_recorded(&source.client, &self.history).await?;
        if common == Some(cursor) {
            return Ok(());
        }
        let from = match common {
            Some(common) => common.height.after(1),
            None => {
                let oldest = self.history.blocks().last().copied().unwrap_or(cursor);
                let headers = self.settings.max_gap_blocks;
                let below = common_block::below(&source.client, &self.history, oldest, headers).await?;
                self.history.set_common(below);
                below.map_or(oldest.height, |common| common.after(1))
            }
        };
        let replaced = self.history.blocks().take_while(|block| block.height >= from).map(|block| block.hash);
        self.state.note_replaced(replaced);
        let withdrawn = self.history.withdraw(from).await;
        self.backfill.again();
        self.meters.reorgs.inc();
        self.meters.events_withdrawn.inc_by(withdrawn as u64);
        info!(
            network = %self.settings.network,
            height = cursor.height.0,
            "Reorg during the downtime: recorded blocks {from} to {} of {} replaced, {withdrawn} events withdrawn",
            cursor.height,
            self.settings.network
        );
        Ok(())
    }

    /// The chain at the end of the history; `None` if nothing is recorded, the node cannot return the list of that
    /// block, or it is too far behind.
    async fn chain_at_cursor(
        &mut self,
        source: &Source,
        chain: &ChainInfo,
        counters: &EventCounters,
    ) -> Result<Option<FollowedChain>, SourceError> {
        let Some(cursor) = self.history.cursor() else { return Ok(None) };
        let missed = chain.blocks.above(cursor.height);
        if !source.client.dialect().is_pinned() || missed > self.settings.max_gap_blocks {
            // There is no list to compare with, or the gap is too large: these blocks count as missed.
            return Ok(None);
        }
        let network = self.settings.network.clone();
        let list = match self.full_list(source, cursor).await {
            Ok(list) => list,
            Err(SourceError::Rpc(error)) if matches!(error.kind(), ErrorKind::Call { .. }) => {
                warn!(%network, "Reading the list of {network} at block {} failed, its gap is not replayed: {error}", cursor.height);
                return Ok(None);
            }
            Err(trouble) => return Err(trouble),
        };
        info!(
            %network,
            height = cursor.height.0,
            "Resuming {network} from block {} of the history, {missed} blocks behind the node",
            cursor.height
        );
        let mut followed = FollowedChain::open(list, counters.clone());
        followed.remember(self.history.recent(DEPTH as u32).await);
        self.watching.select(followed.list());
        if self.enrichment.facts().is_none() {
            // On some chains the penalty rules depend on them, and blocks are replayed next.
            self.enrichment.refresh_facts(source, chain, &cursor, &self.settings.rules).await;
        }
        Ok(Some(followed))
    }
}
