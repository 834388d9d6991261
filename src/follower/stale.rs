//! A snapshot that no source confirms is withdrawn after `stale_after`.
//!
//! Never here: when a source is confirmed; publishing.

use tracing::warn;

use crate::follower::Follower;
use crate::follower::fork::Activation;
use crate::follower::source::Source;

impl Follower {
    /// Withdraws the snapshot that no source confirmed for `stale_after`. Where the history does not say which network this is, a
    /// source of another one may be followed from then on.
    pub(super) fn withdraw_if_stale(&mut self, troubles: &[String]) {
        let stale = self.confirmed.is_some_and(|confirmed| confirmed.elapsed() >= self.settings.stale_after);
        if stale && self.published.borrow().is_some() {
            warn!(
                network = %self.settings.network,
                "nothing is published of network {} any more: no source confirmed its list for {:?} ({})",
                self.settings.network,
                self.settings.stale_after,
                troubles.join("; ")
            );
            self.published.send_replace(None);
            if self.sources.iter().any(Source::is_elsewhere) && !self.chain.history.is_bound() {
                // Perhaps the network was mistaken, not the source: the first answer now says which it is.
                self.identity = None;
                self.active = None;
                self.activation = Activation::default();
                self.chain.state.give_up(None);
                self.chain.history.close();
            }
        }
    }
}
