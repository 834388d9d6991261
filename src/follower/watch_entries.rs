//! Logs what the watch list watches: entries that match no masternode, events of watched masternodes, an empty list.
//!
//! Never here: which masternodes are watched.

use tracing::{debug, info, warn};

use domain::Snapshot;
use domain::event::{Event, EventKind};
use domain::masternode::MasternodeId;
use domain::watch::{NOTHING_WATCHED, WATCH_LINES, WatchTarget};

/// Logs that no masternode of a network is watched, with what to do.
pub(super) fn log_nothing(network: &str) {
    let lines = WATCH_LINES.trim_end();
    warn!(network, "{NOTHING_WATCHED} This is network {network}. Add to the configuration:\n{lines}");
}

/// Logs that the sources of a network run as these masternodes, which are watched for that reason.
pub(super) fn log_own<'a>(network: &str, own: impl IntoIterator<Item = &'a MasternodeId>) {
    for id in own {
        info!(network, masternode = %id, "Masternode {id} of {network} is watched: a source runs as it");
    }
}

/// Logs the events of watched masternodes; payments, which are many, at level debug.
pub(super) fn log_events<'a>(
    network: &str,
    events: &[Event],
    watched: impl Fn(&MasternodeId) -> Option<&'a WatchTarget>,
) {
    for event in events {
        let Some(target) = watched(&event.masternode) else { continue };
        let (id, height, what) = (&event.masternode, event.block.height.0, event.kind.describe());
        let name = if target.alias.is_empty() { id.to_string() } else { target.alias.clone() };
        let or_before = if event.exact { "" } else { " or before" };
        match event.kind {
            EventKind::Payment { .. } => {
                debug!(network, masternode = %id, height, "Masternode {name} of {network}: {what}, block {height}{or_before}");
            }
            _ => {
                info!(network, masternode = %id, height, "Masternode {name} of {network}: {what}, block {height}{or_before}");
            }
        }
    }
}

/// Logs the problems of entries, unless the previous snapshot had them already.
pub(super) fn log_problems(before: Option<&Snapshot>, now: &Snapshot) {
    for found in now.entry_matches() {
        let Some(problem) = found.problem() else { continue };
        if before.is_some_and(|before| before.entry_matches().contains(found)) {
            continue;
        }
        warn!(network = now.network(), "On {}: {problem}", now.network());
    }
}
