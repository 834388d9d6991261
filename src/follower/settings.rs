//! The settings of a follower.
//!
//! Never here: what the configuration file calls it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::follower::source_health::OptionalQueries;
use domain::chain::ChainRules;
use domain::masternode::UnixSeconds;

/// How a network is followed.
#[derive(Clone, Debug)]
pub struct FollowerSettings {
    /// Name of the network: the label `network`.
    pub network: Arc<str>,
    /// The chain's rules.
    pub rules: Arc<ChainRules>,
    /// Pause between two polls.
    pub poll_interval: Duration,
    /// The snapshot is withdrawn when no source confirmed it for this long.
    pub stale_after: Duration,
    /// Blocks from one full list, read as a check, to the next.
    pub resync_blocks: u32,
    /// A gap of more blocks than this is not walked: the list is read anew.
    pub max_gap_blocks: u32,
    /// What sources are asked in addition to the list.
    pub ask: OptionalQueries,
    /// Blocks below the tip at a start that are filled into a history that does not know them.
    pub backfill_blocks: u32,
    /// Events of blocks older than this are not kept, and so not filled in.
    pub retention: Duration,
    /// The present, in seconds since 1970.
    pub clock: fn() -> UnixSeconds,
    /// When the process started: ages are measured from it, whatever the wall clock does.
    pub started: Instant,
}
