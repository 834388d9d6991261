//! Votes that arrive after their block: they are read again, and published with the same list.
//!
//! Never here: when they are due (`enrichment`).

use tracing::debug;

use crate::follower::Follower;

/// Reads the votes of the tip again if they are due. Without an answer, those that were read before stay.
pub(super) async fn read(follower: &mut Follower) {
    let is_due = follower.chain.enrichment.take_votes_due();
    let Some(index) = follower.sources.active.filter(|_| is_due) else { return };
    match follower.chain.enrichment.read_votes(&follower.sources[index]).await {
        Ok(true) => follower.publish_again(),
        Ok(false) => {}
        Err(trouble) => {
            let network = &follower.settings.network;
            debug!(%network, "Votes of {network} were not read again: {trouble}");
        }
    }
}
