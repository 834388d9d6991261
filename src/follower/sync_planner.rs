//! Plans a synchronisation: the steps from our tip to the node's tip. The planner asks for one header after another,
//! from the node's tip downwards, until the plan is determined.
//!
//! Never here: calls; lists; recording.

use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::SourceError;
use crate::rpc::Header;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};

/// Seconds by which a new block may be ahead of this host's clock and of its parent. Nodes refuse a block that is two
/// hours ahead (`MAX_FUTURE_BLOCK_TIME` in `src/chain.h`).
pub(super) const LONGEST_AHEAD: u64 = 86_400;

/// Blocks that must agree before a tip far in the future is believed: then this host's clock is behind. As many as the median of
/// times, above which each block's must be (`nMedianTimeSpan` in `src/chain.h`).
const WITNESSES: usize = 11;

/// The steps from our tip to the node's tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SyncPlan {
    /// The node's tip is ours.
    Stay,
    /// The node's tip is a block of ours, `depth` blocks back.
    Rollback { depth: usize },
    /// Blocks on top of our tip.
    Extend(Missed),
    /// Our last `depth` blocks are replaced.
    Reorg { depth: usize, missed: Missed },
    /// The full list is read at the tip: nothing is followed yet, or more than `max_gap_blocks` were missed. `skipped`
    /// blocks are not replayed.
    Jump { tip: Block, skipped: u32 },
    /// As `Jump`, because the common block is below the oldest one that is kept.
    DeepReorg { tip: Block, oldest: Block },
}

/// Blocks that are not followed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missed {
    /// Blocks whose list is skipped, below the ones that are replayed, oldest first.
    pub(super) skipped: Vec<Block>,
    /// The blocks to replay, oldest first.
    pub(super) blocks: Vec<Block>,
}

/// The blocks of which a source returns the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AvailableLists {
    /// Any block: each missed block is replayed.
    AnyBlock,
    /// Its tip: only the last missed block is replayed.
    TipOnly,
}

/// What is known before the first header.
#[derive(Clone, Copy)]
pub(super) struct SyncStart<'a> {
    /// The chain that is followed, if any.
    pub(super) chain: Option<&'a FollowedChain>,
    /// The highest block in the history.
    pub(super) recorded: Option<Height>,
    /// Most missed blocks that are replayed.
    pub(super) max_gap_blocks: u32,
    /// The time by this host's clock.
    pub(super) now: UnixSeconds,
    pub(super) lists: AvailableLists,
}

/// The answer of the planner to a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlanStep {
    /// The header of this block is needed.
    Header(BlockHash),
    /// The plan is made.
    Plan(SyncPlan),
}

/// See the module.
pub(super) struct SyncPlanner<'a> {
    start: SyncStart<'a>,
    /// Blocks seen so far, newest first.
    forward: Vec<Block>,
    /// A jump to a tip far in the future, which waits for the blocks below it.
    doubtful: Option<SyncPlan>,
}

