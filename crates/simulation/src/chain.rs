//! The honest chain, mined block by block, and the truth about it that the exporter has to match.
//!
//! Never here: what the exporter shows.

use std::collections::{BTreeMap, VecDeque};

use std::time::Duration;

use fastrand::Rng;
use simulator::legacy::{self, NodeState};
use simulator::{Action, AnyNetwork, Clock, Fork, Network, Options};

use crate::chain_kind::ChainKind;
use crate::clock;

/// Height, masternode, and event, in the same words for the ledger and for the exporter's events.
pub(crate) type Entry = (u32, String, String);

/// Seconds between two blocks of Dimecoin and PRCYCoin, in their own time.
const LEGACY_SPACING: u64 = 60;

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

/// What is true of a masternode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) is_banned: bool,
    /// `None` on chains without scores.
    pub(crate) score: Option<u32>,
}

/// See the module.
pub(crate) struct Chain {
    pub(crate) network: AnyNetwork,
    rng: Rng,
    pub(crate) blocks: BTreeMap<String, MinedBlock>,
    /// Events of replaced blocks.
    pub(crate) abandoned: Vec<Entry>,
    pub(crate) standings: BTreeMap<String, Standing>,
    /// When each recent tip was mined.
    tips: VecDeque<(u64, u32)>,
    pub(crate) mined: u64,
    /// Height of the first block that was mined in the episode.
    pub(crate) first_mined: u32,
    pub(crate) reorgs: u64,
}

impl Chain {
    pub(crate) fn new(seed: u64, kind: ChainKind) -> Chain {
        let mut chain = Chain {
            network: network(seed, kind),
            rng: Rng::with_seed(seed ^ 0xc4a1),
            blocks: BTreeMap::new(),
            abandoned: Vec::new(),
            standings: BTreeMap::new(),
            tips: VecDeque::new(),
            mined: 0,
            first_mined: 0,
            reorgs: 0,
        };
        let (height, hash) = chain.tip_block();
        chain.first_mined = height + 1;
        chain.blocks.insert(hash, MinedBlock { replaced: None });
        chain.note_standings();
        chain
    }

    pub(crate) fn tip(&self) -> u32 {
        self.tip_block().0
    }

    /// Height and hash of the tip.
    pub(crate) fn tip_block(&self) -> (u32, String) {
        match &self.network {
            AnyNetwork::Dash(network) => network.tip(),
            AnyNetwork::Legacy(network) => network.tip(),
        }
    }

    /// The masternodes on the list.
    pub(crate) fn masternodes(&self) -> Vec<String> {
        match &self.network {
            AnyNetwork::Dash(network) => network.masternodes(),
            AnyNetwork::Legacy(network) => network.masternodes(),
        }
    }

    /// Listed masternodes, and those of them that can be paid.
    pub(crate) fn counts(&self) -> (usize, usize) {
        match &self.network {
            AnyNetwork::Dash(network) => network.counts(),
            AnyNetwork::Legacy(network) => network.counts(),
        }
    }

    /// What is true of a masternode on the list.
    pub(crate) fn facts(&self, masternode: &str) -> Option<Facts> {
        match &self.network {
            AnyNetwork::Dash(network) => {
                let facts = network.masternode(masternode)?;
                Some(Facts { is_banned: facts.ban_height.is_some(), score: Some(facts.score) })
            }
            AnyNetwork::Legacy(network) => {
                let facts = network.masternode(masternode).filter(|facts| facts.listed)?;
                Some(Facts { is_banned: facts.state == NodeState::PoseBan, score: None })
            }
        }
    }

    /// Whether the chain itself records what happens, so that events can be compared one by one.
    pub(crate) fn has_ledger(&self) -> bool {
        matches!(self.network, AnyNetwork::Dash(_))
    }

    /// The height of the tip a minute ago, at most that of now.
    pub(crate) fn tip_a_minute_ago(&self) -> u32 {
        let is_old = |(at, _): &&(u64, u32)| at + 60_000 <= clock::millis();
        self.tips.iter().rev().find(is_old).map_or(0, |(_, height)| *height).min(self.tip())
    }

