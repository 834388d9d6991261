//! Logs entries of the watch list that match no masternode, once.
//!
//! Never here: which masternodes are watched.

use tracing::warn;

use domain::Snapshot;
use domain::entry_matches::EntryKind;

/// Logs the entries without a match, unless the previous snapshot had them already.
pub(super) fn log_unmatched(before: Option<&Snapshot>, now: &Snapshot) {
    for found in now.entry_matches().iter().filter(|found| found.masternodes == 0) {
        if before.is_some_and(|before| before.entry_matches().contains(found)) {
            continue;
        }
        let (place, target) = match found.kind {
            EntryKind::Watch => ("watch", "no masternode"),
            EntryKind::Maintenance => ("alerting.maintenance", "no masternode that is watched"),
        };
        warn!(network = now.network(), "An entry of {place} matches {target} of {}: {}", now.network(), found.entry);
    }
}
