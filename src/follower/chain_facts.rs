//! What is asked beside the list: facts about the network, the node's own view of peers, and a check of our list.
//!
//! Never here: anything without which a list could not be published.

use tracing::warn;

use std::collections::HashMap;
use std::sync::Arc;

use crate::follower::source::{self, Identity, SourceError};
use crate::follower::{Follower, block_sync};
use crate::rpc::ChainInfo;
use domain::chain_facts::ChainFacts;
use domain::masternode::Height;
use domain::payment::PaymentModel;
use domain::{MasternodeId, Subnet};

/// What was asked beside the list, and when it is due again.
pub(super) struct Facts {
    pub(super) chain: ChainFacts,
    sporks_read: Option<Height>,
    spacing_read: Option<Height>,
    types_read: Option<Height>,
    list_read: Height,
}

impl Facts {
    /// Nothing is known yet but the list, which was read at `height`.
    fn new(subnet: Subnet, height: Height) -> Facts {
        let chain = ChainFacts::new(subnet);
        Facts { chain, sporks_read: None, spacing_read: None, types_read: None, list_read: height }
    }
}

impl Follower {
    /// What is known beside the list; what cannot be asked stays as it was. Some of it is due only every so many blocks.
    pub(super) async fn refresh_chain_facts(&mut self, index: usize, chain: &ChainInfo) {
        const SPORK_BLOCKS: u32 = 24;
        const SPACING_BLOCKS: u32 = 100;
        let Some(tip) = self.book.as_ref().map(|book| *book.tip()) else { return };
        let client = &self.sources[index].client;
        let subnet =
            self.sources.identity.as_ref().map_or_else(|| Subnet::from_chain_name(&chain.chain), Identity::subnet);
        let deployment = self.sources.deployment(index);
        let newest = self.sources.newest_version();
        let facts = self.facts.get_or_insert_with(|| Facts::new(subnet, tip.height));
        facts.chain.deployment = deployment;
        facts.chain.coinbase_version = self.sources[index].forks.coinbase.map(|(_, version)| version);
        facts.chain.subnet = subnet;
        facts.chain.node_version = self.sources[index].version;
        facts.chain.newest_version = newest;
        facts.chain.evo_payments = source::evo_payments(chain, self.sources[index].version);
        facts.chain.tells_sessions = self.sources[index].tells_sessions();
        let chainlock = client.chainlock().await;
        facts.chain.chainlock_height = chainlock.ok().flatten().map(|(height, _)| height);
        let drawn = matches!(self.settings.rules.payment, PaymentModel::Pool(_));
        if drawn && self.sources[index].client.dialect().winners.is_some() {
            // Votes of the tip itself still keep their payees out of the queue.
            let votes = if self.sources[index].has_votes { client.votes(1).await.ok() } else { None };
            facts.chain.votes = votes;
        }
        let due = |read: Option<Height>, blocks| {
            read.is_none_or(|read| tip.height.above(read) >= blocks || read > tip.height)
        };
        if due(facts.sporks_read, SPORK_BLOCKS)
            && let Ok(sporks) = client.sporks().await
        {
            facts.chain.sporks = sporks;
            facts.sporks_read = Some(tip.height);
        }
        // The public networks hold those of the table; on others it depends on how they were set up.
        let by_setup = matches!(subnet, Subnet::Regtest | Subnet::Devnet) && self.sources[index].tells_quorums;
        if by_setup
            && due(facts.types_read, SPORK_BLOCKS)
            && let Ok(types) = client.quorum_types().await
        {
            facts.chain.held_types = Some(types);
            facts.types_read = Some(tip.height);
        }
        if due(facts.spacing_read, SPACING_BLOCKS)
            && let Ok(spacing) = block_sync::measure_spacing(client, &tip).await
        {
            facts.chain.measured_spacing_seconds = spacing;
            facts.spacing_read = Some(tip.height);
        }
    }

