//! Counts values of answers that are not understood, by kind, while they are read.
//!
//! Never here: which answers; the counters themselves (`meters`).

use crate::meters::{NotUnderstood, RpcMeters};

/// How often each kind was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown([u64; NotUnderstood::ALL.len()]);

impl Unknown {
    /// Adds occurrences of a kind.
    pub fn note(&mut self, kind: NotUnderstood, count: u64) {
        self.0[kind as usize] += count;
    }

    /// The number of occurrences of a kind.
    pub fn count(&self, kind: NotUnderstood) -> u64 {
        self.0[kind as usize]
    }

    /// Adds the counts to the counters of the process.
    pub fn count_in(&self, meters: &RpcMeters) {
        for kind in NotUnderstood::ALL.into_iter().filter(|kind| self.count(*kind) > 0) {
            meters.not_understood(kind, self.count(kind));
        }
    }
}
