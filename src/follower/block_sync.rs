//! The way from our tip to the node's: forward block by block, back over a reorg, or anew where it is too far.
//!
//! Never here: choosing the source; judging whether it is in sync.

use tokio::time::Instant;
use tracing::{info, warn};

use crate::follower::source::{ListDiffSupport, SourceError, optional};
use crate::follower::{ChainState, Follower};
use crate::history::BlockEvents;
use crate::rpc::{ChainInfo, Client, ErrorKind, Header};
use domain::event::EventKind;
use domain::list::{Block, MasternodeList};
use domain::masternode::{BlockHash, Height};
use domain::pose::PenaltyRule;

/// Blocks over which the mean spacing is measured.
const SPACING_SPAN: u32 = 1000;

/// Missed blocks that are walked by full lists where the node cannot tell changes; more are jumped over.
const FULL_LIST_WALK: usize = 24;

/// How often a long walk reports its progress, in blocks.
const PROGRESS: usize = 200;

/// Seconds by which a new block may be ahead of this host's clock and of the block that it stands on. Nodes refuse a block that is
/// two hours ahead (`MAX_FUTURE_BLOCK_TIME` in `src/chain.h`).
const LONGEST_AHEAD: u64 = 86_400;

/// How the node's tip is reached from ours.
enum SyncPlan {
    /// Step back so many blocks, then forward along these, oldest first.
    Walk { back: usize, forward: Vec<Block> },
    /// Too far, or no common block: read the list at the tip; so many blocks are not seen.
    Resync { tip: Block, skipped: u32 },
    /// The same, because the common block lies below the oldest one that is kept.
    Deep { tip: Block, oldest: Block },
}

impl Follower {
    /// Brings the book to the tip of a source.
    pub(super) async fn walk_to(&mut self, index: usize, chain: &ChainInfo) -> Result<(), SourceError> {
        let mut way = self.find_way(index, chain.best).await?;
        if !matches!(way, SyncPlan::Walk { .. }) && self.resume_from_history(index, chain).await? {
            way = self.find_way(index, chain.best).await?;
        }
        match way {
            SyncPlan::Resync { tip, skipped } => self.open_book(index, tip, skipped).await,
            SyncPlan::Deep { tip, oldest } => {
                let skipped = self.blocks_replaced(index, tip, oldest).await?;
                self.open_book(index, tip, skipped).await
            }
            SyncPlan::Walk { back, forward } => {
                self.step_back(back).await?;
                self.step_forward(index, &forward).await
            }
        }
    }

    async fn find_way(&self, index: usize, best: BlockHash) -> Result<SyncPlan, SourceError> {
        let client = &self.sources[index].client;
        let mut header = client.block_header(best).await?;
        let tip = header.block;
        let Some(book) = &self.book else {
            let recorded = self.recorder.cursor().map(|cursor| cursor.height).or(self.recorder.common());
            let recorded = recorded.unwrap_or(tip.height);
            return Ok(SyncPlan::Resync { tip, skipped: tip.height.above(recorded) });
        };
        let missed = tip.height.above(book.tip().height);
        if missed > self.settings.max_gap_blocks {
            return Ok(SyncPlan::Resync { tip, skipped: missed });
        }
        if let Some(back) = book.depth_of(&best) {
            return Ok(SyncPlan::Walk { back, forward: Vec::new() });
        }
        let mut forward = Vec::new();
        loop {
            forward.push(header.block);
            let parent =
                header.previous.ok_or_else(|| SourceError::Contradiction("its chain does not meet ours".into()))?;
            if let Some(back) = book.depth_of(&parent) {
                self.check_blocks(book, &forward, back)?;
                forward.reverse();
                return Ok(SyncPlan::Walk { back, forward });
            }
            if header.block.height <= book.oldest().height {
                warn!("the chain was reorganised below height {}: the list is read anew", book.oldest().height);
                return Ok(SyncPlan::Deep { tip, oldest: *book.oldest() });
            }
            header = next_down(client, &header, parent).await?;
        }
    }

    /// The lowest new block must stand on the common one, and none may be of a far future: a node that lies about heights or times
    /// is not followed. A time counts as future by this host's clock and by the chain, as either of them may be behind.
    fn check_blocks(&self, book: &ChainState, forward: &[Block], back: usize) -> Result<(), SourceError> {
        let common = book.at_depth(back);
        let expected = common.map_or(0, |common| common.height.0 + 1);
        let lowest = forward.last().map_or(expected, |block| block.height.0);
        if lowest != expected {
            return Err(SourceError::Contradiction(format!(
                "it says height {lowest} of a block that must be at {expected}"
            )));
        }
        let now = (self.settings.clock)();
        let latest = common.map_or(now, |common| common.time.max(now)).0.saturating_add(LONGEST_AHEAD);
        match forward.iter().find(|block| block.time.0 > latest) {
            Some(block) => Err(SourceError::Contradiction(format!(
                "it says a time of block {} that is more than a day ahead of its parents and of this host's clock",
                block.height
            ))),
            None => Ok(()),
        }
    }