    /// Compares the list carried on from block to block with the node's own count, and now and then with its full list.
    /// Returns whether the list had to be corrected.
    pub(super) async fn check_against_node(&mut self, index: usize) -> Result<bool, SourceError> {
        if !self.sources[index].client.dialect().is_pinned() {
            // It was read whole just now, and may differ from the count by what happened in between.
            return Ok(false);
        }
        let rule = self.penalty_rule();
        let (Some(book), Some(facts)) = (&self.book, &mut self.facts) else { return Ok(false) };
        let tip = *book.tip();
        let client = self.sources[index].client.clone();
        let counted = source::optional(client.masternode_count().await)?;
        let agrees = counted.is_none_or(|count| {
            // Of entries that could not be read it is not known whether they are enabled.
            let (list, unreadable) = (book.list(), book.list().unreadable().entries());
            count.total as usize == list.registered() + unreadable
                && (list.valid()..=list.valid() + unreadable).contains(&(count.enabled as usize))
        });
        let due = tip.height.above(facts.list_read) >= self.settings.resync_blocks;
        if (agrees && !due) || client.best_block_hash().await? != tip.hash {
            // A block came in between: the counts are not of our tip, the next block compares again.
            return Ok(false);
        }
        // Noted before it is read: a list that cannot be read is tried again when it is due again.
        facts.list_read = tip.height;
        let full = self.full_list(index, tip).await?;
        let Some(book) = &mut self.book else { return Ok(false) };
        let (wrong, found) = book.correct(full, rule.as_ref());
        self.recorder.amend(found).await;
        if wrong > 0 || !agrees {
            self.meters.resyncs.inc();
            warn!(
                network = %self.settings.network,
                height = tip.height.0,
                "the list of {} was read anew at height {}: {wrong} masternodes differed from the node's",
                self.settings.network,
                tip.height
            );
        }
        Ok(wrong > 0)
    }

    /// Asks the node how it sees some of the watched masternodes itself: a few a block, each in its turn.
    pub(super) async fn ask_for_peers(&mut self, index: usize) {
        const PER_BLOCK: usize = 8;
        if self.sources[index].client.dialect().collateral.is_some() {
            return self.ask_for_collaterals(index).await;
        }
        let Some(book) = &mut self.book else { return };
        let listed: Vec<MasternodeId> =
            self.watched.iter().map(|watched| watched.id).filter(|id| book.list().position(id).is_some()).collect();
        let mut seen = Vec::new();
        for offset in 0..listed.len().min(PER_BLOCK) {
            let id = listed[(self.peers_asked + offset) % listed.len()];
            match self.sources[index].client.masternode(&id).await {
                Ok(masternode) => seen.push((id, masternode.peer)),
                Err(_) => break,
            }
        }
        self.peers_asked = self.peers_asked.wrapping_add(PER_BLOCK);
        if !seen.is_empty() {
            book.amend(|list| list.see_peers(&seen));
        }
    }

    /// Asks how deep collaterals are, of watched masternodes first, some a block. The block of a collateral never
    /// changes, so each is asked once; one that was reorganised away leaves the list.
    async fn ask_for_collaterals(&mut self, index: usize) {
        const PER_BLOCK: usize = 32;
        let (Some(book), Some(facts)) = (&self.book, &mut self.facts) else { return };
        let known = &facts.chain.collateral_heights;
        let list = book.list();
        let watched = self.watched.iter().map(|watched| watched.id).filter(|id| list.position(id).is_some());
        // Who was never paid would stand first in the queue, and is the most likely to be too young for it.
        let (never, paid): (Vec<_>, Vec<_>) =
            list.masternodes().iter().partition(|masternode| masternode.last_paid_height.is_none());
        let all = watched.chain(never.into_iter().chain(paid).map(|masternode| masternode.id));
        let wanted: Vec<MasternodeId> = all.filter(|id| !known.contains_key(id)).take(PER_BLOCK).collect();
        let mut learnt = HashMap::new();
        for id in wanted {
            let MasternodeId::Collateral(outpoint) = &id else { continue };
            match self.sources[index].client.collateral_height(outpoint, book.tip()).await {
                Ok(Some(height)) => learnt.insert(id, height),
                Ok(None) => continue,
                Err(_) => break,
            };
        }
        if !learnt.is_empty() {
            Arc::make_mut(&mut facts.chain.collateral_heights).extend(learnt);
        }
    }
}
