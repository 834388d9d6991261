//! The followed chain of a network and its record in the history, which change together: opened, stepped back and
//! withdrawn.
//!
//! Never here: the way forward (`block_sync`); reading lists.

use std::sync::Arc;

use tracing::{info, warn};

use crate::follower::chain_state::ChainState;
use crate::follower::followed_chain::FollowedChain;
use crate::follower::history_sink::HistorySink;
use crate::follower::online_backfill::OnlineBackfill;
use crate::follower::source::{Identity, Source, SourceError};
use crate::follower::sync_planner::LONGEST_AHEAD;
use crate::follower::unread_payments::UnreadPayments;
use crate::follower::{FollowerSettings, common_block};
use crate::meters::NetworkMeters;
use crate::rpc::ChainInfo;
use domain::list::Block;
use domain::masternode::Height;

/// See the module.
pub(super) struct RecordedChain {
    pub(super) settings: Arc<FollowerSettings>,
    pub(super) meters: NetworkMeters,
    pub(super) state: ChainState,
    pub(super) history: HistorySink,
    pub(super) backfill: OnlineBackfill,
    pub(super) unread_payments: UnreadPayments,
    /// No source confirmed a list for `stale_after`: any branch is followed.
    pub(super) accepts_any_branch: bool,
}

impl RecordedChain {
    /// Nothing is followed or recorded yet.
    pub(super) fn new(settings: Arc<FollowerSettings>, meters: NetworkMeters) -> RecordedChain {
        RecordedChain {
            history: HistorySink::new(&settings.network, None),
            settings,
            meters,
            state: ChainState::default(),
            backfill: OnlineBackfill::new(),
            unread_payments: UnreadPayments::default(),
            accepts_any_branch: false,
        }
    }

    /// The followed chain; `None` while there is none.
    pub(super) fn followed(&self) -> Option<&FollowedChain> {
        self.state.followed()
    }

    /// The tip; `None` while no chain is followed.
    pub(super) fn tip(&self) -> Option<Block> {
        self.followed().map(|chain| *chain.tip())
    }

    /// Whether the tip of a source is behind the followed one.
    pub(super) fn is_ahead_of(&self, chain: &ChainInfo) -> bool {
        self.followed().is_some_and(|followed| match followed.depth_of(&chain.best) {
            Some(depth) => depth > 0,
            None => chain.blocks < followed.tip().height,
        })
    }

    /// Opens the history if it is closed. Fails if it is of another network; then the followed chain is discarded.
    pub(super) async fn open(&mut self, identity: &Identity) -> Result<(), SourceError> {
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
                self.history.discard_buffered();
                Err(trouble)
            }
        }
    }

    /// Goes back over blocks that a reorg replaced, and withdraws their events.
    pub(super) async fn step_back(&mut self, blocks: usize) -> Result<(), SourceError> {
        let Some(from) = self.tip() else { return Ok(()) };
        let mut withdrawn = 0;
        for _ in 0..blocks {
            let Some(chain) = self.state.followed_mut() else { return Ok(()) };
            let replaced: Vec<_> = chain.last_step().collect();
            let events = chain.step_back().map_err(|error| SourceError::Contradiction(error.to_string()))?;
            self.state.note_replaced(replaced);
            withdrawn += events.unwrap_or(0);
        }
        let Some(tip) = self.tip() else { return Ok(()) };
        self.history.withdraw(tip.height.after(1)).await;
        self.backfill.again();
        self.meters.reorgs.inc();
        self.meters.events_withdrawn.inc_by(withdrawn as u64);
        let (network, height) = (&self.settings.network, from.height);
        info!(
            %network,
            height = height.0,
            "Reorg of {network}: the last {blocks} blocks up to height {height} replaced, {withdrawn} events withdrawn"
        );
        Ok(())
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
                // If the node does not tell it, at least the recorded blocks are missing.
                let common = below.unwrap_or(Height(oldest.height.0.saturating_sub(1)));
                self.history.set_common(Some(common));
                common.after(1)
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
            "Reorg: recorded blocks {from} to {} of {} replaced, {withdrawn} events withdrawn",
            cursor.height,
            self.settings.network
        );
        Ok(())
    }

    /// Counts the blocks between the end of the history and the buffered steps, or the tip if nothing is buffered.
    pub(super) fn count_unrecorded_gap(&self, tip: Height) {
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
}