impl<'a> SyncPlanner<'a> {
    /// A plan is to be made.
    pub(super) fn new(start: SyncStart<'a>) -> SyncPlanner<'a> {
        SyncPlanner { start, forward: Vec::new(), doubtful: None }
    }

    /// Takes the header of the node's tip, then each header that it asked for. Fails if headers contradict each other.
    pub(super) fn next(&mut self, header: &Header) -> Result<PlanStep, SourceError> {
        let tip = self.forward.first().copied().unwrap_or(header.block);
        if let Some(plan) = self.doubtful.clone() {
            return self.jump(header, plan, self.start.now);
        }
        let Some(chain) = self.start.chain else {
            let skipped = tip.height.above(self.start.recorded.unwrap_or(tip.height));
            return self.jump(header, SyncPlan::Jump { tip, skipped }, self.start.now);
        };
        if let Some(child) = self.forward.last() {
            check_child(header, child)?;
        } else {
            let skipped = tip.height.above(chain.tip().height);
            if skipped > self.start.max_gap_blocks {
                return self.jump(header, SyncPlan::Jump { tip, skipped }, chain.tip().time);
            }
            match chain.depth_of(&tip.hash) {
                Some(0) => return Ok(PlanStep::Plan(SyncPlan::Stay)),
                Some(depth) => return Ok(PlanStep::Plan(SyncPlan::Rollback { depth })),
                None => {}
            }
        }
        self.forward.push(header.block);
        let contradiction = || SourceError::Contradiction("its chain has no block in common with ours".into());
        let parent = header.previous.ok_or_else(contradiction)?;
        if let Some(depth) = chain.depth_of(&parent) {
            check_height(chain, depth, header.block.height)?;
            self.check_times(chain, depth)?;
            let missed = self.missed();
            let plan = if depth == 0 { SyncPlan::Extend(missed) } else { SyncPlan::Reorg { depth, missed } };
            return Ok(PlanStep::Plan(plan));
        }
        if header.block.height <= chain.oldest().height {
            self.check_time(&tip, chain.tip().time).or_else(|doubt| if self.agree() { Ok(()) } else { Err(doubt) })?;
            return Ok(PlanStep::Plan(SyncPlan::DeepReorg { tip, oldest: *chain.oldest() }));
        }
        Ok(PlanStep::Header(parent))
    }

    /// Plans a jump to a tip. One far in the future needs [`WITNESSES`]: this host's clock may be behind, as that of a machine
    /// without a battery at its start. `before` is the time of the block before the jump.
    fn jump(&mut self, header: &Header, plan: SyncPlan, before: UnixSeconds) -> Result<PlanStep, SourceError> {
        let tip = self.forward.first().copied().unwrap_or(header.block);
        let Err(doubt) = self.check_time(&tip, before) else { return Ok(PlanStep::Plan(plan)) };
        if let Some(child) = self.forward.last() {
            check_child(header, child)?;
        }
        self.forward.push(header.block);
        match header.previous.filter(|_| self.forward.len() < WITNESSES) {
            Some(parent) => {
                self.doubtful = Some(plan);
                Ok(PlanStep::Header(parent))
            }
            None if self.agree() => Ok(PlanStep::Plan(plan)),
            None => Err(doubt),
        }
    }

    /// Whether the times of the blocks seen so far agree: they ascend, and none is far ahead of its parent. A single wrong time, or
    /// one for all blocks, does not.
    fn agree(&self) -> bool {
        let is_near = |pair: &[Block]| pair[0].time.0 <= pair[1].time.0.saturating_add(LONGEST_AHEAD);
        let ends = self.forward.first().zip(self.forward.last());
        ends.is_some_and(|(tip, oldest)| tip.time > oldest.time) && self.forward.windows(2).all(is_near)
    }

    /// No new block may be far in the future: a node with wrong block times is not followed.
    fn check_times(&self, chain: &FollowedChain, depth: usize) -> Result<(), SourceError> {
        let common = chain.at_depth(depth).map_or(self.start.now, |common| common.time);
        let parents = self.forward.iter().skip(1).map(|parent| parent.time).chain([common]);
        self.forward.iter().zip(parents).try_for_each(|(block, parent)| self.check_time(block, parent))
    }

    /// A time is in the future only if it is so by this host's clock and by the previous block, because either may be behind.
    fn check_time(&self, block: &Block, before: UnixSeconds) -> Result<(), SourceError> {
        if block.time.0 <= before.max(self.start.now).0.saturating_add(LONGEST_AHEAD) {
            return Ok(());
        }
        Err(SourceError::Contradiction(format!(
            "it says a time of block {} that is more than a day ahead of the block before and of this host's clock",
            block.height
        )))
    }

    fn missed(&mut self) -> Missed {
        let mut skipped = std::mem::take(&mut self.forward);
        skipped.reverse();
        let replayed = if self.start.lists == AvailableLists::TipOnly { 1 } else { skipped.len() };
        let blocks = skipped.split_off(skipped.len().saturating_sub(replayed));
        Missed { skipped, blocks }
    }
}

fn check_child(header: &Header, child: &Block) -> Result<(), SourceError> {
    if header.block.height.0 + 1 != child.height.0 {
        return Err(SourceError::Contradiction(format!(
            "block {} has height {}, its parent {}",
            child.hash, child.height, header.block.height
        )));
    }
    Ok(())
}

/// The lowest new block must be the child of the common block: a node with wrong heights is not followed.
fn check_height(chain: &FollowedChain, depth: usize, lowest: Height) -> Result<(), SourceError> {
    let expected = chain.at_depth(depth).map_or(lowest, |common| common.height.after(1));
    if lowest != expected {
        return Err(SourceError::Contradiction(format!(
            "it reports height {lowest} for a block that must have height {expected}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
