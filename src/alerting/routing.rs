//! Which alerts a receiver gets: the setting `match`.
//!
//! Never here: past notifications of a receiver (`state`).

use std::collections::BTreeMap;

use crate::alerting::settings::Receiver;
use crate::alerting::state::Labels;
use domain::condition::Severity;

/// Conditions on the labels of an alert. All must hold; an empty one holds for every alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertMatch {
    /// The label `network` is one of these.
    pub networks: Vec<String>,
    /// The severity is one of these.
    pub severities: Vec<Severity>,
    /// Each of these groups of `watch` has one of the values.
    pub groups: BTreeMap<String, Vec<String>>,
}

impl AlertMatch {
    /// Whether an alert of this severity with these labels matches. An alert without a required label does not match:
    /// an alert of a network has no groups, an alert of the exporter has no network.
    pub(super) fn fits(&self, severity: Severity, labels: &Labels) -> bool {
        let is_one_of = |values: &[String], label: Option<&String>| label.is_some_and(|label| values.contains(label));
        let network = self.networks.is_empty() || is_one_of(&self.networks, labels.get("network"));
        let severity = self.severities.is_empty() || self.severities.contains(&severity);
        // An alert of a whole group names it in two labels.
        let group = |key: &str| match labels.get("group_key") {
            Some(group_key) if group_key == key => labels.get("group"),
            _ => labels.get(key),
        };
        network && severity && self.groups.iter().all(|(key, values)| is_one_of(values, group(key)))
    }
}

impl Receiver {
    /// Whether the receiver gets alerts of this severity with these labels.
    pub fn wants(&self, severity: Severity, labels: &Labels) -> bool {
        severity <= self.minimum_severity && self.matches.fits(severity, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn all_conditions_must_hold_and_a_missing_label_matches_nothing() {
        let texts = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<String>>();
        let networks = AlertMatch { networks: texts(&["main", "test"]), ..AlertMatch::default() };
        let severities = AlertMatch { severities: vec![Severity::Critical], ..AlertMatch::default() };
        let groups = [("customer".to_string(), texts(&["acme", "umbrella"])), ("site".to_string(), texts(&["fra"]))];
        let groups = AlertMatch { groups: groups.into(), ..AlertMatch::default() };
        let node = labels(&[("network", "main"), ("customer", "acme"), ("site", "fra")]);
        let elsewhere = labels(&[("network", "dev"), ("customer", "acme"), ("site", "ams")]);
        let group = labels(&[("network", "main"), ("group_key", "customer"), ("group", "acme")]);
        let exporter = labels(&[("job", "masternode-exporter")]);
        let one_group =
            AlertMatch { groups: [("customer".to_string(), texts(&["acme"]))].into(), ..AlertMatch::default() };
        for (what, matcher, severity, labels, expected) in [
            ("no condition", &AlertMatch::default(), Severity::Info, &exporter, true),
            ("its network", &networks, Severity::Info, &node, true),
            ("another network", &networks, Severity::Info, &elsewhere, false),
            ("no network", &networks, Severity::Critical, &exporter, false),
            ("its severity", &severities, Severity::Critical, &exporter, true),
            ("another severity", &severities, Severity::Warning, &exporter, false),
            ("its groups", &groups, Severity::Info, &node, true),
            ("one of two groups", &groups, Severity::Info, &elsewhere, false),
            ("a group as a whole", &one_group, Severity::Info, &group, true),
            ("no groups", &one_group, Severity::Critical, &exporter, false),
        ] {
            assert_eq!(matcher.fits(severity, labels), expected, "{what}");
        }
    }
}
