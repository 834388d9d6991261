//! The votes that the queried node has seen, and the payments that it remembers.
//!
//! Votes belong to heights, not to blocks: a reorganisation reverts none, and no masternode votes twice for a height.
//!
//! Never here: the election (`election`).

use std::collections::BTreeMap;

/// Votes for one payout address at one height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) payout: u32,
    pub(super) votes: u32,
}

/// A payment that the queried node remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) height: u32,
    pub(super) time: u64,
}

/// Votes by height. Addresses of a height are in the order of their first votes.
#[derive(Clone, Debug, Default)]
pub(super) struct Votes {
    heights: BTreeMap<u32, Vec<Tally>>,
}

impl Votes {
    /// Number of heights whose votes are kept.
    const KEPT: usize = 6_500;

    /// Whether the voters have voted for this height.
    pub(super) fn has(&self, height: u32) -> bool {
        self.heights.contains_key(&height)
    }

    /// Votes of a height; empty when there are none.
    pub(super) fn at(&self, height: u32) -> &[Tally] {
        self.heights.get(&height).map_or(&[], Vec::as_slice)
    }

    /// The address with the most votes; of equal ones the first.
    pub(super) fn top(&self, height: u32) -> Option<Tally> {
        self.at(height).iter().copied().reduce(|best, other| if other.votes > best.votes { other } else { best })
    }

    /// Votes for an address at a height.
    pub(super) fn of(&self, height: u32, payout: u32) -> u32 {
        self.at(height).iter().find(|tally| tally.payout == payout).map_or(0, |tally| tally.votes)
    }

    /// Records the votes for a height, one entry per voter.
    pub(super) fn cast(&mut self, height: u32, payouts: &[u32]) {
        let tallies = self.heights.entry(height).or_default();
        for payout in payouts {
            match tallies.iter_mut().find(|tally| tally.payout == *payout) {
                Some(tally) => tally.votes += 1,
                None => tallies.push(Tally { payout: *payout, votes: 1 }),
            }
        }
        while self.heights.len() > Self::KEPT {
            self.heights.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Votes;

    #[test]
    fn of_equally_many_votes_the_first_wins() {
        let mut votes = Votes::default();
        votes.cast(7, &[4, 9, 9, 4, 2]);
        assert_eq!(
            votes.at(7).iter().map(|tally| (tally.payout, tally.votes)).collect::<Vec<_>>(),
            [(4, 2), (9, 2), (2, 1)]
        );
        assert_eq!(votes.top(7).map(|tally| tally.payout), Some(4));
        assert_eq!((votes.of(7, 9), votes.of(7, 1), votes.of(8, 9)), (2, 0, 0));
    }
}
