//! The payees of the owner's part of a reward: one payee, several with a share each, or the shares of several owners.
//!
//! Since Dash Core 24 (docs/spec/dash-24.md#state-objects). Two lists of payees are equal if every payee gets the same
//! share of each reward, regardless of the order.
//!
//! Never here: the operator's part; JSON.

mod expected;

use std::collections::BTreeMap;
use std::fmt;

use crate::masternode::Duffs;

pub use expected::{has_shares, payouts_text, pays, pays_only, shares_text};

/// Shares of a reward are in hundredths of a percent: the sum of all shares.
pub const WHOLE: u32 = 10_000;

/// Prefix of a script that has no address.
pub const SCRIPT: &str = "script:";

/// How the owner's part of a reward is divided, if it has more than one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payouts {
    /// One address gets all of it, or the chain names none.
    #[default]
    One,
    /// The node reports it in an unknown form: the payees are not known.
    Unknown,
    /// Several payees, in the order of the list.
    Split(Vec<Payout>),
    /// A masternode of several owners.
    Shared(Shared),
}

/// A payee with its share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payout {
    /// Address; for a script without one, [`SCRIPT`] and its hexadecimal digits.
    pub address: Box<str>,
    /// Share in hundredths of a percent; `None` if the shares of the list do not add up to the whole.
    pub reward: Option<u32>,
}

/// The owners of a masternode with several owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// The shares, in the order of the list.
    pub shares: Vec<Share>,
    /// Blocks from the registration in which a dissolution costs a penalty; `None` if the node does not report it.
    pub early_period_blocks: Option<u32>,
    /// The penalty.
    pub early_penalty: Option<Duffs>,
}

/// The share of one owner in the collateral.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// Owner key's address; empty if the node does not report it.
    pub owner_address: Box<str>,
    /// Address of its share of rewards.
    pub reward_address: Box<str>,
    /// Address of its share of the collateral after a dissolution; empty if the node does not report it.
    pub refund_address: Box<str>,
    /// Its share of the collateral.
    pub amount: Duffs,
}

/// A payee of each reward.
#[derive(Clone, Debug, PartialEq)]
pub struct Payee {
    /// Its address.
    pub address: Box<str>,
    /// Its share of the owner's side, 0…1; `None` if not known.
    pub ratio: Option<f64>,
}

/// A payee and its weight; `None` if the weights are not known.
type Weighed<'a> = (&'a str, Option<u64>);

impl Payouts {
    /// Several payees of a list; entries of one address are merged. `None` if there is none, or if a share is 0.
    pub fn of(payouts: Vec<Payout>) -> Option<Payouts> {
        if payouts.is_empty() || payouts.iter().any(|payout| payout.reward == Some(0)) {
            return None;
        }
        let mut merged: Vec<Payout> = Vec::with_capacity(payouts.len());
        for payout in payouts {
            match merged.iter_mut().find(|other| other.address == payout.address) {
                Some(other) => {
                    other.reward = other.reward.zip(payout.reward).map(|(one, more)| one.saturating_add(more));
                }
                None => merged.push(payout),
            }
        }
        let sum = merged.iter().try_fold(0_u32, |sum, payout| sum.checked_add(payout.reward?));
        if sum != Some(WHOLE) {
            merged.iter_mut().for_each(|payout| payout.reward = None);
        }
        Some(Payouts::Split(merged))
    }

