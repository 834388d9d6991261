//! Counters of the follower of each network.
//!
//! Never here: anything about masternodes.

use std::sync::Arc;

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::meters::totals::NetworkTotals;

/// The families, for all networks.
#[derive(Clone)]
pub(super) struct FollowerFamilies {
    blocks_followed: IntCounterVec,
    gap_blocks: IntCounterVec,
    reorgs: IntCounterVec,
    events_withdrawn: IntCounterVec,
    events_restored: IntCounterVec,
    resyncs: IntCounterVec,
    selection_mismatches: IntCounterVec,
}

/// The counters of the follower of one network.
pub struct NetworkMeters {
    /// Blocks whose changes were processed.
    pub blocks_followed: IntCounter,
    /// Blocks that were skipped.
    pub gap_blocks: GapBlocks,
    /// Reorgs.
    pub reorgs: IntCounter,
    /// Events of blocks that a reorg replaced.
    pub events_withdrawn: IntCounter,
    /// Events of replaced blocks that returned.
    pub events_restored: IntCounter,
    /// Full lists read because an incremental update failed.
    pub resyncs: IntCounter,
    /// Computed members of a quorum that are not those of the mined one.
    pub selection_mismatches: SelectionMismatches,
}

/// The counter of mismatches of one network, by quorum type.
pub struct SelectionMismatches {
    family: IntCounterVec,
    network: String,
}

impl SelectionMismatches {
    /// Counts mismatches by quorum type. The types that are `computed` are shown with 0 before their first one.
    pub fn count(&self, computed: &[&str], mismatches: &[&str]) {
        let of_type = |quorum_type: &&str| self.family.with_label_values(&[self.network.as_str(), *quorum_type]);
        computed.iter().map(of_type).for_each(drop);
        mismatches.iter().for_each(|quorum_type| of_type(quorum_type).inc());
    }
}

/// The counter of skipped blocks, which is also a plain number that decisions read.
pub struct GapBlocks {
    counter: IntCounter,
    totals: Arc<NetworkTotals>,
}

impl GapBlocks {
    /// Adds skipped blocks.
    pub fn inc_by(&self, blocks: u64) {
        self.counter.inc_by(blocks);
        self.totals.add_gap_blocks(blocks);
    }

    /// Blocks since the process started.
    pub fn total(&self) -> u64 {
        self.totals.gap_blocks()
    }
}

const NETWORK: &[&str] = &["network"];

impl FollowerFamilies {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<FollowerFamilies> {
        let labelled = |name: &str, help: &str, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let counter = |name: &str, help: &str| labelled(name, help, NETWORK);
        Ok(FollowerFamilies {
            blocks_followed: counter(
                "masternode_exporter_blocks_followed_total",
                "Blocks whose changes were processed.",
            )?,
            gap_blocks: counter(
                "masternode_exporter_gap_blocks_total",
                "Blocks that were skipped; their events are missing or approximate.",
            )?,
            reorgs: counter("masternode_exporter_reorgs_total", "Chain reorganisations that were processed.")?,
            events_withdrawn: counter(
                "masternode_exporter_events_withdrawn_total",
                "Events of blocks that a chain reorganisation replaced. Counters that include them are not decreased.",
            )?,
            events_restored: counter(
                "masternode_exporter_events_restored_total",
                "Withdrawn events whose block returned with the same hash. Other counters count them once.",
            )?,
            resyncs: counter(
                "masternode_exporter_resyncs_total",
                "Full list downloads after a failed incremental update, or after a list that differed from the node's.",
            )?,
            selection_mismatches: labelled(
                "masternode_exporter_quorum_selection_mismatches_total",
                "Cycles in which the computed members of a rotating quorum were not those of the mined one. Expected 0. \
                 The seats of the type are withdrawn and computed again from the node's snapshots.",
                &["network", "quorum_type"],
            )?,
        })
    }

    pub(super) fn network(&self, network: &str, totals: &Arc<NetworkTotals>) -> NetworkMeters {
        let labels = &[network];
        NetworkMeters {
            blocks_followed: self.blocks_followed.with_label_values(labels),
            gap_blocks: GapBlocks { counter: self.gap_blocks.with_label_values(labels), totals: totals.clone() },
            reorgs: self.reorgs.with_label_values(labels),
            events_withdrawn: self.events_withdrawn.with_label_values(labels),
            events_restored: self.events_restored.with_label_values(labels),
            resyncs: self.resyncs.with_label_values(labels),
            selection_mismatches: SelectionMismatches {
                family: self.selection_mismatches.clone(),
                network: network.to_string(),
            },
        }
    }
}
