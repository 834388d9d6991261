//! The exposition: every metric family as data, and pages rendered from snapshots.
//!
//! Reading order: [`catalog`](crate::catalog) defines every family; `masternode`, `info`, `network` and `sources` give each its value;
//! `selection` chooses the masternodes shown; `page` writes the samples; [`Exposition`] caches rendered pages;
//! [`backfill`] writes samples of old blocks into a file.
//!
//! Never here: values that are not in the published state; RPC calls; work per scrape that could be done per block.

pub mod backfill;
mod buffers;
mod census;
mod conditions;
mod exposition;
mod gzip;
mod info;
mod labels;
mod masternode;
mod metadata;
mod network;
pub mod page;
mod payees;
mod probe;
mod process;
pub mod reference;
pub mod selection;
mod sessions;
mod sources;
mod value;

pub use exposition::{Body, Exposition, Page, Request};
pub use page::Format;

/// Settings of the exposition.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsSettings {
    /// Which unwatched masternodes have their own samples.
    pub others: Others,
    /// Maximum number of per-masternode samples on a page; watched masternodes come first.
    pub series_limit: usize,
    /// Horizons of the payment probability: the label `horizon`, and seconds. The first exists for all masternodes, the
    /// others for watched ones.
    pub horizons: Vec<(String, u64)>,
    /// A page up to this size is rendered once and cached; a larger one is rendered while it is sent.
    pub cache_limit_bytes: usize,
    /// Whether watched masternodes are probed, so that the families of probes exist.
    pub probed: bool,
}

/// Which unwatched masternodes have their own samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// All.
    All,
    /// Those with a score that are not banned.
    AtRisk,
    /// None.
    Watched,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        let horizon = |hours: u64| (format!("{hours}h"), hours * 3600);
        MetricsSettings {
            others: Others::All,
            series_limit: 200_000,
            horizons: [24, 1, 6, 12, 48, 96].map(horizon).to_vec(),
            cache_limit_bytes: 64 * 1024 * 1024,
            probed: false,
        }
    }
}
