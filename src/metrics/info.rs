//! The one family whose labels are what can change: `masternode_info`.
//!
//! Never here: a label whose values are not bounded by the number of masternodes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Details, NodeType, state};
use crate::metrics::labels;
use crate::metrics::masternode::Row;

/// Digits of the operator key that are shown: enough to tell keys apart.
const KEY_DIGITS: usize = 16;

/// Everything that the labels of a masternode follow from.
#[derive(Debug)]
pub(super) struct Facts {
    details: Arc<Details>,
    node_type: NodeType,
    state: Cow<'static, str>,
    groups: BTreeMap<String, String>,
}

impl PartialEq for Facts {
    fn eq(&self, other: &Facts) -> bool {
        // Lists of neighbouring blocks share what did not change.
        (Arc::ptr_eq(&self.details, &other.details) || self.details == other.details)
            && (self.node_type, &self.state) == (other.node_type, &other.state)
            && self.groups == other.groups
    }
}

/// The facts of a masternode; `None` when it is not on the list.
pub(super) fn facts(row: &Row<'_>) -> Option<Facts> {
    let node = row.node?;
    let states = &row.snapshot.rules().states;
    Some(Facts {
        details: node.masternode.details.clone(),
        node_type: node.masternode.node_type,
        state: state::label(states, state::place(states, node.masternode)),
        groups: row.watched.map(|watched| watched.watched.groups.clone()).unwrap_or_default(),
    })
}

/// Appends the labels, each with a comma before it, and the end of the line. Nothing when there are no facts.
pub(super) fn write(facts: &Option<Facts>, out: &mut Vec<u8>) {
    let Some(facts) = facts else { return };
    let details = &*facts.details;
    let key = details.operator_key.as_deref().unwrap_or_default();
    let pairs = [
        ("node_type", facts.node_type.label()),
        ("address", details.address.as_deref().unwrap_or_default()),
        ("state", &facts.state),
        ("payout_address", details.payout_address.as_deref().unwrap_or_default()),
        ("owner_address", details.owner_address.as_deref().unwrap_or_default()),
        ("operator_key", key.get(..KEY_DIGITS).unwrap_or(key)),
    ];
    let groups = facts.groups.iter().map(|(key, group)| (key.as_str(), group.as_str()));
    for (name, value) in pairs.into_iter().chain(groups) {
        out.push(b',');
        labels::write(out, name, value);
    }
    out.extend_from_slice(b"} 1\n");
}
