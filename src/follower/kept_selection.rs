//! What the watch list selected, over restarts: a masternode whose payee or key changed on the chain stays watched, and so do
//! those that the sources ran as, although one does not answer after a restart.
//!
//! Never here: the selection (`watching`).

use crate::follower::recorded_chain::RecordedChain;
use crate::follower::watching::Watching;
use crate::history::TextTable;

/// Beginning of the keys.
const KEY: &str = "selected ";

/// Takes over what an earlier process selected, once the history can be read; afterwards keeps what changed since the last call.
pub(super) async fn exchange(recorded: &RecordedChain, watching: &mut Watching) {
    let Some(history) = recorded.history.writer() else { return };
    let prefix = format!("{KEY}{} ", recorded.settings.network);
    if !watching.is_recalled() {
        let Ok(texts) = history.texts(TextTable::Operator).await else { return };
        let of_network = |(key, text): (String, String)| Some((key.strip_prefix(&prefix)?.parse().ok()?, text));
        watching.recall(texts.into_iter().filter_map(of_network).collect());
    }
    let changes = watching.changes();
    if changes.is_empty() {
        return;
    }
    let texts = changes.iter().map(|(id, text)| (format!("{prefix}{id}"), text.clone())).collect();
    // A failure is reported by the history, and retried at the next block.
    if history.keep_texts(TextTable::Operator, texts).await.is_ok() {
        watching.are_kept(changes);
    }
}
