//! The honest chain, mined block by block, and the truth about it that the exporter has to match.
//!
//! Never here: what the exporter shows.

use std::collections::{BTreeMap, VecDeque};

use fastrand::Rng;
use simulator::{Action, Clock, Network, Options};

use crate::clock;

/// Height, masternode, and event, in the same words for the ledger and for the exporter's events.
pub(crate) type Entry = (u32, String, String);

/// A mined block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MinedBlock {
    /// When it was replaced; `None` while it is part of the best chain.
    pub(crate) replaced: Option<u64>,
}

/// Since when a masternode is banned or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) is_banned: bool,
    pub(crate) since: u64,
}

/// See the module.
pub(crate) struct Chain {
    pub(crate) network: Network,
    rng: Rng,
    pub(crate) blocks: BTreeMap<String, MinedBlock>,
    /// Events of replaced blocks.
    pub(crate) abandoned: Vec<Entry>,
    pub(crate) standings: BTreeMap<String, Standing>,
    /// When each recent tip was mined.
    tips: VecDeque<(u64, u32)>,
    pub(crate) mined: u64,
    pub(crate) reorgs: u64,
}

impl Chain {
    pub(crate) fn new(seed: u64) -> Chain {
        let options = Options { seed, clock: Clock::Following(clock::seconds), history: 12_000, ..Options::default() };
        let network = Network::new(options).expect("the options are valid");
        let mut chain = Chain {
            network,
            rng: Rng::with_seed(seed ^ 0xc4a1),
            blocks: BTreeMap::new(),
            abandoned: Vec::new(),
            standings: BTreeMap::new(),
            tips: VecDeque::new(),
            mined: 0,
            reorgs: 0,
        };
        chain.blocks.insert(chain.network.tip().1, MinedBlock { replaced: None });
        chain.note_standings();
        chain
    }

    pub(crate) fn tip(&self) -> u32 {
        self.network.tip().0
    }

    /// The height of the tip a minute ago, at most that of now.
    pub(crate) fn tip_a_minute_ago(&self) -> u32 {
        let is_old = |(at, _): &&(u64, u32)| at + 60_000 <= clock::millis();
        self.tips.iter().rev().find(is_old).map_or(0, |(_, height)| *height).min(self.tip())
    }

    /// Mines a block, with or without something that owners and operators do.
    pub(crate) fn mine(&mut self) {
        let actions = self.actions();
        if self.network.mine_with(&actions).is_err() {
            self.network.mine(1);
        }
        self.mined += 1;
        self.blocks.insert(self.network.tip().1, MinedBlock { replaced: None });
        self.note_standings();
    }

    /// Replaces the last blocks by one more than there were.
    pub(crate) fn reorg(&mut self, depth: usize) {
        // The root of the simulated chain cannot be replaced.
        let depth = depth.min(usize::try_from(self.mined).unwrap_or(usize::MAX));
        if depth == 0 {
            return;
        }
        let from = self.tip() + 1 - depth as u32;
        let replaced: Vec<String> = (from..=self.tip()).filter_map(|height| self.network.block_hash(height)).collect();
        let abandoned = self.happened(from);
        let branch: Vec<Vec<Action>> = (0..=depth).map(|_| Vec::new()).collect();
        if self.network.reorg(depth, &branch).is_err() {
            return;
        }
        self.abandoned.extend(abandoned);
        for hash in replaced {
            self.blocks.insert(hash, MinedBlock { replaced: Some(clock::millis()) });
        }
        for height in from..=self.tip() {
            self.blocks.extend(self.network.block_hash(height).map(|hash| (hash, MinedBlock { replaced: None })));
        }
        self.mined += 1;
        self.reorgs += 1;
        self.note_standings();
    }

    fn actions(&mut self) -> Vec<Action> {
        let masternodes = self.network.masternodes();
        let masternode = masternodes[self.rng.usize(0..masternodes.len())].clone();
        let banned = masternodes.iter().find(|id| self.standings.get(*id).is_some_and(|standing| standing.is_banned));
        match self.rng.u8(0..48) {
            0..=2 => vec![Action::FailDkg { masternode, commitments: 1, quorum_type: None }],
            3 => vec![Action::FailDkg { masternode, commitments: 2, quorum_type: None }],
            4..=6 => banned.map(|banned| Action::Revive { masternode: banned.clone() }).into_iter().collect(),
            7 => vec![Action::ChangePayout { masternode }],
            8 => vec![Action::ChangeAddress { masternode }],
            9 => vec![Action::ChangeVotingKey { masternode }],
            10 if self.rng.bool() => vec![Action::ChangeOperatorKey { masternode }],
            10 => vec![Action::Revoke { masternode, reason: 1 }],
            11 if masternodes.len() < 16 => vec![Action::Register { evo: false, with_address: self.rng.bool() }],
            11 => vec![Action::SpendCollateral { masternode }],
            12 => {
                let is_offline = self.rng.bool();
                // Only a masternode on the list can be taken offline, and this one is.
                let _ = self.network.set_offline(&masternode, is_offline);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn note_standings(&mut self) {
        let now = clock::millis();
        self.tips.push_back((now, self.tip()));
        if self.tips.len() > 500 {
            self.tips.pop_front();
        }
        let listed = self.network.masternodes();
        for id in &listed {
            let is_banned = self.network.masternode(id).is_some_and(|facts| facts.ban_height.is_some());
            let before = self.standings.get(id).filter(|before| before.is_banned == is_banned);
            let standing = before.copied().unwrap_or(Standing { is_banned, since: now });
            self.standings.insert(id.clone(), standing);
        }
        let gone = |id: &String| !listed.contains(id);
        for (_, standing) in self.standings.iter_mut().filter(|(id, standing)| gone(id) && standing.is_banned) {
            *standing = Standing { is_banned: false, since: now };
        }
    }

    /// Events on the best chain from a height on, sorted.
    pub(crate) fn happened(&self, from: u32) -> Vec<Entry> {
        self.network.shown_since(from)
    }
}
