//! Payees and shares in the watch list, and whether a masternode has them.
//!
//! Each is a text: `address reward` for a payee, with the reward in hundredths of a percent; `owner reward_address
//! amount` for a share, where the amount is optional; separated by `, `, in any order.
//!
//! Never here: reading them from a file (`config`).

use std::collections::BTreeMap;

use crate::details::{Detail, Details};
use crate::masternode::Duffs;
use crate::payout::{Payouts, WHOLE};

/// An expected share.
type Named<'a> = (&'a str, &'a str, Option<u64>);

/// The text of payees.
pub fn payouts_text(payouts: &[(String, u32)]) -> String {
    payouts.iter().map(|(address, reward)| format!("{address} {reward}")).collect::<Vec<_>>().join(", ")
}

/// The text of shares: owner, reward address, amount.
pub fn shares_text(shares: &[(String, String, Option<Duffs>)]) -> String {
    let text = |(owner, reward, amount): &(String, String, Option<Duffs>)| match amount {
        Some(Duffs(amount)) => format!("{owner} {reward} {amount}"),
        None => format!("{owner} {reward}"),
    };
    shares.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Whether one address gets the whole owner's side; `None` if not known.
pub fn pays_only(details: &Details, address: &str) -> Option<bool> {
    match details.get(Detail::PayoutAddress) {
        Some(only) if only != address => Some(false),
        // A single payee without the whole reward means that something was not understood.
        Some(_) => details.payees()?.iter().all(|payee| payee.ratio.is_some()).then_some(true),
        None => (details.payouts() != Payouts::Unknown).then_some(false),
    }
}

/// Whether the owner's side is divided as in the text; `None` if not known.
pub fn pays(details: &Details, text: &str) -> Option<bool> {
    let payouts = details.payouts();
    let only = details.payout_address();
    let weighed = match &payouts {
        Payouts::Unknown => return None,
        Payouts::One => only.as_deref().map(|only| (only, Some(u64::from(WHOLE)))).into_iter().collect(),
        payouts => payouts.weighed(),
    };
    let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
    for part in text.split(", ") {
        let (address, reward) = part.split_once(' ')?;
        *wanted.entry(address).or_default() += reward.parse::<u64>().ok()?;
    }
    if weighed.len() != wanted.len() || weighed.iter().any(|(address, _)| !wanted.contains_key(address)) {
        return Some(false);
    }
    let sum: u128 = weighed.iter().map(|(_, weight)| weight.map(u128::from)).sum::<Option<u128>>()?;
    let fits = |(address, weight): &(&str, Option<u64>)| {
        weight.is_some_and(|weight| u128::from(weight) * u128::from(WHOLE) == u128::from(wanted[address]) * sum)
    };
    Some(sum > 0 && weighed.iter().all(fits))
}

/// Whether it has exactly the shares of the text; `None` if not known.
pub fn has_shares(details: &Details, text: &str) -> Option<bool> {
    let payouts = details.payouts();
    if payouts == Payouts::Unknown {
        return None;
    }
    let mut wanted: Vec<Named<'_>> = text.split(", ").map(named).collect::<Option<_>>()?;
    let mut found: Vec<Named<'_>> = payouts
        .shares()
        .iter()
        .map(|share| (&*share.owner_address, &*share.reward_address, Some(share.amount.0)))
        .collect();
    if found.len() != wanted.len() {
        return Some(false);
    }
    if found.iter().any(|(owner, ..)| owner.is_empty()) {
        // The owners are not known; the reward addresses are.
        let rewards = |shares: &[Named<'_>]| {
            let mut rewards: Vec<String> = shares.iter().map(|(_, reward, _)| (*reward).to_string()).collect();
            rewards.sort_unstable();
            rewards
        };
        return if rewards(&found) == rewards(&wanted) { None } else { Some(false) };
    }
    // Shares with an amount first, so that one without an amount does not take the share of another.
    wanted.sort_unstable_by_key(|(_, _, amount)| amount.is_none());
    let is_found = |(owner, reward, amount): &Named<'_>| {
        let fits =
            |other: &Named<'_>| other.0 == *owner && other.1 == *reward && (amount.is_none() || other.2 == *amount);
        found.iter().position(fits).map(|place| found.swap_remove(place)).is_some()
    };
    Some(wanted.iter().all(is_found))
}

