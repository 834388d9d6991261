//! The settings of a follower.
//!
//! Never here: keys of the configuration file.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::follower::source_health::OptionalQueries;
use domain::chain::ChainRules;
use domain::masternode::{BlockHash, UnixSeconds};

/// The network that every source must report, whatever the sources or the history say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedNetwork {
    /// The name of its chain: `getblockchaininfo.chain`.
    Chain(String),
    /// The hash of block 0.
    Genesis(BlockHash),
}

/// The settings of the follower of one network.
#[derive(Clone, Debug)]
pub struct FollowerSettings {
    /// Name of the network: the label `network`.
    pub network: Arc<str>,
    /// The chain's rules.
    pub rules: Arc<ChainRules>,
    /// The network of the sources; `None` if the history, and without one the first source, determines it.
    pub expect: Option<ExpectedNetwork>,
    /// Interval between two polls.
    pub poll_interval: Duration,
    /// The snapshot is withdrawn if no source confirmed it for this long.
    pub stale_after: Duration,
    /// Age of the tip at which the chain counts as stalled, in seconds, if it is configured.
    pub stalled_seconds: Option<u64>,
    /// Interval between two full lists read as a check, in blocks.
    pub resync_blocks: u32,
    /// A gap of more blocks is not replayed: the full list is read at the tip.
    pub max_gap_blocks: u32,
    /// The optional queries to sources.
    pub ask: OptionalQueries,
    /// Blocks below the tip at a start that are backfilled into a history without them.
    pub backfill_blocks: u32,
    /// Events of blocks older than this are not kept, and so not backfilled.
    pub retention: Duration,
    /// Unix time in seconds.
    pub clock: fn() -> UnixSeconds,
    /// When the process started: ages are measured from it, independently of wall clock changes.
    pub started: Instant,
}
