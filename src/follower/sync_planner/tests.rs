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
        chain.advance(ReplayedBlock::of(next, happened));
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
        match planner.next(&Header { block: at(height), previous, merkle_root: None })? {
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

/// Blocks to replay, and the number of skipped ones below them.
fn missed(skipped: u32, blocks: RangeInclusive<u32>, block: fn(u32) -> Block) -> Missed {
    let lowest = *blocks.start();
    Missed { skipped: (lowest - skipped..lowest).map(block).collect(), blocks: blocks.map(block).collect() }
}

fn extend(skipped: u32, blocks: RangeInclusive<u32>) -> SyncPlan {
    SyncPlan::Extend(missed(skipped, blocks, block))
}

fn reorg(depth: usize, skipped: u32, blocks: RangeInclusive<u32>) -> SyncPlan {
    SyncPlan::Reorg { depth, missed: missed(skipped, blocks, other) }
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
    let header = |block: Block, previous: Option<Block>| Header {
        block,
        previous: previous.map(|block| block.hash),
        merkle_root: None,
    };
    let at = |height: u32, of: u32| Block { height: Height(height), ..other(of) };
    let cases = [
        ("a tip too high", vec![header(at(23, 21), Some(block(20)))]),
        ("a tip too low", vec![header(at(19, 21), Some(block(20)))]),
        ("a parent too low", vec![header(other(25), Some(other(24))), header(at(22, 24), Some(other(23)))]),
        ("a parent at the same height", vec![header(other(25), Some(other(24))), header(at(25, 24), Some(other(23)))]),
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
        SyncPlanner::new(start).next(&Header { block: new, previous: Some(block(20).hash), merkle_root: None })
    };
    let hour = 3_600;
    assert!(plan(tip, tip + hour).is_ok());
    assert!(plan(tip + 30 * 24 * hour, tip + 30 * 24 * hour).is_ok(), "the chain stood still for a month");
    assert!(plan(tip - 30 * 24 * hour, tip + hour).is_ok(), "this host's clock is behind");
    assert!(matches!(plan(tip, tip + 25 * hour), Err(SourceError::Contradiction(_))));
    assert!(matches!(plan(tip, u64::MAX), Err(SourceError::Contradiction(_))));
}

#[test]
fn a_time_is_compared_with_the_block_before() {
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
        merkle_root: None,
    };
    let walk = |times: [u64; 3]| {
        let mut planner = SyncPlanner::new(start(Some(&chain), tip - 300 * hour));
        let headers = [21, 22, 23].into_iter().zip(times).rev();
        headers.map(|(height, time)| planner.next(&at(height, tip + time))).last().unwrap()
    };
    assert!(walk([20 * hour, 40 * hour, 60 * hour]).is_ok(), "this host's clock is behind, the gap is long");
    assert!(matches!(walk([20 * hour, 45 * hour, 46 * hour]), Err(SourceError::Contradiction(_))));
}

#[test]
fn a_jump_into_the_future_needs_blocks_that_agree() {
    let chain = followed(10, 20);
    let (tip, hour, year) = (chain.tip().time.0, 3_600, 365 * 86_400);
    let jump = |chain, time: &dyn Fn(u32) -> u64| {
        let start = SyncStart {
            chain,
            recorded: None,
            max_gap_blocks: 30,
            now: UnixSeconds(tip),
            lists: AvailableLists::AnyBlock,
        };
        let mut planner = SyncPlanner::new(start);
        for height in (1..=90).rev() {
            let new = Block { time: UnixSeconds(time(height)), ..block(height) };
            match planner.next(&Header { block: new, previous: Some(block(height - 1).hash), merkle_root: None }) {
                Ok(PlanStep::Header(_)) => {}
                Ok(PlanStep::Plan(plan)) => return Ok((plan, 91 - height)),
                Err(error) => return Err(error),
            }
        }
        panic!("it asks for every block")
    };
    for chain in [None, Some(&chain)] {
        let skipped = if chain.is_some() { 70 } else { 0 };
        let plan = SyncPlan::Jump { tip: Block { time: UnixSeconds(tip + 23 * hour), ..block(90) }, skipped };
        assert_eq!(jump(chain, &|_| tip + 23 * hour).unwrap(), (plan, 1), "the first header is enough");
        let behind = |height: u32| tip + year + 150 * u64::from(height);
        assert_eq!(jump(chain, &behind).unwrap().1, WITNESSES as u32, "this host's clock is behind");
        let wrong: [(&str, &dyn Fn(u32) -> u64); 3] = [
            ("one wrong time", &|height| if height == 90 { tip + year } else { tip }),
            ("one time for all blocks", &|_| tip + year),
            ("a time that no number can have", &|height| if height == 90 { u64::MAX } else { tip }),
        ];
        for (name, time) in wrong {
            assert!(matches!(jump(chain, time), Err(SourceError::Contradiction(_))), "{name}");
        }
    }
}
