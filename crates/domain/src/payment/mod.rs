//! The next payees.
//!
//! Three models ([`PaymentModel`]): a fixed order (`queue`), an election among the longest unpaid (`pool`), an election
//! among all. `election` computes the elected payees of the blocks whose hashes are known, `chance` the probabilities
//! beyond; [`Payments`] is what a snapshot holds for each of them.
//!
//! Never here: amounts, or payees by address on chains that pay by identity: several nodes may share a payout address.

pub mod chance;
mod contest;
pub mod election;
mod head;
pub mod pool;
pub mod queue;
mod score;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use crate::chain::ChainRules;
use crate::chain_facts::ChainFacts;
use crate::list::MasternodeList;
use crate::masternode::{Height, Masternode, UnixSeconds};

pub use election::{Certainty, ElectionGap, Elections, PaymentAhead};
pub use head::QueueHead;
pub use pool::{PaymentCooldown, Pool, PoolRule, Vote};
pub use queue::EvoPayments;

/// How a chain selects the payee of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentModel {
    /// A deterministic order (DIP3). No masternode is paid unless there are more masternodes than this.
    Queue {
        /// Raptoreum's main network pays no masternode while there are 10 or fewer.
        more_than: u32,
    },
    /// An election among the longest unpaid.
    Pool(PoolRule),
    /// An election among all enabled ones.
    Uniform {
        /// The list has the node's ranks, and the hash of the block before the tip elects, as on PRCYCoin; otherwise
        /// the payee is not computed.
        elects: bool,
    },
}

/// The payment positions, elections and probabilities of all masternodes of a list.
#[derive(Clone, Debug)]
pub struct Payments {
    model: PaymentModel,
    tip: Height,
    positions: Vec<Option<NonZeroU32>>,
    pool: Option<Pool>,
    /// Number of candidates: the pool, or all enabled ones.
    drawn_from: Option<NonZeroU32>,
    elections: Elections,
}

impl Payments {
    /// The payments at the tip of `list`, read at `now`.
    pub fn new(rules: &ChainRules, list: &MasternodeList, facts: &ChainFacts, now: UnixSeconds) -> Payments {
        let (model, tip) = (rules.payment, list.block().height);
        let when = (node_time(rules, list, now), facts.spacing_seconds(rules));
        let positions = vec![None; list.registered()];
        let mut payments =
            Payments { model, tip, positions, pool: None, drawn_from: None, elections: Elections::default() };
        match model {
            PaymentModel::Queue { more_than } if list.registered() as u64 <= u64::from(more_than) => {}
            PaymentModel::Queue { .. } => payments.positions = queue::positions(list, facts.evo_payments),
            PaymentModel::Pool(rule) => {
                payments.elections = Elections::by_pool(&rule, list, facts, when);
                if let Some(pool) = Pool::new(&rule, list, facts, when) {
                    payments.positions = (0..list.registered()).map(|index| pool.position(index)).collect();
                    payments.drawn_from = pool.size();
                    payments.pool = Some(pool);
                }
            }
            PaymentModel::Uniform { elects } => {
                let rank = |masternode: &Masternode| masternode.announced.as_ref().and_then(|announced| announced.rank);
                let enabled = list.masternodes().iter().filter(|masternode| masternode.is_payable()).count();
                payments.positions = list.masternodes().iter().map(rank).collect();
                payments.drawn_from = u32::try_from(enabled).ok().and_then(NonZeroU32::new);
                payments.elections =
                    if elects { Elections::by_rank(list) } else { Elections::unknown(ElectionGap::Rule) };
            }
        }
        payments
    }

    /// Position of the masternode at `index` of the list, 1 = first; `None` if it has none.
    pub fn position(&self, index: usize) -> Option<NonZeroU32> {
        self.positions[index]
    }

    /// The pool, on chains with the pool model, if the votes are known.
    pub fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    /// The payees of the blocks ahead; none on chains with a fixed order.
    pub fn elections(&self) -> &Elections {
        &self.elections
    }

    /// Keeps of the payees ahead those of some masternodes, by their indices.
    pub(crate) fn show_elections_of(&mut self, shows: impl Fn(usize) -> bool) {
        self.elections.retain(shows);
    }

