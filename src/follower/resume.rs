//! Resumes where the history ends: from the last recorded block that is still on the chain, so that the blocks of a
//! downtime are replayed one by one.
//!
//! Never here: the way forward from there (`block_sync`).

use tracing::{info, warn};

use crate::follower::enrichment::Enrichment;
use crate::follower::followed_chain::{DEPTH, FollowedChain};
use crate::follower::kept_selection;
use crate::follower::list_reader::ListReader;
use crate::follower::recorded_chain::RecordedChain;
use crate::follower::source::{Source, SourceError};
use crate::rpc::{ChainInfo, ErrorKind};
use domain::counters::EventCounters;

/// One attempt to continue where the history ends.
pub(super) struct Resume<'a> {
    pub(super) recorded: &'a mut RecordedChain,
    pub(super) lists: &'a mut ListReader,
    pub(super) enrichment: &'a mut Enrichment,
    pub(super) source: &'a Source,
    /// The answer of the source.
    pub(super) chain: &'a ChainInfo,
}

impl Resume<'_> {
    /// After the history was opened: takes its selection and its counters, and resumes where it ends if the node returns the list
    /// of that block.
    pub(super) async fn after_opening(mut self) -> Result<(), SourceError> {
        kept_selection::recall(self.recorded, &mut self.lists.watching).await;
        if !self.recorded.state.is_resuming() {
            return Ok(());
        }
        self.recorded.check_far_tip(self.source, self.chain.blocks).await?;
        self.recorded.withdraw_abandoned(self.source).await?;
        let Some(in_file) = self.recorded.history.counters().await else {
            self.recorded.state.cancel_resuming();
            return Ok(());
        };
        let at_cursor = self.chain_at_cursor(&in_file).await?;
        let recorded = self.recorded;
        if let Some(followed) = at_cursor {
            recorded.state.continue_from_history(followed);
            recorded.history.discard_buffered();
        } else if let Some(tip) = recorded.state.unrecorded_tip().map(|tip| tip.height) {
            recorded.count_unrecorded_gap(tip);
            recorded.state.continue_on_top_of(in_file);
            recorded.history.flush_buffered().await;
        } else {
            recorded.state.continue_on_top_of(in_file);
        }
        Ok(())
    }

    /// If the kept blocks end above the common block, as they do soon after a start: continues from the highest
    /// recorded block that is still on the chain. Returns whether that is possible.
    pub(super) async fn instead_of_jump(mut self) -> Result<bool, SourceError> {
        let own = self.recorded.followed().map(|followed| followed.counters().clone());
        let (Some(cursor), Some(own)) = (self.recorded.history.cursor(), own) else { return Ok(false) };
        if self.chain.blocks.above(cursor.height) > self.recorded.settings.max_gap_blocks {
            return Ok(false);
        }
        self.recorded.withdraw_abandoned(self.source).await?;
        // The counters of the file contain the height of the penalty before the replaced blocks.
        let history = &mut self.recorded.history;
        let in_file = if history.is_written() { history.counters().await } else { None };
        let counters = in_file.unwrap_or(own);
        match self.chain_at_cursor(&counters).await? {
            Some(followed) => {
                self.recorded.state.follow(followed);
                Ok(true)
            }
            None => {
                self.recorded.state.give_up(Some(counters));
                Ok(false)
            }
        }
    }

    /// The chain at the end of the history; `None` if nothing is recorded, the node cannot return the list of that
    /// block, or it is too far behind.
    async fn chain_at_cursor(&mut self, counters: &EventCounters) -> Result<Option<FollowedChain>, SourceError> {
        let Resume { recorded, lists, enrichment, source, chain } = self;
        let settings = recorded.settings.clone();
        let Some(cursor) = recorded.history.cursor() else { return Ok(None) };
        let missed = chain.blocks.above(cursor.height);
        if !source.client.dialect().is_pinned() || missed > settings.max_gap_blocks {
            // There is no list to compare with, or the gap is too large: these blocks count as missed.
            return Ok(None);
        }
        let network = &settings.network;
        let before = recorded.followed().map(|followed| followed.list().as_ref());
        let list = match lists.full(source, cursor, before).await {
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
        followed.remember(recorded.history.recent(DEPTH as u32).await);
        lists.watching.select(followed.list());
        if enrichment.facts().is_none() {
            // On some chains the penalty rules depend on them, and blocks are replayed next.
            enrichment.refresh_facts(source, chain, &cursor, &settings.rules).await;
        }
        Ok(Some(followed))
    }
}
