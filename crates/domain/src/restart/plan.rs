//! An order of restarts of many masternodes, so that none misses a session.
//!
//! The masternodes with the fewest possible times are placed first, each as early as it can be. Another order may place more;
//! one that is placed misses nothing.
//!
//! Never here: what a restart costs one masternode.

use crate::masternode::Height;
use crate::restart::QuietWindow;

/// Where a masternode is in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It restarts after this block and misses nothing.
    Free(Height),
    /// It has no window that is long enough.
    NoWindow,
    /// Its windows are taken by other masternodes.
    Taken,
}

/// Restarts one after another, `length` blocks each: their first blocks, ascending.
#[derive(Clone, Default)]
struct Lane(Vec<Height>);

impl Lane {
    /// The first height from `first` to `last` at which another restart overlaps none.
    fn first_free(&self, first: Height, last: Height, length: u32) -> Option<Height> {
        let mut at = first;
        for start in self.0.iter().filter(|start| start.after(length) > first) {
            if *start >= at.after(length) {
                break;
            }
            at = at.max(start.after(length));
        }
        (at <= last).then_some(at)
    }

    fn place(&mut self, at: Height) {
        let index = self.0.partition_point(|start| *start <= at);
        self.0.insert(index, at);
    }
}

/// Places masternodes with these windows, at most `parallel` restarts of `blocks` blocks at a time. One begins when the blocks of
/// the one before it are over. In the order of `nodes`.
#[must_use]
pub fn plan(nodes: &[Vec<QuietWindow>], blocks: u32, parallel: usize) -> Vec<Placement> {
    let length = blocks.max(1);
    let fitting = |windows: &Vec<QuietWindow>| -> Vec<(Height, Height)> {
        windows.iter().filter_map(|window| Some((window.after, window.last_start(blocks)?))).collect()
    };
    let fitting: Vec<Vec<(Height, Height)>> = nodes.iter().map(fitting).collect();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_cached_key(|index| -> u64 {
        fitting[*index].iter().map(|(first, last)| u64::from(last.above(*first)) + 1).sum()
    });
    let mut lanes = vec![Lane::default(); parallel.clamp(1, nodes.len().max(1))];
    let mut placements = vec![Placement::NoWindow; nodes.len()];
    for index in order.into_iter().filter(|index| !fitting[*index].is_empty()) {
        let free = |lane: &Lane| fitting[index].iter().find_map(|(first, last)| lane.first_free(*first, *last, length));
        let free = lanes.iter().enumerate().filter_map(|(number, lane)| Some((free(lane)?, number)));
        placements[index] = match free.min() {
            Some((at, number)) => {
                lanes[number].place(at);
                Placement::Free(at)
            }
            None => Placement::Taken,
        };
    }
    placements
}
