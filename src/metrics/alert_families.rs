//! The families of alerts, each defined once. Their samples follow from an evaluation.
//!
//! Never here: families of a snapshot (`catalog`).

use crate::metrics::catalog::{Family, Kind, Tier};

/// Labels of the alert families that all subjects have.
const OF_ALERTS: &[&str] = &["alertname", "severity"];

#[doc = "Every condition."]
pub const ALERT_CONDITION: Family = Family {
    name: "masternode_alert_condition",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: OF_ALERTS,
    help: "1 if the condition of an alert holds; 0 if it is known not to hold, except of masternodes, for which masternode_alert_subject says so; absent if it is not known. Further labels name the subject: masternode, alias, node_type and groups, or group_key and group, quorum_type, source, or receiver.",
};

#[doc = "Conditions that could not be evaluated."]
pub const ALERT_CONDITION_UNKNOWN: Family = Family {
    name: "masternode_alert_condition_unknown",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: OF_ALERTS,
    help: "Constant 1 for each condition that could not be evaluated, with the labels of masternode_alert_condition.",
};

#[doc = "Watched masternodes that were evaluated."]
pub const ALERT_SUBJECT: Family = Family {
    name: "masternode_alert_subject",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &[],
    help: "Constant 1 for each watched masternode that was evaluated, with its labels in masternode_alert_condition. A condition of it that is neither there nor in masternode_alert_condition_unknown does not hold, unless masternode_alert_condition_inapplicable has it.",
};

#[doc = "Conditions without evidence, or that do not apply."]
pub const ALERT_CONDITION_INAPPLICABLE: Family = Family {
    name: "masternode_alert_condition_inapplicable",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: OF_ALERTS,
    help: "Number of watched masternodes of a network and type to which a condition does not apply at this exporter: for example, because probes are disabled or the watch list has no expectations; absent if there are none.",
};

#[doc = "Texts of conditions that hold."]
pub const ALERT_TEXT: Family = Family {
    name: "masternode_alert_text",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &["alertname", "severity", "text"],
    help: "Constant 1 for each condition that holds, with the labels of masternode_alert_condition and the text of its alert.",
};

#[doc = "Networks with a fresh list."]
pub const ALERT_EVALUATED: Family = Family {
    name: "masternode_alert_evaluated",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &[],
    help: "Constant 1 for each network with a fresh masternode list, whose watched masternodes all have their conditions in this exposition. Absent while there is no fresh list.",
};

/// The alert families. Their source is an evaluation, not a snapshot.
pub const ALERT_FAMILIES: &[Family] = &[
    ALERT_CONDITION,
    ALERT_CONDITION_UNKNOWN,
    ALERT_CONDITION_INAPPLICABLE,
    ALERT_SUBJECT,
    ALERT_TEXT,
    ALERT_EVALUATED,
];
