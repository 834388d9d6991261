//! Registers the families of this process as the catalogue describes them.
//!
//! Never here: names and texts.

use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, Result,
};

use crate::catalog::Family;

/// Registers what is counted for a family. Each function fails if its name is registered already.
fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C> {
    registry.register(Box::new(collector.clone())).map(|()| collector)
}

fn options(family: &Family) -> Opts {
    Opts::new(family.name, family.help)
}

/// A counter for each set of labels.
pub fn counters(registry: &Registry, family: &Family) -> Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(options(family), family.labels)?)
}

/// A gauge for each set of labels. A family without labels has no sample until one is set.
pub fn gauges(registry: &Registry, family: &Family) -> Result<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(options(family), family.labels)?)
}

/// A counter without labels.
pub fn counter(registry: &Registry, family: &Family) -> Result<IntCounter> {
    registered(registry, IntCounter::with_opts(options(family))?)
}

/// A gauge without labels.
pub fn gauge(registry: &Registry, family: &Family) -> Result<IntGauge> {
    registered(registry, IntGauge::with_opts(options(family))?)
}

/// A histogram for each set of labels, with these upper bounds.
pub(super) fn histograms(registry: &Registry, family: &Family, buckets: &[f64]) -> Result<HistogramVec> {
    let options = HistogramOpts::from(options(family)).buckets(buckets.to_vec());
    registered(registry, HistogramVec::new(options, family.labels)?)
}
