//! Families that count watched masternodes by the data of their last probe.
//!
//! Never here: single masternodes; probes.

use crate::catalog::{self, Family};
use domain::census::{Census, Counts};

/// A family, its label, and the function that gives its samples.
pub(super) struct CensusFamily {
    pub(super) family: &'static Family,
    pub(super) label: &'static str,
    pub(super) counts: fn(&Census) -> &Counts,
}

/// All of them, in the order of the page.
pub(super) const CENSUS_FAMILIES: &[CensusFamily] = &[
    CensusFamily {
        family: &catalog::NETWORK_WATCHED_BY_PROTOCOL,
        label: "protocol_version",
        counts: |census| &census.by_protocol,
    },
    CensusFamily {
        family: &catalog::NETWORK_WATCHED_BY_RELEASE,
        label: "release",
        counts: |census| &census.by_release,
    },
];
