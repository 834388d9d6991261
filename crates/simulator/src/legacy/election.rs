//! The payment queue, the pool, the voters and the elected masternode.
//!
//! Dimecoin: `CMasternodeMan::GetNextMasternodeInQueueForPayment` in `src/masternode/masternodeman.cpp`. PRCYcoin has
//! the same function in `src/masternodeman.cpp`, which only affects votes, and pays by `GetCurrentMasterNode`.
//!
//! Never here: changes of state.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::node::{Node, NodeState};
use super::options::Chain;
use super::rules::{ELECTING_DEPTH, HELD_OUT_SECONDS, REMEMBERED_VOTES, SCHEDULED_BLOCKS, VOTERS};
use super::score::{compact, dimecoin_score, prcycoin_score};
use super::state::State;
use crate::random::{Hash256, Random};

impl State {
    /// The masternodes that a payment of this height can go to, the longest unpaid first.
    pub(super) fn queue(&self, height: u32) -> Vec<&Node> {
        let nodes = self.voting_size();
        let mut queue = self.eligible(height, nodes, true);
        if queue.len() < nodes / 3 {
            // While a network is upgraded, restarted masternodes are not excluded.
            queue = self.eligible(height, nodes, false);
        }
        match self.options.chain {
            Chain::Dimecoin => queue.sort_by_key(|node| (self.last_paid_block(node), node.order())),
            Chain::Prcycoin => {
                let paid = self.prcycoin_paid();
                queue.sort_by_key(|node| Reverse((self.seconds_unpaid(node, &paid), node.order())));
            }
        }
        queue
    }

    /// Number of candidates for a queue of this length.
    pub(super) fn pool_size(&self, queued: usize) -> usize {
        // The loop takes one node even if a tenth of the network is zero.
        queued.min((self.voting_size() / 10).max(1))
    }

    /// The masternode that is elected for this height.
    pub(super) fn elect(&self, height: u32) -> Option<&Node> {
        let queue = self.queue(height);
        let block = self.electing_hash(height)?;
        let pool = &queue[..self.pool_size(queue.len())];
        // Of equal scores the first wins; equal scores do not occur.
        pool.iter().copied().rev().max_by_key(|node| match self.options.chain {
            Chain::Dimecoin => dimecoin_score(node.txid, node.index, node.confirmed, block),
            Chain::Prcycoin => prcycoin_score(node.txid, node.index, block),
        })
    }

    /// The payout addresses with votes at this height, one entry for each online voter.
    pub(super) fn ballots(&self, height: u32) -> Vec<u32> {
        let (Some(elected), Some(block)) = (self.elect(height), self.electing_hash(height)) else {
            return Vec::new();
        };
        let queue = self.queue(height);
        let voters = self.voters(block);
        let cast = voters.iter().filter(|voter| voter.online).map(|voter| match self.options.chain {
            Chain::Dimecoin => {
                let mut random = Random::of(&[self.options.seed, 0xd155, u64::from(height), voter.txid.seed()]);
                let dissents = random.chance(self.options.dissent);
                if dissents { queue[random.below(queue.len())].payout } else { elected.payout }
            }
            // `AddWinningMasternode` counts the vote for the voter, not for the voted masternode.
            Chain::Prcycoin => voter.payout,
        });
        cast.collect()
    }

    /// PRCYcoin: all listed masternodes, the best score first, those that are not enabled last.
    pub(super) fn ranked(&self) -> Vec<&Node> {
        // `GetBlockHash(x)` returns block x - 1 in this code, so the block below the tip decides.
        let block =
            self.headers.at(self.headers.tip().height.saturating_sub(1)).map_or(Hash256::ZERO, |header| header.hash);
        let mut nodes: Vec<&Node> = self.listed().collect();
        nodes.sort_by_cached_key(|node| {
            let enabled = node.state == NodeState::Enabled;
            Reverse(if enabled { compact(prcycoin_score(node.txid, node.index, block)) } else { 9_999 })
        });
        nodes
    }

    /// PRCYcoin: the masternode that the next proof-of-stake block pays (`FillBlockPayee`).
    pub(super) fn best_ranked(&self) -> Option<&Node> {
        self.ranked().first().copied().filter(|node| node.state == NodeState::Enabled)
    }

