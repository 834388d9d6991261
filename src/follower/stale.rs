//! A snapshot that no source confirms is withdrawn after `stale_after`.
//!
//! Never here: when a source is confirmed; publishing.

use tracing::warn;

use crate::follower::Follower;
use crate::follower::chain_state::ChainState;
use crate::follower::source::Source;

impl Follower {
    /// Withdraws the snapshot that no source confirmed for `stale_after`. Where the history does not say which network this is, a
    /// source of another one may be followed from then on.
    pub(super) fn withdraw_if_stale(&mut self, troubles: &[String]) {
        if self.sources.is_stale() && self.is_published() {
            warn!(
                network = %self.settings.network,
                "nothing is published of network {} any more: no source confirmed its list for {:?} ({})",
                self.settings.network,
                self.settings.stale_after,
                troubles.join("; ")
            );
            self.withdraw();
            if self.sources.iter().any(Source::is_elsewhere) && !self.recorder.is_bound() {
                // Perhaps the network was mistaken, not the source: the first answer now says which it is.
                self.sources.forget_network();
                self.tallies = self.book.take().map(ChainState::close).unwrap_or_default();
                self.recorder.close();
            }
        }
    }
}
