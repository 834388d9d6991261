//! Durations and outcomes of calls.
//!
//! Never here: the content of an answer.

use std::time::Duration;

use prometheus::HistogramVec;

use crate::meters::not_understood::{NotUnderstood, NotUnderstoodMeters};

/// From a lookup on the same host to a full list of a slow node, in seconds.
pub(super) const BUCKETS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// The calls to one source.
pub struct RpcMeters {
    pub(super) duration: HistogramVec,
    pub(super) not_understood: NotUnderstoodMeters,
    pub(super) network: String,
    pub(super) source: String,
}

impl RpcMeters {
    /// A call to `method` ended with `outcome`, both from a fixed set.
    pub fn observe(&self, method: &str, outcome: &str, took: Duration) {
        let labels = &[self.network.as_str(), &self.source, method, outcome];
        self.duration.with_label_values(labels).observe(took.as_secs_f64());
    }

    /// Adds values of a kind that is not understood.
    pub fn not_understood(&self, kind: NotUnderstood, count: u64) {
        self.not_understood.add(kind, count);
    }
}
