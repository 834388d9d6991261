//! One simulated masternode: its consensus state, and the texts derived from its hash.
//!
//! A record is small and copied freely. Addresses and keys are derived on demand, so that 100,000 nodes and a history
//! of thousands of blocks fit into little memory.
//!
//! Never here: decisions; the rules are in `block` and `dkg`.

use super::extended::MOST_SHARES;
use super::random::{Hash256, Random, base58_check, hex};
use super::rules::ChainFacts;

/// A masternode in the list of a block. "Edition" numbers count how often a field was replaced; 0 is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Masternode {
    /// The proTxHash.
    pub(super) hash: Hash256,
    /// Index in the simulator's table, from which its network address is derived.
    pub(super) slot: u32,
    pub(super) evo: bool,
    /// Share of the operator in hundredths of a percent.
    pub(super) operator_reward: u16,
    /// Height of the registration.
    pub(super) registered: u32,
    /// The block that confirmed it, so that it can be selected; zero before.
    pub(super) confirmed: Hash256,
    /// Height of the last payment; 0 = never.
    pub(super) last_paid: u32,
    /// Consecutive payments of Evo nodes before MN_RR.
    pub(super) consecutive: u32,
    /// PoSe penalty points.
    pub(super) score: u32,
    /// Height of the current ban.
    pub(super) ban: Option<u32>,
    /// Height of the last revival.
    pub(super) revived: Option<u32>,
    /// The operator's reason for a revocation.
    pub(super) revocation: u8,
    /// Version of the state (`src/evo/providertx.h ProTxVersion`): 1 with the operator's key in the legacy encoding and
    /// after a revocation before the fork of Dash 24, 3 with payouts or shares, otherwise 2.
    pub(super) version: u8,
    pub(super) address: u32,
    /// The local port on which it listens, instead of the address derived from its index.
    pub(super) local_port: Option<u16>,
    pub(super) operator_key: u32,
    pub(super) payout: u32,
    pub(super) operator_payout: u32,
    pub(super) voting_key: u32,
    /// Wiped together with the operator's key; only Evo nodes have one.
    pub(super) platform: u32,
    /// Number of changes of the platform's ports.
    pub(super) platform_ports: u8,
    /// Number of addresses after the primary one; version 3 only.
    pub(super) further: u8,
    /// Payees; 0 and 1 both mean one.
    pub(super) payouts: u8,
    /// Owners of a shared masternode; 0 for others.
    pub(super) shares: u8,
    /// Editions of the shares' reward addresses; 0 is the refund address.
    pub(super) share_rewards: [u8; MOST_SHARES],
    /// Number of an owner of several masternodes; 0: an owner of this one only.
    pub(super) owner: u32,
}

/// The derived texts, distinguished when they are generated.
#[derive(Clone, Copy)]
pub(super) enum Text {
    Collateral = 1,
    Owner,
    Voting,
    Payout,
    OperatorPayout,
    OperatorKey,
    Platform,
    CollateralHash,
    FurtherPayout,
    Refund,
    ShareReward,
    ShareOwner,
    Onion,
}

impl Masternode {
    /// A new node after its registration, with an address or (banned at registration) without one.
    pub(super) fn registered(hash: Hash256, slot: u32, evo: bool, height: u32, with_address: bool) -> Self {
        Self {
            hash,
            slot,
            evo,
            operator_reward: 0,
            registered: height,
            confirmed: Hash256::ZERO,
            last_paid: 0,
            consecutive: 0,
            score: 0,
            ban: (!with_address).then_some(height),
            revived: None,
            revocation: 0,
            version: 2,
            address: u32::from(with_address),
            local_port: None,
            operator_key: 1,
            payout: 1,
            operator_payout: 0,
            voting_key: 1,
            platform: u32::from(evo),
            platform_ports: 0,
            further: 0,
            payouts: 0,
            shares: 0,
            share_rewards: [0; MOST_SHARES],
            owner: 0,
        }
    }

    /// Not banned.
    pub(super) fn is_valid(&self) -> bool {
        self.ban.is_none()
    }

