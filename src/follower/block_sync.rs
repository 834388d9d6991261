//! Brings the followed chain of a network to the tip of a source: block by block, back over a reorg, or by a jump.
//!
//! Never here: choosing the source; checking whether it is in sync; planning the way to the tip (`sync_planner`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::follower::availability::is_momentary;
use crate::follower::block_replay::{BlockReplay, ReplayedBlock};
use crate::follower::blocks_ahead::{self, BlocksAhead};
use crate::follower::election_check::ElectionCheck;
use crate::follower::enrichment::Enrichment;
use crate::follower::followed_chain::FollowedChain;
use crate::follower::list_check::ListCheck;
use crate::follower::list_reader::ListReader;
use crate::follower::online_backfill::BackfillContext;
use crate::follower::reading_attempts::ReadingAttempts;
use crate::follower::recorded_chain::RecordedChain;
use crate::follower::resume::Resume;
use crate::follower::source::{Identity, Source, SourceError, optional};
use crate::follower::sync_planner::{AvailableLists, Missed, PlanStep, SyncPlan, SyncPlanner, SyncStart};
use crate::follower::{FollowerSettings, common_block};
use crate::history::BlockEvents;
use crate::meters::NetworkMeters;
use crate::rpc::{ChainInfo, Client, batch};
use domain::chain::Subnet;
use domain::list::{Block, MasternodeList};
use domain::watch::WatchList;

/// Interval between progress logs of a long catch-up, in blocks.
const PROGRESS: usize = 200;

/// Longest pause between two full lists during a catch-up. Each pause is as long as the list took to read.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The followed chain of a network, with what is needed to bring it forward.
pub(super) struct ChainSync {
    pub(super) settings: Arc<FollowerSettings>,
    pub(super) recorded: RecordedChain,
    pub(super) lists: ListReader,
    pub(super) enrichment: Enrichment,
    /// What proves the list.
    pub(super) list_check: ListCheck,
    /// What compares elected payees with votes and payments.
    pub(super) election_check: ElectionCheck,
    /// No other source can be used: a list that is refuted is followed, and published as such.
    pub(super) accepts_refuted: bool,
    /// How often the next block was read.
    reading: ReadingAttempts,
}

impl ChainSync {
    /// Nothing is followed yet.
    pub(super) fn new(
        settings: Arc<FollowerSettings>,
        meters: NetworkMeters,
        watch_list: watch::Receiver<WatchList>,
    ) -> ChainSync {
        ChainSync {
            lists: ListReader::new(settings.network.clone(), watch_list, meters.resyncs.clone()),
            recorded: RecordedChain::new(settings.clone(), meters),
            settings,
            enrichment: Enrichment::default(),
            list_check: ListCheck::default(),
            election_check: ElectionCheck::default(),
            accepts_refuted: false,
            reading: ReadingAttempts::default(),
        }
    }

    /// The list at the tip; `None` while no chain is followed.
    pub(super) fn list(&self) -> Option<&Arc<MasternodeList>> {
        self.recorded.followed().map(FollowedChain::list)
    }

    /// Opens the history if it is closed. Fails if it is of another network; then the followed chain is discarded.
    pub(super) async fn open_history(&mut self, identity: &Identity) -> Result<(), SourceError> {
        self.recorded.open(identity).await.inspect_err(|_| self.enrichment.forget_facts())
    }