    /// Number of candidates for the next block; `None` on chains with a fixed order, or if none is eligible.
    pub fn drawn_from(&self) -> Option<NonZeroU32> {
        self.drawn_from
    }

    /// Latest block that pays the masternode at `index`; `None` on chains that elect the payee, or if it is not queued.
    pub fn projected_height(&self, index: usize) -> Option<Height> {
        let PaymentModel::Queue { .. } = self.model else { return None };
        self.positions[index].map(|position| self.tip.after(position.get()))
    }

    /// Probability in 0…1 that one of the next `blocks` blocks pays the masternode at `index`: 0 if it does not become
    /// eligible by waiting, `None` if not known. `ban_end` is the block at which its ban ends.
    ///
    /// Votes and an exact election are certain, whatever the state of the masternode: the producer of the block follows
    /// the votes (`CMasternodePayments::FillBlockPayee` in `src/masternode/masternode-payments.cpp` of Dimecoin).
    pub fn probability(
        &self,
        index: usize,
        masternode: &Masternode,
        blocks: u32,
        ban_end: Option<Height>,
    ) -> Option<f64> {
        match self.model {
            PaymentModel::Queue { .. } => Some(queue::probability(self.positions[index], blocks)),
            PaymentModel::Pool(_) => {
                let pool = self.pool.as_ref()?;
                if let Some(height) = self.certain_height(index) {
                    return Some(f64::from(u8::from(height.above(self.tip) <= blocks)));
                }
                let ban_blocks = if masternode.is_banned() { ban_end?.above(self.tip) } else { 0 };
                Some(pool.probability(index, blocks, ban_blocks))
            }
            PaymentModel::Uniform { .. } if !masternode.is_payable() => Some(0.0),
            PaymentModel::Uniform { .. } => {
                let next = self.tip.after(1);
                let elected = self.elections.held().iter().find(|(height, _)| *height == next && blocks > 0);
                match elected {
                    Some((_, elected)) if *elected == index => Some(1.0),
                    // The next block pays another one.
                    Some(_) => Some(chance::chance_within(self.drawn_from?, blocks - 1)),
                    None => Some(chance::chance_within(self.drawn_from?, blocks)),
                }
            }
        }
    }

    /// The next block of which it is certain that it pays the masternode at `index`: voted, or elected from the queue and the
    /// hashes of the tip.
    fn certain_height(&self, index: usize) -> Option<Height> {
        let voted = self.pool.as_ref().and_then(|pool| pool.scheduled(index)).map(|scheduled| scheduled.height);
        let elected = self.elections.elected_height(index, Certainty::Exact);
        voted.into_iter().chain(elected).min()
    }

    /// Probability in 0…1 of the next selection: 0 if it is not a candidate, `None` on chains with a fixed order.
    pub fn draw_probability(&self, index: usize, masternode: &Masternode) -> Option<f64> {
        let share = || self.drawn_from.map_or(0.0, |number| 1.0 / f64::from(number.get()));
        match self.model {
            PaymentModel::Queue { .. } => None,
            PaymentModel::Pool(_) => self.pool.as_ref().map(|pool| if pool.has(index) { share() } else { 0.0 }),
            PaymentModel::Uniform { .. } => Some(if masternode.is_payable() { share() } else { 0.0 }),
        }
    }
}

/// The time of the node that the list is from, on which hold-outs depend: `now`, unless the list contradicts it. A block
/// is not later than its node, and a node drops an enabled masternode whose ping is older than the expiry.
fn node_time(rules: &ChainRules, list: &MasternodeList, now: UnixSeconds) -> UnixSeconds {
    let now = now.max(list.block().time);
    let Some(ping) = rules.ping else { return now };
    let payable = list.masternodes().iter().filter(|masternode| masternode.is_payable());
    let mut pings: Vec<UnixSeconds> =
        payable.filter_map(|masternode| masternode.announced.as_ref()?.last_seen).collect();
    pings.sort_unstable();
    let is_possible = pings.first().is_none_or(|first| now.0 <= first.0.saturating_add(ping.expiry_seconds));
    let usual = pings.get(pings.len() / 2).copied().unwrap_or(UnixSeconds(0));
    if is_possible { now } else { usual.max(list.block().time) }
}
