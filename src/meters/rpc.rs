//! Durations and outcomes of calls.
//!
//! Never here: the content of an answer.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{HistogramVec, Registry};

use crate::catalog::process;
use crate::meters::not_understood::{NotUnderstood, NotUnderstoodFamily, NotUnderstoodMeters};
use crate::meters::register;
use crate::meters::totals::NetworkTotals;

/// From a lookup on the same host to a full list of a slow node, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// The families, for all sources.
#[derive(Clone)]
pub(super) struct RpcFamilies {
    duration: HistogramVec,
    not_understood: NotUnderstoodFamily,
}

impl RpcFamilies {
    pub(super) fn new(registry: &Registry, not_understood: NotUnderstoodFamily) -> prometheus::Result<RpcFamilies> {
        let duration = register::histograms(registry, &process::RPC_REQUEST_DURATION, BUCKETS)?;
        Ok(RpcFamilies { duration, not_understood })
    }

    pub(super) fn source(&self, network: &str, source: &str, totals: Arc<NetworkTotals>) -> RpcMeters {
        self.not_understood.begin(network);
        let not_understood = self.not_understood.network(network, totals);
        RpcMeters { duration: self.duration.clone(), not_understood, network: network.into(), source: source.into() }
    }
}

/// The calls to one source.
pub struct RpcMeters {
    duration: HistogramVec,
    not_understood: NotUnderstoodMeters,
    network: String,
    source: String,
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
