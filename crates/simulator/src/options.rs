//! Initial options of a simulated network.
//!
//! Never here: clock, environment, files; the time is an argument.

use std::fmt;
use std::time::Duration;

use super::fork::{Fork, Migration};
use super::rules::chain_facts;

/// The simulated chain: genesis hash, chain name, addresses and quorum table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subnet {
    /// Mainnet: quorums of 60, 100 and 400 members.
    Main,
    /// Testnet.
    Test,
    /// A private chain: quorums of 3 and 4 members, a session every 24 blocks.
    Regtest,
}

/// Source of block times.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The first block has this Unix time; each further one is `spacing` later.
    Fixed(u64),
    /// A block has the Unix time that this function returns when it is mined. Blocks that are mined during the setup
    /// are `spacing` apart and end there.
    Following(fn() -> u64),
}

/// The options of a simulated network.
#[derive(Clone, Debug)]
pub struct Options {
    /// Registered masternodes, including banned ones and Evo nodes.
    pub masternodes: usize,
    /// Number of Evo nodes among them.
    pub evo: usize,
    /// Seed of all random values.
    pub seed: u64,
    /// The simulated chain.
    pub subnet: Subnet,
    /// Height of the tip after the setup.
    pub start_height: u32,
    /// Blocks mined during the setup, so that a history can be queried. Older blocks have hashes but no lists.
    pub premined: u32,
    /// Number of past blocks whose lists can be queried.
    pub history: u32,
    /// Chain time between two blocks.
    pub spacing: Duration,
    /// Source of block times.
    pub clock: Clock,
    /// `getnetworkinfo.version`, e.g. 230102; determines the available fields and methods.
    pub version: u32,
    /// Nodes that were banned long before the start.
    pub banned: usize,
    /// Nodes that start with a score, from low to high.
    pub decaying: usize,
    /// Nodes that are offline at the start: they fail each DKG session they are a member of.
    pub offline: usize,
    /// Share of its sessions that a node fails at random. 0 makes a network without random failures.
    pub failure_rate: f64,
    /// First block with MN_RR (Evo nodes paid once per cycle); `None`: never.
    pub mn_rr_height: Option<u32>,
    /// Owners revive, register, move and go offline at random.
    pub lively: bool,
    /// The first masternode starts with a score at which one failure bans, is offline, and is a member of the next
    /// quorum.
    pub endangered: bool,
    /// Quorums shrink in proportion when there are fewer nodes than a quorum has members, and a rotation then has one quorum;
    /// otherwise their commitments are null, as on a real chain. A rotation with fewer nodes than seats has double seats,
    /// as on a real chain.
    pub shrink_quorums: bool,
    /// The fork of Dash 24; `None`: never.
    pub fork: Option<Fork>,
}

impl Default for Options {
    /// A scripted private chain of 9 regular and 3 Evo nodes, like that of the recorded answers.
    fn default() -> Self {
        Self {
            masternodes: 12,
            evo: 3,
            seed: 1,
            subnet: Subnet::Regtest,
            start_height: 540,
            premined: 0,
            history: 2_500,
            spacing: Duration::from_secs(150),
            clock: Clock::Fixed(1_795_000_000),
            version: 230_102,
            banned: 0,
            decaying: 0,
            offline: 0,
            failure_rate: 0.0,
            mn_rr_height: Some(1),
            lively: false,
            endangered: false,
            shrink_quorums: true,
            fork: None,
        }
    }
}

impl Options {
    /// A scripted private chain with `masternodes` nodes, `evo` of them Evo.
    #[must_use]
    pub fn regtest(masternodes: usize, evo: usize) -> Self {
        Self {
            masternodes,
            evo,
            start_height: u32::try_from(masternodes).unwrap_or(u32::MAX / 2).max(540),
            ..Self::default()
        }
    }

    /// A scripted chain with mainnet's rules, in the proportions of mainnet of August 2026: 12 % Evo nodes, 30 %
    /// banned, a few with a score.
    #[must_use]
    pub fn main(masternodes: usize) -> Self {
        Self {
            masternodes,
            evo: masternodes * 12 / 100,
            subnet: Subnet::Main,
            start_height: 2_523_216,
            banned: masternodes * 30 / 100,
            decaying: masternodes.div_ceil(100).min(1_000),
            mn_rr_height: Some(2_128_896),
            ..Self::default()
        }
    }

    /// A lively network for a demonstration with a block per second. `now` returns the Unix time.
    ///
    /// The first masternode of [`Network::masternodes`](super::Network::masternodes) is one failure from a ban and
    /// offline. It is a member of a quorum whose commitment is mined 12 blocks after the start, which bans it. Its
    /// owner revives it 90 blocks later: at a block each second its alert, which must hold for a minute, fires before.
    #[must_use]
    pub fn demo(masternodes: usize, now: fn() -> u64) -> Self {
        let premined = u32::try_from(masternodes / 10).unwrap_or(u32::MAX).clamp(10, 576);
        Self {
            // 30 blocks into a DKG cycle: Evo quorums follow 5 blocks later, the rotation 12 blocks later.
            start_height: 2_524_032 + 30,
            premined: if masternodes > 20_000 { 60 } else { premined },
            spacing: Duration::from_secs(1),
            clock: Clock::Following(now),
            banned: masternodes / 4,
            decaying: (masternodes / 80).clamp(3, 400),
            offline: (masternodes / 400).max(1),
            failure_rate: 0.003,
            lively: true,
            endangered: true,
            ..Self::main(masternodes)
        }
    }