    async fn step_back(&mut self, blocks: usize) -> Result<(), SourceError> {
        let Some(book) = self.book.as_mut().filter(|_| blocks > 0) else { return Ok(()) };
        let from = book.tip().height;
        let mut withdrawn = 0;
        for _ in 0..blocks {
            self.taken_back.note(book.tip());
            let events = book.step_back().map_err(|error| SourceError::Contradiction(error.to_string()))?;
            withdrawn += events.unwrap_or(0);
        }
        let replaced = book.tip().height.after(1);
        self.recorder.withdraw(replaced).await;
        self.filling.again();
        self.meters.reorgs.inc();
        self.meters.events_withdrawn.inc_by(withdrawn as u64);
        info!(
            network = %self.settings.network,
            height = from.0,
            "reorg of {}: {blocks} blocks below height {from} were replaced, {withdrawn} events are withdrawn",
            self.settings.network
        );
        Ok(())
    }

    async fn step_forward(&mut self, index: usize, forward: &[Block]) -> Result<(), SourceError> {
        let skipped = forward.len().saturating_sub(self.walked_by_lists(index, forward.len()));
        if skipped > 0 {
            warn!(
                network = %self.settings.network,
                "{skipped} blocks of {} are jumped over: the node tells no changes, events of them are not exact",
                self.settings.network
            );
        }
        let started = Instant::now();
        for (done, block) in forward.iter().enumerate().skip(skipped) {
            let next = self.next_list(index, *block).await?;
            self.advance(index, next).await?;
            if done == skipped {
                self.meters.gap_blocks.inc_by(skipped as u64);
            }
            if (done + 1) % PROGRESS == 0 && done + 1 < forward.len() {
                let left = started.elapsed().as_secs_f64() / (done + 1) as f64 * (forward.len() - done - 1) as f64;
                info!(
                    network = %self.settings.network,
                    "catching up with {}: {} of {} blocks, about {left:.0} s left",
                    self.settings.network,
                    done + 1,
                    forward.len()
                );
            }
        }
        Ok(())
    }

    /// How many of so many missed blocks are walked: all by their changes, few by lists, and only the last one where a list
    /// is always of now.
    fn walked_by_lists(&self, index: usize, missed: usize) -> usize {
        let pinned = self.sources[index].client.dialect().is_pinned();
        match self.sources[index].diffs {
            ListDiffSupport::Supported => missed,
            ListDiffSupport::Unsupported if pinned && missed <= FULL_LIST_WALK => missed,
            ListDiffSupport::Unsupported => missed.min(1),
        }
    }

    /// The rule of penalties that holds now; `None` where the chain shows no score.
    pub(super) fn penalty_rule(&self) -> Option<PenaltyRule> {
        let sporks = self.facts.as_ref().map_or(&[][..], |facts| &facts.chain.sporks);
        self.settings.rules.penalty_rule(sporks, (self.settings.clock)())
    }

    async fn advance(&mut self, index: usize, next: MasternodeList) -> Result<(), SourceError> {
        let rule = self.penalty_rule();
        let Some(book) = &self.book else { return Ok(()) };
        let mut events = book.events_until(&next, rule.as_ref());
        if !self.settings.rules.tells_payments {
            events.retain(|event| event.kind != EventKind::PaymentLost);
        }
        let sessions = self.explain(index, next.block(), &mut events).await?;
        let Some(book) = &mut self.book else { return Ok(()) };
        let happened = if self.taken_back.has(&next.block().hash) {
            self.meters.events_restored.inc_by(events.len() as u64);
            book.advance_again(next, events)
        } else {
            book.advance(next, events, sessions)
        };
        self.recorder.record(happened).await;
        self.meters.blocks_followed.inc();
        Ok(())
    }