    /// PRCYcoin: the block times that count as last payments, by payout address (`CMasternode::GetLastPaid`).
    pub(super) fn prcycoin_paid(&self) -> HashMap<u32, u64> {
        let mut paid = HashMap::new();
        let tip = self.headers.tip().height;
        let blocks = u32::try_from(self.enabled() * 5 / 4).unwrap_or(u32::MAX);
        for height in (tip.saturating_sub(blocks) + 1..=tip).rev() {
            let Some(header) = self.headers.at(height) else { continue };
            for tally in self.votes.at(height).iter().filter(|tally| tally.votes >= REMEMBERED_VOTES) {
                paid.entry(tally.payout).or_insert(header.time);
            }
        }
        paid
    }

    /// PRCYcoin: the last payment as shown in the list, 0 when unknown.
    pub(super) fn prcycoin_last_paid(&self, node: &Node, paid: &HashMap<u32, u64>) -> u64 {
        // A fixed offset for each start breaks ties.
        paid.get(&node.payout).map_or(0, |time| time + tie_breaker(node).word() % 150)
    }

    /// Dimecoin: height of the payment that the queried node remembers, 0 without one.
    pub(super) fn last_paid_block(&self, node: &Node) -> u32 {
        self.remembered.get(&node.payout).map_or(0, |payment| payment.height)
    }

    /// The number of masternodes from which all thresholds follow: all known ones, or on PRCYcoin the enabled ones.
    pub(super) fn voting_size(&self) -> usize {
        match self.options.chain {
            Chain::Dimecoin => self.listed().count(),
            Chain::Prcycoin => self.enabled(),
        }
    }

    /// Steps 2 and 3: the masternodes that can be paid.
    fn eligible(&self, height: u32, nodes: usize, hold_out: bool) -> Vec<&Node> {
        let tip = self.headers.tip().height;
        let scheduled: Vec<u32> = (tip..=tip + SCHEDULED_BLOCKS)
            .filter(|other| *other != height)
            .filter_map(|other| self.votes.top(other).map(|tally| tally.payout))
            .collect();
        let held_out = HELD_OUT_SECONDS * nodes as u64;
        self.listed()
            .filter(|node| node.state == NodeState::Enabled)
            .filter(|node| !scheduled.contains(&node.payout))
            .filter(|node| !hold_out || node.started + held_out <= self.now)
            .filter(|node| node.confirmations(tip) as usize >= nodes)
            .collect()
    }

    /// The ten best-scored masternodes for the block; on Dimecoin of all known ones, on PRCYcoin of the enabled ones.
    fn voters(&self, block: Hash256) -> Vec<&Node> {
        let mut nodes: Vec<&Node> = match self.options.chain {
            Chain::Dimecoin => self.listed().collect(),
            Chain::Prcycoin => self.listed().filter(|node| node.state == NodeState::Enabled).collect(),
        };
        match self.options.chain {
            Chain::Dimecoin => {
                nodes.sort_by_cached_key(|node| Reverse(dimecoin_score(node.txid, node.index, node.confirmed, block)))
            }
            Chain::Prcycoin => {
                nodes.sort_by_cached_key(|node| Reverse(compact(prcycoin_score(node.txid, node.index, block))));
            }
        }
        nodes.truncate(VOTERS);
        nodes
    }

    fn electing_hash(&self, height: u32) -> Option<Hash256> {
        self.headers.at(height.checked_sub(ELECTING_DEPTH)?).map(|header| header.hash)
    }

    /// PRCYcoin's sort key (`SecondsSincePayment`): an unknown masternode counts as unpaid for more than 30 days.
    fn seconds_unpaid(&self, node: &Node, paid: &HashMap<u32, u64>) -> u64 {
        const MONTH: u64 = 60 * 60 * 24 * 30;
        let seconds = self.now.saturating_sub(self.prcycoin_last_paid(node, paid));
        if seconds < MONTH { seconds } else { MONTH + tie_breaker(node).word() % (1 << 32) }
    }
}

/// PRCYcoin's hash of outpoint and start time, which no call shows.
fn tie_breaker(node: &Node) -> Random {
    Random::of(&[node.txid.seed(), u64::from(node.index), node.started])
}
