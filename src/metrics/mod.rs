//! What Prometheus reads: every family as data, and the pages made of snapshots.
//!
//! Reading order: [`catalog`] names every family, `masternode`, `info`, `network` and `sources` pair each with a value, `selection`
//! chooses what is shown, `page` writes them out, [`Exposition`] keeps the pages, [`backfill`]
//! writes those of old blocks into a file.
//!
//! Never here: a value that the published state does not hold; a call to a node; work per scrape that could be done per block.

pub mod backfill;
mod buffers;
pub mod catalog;
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

/// How pages are made.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsSettings {
    /// Which masternodes that are not watched get samples of their own.
    pub others: Others,
    /// Most samples of single masternodes on a page; watched ones come first.
    pub series_limit: usize,
    /// Spans for the chance of a payment: the label `horizon`, and seconds. The first is given for all, the others for
    /// watched masternodes.
    pub horizons: Vec<(String, u64)>,
    /// A page up to this size is rendered once and kept; a larger one is rendered while it is sent.
    pub cache_limit_bytes: usize,
    /// Watched masternodes are called, so there are samples of what came of it.
    pub probed: bool,
}

/// Which masternodes that are not watched get samples of their own.
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
