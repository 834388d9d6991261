//! Counters of the follower of each network.
//!
//! Never here: anything about masternodes.

use prometheus::{IntCounter, IntCounterVec};

use crate::catalog::{Family, process};
use crate::meters::families::{Families, TotalledCounter};

/// The counters of the follower of one network.
pub struct NetworkMeters {
    /// Blocks whose changes were processed.
    pub blocks_followed: IntCounter,
    /// Blocks that were skipped.
    pub gap_blocks: TotalledCounter,
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
    pub score_disagreements: TotalledCounter,
    /// Elected payees that are not those of the votes.
    pub election_mismatches: LateCounter,
    /// Blocks whose payments were not read.
    pub unread_payments: LateCounter,
    /// Lists that are not those of their blocks.
    pub refuted_lists: LateCounter,
}

impl NetworkMeters {
    pub(super) fn new(families: &Families, network: &str) -> NetworkMeters {
        let counter = |family: &Family| families.counters(family).with_label_values(&[network]);
        let late = |family: &Family| LateCounter { family: families.counters(family), network: network.to_string() };
        NetworkMeters {
            blocks_followed: counter(&process::BLOCKS_FOLLOWED),
            gap_blocks: families.totalled(&process::GAP_BLOCKS, network),
            reorgs: counter(&process::REORGS),
            events_withdrawn: counter(&process::EVENTS_WITHDRAWN),
            events_restored: counter(&process::EVENTS_RESTORED),
            resyncs: counter(&process::RESYNCS),
            selection_mismatches: SelectionMismatches(late(&process::QUORUM_SELECTION_MISMATCHES)),
            score_disagreements: families.totalled(&process::SCORE_DISAGREEMENTS, network),
            election_mismatches: late(&process::ELECTION_MISMATCHES),
            unread_payments: late(&process::UNREAD_PAYMENT_BLOCKS),
            refuted_lists: late(&process::REFUTED_LISTS),
        }
    }
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

/// The counter of mismatches of one network, by quorum type.
pub struct SelectionMismatches(LateCounter);

impl SelectionMismatches {
    /// Counts mismatches by quorum type. The types that are `computed` are shown with 0 before their first one.
    pub fn count(&self, computed: &[&str], mismatches: &[&str]) {
        let LateCounter { family, network } = &self.0;
        let of_type = |quorum_type: &&str| family.with_label_values(&[network.as_str(), *quorum_type]);
        computed.iter().map(of_type).for_each(drop);
        mismatches.iter().for_each(|quorum_type| of_type(quorum_type).inc());
    }
}
