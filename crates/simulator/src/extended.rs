//! Extensions of a masternode since Dash 24: several payees, shares, several addresses, two encodings of its key.
//!
//! Never here: changing a masternode; `block` does that.

use std::net::{Ipv6Addr, SocketAddrV6};

use super::masternode::{Masternode, Text};
use super::random::Random;
use super::rules::ChainFacts;

/// Maximum number of shares of a masternode.
pub(super) const MOST_SHARES: usize = 8;

/// The first version of a state with payouts in place of one payout address.
pub(super) const EXTENDED: u8 = 3;

/// Hundredths of a percent: the sum of the payouts of a masternode.
const WHOLE: u64 = 10_000;

/// Letters of an onion address before its suffix.
const ONION_BYTES: usize = 56;

/// One payee of a version 3 masternode.
pub(super) struct Payout {
    pub(super) address: String,
    /// Hundredths of a percent.
    pub(super) reward: u64,
}

/// One owner of a shared masternode.
pub(super) struct Share {
    /// Duffs of the collateral.
    pub(super) amount: u64,
    pub(super) refund: String,
    pub(super) reward: String,
    pub(super) owner: String,
}

impl Masternode {
    /// Several owners hold the collateral.
    pub(super) fn is_shared(&self) -> bool {
        self.shares > 0
    }

    /// The payees and their rewards; a single one with the whole reward in older versions.
    pub(super) fn payouts(&self, facts: &ChainFacts) -> Vec<Payout> {
        let count = u64::from(self.payouts.max(1));
        let rewards = parts(WHOLE, count);
        let address = |index: u32| match index {
            0 => self.payout_address(facts),
            _ => self.coin_address(Text::FurtherPayout, self.payout * 100 + index, facts),
        };
        (0..).zip(rewards).map(|(index, reward)| Payout { address: address(index), reward }).collect()
    }

    /// The owners of a shared masternode; empty for others.
    pub(super) fn shares(&self, facts: &ChainFacts) -> Vec<Share> {
        let amounts = parts(self.collateral_amount(), u64::from(self.shares));
        let share = |(index, amount): (u32, u64)| {
            let refund = self.coin_address(Text::Refund, index, facts);
            let edition = self.share_rewards[index as usize];
            let reward = match edition {
                0 => refund.clone(),
                _ => self.coin_address(Text::ShareReward, index * 1_000 + u32::from(edition), facts),
            };
            Share { amount, refund, reward, owner: self.coin_address(Text::ShareOwner, index, facts) }
        };
        (0..).zip(amounts).map(share).collect()
    }

    /// Duffs of the collateral.
    fn collateral_amount(&self) -> u64 {
        if self.evo { 400_000_000_000 } else { 100_000_000_000 }
    }

    /// The addresses that receive the owners' part, in order.
    pub(super) fn owner_payees(&self, facts: &ChainFacts) -> Vec<String> {
        if self.is_shared() {
            return self.shares(facts).into_iter().map(|share| share.reward).collect();
        }
        self.payouts(facts).into_iter().map(|payout| payout.address).collect()
    }

    /// The owners' addresses, in order.
    pub(super) fn owners(&self, facts: &ChainFacts) -> Vec<String> {
        if self.is_shared() {
            return self.shares(facts).into_iter().map(|share| share.owner).collect();
        }
        vec![self.owner_address(facts)]
    }

    /// The payees as one text; each with its reward if there are several.
    pub(super) fn payouts_text(&self, facts: &ChainFacts) -> String {
        let payouts = self.payouts(facts);
        if let [only] = payouts.as_slice() {
            return only.address.clone();
        }
        let texts: Vec<String> = payouts.iter().map(|payout| format!("{} {}", payout.address, payout.reward)).collect();
        texts.join(", ")
    }

    /// The amounts of the owners' and the operator's part: addresses and duffs, the operator last
    /// (`src/masternode/payments.cpp`).
    pub(super) fn split(&self, amount: u64, facts: &ChainFacts) -> Vec<(String, u64)> {
        let operator = self.operator_payout_address(facts);
        let share = operator.as_ref().map_or(0, |_| amount * u64::from(self.operator_reward) / WHOLE);
        let rest = amount - share;
        let weights: Vec<(String, u64)> = if self.is_shared() {
            self.shares(facts).into_iter().map(|share| (share.reward, share.amount)).collect()
        } else {
            self.payouts(facts).into_iter().map(|payout| (payout.address, payout.reward)).collect()
        };
        let whole: u128 = weights.iter().map(|(_, weight)| u128::from(*weight)).sum();
        let mut left = rest;
        let last = weights.len() - 1;
        let mut split: Vec<(String, u64)> = Vec::with_capacity(weights.len() + 1);
        for (index, (address, weight)) in weights.into_iter().enumerate() {
            let exact = u128::from(rest) * u128::from(weight) / whole;
            let part = if index == last { left } else { u64::try_from(exact).expect("a part of a u64") };
            left -= part;
            split.push((address, part));
        }
        split.extend(operator.filter(|_| share > 0).map(|address| (address, share)));
        split.retain(|(_, part)| *part > 0);
        split
    }

