//! What the sources say of themselves: how far they are, with whom they are connected, and whether they are masternodes.
//! A node that is cut off goes on to say that it is synced and ready (docs/spec/recorded-answers.md#traps).
//!
//! Never here: anything that a list could not be published without.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::follower::FollowerSettings;
use crate::follower::source::{Source, optional};
use crate::follower::source_pool::SourcePool;
use crate::rpc::dash::sessions::SeenSessions;
use crate::rpc::node::FILTER_INDEX;
use crate::rpc::{ChainInfo, NetworkInfo};
use domain::chain_facts::ChainFacts;
use domain::masternode::Height;
use domain::network_state::OwnMasternode;
use domain::probe::Peer;
use domain::release::bad_version;
use domain::session::DkgSessions;
use domain::{Masternode, MasternodeId, MasternodeList};

/// A node that said it is no masternode is asked again after so many reports: that changes with a restart only.
const ORDINARY_REPORTS: u32 = 20;

/// What is asked of sources that a list could be published without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionalQueries {
    /// What they say of themselves: connections, and whether they are masternodes.
    pub reports: bool,
    /// DKG sessions under way, of those who can tell; only where reports are asked for.
    pub sessions: bool,
    /// Who can be drawn for the next DKG sessions.
    pub seats: bool,
}

impl Default for OptionalQueries {
    fn default() -> Self {
        OptionalQueries { reports: true, sessions: true, seats: true }
    }
}

/// What one source last said of itself, as far as it is not published.
#[derive(Default)]
pub(super) struct CollectedHealth {
    /// Which masternode it is: remembered, as it no longer says so while it is banned.
    identity: Option<MasternodeId>,
    /// It said last that it is a masternode.
    is_masternode: bool,
    /// What it says of its version and services, as a peer would see it; `None` while it says nothing.
    said: Option<Peer>,
    /// It does not know or allow the question for its indexes.
    tells_no_indexes: bool,
    /// DKG sessions that it tells, and the block at which the next begins.
    sessions: Option<(SeenSessions, Option<Height>)>,
    /// Reports until it is asked again whether it is a masternode.
    wait: u32,
}

/// Puts together what the sources report of DKG sessions and of themselves. Returns whether it is news.
pub(super) fn collect(sources: &SourcePool, facts: &mut ChainFacts) -> bool {
    let mut sessions = None;
    let mut next = None;
    for report in sources.iter().map(|source| &source.report) {
        let Some((seen, next_session)) = &report.sessions else { continue };
        let own = report.identity.filter(|_| report.is_masternode);
        sessions.get_or_insert_with(DkgSessions::default).add(own, &seen.sessions);
        next = next.max(*next_session);
    }
    let own_nodes = own_nodes(sources);
    let newest = sources.newest_version();
    let same = facts.sessions.as_deref() == sessions.as_ref() && facts.next_session == next;
    if same && *facts.own_nodes == own_nodes && facts.newest_version == newest {
        return false;
    }
    (facts.sessions, facts.next_session) = (sessions.map(Arc::new), next);
    (facts.own_nodes, facts.newest_version) = (Arc::new(own_nodes), newest);
    true
}

/// What the nodes of masternodes say of themselves, `None` while one says nothing. Of a node that is no masternode any more
/// nothing is kept.
fn own_nodes(sources: &SourcePool) -> BTreeMap<MasternodeId, Option<Peer>> {
    let mut nodes = BTreeMap::new();
    for report in sources.iter().map(|source| &source.report) {
        let Some(id) = report.identity.filter(|_| report.is_masternode) else { continue };
        // Of several sources that are one masternode, one that says something.
        let said: &mut Option<Peer> = nodes.entry(id).or_default();
        *said = said.take().or_else(|| report.said.clone());
    }
    nodes
}

/// What a node says of itself, as a peer would see it.
fn as_peer(node: &NetworkInfo) -> Peer {
    Peer {
        relays: node.relays,
        compact_filters: node.compact_filters,
        ..Peer::new(node.protocol_version, node.subversion.as_bytes())
    }
}

/// The masternode of an address, which no two share. For a node that was banned before anybody knew who it is.
fn by_address(list: &MasternodeList, address: &str) -> Option<MasternodeId> {
    let has = |masternode: &&Masternode| masternode.details.address().as_deref() == Some(address);
    list.masternodes().iter().find(has).map(|masternode| masternode.id)
}

impl Source {
    /// It does not answer: what it said is no longer true of it, but for who it is.
    pub(super) fn is_silent(&mut self) {
        self.health.forget_statements();
        let CollectedHealth { identity, is_masternode, .. } = self.report;
        self.report = CollectedHealth { identity, is_masternode, ..CollectedHealth::default() };
    }

    /// Takes in what it says of itself, beside `chain`, which it just said; `best` is the highest block that any source knows.
    pub(super) async fn tell(
        &mut self,
        chain: &ChainInfo,
        best: Height,
        list: Option<&MasternodeList>,
        settings: &FollowerSettings,
    ) {
        self.health.height = Some(chain.blocks);
        self.health.blocks_behind = Some(best.above(chain.blocks));
        self.health.tip_time = chain.tip_time;
        let node = self.client.network_info().await.ok();
        self.health.isolated = node.as_ref().and_then(NetworkInfo::is_isolated);
        self.health.connections = node.as_ref().and_then(|node| node.connections);
        self.report.said = node.as_ref().map(as_peer);
        let bad = |node: &NetworkInfo| bad_version(&settings.rules, node.version).is_some();
        self.health.release_bad = node.as_ref().map(bad);
        // A node may have been updated between two looks; it was identified before.
        self.version = self.version.and(node.map(|node| node.version)).or(self.version);
        if self.report.wait > 0 {
            self.report.wait -= 1;
            return;
        }
        let answer = optional(self.client.own_masternode().await);
        // Without an answer it is what it was.
        self.report.is_masternode =
            answer.as_ref().map_or(self.report.is_masternode, |own| own.as_ref().is_some_and(Option::is_some));
        let own = answer.ok().flatten().flatten();
        if let Some(own) = &own {
            let known = || self.report.identity.or_else(|| by_address(list?, own.address.as_deref()?));
            self.report.identity = own.id.or_else(known);
        }
        let id = self.report.identity;
        self.health.masternode = own.map(|own| OwnMasternode { id, state: own.state.label().into() });
        self.tell_indexes().await;
        self.report.sessions = if settings.ask.sessions { self.sessions(chain.blocks).await } else { None };
        if !self.report.is_masternode && self.report.sessions.is_none() {
            self.report.wait = ORDINARY_REPORTS;
        }
    }

    /// Whether the index of compact block filters is synced. A node that does not know the question is not asked again.
    async fn tell_indexes(&mut self) {
        if self.report.tells_no_indexes || self.client.dialect().indexes.is_none() {
            return;
        }
        let indexes = optional(self.client.indexes().await);
        self.report.tells_no_indexes = matches!(indexes, Ok(None));
        let synced = indexes.ok().flatten().and_then(|indexes| indexes.get(FILTER_INDEX).copied());
        self.health.filter_index_synced = synced;
    }

    /// The sessions under way; `None` where the node has no part in them and does not watch them either.
    async fn sessions(&self, tip: Height) -> Option<(SeenSessions, Option<Height>)> {
        let known = self.report.is_masternode && self.report.identity.is_some();
        let seen = optional(self.client.sessions().await).ok().flatten().filter(|seen| known || seen.sees)?;
        let blocks = optional(self.client.blocks_to_next_session().await).ok().flatten();
        Some((seen, blocks.map(|blocks| tip.after(blocks))))
    }
}
