//! The reports of sources about themselves: sync, peers, and whether they are masternodes. An isolated node still
//! reports that it is synced and ready (docs/spec/recorded-answers.md#traps).
//!
//! Never here: anything without which a list could not be published.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::warn;

use crate::follower::source::optional;
use crate::follower::source_pool::SourcePool;
use crate::follower::{Follower, FollowerSettings, watch_entries};
use crate::rpc::dash::sessions::SeenSessions;
use crate::rpc::node::FILTER_INDEX;
use crate::rpc::{ChainInfo, Client, NetworkInfo};
use domain::chain_facts::ChainFacts;
use domain::masternode::Height;
use domain::network_state::{OwnMasternode, SourceHealth};
use domain::probe::Peer;
use domain::release::bad_version;
use domain::session::DkgSessions;
use domain::{MasternodeId, MasternodeList};

/// Reports after which a node that is no masternode is asked again: the answer changes only with a restart.
const ORDINARY_REPORTS: u32 = 20;

/// The optional queries to sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionalQueries {
    /// Reports about themselves: connections, and whether they are masternodes.
    pub reports: bool,
    /// DKG sessions in progress, from sources that know them; only if reports are enabled.
    pub sessions: bool,
    /// The lists from which the members of the next DKG sessions are selected.
    pub seats: bool,
    /// What proves that the list of each block is the one of the block.
    pub proof: bool,
}

impl Default for OptionalQueries {
    fn default() -> Self {
        OptionalQueries { reports: true, sessions: true, seats: true, proof: true }
    }
}

/// The last reports of one source about itself.
#[derive(Default)]
pub(super) struct SourceReports {
    /// Its health and what it reports about itself: what is published.
    pub(super) health: SourceHealth,
    /// Its masternode: remembered, because a banned node no longer reports it.
    identity: Option<MasternodeId>,
    /// Its last report was that it is a masternode.
    is_masternode: bool,
    /// Its version and services as a peer sees them; `None` while it does not answer.
    peer: Option<Peer>,
    /// It does not know `getindexinfo`, or refuses it.
    lacks_indexes: bool,
    /// Its DKG sessions, and the block at which the next one begins.
    sessions: Option<(SeenSessions, Option<Height>)>,
    /// Reports until it is asked again whether it is a masternode.
    wait: u32,
}

