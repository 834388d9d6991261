//! Probes watched masternodes at their registered address: a handshake as any node of the chain makes it, then an
//! orderly close.
//!
//! Reading order: [`network_magic`] for the differences between chains, [`codec`] for the messages, [`handshake()`] for
//! the exchange with one peer, [`target`] for the addresses that may be probed, `connectivity_check` for outages of
//! this host, [`Prober`] for the schedule.
//!
//! Never here: a message to unwatched masternodes, or one other than `version` and `verack`; name resolution; samples.

pub mod codec;
mod connectivity_check;
mod handshake;
pub mod network_magic;
mod prober;
pub mod target;

use std::time::Duration;

pub use handshake::{Greeting, handshake};
pub use prober::Prober;

/// The settings of probes, for each network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Interval between two probes of a masternode, plus or minus a tenth.
    pub interval: Duration,
    /// Longest time for a probe, from the first packet to the end of the handshake.
    pub timeout: Duration,
    /// Most concurrent probes; at least 1.
    pub max_parallel: usize,
    /// Least time between the starts of two probes.
    pub gap: Duration,
    /// Also probe addresses that are not of the public internet.
    pub allow_private: bool,
    /// Number of unwatched masternodes to try to connect to when a watched one does not answer, to detect an outage of
    /// this host; 0 for none.
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