    /// Mines a block, with or without something that owners and operators do.
    pub(crate) fn mine(&mut self) {
        match self.network.clone() {
            AnyNetwork::Dash(network) => {
                let actions = self.actions(&network);
                if network.mine_with(&actions).is_err() {
                    network.mine(1);
                }
            }
            AnyNetwork::Legacy(network) => {
                if let Some(action) = self.legacy_action(&network) {
                    // Refused by the chain: then nothing happened.
                    let _ = network.act(&action);
                }
                let late = clock::seconds().saturating_sub(network.now() + LEGACY_SPACING);
                network.advance(Duration::from_secs(late));
                network.mine(1);
            }
        }
        self.mined += 1;
        self.blocks.insert(self.tip_block().1, MinedBlock { replaced: None });
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
        let replaced: Vec<String> = (from..=self.tip()).filter_map(|height| self.block_hash(height)).collect();
        let abandoned = self.happened(from);
        let is_refused = match &self.network {
            AnyNetwork::Dash(network) => network.reorg(depth, &vec![Vec::new(); depth + 1]).is_err(),
            AnyNetwork::Legacy(network) => network.reorg(depth, depth + 1).is_err(),
        };
        if is_refused {
            return;
        }
        self.abandoned.extend(abandoned);
        for hash in replaced {
            self.blocks.insert(hash, MinedBlock { replaced: Some(clock::millis()) });
        }
        for height in from..=self.tip() {
            self.blocks.extend(self.block_hash(height).map(|hash| (hash, MinedBlock { replaced: None })));
        }
        self.mined += 1;
        self.reorgs += 1;
        self.note_standings();
    }

    fn block_hash(&self, height: u32) -> Option<String> {
        match &self.network {
            AnyNetwork::Dash(network) => network.block_hash(height),
            AnyNetwork::Legacy(network) => network.block_hash(height),
        }
    }

    fn actions(&mut self, network: &Network) -> Vec<Action> {
        let masternodes = network.masternodes();
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
                let _ = network.set_offline(&masternode, is_offline);
                Vec::new()
            }
            13..=14 if network.activation_height().is_some() => vec![self.new_action(masternode)],
            _ => Vec::new(),
        }
    }

    /// Something that the rules of Dash 24 allow.
    fn new_action(&mut self, masternode: String) -> Action {
        match self.rng.u8(0..8) {
            0..=2 => Action::Migrate { masternode, version: self.rng.u8(1..=3) },
            3 => Action::SetPayouts { masternode, payouts: self.rng.u8(1..=4) },
            4 => Action::AddAddress { masternode },
            5 => Action::ChangePlatformPorts { masternode },
            6 => Action::ChangeShareReward { masternode, share: 0 },
            _ => Action::RegisterShared { number: self.rng.u32(..), shares: self.rng.u8(2..=4) },
        }
    }

    fn legacy_action(&mut self, network: &legacy::Network) -> Option<legacy::Action> {
        let masternodes = network.masternodes();
        let masternode = masternodes[self.rng.usize(0..masternodes.len())].clone();
        Some(match self.rng.u8(0..60) {
            0..=1 => legacy::Action::GoOffline { masternode },
            2..=3 => legacy::Action::ComeBack { masternode },
            4..=6 => legacy::Action::Restart { masternode },
            7 => legacy::Action::Duplicate { masternode, of: masternodes[0].clone() },
            8 => legacy::Action::Move { masternode },
            9 if masternodes.len() > 8 => legacy::Action::SpendCollateral { masternode },
            9 => legacy::Action::Register,
            _ => return None,
        })
    }

    fn note_standings(&mut self) {
        let now = clock::millis();
        self.tips.push_back((now, self.tip()));
        if self.tips.len() > 500 {
            self.tips.pop_front();
        }
        // The bans of other chains are in the memory of a node, and no alert follows from the chain.
        let AnyNetwork::Dash(network) = &self.network else { return };
        let listed = network.masternodes();
        for id in &listed {
            let is_banned = network.masternode(id).is_some_and(|facts| facts.ban_height.is_some());
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
        match &self.network {
            AnyNetwork::Dash(network) => network.shown_since(from),
            AnyNetwork::Legacy(_) => Vec::new(),
        }
    }
}

/// A network of this kind.
fn network(seed: u64, kind: ChainKind) -> AnyNetwork {
    let dash = Options { seed, clock: Clock::Following(clock::seconds), history: 12_000, ..Options::default() };
    let legacy = |chain| {
        let spacing = Duration::from_secs(LEGACY_SPACING);
        let options = legacy::Options { seed, spacing, now: clock::seconds(), ..legacy::Options::regtest(chain, 12) };
        legacy::Network::new(options).expect("the options are valid").into()
    };
    match kind {
        ChainKind::Dash => Network::new(dash).expect("the options are valid").into(),
        ChainKind::DashFork => {
            let signal_height = Some(dash.start_height + 11);
            let fork = Fork { signal_height, window: 20, outdated: 1, legacy: 0.6, ..Fork::default() };
            let options = Options { version: 240_003, fork: Some(fork), ..dash };
            Network::new(options).expect("the options are valid").into()
        }
        ChainKind::Dimecoin => legacy(legacy::Chain::Dimecoin),
        ChainKind::Prcycoin => legacy(legacy::Chain::Prcycoin),
    }
}
