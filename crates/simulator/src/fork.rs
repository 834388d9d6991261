//! The fork of Dash 24: the configuration of a network, and the state of the deployment at each block
//! (`src/versionbits.cpp`, `src/evo/mnhftx.cpp` of Dash Core).
//!
//! Never here: mining, masternodes.

use super::options::OptionsError;

/// The bit of a block's version that signals.
pub(super) const BIT: u32 = 12;

/// Windows after which a deployment that misses its threshold is no longer computed: more than in any simulation.
const MOST_WINDOWS: u32 = 10_000;

/// The fork of a simulated network, and the setup of its masternodes for it.
#[derive(Clone, Debug)]
pub struct Fork {
    /// Blocks of a signalling window; 4032 on mainnet.
    pub window: u32,
    /// Threshold of a window in blocks; `None`: 80 %, decreasing to 60 % with each window that misses it.
    pub threshold: Option<u32>,
    /// Start time as Unix time. A signal must be mined after it.
    pub start_time: u64,
    /// The block with the signature of the quorum (the EHF signal); `None`: only [`Action::SignFork`] adds it.
    ///
    /// [`Action::SignFork`]: super::Action::SignFork
    pub signal_height: Option<u32>,
    /// Share of signalling blocks.
    pub signalling: f64,
    /// Blocks of the old branch for each block under the new rules: 0 stops at the fork, 1 is as fast, 2 is twice as
    /// fast.
    pub old_pace: f64,
    /// Masternodes that run protocol 70240 at the start, the first ones of the list: quorums of newer ones give them
    /// bad votes.
    pub outdated: usize,
    /// Share of regular masternodes whose state has version 1, with an operator key in the legacy encoding.
    pub legacy: f64,
    /// Share of the masternodes that belong to one owner: one owner address and one payout address.
    pub one_owner: f64,
    /// That owner moves all of its masternodes to version 3.
    pub migration: Option<Migration>,
    /// The first masternodes follow the scenario of [`Options::dash_24`](super::Options::dash_24).
    pub story: bool,
}

/// When the owner of many masternodes moves them to version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Blocks from the activation to the first block with a migration.
    pub after: u32,
    /// Blocks over which the migrations are distributed evenly.
    pub blocks: u32,
}

impl Default for Fork {
    /// A small window, all blocks signal, the EHF signal is not mined yet.
    fn default() -> Self {
        Self {
            window: 24,
            threshold: None,
            start_time: 1_794_182_400,
            signal_height: None,
            signalling: 1.0,
            old_pace: 1.0,
            outdated: 0,
            legacy: 0.0,
            one_owner: 0.0,
            migration: None,
            story: false,
        }
    }
}

/// The state of the deployment for one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) status: Status,
    /// The first block with this status; 0 for the first status.
    pub(super) since: u32,
    /// Threshold of the window in blocks.
    pub(super) threshold: u32,
}

/// The states of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Defined,
    Started,
    LockedIn,
    Active,
}

impl Status {
    /// The node's name of the state.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Started => "started",
            Self::LockedIn => "locked_in",
            Self::Active => "active",
        }
    }
}

