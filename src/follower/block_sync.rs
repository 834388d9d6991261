//! Brings the followed chain of a network to the tip of a source: block by block, back over a reorg, or by a jump.
//!
//! Never here: choosing the source; checking whether it is in sync; planning the way to the tip (`sync_planner`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::follower::block_replay::{BlockReplay, ReplayedBlock};
use crate::follower::chain_state::ChainState;
use crate::follower::enrichment::Enrichment;
use crate::follower::followed_chain::FollowedChain;
use crate::follower::history_sink::HistorySink;
use crate::follower::online_backfill::{BackfillContext, OnlineBackfill};
use crate::follower::source::{ListDiffSupport, Source, SourceError, optional};
use crate::follower::sync_planner::{AvailableLists, Missed, PlanStep, SyncPlan, SyncPlanner, SyncStart};
use crate::follower::unreadable::{Hidden, HiddenAttempts};
use crate::follower::watching::Watching;
use crate::follower::{FollowerSettings, common_block, list_reader, unreadable};
use crate::history::BlockEvents;
use crate::meters::NetworkMeters;
use crate::rpc::{ChainInfo, ErrorKind};
use domain::chain::Subnet;
use domain::list::{Block, MasternodeList};
use domain::masternode::BlockHash;
use domain::unreadable::Unreadable;
use domain::watch::WatchList;

/// Interval between progress logs of a long catch-up, in blocks.
const PROGRESS: usize = 200;

/// Longest pause between two full lists during a catch-up. Each pause is as long as the list took to read.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The followed chain of a network, with its history and the facts that complete its list. Its methods are in this file
/// (tip) and in `resume` (history).
pub(super) struct ChainSync {
    pub(super) settings: Arc<FollowerSettings>,
    pub(super) meters: NetworkMeters,
    pub(super) state: ChainState,
    pub(super) history: HistorySink,
    pub(super) backfill: OnlineBackfill,
    pub(super) enrichment: Enrichment,
    pub(super) watching: Watching,
    /// No source confirmed a list for `stale_after`: any branch is followed.
    pub(super) accepts_any_branch: bool,
    /// The block that the node did not answer completely at the first attempt.
    unanswered: Option<BlockHash>,
    hidden: HiddenAttempts,
}

impl ChainSync {
    /// Nothing is followed yet.
    pub(super) fn new(
        settings: Arc<FollowerSettings>,
        meters: NetworkMeters,
        watch_list: watch::Receiver<WatchList>,
    ) -> ChainSync {
        ChainSync {
            history: HistorySink::new(&settings.network, None),
            settings,
            meters,
            state: ChainState::default(),
            backfill: OnlineBackfill::new(),
            enrichment: Enrichment::default(),
            watching: Watching::new(watch_list),
            accepts_any_branch: false,
            unanswered: None,
            hidden: HiddenAttempts::default(),
        }
    }

    /// The tip; `None` while no chain is followed.
    pub(super) fn tip(&self) -> Option<Block> {
        self.state.followed().map(|chain| *chain.tip())
    }

    /// The list at the tip; `None` while no chain is followed.
    pub(super) fn list(&self) -> Option<&Arc<MasternodeList>> {
        self.state.followed().map(FollowedChain::list)
    }

