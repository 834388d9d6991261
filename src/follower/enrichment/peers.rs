//! The node's own view of watched masternodes: a few per block.
//!
//! Never here: handshakes with masternodes (`probe`).

use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::Source;
use domain::MasternodeId;
use domain::watch::WatchTarget;

/// Masternodes whose peers are asked for at one block.
const PEERS_PER_BLOCK: usize = 8;

/// The queries about single masternodes, in rotation.
#[derive(Default)]
pub(super) struct PeerQueries {
    asked: usize,
}

impl PeerQueries {
    /// Asks about the next masternodes.
    pub(super) async fn refresh(&mut self, source: &Source, followed: &mut FollowedChain, watched: &[WatchTarget]) {
        let list = followed.list();
        let listed: Vec<MasternodeId> =
            watched.iter().map(|watched| watched.id).filter(|id| list.position(id).is_some()).collect();
        let mut seen = Vec::new();
        for offset in 0..listed.len().min(PEERS_PER_BLOCK) {
            let id = listed[(self.asked + offset) % listed.len()];
            match source.client.masternode(&id, None).await {
                Ok(masternode) => seen.push((id, masternode.peer)),
                Err(_) => break,
            }
        }
        self.asked = self.asked.wrapping_add(PEERS_PER_BLOCK);
        if !seen.is_empty() {
            followed.amend(|list| list.see_peers(&seen));
        }
    }
}
