//! What masternodes earned: sums of payments, and what a ban costs.
//!
//! Sums are exact, in duffs. A payment without a known amount is counted and adds nothing: a sum is then a lower bound.
//!
//! Never here: the source of payments; exchange rates; text.

use crate::event::{Event, EventKind};
use crate::masternode::{Duffs, Height, UnixSeconds};

/// Sums of payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// Payments.
    pub payments: u64,
    /// Duffs paid to the owner's side.
    pub owner: u64,
    /// Payments of which the owner's amount is known.
    pub owner_known: u64,
    /// Duffs paid to the operator.
    pub operator: u64,
    /// Payments of which the operator's amount is known.
    pub operator_known: u64,
}

impl Earned {
    /// Adds a payment.
    pub fn pay(&mut self, owner: Option<Duffs>, operator: Option<Duffs>) {
        let known = |amount: Option<Duffs>| amount.map_or((0, 0), |amount| (amount.0, 1));
        let ((owner, owner_known), (operator, operator_known)) = (known(owner), known(operator));
        self.add(&Earned { payments: 1, owner, owner_known, operator, operator_known });
    }

    /// Adds the payment of an event; any other kind adds nothing.
    pub fn record(&mut self, kind: &EventKind) {
        if let EventKind::Payment { amount, operator, .. } = kind {
            self.pay(*amount, *operator);
        }
    }

    /// Adds other sums.
    pub fn add(&mut self, more: &Earned) {
        self.payments = self.payments.saturating_add(more.payments);
        self.owner = self.owner.saturating_add(more.owner);
        self.owner_known = self.owner_known.saturating_add(more.owner_known);
        self.operator = self.operator.saturating_add(more.operator);
        self.operator_known = self.operator_known.saturating_add(more.operator_known);
    }

    /// The owner's sum; `None` if of no payment the amount is known.
    #[must_use]
    pub fn owner(&self) -> Option<Duffs> {
        (self.owner_known > 0 || self.payments == 0).then_some(Duffs(self.owner))
    }

    /// The same of the operator.
    #[must_use]
    pub fn operator(&self) -> Option<Duffs> {
        (self.operator_known > 0 || self.payments == 0).then_some(Duffs(self.operator))
    }

    /// Payments without a known amount of the owner: the sum is a lower bound if there are any.
    #[must_use]
    pub fn without_amount(&self) -> u64 {
        self.payments.saturating_sub(self.owner_known)
    }
}

/// The mean that a payment of the network paid to owner and operator together, of those with known amounts; `None` without any.
#[must_use]
pub fn mean_payment<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Duffs> {
    let mut earned = Earned::default();
    events.into_iter().for_each(|event| earned.record(&event.kind));
    let mean = earned.owner.checked_div(earned.owner_known)?;
    Some(Duffs(mean.saturating_add(earned.operator.checked_div(earned.operator_known).unwrap_or(0))))
}

/// Coins that a ban cost so far, an estimate: at the present mean payment, a masternode that is not banned is paid once in as
/// many blocks as there are masternodes that are paid, itself included.
#[must_use]
pub fn lost_by_ban(banned_at: Height, tip: Height, cycle_blocks: u32, payment: Duffs) -> Duffs {
    let cycle = u128::from(cycle_blocks) + 1;
    let lost = u128::from(tip.above(banned_at)) * u128::from(payment.0) / cycle;
    Duffs(u64::try_from(lost).unwrap_or(u64::MAX))
}

/// A time span: from a time on, until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first second.
    pub from: UnixSeconds,
    /// The second after the last one.
    pub until: UnixSeconds,
}

impl Period {
    /// Whether a time is in it.
    #[must_use]
    pub fn has(&self, time: UnixSeconds) -> bool {
        (self.from..self.until).contains(&time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masternode::NodeType;
    use crate::samples::{block, id};

    #[test]
    fn a_sum_without_a_known_amount_is_not_known_and_never_zero() {
        let mut earned = Earned::default();
        assert_eq!(
            (earned.owner(), earned.operator()),
            (Some(Duffs(0)), Some(Duffs(0))),
            "no payment is known to be none"
        );
        earned.pay(None, None);
        assert_eq!((earned.owner(), earned.operator(), earned.without_amount()), (None, None, 1));
        earned.pay(Some(Duffs(7)), None);
        assert_eq!((earned.owner(), earned.operator(), earned.without_amount()), (Some(Duffs(7)), None, 1));
        earned.pay(Some(Duffs(8)), Some(Duffs(0)));
        assert_eq!((earned.owner(), earned.operator(), earned.payments), (Some(Duffs(15)), Some(Duffs(0)), 3));
    }

    #[test]
    fn a_ban_costs_its_share_of_the_blocks_since() {
        // 34 days at 548 blocks a day, 2100 masternodes that are paid 0.77 coins: 18,632 of 2101 blocks, 8.868 payments.
        let lost = lost_by_ban(Height(1_000_000), Height(1_000_000 + 34 * 548), 2_100, Duffs(77_000_000));
        assert_eq!(lost.to_string(), "6.82848167");
        assert_eq!(lost_by_ban(Height(10), Height(9), 0, Duffs(5)), Duffs(0), "a reorg below the ban");
        assert_eq!(lost_by_ban(Height(0), Height(u32::MAX), 0, Duffs(u64::MAX)), Duffs(u64::MAX));
    }

    #[test]
    fn the_mean_is_of_payments_with_known_amounts() {
        let payment = |amount: Option<u64>, operator: Option<u64>| Event {
            block: block(1),
            exact: true,
            masternode: id(1),
            node_type: NodeType::Regular,
            kind: EventKind::Payment { amount: amount.map(Duffs), operator: operator.map(Duffs), payees: vec![] },
        };
        let mean = |events: &[Event]| mean_payment(events).map(|mean| mean.0);
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[payment(None, None)]), None);
        assert_eq!(mean(&[payment(Some(90), Some(10)), payment(Some(100), Some(0)), payment(None, None)]), Some(100));
    }
}
