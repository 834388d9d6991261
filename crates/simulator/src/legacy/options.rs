//! Initial options of a simulated Dimecoin or PRCYcoin network.
//!
//! Never here: clock, environment, files; the time is an argument.

use std::time::Duration;

use crate::options::{OptionsError, Subnet};

/// The simulated chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Dimecoin 2.3.0.0: votes select from a pool of the longest unpaid.
    Dimecoin,
    /// PRCYcoin 2.0.0.6: the block before the tip selects any enabled node.
    Prcycoin,
}

/// The options of a simulated network.
#[derive(Clone, Debug)]
pub struct Options {
    /// The simulated chain.
    pub chain: Chain,
    /// Its network: genesis hash, chain name and addresses.
    pub subnet: Subnet,
    /// Masternodes that the queried node knows, in any state; 3 to 5000.
    pub masternodes: usize,
    /// Share of nodes with the same payout address as another node of the same owner. On Dimecoin such nodes block each
    /// other in the queue; on PRCYcoin it is their stealth address.
    pub shared_payouts: f64,
    /// Seed of all random values.
    pub seed: u64,
    /// Height of the tip after the setup.
    pub start_height: u32,
    /// Blocks mined during the setup, so that votes and payments can be queried. Older blocks have hashes only.
    pub premined: u32,
    /// Simulated time between two blocks, in whole seconds.
    pub spacing: Duration,
    /// Unix time of the simulated clock and the tip after the setup.
    pub now: u64,
    /// Number of past blocks with ledger entries.
    pub history: u32,
    /// Nodes that stopped pinging before the start; their last pings are distributed over the last three hours.
    pub offline: usize,
    /// Nodes that were started within the last cycle: never paid, and most of them excluded from the queue.
    pub young: usize,
    /// Pairs of nodes with one address. Dimecoin bans the younger node of each pair within minutes.
    pub duplicates: usize,
    /// Share of votes for another candidate than the elected one, as from voters with another view.
    pub dissent: f64,
    /// Share of voters whose votes reach the queried node only some seconds after the block.
    pub late_votes: f64,
    /// Dimecoin: share of blocks whose producer has seen no votes and elects the payee itself.
    pub ignored_votes: f64,
    /// Dimecoin: payments are enforced (spork 8).
    pub enforced: bool,
    /// Operators stop, restart, move and register nodes at random.
    pub lively: bool,
}

impl Options {
    /// A scripted private chain without random events; the first blocks are already mined.
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
            late_votes: 0.0,
            ignored_votes: 0.0,
            enforced: false,
            lively: false,
        }
    }

    /// A lively network with mainnet's names for a demonstration, whose history ends at the Unix time `now`.
    ///
    /// The first masternode of [`Network::masternodes`](super::Network::masternodes) stopped 50 minutes before. Its
    /// owner does nothing until it has expired. On Dimecoin the second one shares the address of an older node, and is
    /// banned within five simulated minutes.
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
            late_votes: 0.2,
            lively: true,
            ..Self::regtest(chain, masternodes)
        }
    }

    /// Checks the options.
    ///
    /// # Errors
    ///
    /// Names the first invalid option.
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
        let shares =
            [("dissent", self.dissent), ("late_votes", self.late_votes), ("ignored_votes", self.ignored_votes)];
        if let Some((option, _)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return fault(option, "a share is between 0 and 1");
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
