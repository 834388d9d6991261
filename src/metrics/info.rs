//! The family whose labels are the mutable facts of a masternode: `masternode_info`.
//!
//! Never here: a label whose values are not bounded by the number of masternodes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::metrics::labels;
use crate::metrics::masternode::Row;
use domain::{Detail, Details, NodeType, state};

/// Digits of the operator key that are shown: enough to distinguish keys.
const KEY_DIGITS: usize = 16;

/// The input of the labels of a masternode.
#[derive(PartialEq)]
pub(super) struct Facts<'a> {
    // Lists of neighbouring blocks share the details of most masternodes, so this is rarely computed.
    details: Option<&'a Details>,
    /// Unknown while it is not in the list.
    node_type: Option<NodeType>,
    state: Cow<'static, str>,
    groups: Option<&'a BTreeMap<String, String>>,
}

/// The state of a watched masternode that is not in the list: its groups are shown, so that alerts can be routed by
/// them.
const UNREGISTERED: &str = "unregistered";

/// The facts of a masternode.
pub(super) fn facts<'a>(row: &Row<'a>) -> Facts<'a> {
    let node = row.node();
    let masternode = node.map(|node| node.masternode);
    Facts {
        details: masternode.map(|masternode| &masternode.details),
        node_type: masternode.map(|masternode| masternode.node_type),
        state: node.map_or(Cow::Borrowed(UNREGISTERED), |node| state::label(&row.snapshot.rules().states, node.state)),
        groups: row.watched.map(|watched| &watched.watched.groups),
    }
}

/// Appends the labels, each after a comma, and the end of the line.
pub(super) fn write(facts: &Facts<'_>, out: &mut Vec<u8>) {
    let text = |detail| facts.details.and_then(|details| details.get(detail)).unwrap_or_default();
    let key = text(Detail::OperatorKey);
    let pairs = [
        ("node_type", facts.node_type.map_or("", NodeType::label)),
        ("address", &*text(Detail::Address)),
        ("state", &*facts.state),
        ("payout_address", &*text(Detail::PayoutAddress)),
        ("owner_address", &*text(Detail::OwnerAddress)),
        ("operator_key", key.get(..KEY_DIGITS).unwrap_or(&key)),
    ];
    let groups = facts.groups.into_iter().flatten().map(|(key, group)| (key.as_str(), group.as_str()));
    for (name, value) in pairs.into_iter().chain(groups) {
        out.push(b',');
        labels::write(out, name, value);
    }
    out.extend_from_slice(b"} 1\n");
}
