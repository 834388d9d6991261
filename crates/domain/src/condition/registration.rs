//! Whether the registration of a watched masternode is of a version that the network demands.
//!
//! Never here: what calls tell; which version is demanded (`requirement`).

use crate::requirement::{Case, Requirement};
use crate::snapshot::{NodeView, Snapshot, WatchedEntry};

/// Whether the registration is known to be too old.
pub(super) fn is_old(snapshot: &Snapshot, node: &NodeView<'_>) -> bool {
    let verdict = Case::of(snapshot, Some(node), None).and_then(|case| case.verdict(Requirement::ProtxVersion));
    verdict.is_some_and(|verdict| !verdict.met)
}

/// Watched masternodes of whose registration it is not known whether it is too old.
pub fn unknown_versions(snapshot: &Snapshot) -> impl Iterator<Item = &WatchedEntry> {
    snapshot.watched().iter().filter(|watched| {
        let node = watched.index.map(|index| snapshot.node(index));
        Case::of(snapshot, node.as_ref(), None).is_some_and(|case| case.protx_version_is_unknown())
    })
}