    /// The payees with their weights, each address once, in the order of the list; empty if one address gets all or if
    /// not known.
    fn weighed(&self) -> Vec<Weighed<'_>> {
        let parts: Vec<Weighed<'_>> = match self {
            Payouts::One | Payouts::Unknown => Vec::new(),
            Payouts::Split(payouts) => {
                payouts.iter().map(|payout| (&*payout.address, payout.reward.map(u64::from))).collect()
            }
            Payouts::Shared(shared) => {
                shared.shares.iter().map(|share| (&*share.reward_address, Some(share.amount.0))).collect()
            }
        };
        let mut merged: Vec<Weighed<'_>> = Vec::with_capacity(parts.len());
        for (address, weight) in parts {
            match merged.iter_mut().find(|(other, _)| *other == address) {
                Some((_, sum)) => *sum = sum.zip(weight).map(|(sum, weight)| sum.saturating_add(weight)),
                None => merged.push((address, weight)),
            }
        }
        merged
    }

    /// The payees, each address once, in the order of the list.
    pub fn payees(&self) -> Vec<Payee> {
        let weighed = self.weighed();
        let sum = weighed.iter().try_fold(0_u64, |sum, (_, weight)| sum.checked_add((*weight)?));
        let payee = |(address, weight): Weighed<'_>| Payee {
            address: address.into(),
            ratio: weight.zip(sum).filter(|(_, sum)| *sum > 0).map(|(weight, sum)| weight as f64 / sum as f64),
        };
        weighed.into_iter().map(payee).collect()
    }

    /// The address that gets all of it by this list; `None` if there are several, or none is named here.
    pub fn only_payee(&self) -> Option<&str> {
        match self.weighed().as_slice() {
            [(address, _)] => Some(*address),
            _ => None,
        }
    }

    /// The shares; empty if it has one owner.
    pub fn shares(&self) -> &[Share] {
        match self {
            Payouts::Shared(shared) => &shared.shares,
            _ => &[],
        }
    }

    /// The amount of `total` for each address by the node's arithmetic: rounded down in the order of the list, the last
    /// one gets the remainder (`masternode/payments.cpp` of Dash Core 24). `None` if the shares are not known.
    pub fn divide(&self, total: Duffs) -> Option<BTreeMap<&str, u64>> {
        let parts: Vec<(&str, u64)> = match self {
            Payouts::One | Payouts::Unknown => return None,
            Payouts::Split(payouts) => {
                let part = |payout: &'_ Payout| payout.reward.map(u64::from);
                payouts.iter().map(|payout| Some((&*payout.address, part(payout)?))).collect::<Option<_>>()?
            }
            Payouts::Shared(shared) => {
                shared.shares.iter().map(|share| (&*share.reward_address, share.amount.0)).collect()
            }
        };
        let sum: u128 = parts.iter().map(|(_, weight)| u128::from(*weight)).sum();
        let (mut left, mut divided) = (total.0, BTreeMap::new());
        for (place, (address, weight)) in parts.iter().enumerate() {
            let floor = (u128::from(total.0) * u128::from(*weight)).checked_div(sum)?;
            let part = if place + 1 == parts.len() { left } else { u64::try_from(floor).ok()?.min(left) };
            left -= part;
            *divided.entry(*address).or_default() += part;
        }
        Some(divided)
    }

    /// The values to compare: each address with its share of the whole, independent of order and form.
    fn meaning(&self) -> BTreeMap<&str, Option<u64>> {
        self.weighed().into_iter().collect()
    }

    /// Whether every payee gets the same by both, and owners and refunds of shares are the same.
    pub fn means_the_same(&self, other: &Payouts) -> bool {
        let shares = |payouts: &Payouts| {
            let mut shares = payouts.shares().to_vec();
            shares.sort();
            shares
        };
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.meaning() == other.meaning()
            && shares(self) == shares(other)
    }
}

/// `Xone 70 %, Xtwo 30 %`, or the shares with their amounts; empty if one address gets all.
impl fmt::Display for Payouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payouts::One => Ok(()),
            Payouts::Unknown => f.write_str("unknown"),
            Payouts::Split(payouts) => {
                for (place, Payout { address, reward }) in payouts.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    write!(f, "{address}")?;
                    if let Some(reward) = reward {
                        write!(f, " {} %", Percent(*reward))?;
                    }
                }
                Ok(())
            }
            Payouts::Shared(shared) => {
                for (place, Share { owner_address, reward_address, amount, .. }) in shared.shares.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    write!(f, "{reward_address} {amount} (owner {owner_address})")?;
                }
                Ok(())
            }
        }
    }
}