    /// Confirmed, so that it can be selected.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed != Hash256::ZERO
    }

    /// Clears the operator's data (`CDeterministicMNState::ResetOperatorFields`).
    pub(super) fn reset_operator(&mut self) {
        self.version = 1;
        self.further = 0;
        self.operator_key = 0;
        self.address = 0;
        self.local_port = None;
        self.operator_payout = 0;
        self.revocation = 0;
        self.platform = 0;
    }

    /// Starts a ban unless one is active (`CDeterministicMNState::BanIfNotBanned`).
    pub(super) fn ban_if_valid(&mut self, height: u32) {
        self.ban.get_or_insert(height);
    }

    /// The sort key of the payment queue (`src/evo/deterministicmns.cpp CompareByLastPaidGetHeight`).
    pub(super) fn queue_height(&self) -> u32 {
        match self.revived {
            Some(revived) if revived > self.last_paid => revived,
            _ if self.last_paid == 0 => self.registered,
            _ => self.last_paid,
        }
    }

    /// Hash of the transaction with the collateral.
    pub(super) fn collateral_hash(&self) -> Hash256 {
        self.draw(Text::CollateralHash, 0).hash()
    }

    /// Output of that transaction.
    pub(super) fn collateral_index(&self) -> u32 {
        u32::try_from(self.draw(Text::CollateralHash, 1).below(2)).expect("0 or 1")
    }

    /// The outpoint as `masternodelist` writes it.
    pub(super) fn outpoint(&self) -> String {
        format!("{}-{}", self.collateral_hash(), self.collateral_index())
    }

    /// IP address and port, `[::]:0` if there is none.
    pub(super) fn service(&self, facts: &ChainFacts) -> String {
        self.endpoint(facts.port).unwrap_or_else(|| "[::]:0".to_owned())
    }

    /// The node's address with another port.
    pub(super) fn endpoint(&self, port: u16) -> Option<String> {
        let edition = self.address.checked_sub(1)?;
        if let Some(port) = self.local_port {
            return Some(format!("127.0.0.1:{port}"));
        }
        let [_, high, middle, low] = self.slot.to_be_bytes();
        Some(format!("{}.{high}.{middle}.{low}:{port}", 10 + edition % 100))
    }

    pub(super) fn owner_address(&self, facts: &ChainFacts) -> String {
        self.coin_address(Text::Owner, 1, facts)
    }

    /// The voting address has a valid checksum: the root of a list covers the key that it stands for.
    pub(super) fn voting_address(&self, facts: &ChainFacts) -> String {
        base58_check(facts.address_version, self.voting_key_id())
    }

    /// Hash of the voting key.
    pub(super) fn voting_key_id(&self) -> [u8; 20] {
        let mut id = [0; 20];
        self.draw(Text::Voting, self.voting_key).fill(&mut id);
        id
    }

    pub(super) fn payout_address(&self, facts: &ChainFacts) -> String {
        self.coin_address(Text::Payout, self.payout, facts)
    }

    pub(super) fn collateral_address(&self, facts: &ChainFacts) -> String {
        self.coin_address(Text::Collateral, 1, facts)
    }

    pub(super) fn operator_payout_address(&self, facts: &ChainFacts) -> Option<String> {
        (self.operator_payout > 0).then(|| self.coin_address(Text::OperatorPayout, self.operator_payout, facts))
    }

    /// The BLS key of the operator in the form of the state's version; all zeros after a revocation.
    pub(super) fn operator_key(&self) -> [u8; 48] {
        let mut key = [0; 48];
        if self.operator_key == 0 {
            return key;
        }
        self.draw(Text::OperatorKey, self.operator_key).fill(&mut key);
        self.encoded_key(key)
    }

    /// That key as it is printed.
    pub(super) fn operator_key_hex(&self) -> String {
        hex(&self.operator_key())
    }

    /// Platform's node id; all zeros once wiped.
    pub(super) fn platform_id(&self) -> [u8; 20] {
        let mut id = [0; 20];
        if self.platform > 0 {
            self.draw(Text::Platform, self.platform).fill(&mut id);
        }
        id
    }

    pub(super) fn draw(&self, text: Text, edition: u32) -> Random {
        Random::of(&[self.hash.seed(), text as u64, u64::from(edition)])
    }

    /// Looks like an address of the chain; its checksum is not valid.
    pub(super) fn coin_address(&self, text: Text, edition: u32, facts: &ChainFacts) -> String {
        let of_the_owner = matches!(text, Text::Owner | Text::Payout) && self.owner > 0;
        let mut random = if of_the_owner {
            Random::of(&[0x03e, u64::from(self.owner), text as u64, u64::from(edition)])
        } else {
            self.draw(text, edition)
        };
        format!("{}{}", facts.address_letter, random.base58(33))
    }
}

#[cfg(test)]
mod tests {
    use super::Masternode;
    use crate::random::Random;

    fn node() -> Masternode {
        Masternode::registered(Random::of(&[3]).hash(), 0, false, 100, true)
    }

    #[test]
    fn the_queue_key_is_the_revival_only_while_it_is_newer_than_the_payment() {
        let mut node = node();
        assert_eq!(node.queue_height(), 100, "never paid: the registration");
        node.last_paid = 150;
        assert_eq!(node.queue_height(), 150);
        node.revived = Some(140);
        assert_eq!(node.queue_height(), 150, "an old revival no longer counts");
        node.revived = Some(160);
        assert_eq!(node.queue_height(), 160);
    }

    #[test]
    fn a_node_registered_without_an_address_is_banned_from_birth() {
        let node = Masternode::registered(Random::of(&[3]).hash(), 0, false, 100, false);
        assert_eq!((node.ban, node.score, node.address), (Some(100), 0, 0));
    }
}