    /// The list after `block`, the next one to ours: by its changes, or read in full where that fails.
    async fn next_list(&mut self, index: usize, block: Block) -> Result<MasternodeList, SourceError> {
        let Some(book) = self.book.as_ref().filter(|_| self.sources[index].diffs == ListDiffSupport::Supported) else {
            return self.full_list(index, block).await;
        };
        let why = match self.sources[index].client.list_diff(book.tip(), &block).await {
            Ok(diff) => match book.list().apply(&diff) {
                Ok(next) => return Ok(next),
                Err(error) => error.to_string(),
            },
            Err(error) => match error.kind() {
                ErrorKind::UnknownMethod | ErrorKind::Forbidden => {
                    self.sources[index].diffs = ListDiffSupport::Unsupported;
                    return self.full_list(index, block).await;
                }
                ErrorKind::Call { .. } | ErrorKind::Malformed { .. } | ErrorKind::TooLarge { .. } => error.to_string(),
                _ => return Err(error.into()),
            },
        };
        self.meters.resyncs.inc();
        warn!(
            network = %self.settings.network,
            height = block.height.0,
            "the changes of block {} of {} cannot be used ({why}); its full list is read instead",
            block.height,
            self.settings.network
        );
        self.full_list(index, block).await
    }

    /// The whole list at a block, made sure that the block was still on the node's branch when it was read.
    pub(super) async fn full_list(&self, index: usize, block: Block) -> Result<MasternodeList, SourceError> {
        let client = &self.sources[index].client;
        // How many they will be, so that they need no room twice, and how many the client reads at most.
        let expected = match client.masternode_count().await {
            Ok(count) => count.total as usize,
            Err(_) => self.book.as_ref().map_or(0, |book| book.list().registered()),
        };
        let registered = client.registered(block.height, expected).await?;
        if !client.dialect().is_pinned() && client.best_block_hash().await? != block.hash {
            return Err(SourceError::Moved);
        }
        if client.block_hash(block.height).await? != block.hash {
            return Err(SourceError::Contradiction(format!(
                "block {} was replaced while its list was read",
                block.height
            )));
        }
        self.accept(block, registered)
    }

    async fn open_book(&mut self, index: usize, tip: Block, skipped: u32) -> Result<(), SourceError> {
        let started = Instant::now();
        let list = self.full_list(index, tip).await?;
        self.withdraw_abandoned(index).await?;
        let skipped = self.recorder.cursor().map_or(skipped, |cursor| tip.height.above(cursor.height));
        if skipped > 0 {
            self.meters.gap_blocks.inc_by(u64::from(skipped));
            warn!(
                network = %self.settings.network,
                "the list of {} was read anew at height {}; events of {skipped} blocks before it were not seen",
                self.settings.network,
                tip.height
            );
        }
        let tallies = match self.book.take() {
            Some(book) => {
                self.meters.resyncs.inc();
                book.close()
            }
            None => std::mem::take(&mut self.tallies),
        };
        if self.recorder.cursor() != Some(tip) {
            self.recorder.record(BlockEvents { block: tip, events: Vec::new(), sessions: Vec::new() }).await;
        }
        self.log_opened(&list, started.elapsed().as_secs_f64());
        self.book = Some(ChainState::open(list, tallies));
        self.filling.again();
        self.facts = None;
        Ok(())
    }

    fn log_opened(&self, list: &MasternodeList, seconds: f64) {
        let block = list.block();
        info!(
            network = %self.settings.network,
            height = block.height.0,
            masternodes = list.registered(),
            "following {} from height {}: {} masternodes, {} of them valid, read in {seconds:.1} s",
            self.settings.network,
            block.height,
            list.registered(),
            list.valid()
        );
    }
}

async fn next_down(client: &Client, header: &Header, parent: BlockHash) -> Result<Header, SourceError> {
    let below = client.block_header(parent).await?;
    if below.block.height.0 + 1 != header.block.height.0 {
        return Err(SourceError::Contradiction(format!(
            "block {} says height {}, its parent {}",
            header.block.hash, header.block.height, below.block.height
        )));
    }
    Ok(below)
}

/// Mean seconds between the last blocks; `None` where there are too few to tell.
pub(super) async fn measure_spacing(client: &Client, tip: &Block) -> Result<Option<f64>, SourceError> {
    let blocks = SPACING_SPAN.min(tip.height.0.saturating_sub(1));
    if blocks < 2 {
        return Ok(None);
    }
    let Some(hash) = optional(client.block_hash(Height(tip.height.0 - blocks)).await)? else { return Ok(None) };
    let Some(header) = optional(client.block_header(hash).await)? else { return Ok(None) };
    let seconds = tip.time.0.saturating_sub(header.block.time.0) as f64;
    Ok(Some(seconds / f64::from(blocks)).filter(|spacing| *spacing > 0.0))
}
