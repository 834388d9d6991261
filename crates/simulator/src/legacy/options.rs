//! What a simulated Dimecoin or PRCYcoin network looks like when it starts.
//!
//! Never reads a clock, the environment or a file: the time is an argument, as everything else.

use std::time::Duration;

use crate::options::{OptionsError, Subnet};

/// Which chain is imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Dimecoin 2.3.0.0: a pool of the longest unpaid, chosen by votes.
    Dimecoin,
    /// PRCYcoin 2.0.0.6: any enabled node, chosen by the last block but one.
    Prcycoin,
}

/// The make-up of a simulated network.
#[derive(Clone, Debug)]
pub struct Options {
    /// The imitated chain.
    pub chain: Chain,
    /// Its network: genesis hash, chain name and addresses.
    pub subnet: Subnet,
    /// Masternodes that the asked node knows, whatever their state; 3 to 5000.
    pub masternodes: usize,
    /// Share of nodes whose payout address another node of the same owner has too. On Dimecoin such nodes block each
    /// other in the queue, on PRCYcoin it is their stealth address.
    pub shared_payouts: f64,
    /// Everything that looks random follows from it.
    pub seed: u64,
    /// Height of the tip once the network is set up.
    pub start_height: u32,
    /// Blocks mined during the set-up, so that there are votes and payments to ask for. Older ones have hashes only.
    pub premined: u32,
    /// Simulated time between two blocks, in whole seconds.
    pub spacing: Duration,
    /// Unix time that the simulated clock shows, and the tip has, once the network is set up.
    pub now: u64,
    /// How many past blocks keep their ledger entries.
    pub history: u32,
    /// Nodes that stopped pinging before the start: their last pings are spread over the last three hours.
    pub offline: usize,
    /// Nodes that were started within the last cycle: never paid, and most of them held out.
    pub young: usize,
    /// Pairs of nodes with one address. Dimecoin bans the younger of each within minutes.
    pub duplicates: usize,
    /// Share of votes that go to another candidate than the elected one, as voters with another view cast them.
    pub dissent: f64,
    /// Dimecoin: payments are enforced (spork 8).
    pub enforced: bool,
    /// Operators stop, restart, move and register nodes by themselves.
    pub lively: bool,
}

impl Options {
    /// A scripted private chain on which nothing happens but what it is told; the first blocks are mined already.
    #[must_use]
    pub fn regtest(chain: Chain, masternodes: usize) -> Self {
        let nodes = u32::try_from(masternodes).unwrap_or(u32::MAX / 4);
        Self {
            chain,
            subnet: Subnet::Regtest,
            masternodes,
            shared_payouts: 0.0,
            seed: 1,
            start_height: nodes.saturating_mul(3).max(500),
            premined: 40,
            spacing: Duration::from_secs(match chain {
                Chain::Dimecoin => 64,
                Chain::Prcycoin => 60,
            }),
            now: 1_795_000_000,
            history: 2_500,
            offline: 0,
            young: 0,
            duplicates: 0,
            dissent: 0.0,
            enforced: false,
            lively: false,
        }
    }

    /// A lively network with mainnet's names for a demonstration, whose past ends at the Unix time `now`.
    ///
    /// The first masternode of [`Network::masternodes`](super::Network::masternodes) stopped 50 minutes before: its
    /// owner does nothing until it has expired. On Dimecoin the second one shares the address of an older
    /// node, and is banned within five simulated minutes.
    #[must_use]
    pub fn demo(chain: Chain, masternodes: usize, now: u64) -> Self {
        Self {
            subnet: Subnet::Main,
            shared_payouts: if chain == Chain::Prcycoin { 0.5 } else { 0.05 },
            start_height: match chain {
                Chain::Dimecoin => 6_400_000,
                Chain::Prcycoin => 1_900_000,
            },
            now,
            offline: (masternodes / 50).max(1),
            young: masternodes / 20,
            duplicates: usize::from(chain == Chain::Dimecoin && masternodes >= 5),
            dissent: 0.03,
            lively: true,
            ..Self::regtest(chain, masternodes)
        }
    }

    /// Checks the options.
    ///
    /// # Errors
    ///
    /// Names the first option that makes no sense.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let fault = |option: &'static str, reason: &'static str| Err(OptionsError::new(option, reason));
        if !(3..=5_000).contains(&self.masternodes) {
            return fault("masternodes", "3 to 5000 are supported");
        }
        if self.offline + self.young + 2 * self.duplicates > self.masternodes {
            return fault("offline", "more offline, young and duplicate nodes than masternodes");
        }
        if !(0.0..=1.0).contains(&self.shared_payouts) {
            return fault("shared_payouts", "a share is between 0 and 1");
        }
        if !(0.0..=1.0).contains(&self.dissent) {
            return fault("dissent", "a share is between 0 and 1");
        }
        let lowest = self.premined.saturating_add(2 * u32::try_from(self.masternodes).unwrap_or(u32::MAX / 4));
        if self.start_height <= lowest.saturating_add(200) {
            return fault("start_height", "too low for the premined blocks and the age of the collaterals");
        }
        if self.history == 0 {
            return fault("history", "at least one block must be kept");
        }
        if self.spacing.as_secs() == 0 || self.spacing.subsec_nanos() != 0 {
            return fault("spacing", "block times are whole seconds");
        }
        if self.now < 86_400 * 365 {
            return fault("now", "too early for a past");
        }
        Ok(())
    }

    /// Simulated seconds between two blocks.
    pub(super) fn spacing_seconds(&self) -> u64 {
        self.spacing.as_secs()
    }
}
