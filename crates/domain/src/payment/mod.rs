//! Who is paid next.
//!
//! Three models ([`PaymentModel`]): an order (`queue`), a draw among the longest unpaid (`pool`), a draw among all. The
//! chances of a draw are `chance`'s; [`Payments`] is what a snapshot holds of any of them.
//!
//! Never here: amounts, or payees by address where a chain pays by identity: a payout address may be shared by many nodes.

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

/// How a chain chooses whom a block pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentModel {
    /// A deterministic order (DIP3). Nobody is paid until there are more masternodes than this.
    Queue {
        /// Raptoreum's main network pays nobody while there are 10 or fewer.
        more_than: u32,
    },
    /// A draw among the longest unpaid.
    Pool(PoolRule),
    /// A draw among all that are enabled.
    Uniform,
}

/// Who is paid when, of all masternodes of a list.
#[derive(Clone, Debug)]
pub struct Payments {
    model: PaymentModel,
    tip: Height,
    positions: Vec<Option<NonZeroU32>>,
    pool: Option<Pool>,
    /// How many share the draw: the pool, or all that are enabled.
    drawn_from: Option<NonZeroU32>,
}

impl Payments {
    /// What holds at the tip of `list`, read at `now`.
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

    /// Place of the masternode at `index` of the list, 1 = first; `None` when it has none.
    pub fn position(&self, index: usize) -> Option<NonZeroU32> {
        self.positions[index]
    }

    /// The pool, on chains that draw from one and where the votes are known.
    pub fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    /// Among how many masternodes the next block's payee is drawn; `None` where an order decides, or nobody is eligible.
    pub fn drawn_from(&self) -> Option<NonZeroU32> {
        self.drawn_from
    }

    /// Block by which the masternode at `index` is paid at the latest; `None` where chance decides, or it is not queued.
    pub fn projected_height(&self, index: usize) -> Option<Height> {
        let PaymentModel::Queue { .. } = self.model else { return None };
        self.positions[index].map(|position| self.tip.after(position.get()))
    }

    /// Chance in 0…1 that one of the next `blocks` blocks pays the masternode at `index`: 0 when it is not eligible,
    /// `None` where it cannot be known.
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

    /// Chance in 0…1 of the one draw that comes next: 0 when it is not in it, `None` where an order decides.
    pub fn draw_probability(&self, index: usize, masternode: &Masternode) -> Option<f64> {
        let share = || self.drawn_from.map_or(0.0, |number| 1.0 / f64::from(number.get()));
        match self.model {
            PaymentModel::Queue { .. } => None,
            PaymentModel::Pool(_) => self.pool.as_ref().map(|pool| if pool.has(index) { share() } else { 0.0 }),
            PaymentModel::Uniform => Some(if masternode.is_payable() { share() } else { 0.0 }),
        }
    }
}
