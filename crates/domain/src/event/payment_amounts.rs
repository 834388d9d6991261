//! The amounts of a payment, from the outputs of the block that made it (docs/spec/dash.md#amounts).
//!
//! A coinbase pays the miner, the Platform, the payees of the masternode and its operator, and in a superblock the accepted
//! proposals. Outputs have no names: those of a payment are the ones that fit the terms of the masternode, and an amount is known
//! only if one choice of outputs does.
//!
//! Never here: subsidies; the terms of other masternodes.

use crate::details::{Detail, Details};
use crate::event::{Event, EventKind};
use crate::foreign_text::ForeignText;
use crate::list::MasternodeList;
use crate::masternode::Duffs;
use crate::operator_reward::OperatorReward;

/// An output: its address, if its script has one, and its amount.
pub type Output = (Option<ForeignText>, Duffs);

/// Most choices of outputs that are examined: more are not known.
const MOST_CHOICES: usize = 4096;

/// Sets the amounts of a block in its payments: each gets the outputs to its payees and its operator in `before`, the list from
/// which the payee was selected.
pub fn pay(events: &mut [Event], before: &MasternodeList, outputs: &[Output]) {
    for event in events {
        let EventKind::Payment { amount, operator, payees } = &mut event.kind else { continue };
        let Some(masternode) = before.get(&event.masternode) else { continue };
        let Some(choices) = choices(&masternode.details, masternode.operator_reward, outputs) else { continue };
        let parts = common(&choices, |choice| &choice.parts);
        *amount = parts.map(|parts| Duffs(sum(parts)));
        *payees = parts.cloned().unwrap_or_default();
        *operator = common(&choices, |choice| &choice.operator).copied();
    }
}

/// What a payment consists of, by one choice of outputs.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    parts: Vec<(Box<str>, Duffs)>,
    operator: Duffs,
    /// The outputs, by their place.
    used: Vec<usize>,
}

fn sum(parts: &[(Box<str>, Duffs)]) -> u64 {
    parts.iter().fold(0, |sum, (_, duffs)| sum.saturating_add(duffs.0))
}

/// The value that all choices have; `None` if there is no choice or if they differ.
fn common<T: PartialEq>(choices: &[Choice], value: impl Fn(&Choice) -> &T) -> Option<&T> {
    let first = value(choices.first()?);
    choices.iter().all(|choice| value(choice) == first).then_some(first)
}

/// The choices of outputs that fit the terms of a masternode; `None` if its payees are not known.
fn choices(details: &Details, reward: OperatorReward, outputs: &[Output]) -> Option<Vec<Choice>> {
    let payees: Vec<Box<str>> = details.payees()?.into_iter().map(|payee| payee.address).collect();
    let operator = details.get(Detail::OperatorPayoutAddress).filter(|_| reward.hundredths() != Some(0));
    let mut found = Vec::new();
    for (operator, used) in paid_to(operator.as_deref(), outputs, &[]) {
        let mut partial = vec![Choice { parts: Vec::new(), operator, used: used.into_iter().collect() }];
        for address in &payees {
            let extended = partial.iter().flat_map(|choice| extend(choice, address, outputs)).take(MOST_CHOICES + 1);
            partial = extended.collect();
            if partial.len() > MOST_CHOICES {
                return None;
            }
        }
        found.extend(partial);
    }
    found.retain(|choice| fits(choice, details, reward));
    let by_operator = |choice: &Choice| is_operator_part(choice, reward);
    // The terms decide where they are known; a block that does not pay the operator as they say decides nothing.
    if found.iter().any(by_operator) {
        found.retain(by_operator);
    }
    if found.len() > 1 && found.iter().any(|choice| is_whole_part(choice, outputs)) {
        found.retain(|choice| is_whole_part(choice, outputs));
    }
    Some(found)
}

/// The outputs to an address that can be one part of a payment: each that is not used, or none.
fn paid_to(address: Option<&str>, outputs: &[Output], used: &[usize]) -> Vec<(Duffs, Option<usize>)> {
    let to = |output: &Output| address.is_some_and(|address| output.0.as_ref().is_some_and(|to| to == address));
    let found = outputs.iter().enumerate().filter(|(place, output)| to(output) && !used.contains(place));
    let mut found: Vec<_> = found.map(|(place, output)| (output.1, Some(place))).collect();
    // A part of 0 has no output.
    found.push((Duffs(0), None));
    found
}

fn extend(choice: &Choice, address: &str, outputs: &[Output]) -> Vec<Choice> {
    let with = |(duffs, place): (Duffs, Option<usize>)| {
        let mut more = choice.clone();
        more.parts.push((address.into(), duffs));
        more.used.extend(place);
        more
    };
    paid_to(Some(address), outputs, &choice.used).into_iter().map(with).collect()
}

