//! Backfill while the exporter is stopped: replays blocks before the history from an old list forward, and records
//! each.
//!
//! Limits the load on the node: one call at a time, and after each block a pause as long as its calls took. Blocks that
//! are in the history are not read again, so an interrupted backfill resumes where it stopped.
//!
//! Never here: counting; backfilled events happened before counting began.

use std::time::Duration;

use tokio::time::Instant;

use crate::follower::block_replay::{self, BlockReplay, ReplayedBlock, gaps};
use crate::follower::source::{Identity, Source, optional};
use crate::follower::{FollowerSettings, enrichment, source_forks};
use crate::history::{self, BlockEvents, NetworkId, Store};
use crate::rpc::{ChainInfo, Client};
use domain::ForeignText;
use domain::chain_facts::ChainFacts;
use domain::list::{Block, MasternodeList};
use domain::masternode::{Height, UnixSeconds};
use domain::pose::PenaltyRule;
use domain::quorum::Quorums;

/// Shortest pause after a block.
pub(super) const BREATH: Duration = Duration::from_millis(5);

/// Interval between two measurements of the spacing, in blocks.
const SPACING_BLOCKS: u32 = 100;

/// Progress of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last backfilled block.
    pub height: Height,
    /// Blocks recorded by this backfill.
    pub done: u32,
    /// Blocks to backfill.
    pub total: u32,
}

/// A replayed block.
pub struct Walked<'a> {
    /// The progress.
    pub progress: Progress,
    /// The list after the block, without the answering node's view of its peers, which is current.
    pub list: &'a MasternodeList,
    /// Its events, with the DKG sessions that ended.
    pub happened: &'a BlockEvents,
    /// The facts other than the list.
    pub facts: &'a ChainFacts,
}

/// Why nothing, or nothing more, can be backfilled: for people. Recorded blocks stay.
pub type BackfillError = Box<dyn std::error::Error + Send + Sync>;

/// A node that returns old lists, and its network.
pub struct OfflineBackfill {
    settings: FollowerSettings,
    source: Source,
    identity: Identity,
    chain: ChainInfo,
    sporks: Vec<(ForeignText, i64)>,
    rule: Option<PenaltyRule>,
}

impl OfflineBackfill {
    /// Checks that the node behind `client` is of the right chain, is in sync, and can replay old blocks.
    pub async fn new(settings: FollowerSettings, client: Client) -> Result<OfflineBackfill, BackfillError> {
        let mut source = Source::new(client.clone());
        let (identity, chain) = source.check(&settings, None).await?;
        if let Some(why) = BlockReplay::refusal(&source, &settings.rules) {
            return Err(why.into());
        }
        let sporks = optional(client.sporks().await)?.unwrap_or_default();
        let rule = settings.rules.penalty_rule(&sporks, (settings.clock)());
        Ok(OfflineBackfill { settings, source, identity, chain, sporks, rule })
    }

    /// The first block at or after a time; a height above the tip if there is none. Assumes that block times ascend.
    pub async fn first_since(&self, moment: UnixSeconds) -> Result<Height, BackfillError> {
        let tip = self.source.client.chain_info().await?.blocks;
        Ok(block_replay::first_since(&self.source, moment, (Height(0), tip)).await?)
    }

    /// The first block whose events are kept: those of older blocks would be deleted at once.
    pub async fn first_kept(&self) -> Result<Height, BackfillError> {
        let now = (self.settings.clock)();
        self.first_since(UnixSeconds(now.0.saturating_sub(self.settings.retention.as_secs()))).await
    }

    /// Backfills the blocks missing in the history from `first` to `last` and below its end, as far as events are kept.
    /// Calls `proceed` for each block; `false` stops the backfill. Returns the number of blocks recorded and the number
    /// that was planned.
    pub async fn fill(
        &mut self,
        store: &mut Store,
        span: (Height, Height),
        mut proceed: impl FnMut(Progress) -> bool,
    ) -> Result<(u32, u32), BackfillError> {
        let (network, last) = self.end(store, span.1).await?;
        let kept = self.first_kept().await?;
        if last < kept {
            let why = format!("blocks below {kept} are older than history.retention: raise it first");
            return Err(why.into());
        }
        let gaps = gaps(&store.spans(network)?, (span.0.max(kept).max(Height(1)), last));
        let total = gaps.iter().map(|(first, last)| last.above(*first) + 1).sum();
        let mut done = 0;
        let replay = replay(&self.settings, &self.identity, self.rule, false);
        for (first, last) in gaps {
            let mut from = block_replay::point_before(&self.source, first).await?;
            for height in first.0..=last.0 {
                let started = Instant::now();
                let replayed = replay.replay_next(&mut self.source, &from).await?;
                store.backfill(network, &[replayed.happened])?;
                from.advance(replayed.list);
                done += 1;
                if !proceed(Progress { height: Height(height), done, total }) {
                    return Ok((done, total));
                }
                tokio::time::sleep(started.elapsed().max(BREATH)).await;
            }
        }
        Ok((done, total))
    }

