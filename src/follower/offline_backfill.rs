//! Blocks from before the history began: walked from an old list forward, block by block, and filled in.
//!
//! The node is treated politely: one call at a time, and after each block a pause as long as its calls took. What is in
//! the history already is not asked again, so a walk that was stopped goes on where it ended.
//!
//! Never here: counting: what is filled in happened before counting began.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::follower::block_replay::{self, BlockReplay, ReplayedBlock, gaps};
use crate::follower::source::{self, Identity, Source, SourceError, optional};
use crate::follower::{FollowerSettings, enrichment};
use crate::history::{self, BlockEvents, NetworkId, Store, StoreError};
use crate::rpc::{ChainInfo, Client};
use domain::ForeignText;
use domain::chain_facts::ChainFacts;
use domain::list::{Block, MasternodeList};
use domain::masternode::{Height, UnixSeconds};
use domain::pose::PenaltyRule;
use domain::quorum::Quorums;

/// Shortest pause after a block.
pub(super) const BREATH: Duration = Duration::from_millis(5);

/// Blocks from one measurement of the spacing to the next.
const SPACING_BLOCKS: u32 = 100;

/// How far a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last block filled in.
    pub height: Height,
    /// Blocks filled in by this walk.
    pub done: u32,
    /// Blocks that it is to fill in.
    pub total: u32,
}

/// A block that was walked.
pub struct Walked<'a> {
    /// How far the walk is.
    pub progress: Progress,
    /// The list after the block; the answering node's own view of masternodes is left out, being of now.
    pub list: &'a MasternodeList,
    /// What happened in it, with the DKG sessions that ended.
    pub happened: &'a BlockEvents,
    /// What was known in addition to the list.
    pub facts: &'a ChainFacts,
}

/// Why nothing, or nothing more, can be filled in. What was filled in stays.
#[derive(Debug)]
pub enum OfflineBackfillError {
    /// The node cannot be asked, or not for this.
    Node(String),
    /// The history cannot take it.
    History(StoreError),
}

