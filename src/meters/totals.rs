//! Totals of a network since the process started that decisions read: plain numbers in addition to the counters of the
//! same name.
//!
//! Never here: metrics; they are only written, and no decision reads them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The totals of one network. They outlive its follower, as the counters do.
#[derive(Default)]
pub(super) struct NetworkTotals {
    gap_blocks: AtomicU64,
    not_understood: AtomicU64,
    score_disagreements: AtomicU64,
}

impl NetworkTotals {
    pub(super) fn add_gap_blocks(&self, blocks: u64) {
        self.gap_blocks.fetch_add(blocks, Ordering::Relaxed);
    }

    pub(super) fn gap_blocks(&self) -> u64 {
        self.gap_blocks.load(Ordering::Relaxed)
    }

    pub(super) fn add_not_understood(&self, values: u64) {
        self.not_understood.fetch_add(values, Ordering::Relaxed);
    }

    pub(super) fn add_score_disagreements(&self, scores: u64) {
        self.score_disagreements.fetch_add(scores, Ordering::Relaxed);
    }

    pub(super) fn score_disagreements(&self) -> u64 {
        self.score_disagreements.load(Ordering::Relaxed)
    }

    pub(super) fn not_understood(&self) -> u64 {
        self.not_understood.load(Ordering::Relaxed)
    }
}

/// The totals of all networks, by name.
#[derive(Clone, Default)]
pub(super) struct Totals(Arc<Mutex<BTreeMap<String, Arc<NetworkTotals>>>>);

impl Totals {
    pub(super) fn of(&self, network: &str) -> Arc<NetworkTotals> {
        // Each modification is complete, even if another thread panicked.
        let mut networks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        networks.entry(network.into()).or_default().clone()
    }
}
