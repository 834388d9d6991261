//! The usual implementations, as baselines with the same data in the same run.

use std::fmt;

use domain::Snapshot;
use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use serde::Deserialize;

/// Families of the baselines: as many samples per masternode as our lean tier has, of the same kind.
const FAMILIES: [&str; 8] =
    ["info", "enabled", "pose_score", "pose_banned", "failures", "blocks", "position", "probability"];

fn value(family: usize, index: usize) -> f64 {
    (index * 7 + family) as f64
}

/// A `GaugeVec` for each family.
pub struct Vectors {
    registry: Registry,
    families: Vec<GaugeVec>,
    ids: Vec<String>,
}

impl Vectors {
    /// Registers and fills the families.
    pub fn new(snapshot: &Snapshot) -> Vectors {
        let registry = Registry::new();
        let family = |name: &&str| {
            let options = Opts::new(format!("masternode_{name}"), "A baseline.");
            let gauges = GaugeVec::new(options, &["network", "masternode", "alias"]).expect("names are good");
            registry.register(Box::new(gauges.clone())).expect("names differ");
            gauges
        };
        let families = FAMILIES.iter().map(family).collect();
        let ids = snapshot.list().masternodes().iter().map(|node| node.id.to_string()).collect();
        let vectors = Vectors { registry, families, ids };
        vectors.fill();
        vectors
    }

    /// Sets a snapshot: resets everything first, because otherwise masternodes that left the list would stay on the
    /// page. The text of the identities is prepared, as in a careful implementation.
    pub fn fill(&self) {
        for (family, gauges) in self.families.iter().enumerate() {
            gauges.reset();
            for (index, id) in self.ids.iter().enumerate() {
                gauges.with_label_values(&["dash-main", id, ""]).set(value(family, index));
            }
        }
    }

    /// Gathers and encodes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out).expect("a vector takes all");
        out
    }
}

/// A collector of the crate `prometheus-client` over the same data.
#[derive(Debug)]
pub struct Constants {
    ids: Vec<String>,
}

impl Collector for Constants {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        for (family, name) in FAMILIES.iter().enumerate() {
            let name = format!("masternode_{name}");
            let mut metric = encoder.encode_descriptor(&name, "A baseline.", None, MetricType::Gauge)?;
            for (index, id) in self.ids.iter().enumerate() {
                let labels = [("network", "dash-main"), ("masternode", id.as_str()), ("alias", "")];
                ConstGauge::new(value(family, index)).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// A registry with that collector.
pub fn constants(snapshot: &Snapshot) -> prometheus_client::registry::Registry {
    let mut registry = prometheus_client::registry::Registry::default();
    let ids = snapshot.list().masternodes().iter().map(|node| node.id.to_string()).collect();
    registry.register_collector(Box::new(Constants { ids }));
    registry
}

/// Encodes that registry.
pub fn encode_constants(registry: &prometheus_client::registry::Registry) -> String {
    let mut out = String::new();
    prometheus_client::encoding::text::encode(&mut out, registry).expect("a string takes all");
    out
}

/// The list as serde reads it at once, with the fields that we use.
#[derive(Deserialize)]
pub struct WholeBody {
    /// The list.
    pub result: Vec<WholeEntry>,
}

/// One entry.
#[derive(Deserialize)]
#[expect(dead_code, non_snake_case, reason = "only that they are read matters")]
pub struct WholeEntry {
    r#type: Option<String>,
    proTxHash: String,
    state: WholeState,
}

#[derive(Deserialize)]
#[expect(dead_code, non_snake_case, reason = "only that they are read matters")]
struct WholeState {
    service: Option<String>,
    registeredHeight: Option<i64>,
    lastPaidHeight: Option<i64>,
    consecutivePayments: Option<i64>,
    PoSePenalty: Option<i64>,
    PoSeRevivedHeight: Option<i64>,
    PoSeBanHeight: Option<i64>,
    revocationReason: Option<i64>,
    ownerAddress: Option<String>,
    votingAddress: Option<String>,
    payoutAddress: Option<String>,
    pubKeyOperator: Option<String>,
}
