//! What elections of the older chains depend on: hashes of blocks, collaterals, and the votes that arrive after a block.
//!
//! Each collateral and each hash is read once. Votes are read with the block and a few times after it.
//!
//! Never here: the election itself (`domain::payment::election`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::follower::capabilities::is_refusal;
use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::Source;
use crate::rpc::RpcError;
use domain::chain_facts::{ChainFacts, Collateral};
use domain::list::Block;
use domain::masternode::{BlockHash, Height, MasternodeId};
use domain::payment::election::{CONFIRMATION, ELECTING_DEPTH};
use domain::watch::WatchTarget;

/// Longest time that one block spends on collaterals and hashes. The rest follows with the next block.
const LONGEST: Duration = Duration::from_secs(3);

/// Most collaterals that are read at one block, two calls for each.
const COLLATERALS_PER_BLOCK: usize = 512;

/// After a reorg, collaterals of so many blocks below the tip are read again.
const UNSETTLED_BLOCKS: u32 = 200;

/// Seconds after a block at which the votes are read again: most arrive within seconds.
const VOTES_AFTER_SECONDS: [u64; 5] = [2, 5, 10, 20, 40];

/// The state of these queries.
#[derive(Default)]
pub(super) struct ElectionQueries {
    tip: Option<Block>,
    /// When the tip was first read, and how often its votes were read again.
    votes: Option<(Instant, usize)>,
}

impl ElectionQueries {
    /// Reads what is missing at a new tip.
    pub(super) async fn refresh(
        &mut self,
        source: &Source,
        followed: &FollowedChain,
        facts: &mut ChainFacts,
        watched: &[WatchTarget],
    ) {
        let tip = *followed.tip();
        if self.tip.is_some_and(|before| followed.depth_of(&before.hash).is_none()) {
            // The hashes above the common block are those of another branch.
            facts.block_hashes = Arc::default();
            let is_settled = |collateral: &Collateral| tip.height.above(collateral.height) > UNSETTLED_BLOCKS;
            Arc::make_mut(&mut facts.collaterals).retain(|_, collateral| is_settled(collateral));
        }
        self.tip = Some(tip);
        self.votes = source.has_votes.then(|| (Instant::now(), 0));
        let deadline = Instant::now() + LONGEST;
        let hashes = read_hashes(source, &tip, facts, deadline).await;
        let read = match hashes {
            Ok(()) => read_collaterals(source, followed, facts, watched, deadline).await,
            Err(error) => Err(error),
        };
        facts.collaterals_refused = read.is_err_and(|error| is_refusal(&error));
    }

    /// When the votes are due to be read again; `None` if they are not.
    pub(super) fn votes_due(&self) -> Option<Instant> {
        let (seen, done) = self.votes?;
        VOTES_AFTER_SECONDS.get(done).map(|seconds| seen + Duration::from_secs(*seconds))
    }

    /// Whether the votes are due to be read again; then they are not until the next time.
    pub(super) fn take_votes_due(&mut self) -> bool {
        let now = Instant::now();
        let mut is_due = false;
        while self.votes_due().is_some_and(|due| due <= now) {
            self.votes = self.votes.map(|(seen, done)| (seen, done + 1));
            is_due = true;
        }
        is_due
    }
}

/// The hashes of the blocks that elect the payees of the next blocks.
async fn read_hashes(source: &Source, tip: &Block, facts: &mut ChainFacts, deadline: Instant) -> Result<(), RpcError> {
    let lowest = Height(tip.height.0.saturating_sub(ELECTING_DEPTH - 1));
    let known = Arc::make_mut(&mut facts.block_hashes);
    known.retain(|height, _| (lowest..=tip.height).contains(height));
    known.insert(tip.height, tip.hash);
    // The lowest ones elect the next payees.
    let missing: Vec<Height> =
        (lowest.0..tip.height.0).map(Height).filter(|height| !known.contains_key(height)).collect();
    for height in missing.into_iter().take_while(|_| Instant::now() < deadline) {
        known.insert(height, source.client.block_hash(height).await?);
    }
    Ok(())
}

/// The blocks of collaterals and of their confirmations, of watched masternodes first. A collateral that is removed by a
/// reorg leaves the list.
async fn read_collaterals(
    source: &Source,
    followed: &FollowedChain,
    facts: &mut ChainFacts,
    watched: &[WatchTarget],
    deadline: Instant,
) -> Result<(), RpcError> {
    let (list, tip) = (followed.list(), followed.tip());
    let collaterals = &facts.collaterals;
    let is_read = |id: &MasternodeId| collaterals.get(id).is_some_and(|collateral| collateral.confirmed.is_some());
    let watched = watched.iter().map(|watched| watched.id).filter(|id| list.position(id).is_some());
    // A masternode that was never paid would be first in the queue, and is the most likely to be too young for it.
    let (never, paid): (Vec<_>, Vec<_>) =
        list.masternodes().iter().partition(|masternode| masternode.last_paid_height.is_none());
    let all = watched.chain(never.into_iter().chain(paid).map(|masternode| masternode.id));
    let missing: Vec<MasternodeId> = all.filter(|id| !is_read(id)).take(COLLATERALS_PER_BLOCK).collect();
    let mut hashes: HashMap<Height, BlockHash> = HashMap::new();
    let mut read = Vec::new();
    let mut outcome = Ok(());
    for id in missing.into_iter().take_while(|_| Instant::now() < deadline) {
        let known = collaterals.get(&id).map(|collateral| collateral.height);
        match collateral(source, tip, (&id, known), &mut hashes).await {
            Ok(Some(collateral)) => read.push((id, collateral)),
            Ok(None) => {}
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    if !read.is_empty() {
        Arc::make_mut(&mut facts.collaterals).extend(read);
    }
    outcome
}

/// A collateral; `None` if it is spent, or if the tip changed.
async fn collateral(
    source: &Source,
    tip: &Block,
    (id, known): (&MasternodeId, Option<Height>),
    hashes: &mut HashMap<Height, BlockHash>,
) -> Result<Option<Collateral>, RpcError> {
    let MasternodeId::Collateral(outpoint) = id else { return Ok(None) };
    let height = match known {
        Some(height) => Some(height),
        None => source.client.collateral_height(outpoint, tip).await?,
    };
    let Some(height) = height else { return Ok(None) };
    let confirming = height.after(CONFIRMATION - 1);
    let confirmed = match hashes.get(&confirming) {
        Some(hash) => Some(*hash),
        None if confirming > tip.height => None,
        None => Some(source.client.block_hash(confirming).await?),
    };
    hashes.extend(confirmed.map(|hash| (confirming, hash)));
    Ok(Some(Collateral { height, confirmed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn votes_are_read_again_a_few_times_after_a_block_and_then_no_more() {
        let begin = Instant::now();
        let mut queries = ElectionQueries { votes: Some((begin, 0)), ..ElectionQueries::default() };
        let mut seconds = Vec::new();
        while let Some(due) = queries.votes_due() {
            assert!(!queries.take_votes_due(), "not before {seconds:?}");
            tokio::time::advance(due.duration_since(Instant::now())).await;
            seconds.push(begin.elapsed().as_secs());
            assert!(queries.take_votes_due());
        }
        assert_eq!(seconds, VOTES_AFTER_SECONDS);
        assert_eq!(ElectionQueries::default().votes_due(), None, "nothing is due before the first block");
    }
}
