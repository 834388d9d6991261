//! Counters of the follower of each network.
//!
//! Never here: anything about masternodes.

use std::sync::Arc;

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::catalog::process;
use crate::meters::register;
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
    score_disagreements: IntCounterVec,
    election_mismatches: IntCounterVec,
    unread_payments: IntCounterVec,
    refuted_lists: IntCounterVec,
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
    /// Scores that are not the computed ones.
    pub score_disagreements: ScoreDisagreements,
    /// Elected payees that are not those of the votes.
    pub election_mismatches: LateCounter,
    /// Blocks whose payments were not read.
    pub unread_payments: LateCounter,
    /// Lists that are not those of their blocks.
    pub refuted_lists: LateCounter,
}

/// A counter of one network that is shown from the first time on at which something was counted, be it 0.
pub struct LateCounter {
    family: IntCounterVec,
    network: String,
}

impl LateCounter {
    /// Adds a number.
    pub fn inc_by(&self, number: u64) {
        self.family.with_label_values(&[self.network.as_str()]).inc_by(number);
    }
}

/// The counter of scores that differ from the computed ones, which is also a plain number that decisions read.
pub struct ScoreDisagreements {
    counter: IntCounter,
    totals: Arc<NetworkTotals>,
}

impl ScoreDisagreements {
    /// Adds scores of a block.
    pub fn inc_by(&self, scores: u64) {
        self.counter.inc_by(scores);
        self.totals.add_score_disagreements(scores);
    }

    /// Scores since the process started.
    pub fn total(&self) -> u64 {
        self.totals.score_disagreements()
    }
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

impl FollowerFamilies {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<FollowerFamilies> {
        Ok(FollowerFamilies {
            blocks_followed: register::counters(registry, &process::BLOCKS_FOLLOWED)?,
            gap_blocks: register::counters(registry, &process::GAP_BLOCKS)?,
            reorgs: register::counters(registry, &process::REORGS)?,
            events_withdrawn: register::counters(registry, &process::EVENTS_WITHDRAWN)?,
            events_restored: register::counters(registry, &process::EVENTS_RESTORED)?,
            resyncs: register::counters(registry, &process::RESYNCS)?,
            selection_mismatches: register::counters(registry, &process::QUORUM_SELECTION_MISMATCHES)?,
            score_disagreements: register::counters(registry, &process::SCORE_DISAGREEMENTS)?,
            election_mismatches: register::counters(registry, &process::ELECTION_MISMATCHES)?,
            unread_payments: register::counters(registry, &process::UNREAD_PAYMENT_BLOCKS)?,
            refuted_lists: register::counters(registry, &process::REFUTED_LISTS)?,
        })
    }

    pub(super) fn network(&self, network: &str, totals: &Arc<NetworkTotals>) -> NetworkMeters {
        let labels = &[network];
        let late = |family: &IntCounterVec| LateCounter { family: family.clone(), network: network.to_string() };
        NetworkMeters {
            election_mismatches: late(&self.election_mismatches),
            unread_payments: late(&self.unread_payments),
            refuted_lists: late(&self.refuted_lists),
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
            score_disagreements: ScoreDisagreements {
                counter: self.score_disagreements.with_label_values(labels),
                totals: totals.clone(),
            },
        }
    }
}
