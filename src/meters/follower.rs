//! What the follower of each network does and how its sources fare.
//!
//! Never here: anything about masternodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The families, for all networks.
#[derive(Clone)]
pub(super) struct FollowerFamilies {
    up: IntGaugeVec,
    synced: IntGaugeVec,
    network_match: IntGaugeVec,
    last_success: GaugeVec,
    blocks_followed: IntCounterVec,
    gap_blocks: IntCounterVec,
    reorgs: IntCounterVec,
    events_withdrawn: IntCounterVec,
    events_restored: IntCounterVec,
    resyncs: IntCounterVec,
    /// When each source of each network last confirmed the list, by the clock that does not jump.
    successes: Arc<Mutex<Successes>>,
}

type Successes = HashMap<(String, String), Instant>;

/// How one source fares. Its samples begin when it was first asked: unknown is absent.
pub struct SourceMeters {
    families: FollowerFamilies,
    network: String,
    source: String,
}

impl SourceMeters {
    /// It gave a useful answer at `now`, a Unix time in seconds.
    pub fn usable(&self, now: f64) {
        let labels = &[self.network.as_str(), &self.source];
        self.families.up.with_label_values(labels).set(1);
        self.families.synced.with_label_values(labels).set(1);
        self.families.network_match.with_label_values(labels).set(1);
        self.families.last_success.with_label_values(labels).set(now);
        self.families.successes().insert((self.network.clone(), self.source.clone()), Instant::now());
    }

    /// It cannot be used; `answers` tells whether it answered at all.
    pub fn unusable(&self, answers: bool) {
        let labels = &[self.network.as_str(), &self.source];
        self.families.up.with_label_values(labels).set(i64::from(answers));
        self.families.synced.with_label_values(labels).set(0);
    }

    /// It answers for another network.
    pub fn wrong_network(&self) {
        self.families.network_match.with_label_values(&[self.network.as_str(), &self.source]).set(0);
    }
}

/// How a source fared when it was last asked; `None` where that was never known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SourceState {
    /// Whether it answered.
    pub up: Option<bool>,
    /// Whether it was usable and in sync.
    pub synced: Option<bool>,
    /// Whether it is on the configured chain and network.
    pub network_match: Option<bool>,
    /// Unix time in seconds at which it last confirmed the list or its tip.
    pub last_success: Option<f64>,
    /// How long ago that was, whatever the wall clock did since.
    pub last_success_age: Option<Duration>,
}

/// What the follower of one network did.
pub struct NetworkMeters {
    /// Blocks whose list was followed.
    pub blocks_followed: IntCounter,
    /// Blocks that were not looked at one by one.
    pub gap_blocks: IntCounter,
    /// Reorgs.
    pub reorgs: IntCounter,
    /// Events of blocks that a reorg replaced.
    pub events_withdrawn: IntCounter,
    /// Events of replaced blocks that returned.
    pub events_restored: IntCounter,
    /// Lists read anew because the one in hand did not fit.
    pub resyncs: IntCounter,
}

const SOURCE: &[&str] = &["network", "source"];
const NETWORK: &[&str] = &["network"];

impl FollowerFamilies {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<FollowerFamilies> {
        let gauge = |name: &str, help: &str| {
            let family = IntGaugeVec::new(Opts::new(name, help), SOURCE)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let counter = |name: &str, help: &str| {
            let family = IntCounterVec::new(Opts::new(name, help), NETWORK)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let last_success = GaugeVec::new(
            Opts::new(
                "masternode_exporter_source_last_success_timestamp_seconds",
                "Unix time at which the source last confirmed the list or its tip.",
            ),
            SOURCE,
        )?;
        registry.register(Box::new(last_success.clone()))?;
        Ok(FollowerFamilies {
            up: gauge(
                "masternode_exporter_source_up",
                "Whether the source answered when last asked, if only that it is starting.",
            )?,
            synced: gauge(
                "masternode_exporter_source_synced",
                "Whether the source was usable and in sync when last asked.",
            )?,
            network_match: gauge(
                "masternode_exporter_source_network_match",
                "Whether the source is on the configured chain and on the same network as the other sources.",
            )?,
            last_success,
            blocks_followed: counter("masternode_exporter_blocks_followed_total", "Blocks whose list was followed.")?,
            gap_blocks: counter(
                "masternode_exporter_gap_blocks_total",
                "Blocks that were not followed one by one; their events are missing or not exact.",
            )?,
            reorgs: counter("masternode_exporter_reorgs_total", "Reorganisations of the chain that were followed.")?,
            events_withdrawn: counter(
                "masternode_exporter_events_withdrawn_total",
                "Events of blocks that a reorganisation replaced. The counters that counted them do not go down.",
            )?,
            events_restored: counter(
                "masternode_exporter_events_restored_total",
                "Withdrawn events whose block returned with the same hash. They are counted once.",
            )?,
            resyncs: counter(
                "masternode_exporter_resyncs_total",
                "Lists read in full because the one carried on from block to block could not be, or disagreed with the node.",
            )?,
            successes: Arc::default(),
        })
    }

    pub(super) fn source(&self, network: &str, source: &str) -> SourceMeters {
        SourceMeters { families: self.clone(), network: network.into(), source: source.into() }
    }

    pub(super) fn network(&self, network: &str) -> NetworkMeters {
        let labels = &[network];
        NetworkMeters {
            blocks_followed: self.blocks_followed.with_label_values(labels),
            gap_blocks: self.gap_blocks.with_label_values(labels),
            reorgs: self.reorgs.with_label_values(labels),
            events_withdrawn: self.events_withdrawn.with_label_values(labels),
            events_restored: self.events_restored.with_label_values(labels),
            resyncs: self.resyncs.with_label_values(labels),
        }
    }

    /// Reads without making a sample of what was never known.
    pub(super) fn state(&self, network: &str, source: &str) -> SourceState {
        let yes = |family: &IntGaugeVec| value(&family.collect(), network, source).map(|value| value > 0.0);
        SourceState {
            up: yes(&self.up),
            synced: yes(&self.synced),
            network_match: yes(&self.network_match),
            last_success: value(&self.last_success.collect(), network, source),
            last_success_age: self.successes().get(&(network.into(), source.into())).map(Instant::elapsed),
        }
    }

    /// Forgets a network that is no longer configured.
    pub(super) fn forget(&self, network: &str, sources: &[String]) {
        for source in sources {
            let labels = &[network, source.as_str()];
            for family in [&self.up, &self.synced, &self.network_match] {
                // Absent already is as good as removed.
                let _ = family.remove_label_values(labels);
            }
            let _ = self.last_success.remove_label_values(labels);
            self.successes().remove(&(network.to_string(), source.clone()));
        }
    }

    fn successes(&self) -> MutexGuard<'_, Successes> {
        // Each change of it is whole, whatever panicked elsewhere.
        self.successes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sample of a source, without making one.
pub(super) fn value(families: &[MetricFamily], network: &str, source: &str) -> Option<f64> {
    let of_source = |metric: &&prometheus::proto::Metric| {
        let has = |name: &str, value: &str| {
            metric.get_label().iter().any(|label| label.name() == name && label.value() == value)
        };
        has("network", network) && has("source", source)
    };
    let metric = families.iter().flat_map(MetricFamily::get_metric).find(of_source)?;
    Some(metric.get_gauge().get_value())
}
