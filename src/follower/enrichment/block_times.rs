//! Times of the blocks that last paid a watched masternode or banned it, which the list names by height only.
//!
//! Blocks that a reorg can replace are those of the followed chain; older ones are read once, a few for each block.
//!
//! Never here: blocks of masternodes that are not watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::follower::followed_chain::FollowedChain;
use crate::follower::list_reader;
use crate::follower::source::Source;
use domain::chain_facts::ChainFacts;
use domain::masternode::Height;
use domain::watch::WatchTarget;

/// Headers that are read at one block.
const HEADERS_PER_BLOCK: usize = 16;

/// Keeps the times of the blocks that are needed, and reads some of the missing ones.
pub(super) async fn refresh(
    source: &Source,
    followed: &FollowedChain,
    facts: &mut ChainFacts,
    watched: &[WatchTarget],
) {
    let (list, tip) = (followed.list(), followed.tip().height);
    let entries = watched.iter().filter_map(|watched| list.get(&watched.id));
    let heights = entries.flat_map(|masternode| [masternode.last_paid_height, masternode.ban_height]);
    let needed: BTreeSet<Height> = heights.flatten().filter(|height| height.0 > 0 && *height <= tip).collect();
    let (mut times, mut missing) = (BTreeMap::new(), Vec::new());
    let oldest = followed.oldest().height;
    for height in needed {
        let recent = followed.at_depth(tip.above(height) as usize).filter(|block| block.height == height);
        let older = facts.block_times.get(&height).filter(|_| height < oldest);
        match recent.map(|block| &block.time).or(older) {
            Some(time) => drop(times.insert(height, *time)),
            None => missing.push(height),
        }
    }
    // The newest first: those of payments.
    for height in missing.into_iter().rev().take(HEADERS_PER_BLOCK) {
        let Ok(header) = list_reader::header_at(source, height).await else { break };
        times.insert(height, header.block.time);
    }
    if *facts.block_times != times {
        facts.block_times = Arc::new(times);
    }
}