    /// How blocks of a network of this kind are currently replayed.
    fn replay(&self, subnet: Option<Subnet>) -> BlockReplay<'_> {
        let rules = &self.settings.rules;
        let penalty_rule = rules.penalty_rule(self.enrichment.sporks(), (self.settings.clock)());
        BlockReplay { rules, subnet: subnet.unwrap_or(Subnet::Regtest), penalty_rule, counts_sessions: true }
    }

    /// Brings the chain to the tip of a source.
    pub(super) async fn walk_to(&mut self, source: &mut Source, chain: &ChainInfo) -> Result<(), SourceError> {
        let mut plan = self.plan(source, chain.best).await?;
        let is_jump = matches!(plan, SyncPlan::Jump { .. } | SyncPlan::DeepReorg { .. });
        if is_jump && self.resume_from_history(source, chain).await? {
            plan = self.plan(source, chain.best).await?;
        }
        match plan {
            SyncPlan::Stay => Ok(()),
            SyncPlan::Rollback { depth } => self.step_back(depth).await,
            SyncPlan::Extend(missed) => self.walk(source, missed).await,
            SyncPlan::Reorg { depth, missed } => {
                self.step_back(depth).await?;
                self.walk(source, missed).await
            }
            SyncPlan::Jump { tip, skipped } => self.jump(source, tip, skipped).await,
            SyncPlan::DeepReorg { tip, oldest } => {
                warn!("Reorg below height {}, the oldest block kept: reading the full list at the tip", oldest.height);
                let headers = self.settings.max_gap_blocks;
                let common = common_block::below_all(&source.client, &self.history, oldest, headers).await?;
                // The depth of the reorg is unknown: all blocks from the oldest kept one are withdrawn.
                let skipped = common.map_or(tip.height.above(oldest.height) + 1, |common| tip.height.above(common));
                self.jump(source, tip, skipped).await
            }
        }
    }

    async fn plan(&self, source: &Source, best: BlockHash) -> Result<SyncPlan, SourceError> {
        let is_any = source.diffs == ListDiffSupport::Supported || source.client.dialect().is_pinned();
        let mut planner = SyncPlanner::new(SyncStart {
            chain: self.state.followed(),
            recorded: self.history.cursor().map(|cursor| cursor.height).or(self.history.common()),
            max_gap_blocks: self.settings.max_gap_blocks,
            now: (self.settings.clock)(),
            lists: if is_any { AvailableLists::AnyBlock } else { AvailableLists::TipOnly },
        });
        let mut wanted = best;
        loop {
            match planner.next(&source.client.block_header(wanted).await?)? {
                PlanStep::Plan(plan) => return Ok(plan),
                PlanStep::Header(hash) => wanted = hash,
            }
        }
    }

    async fn step_back(&mut self, blocks: usize) -> Result<(), SourceError> {
        let Some(from) = self.tip() else { return Ok(()) };
        let mut withdrawn = 0;
        for _ in 0..blocks {
            let Some(chain) = self.state.followed_mut() else { return Ok(()) };
            let replaced = chain.tip().hash;
            let events = chain.step_back().map_err(|error| SourceError::Contradiction(error.to_string()))?;
            self.state.note_replaced([replaced]);
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

    async fn walk(&mut self, source: &mut Source, missed: Missed) -> Result<(), SourceError> {
        let Missed { skipped, blocks } = missed;
        let network = &self.settings.network;
        if skipped > 0 {
            warn!(%network, "Skipping {skipped} blocks of {network}: the node returns the list of its tip only");
        }
        let started = Instant::now();
        for (done, block) in blocks.iter().enumerate() {
            let asked = Instant::now();
            let next = self.next_list(source, *block).await?;
            self.advance(source, next).await?;
            if done == 0 {
                self.meters.gap_blocks.inc_by(u64::from(skipped));
            }
            let left = blocks.len() - done - 1;
            if left > 0 && source.diffs == ListDiffSupport::Unsupported {
                // A full list is expensive for the node: the pause leaves it the same time for other work.
                tokio::time::sleep(asked.elapsed().min(LONGEST_PAUSE)).await;
            }
            if (done + 1) % PROGRESS == 0 && left > 0 {
                let seconds = started.elapsed().as_secs_f64() / (done + 1) as f64 * left as f64;
                let (network, walked, all) = (&self.settings.network, done + 1, blocks.len());
                info!(%network, "Catching up with {network}: {walked} of {all} blocks, about {seconds:.0} s left");
            }
        }
        Ok(())
    }

    async fn advance(&mut self, source: &mut Source, next: MasternodeList) -> Result<(), SourceError> {
        let Some(chain) = self.state.followed() else { return Ok(()) };
        let (before, block) = (*chain.tip(), *next.block());
        let replayed = self.replay(source.subnet()).replay(source, chain.replay_point(), next).await;
        let is_hidden = self.watching.is_hidden_in(chain.list()) || self.watching.is_hidden_in(&replayed.list);
        self.check_answered(&replayed)?;
        if before.height.after(1) == block.height {
            let types = self.settings.rules.quorum_types(source.subnet().unwrap_or(Subnet::Regtest));
            self.enrichment.step_quorums(types, (&before.hash, &block), replayed.commitments.as_deref());
        }
        self.meters.gap_blocks.inc_by(u64::from(is_hidden));
        let is_counted = self.state.is_counted(&block.hash);
        let Some(chain) = self.state.followed_mut() else { return Ok(()) };
        let happened = if is_counted {
            self.meters.events_restored.inc_by(replayed.happened.events.len() as u64);
            chain.restore(replayed)
        } else {
            self.watching.log_events(&self.settings.network, chain.list(), &replayed.happened.events);
            chain.advance(replayed)
        };
        self.history.record(happened, before.height).await;
        self.meters.blocks_followed.inc();
        Ok(())
    }

    /// Asks once more about an incomplete block, at the next poll.
    fn check_answered(&mut self, replayed: &ReplayedBlock) -> Result<(), SourceError> {
        let Some(error) = &replayed.unanswered else { return Ok(()) };
        let (network, Block { height, hash, .. }) = (&self.settings.network, replayed.happened.block);
        if self.unanswered.replace(hash) != Some(hash) {
            return Err(error.clone().into());
        }
        warn!(%network, "events or DKG outcomes of block {height} of {network} are incomplete: {error}");
        Ok(())
    }

    /// The list after `block`, the next one: from its list diff, or read in full if the diff fails.
    async fn next_list(&mut self, source: &mut Source, block: Block) -> Result<MasternodeList, SourceError> {
        let before = self.list().filter(|_| source.diffs == ListDiffSupport::Supported).cloned();
        let Some(before) = before else { return self.full_list(source, block).await };
        let why = match list_reader::by_diff(source, &before, &block).await {
            Ok(next) => return Ok(next),
            Err(SourceError::Rpc(error)) => match error.kind() {
                ErrorKind::UnknownMethod | ErrorKind::Forbidden => {
                    source.diffs = ListDiffSupport::Unsupported;
                    return self.full_list(source, block).await;
                }
                ErrorKind::Call { .. } | ErrorKind::Malformed { .. } | ErrorKind::TooLarge { .. } => error.to_string(),
                _ => return Err(error.into()),
            },
            Err(trouble) => trouble.to_string(),
        };
        self.meters.resyncs.inc();
        let (network, height) = (&self.settings.network, block.height);
        warn!(
            %network,
            height = height.0,
            "List diff of block {height} of {network} is unusable ({why}): reading the full list"
        );
        self.full_list(source, block).await
    }

    /// The full list of a block before the tip. A list that hides a watched masternode is refused until the source has
    /// been asked often enough. Then the block is skipped, and nothing is published until a list contains the
    /// masternode again.
    pub(super) async fn full_list(&mut self, source: &Source, block: Block) -> Result<MasternodeList, SourceError> {
        let hidden = match self.visible_list(source, block).await? {
            Ok(list) => return Ok(list),
            Err(hidden) => hidden,
        };
        if !self.hidden.is_exhausted(block.hash, source.name()) {
            return Err(hidden.into());
        }
        let (network, height) = (&self.settings.network, block.height);
        warn!(%network, height = height.0, "Skipping block {height} of {network}, its events are approximate: {hidden}");
        Ok(self.watching.with_hidden(hidden.list))
    }

    /// The full list of a block, or an error if it hides a watched masternode.
    async fn visible_list(&self, source: &Source, block: Block) -> Result<Result<MasternodeList, Hidden>, SourceError> {
        let before = self.list().map(AsRef::as_ref);
        let (list, reasons) = list_reader::in_full(source, block, before).await?;
        if before.map_or(&Unreadable::default(), MasternodeList::unreadable) != list.unreadable() {
            unreadable::log(&self.settings.network, &list, &reasons);
        }
        Ok(match self.watching.unreadable_in(&list) {
            Some(id) => Err(Hidden::new(&id, list, &reasons)),
            None => Ok(list),
        })
    }

    async fn tip_list(&self, source: &Source, tip: Block) -> Result<MasternodeList, SourceError> {
        Ok(self.visible_list(source, tip).await??)
    }

    async fn jump(&mut self, source: &Source, tip: Block, skipped: u32) -> Result<(), SourceError> {
        self.check_far_tip(source, tip.height).await?;
        let started = Instant::now();
        let list = self.tip_list(source, tip).await?;
        self.withdraw_abandoned(source).await?;
        let skipped = self.history.cursor().map_or(skipped, |cursor| tip.height.above(cursor.height));
        let network = &self.settings.network;
        if skipped > 0 {
            self.meters.gap_blocks.inc_by(u64::from(skipped));
            warn!(
                %network,
                "Full list of {network} read at height {}: events of the {skipped} blocks before it are missing",
                tip.height
            );
        }
        if self.state.followed().is_some() {
            self.meters.resyncs.inc();
        }
        if self.history.cursor() != Some(tip) {
            let start = BlockEvents { block: tip, events: Vec::new(), sessions: Vec::new() };
            self.history.record(start, tip.height).await;
        }
        info!(
            %network,
            height = tip.height.0,
            masternodes = list.registered(),
            "Following {network} from height {}: {} masternodes, {} of them valid, read in {:.1} s",
            tip.height,
            list.registered(),
            list.valid(),
            started.elapsed().as_secs_f64()
        );
        let counters = self.state.take_counters();
        self.state.follow(FollowedChain::open(list, counters));
        self.backfill.again();
        self.enrichment.forget_facts();
        Ok(())
    }

    /// Reads the full list at the tip and replaces the followed list. Returns the number of masternodes that differed.
    pub(super) async fn verify(&mut self, source: &Source) -> Result<usize, SourceError> {
        let Some(chain) = self.state.followed_mut() else { return Ok(0) };
        // Set before the read: a failed read is retried at the next due time.
        chain.set_verified();
        let tip = *chain.tip();
        let full = self.tip_list(source, tip).await?;
        let rule = self.replay(source.subnet()).penalty_rule;
        let Some(chain) = self.state.followed_mut() else { return Ok(0) };
        let (wrong, found) = chain.correct(full, rule.as_ref());
        self.watching.log_events(&self.settings.network, chain.list(), &found.events);
        self.history.amend(found).await;
        Ok(wrong)
    }

    /// Compares the followed list with the node's own count, and periodically with its full list. Returns whether the
    /// list had to be corrected.
    pub(super) async fn check_against_node(&mut self, source: &Source) -> Result<bool, SourceError> {
        if !source.client.dialect().is_pinned() {
            // The list was just read in full; the count may belong to a later block.
            return Ok(false);
        }
        let Some(chain) = self.state.followed() else { return Ok(false) };
        let tip = *chain.tip();
        let counted = optional(source.client.masternode_count().await)?;
        let agrees = counted.is_none_or(|count| {
            // Entries that could not be read may be enabled or not.
            let (list, unreadable) = (chain.list(), chain.list().unreadable().entries());
            count.total as usize == list.registered() + unreadable
                && (list.valid()..=list.valid() + unreadable).contains(&(count.enabled as usize))
        });
        let due = tip.height.above(chain.verified()) >= self.settings.resync_blocks;
        if (agrees && !due) || source.client.best_block_hash().await? != tip.hash {
            // A block arrived in between: the count is not that of our tip. The next block compares again.
            return Ok(false);
        }
        let wrong = self.verify(source).await?;
        if wrong > 0 || !agrees {
            self.meters.resyncs.inc();
            let (network, height) = (&self.settings.network, tip.height);
            warn!(
                %network,
                height = height.0,
                "Full list of {network} read again at height {height}: {wrong} masternodes differed"
            );
        }
        Ok(wrong > 0)
    }

    /// Asks for the data other than the list that is due at the tip.
    pub(super) async fn enrich(&mut self, source: &mut Source, chain: &ChainInfo) {
        let Some(followed) = self.state.followed_mut() else { return };
        let (rules, watched) = (&self.settings.rules, self.watching.targets());
        self.enrichment.refresh(source, chain, followed, rules, watched).await;
    }

    /// Selects the members of the sessions that are already determined. Returns whether the result changed, and the
    /// error if any.
    pub(super) async fn select_quorums(&mut self, source: &mut Source) -> (bool, Result<(), SourceError>) {
        let Some(followed) = self.state.followed().filter(|_| self.settings.ask.seats) else { return (false, Ok(())) };
        let selected = self.enrichment.select_quorums(source, followed, &self.settings.rules).await;
        let mismatches = self.enrichment.take_mismatches();
        self.meters.selection_mismatches.count(&self.enrichment.computed_types(), &mismatches);
        selected
    }

    /// Backfills one block, or finds the missing blocks. `source` is the followed one, once the tip is reached and
    /// recorded. Returns whether more is to do.
    pub(super) async fn fill(&mut self, source: Option<&mut Source>) -> bool {
        let subnet = source.as_ref().and_then(|source| source.subnet()).unwrap_or(Subnet::Regtest);
        let settings = &self.settings;
        let penalty_rule = settings.rules.penalty_rule(self.enrichment.sporks(), (settings.clock)());
        let replay = BlockReplay { rules: &settings.rules, subnet, penalty_rule, counts_sessions: false };
        self.backfill.step(BackfillContext { settings, source, history: &mut self.history, replay }).await;
        self.backfill.due().is_some()
    }
}