impl fmt::Display for OfflineBackfillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OfflineBackfillError::Node(why) => f.write_str(why),
            OfflineBackfillError::History(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OfflineBackfillError {}

impl From<SourceError> for OfflineBackfillError {
    fn from(trouble: SourceError) -> OfflineBackfillError {
        OfflineBackfillError::Node(trouble.to_string())
    }
}

impl From<crate::rpc::RpcError> for OfflineBackfillError {
    fn from(error: crate::rpc::RpcError) -> OfflineBackfillError {
        OfflineBackfillError::Node(error.to_string())
    }
}

impl From<StoreError> for OfflineBackfillError {
    fn from(error: StoreError) -> OfflineBackfillError {
        OfflineBackfillError::History(error)
    }
}

/// A node that tells old lists, and the network that it is of.
pub struct OfflineBackfill {
    settings: FollowerSettings,
    source: Source,
    identity: Identity,
    chain: ChainInfo,
    sporks: Vec<(ForeignText, i64)>,
    rule: Option<PenaltyRule>,
}

impl OfflineBackfill {
    /// Makes sure that the node behind `client` is of the right chain, is in sync, and can tell what happened in old blocks.
    pub async fn new(settings: FollowerSettings, client: Client) -> Result<OfflineBackfill, OfflineBackfillError> {
        let mut source = Source::new(client.clone());
        let (identity, chain) = source.check(&settings.rules, None).await?;
        if let Some(why) = BlockReplay::refusal(&source, &settings.rules) {
            return Err(OfflineBackfillError::Node(why));
        }
        let sporks = optional(client.sporks().await)?.unwrap_or_default();
        let rule = settings.rules.penalty_rule(&sporks, (settings.clock)());
        Ok(OfflineBackfill { settings, source, identity, chain, sporks, rule })
    }

    /// The first block at or after a moment; above the tip when there is none yet. Times of blocks are taken to rise.
    pub async fn first_since(&self, moment: UnixSeconds) -> Result<Height, OfflineBackfillError> {
        let tip = self.source.client.chain_info().await?.blocks;
        Ok(block_replay::first_since(&self.source, moment, (Height(0), tip)).await?)
    }

    /// The first block whose events are kept: those of older ones are deleted at once.
    pub async fn first_kept(&self) -> Result<Height, OfflineBackfillError> {
        let now = (self.settings.clock)();
        self.first_since(UnixSeconds(now.0.saturating_sub(self.settings.retention.as_secs()))).await
    }

    /// Fills in what the history lacks from `first` to `last` and below its end, as far as events are kept. `go_on` is called
    /// for each block, and ends the walk by `false`. Returns how many blocks were filled in, and how many were to be.
    pub async fn fill(
        &mut self,
        store: &mut Store,
        span: (Height, Height),
        mut go_on: impl FnMut(Progress) -> bool,
    ) -> Result<(u32, u32), OfflineBackfillError> {
        let (network, last) = self.end(store, span.1).await?;
        let kept = self.first_kept().await?;
        if last < kept {
            let why = format!("blocks below {kept} are older than history.retention: raise it first");
            return Err(OfflineBackfillError::Node(why));
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
                if !go_on(Progress { height: Height(height), done, total }) {
                    return Ok((done, total));
                }
                tokio::time::sleep(started.elapsed().max(BREATH)).await;
            }
        }
        Ok((done, total))
    }

    /// Walks all blocks from `first` to `last` and below the end of the history, tells each, and fills in those that the
    /// history lacks and that are kept. `go_on` ends the walk by `false`. Returns as [`OfflineBackfill::fill`].
    pub async fn tell(
        &mut self,
        store: &mut Store,
        (first, last): (Height, Height),
        mut go_on: impl FnMut(Walked<'_>) -> Result<bool, String>,
    ) -> Result<(u32, u32), OfflineBackfillError> {
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
            facts.evo_payments = source::evo_payments_after(&self.chain, self.source.version, height);
            if missing.iter().any(|(first, last)| (*first..=*last).contains(&height)) {
                store.backfill(network, std::slice::from_ref(&happened))?;
            }
            let progress = Progress { height, done, total };
            let walked = Walked { progress, list, happened: &happened, facts: &facts };
            if !go_on(walked).map_err(OfflineBackfillError::Node)? {
                return Ok((done, total));
            }
            tokio::time::sleep(started.elapsed().max(BREATH)).await;
        }
        Ok((total, total))
    }

    /// The network in the history, and the last block that can be walked.
    async fn end(&self, store: &mut Store, last: Height) -> Result<(NetworkId, Height), OfflineBackfillError> {
        let identity = history::Identity { chain: self.identity.chain.clone(), genesis: self.identity.genesis };
        let network = store.network(&self.settings.network, &identity)?;
        let Some(cursor) = store.cursor(network)? else {
            let why = format!("nothing is recorded of {} yet: run the exporter first", self.settings.network);
            return Err(OfflineBackfillError::Node(why));
        };
        if self.source.client.block_hash(cursor.height).await? != cursor.hash {
            let why = format!("the node's block {} is not the history's: run the exporter first", cursor.height);
            return Err(OfflineBackfillError::Node(why));
        }
        Ok((network, last.min(cursor.height)))
    }

    /// What was known in addition to the list at an old block.
    async fn facts(&self, block: &Block) -> Result<ChainFacts, OfflineBackfillError> {
        let mut facts = ChainFacts::new(self.identity.subnet());
        facts.measured_spacing_seconds = enrichment::measure_spacing(&self.source.client, block).await?;
        facts.sporks.clone_from(&self.sporks);
        facts.tells_sessions = self.source.tells_sessions();
        Ok(facts)
    }
}

fn replay<'a>(
    settings: &'a FollowerSettings,
    identity: &Identity,
    penalty_rule: Option<PenaltyRule>,
    counts_sessions: bool,
) -> BlockReplay<'a> {
    BlockReplay { rules: &settings.rules, subnet: identity.subnet(), penalty_rule, counts_sessions }
}