/// Whether the parts of the owner's side are divided as the terms say.
fn fits(choice: &Choice, details: &Details, reward: OperatorReward) -> bool {
    let total = sum(&choice.parts);
    if total == 0 {
        // Only an operator that gets everything leaves nothing.
        return reward.hundredths() == Some(10_000) && choice.operator.0 > 0;
    }
    let [_] = &choice.parts[..] else {
        let payouts = details.payouts();
        let expected = payouts.divide(Duffs(total));
        let is_part = |(address, duffs): &(Box<str>, Duffs)| {
            expected.as_ref().is_some_and(|expected| expected.get(&**address) == Some(&duffs.0))
        };
        return choice.parts.iter().all(is_part);
    };
    true
}

/// Whether the operator gets the part of the reward that the terms give it; any part if they are not known.
fn is_operator_part(choice: &Choice, reward: OperatorReward) -> bool {
    let whole = Duffs(sum(&choice.parts).saturating_add(choice.operator.0));
    match reward.of(whole) {
        Some(part) => part == choice.operator || choice.operator.0 == 0 && reward.hundredths() == Some(0),
        None => true,
    }
}

/// Whether owner, operator and Platform get three quarters of what they and one output for the miner get together: the rule since
/// version 20 (`GetMasternodePayment` in `src/masternode/payments.cpp`).
fn is_whole_part(choice: &Choice, outputs: &[Output]) -> bool {
    let platform: u128 = outputs.iter().filter(|(to, _)| to.is_none()).map(|(_, duffs)| u128::from(duffs.0)).sum();
    let part = platform + u128::from(sum(&choice.parts)) + u128::from(choice.operator.0);
    let miners = outputs.iter().enumerate().filter(|(place, (to, _))| to.is_some() && !choice.used.contains(place));
    miners.map(|(_, (_, duffs))| u128::from(duffs.0)).any(|miner| (part + miner) * 3 / 4 == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::{DetailTexts, Rare};
    use crate::masternode::Masternode;
    use crate::payout::{Payout, Payouts, Share, Shared};
    use crate::samples::{block, id, list, masternode};

    fn outputs(given: &[(&str, u64)]) -> Vec<Output> {
        let address = |to: &str| Some(ForeignText::new(to)).filter(|to| !to.is_empty());
        given.iter().map(|(to, duffs)| (address(to), Duffs(*duffs))).collect()
    }

    fn owned(owner: &str, operator: Option<&str>, reward: Option<u16>) -> Masternode {
        let details = DetailTexts {
            payout_address: Some(owner.into()),
            operator_payout_address: operator.map(Into::into),
            ..DetailTexts::default()
        };
        Masternode { details: details.into(), operator_reward: OperatorReward::new(reward), ..masternode(1) }
    }

    fn divided(payouts: Payouts, operator: Option<&str>, reward: u16) -> Masternode {
        let details = DetailTexts {
            operator_payout_address: operator.map(Into::into),
            rare: Rare { payouts, ..Rare::default() },
            ..DetailTexts::default()
        };
        Masternode { details: details.into(), operator_reward: OperatorReward::new(Some(reward)), ..masternode(1) }
    }

    fn split(parts: &[(&str, u32)]) -> Payouts {
        let payout = |(address, reward): &(&str, u32)| Payout { address: (*address).into(), reward: Some(*reward) };
        Payouts::of(parts.iter().map(payout).collect()).unwrap()
    }

    fn shared(parts: &[(&str, u64)]) -> Payouts {
        let share = |(address, amount): &(&str, u64)| Share {
            owner_address: "o".into(),
            reward_address: (*address).into(),
            refund_address: "r".into(),
            amount: Duffs(*amount),
        };
        Payouts::Shared(Shared { shares: parts.iter().map(share).collect(), ..Shared::default() })
    }

    /// Amount of the owner's side, of the operator, and by payee.
    type Amounts = (Option<u64>, Option<u64>, Vec<u64>);

    /// Its name, the masternode, the outputs, the amounts.
    type Case = (&'static str, Masternode, Vec<(&'static str, u64)>, Amounts);

    fn paid(masternode: Masternode, given: &[(&str, u64)]) -> Amounts {
        let kind = EventKind::Payment { amount: None, operator: None, payees: vec![] };
        let node_type = masternode.node_type;
        let mut events = [Event { block: block(101), exact: true, masternode: id(1), node_type, kind }];
        pay(&mut events, &list(100, vec![masternode]), &outputs(given));
        let [Event { kind: EventKind::Payment { amount, operator, payees }, .. }] = events else { unreachable!() };
        let duffs = |amount: Option<Duffs>| amount.map(|amount| amount.0);
        (duffs(amount), duffs(operator), payees.into_iter().map(|(_, amount)| amount.0).collect())
    }

    /// A block of mainnet: the miner gets a quarter of 164,380,000 duffs, the Platform and the masternode the rest.
    const MINER: u64 = 41_095_000;
    const PLATFORM: u64 = 46_230_000;
    const REWARD: u64 = 77_055_000;

    #[test]
    fn the_amounts_of_a_payment_are_those_of_owner_and_operator() {
        let tenth = REWARD / 10;
        let cases: Vec<Case> = vec![
            (
                "the owner alone",
                owned("A", None, Some(0)),
                vec![("m", MINER), ("", PLATFORM), ("A", REWARD)],
                (Some(REWARD), Some(0), vec![REWARD]),
            ),
            (
                "an operator with a tenth",
                owned("A", Some("O"), Some(1_000)),
                vec![("m", MINER), ("", PLATFORM), ("A", REWARD - tenth), ("O", tenth)],
                (Some(REWARD - tenth), Some(tenth), vec![REWARD - tenth]),
            ),
            (
                "an operator with a part and without an address",
                owned("A", None, Some(1_000)),
                vec![("m", MINER), ("A", REWARD)],
                (Some(REWARD), Some(0), vec![REWARD]),
            ),
            (
                "an operator with an address and without a part",
                owned("A", Some("O"), Some(0)),
                vec![("m", MINER), ("A", REWARD), ("O", 9)],
                (Some(REWARD), Some(0), vec![REWARD]),
            ),
            (
                "the operator is the owner",
                owned("A", Some("A"), Some(1_000)),
                vec![("m", MINER), ("", PLATFORM), ("A", REWARD - tenth), ("A", tenth)],
                (Some(REWARD - tenth), Some(tenth), vec![REWARD - tenth]),
            ),
            (
                "the operator gets everything",
                owned("A", Some("O"), Some(10_000)),
                vec![("m", MINER), ("O", REWARD)],
                (Some(0), Some(REWARD), vec![0]),
            ),
            (
                "terms that are not reported: an output to the operator may be another payment",
                owned("A", Some("O"), None),
                vec![("m", MINER), ("A", REWARD - 7), ("O", 7)],
                (Some(REWARD - 7), None, vec![REWARD - 7]),
            ),
        ];
        for (name, masternode, given, expected) in cases {
            assert_eq!(paid(masternode, &given), expected, "{name}");
        }
    }

    #[test]
    fn payments_of_proposals_and_of_the_miner_to_the_same_address_do_not_count() {
        let node = || owned("A", None, Some(0));
        let expected = (Some(REWARD), Some(0), vec![REWARD]);
        let proposal = [("m", MINER), ("", PLATFORM), ("A", REWARD), ("A", 500_000_000)];
        assert_eq!(paid(node(), &proposal), expected, "a proposal pays the owner too");
        let reversed: Vec<_> = proposal.into_iter().rev().collect();
        assert_eq!(paid(node(), &reversed), expected, "in any order");
        assert_eq!(paid(node(), &[("A", MINER), ("", PLATFORM), ("A", REWARD)]), expected, "the owner is the miner");
        let unknown = (None, Some(0), vec![]);
        assert_eq!(paid(node(), &[("m", 1), ("", PLATFORM), ("A", REWARD), ("A", 500)]), unknown, "nothing decides");
        assert_eq!(paid(node(), &[("A", REWARD), ("A", REWARD)]).0, Some(REWARD), "equal amounts need no decision");
        let operated = owned("A", Some("O"), Some(1_000));
        let (tenth, rest) = (REWARD / 10, REWARD - REWARD / 10);
        let given = [("m", 1), ("A", rest), ("A", 500), ("O", tenth), ("O", 4)];
        assert_eq!(paid(operated, &given), (Some(rest), Some(tenth), vec![rest]), "the operator's part decides");
        assert_eq!(paid(node(), &[("m", MINER)]), (None, None, vec![]), "not paid by this block");
    }

    #[test]
    fn each_owner_of_a_divided_reward_has_its_part() {
        let node = || divided(split(&[("a", 7_000), ("b", 3_000)]), None, 0);
        assert_eq!(paid(node(), &[("m", 3), ("a", 7), ("b", 4)]), (Some(11), Some(0), vec![7, 4]));
        assert_eq!(paid(node(), &[("m", 3), ("a", 7), ("b", 4), ("b", 900)]), (Some(11), Some(0), vec![7, 4]));
        assert_eq!(paid(node(), &[("m", 3), ("a", 7), ("b", 5)]), (None, None, vec![]), "another division");
        let owners = || divided(shared(&[("a", 600), ("b", 400)]), Some("O"), 500);
        let given = [("m", 3), ("a", 57), ("b", 38), ("O", 5)];
        assert_eq!(paid(owners(), &given), (Some(95), Some(5), vec![57, 38]));
        assert_eq!(paid(divided(Payouts::Unknown, None, 0), &given), (None, None, vec![]));
    }
}
