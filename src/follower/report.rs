//! What the sources say of themselves: how far they are, with whom they are connected, and whether they are masternodes.
//! A node that is cut off goes on to say that it is synced and ready (docs/spec/recorded-answers.md#traps).
//!
//! Never here: anything that a list could not be published without.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::masternode::Height;
use crate::domain::session::Sessions;
use crate::domain::{Masternode, MasternodeId, MasternodeList};
use crate::follower::Follower;
use crate::follower::source::{Source, optional};
use crate::meters::ReportMeters;
use crate::rpc::dash::sessions::SeenSessions;
use crate::rpc::{ChainInfo, NetworkInfo};

/// A node that said it is no masternode is asked again after so many reports: that changes with a restart only.
const ORDINARY_REPORTS: u32 = 20;

/// What is asked of sources that a list could be published without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What they say of themselves: connections, and whether they are masternodes.
    pub reports: bool,
    /// DKG sessions under way, of those who can tell; only where reports are asked for.
    pub sessions: bool,
    /// Who can be drawn for the next DKG sessions.
    pub seats: bool,
}

impl Default for Ask {
    fn default() -> Self {
        Ask { reports: true, sessions: true, seats: true }
    }
}

/// What one source last said of itself.
pub(super) struct Report {
    meters: ReportMeters,
    /// Which masternode it is: remembered, as it no longer says so while it is banned.
    identity: Option<MasternodeId>,
    /// It said last that it is a masternode.
    is_masternode: bool,
    /// It is cut off from the network.
    pub(super) isolated: bool,
    /// DKG sessions that it tells, and the block at which the next begins.
    sessions: Option<(SeenSessions, Option<Height>)>,
    /// Reports until it is asked again whether it is a masternode.
    wait: u32,
}

impl Report {
    pub(super) fn new(meters: ReportMeters) -> Report {
        Report { meters, identity: None, is_masternode: false, isolated: false, sessions: None, wait: 0 }
    }

    /// It does not answer: what it said is no longer true of it, but for who it is.
    fn is_silent(&mut self) {
        self.meters.silent();
        self.isolated = false;
        self.sessions = None;
        self.wait = 0;
    }
}

impl Follower {
    /// Asks every source that is due for what it says of itself. A refused method costs its own samples only.
    pub(super) async fn ask_for_reports(&mut self) {
        let mut told: Vec<(usize, ChainInfo)> = Vec::new();
        // One that was left behind tells of another chain: its height is none to compare with, its sessions are not the network's.
        let left_behind: Vec<bool> = (0..self.sources.len()).map(|index| self.is_left_behind(index)).collect();
        for (index, source) in self.sources.iter_mut().enumerate() {
            if source.is_elsewhere() || left_behind[index] || !source.is_due(Instant::now()) {
                source.report.is_silent();
                continue;
            }
            match source.client.chain_info().await {
                Ok(chain) if self.identity.as_ref().is_none_or(|identity| identity.chain == chain.chain) => {
                    told.push((index, chain));
                }
                _ => source.report.is_silent(),
            }
        }
        let best = told.iter().map(|(_, chain)| chain.headers.max(chain.blocks)).max().unwrap_or(Height(0));
        let list = self.book.as_ref().map(|book| book.list().clone());
        for (index, chain) in told {
            self.sources[index].tell(&chain, best, list.as_deref(), self.settings.ask.sessions).await;
        }
        self.learn_sessions();
    }

    /// Puts together what the sources tell of sessions, and publishes it where that is news.
    fn learn_sessions(&mut self) {
        let mut sessions = None;
        let mut next = None;
        for report in self.sources.iter().map(|source| &source.report) {
            let Some((seen, next_session)) = &report.sessions else { continue };
            let own = report.identity.filter(|_| report.is_masternode);
            sessions.get_or_insert_with(Sessions::default).add(own, &seen.sessions);
            next = next.max(*next_session);
        }
        let Some(facts) = &mut self.facts else { return };
        let chain = &mut facts.chain;
        if chain.sessions.as_deref() == sessions.as_ref() && chain.next_session == next {
            return;
        }
        (chain.sessions, chain.next_session) = (sessions.map(Arc::new), next);
        // What was withdrawn stays so: sessions do not make a list any fresher.
        if self.published.borrow().is_some() {
            self.publish();
        }
    }
}

/// The masternode of an address, which no two share. For a node that was banned before anybody knew who it is.
fn by_address(list: &MasternodeList, address: &str) -> Option<MasternodeId> {
    let has = |masternode: &&Masternode| masternode.details.address().as_deref() == Some(address);
    list.masternodes().iter().find(has).map(|masternode| masternode.id)
}

impl Source {
    async fn tell(&mut self, chain: &ChainInfo, best: Height, list: Option<&MasternodeList>, ask_sessions: bool) {
        let time = chain.tip_time.map(|time| time.0);
        self.report.meters.tip(chain.blocks.0, best.above(chain.blocks), time);
        let node = self.client.network_info().await.ok();
        let isolated = node.as_ref().and_then(NetworkInfo::is_isolated);
        self.report.meters.peers(node.and_then(|node| node.connections), isolated);
        self.report.isolated = isolated == Some(true);
        if self.report.wait > 0 {
            self.report.wait -= 1;
            return;
        }
        let own = optional(self.client.own_masternode().await).ok().flatten().flatten();
        self.report.is_masternode = own.is_some();
        if let Some(own) = &own {
            let known = || self.report.identity.or_else(|| by_address(list?, own.address.as_deref()?));
            self.report.identity = own.id.or_else(known);
        }
        let id = self.report.identity.map(|id| id.to_string()).unwrap_or_default();
        self.report.meters.masternode(own.map(|own| (id.as_str(), own.state.label())));
        self.report.sessions = if ask_sessions { self.sessions(chain.blocks).await } else { None };
        if !self.report.is_masternode && self.report.sessions.is_none() {
            self.report.wait = ORDINARY_REPORTS;
        }
    }

    /// The sessions under way; `None` where the node has no part in them and does not watch them either.
    async fn sessions(&self, tip: Height) -> Option<(SeenSessions, Option<Height>)> {
        let known = self.report.is_masternode && self.report.identity.is_some();
        let seen = optional(self.client.sessions().await).ok().flatten().filter(|seen| known || seen.sees)?;
        let blocks = optional(self.client.blocks_to_next_session().await).ok().flatten();
        Some((seen, blocks.map(|blocks| tip.after(blocks))))
    }
}
