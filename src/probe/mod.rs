//! Calls watched masternodes at the address that the list names: a handshake as any node of the chain makes it, then a
//! polite close.
//!
//! Reading order: [`network_magic`] is what differs from chain to chain, [`codec`] the messages, [`handshake()`] the talk with
//! one peer, [`target`] who may be called at all, `control` whether it is this host that is cut off, [`Prober`] who is
//! called when.
//!
//! Never here: a message to masternodes that nobody watches, or one beyond `version` and `verack`; looking up names; samples.

pub mod codec;
mod connectivity_check;
mod handshake;
pub mod network_magic;
mod prober;
pub mod target;

use std::time::Duration;

pub use handshake::{Greeting, handshake};
pub use prober::Prober;

/// How masternodes are called, in each network for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Time from one call of a masternode to the next, give or take a tenth.
    pub interval: Duration,
    /// Longest time for a call, from the first packet to the end of the handshake.
    pub timeout: Duration,
    /// Most calls under way at a time; at least 1.
    pub max_parallel: usize,
    /// Least time between the beginnings of two calls.
    pub gap: Duration,
    /// Addresses that are not of the public internet are called too.
    pub allow_private: bool,
    /// Most masternodes that nobody watches to which a connection is tried when a watched one is silent, to tell its
    /// silence from a fault of this host; 0 for none.
    pub controls: usize,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        ProbeSettings {
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
            max_parallel: 4,
            gap: Duration::from_millis(250),
            allow_private: false,
            controls: 2,
        }
    }
}
