//! The families of this process: each is registered as the catalogue describes it when it is first used.
//!
//! Never here: names and texts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, Result};

use crate::catalog::Family;

/// The families of a registry. A family has no sample until a set of labels was used.
#[derive(Clone)]
pub struct Families {
    registry: Registry,
    known: Arc<Mutex<Known>>,
}

/// What was used, by the name of its family.
#[derive(Default)]
struct Known {
    counters: BTreeMap<&'static str, IntCounterVec>,
    gauges: BTreeMap<&'static str, IntGaugeVec>,
    /// By family and network.
    totals: BTreeMap<(&'static str, String), Arc<AtomicU64>>,
}

impl Families {
    /// The families of a registry that has none of them.
    pub fn new(registry: &Registry) -> Families {
        Families { registry: registry.clone(), known: Arc::default() }
    }

    /// A counter for each set of labels.
    pub fn counters(&self, family: &Family) -> IntCounterVec {
        let new = || self.registered(IntCounterVec::new(options(family), family.labels));
        self.known().counters.entry(family.name).or_insert_with(new).clone()
    }

    /// A gauge for each set of labels.
    pub fn gauges(&self, family: &Family) -> IntGaugeVec {
        let new = || self.registered(IntGaugeVec::new(options(family), family.labels));
        self.known().gauges.entry(family.name).or_insert_with(new).clone()
    }

    /// A histogram for each set of labels, with these upper bounds. To be called once.
    pub(super) fn histograms(&self, family: &Family, buckets: &[f64]) -> HistogramVec {
        let options = HistogramOpts::from(options(family)).buckets(buckets.to_vec());
        self.registered(HistogramVec::new(options, family.labels))
    }

    /// The total of a family for a network since the process started. It outlives the network's follower, as counters do.
    pub(super) fn total(&self, family: &Family, network: &str) -> Total {
        Total(self.known().totals.entry((family.name, network.into())).or_default().clone())
    }

    /// The counter of a network, and its total.
    pub(super) fn totalled(&self, family: &Family, network: &str) -> TotalledCounter {
        let counter = self.counters(family).with_label_values(&[network]);
        TotalledCounter { counter, total: self.total(family, network) }
    }

    fn registered<C: Collector + Clone + 'static>(&self, collector: Result<C>) -> C {
        let collector = collector.expect("the names of the catalogue are valid");
        self.registry.register(Box::new(collector.clone())).expect("a family is registered when it is first used");
        collector
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each modification is complete, even if another thread panicked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn options(family: &Family) -> Opts {
    Opts::new(family.name, family.help)
}

/// A plain number for decisions, which never read a metric.
#[derive(Clone)]
pub(super) struct Total(Arc<AtomicU64>);

impl Total {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter of one network whose total decisions read.
pub struct TotalledCounter {
    counter: IntCounter,
    total: Total,
}

impl TotalledCounter {
    /// Adds a number.
    pub fn inc_by(&self, number: u64) {
        self.counter.inc_by(number);
        self.total.add(number);
    }

    /// The sum since the process started.
    pub fn total(&self) -> u64 {
        self.total.get()
    }
}
