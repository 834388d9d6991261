//! What is watched, over restarts: a masternode whose payee or key changed on the chain stays watched, and so do those that the
//! sources ran as, although one does not answer after a restart.
//!
//! Never here: the selection (`watching`); the form of the record (`history`).

use crate::follower::Follower;
use crate::follower::block_sync::ChainSync;
use crate::follower::recorded_chain::RecordedChain;
use crate::follower::watching::Watching;

/// Takes over what an earlier process selected, once the history can be read.
pub(super) async fn recall(recorded: &RecordedChain, watching: &mut Watching) {
    let Some(history) = recorded.history.writer().filter(|_| !watching.is_recalled()) else { return };
    if let Ok(kept) = history.watched_targets(&recorded.settings.network).await {
        watching.recall(kept);
    }
}

/// Records what changed since the last call. A failure is reported by the history, and retried at the next call.
pub(super) async fn keep(follower: &mut Follower) {
    let ChainSync { recorded, lists, .. } = &mut follower.chain;
    let (Some(history), Some(followed)) = (recorded.history.writer(), recorded.followed()) else { return };
    let Some(targets) = lists.watching.record(followed.list()) else { return };
    if history.keep_watched_targets(&recorded.settings.network, &targets).await.is_ok() {
        lists.watching.are_kept(targets);
    }
}
