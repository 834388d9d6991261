//! Going on where the history ends: from the last recorded block that is still on the chain, so that what happened while
//! nobody looked is seen block by block.
//!
//! Never here: the way forward from there (`walk`).

use tracing::{info, warn};

use crate::follower::Follower;
use crate::follower::chain_state::{ChainState, DEPTH};
use crate::follower::fork::Activation;
use crate::follower::returned::TakenBack;
use crate::follower::source::{Identity, SourceError};
use crate::rpc::{ChainInfo, ErrorKind};
use domain::counters::EventCounters;
use domain::list::Block;

/// What a node answers to a height above its tip: `RPC_INVALID_PARAMETER` of its `rpc/protocol.h`.
pub(super) const OUT_OF_RANGE: i64 = -8;

impl Follower {
    /// Before the chain is followed for the first time: takes the counts from the history, and stands where it ends if
    /// the node can say what the list was there. Without a history there is nothing to do.
    pub(super) async fn resume(&mut self, index: usize, chain: &ChainInfo) -> Result<(), SourceError> {
        if self.recorder.is_closed()
            && let Some(identity) = self.sources.identity.clone()
            && self.open_history(&identity).await?
        {
            // The file says where to go on: from there all that is in memory is walked again, if that can be.
            self.aside = self.book.take().or(self.aside.take());
            self.taken_back.extend(self.recorder.take_replaced());
            self.is_resuming = true;
            self.filling.again();
        }
        // Before anything recorded is taken back for the sake of a chain that was left behind.
        self.remember_activation(index, chain).await?;
        if !self.is_resuming {
            return Ok(());
        }
        if self.recorder.is_below_cursor(&chain.best) && self.sources.awaits_rollback() {
            return Err(SourceError::Behind(chain.blocks));
        }
        self.withdraw_abandoned(index).await?;
        let Some(in_file) = self.recorder.tallies().await else {
            // It is closed again: what is in memory is gone on with as before.
            self.is_resuming = false;
            self.book = self.aside.take();
            return Ok(());
        };
        self.resume_at_cursor(index, chain, &in_file).await?;
        self.is_resuming = false;
        match (&self.book, self.aside.take()) {
            (None, Some(book)) => self.merge_after_late_open(book, in_file).await,
            (None, None) if self.counts_history => self.tallies = in_file,
            (None, None) => self.tallies = in_file.add_later(&self.tallies),
            (Some(_), _) => {
                self.tallies = EventCounters::default();
                self.recorder.discard_buffered();
            }
        }
        self.counts_history = true;
        Ok(())
    }

    /// Opens the history. A source of another network than that of the history is refused, whatever it was before.
    async fn open_history(&mut self, identity: &Identity) -> Result<bool, SourceError> {
        let opened = self.recorder.open(identity).await;
        if opened.is_err() {
            // What was followed so far is of the network that is refused now.
            self.sources.identity = None;
            self.sources.activation = Activation::default();
            (self.book, self.aside, self.facts) = (None, None, None);
            (self.tallies, self.counts_history) = (EventCounters::default(), false);
            self.taken_back = TakenBack::default();
            self.recorder.discard_buffered();
            self.withdraw();
        }
        opened
    }

    /// What was followed while the history could not be opened is recorded behind what it holds.
    async fn merge_after_late_open(&mut self, mut book: ChainState, in_file: EventCounters) {
        if let (Some(cursor), Some(first)) = (self.recorder.cursor(), self.recorder.first_held()) {
            let skipped = first.above(cursor.height);
            self.meters.gap_blocks.inc_by(u64::from(skipped));
            if skipped > 0 {
                warn!(
                    network = %self.settings.network,
                    "events of {skipped} blocks of {} were not seen: those from the end of the history to this start",
                    self.settings.network
                );
            }
        }
        if !self.counts_history {
            book.rebase_on(in_file);
        }
        self.book = Some(book);
        self.recorder.flush_buffered().await;
    }

