//! The next payees.
//!
//! Three models ([`PaymentModel`]): a fixed order (`queue`), a random selection among the longest unpaid (`pool`), a
//! random selection among all. `chance` has the probabilities; [`Payments`] is what a snapshot holds for each of them.
//!
//! Never here: amounts, or payees by address on chains that pay by identity: several nodes may share a payout address.

pub mod chance;
pub mod pool;
pub mod queue;

use std::num::NonZeroU32;

use crate::chain::ChainRules;
use crate::chain_facts::ChainFacts;
use crate::list::MasternodeList;
use crate::masternode::{Height, Masternode, UnixSeconds};

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
    /// A random selection among the longest unpaid.
    Pool(PoolRule),
    /// A random selection among all enabled ones.
    Uniform,
}

/// The payment positions or probabilities of all masternodes of a list.
#[derive(Clone, Debug)]
pub struct Payments {
    model: PaymentModel,
    tip: Height,
    positions: Vec<Option<NonZeroU32>>,
    pool: Option<Pool>,
    /// Number of candidates: the pool, or all enabled ones.
    drawn_from: Option<NonZeroU32>,
}

impl Payments {
    /// The payments at the tip of `list`, read at `now`.
    pub fn new(rules: &ChainRules, list: &MasternodeList, facts: &ChainFacts, now: UnixSeconds) -> Payments {
        let tip = list.block().height;
        let none = || vec![None; list.registered()];
        let (positions, pool, drawn_from) = match rules.payment {
            PaymentModel::Queue { more_than } if list.registered() as u64 <= u64::from(more_than) => {
                (none(), None, None)
            }
            PaymentModel::Queue { .. } => (queue::positions(list, facts.evo_payments), None, None),
            PaymentModel::Pool(rule) => match Pool::new(&rule, list, facts, now) {
                Some(pool) => (pool.positions().to_vec(), Some(pool.clone()), pool.size()),
                None => (none(), None, None),
            },
            PaymentModel::Uniform => {
                let rank = |masternode: &Masternode| masternode.announced.as_ref().and_then(|announced| announced.rank);
                let enabled = list.masternodes().iter().filter(|masternode| masternode.is_payable()).count();
                let ranks = list.masternodes().iter().map(rank).collect();
                (ranks, None, u32::try_from(enabled).ok().and_then(NonZeroU32::new))
            }
        };
        Payments { model: rules.payment, tip, positions, pool, drawn_from }
    }

    /// Position of the masternode at `index` of the list, 1 = first; `None` if it has none.
    pub fn position(&self, index: usize) -> Option<NonZeroU32> {
        self.positions[index]
    }

    /// The pool, on chains with the pool model, if the votes are known.
    pub fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    /// Number of candidates for the next block; `None` on chains with a fixed order, or if none is eligible.
    pub fn drawn_from(&self) -> Option<NonZeroU32> {
        self.drawn_from
    }

    /// Latest block that pays the masternode at `index`; `None` on chains with random selection, or if it is not
    /// queued.
    pub fn projected_height(&self, index: usize) -> Option<Height> {
        let PaymentModel::Queue { .. } = self.model else { return None };
        self.positions[index].map(|position| self.tip.after(position.get()))
    }

    /// Probability in 0…1 that one of the next `blocks` blocks pays the masternode at `index`: 0 if it is not eligible,
    /// `None` if not known.
    pub fn probability(&self, index: usize, masternode: &Masternode, blocks: u32) -> Option<f64> {
        let position = self.positions[index];
        match self.model {
            PaymentModel::Queue { .. } => Some(queue::probability(position, blocks)),
            _ if masternode.is_banned() => Some(0.0),
            PaymentModel::Pool(_) => self.pool.as_ref().map(|pool| pool.probability(index, blocks)),
            PaymentModel::Uniform if !masternode.is_payable() => Some(0.0),
            PaymentModel::Uniform => Some(chance::chance_within(self.drawn_from?, blocks)),
        }
    }

    /// Probability in 0…1 of the next selection: 0 if it is not a candidate, `None` on chains with a fixed order.
    pub fn draw_probability(&self, index: usize, masternode: &Masternode) -> Option<f64> {
        let share = || self.drawn_from.map_or(0.0, |number| 1.0 / f64::from(number.get()));
        match self.model {
            PaymentModel::Queue { .. } => None,
            PaymentModel::Pool(_) => self.pool.as_ref().map(|pool| if pool.has(index) { share() } else { 0.0 }),
            PaymentModel::Uniform => Some(if masternode.is_payable() { share() } else { 0.0 }),
        }
    }
}