    /// The addresses of the masternode, the primary one first; empty if it has none.
    pub(super) fn core_addresses(&self, facts: &ChainFacts) -> Vec<String> {
        let Some(primary) = self.endpoint(facts.port) else { return Vec::new() };
        let [_, high, middle, low] = self.slot.to_be_bytes();
        let further = |index: u8| match index {
            1 => {
                let edition = u16::try_from(self.address % 60_000).expect("below 60000");
                let place = u16::from_be_bytes([middle, low]);
                let address = Ipv6Addr::new(0xfd24, 0, 0, 0, 0, edition, u16::from(high), place);
                SocketAddrV6::new(address, facts.port, 0, 0).to_string()
            }
            2 => {
                let mut name = String::new();
                let mut random = self.draw(Text::Onion, self.address);
                while name.len() < ONION_BYTES {
                    let letter = random.below(32);
                    name.push(char::from(b"abcdefghijklmnopqrstuvwxyz234567"[letter]));
                }
                format!("{name}.onion:{}", facts.port)
            }
            _ => format!("10.{}.{middle}.{low}:{}", 128 + u32::from(high) + self.address % 64, facts.port),
        };
        std::iter::once(primary).chain((1..=self.further).map(further)).collect()
    }

    /// A port of an Evo node's platform services: `first`, plus ten thousand for each change.
    pub(super) fn platform_port(&self, first: u16) -> u16 {
        let moved = (u32::from(first) + 10_000 * u32::from(self.platform_ports)) % 65_000;
        u16::try_from(moved).expect("below 65000").max(1)
    }

    /// The operator's key in the form of the state's version: the legacy one has the sign in bit 7 of its first byte,
    /// the basic one sets bit 7 and has the sign in bit 5 (`src/bls/bls.h`).
    pub(super) fn encoded_key(&self, mut drawn: [u8; 48]) -> [u8; 48] {
        let sign = drawn[0] >> 7;
        let rest = drawn[0] & 0x1f;
        drawn[0] = if self.version <= 1 { sign << 7 | rest } else { 0x80 | sign << 5 | rest };
        drawn
    }
}

/// Decreasing whole numbers that add up to `whole`: the first of three gets three sixths.
fn parts(whole: u64, count: u64) -> Vec<u64> {
    let weights = count * (count + 1) / 2;
    let mut left = whole;
    let part = |weight: u64| {
        let part = if weight == 1 { left } else { whole / weights * weight };
        left -= part;
        part
    };
    (1..=count).rev().map(part).collect()
}

/// The script that pays to an address. Addresses have no valid checksum, so their scripts are generated too.
pub(super) fn script(address: &str) -> String {
    let letters: Vec<u64> = address.bytes().map(u64::from).collect();
    format!("76a914{}88ac", Random::of(&letters).hex(20))
}

#[cfg(test)]
mod tests {
    use super::super::options::Subnet;
    use super::super::rules::chain_facts;
    use super::{Masternode, Random, parts};

    fn node() -> Masternode {
        Masternode::registered(Random::of(&[5]).hash(), 7, false, 100, true)
    }

    #[test]
    fn parts_add_up() {
        assert_eq!(parts(10_000, 1), [10_000]);
        assert_eq!(parts(10_000, 2), [6_666, 3_334]);
        assert_eq!(parts(10_000, 3), [4_998, 3_332, 1_670]);
        assert!(parts(10_000, 0).is_empty());
    }

    /// Recorded: 217633929 with an operator's share of 3 % gives 211104912 and 6529017.
    #[test]
    fn the_operator_is_paid_from_the_masternodes_part() {
        let facts = chain_facts(Subnet::Regtest);
        let mut node = Masternode { operator_reward: 300, operator_payout: 1, ..node() };
        let amounts = |node: &Masternode| -> Vec<u64> {
            node.split(217_633_929, facts).into_iter().map(|(_, amount)| amount).collect()
        };
        assert_eq!(amounts(&node), [211_104_912, 6_529_017]);
        node.payouts = 2;
        assert_eq!(amounts(&node), [140_722_534, 70_382_378, 6_529_017], "the last payee gets the remainder");
        node.shares = 2;
        assert_eq!(amounts(&node).iter().sum::<u64>(), 217_633_929);
    }

    #[test]
    fn the_two_forms_of_a_key_differ_in_three_bits_only() {
        let mut node = node();
        node.version = 1;
        let legacy = node.operator_key_hex();
        node.version = 2;
        let basic = node.operator_key_hex();
        assert_ne!(legacy, basic);
        assert_eq!(legacy[2..], basic[2..]);
        let first = |text: &str| u8::from_str_radix(&text[..2], 16).expect("hex");
        assert_eq!(first(&legacy) & 0x1f, first(&basic) & 0x1f);
        assert_eq!(first(&legacy) >> 7, first(&basic) >> 5 & 1, "the sign moves");
        assert_eq!(first(&basic) >> 7, 1);
    }
}
