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
const LONGEST_AHEAD: u64 = 86_400;

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
    /// Blocks that are skipped, below the ones that are replayed.
    pub(super) skipped: u32,
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
}

impl<'a> SyncPlanner<'a> {
    /// A plan is to be made.
    pub(super) fn new(start: SyncStart<'a>) -> SyncPlanner<'a> {
        SyncPlanner { start, forward: Vec::new() }
    }

    /// Takes the header of the node's tip, then each header that it asked for. Fails if headers contradict each other.
    pub(super) fn next(&mut self, header: &Header) -> Result<PlanStep, SourceError> {
        let tip = self.forward.first().copied().unwrap_or(header.block);
        let Some(chain) = self.start.chain else {
            self.check_time(&tip, self.start.now)?;
            let skipped = tip.height.above(self.start.recorded.unwrap_or(tip.height));
            return Ok(PlanStep::Plan(SyncPlan::Jump { tip, skipped }));
        };
        if let Some(child) = self.forward.last() {
            check_child(header, child)?;
        } else {
            let skipped = tip.height.above(chain.tip().height);
            if skipped > self.start.max_gap_blocks {
                self.check_time(&tip, chain.tip().time)?;
                return Ok(PlanStep::Plan(SyncPlan::Jump { tip, skipped }));
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
            self.check_time(&tip, chain.tip().time)?;
            return Ok(PlanStep::Plan(SyncPlan::DeepReorg { tip, oldest: *chain.oldest() }));
        }
        Ok(PlanStep::Header(parent))
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
        let mut blocks = std::mem::take(&mut self.forward);
        let found = blocks.len();
        if self.start.lists == AvailableLists::TipOnly {
            blocks.truncate(1);
        }
        blocks.reverse();
        Missed { skipped: (found - blocks.len()) as u32, blocks }
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
mod tests {
    use std::ops::RangeInclusive;

    use super::*;
    use crate::follower::block_replay::ReplayedBlock;
    use crate::history::BlockEvents;
    use domain::counters::EventCounters;
    use domain::list::MasternodeList;
    use domain::masternode::Hash;
    use domain::samples::{block, list, masternode};

    /// After every block here.
    const NOW: UnixSeconds = UnixSeconds(2_000_000_000);

    /// A block of another branch.
    fn other(height: u32) -> Block {
        let mut hash = [0xee; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        Block { height: Height(height), hash: BlockHash(Hash(hash)), time: UnixSeconds(1) }
    }

    /// The chain of the blocks `from` to `to`.
    fn followed(from: u32, to: u32) -> FollowedChain {
        let mut chain = FollowedChain::open(list(from, vec![masternode(1)]), EventCounters::default());
        for height in from + 1..=to {
            let next: MasternodeList = list(height, vec![masternode(1)]);
            let happened = BlockEvents { block: *next.block(), events: vec![], sessions: vec![] };
            chain.advance(ReplayedBlock { list: next, happened, commitments: None, unanswered: None });
        }
        chain
    }

    /// A chain of blocks `0..`, ours up to `common` and others above, with the headers that were asked for.
    fn plan(start: SyncStart<'_>, common: u32, tip: u32) -> Result<(SyncPlan, u32), SourceError> {
        let at = |height: u32| if height <= common { block(height) } else { other(height) };
        let mut planner = SyncPlanner::new(start);
        let (mut height, mut headers) = (tip, 1);
        loop {
            let previous = height.checked_sub(1).map(|below| at(below).hash);
            match planner.next(&Header { block: at(height), previous })? {
                PlanStep::Plan(plan) => return Ok((plan, headers)),
                PlanStep::Header(hash) => {
                    height -= 1;
                    headers += 1;
                    assert_eq!(hash, at(height).hash, "the parent of the last header");
                }
            }
        }
    }

    /// Name, highest common block, the node's tip, lists of the node, plan, headers that are read.
    type Case = (&'static str, u32, u32, AvailableLists, SyncPlan, u32);

    /// Our chain has the blocks 10 to 20.
    fn check(cases: Vec<Case>) {
        let chain = followed(10, 20);
        for (name, common, tip, lists, expected, headers) in cases {
            let start = SyncStart { chain: Some(&chain), recorded: None, max_gap_blocks: 30, now: NOW, lists };
            assert_eq!(plan(start, common, tip).unwrap(), (expected, headers), "{name}");
        }
    }

    fn extend(skipped: u32, blocks: RangeInclusive<u32>) -> SyncPlan {
        SyncPlan::Extend(Missed { skipped, blocks: blocks.map(block).collect() })
    }

    fn reorg(depth: usize, skipped: u32, blocks: RangeInclusive<u32>) -> SyncPlan {
        SyncPlan::Reorg { depth, missed: Missed { skipped, blocks: blocks.map(other).collect() } }
    }

    #[test]
    fn blocks_of_our_branch_are_stayed_at_rolled_back_to_walked_or_jumped_over() {
        use AvailableLists::{AnyBlock, TipOnly};
        check(vec![
            ("the same tip", 20, 20, AnyBlock, SyncPlan::Stay, 1),
            ("one block back", 19, 19, AnyBlock, SyncPlan::Rollback { depth: 1 }, 1),
            ("back to the oldest block", 10, 10, TipOnly, SyncPlan::Rollback { depth: 10 }, 1),
            ("one new block", 21, 21, AnyBlock, extend(0, 21..=21), 1),
            ("a gap", 25, 25, AnyBlock, extend(0, 21..=25), 5),
            ("the widest gap", 50, 50, AnyBlock, extend(0, 21..=50), 30),
            ("a gap too wide", 51, 51, AnyBlock, SyncPlan::Jump { tip: block(51), skipped: 31 }, 1),
            ("the list of the tip only", 25, 25, TipOnly, extend(4, 25..=25), 5),
            ("the list of the tip only, one block", 21, 21, TipOnly, extend(0, 21..=21), 1),
        ]);
    }

    #[test]
    fn a_reorg_steps_back_to_the_common_block_or_jumps_where_that_is_not_kept() {
        use AvailableLists::{AnyBlock, TipOnly};
        let deep = |tip| SyncPlan::DeepReorg { tip: other(tip), oldest: block(10) };
        check(vec![
            ("one block", 19, 20, AnyBlock, reorg(1, 0, 20..=20), 1),
            ("a longer branch", 17, 22, AnyBlock, reorg(3, 0, 18..=22), 5),
            ("a shorter branch", 15, 17, AnyBlock, reorg(5, 0, 16..=17), 2),
            ("the list of the tip only", 17, 22, TipOnly, reorg(3, 4, 22..=22), 5),
            ("to the oldest block", 10, 21, AnyBlock, reorg(10, 0, 11..=21), 11),
            ("below the oldest block", 9, 21, AnyBlock, deep(21), 12),
            ("a branch that ends below the oldest block", 5, 8, AnyBlock, deep(8), 1),
            ("too wide", 15, 51, AnyBlock, SyncPlan::Jump { tip: other(51), skipped: 31 }, 1),
        ]);
    }

    #[test]
    fn without_a_chain_the_list_at_the_tip_is_read() {
        let start = |recorded: Option<u32>| SyncStart {
            chain: None,
            recorded: recorded.map(Height),
            max_gap_blocks: 30,
            now: NOW,
            lists: AvailableLists::AnyBlock,
        };
        let jump = |skipped| SyncPlan::Jump { tip: block(90), skipped };
        for (recorded, skipped) in [(None, 0), (Some(90), 0), (Some(88), 2), (Some(10), 80), (Some(95), 0)] {
            assert_eq!(plan(start(recorded), 90, 90).unwrap(), (jump(skipped), 1), "{recorded:?}");
        }
    }

    #[test]
    fn headers_that_contradict_each_other_are_refused() {
        let chain = followed(10, 20);
        let start = SyncStart {
            chain: Some(&chain),
            recorded: None,
            max_gap_blocks: 30,
            now: NOW,
            lists: AvailableLists::AnyBlock,
        };
        let header =
            |block: Block, previous: Option<Block>| Header { block, previous: previous.map(|block| block.hash) };
        let at = |height: u32, of: u32| Block { height: Height(height), ..other(of) };
        let cases = [
            ("a tip too high", vec![header(at(23, 21), Some(block(20)))]),
            ("a tip too low", vec![header(at(19, 21), Some(block(20)))]),
            ("a parent too low", vec![header(other(25), Some(other(24))), header(at(22, 24), Some(other(23)))]),
            (
                "a parent at the same height",
                vec![header(other(25), Some(other(24))), header(at(25, 24), Some(other(23)))],
            ),
            ("no parent", vec![header(other(25), Some(other(24))), header(other(24), None)]),
        ];
        for (name, headers) in cases {
            let mut planner = SyncPlanner::new(start);
            let answers: Vec<_> = headers.iter().map(|header| planner.next(header)).collect();
            let (last, first) = answers.split_last().unwrap();
            assert!(first.iter().all(Result::is_ok), "{name}: {first:?}");
            assert!(matches!(last, Err(SourceError::Contradiction(_))), "{name}: {last:?}");
        }
    }

    #[test]
    fn a_block_of_a_far_future_is_refused_whichever_clock_is_behind() {
        let chain = followed(10, 20);
        let tip = chain.tip().time.0;
        let plan = |now: u64, time: u64| {
            let start = SyncStart {
                chain: Some(&chain),
                recorded: None,
                max_gap_blocks: 30,
                now: UnixSeconds(now),
                lists: AvailableLists::AnyBlock,
            };
            let new = Block { time: UnixSeconds(time), ..block(21) };
            SyncPlanner::new(start).next(&Header { block: new, previous: Some(block(20).hash) })
        };
        let hour = 3_600;
        assert!(plan(tip, tip + hour).is_ok());
        assert!(plan(tip + 30 * 24 * hour, tip + 30 * 24 * hour).is_ok(), "the chain stood still for a month");
        assert!(plan(tip - 30 * 24 * hour, tip + hour).is_ok(), "this host's clock is behind");
        assert!(matches!(plan(tip, tip + 25 * hour), Err(SourceError::Contradiction(_))));
        assert!(matches!(plan(tip, u64::MAX), Err(SourceError::Contradiction(_))));
    }

    #[test]
    fn a_time_is_compared_with_the_block_before_and_a_jump_with_this_hosts_clock() {
        let chain = followed(10, 20);
        let tip = chain.tip().time.0;
        let hour = 3_600;
        let start = |chain, now| SyncStart {
            chain,
            recorded: None,
            max_gap_blocks: 30,
            now: UnixSeconds(now),
            lists: AvailableLists::AnyBlock,
        };
        let at = |height: u32, time: u64| Header {
            block: Block { time: UnixSeconds(time), ..block(height) },
            previous: Some(block(height - 1).hash),
        };
        let walk = |times: [u64; 3]| {
            let mut planner = SyncPlanner::new(start(Some(&chain), tip - 300 * hour));
            let headers = [21, 22, 23].into_iter().zip(times).rev();
            headers.map(|(height, time)| planner.next(&at(height, tip + time))).last().unwrap()
        };
        assert!(walk([20 * hour, 40 * hour, 60 * hour]).is_ok(), "this host's clock is behind, the gap is long");
        assert!(matches!(walk([20 * hour, 45 * hour, 46 * hour]), Err(SourceError::Contradiction(_))));
        let jump = |chain, time| SyncPlanner::new(start(chain, tip)).next(&at(90, time));
        for chain in [None, Some(&chain)] {
            assert!(jump(chain, tip + 23 * hour).is_ok());
            assert!(matches!(jump(chain, tip + 25 * hour), Err(SourceError::Contradiction(_))));
        }
    }
}
