//! The one family whose labels are what can change: `masternode_info`.
//!
//! Never here: a label whose values are not bounded by the number of masternodes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::{Detail, Details, NodeType, state};
use crate::metrics::labels;
use crate::metrics::masternode::Row;

/// Digits of the operator key that are shown: enough to tell keys apart.
const KEY_DIGITS: usize = 16;

/// Everything that the labels of a masternode follow from.
#[derive(PartialEq)]
pub(super) struct Facts<'a> {
    // Lists of neighbouring blocks share the details of most masternodes, so they are seldom looked into.
    details: &'a Details,
    node_type: NodeType,
    state: Cow<'static, str>,
    groups: Option<&'a BTreeMap<String, String>>,
}

/// The facts of a masternode; `None` when it is not on the list.
pub(super) fn facts<'a>(row: &Row<'a>) -> Option<Facts<'a>> {
    let masternode = row.node()?.masternode;
    let states = &row.snapshot.rules().states;
    Some(Facts {
        details: &masternode.details,
        node_type: masternode.node_type,
        state: state::label(states, state::place(states, masternode)),
        groups: row.watched.map(|watched| &watched.watched.groups),
    })
}

/// Appends the labels, each with a comma before it, and the end of the line. Nothing when there are no facts.
pub(super) fn write(facts: Option<Facts<'_>>, out: &mut Vec<u8>) {
    let Some(facts) = facts else { return };
    let text = |detail| facts.details.get(detail).unwrap_or_default();
    let key = text(Detail::OperatorKey);
    let pairs = [
        ("node_type", facts.node_type.label()),
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
