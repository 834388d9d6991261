//! The one family whose labels are what can change: `masternode_info`.
//!
//! Never here: a label whose values are not bounded by the number of masternodes.

use crate::metrics::labels;
use crate::metrics::masternode::{Row, STATES, state};

/// Digits of the operator key that are shown: enough to tell keys apart.
const KEY_DIGITS: usize = 16;

/// Appends the labels, each with a comma before it. Returns whether there is a sample at all.
pub(super) fn write_labels(row: &Row<'_>, out: &mut Vec<u8>) -> bool {
    let Some(node) = row.node else { return false };
    let details = &node.masternode.details;
    let key = details.operator_key.as_deref().unwrap_or_default();
    let pairs = [
        ("node_type", node.masternode.node_type.label()),
        ("address", details.address.as_deref().unwrap_or_default()),
        ("state", STATES[state(&node)]),
        ("payout_address", details.payout_address.as_deref().unwrap_or_default()),
        ("owner_address", details.owner_address.as_deref().unwrap_or_default()),
        ("operator_key", key.get(..KEY_DIGITS).unwrap_or(key)),
    ];
    for (name, value) in pairs {
        out.push(b',');
        labels::write(out, name, value);
    }
    for (key, group) in row.watched.iter().flat_map(|watched| &watched.watched.groups) {
        out.push(b',');
        labels::write(out, key, group);
    }
    true
}
