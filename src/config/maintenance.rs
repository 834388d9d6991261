//! The section `alerting.maintenance`: masternodes whose alerts are muted for some time.
//!
//! Never here: muting anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::NetworkConfig;
use crate::config::kinds::{EndKind, IdentityKind};
use crate::config::leaf::{Kind, LabelText, Leaf, List, Name, Text};
use crate::config::mistakes::Place;
use crate::config::watch::{FieldsSection, check_network, selector};
use domain::maintenance::{Maintenance, MaintenanceTarget};
use domain::watch::parse_group;

/// A group of the watch list: its key and its value.
struct GroupKind;

impl Kind for GroupKind {
    type Value = (String, String);
    const TITLE: &'static str = "key=value";
    const PATTERN: &'static str = "^[^=:]+[=:].+$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<(String, String), String> {
        let group = parse_group(text).map(|(key, group)| (key.into(), group.into()));
        group.ok_or_else(|| format!("{text:?} is no group: write its key and its value, such as customer=acme"))
    }
}

/// Maintenance of some masternodes.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["until"]))]
pub(super) struct MaintenanceSection {
    /// The masternode whose alerts are muted; either this, `alias`, `group` or `select`.
    masternode: Option<Leaf<IdentityKind>>,
    /// The watched masternode with this alias.
    alias: Option<LabelText>,
    /// The watched masternodes of this group: its key and its value, such as `customer=acme`.
    group: Option<Leaf<GroupKind>>,
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
        let has_selector = section.masternode.is_some() || section.select.is_some();
        let target = match (section.alias, section.group, has_selector) {
            (Some(alias), None, false) => Some(MaintenanceTarget::Alias(alias.0)),
            (None, Some(Leaf((key, group))), false) => Some(MaintenanceTarget::Group(key, group)),
            (None, None, _) if at.is_refused("alias") || at.is_refused("group") => None,
            (None, None, _) => selector(section.masternode, section.select, &at).map(MaintenanceTarget::Selector),
            _ => {
                at.error("give one of masternode, alias, group and select");
                None
            }
        };
        if let (Some(target), Some(until)) = (target, section.until) {
            entries.push((only, Maintenance { target, until: until.0, reason, id: None }));
        }
    }
    entries
}