/// Hundredths of a percent, without trailing zeros.
struct Percent(u32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}"),
            rest if rest % 10 == 0 => write!(f, "{whole}.{}", rest / 10),
            rest => write!(f, "{whole}.{rest:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(parts: &[(&str, u32)]) -> Payouts {
        let payout = |(address, reward): &(&str, u32)| Payout { address: (*address).into(), reward: Some(*reward) };
        Payouts::of(parts.iter().map(payout).collect()).unwrap()
    }

    fn shared(parts: &[(&str, &str, u64)]) -> Payouts {
        let share = |(owner, reward, amount): &(&str, &str, u64)| Share {
            owner_address: (*owner).into(),
            reward_address: (*reward).into(),
            refund_address: "refund".into(),
            amount: Duffs(*amount),
        };
        Payouts::Shared(Shared { shares: parts.iter().map(share).collect(), ..Shared::default() })
    }

    #[test]
    fn payees_have_their_share_and_each_address_appears_once() {
        let ratios = |payouts: &Payouts| -> Vec<(String, Option<f64>)> {
            payouts.payees().into_iter().map(|payee| (payee.address.into(), payee.ratio)).collect()
        };
        let (a, b) = ("a".to_string(), "b".to_string());
        assert_eq!(ratios(&split(&[("a", 7000), ("b", 3000)])), [(a.clone(), Some(0.7)), (b.clone(), Some(0.3))]);
        assert_eq!(ratios(&split(&[("a", 7000), ("a", 3000)])), [(a.clone(), Some(1.0))]);
        assert_eq!(split(&[("a", 7000), ("a", 3000)]).only_payee(), Some("a"));
        assert_eq!(ratios(&split(&[("a", 7000), ("b", 2999)])), [(a.clone(), None), (b.clone(), None)]);
        let three = shared(&[("o", "a", 500), ("p", "b", 250), ("q", "a", 250)]);
        assert_eq!(ratios(&three), [(a, Some(0.75)), (b, Some(0.25))]);
        assert_eq!(Payouts::of(vec![]), None);
        assert_eq!(Payouts::Unknown.payees(), []);
    }

    #[test]
    fn amounts_are_rounded_down_and_the_last_gets_the_remainder() {
        let amounts = |payouts: &Payouts, total| {
            let divided = payouts.divide(Duffs(total));
            divided.map(|divided| divided.into_values().collect::<Vec<_>>())
        };
        let cases = [
            (split(&[("a", 7000), ("b", 3000)]), 10, Some(vec![7, 3])),
            (split(&[("a", 3333), ("b", 3333), ("c", 3334)]), 100, Some(vec![33, 33, 34])),
            (split(&[("a", 3333), ("b", 6667)]), 1, Some(vec![0, 1])),
            (shared(&[("o", "a", 600), ("p", "b", 400)]), 101, Some(vec![60, 41])),
            (split(&[("a", 7000), ("b", 2000)]), 10, None),
            (shared(&[("o", "a", 0), ("p", "b", 0)]), 10, None),
            (Payouts::One, 10, None),
            (Payouts::Unknown, 10, None),
        ];
        for (payouts, total, expected) in cases {
            assert_eq!(amounts(&payouts, total), expected, "{payouts} of {total}");
        }
        let most = split(&[("a", 5000), ("b", 5000)]);
        assert_eq!(amounts(&most, u64::MAX), Some(vec![u64::MAX / 2, u64::MAX / 2 + 1]), "no overflow");
    }

    #[test]
    fn order_and_form_of_payees_do_not_matter_but_shares_and_owners_do() {
        let one = split(&[("a", 7000), ("b", 3000)]);
        assert!(one.means_the_same(&split(&[("b", 3000), ("a", 7000)])));
        assert!(!one.means_the_same(&split(&[("b", 7000), ("a", 3000)])));
        assert!(!one.means_the_same(&split(&[("a", 7000), ("c", 3000)])));
        let shares = shared(&[("o", "a", 600), ("p", "b", 400)]);
        assert!(shares.means_the_same(&shared(&[("p", "b", 400), ("o", "a", 600)])));
        assert!(!shares.means_the_same(&shared(&[("o", "a", 600), ("p", "thief", 400)])));
        assert!(!shares.means_the_same(&shared(&[("x", "a", 600), ("p", "b", 400)])));
        assert!(!shares.means_the_same(&one));
    }

    #[test]
    fn payees_are_written_with_their_share() {
        assert_eq!(split(&[("a", 7000), ("b", 3000)]).to_string(), "a 70 %, b 30 %");
        assert_eq!(split(&[("a", 3333), ("b", 6650), ("c", 17)]).to_string(), "a 33.33 %, b 66.5 %, c 0.17 %");
        assert_eq!(
            shared(&[("o", "a", 60_000_000_000), ("p", "b", 40_000_000_000)]).to_string(),
            "a 600.00000000 (owner o), b 400.00000000 (owner p)"
        );
    }
}