    /// An attempt to continue where the history ends.
    pub(super) fn resume<'a>(&'a mut self, source: &'a Source, chain: &'a ChainInfo) -> Resume<'a> {
        let ChainSync { recorded, lists, enrichment, .. } = self;
        Resume { recorded, lists, enrichment, source, chain }
    }

    /// How blocks of a network of this kind are currently replayed.
    pub(super) fn replay(&self, subnet: Option<Subnet>) -> BlockReplay<'_> {
        let (rules, votes) = (&self.settings.rules, self.enrichment.votes());
        let penalty_rule = rules.penalty_rule(self.enrichment.sporks(), (self.settings.clock)());
        BlockReplay { rules, subnet: subnet.unwrap_or(Subnet::Regtest), penalty_rule, votes, counts_sessions: true }
    }

    /// Brings the chain to the tip of a source.
    pub(super) async fn walk_to(&mut self, source: &mut Source, chain: &ChainInfo) -> Result<(), SourceError> {
        source.client.keep_answers();
        let walked = self.walk_by_plan(source, chain).await;
        if !walked.as_ref().is_err_and(is_momentary) {
            source.client.forget_answers();
        }
        self.list_check.roots = HashMap::new();
        walked?;
        self.prove_tip(source).await
    }

    async fn walk_by_plan(&mut self, source: &mut Source, chain: &ChainInfo) -> Result<(), SourceError> {
        let mut plan = self.plan(source, chain).await?;
        let is_jump = matches!(plan, SyncPlan::Jump { .. } | SyncPlan::DeepReorg { .. });
        if is_jump && self.resume(source, chain).instead_of_jump().await? {
            plan = self.plan(source, chain).await?;
        }
        self.carry_out(source, plan).await
    }

    async fn carry_out(&mut self, source: &mut Source, plan: SyncPlan) -> Result<(), SourceError> {
        match plan {
            SyncPlan::Stay => Ok(()),
            SyncPlan::Rollback { depth } => self.recorded.step_back(depth).await,
            SyncPlan::Extend(missed) => self.walk(source, missed).await,
            SyncPlan::Reorg { depth, missed } => {
                self.recorded.step_back(depth).await?;
                self.walk(source, missed).await
            }
            SyncPlan::Jump { tip, skipped } => self.jump(source, tip, skipped).await,
            SyncPlan::DeepReorg { tip, oldest } => {
                warn!("Reorg below height {}, the oldest block kept: reading the full list at the tip", oldest.height);
                let headers = self.settings.max_gap_blocks;
                let common = common_block::below_all(&source.client, &self.recorded.history, oldest, headers).await?;
                // The depth of the reorg is unknown: all blocks from the oldest kept one are withdrawn.
                let skipped = common.map_or(tip.height.above(oldest.height) + 1, |common| tip.height.above(common));
                self.jump(source, tip, skipped).await
            }
        }
    }

    async fn plan(&mut self, source: &Source, tip: &ChainInfo) -> Result<SyncPlan, SourceError> {
        let is_any = source.capabilities.list_diffs || source.client.dialect().is_pinned();
        if let Some(known) = self.recorded.tip().map(|known| known.height)
            && (batch::FEWEST as u32..=self.settings.max_gap_blocks).contains(&tip.blocks.above(known))
        {
            blocks_ahead::headers(source, known.after(1), tip.blocks).await?;
        }
        let mut planner = SyncPlanner::new(SyncStart {
            chain: self.recorded.followed(),
            recorded: self.recorded.history.cursor().map(|cursor| cursor.height).or(self.recorded.history.common()),
            max_gap_blocks: self.settings.max_gap_blocks,
            now: (self.settings.clock)(),
            lists: if is_any { AvailableLists::AnyBlock } else { AvailableLists::TipOnly },
        });
        let mut wanted = tip.best;
        loop {
            let header = source.client.block_header(wanted).await?;
            self.list_check.roots.extend(header.merkle_root.map(|root| (header.block.hash, root)));
            match planner.next(&header)? {
                PlanStep::Plan(plan) => return Ok(plan),
                PlanStep::Header(hash) => wanted = hash,
            }
        }
    }

    async fn walk(&mut self, source: &mut Source, missed: Missed) -> Result<(), SourceError> {
        let Missed { skipped, blocks } = missed;
        let network = &self.settings.network;
        if !skipped.is_empty() {
            let skipped = skipped.len();
            warn!(%network, "Skipping the lists of {skipped} blocks of {network}: the node returns the list of its tip only");
        }
        let started = Instant::now();
        let base = self.recorded.tip().map_or_else(|| blocks[0].hash, |tip| tip.hash);
        let mut ahead = BlocksAhead::new(self.settings.ask.proof);
        for (done, block) in blocks.iter().enumerate() {
            let asked = Instant::now();
            let types = self.settings.rules.quorum_types(source.subnet().unwrap_or(Subnet::Regtest));
            ahead.reach(source, types, (base, &blocks), done).await;
            let before = self.recorded.followed().map(|chain| chain.list().as_ref());
            let next = self.lists.next(source, *block, before).await?;
            let next = self.proven(source, next).await?;
            let below = if done == 0 { &skipped[..] } else { &[] };
            self.advance(source, next, below).await?;
            self.recorded.meters.gap_blocks.inc_by(below.len() as u64);
            let left = blocks.len() - done - 1;
            if left > 0 && !source.capabilities.list_diffs {
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

    /// Moves to the next list, over blocks whose lists were skipped.
    async fn advance(
        &mut self,
        source: &mut Source,
        next: MasternodeList,
        skipped: &[Block],
    ) -> Result<(), SourceError> {
        let mut skipped = self.read_skipped(source, &next, skipped).await;
        let Some(chain) = self.recorded.followed() else { return Ok(()) };
        let (before, block) = (*chain.tip(), *next.block());
        let replay = BlockReplay { votes: &skipped.votes, ..self.replay(source.subnet()) };
        let replayed = replay.replay(source, chain.replay_point(), next).await;
        let is_hidden =
            self.lists.watching.is_hidden_in(chain.list()) || self.lists.watching.is_hidden_in(&replayed.list);
        self.check_answered(&replayed)?;
        self.verify_block(source, &replayed);
        if before.height.after(1) == block.height {
            let types = self.settings.rules.quorum_types(source.subnet().unwrap_or(Subnet::Regtest));
            self.enrichment.step_quorums(types, (&before.hash, &block), replayed.commitments.as_deref());
        }
        self.recorded.meters.gap_blocks.inc_by(u64::from(is_hidden));
        let is_unread = replayed.are_payments_unread || Self::is_unread(source, &skipped);
        skipped.unread = skipped.unread.map(|unread| unread + u32::from(is_unread));
        self.check_elections(&skipped, &replayed);
        self.pass(skipped, &before, &block).await;
        let is_counted = self.recorded.state.is_counted(&block.hash);
        let Some(chain) = self.recorded.state.followed_mut() else { return Ok(()) };
        let happened = if is_counted {
            self.recorded.meters.events_restored.inc_by(replayed.happened.events.len() as u64);
            chain.restore(replayed)
        } else {
            self.lists.watching.log_events(&self.settings.network, chain.list(), &replayed.happened.events);
            chain.advance(replayed)
        };
        self.recorded.history.record(happened, before.height).await;
        self.recorded.meters.blocks_followed.inc();
        Ok(())
    }

    /// Holds what the node says of a block against what is computed: members of quorums, and scores.
    fn verify_block(&mut self, source: &Source, replayed: &ReplayedBlock) {
        let types = self.settings.rules.quorum_types(source.subnet().unwrap_or(Subnet::Regtest));
        let rule = self.replay(source.subnet()).penalty_rule;
        let Some((chain, rule)) = self.recorded.followed().zip(rule).filter(|_| !types.is_empty()) else { return };
        self.enrichment.compare_members(types, chain, &replayed.quorums);
        if !source.capabilities.special_transactions {
            return;
        }
        let wrong = self.enrichment.wrong_scores(types, chain, replayed, &rule);
        self.note_scores(replayed.list.block().height, wrong);
    }

    /// Fails if an incomplete block is to be read again, at the next poll.
    fn check_answered(&mut self, replayed: &ReplayedBlock) -> Result<(), SourceError> {
        let Some(error) = &replayed.unanswered else {
            self.reading.succeeded();
            return Ok(());
        };
        let (network, Block { height, hash, .. }) = (&self.settings.network, replayed.happened.block);
        if self.reading.again(hash, error.kind().is_momentary()) {
            return Err(error.clone().into());
        }
        warn!(%network, "events or DKG outcomes of block {height} of {network} are incomplete: {error}");
        Ok(())
    }

    async fn jump(&mut self, source: &mut Source, tip: Block, skipped: u32) -> Result<(), SourceError> {
        self.recorded.check_jump(source, &tip).await?;
        let started = Instant::now();
        let list = self.lists.at_tip(source, tip, self.list().map(AsRef::as_ref)).await?;
        let list = self.proven(source, list).await?;
        self.recorded.withdraw_abandoned(source).await?;
        let skipped = self.recorded.history.cursor().map_or(skipped, |cursor| tip.height.above(cursor.height));
        let network = &self.settings.network;
        if skipped > 0 {
            self.recorded.meters.gap_blocks.inc_by(u64::from(skipped));
            warn!(
                %network,
                "Full list of {network} read at height {}: events of the {skipped} blocks before it are missing",
                tip.height
            );
        }
        if self.recorded.followed().is_some() {
            self.recorded.meters.resyncs.inc();
        }
        let passed = self.read_missed(source, &list, skipped).await;
        info!(
            %network,
            height = tip.height.0,
            masternodes = list.registered(),
            "Following {network} from height {}: {} masternodes, {} of them enabled, read in {:.1} s",
            tip.height,
            list.registered(),
            list.masternodes().iter().filter(|masternode| masternode.is_payable()).count(),
            started.elapsed().as_secs_f64()
        );
        let counters = self.recorded.state.take_counters();
        self.recorded.state.follow(FollowedChain::open(list, counters));
        self.pass(passed, &tip, &tip).await;
        self.recorded.state.followed_mut().into_iter().for_each(FollowedChain::start_here);
        if self.recorded.history.cursor() != Some(tip) {
            let start = BlockEvents { block: tip, events: Vec::new(), sessions: Vec::new() };
            self.recorded.history.record(start, tip.height).await;
        }
        self.recorded.backfill.again();
        self.enrichment.forget_facts();
        Ok(())
    }

    /// Reads the full list at the tip and replaces the followed list. Returns the number of masternodes that differed.
    pub(super) async fn verify(&mut self, source: &mut Source) -> Result<usize, SourceError> {
        let Some(chain) = self.recorded.state.followed_mut() else { return Ok(0) };
        // Set before the read: a failed read is retried at the next due time.
        chain.set_verified();
        let tip = *chain.tip();
        let full = self.lists.at_tip(source, tip, Some(chain.list().as_ref())).await?;
        Ok(if self.accepts_full(source, &full)? { self.correct(source, full).await } else { 0 })
    }

    /// Replaces the followed list by one of the same block. Returns the number of masternodes that differed.
    pub(super) async fn correct(&mut self, source: &Source, list: MasternodeList) -> usize {
        let rule = self.replay(source.subnet()).penalty_rule;
        let Some(chain) = self.recorded.state.followed_mut() else { return 0 };
        let (wrong, found) = chain.correct(list, rule.as_ref());
        self.lists.watching.log_events(&self.settings.network, chain.list(), &found.events);
        self.recorded.history.amend(found).await;
        wrong
    }

    /// Compares the followed list with the node's own count, and periodically with its full list. Returns whether the
    /// list had to be corrected.
    pub(super) async fn check_against_node(&mut self, source: &mut Source) -> Result<bool, SourceError> {
        if !source.client.dialect().is_pinned() {
            // The list was just read in full; the count may belong to a later block.
            return Ok(false);
        }
        let Some(chain) = self.recorded.followed() else { return Ok(false) };
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
            self.recorded.meters.resyncs.inc();
            let (network, height) = (&self.settings.network, tip.height);
            warn!(
                %network,
                height = height.0,
                counted = ?counted,
                "Full list of {network} read again at height {height}; masternodes that differed: {wrong}"
            );
        }
        Ok(wrong > 0)
    }

    /// Asks for the data other than the list that is due at the tip.
    pub(super) async fn enrich(&mut self, source: &mut Source, chain: &ChainInfo) {
        let Some(followed) = self.recorded.state.followed_mut() else { return };
        let (rules, watched) = (&self.settings.rules, self.lists.watching.targets());
        self.enrichment.refresh(source, chain, followed, rules, watched).await;
    }

    /// Selects the members of the sessions that are already determined. Returns whether the result changed, and the
    /// error if any.
    pub(super) async fn select_quorums(&mut self, source: &mut Source) -> (bool, Result<(), SourceError>) {
        let Some(followed) = self.recorded.followed().filter(|_| self.settings.ask.seats) else {
            return (false, Ok(()));
        };
        let selected = self.enrichment.select_quorums(source, followed, &self.settings.rules).await;
        let mismatches = self.enrichment.take_mismatches();
        self.recorded.meters.selection_mismatches.count(&self.enrichment.computed_types(), &mismatches);
        selected
    }

    /// Backfills one block, or finds the missing blocks. `source` is the followed one, once the tip is reached and
    /// recorded. Returns whether more is to do.
    pub(super) async fn fill(&mut self, source: Option<&mut Source>) -> bool {
        let subnet = source.as_ref().and_then(|source| source.subnet()).unwrap_or(Subnet::Regtest);
        let client = source.as_ref().map(|source| source.client.clone());
        let settings = &self.settings;
        let penalty_rule = settings.rules.penalty_rule(self.enrichment.sporks(), (settings.clock)());
        let replay = BlockReplay { rules: &settings.rules, subnet, penalty_rule, votes: &[], counts_sessions: false };
        self.recorded
            .backfill
            .step(BackfillContext { settings, source, history: &mut self.recorded.history, replay })
            .await;
        client.iter().for_each(Client::forget_answers);
        self.recorded.backfill.due().is_some()
    }
}