/// Combines the reports of the sources about DKG sessions and themselves. Returns whether they changed.
pub(super) fn collect(sources: &SourcePool, facts: &mut ChainFacts) -> bool {
    let mut sessions = None;
    let mut next = None;
    for report in sources.iter().map(|source| &source.reports) {
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

/// The reports of the nodes of masternodes about themselves, `None` while one does not answer. Reports of a node that
/// is no longer a masternode are dropped.
fn own_nodes(sources: &SourcePool) -> BTreeMap<MasternodeId, Option<Peer>> {
    let mut nodes = BTreeMap::new();
    for report in sources.iter().map(|source| &source.reports) {
        let Some(id) = report.identity.filter(|_| report.is_masternode) else { continue };
        // If several sources are one masternode, one that answers.
        let peer: &mut Option<Peer> = nodes.entry(id).or_default();
        *peer = peer.take().or_else(|| report.peer.clone());
    }
    nodes
}

/// The report of a node about itself, as a peer would see it.
fn as_peer(node: &NetworkInfo) -> Peer {
    Peer {
        relays: node.relays,
        compact_filters: node.compact_filters,
        ..Peer::new(node.protocol_version, node.subversion.as_bytes())
    }
}

impl Follower {
    /// Asks the sources for their reports about themselves, and publishes changes.
    pub(super) async fn ask_for_reports(&mut self) {
        self.sources.ask_for_reports(self.chain.list().cloned()).await;
        let (own, is_wanted) = (self.sources.own(), self.chain.lists.watching.wants_own());
        let is_other = self.chain.lists.watching.set_own(own.clone());
        if is_other && is_wanted {
            watch_entries::log_own(&self.settings.network, &own);
        }
        let facts = self.chain.enrichment.facts_mut();
        let is_news = facts.is_some_and(|facts| collect(&self.sources, facts));
        if is_news || is_other {
            self.publish_again();
        }
    }

    /// Withdraws the snapshot that no source confirmed for `stale_after`. The network of the sources stays what it was.
    pub(super) fn withdraw_if_stale(&mut self, troubles: &[String]) {
        if !self.sources.is_stale() {
            return;
        }
        if self.publisher.is_published() {
            let (network, stale_after) = (&self.settings.network, self.settings.stale_after);
            warn!(
                %network,
                "Masternode list of {network} is stale, removing its series: no source confirmed it for {stale_after:?} ({})",
                troubles.join("; ")
            );
            self.publisher.withdraw(&self.sources, &self.chain);
        }
    }

    /// Publishes the health of the sources, and logs once that nothing is watched.
    pub(super) fn publish_health(&mut self) {
        self.publisher.publish_sources(&self.sources, &self.chain);
        self.publisher.log_nothing_watched();
    }
}

impl SourceReports {
    /// The masternode that the source runs as, also while it does not answer; `None` until it reported one.
    pub(super) fn identity(&self) -> Option<MasternodeId> {
        self.identity
    }

    /// Nothing was reported by the source `name` yet.
    pub(super) fn new(name: &str) -> SourceReports {
        SourceReports {
            health: SourceHealth { name: name.into(), ..SourceHealth::default() },
            ..SourceReports::default()
        }
    }

    /// It does not answer: its reports no longer hold, except for its identity.
    pub(super) fn silence(&mut self) {
        let mut health = std::mem::take(&mut self.health);
        health.forget_statements();
        let SourceReports { identity, is_masternode, .. } = *self;
        *self = SourceReports { health, identity, is_masternode, ..SourceReports::default() };
    }

    /// Reads the reports of a node about itself, in addition to `chain`, its latest answer. `best` is the highest block
    /// that any source knows, `list` the followed one. Returns the version of the node, if it answers.
    pub(super) async fn read(
        &mut self,
        client: &Client,
        chain: &ChainInfo,
        (best, list): (Height, Option<&MasternodeList>),
        settings: &FollowerSettings,
    ) -> Option<u32> {
        self.health.height = Some(chain.blocks);
        self.health.blocks_behind = Some(best.above(chain.blocks));
        self.health.tip_time = chain.tip_time;
        let node = client.network_info().await.ok();
        self.health.isolated = node.as_ref().and_then(NetworkInfo::is_isolated);
        self.health.connections = node.as_ref().and_then(|node| node.connections);
        self.peer = node.as_ref().map(as_peer);
        let bad = |node: &NetworkInfo| bad_version(&settings.rules, node.version).is_some();
        self.health.release_bad = node.as_ref().map(bad);
        let version = node.map(|node| node.version);
        if self.wait > 0 {
            self.wait -= 1;
            return version;
        }
        let answer = optional(client.own_masternode().await);
        // Without an answer its status stays.
        self.is_masternode =
            answer.as_ref().map_or(self.is_masternode, |own| own.as_ref().is_some_and(Option::is_some));
        let own = answer.ok().flatten().flatten();
        if let Some(own) = &own {
            let known = || self.identity.or_else(|| list?.by_address(own.address.as_deref()?));
            self.identity = own.id.or_else(known);
        }
        let id = self.identity;
        self.health.masternode = own.map(|own| OwnMasternode { id, state: own.state.label().into() });
        self.read_indexes(client).await;
        self.sessions = if settings.ask.sessions { self.read_sessions(client, chain.blocks).await } else { None };
        if !self.is_masternode && self.sessions.is_none() {
            self.wait = ORDINARY_REPORTS;
        }
        version
    }

    /// Whether the index of compact block filters is synced. A node that does not know the call is not asked again.
    async fn read_indexes(&mut self, client: &Client) {
        if self.lacks_indexes || client.dialect().indexes.is_none() {
            return;
        }
        let indexes = optional(client.indexes().await);
        self.lacks_indexes = matches!(indexes, Ok(None));
        let synced = indexes.ok().flatten().and_then(|indexes| indexes.get(FILTER_INDEX).copied());
        self.health.filter_index_synced = synced;
    }

    /// The sessions in progress; `None` if the node is neither a member nor watches quorums.
    async fn read_sessions(&self, client: &Client, tip: Height) -> Option<(SeenSessions, Option<Height>)> {
        let known = self.is_masternode && self.identity.is_some();
        let seen = optional(client.sessions().await).ok().flatten().filter(|seen| known || seen.sees)?;
        let blocks = optional(client.blocks_to_next_session().await).ok().flatten();
        Some((seen, blocks.map(|blocks| tip.after(blocks))))
    }
}