    /// The network of [`Options::demo`] at the time of the fork of Dash 24, with a window of 20 blocks.
    ///
    /// The EHF signal is mined 15 blocks after the start, miners signal 18 blocks after it, the fork locks in 20 blocks
    /// later and is active another 20 blocks later. The first masternodes are part of the scenario: 0 runs protocol
    /// 70240 and is banned by its quorum 12 blocks after the start, 1 migrates from version 1 to 2 to 3, 2 gets two
    /// payees, the payout of 3 is stolen, 4 gets further addresses, the operator key of 5 is replaced, the operator of
    /// 6 revokes. A shared masternode is registered, changes a reward address and is dissolved.
    #[must_use]
    pub fn dash_24(masternodes: usize, now: fn() -> u64) -> Self {
        let demo = Self::demo(masternodes, now);
        let signal_height = Some(demo.start_height + 15);
        let fork =
            Fork { window: 20, signal_height, old_pace: 0.5, outdated: 1, legacy: 0.6, story: true, ..Fork::default() };
        Self { version: 240_003, fork: Some(fork), ..demo }
    }

    /// Like [`Options::dash_24`], but instead of the scenario one owner of 60 % of the masternodes moves all of them to
    /// version 3 within 30 blocks, from the fifth block under the new rules on.
    #[must_use]
    pub fn dash_24_migration(masternodes: usize, now: fn() -> u64) -> Self {
        let story = Self::dash_24(masternodes, now);
        let migration = Some(Migration { after: 5, blocks: 30 });
        let fork = story.fork.map(|fork| Fork { story: false, one_owner: 0.6, migration, ..fork });
        Self { fork, ..story }
    }

    /// Checks the options.
    ///
    /// # Errors
    ///
    /// Names the first invalid option.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let fault = |option: &'static str, reason: &'static str| Err(OptionsError::new(option, reason));
        if self.masternodes == 0 {
            return fault("masternodes", "a network has at least one");
        }
        if self.masternodes > 1_000_000 {
            return fault("masternodes", "more than a million are not supported");
        }
        if self.evo > self.masternodes {
            return fault("evo", "more than there are masternodes");
        }
        if self.evo > 0 && self.version < 190_000 {
            return fault("evo", "Evo nodes exist from version 190000");
        }
        if self.version < 170_000 {
            return fault("version", "the oldest imitated node is 170000");
        }
        if self.banned >= self.masternodes {
            return fault("banned", "at least one masternode must be valid");
        }
        if self.decaying + usize::from(self.endangered) > self.masternodes - self.banned {
            return fault("decaying", "more than there are valid masternodes");
        }
        if self.offline > self.masternodes - self.banned {
            return fault("offline", "more than there are valid masternodes");
        }
        if !(0.0..=1.0).contains(&self.failure_rate) {
            return fault("failure_rate", "a share is between 0 and 1");
        }
        if self.start_height <= self.premined.saturating_add(self.window()) {
            return fault("start_height", "too low for the premined blocks and a round of sessions");
        }
        if self.history == 0 {
            return fault("history", "at least one block must be kept");
        }
        if self.spacing.as_secs() == 0 {
            return fault("spacing", "block times are whole seconds");
        }
        if self.fork.as_ref().and_then(|fork| fork.signal_height).is_some_and(|height| height <= self.start_height) {
            return fault("fork.signal_height", "the signal is mined after the start");
        }
        self.fork.as_ref().map_or(Ok(()), |fork| fork.validate(self.masternodes))
    }

    /// Whether MN_RR is active in the block of this height.
    pub(super) fn mn_rr(&self, height: u32) -> bool {
        self.mn_rr_height.is_some_and(|first| height >= first)
    }

    /// Blocks below the start that the setup itself uses.
    fn window(&self) -> u32 {
        chain_facts(self.subnet).confirmations + 1
    }
}

/// An invalid option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsError {
    option: &'static str,
    reason: &'static str,
}

impl OptionsError {
    /// The option, and the reason.
    pub(super) fn new(option: &'static str, reason: &'static str) -> Self {
        Self { option, reason }
    }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "simulated network: {}: {}", self.option, self.reason)
    }
}

impl std::error::Error for OptionsError {}

#[cfg(test)]
mod tests {
    use super::Options;

    fn check(change: fn(&mut Options), expected: &str) {
        let mut options = Options::default();
        change(&mut options);
        let error = options.validate().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error} should name {expected}");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        check(|options| options.masternodes = 0, "masternodes");
        check(|options| options.evo = 13, "evo");
        check(|options| options.version = 180_202, "evo");
        check(|options| options.banned = 12, "banned");
        check(|options| options.decaying = 13, "decaying");
        check(|options| options.offline = 13, "offline");
        check(|options| options.failure_rate = f64::NAN, "failure_rate");
        check(|options| options.start_height = 0, "start_height");
        check(|options| options.history = 0, "history");
        check(|options| options.spacing = std::time::Duration::ZERO, "spacing");
    }

    #[test]
    fn every_ready_made_network_is_valid() {
        for masternodes in [10, 60, 5_000, 100_000] {
            Options::demo(masternodes, || 1_800_000_000).validate().expect("demo");
            Options::dash_24(masternodes, || 1_800_000_000).validate().expect("dash-24");
            Options::dash_24_migration(masternodes, || 1_800_000_000).validate().expect("dash-24-migration");
            Options::main(masternodes).validate().expect("main");
            Options::regtest(masternodes, masternodes / 4).validate().expect("regtest");
        }
    }
}
