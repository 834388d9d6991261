//! The activation of a consensus change: which sources follow it, which are on another chain, and what of a network's answers
//! is not understood.
//!
//! Never here: whether a source is trusted (`follower`).

use prometheus::core::Collector;
use prometheus::{IntGaugeVec, Opts, Registry};

use crate::meters::follower::value;
use crate::meters::not_understood::{NotUnderstood, NotUnderstoodFamily};

/// The families, for all networks.
#[derive(Clone)]
pub(super) struct ForkFamilies {
    follows: IntGaugeVec,
    split: IntGaugeVec,
    activation: IntGaugeVec,
    not_understood: NotUnderstoodFamily,
}

/// What is seen of an activation on one network. Unknown is absent.
pub struct ForkMeters {
    families: ForkFamilies,
    network: String,
}

/// What is known of one source; `None` where it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceFork {
    /// Whether it follows the activation.
    pub follows: Option<bool>,
    /// Whether it is on another chain since the activation.
    pub split: Option<bool>,
}

const SOURCE: &[&str] = &["network", "source"];

impl ForkFamilies {
    pub(super) fn new(registry: &Registry, not_understood: NotUnderstoodFamily) -> prometheus::Result<ForkFamilies> {
        let gauge = |name: &str, labels: &[&str], help: &str| {
            let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        Ok(ForkFamilies {
            follows: gauge(
                "masternode_exporter_source_follows_fork",
                SOURCE,
                "1 when the source follows the activation of Dash Core 24, 0 when it does not: its version is below 24 and it does not name the deployment. Absent when its version is not known, and on private networks where no source names the deployment.",
            )?,
            split: gauge(
                "masternode_exporter_source_fork_split",
                SOURCE,
                "1 when the source has another block than the followed chain at a height at or after the activation of Dash Core 24, 0 when the blocks are equal. Absent when there is no such height that both have.",
            )?,
            activation: gauge(
                "masternode_exporter_fork_activation_height",
                &["network"],
                "First block under the rules of Dash Core 24 (where only later blocks were seen, the first of those), once a source or the history says so with certainty. From the block before it on, sources that do not follow are not used. Absent when it is not known.",
            )?,
            not_understood,
        })
    }

    pub(super) fn network(&self, network: &str) -> ForkMeters {
        ForkMeters { families: self.clone(), network: network.into() }
    }

    pub(super) fn read(&self, network: &str, source: &str) -> SourceFork {
        let yes = |family: &IntGaugeVec| value(&family.collect(), network, source).map(|value| value > 0.0);
        SourceFork { follows: yes(&self.follows), split: yes(&self.split) }
    }

    /// The activation height of a network.
    pub(super) fn activation(&self, network: &str) -> Option<u32> {
        let families = self.activation.collect();
        let is_ours = |metric: &&prometheus::proto::Metric| {
            metric.get_label().iter().any(|label| label.name() == "network" && label.value() == network)
        };
        let metric = families.iter().flat_map(|family| family.get_metric()).find(is_ours)?;
        Some(metric.get_gauge().get_value() as u32)
    }
}

impl ForkMeters {
    /// Whether a source follows.
    pub fn follows(&self, source: &str, follows: Option<bool>) {
        self.set(&self.families.follows, &[&self.network, source], follows.map(i64::from));
    }

    /// Whether a source is on another chain.
    pub fn split(&self, source: &str, split: Option<bool>) {
        self.set(&self.families.split, &[&self.network, source], split.map(i64::from));
    }

    /// Whether a source was said to be on another chain.
    pub fn is_split(&self, source: &str) -> bool {
        self.families.read(&self.network, source).split == Some(true)
    }

    /// The activation height.
    pub fn activation(&self, height: Option<u32>) {
        self.set(&self.families.activation, &[&self.network], height.map(i64::from));
    }

    /// Counts what was not understood.
    pub fn not_understood(&self, kind: NotUnderstood, count: u64) {
        self.families.not_understood.add(&self.network, kind, count);
    }

    /// Forgets the network's sources.
    pub fn forget(&self, sources: &[String]) {
        for source in sources {
            self.follows(source, None);
            self.split(source, None);
        }
        self.activation(None);
    }

    fn set(&self, family: &IntGaugeVec, labels: &[&str], value: Option<i64>) {
        match value {
            Some(value) => family.with_label_values(labels).set(value),
            // Absent already is as good as removed.
            None => drop(family.remove_label_values(labels)),
        }
    }
}
