//! What each source says of itself: its tip, its connections, and the masternode that it is, if it is one.
//!
//! Never here: anything that the list says.

use prometheus::core::Collector;
use prometheus::proto::Metric;
use prometheus::{IntGaugeVec, Opts, Registry};

use crate::meters::follower::value;

/// The families, for all networks.
#[derive(Clone)]
pub(super) struct SourceHealthFamilies {
    height: IntGaugeVec,
    blocks_behind: IntGaugeVec,
    tip_time: IntGaugeVec,
    connections: IntGaugeVec,
    isolated: IntGaugeVec,
    release_bad: IntGaugeVec,
    filter_index_synced: IntGaugeVec,
    masternode_state: IntGaugeVec,
}

/// What one source says of itself. Unknown is absent.
pub struct SourceHealthMeters {
    families: SourceHealthFamilies,
    network: String,
    source: String,
}

/// What a source last said of itself; `None` where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// Blocks by which its tip lies behind the best that any source of its network knows.
    pub blocks_behind: Option<u32>,
    /// Its connections to other nodes.
    pub connections: Option<u32>,
    /// Whether it is cut off.
    pub isolated: Option<bool>,
    /// Whether it runs a release with a known fault.
    pub release_bad: Option<bool>,
    /// Whether its index of compact block filters is synced.
    pub filter_index_synced: Option<bool>,
    /// Which masternode it is, empty where that is not known, and the state in which it sees itself; `None` when it is none.
    pub masternode: Option<(String, String)>,
}

const SOURCE: &[&str] = &["network", "source"];

impl SourceHealthFamilies {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<SourceHealthFamilies> {
        let gauge = |name: &str, labels: &[&str], help: &str| {
            let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        Ok(SourceHealthFamilies {
            height: gauge("masternode_exporter_source_height", SOURCE, "Height of the source's own tip.")?,
            blocks_behind: gauge(
                "masternode_exporter_source_blocks_behind",
                SOURCE,
                "Blocks by which the source's tip lies behind the best tip or header that any source of its network knows. A lone source that is cut off cannot know: see masternode_exporter_source_isolated.",
            )?,
            tip_time: gauge(
                "masternode_exporter_source_tip_timestamp_seconds",
                SOURCE,
                "Time in the header of the source's own tip. Absent on nodes that do not tell (Dash before v20).",
            )?,
            connections: gauge(
                "masternode_exporter_source_connections",
                SOURCE,
                "Connections of the source to other nodes.",
            )?,
            isolated: gauge(
                "masternode_exporter_source_isolated",
                SOURCE,
                "1 when the source has no connections or its networking is switched off: it goes on to say that it is synced and ready. Such a source is used only when there is no other.",
            )?,
            release_bad: gauge(
                "masternode_exporter_source_release_bad",
                SOURCE,
                "1 when the source runs a release with a known fault (Dash Core 24.0.0, 24.0.1), 0 when no fault of its release is known. Absent while it does not answer.",
            )?,
            filter_index_synced: gauge(
                "masternode_exporter_source_filter_index_synced",
                SOURCE,
                "1 when the source's index of compact block filters is synced, 0 while it is being built. Absent where the node does not build one or does not say (before v21).",
            )?,
            masternode_state: gauge(
                "masternode_exporter_source_masternode_state",
                &["network", "source", "masternode", "state"],
                "1 for the state in which a source that is itself a masternode sees itself: ready, waiting, pose_banned, removed, operator_key_changed, address_changed, error, unknown. Which masternode it is stays known while the node no longer tells (during a ban), from before or by its address; empty when neither says.",
            )?,
        })
    }

    pub(super) fn source(&self, network: &str, source: &str) -> SourceHealthMeters {
        SourceHealthMeters { families: self.clone(), network: network.into(), source: source.into() }
    }

    /// Reads without making a sample of what was never known.
    pub(super) fn read(&self, network: &str, source: &str) -> SourceHealth {
        let number = |family: &IntGaugeVec| value(&family.collect(), network, source);
        let masternodes = self.masternode_state.collect();
        let mut masternodes = masternodes.iter().flat_map(|family| family.get_metric());
        let own = masternodes.find(|metric| label(metric, "network") == network && label(metric, "source") == source);
        SourceHealth {
            blocks_behind: number(&self.blocks_behind).map(|blocks| blocks as u32),
            connections: number(&self.connections).map(|connections| connections as u32),
            isolated: number(&self.isolated).map(|isolated| isolated > 0.0),
            release_bad: number(&self.release_bad).map(|bad| bad > 0.0),
            filter_index_synced: number(&self.filter_index_synced).map(|synced| synced > 0.0),
            masternode: own.map(|metric| (label(metric, "masternode").into(), label(metric, "state").into())),
        }
    }

    fn with_source(&self) -> [&IntGaugeVec; 7] {
        [
            &self.height,
            &self.blocks_behind,
            &self.tip_time,
            &self.connections,
            &self.isolated,
            &self.release_bad,
            &self.filter_index_synced,
        ]
    }
}

impl SourceHealthMeters {
    /// Its tip: height, blocks behind the best known one, Unix time in seconds where it is told.
    pub fn tip(&self, height: u32, behind: u32, time: Option<u64>) {
        self.set(&self.families.height, Some(height.into()));
        self.set(&self.families.blocks_behind, Some(behind.into()));
        self.set(&self.families.tip_time, time.and_then(|time| i64::try_from(time).ok()));
    }

    /// Its connections, and whether it is cut off.
    pub fn peers(&self, connections: Option<u32>, isolated: Option<bool>) {
        self.set(&self.families.connections, connections.map(i64::from));
        self.set(&self.families.isolated, isolated.map(i64::from));
    }

    /// Whether its release has a known fault.
    pub fn release(&self, bad: Option<bool>) {
        self.set(&self.families.release_bad, bad.map(i64::from));
    }

    /// Whether its index of compact block filters is synced.
    pub fn filter_index(&self, synced: Option<bool>) {
        self.set(&self.families.filter_index_synced, synced.map(i64::from));
    }

    /// The masternode that it is, and in which state; `None` when it is none or does not say.
    pub fn masternode(&self, own: Option<(&str, &str)>) {
        self.forget_masternode();
        if let Some((id, state)) = own {
            self.families.masternode_state.with_label_values(&[self.network.as_str(), &self.source, id, state]).set(1);
        }
    }

    /// It says nothing any more.
    pub fn silent(&self) {
        for family in self.families.with_source() {
            self.set(family, None);
        }
        self.forget_masternode();
    }

    fn set(&self, family: &IntGaugeVec, value: Option<i64>) {
        let labels = &[self.network.as_str(), &self.source];
        match value {
            Some(value) => family.with_label_values(labels).set(value),
            // Absent already is as good as removed.
            None => drop(family.remove_label_values(labels)),
        }
    }

    fn forget_masternode(&self) {
        let family = &self.families.masternode_state;
        for metric in family.collect().iter().flat_map(|family| family.get_metric()) {
            let label = |name| label(metric, name);
            if label("network") == self.network && label("source") == self.source {
                let labels = [label("network"), label("source"), label("masternode"), label("state")];
                let _ = family.remove_label_values(&labels);
            }
        }
    }
}

fn label<'a>(metric: &'a Metric, name: &str) -> &'a str {
    metric.get_label().iter().find(|pair| pair.name() == name).map_or("", |pair| pair.value())
}
