//! The section `alerting.maintenance`: masternodes whose alerts are muted for some time.
//!
//! Never here: muting anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::NetworkConfig;
use crate::config::kinds::{EndKind, IdentityKind};
use crate::config::leaf::{Leaf, List, Name, Text};
use crate::config::mistakes::Place;
use crate::config::watch::{FieldsSection, check_network, selector};
use domain::maintenance::Maintenance;

/// Maintenance of some masternodes.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["until"]))]
pub(super) struct MaintenanceSection {
    /// The masternode whose alerts are muted; either this or `select`.
    masternode: Option<Leaf<IdentityKind>>,
    /// All masternodes with these values, as in `watch`.
    select: Option<FieldsSection>,
    /// Only on this network; without it, on all.
    network: Option<Name>,
    /// When the work ends, in UTC; a day counts to its end.
    until: Option<Leaf<EndKind>>,
    /// The reason for the work.
    reason: Option<Text>,
}

/// Checks `maintenance`; each entry has the network's name if it is limited to one.
pub(super) fn maintenance(
    section: List<MaintenanceSection>,
    networks: &[NetworkConfig],
    at: &Place<'_>,
) -> Vec<(Option<String>, Maintenance)> {
    let mut entries = Vec::new();
    for (index, section) in section.each() {
        let at = at.index(index);
        let only = section.network.map(|name| name.0);
        check_network(only.as_deref(), networks, &at);
        if section.until.is_none() {
            at.key("until").error("is missing: without an end, the alerts would be muted for ever");
        }
        let reason = section.reason.map(|reason| reason.0).unwrap_or_default();
        let selector = selector(section.masternode, section.select, &at);
        if let (Some(selector), Some(until)) = (selector, section.until) {
            entries.push((only, Maintenance { selector, until: until.0, reason }));
        }
    }
    entries
}
