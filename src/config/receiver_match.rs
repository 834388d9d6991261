//! The section `match` of a receiver: which alerts it gets.
//!
//! Never here: matching an alert (`alerting::routing`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::AlertingSettings;
use crate::alerting::routing::AlertMatch;
use crate::config::WatchConfig;
use crate::config::leaf::{LabelText, List, Name};
use crate::config::mistakes::Place;
use crate::config::receivers::{Context, SeverityChoice};
use crate::config::value::nearest;

/// Only alerts that fit all of these are sent; an alert without such a label does not fit.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MatchSection {
    /// Only alerts about these networks; alerts about the exporter itself are about none.
    network: List<Name>,
    /// Only alerts of these severities, in addition to `minimum_severity`.
    severity: List<SeverityChoice>,
    /// Only alerts about masternodes and groups with one of these values, by the key of `watch[].groups`.
    groups: BTreeMap<String, List<LabelText>>,
}

impl MatchSection {
    pub(super) fn settings(self, at: &Place<'_>, context: &Context<'_>) -> AlertMatch {
        let names: Vec<&str> = context.networks.iter().map(|network| network.name.as_str()).collect();
        let mut networks = Vec::new();
        for (index, Name { 0: name, .. }) in self.network.each() {
            if !names.contains(&name.as_str()) {
                let known = suggestion(&name, names.iter().copied());
                at.key("network").index(index).error(format_args!("no network has the name {name:?}{known}"));
            }
            networks.push(name);
        }
        let groups_at = at.key("groups");
        let known: BTreeSet<&str> =
            context.watch.iter().flat_map(|(_, entry)| entry.groups.keys()).map(String::as_str).collect();
        let mut groups = BTreeMap::new();
        for (key, values) in self.groups {
            if !known.contains(key.as_str()) {
                let hint = suggestion(&key, known.iter().copied());
                groups_at.key(&key).error(format_args!("no entry of watch has a group {key:?}{hint}"));
            }
            if values.is_empty() {
                groups_at.key(&key).error("has no value");
            }
            groups.insert(key, values.each().map(|(_, value)| value.0).collect());
        }
        AlertMatch { networks, severities: self.severity.each().map(|(_, choice)| choice.severity()).collect(), groups }
    }
}

/// The nearest known name, or all of them.
fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("; did you mean {near}?"),
        None => {
            let known: Vec<&str> = known.collect();
            if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) }
        }
    }
}

/// Warnings about receivers whose `match` excludes alerts from every receiver.
pub(super) fn warnings(alerting: &AlertingSettings, watch: &[WatchConfig]) -> Vec<String> {
    let mut warnings = Vec::new();
    for receiver in &alerting.receivers {
        for (key, values) in &receiver.matches.groups {
            let known: BTreeSet<&String> = watch.iter().filter_map(|(_, entry)| entry.groups.get(key)).collect();
            for value in values.iter().filter(|value| !known.contains(value)) {
                let hint = suggestion(value, known.iter().map(|value| value.as_str()));
                warnings
                    .push(format!("receiver {}: no entry of watch has the group {key}={value:?}{hint}", receiver.name));
            }
        }
    }
    let mut receivers = alerting.receivers.iter();
    if !alerting.receivers.is_empty() && !receivers.any(|receiver| receiver.matches.takes_exporter_alerts()) {
        warnings.push(
            "no receiver gets alerts about the exporter itself: each has a match on a network or on groups, so nothing is sent when \
             the configuration or a notification fails"
                .into(),
        );
    }
    warnings
}