impl Fork {
    /// Checks the options of a network with this number of masternodes.
    pub(super) fn validate(&self, masternodes: usize) -> Result<(), OptionsError> {
        let fault = |option: &'static str, reason: &'static str| Err(OptionsError::new(option, reason));
        if self.window < 2 {
            return fault("fork.window", "a window has at least two blocks");
        }
        if self.threshold.is_some_and(|threshold| threshold == 0 || threshold > self.window) {
            return fault("fork.threshold", "from one block to the whole window");
        }
        if self.outdated > masternodes {
            return fault("fork.outdated", "more than there are masternodes");
        }
        if self.migration.is_some_and(|migration| migration.blocks == 0) {
            return fault("fork.migration", "at least one block is needed");
        }
        for (option, share) in [
            ("fork.signalling", self.signalling),
            ("fork.legacy", self.legacy),
            ("fork.one_owner", self.one_owner),
            ("fork.old_pace", self.old_pace / 10.0),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return fault(option, "a share is between 0 and 1, a pace between 0 and 10");
            }
        }
        Ok(())
    }

    /// The state for the block of this height, if the signal was mined in `signal`.
    pub(super) fn phase(&self, signal: Option<u32>, height: u32) -> Phase {
        let defined = Phase { status: Status::Defined, since: 0, threshold: self.threshold_of(0) };
        let Some(signal) = signal else { return defined };
        let first = signal / self.window + 1;
        let window = height / self.window;
        if window < first {
            return defined;
        }
        let counted = self.signals(self.window);
        let attempts = (0..MOST_WINDOWS).find(|attempt| counted >= self.threshold_of(*attempt));
        let since = |window: u32| window * self.window;
        match attempts {
            Some(attempt) if window > first + attempt + 1 => {
                Phase { status: Status::Active, since: since(first + attempt + 2), threshold: 0 }
            }
            Some(attempt) if window == first + attempt + 1 => {
                Phase { status: Status::LockedIn, since: since(window), threshold: 0 }
            }
            _ => Phase { status: Status::Started, since: since(first), threshold: self.threshold_of(window - first) },
        }
    }

    /// The first block under the new rules, once the signal is mined and if enough blocks signal.
    pub(super) fn activation(&self, signal: Option<u32>) -> Option<u32> {
        let first = signal? / self.window + 1;
        let counted = self.signals(self.window);
        let attempt = (0..MOST_WINDOWS).find(|attempt| counted >= self.threshold_of(*attempt))?;
        Some((first + attempt + 2) * self.window)
    }

    /// Number of signalling blocks among the first `blocks` blocks of a window.
    pub(super) fn signals(&self, blocks: u32) -> u32 {
        // Rounded down with a small tolerance: 0.8 of 30 is 24.
        (f64::from(blocks) * self.signalling + 1e-9) as u32
    }

    /// Whether the block of this height signals, in the signalling state.
    pub(super) fn signals_in(&self, height: u32) -> bool {
        let place = height % self.window;
        self.signals(place + 1) > self.signals(place)
    }

    /// The threshold of a window, counted from the first one that can lock in.
    fn threshold_of(&self, attempt: u32) -> u32 {
        if let Some(threshold) = self.threshold {
            return threshold;
        }
        let (window, attempt) = (u64::from(self.window), u64::from(attempt));
        let least = (window * 60).div_ceil(100);
        let begun = (window * 80).div_ceil(100);
        let threshold = begun.saturating_sub(attempt * attempt * window / 500).max(least);
        u32::try_from(threshold).expect("at most a window")
    }
}

#[cfg(test)]
mod tests {
    use super::{Fork, Status};

    /// The recorded chain: window 24, threshold 19, signal mined in 191, started 192, locked in 216, active 240.
    #[test]
    fn the_recorded_heights_come_out() {
        let fork = Fork { window: 24, threshold: Some(19), ..Fork::default() };
        let status = |height| fork.phase(Some(191), height).status;
        assert_eq!((status(191), status(192)), (Status::Defined, Status::Started));
        assert_eq!((status(215), status(216)), (Status::Started, Status::LockedIn));
        assert_eq!((status(239), status(240)), (Status::LockedIn, Status::Active));
        assert_eq!(fork.activation(Some(191)), Some(240));
        let other = Fork { window: 30, ..fork };
        assert_eq!(other.activation(Some(191)), Some(270), "a second recorded chain");
    }

    /// The table of mainnet's earliest heights.
    #[test]
    fn the_earliest_activation_is_three_windows_after_that_of_the_signal() {
        let fork = Fork { window: 4032, ..Fork::default() };
        for (window, height) in [(637, 2_580_480), (638, 2_584_512), (639, 2_588_544), (641, 2_596_608)] {
            assert_eq!(fork.activation(Some(window * 4032 + 5)), Some(height));
        }
    }

    #[test]
    fn the_threshold_falls_from_80_to_60_percent() {
        let fork = Fork { window: 4032, ..Fork::default() };
        assert_eq!([0, 1, 5, 10, 20].map(|attempt| fork.threshold_of(attempt)), [3226, 3218, 3025, 2420, 2420]);
    }

    #[test]
    fn a_window_that_misses_its_threshold_postpones_the_activation() {
        let fork = Fork { window: 100, signalling: 0.75, ..Fork::default() };
        // 80, 80, 80, 79, 77, 75.
        assert_eq!(fork.activation(Some(250)), Some((3 + 5 + 2) * 100));
        assert_eq!(fork.phase(Some(250), 799).status, Status::Started);
        let never = Fork { signalling: 0.5, ..fork };
        assert_eq!(never.activation(Some(250)), None);
        assert_eq!(never.phase(Some(250), 90_000).status, Status::Started);
    }
}
