//! The section `match` of a receiver: which alerts it gets.
//!
//! Never here: matching an alert (`alerting::routing`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::AlertingSettings;
use crate::alerting::routing::AlertMatch;
use crate::alerting::settings::Receiver;
use crate::alerting::state::Labels;
use crate::config::leaf::{LabelText, List, Name};
use crate::config::mistakes::Place;
use crate::config::receivers::{Context, SeverityChoice};
use crate::config::{NetworkConfig, WatchConfig};
use crate::nearest::nearest;
use domain::condition::Severity;

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
            if !known.contains(key.as_str()) && !context.grows {
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
pub(super) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("; did you mean {near}?"),
        None => {
            let known: Vec<&str> = known.collect();
            if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) }
        }
    }
}

/// Warnings about groups in a `match` that do not exist, and about alerts that no receiver gets.
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
    let excluded = |what: &String| {
        format!(
            "no receiver gets critical alerts about {what}: the match and minimum_severity of every receiver exclude them"
        )
    };
    warnings.extend(alerting.unrouted.iter().map(excluded));
    warnings
}

/// The kinds of critical alerts that no receiver gets; none without receivers, because then only Prometheus alerts.
pub(super) fn unrouted(receivers: &[Receiver], networks: &[NetworkConfig], watch: &[WatchConfig]) -> Vec<String> {
    let is_sent = |labels: &[(&str, &str)]| {
        let labels: Labels = labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        receivers.is_empty() || receivers.iter().any(|receiver| receiver.wants(Severity::Critical, &labels))
    };
    let mut found = Vec::new();
    if !is_sent(&[]) {
        found.push("the exporter itself".to_string());
    }
    for network in networks.iter().map(|network| network.name.as_str()) {
        if !is_sent(&[("network", network)]) {
            found.push(format!("the network {network} and its sources"));
        }
        let mut groups: BTreeSet<Vec<(&str, &str)>> = BTreeSet::new();
        for (_, entry) in watch.iter().filter(|(only, _)| only.as_deref().is_none_or(|only| only == network)) {
            groups.insert(entry.groups.iter().map(|(key, group)| (key.as_str(), group.as_str())).collect());
        }
        for groups in groups {
            let labels: Vec<(&str, &str)> = groups.iter().copied().chain([("network", network)]).collect();
            if !is_sent(&labels) {
                let shown: Vec<String> = groups.iter().map(|(key, group)| format!("{key}={group}")).collect();
                let shown = if shown.is_empty() { "no group".into() } else { shown.join(" ") };
                found.push(format!("masternodes with {shown} on {network}"));
            }
        }
    }
    found
}
