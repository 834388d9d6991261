//! The kind of chain of an episode, by its seed.
//!
//! Never here: the chain itself.

use fastrand::Rng;

/// Kinds of chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainKind {
    Dash,
    /// The fork of Dash 24 becomes active within some sixty blocks.
    DashFork,
    Dimecoin,
    Prcycoin,
}

impl ChainKind {
    /// Most episodes are of Dash, which has the most to compare.
    pub(crate) fn of(seed: u64) -> ChainKind {
        match seed % 10 {
            6..=7 => ChainKind::DashFork,
            8 => ChainKind::Dimecoin,
            9 => ChainKind::Prcycoin,
            _ => ChainKind::Dash,
        }
    }

    /// Its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ChainKind::Dash | ChainKind::DashFork => "dash",
            ChainKind::Dimecoin => "dimecoin",
            ChainKind::Prcycoin => "prcycoin",
        }
    }

    /// Mean milliseconds between two blocks, one of several.
    pub(crate) fn pace(self, rng: &mut Rng) -> u64 {
        let dash = rng.choice([60_000, 150_000, 150_000, 600_000]).unwrap_or(150_000);
        if matches!(self, ChainKind::Dash | ChainKind::DashFork) { dash } else { 60_000 }
    }
}