    /// Replays all blocks from `first` to `last` and below the end of the history, reports each, and records those that
    /// are missing and kept. `proceed` stops it with `false`. Returns as [`OfflineBackfill::fill`].
    pub async fn replay_all(
        &mut self,
        store: &mut Store,
        (first, last): (Height, Height),
        mut proceed: impl FnMut(Walked<'_>) -> Result<bool, String>,
    ) -> Result<(u32, u32), BackfillError> {
        let (network, last) = self.end(store, last).await?;
        let (first, kept) = (first.max(Height(1)), self.first_kept().await?);
        let missing = gaps(&store.spans(network)?, (first.max(kept), last));
        let total = (last.0 + 1).saturating_sub(first.0);
        if total == 0 {
            return Ok((0, 0));
        }
        let mut from = block_replay::point_before(&self.source, first).await?;
        let mut facts = self.facts(from.list().block()).await?;
        let replay = replay(&self.settings, &self.identity, self.rule, true);
        let types = self.settings.rules.quorum_types(self.identity.subnet());
        let mut quorums = Quorums::default();
        enrichment::bring(&mut quorums, &mut self.source, types, from.list().block()).await;
        for done in 1..=total {
            let started = Instant::now();
            let ReplayedBlock { list, happened, commitments, .. } = replay.replay_next(&mut self.source, &from).await?;
            let parent = from.list().block().hash;
            enrichment::step(&mut quorums, types, (&parent, list.block()), commitments.as_deref());
            enrichment::bring(&mut quorums, &mut self.source, types, list.block()).await;
            from.advance(list);
            let (list, height) = (from.list(), from.list().block().height);
            if height.0 % SPACING_BLOCKS == 0 {
                facts = self.facts(list.block()).await?;
            }
            facts.formations.clone_from(&quorums.formations);
            facts.evo_payments = source_forks::evo_payments_after(&self.chain, self.source.version, height);
            if missing.iter().any(|(first, last)| (*first..=*last).contains(&height)) {
                store.backfill(network, std::slice::from_ref(&happened))?;
            }
            let progress = Progress { height, done, total };
            let walked = Walked { progress, list, happened: &happened, facts: &facts };
            if !proceed(walked)? {
                return Ok((done, total));
            }
            tokio::time::sleep(started.elapsed().max(BREATH)).await;
        }
        Ok((total, total))
    }

    /// The network in the history, and the last block that can be replayed.
    async fn end(&self, store: &mut Store, last: Height) -> Result<(NetworkId, Height), BackfillError> {
        let identity = history::Identity { chain: self.identity.chain.clone(), genesis: self.identity.genesis };
        let network = store.network(&self.settings.network, &identity)?;
        let Some(cursor) = store.cursor(network)? else {
            let why = format!("the history has no block of {}: run the exporter first", self.settings.network);
            return Err(why.into());
        };
        if self.source.client.block_hash(cursor.height).await? != cursor.hash {
            let why = format!(
                "block {} of the node differs from the one in the history: run the exporter first",
                cursor.height
            );
            return Err(why.into());
        }
        Ok((network, last.min(cursor.height)))
    }

    /// The facts other than the list at an old block.
    async fn facts(&self, block: &Block) -> Result<ChainFacts, BackfillError> {
        let mut facts = ChainFacts::new(self.identity.subnet());
        facts.measured_spacing_seconds = enrichment::measure_spacing(&self.source.client, block).await?;
        facts.sporks.clone_from(&self.sporks);
        facts.reports_dkg_outcomes = self.source.capabilities.dkg_outcomes();
        Ok(facts)
    }
}

fn replay<'a>(
    settings: &'a FollowerSettings,
    identity: &Identity,
    penalty_rule: Option<PenaltyRule>,
    counts_sessions: bool,
) -> BlockReplay<'a> {
    BlockReplay { rules: &settings.rules, subnet: identity.subnet(), penalty_rule, votes: &[], counts_sessions }
}