    /// When the way back in memory ends above the common block, as it does soon after a start: stands at the highest
    /// recorded block that is still on the chain. Returns whether it could.
    pub(super) async fn resume_from_history(&mut self, index: usize, chain: &ChainInfo) -> Result<bool, SourceError> {
        let Some(cursor) = self.recorder.cursor().filter(|_| self.book.is_some()) else { return Ok(false) };
        if chain.blocks.above(cursor.height) > self.settings.max_gap_blocks {
            return Ok(false);
        }
        self.withdraw_abandoned(index).await?;
        let in_file = if self.recorder.is_written() { self.recorder.tallies().await } else { None };
        if let Some(book) = self.book.take() {
            // Those in the file know which penalty was the last before the blocks that were replaced.
            self.tallies = in_file.unwrap_or_else(|| book.close());
        }
        let tallies = self.tallies.clone();
        self.resume_at_cursor(index, chain, &tallies).await?;
        Ok(self.book.is_some())
    }

    /// Takes back what is recorded of blocks that are not on the node's branch.
    pub(super) async fn withdraw_abandoned(&mut self, index: usize) -> Result<(), SourceError> {
        let Some(cursor) = self.recorder.cursor() else { return Ok(()) };
        let common = self.common_block(index).await?;
        if common == Some(cursor) {
            return Ok(());
        }
        let from = match common {
            Some(common) => common.height.after(1),
            None => {
                let oldest = self.recorder.blocks().last().copied().unwrap_or(cursor);
                let below = self.common_below(index, oldest).await?;
                self.recorder.set_common(below);
                below.map_or(oldest.height, |common| common.after(1))
            }
        };
        let replaced = self.recorder.blocks().take_while(|block| block.height >= from).map(|block| block.hash);
        self.taken_back.extend(replaced);
        let withdrawn = self.recorder.withdraw(from).await;
        self.filling.again();
        self.meters.reorgs.inc();
        self.meters.events_withdrawn.inc_by(withdrawn as u64);
        info!(
            network = %self.settings.network,
            height = cursor.height.0,
            "recorded blocks {from} to {} of {} were replaced meanwhile, {withdrawn} events are withdrawn",
            cursor.height,
            self.settings.network
        );
        Ok(())
    }

    /// The highest recorded block that is on the node's branch.
    async fn common_block(&self, index: usize) -> Result<Option<Block>, SourceError> {
        let client = &self.sources[index].client;
        for block in self.recorder.blocks() {
            match client.block_hash(block.height).await {
                Ok(hash) if hash == block.hash => return Ok(Some(*block)),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Call { code: OUT_OF_RANGE, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    async fn resume_at_cursor(
        &mut self,
        index: usize,
        chain: &ChainInfo,
        tallies: &EventCounters,
    ) -> Result<(), SourceError> {
        let Some(cursor) = self.recorder.cursor() else { return Ok(()) };
        let missed = chain.blocks.above(cursor.height);
        if !self.sources[index].client.dialect().is_pinned() || missed > self.settings.max_gap_blocks {
            // There is no list to compare with, or too long a way: the walk counts these blocks as not seen.
            return Ok(());
        }
        match self.full_list(index, cursor).await {
            Ok(list) => {
                info!(
                    network = %self.settings.network,
                    height = cursor.height.0,
                    "going on with {} from block {} of the history, {missed} blocks behind the node",
                    self.settings.network,
                    cursor.height
                );
                let mut book = ChainState::open(list, tallies.clone());
                book.remember(self.recorder.recent(DEPTH as u32).await);
                // What an entry selected there stays watched, whatever changed since.
                self.watched = self.watch_list.borrow().resolve(book.list(), &self.watched);
                self.book = Some(book);
                if self.facts.is_none() {
                    // The rules of penalties depend on them on some chains, and blocks are walked next.
                    self.refresh_chain_facts(index, chain).await;
                }
                Ok(())
            }
            Err(SourceError::Rpc(error)) if matches!(error.kind(), ErrorKind::Call { .. }) => {
                warn!(
                    network = %self.settings.network,
                    "the node cannot say the list of {} at block {}: {error}",
                    self.settings.network,
                    cursor.height
                );
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }
}