fn named(text: &str) -> Option<Named<'_>> {
    let mut words = text.split(' ');
    let (owner, reward) = (words.next()?, words.next()?);
    let amount = words.next().map(|amount| amount.parse().ok());
    match amount {
        Some(None) => None,
        amount => Some((owner, reward, amount.flatten())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::{DetailTexts, Rare};
    use crate::payout::{Payout, Share, Shared};

    fn details(only: Option<&'static str>, payouts: Payouts) -> Details {
        let rare = Rare { payouts, ..Rare::default() };
        Details::new(&DetailTexts { payout_address: only.map(Into::into), rare, ..DetailTexts::default() })
    }

    fn split(parts: &[(&str, Option<u32>)]) -> Details {
        let payout = |(address, reward): &(&str, Option<u32>)| Payout { address: (*address).into(), reward: *reward };
        details(None, Payouts::Split(parts.iter().map(payout).collect()))
    }

    fn shared(parts: &[(&str, &str, u64)]) -> Details {
        let share = |(owner, reward, amount): &(&str, &str, u64)| Share {
            owner_address: (*owner).into(),
            reward_address: (*reward).into(),
            refund_address: "".into(),
            amount: Duffs(*amount),
        };
        let shares = parts.iter().map(share).collect();
        details(None, Payouts::Shared(Shared { shares, ..Shared::default() }))
    }

    #[test]
    fn a_single_expected_payee_means_exactly_that_one() {
        let half = details(Some("a"), Payouts::Split(vec![Payout { address: "a".into(), reward: None }]));
        let cases = [
            (details(Some("a"), Payouts::One), "a", Some(true)),
            (details(Some("b"), Payouts::One), "a", Some(false)),
            (split(&[("a", Some(7000)), ("b", Some(3000))]), "a", Some(false)),
            (shared(&[("o", "a", 600), ("p", "b", 400)]), "a", Some(false)),
            (details(None, Payouts::Unknown), "a", None),
            (half.clone(), "a", None),
            (half, "b", Some(false)),
        ];
        for (details, address, expected) in cases {
            assert_eq!(pays_only(&details, address), expected, "{address} of {details:?}");
        }
    }

    #[test]
    fn expected_payees_match_in_any_order_and_unknown_ones_never() {
        let two = split(&[("a", Some(7000)), ("b", Some(3000))]);
        let cases = [
            (&two, "a 7000, b 3000", Some(true)),
            (&two, "b 3000, a 7000", Some(true)),
            (&two, "a 3000, b 7000", Some(false)),
            (&two, "a 10000", Some(false)),
            (&two, "a 7000, c 3000", Some(false)),
            (&details(Some("a"), Payouts::One), "a 10000", Some(true)),
            (&details(Some("b"), Payouts::One), "a 10000", Some(false)),
            (&shared(&[("o", "a", 600), ("p", "b", 400)]), "a 6000, b 4000", Some(true)),
            (&shared(&[("o", "a", 1), ("p", "b", 2)]), "a 3333, b 6667", Some(false)),
            (&split(&[("a", None), ("b", None)]), "a 7000, b 3000", None),
            (&split(&[("a", None), ("c", None)]), "a 7000, b 3000", Some(false)),
            (&details(None, Payouts::Unknown), "a 10000", None),
        ];
        for (details, text, expected) in cases {
            assert_eq!(pays(details, text), expected, "{text} of {details:?}");
        }
    }

    #[test]
    fn expected_shares_match_by_owner_and_reward_address() {
        let two = shared(&[("o", "a", 600), ("p", "b", 400)]);
        let cases = [
            (&two, "o a 600, p b 400", Some(true)),
            (&two, "p b, o a", Some(true)),
            (&two, "o a 500, p b 400", Some(false)),
            (&two, "o thief, p b", Some(false)),
            (&two, "o a", Some(false)),
            (&shared(&[("", "a", 600), ("p", "b", 400)]), "o a, p b", None),
            (&shared(&[("", "thief", 600), ("p", "b", 400)]), "o a, p b", Some(false)),
            (&shared(&[("o", "a", 1), ("o", "a", 2)]), "o a, o a 1", Some(true)),
            (&details(Some("a"), Payouts::One), "o a, p b", Some(false)),
            (&details(None, Payouts::Unknown), "o a, p b", None),
        ];
        for (details, text, expected) in cases {
            assert_eq!(has_shares(details, text), expected, "{text} of {details:?}");
        }
    }
}
