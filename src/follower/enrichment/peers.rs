//! The node's own view of watched masternodes, and the age of collaterals: a few masternodes per block.
//!
//! Never here: handshakes with masternodes (`probe`).

use std::collections::HashMap;
use std::sync::Arc;

use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::Source;
use domain::MasternodeId;
use domain::chain_facts::ChainFacts;
use domain::watch::WatchTarget;

/// Masternodes whose peers are asked for at one block.
const PEERS_PER_BLOCK: usize = 8;

/// Collaterals whose depth is asked for at one block.
const COLLATERALS_PER_BLOCK: usize = 32;

/// The queries about single masternodes, in rotation.
#[derive(Default)]
pub(super) struct PeerQueries {
    asked: usize,
}

impl PeerQueries {
    /// Asks about the next masternodes: the depth of their collaterals if the list does not contain it, otherwise the
    /// node's view of them.
    pub(super) async fn refresh(
        &mut self,
        source: &Source,
        followed: &mut FollowedChain,
        facts: &mut ChainFacts,
        watched: &[WatchTarget],
    ) {
        if source.client.dialect().collateral.is_some() {
            return ask_for_collaterals(source, followed, facts, watched).await;
        }
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

/// Asks for the depth of collaterals, of watched masternodes first. The block of a collateral never changes, so each is
/// read once; a collateral removed by a reorg leaves the list.
async fn ask_for_collaterals(
    source: &Source,
    followed: &FollowedChain,
    facts: &mut ChainFacts,
    watched: &[WatchTarget],
) {
    let known = &facts.collateral_heights;
    let list = followed.list();
    let watched = watched.iter().map(|watched| watched.id).filter(|id| list.position(id).is_some());
    // A masternode that was never paid would be first in the queue, and is the most likely to be too young for it.
    let (never, paid): (Vec<_>, Vec<_>) =
        list.masternodes().iter().partition(|masternode| masternode.last_paid_height.is_none());
    let all = watched.chain(never.into_iter().chain(paid).map(|masternode| masternode.id));
    let wanted: Vec<MasternodeId> = all.filter(|id| !known.contains_key(id)).take(COLLATERALS_PER_BLOCK).collect();
    let mut learnt = HashMap::new();
    for id in wanted {
        let MasternodeId::Collateral(outpoint) = &id else { continue };
        match source.client.collateral_height(outpoint, followed.tip()).await {
            Ok(Some(height)) => learnt.insert(id, height),
            Ok(None) => continue,
            Err(_) => break,
        };
    }
    if !learnt.is_empty() {
        Arc::make_mut(&mut facts.collateral_heights).extend(learnt);
    }
}
