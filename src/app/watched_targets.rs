//! Records the watched masternodes in the history, for commands that read it without a node.
//!
//! Never here: which masternodes are watched.

use std::collections::HashSet;

use crate::app::App;
use crate::history::{RecordedTarget, TextTable};
use domain::MasternodeId;
use domain::snapshot::{Snapshot, WatchedEntry};
use domain::watch::Selector;

impl App {
    /// Records those that changed since the last look. A failure is reported by the history, and retried at the next look.
    pub(super) async fn keep_watched_targets(&mut self) {
        let Some(history) = self.shared.history.clone() else { return };
        let by_id = self.config.watch.iter().filter_map(|(_, entry)| match entry.selector {
            Selector::Id(id) => Some(id),
            Selector::Fields(_) | Selector::Own => None,
        });
        let named: HashSet<MasternodeId> = by_id.collect();
        for state in self.published() {
            let Some(last) = state.last() else { continue };
            let targets: Vec<_> = last.watched().iter().map(|entry| recorded(last, entry, &named)).collect();
            if self.given.targets.get(&*state.network) == Some(&targets) {
                continue;
            }
            let change = RecordedTarget::change(&state.network, &targets);
            if history.keep_texts(TextTable::Operator, change.into_iter().collect()).await.is_ok() {
                self.given.targets.insert(state.network.to_string(), targets);
            }
        }
    }
}

fn recorded(last: &Snapshot, entry: &WatchedEntry, named: &HashSet<MasternodeId>) -> RecordedTarget {
    let target = &entry.watched;
    let address = entry.index.and_then(|index| last.node(index).masternode.details.address());
    RecordedTarget {
        id: target.id.to_string(),
        alias: target.alias.clone(),
        groups: target.groups.clone(),
        address: address.map(|address| address.into_owned()),
        is_selected: !named.contains(&target.id),
    }
}
