//! The families of the conditions of alerts. Their source is an evaluation, not a snapshot.
//!
//! Never here: the conditions.

use crate::catalog::{Family, Kind, Tier};

families! {
    /// All families of conditions.
    FAMILIES;
    CONDITION: "masternode_alert_condition" Gauge Aggregate ["alertname", "severity"]
        "1 if the condition of an alert holds; 0 if it is known not to hold, except of masternodes, for which masternode_alert_subject says so; absent if it is not known. Further labels name the subject: masternode, alias, node_type and groups, or group_key and group, quorum_type, source, or receiver.";
    CONDITION_UNKNOWN: "masternode_alert_condition_unknown" Gauge Aggregate ["alertname", "severity"]
        "Constant 1 for each condition that could not be evaluated, with the labels of masternode_alert_condition.";
    CONDITION_INAPPLICABLE: "masternode_alert_condition_inapplicable" Gauge Aggregate ["alertname", "severity"]
        "Number of watched masternodes of a network and type to which a condition does not apply at this exporter: for example, because probes are disabled or the watch list has no expectations; absent if there are none.";
    SUBJECT: "masternode_alert_subject" Gauge Aggregate []
        "Constant 1 for each watched masternode that was evaluated, with its labels in masternode_alert_condition. A condition of it that is neither there nor in masternode_alert_condition_unknown does not hold, unless masternode_alert_condition_inapplicable has it.";
    TEXT: "masternode_alert_text" Gauge Aggregate ["alertname", "severity", "text"]
        "Constant 1 for each condition that holds, with the labels of masternode_alert_condition and the text of its alert.";
    EVALUATED: "masternode_alert_evaluated" Gauge Aggregate []
        "Constant 1 for each network with a fresh masternode list, whose watched masternodes all have their conditions in this exposition. Absent while there is no fresh list.";
}
