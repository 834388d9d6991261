//! Votes that arrive after their block: they are read again, and published with the same list.
//!
//! Never here: when they are due (`enrichment`).

use tracing::debug;

use crate::follower::Follower;

impl Follower {
    /// Reads the votes of the tip again if they are due. Without an answer, those that were read before stay.
    pub(super) async fn read_votes(&mut self) {
        let is_due = self.chain.enrichment.take_votes_due();
        let Some(index) = self.sources.active.filter(|_| is_due) else { return };
        match self.chain.enrichment.read_votes(&self.sources[index]).await {
            Ok(true) => self.publish_again(),
            Ok(false) => {}
            Err(trouble) => {
                let network = &self.settings.network;
                debug!(%network, "Votes of {network} were not read again: {trouble}");
            }
        }
    }
}
