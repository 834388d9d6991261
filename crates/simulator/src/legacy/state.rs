//! One queried node of the network: chain, memory, clock, and their changes.
//!
//! Never here: locking; `network` does that.

use std::collections::{HashMap, VecDeque};

use super::action::{Action, ActionError};
use super::check::{advance_to, check, ping};
use super::headers::Headers;
use super::ledger::{LedgerEntry, LedgerKind};
use super::life::live;
use super::node::{Node, NodeState};
use super::options::{Chain, Options};
use super::rules::{AUDIT_PERIOD, NetworkNames, PING_SECONDS, REMEMBERED_VOTES, Rules, START_CONFIRMATIONS, VOTE_LEAD};
use super::votes::{Remembered, Votes};
use crate::random::{Hash256, Random};

/// Longest delay of a late vote in seconds.
const LATE_SECONDS: u32 = 8;

/// The whole network as one node sees it.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) options: Options,
    pub(super) rules: &'static Rules,
    pub(super) names: &'static NetworkNames,
    pub(super) headers: Headers,
    /// All masternodes that ever existed, in the order of their arrival.
    pub(super) nodes: Vec<Node>,
    /// Simulated Unix time.
    pub(super) now: u64,
    pub(super) votes: Votes,
    /// Votes that reach the queried node at a time: the time, the height, the payout address.
    pub(super) late: Vec<(u64, u32, u32)>,
    /// Dimecoin: the payout address that a block paid, by its hash; absent for blocks that paid the foundation.
    pub(super) payees: HashMap<Hash256, u32>,
    /// Dimecoin: last payments by payout address. A reorganisation reverts none: they are the node's memory.
    pub(super) remembered: HashMap<u32, Remembered>,
    pub(super) ledger: VecDeque<LedgerEntry>,
    pub(super) setting_up: bool,
    /// The next unused payout address and network address.
    pub(super) next_number: u32,
}

impl State {
    /// The masternodes on the list.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.listed)
    }

    /// Number of enabled masternodes.
    pub(super) fn enabled(&self) -> usize {
        self.listed().filter(|node| node.state == NodeState::Enabled).count()
    }

    /// The slot of a masternode, listed or not.
    pub(super) fn slot(&self, id: &str) -> Option<usize> {
        let (txid, index) = id.split_once('-')?;
        let (txid, index) = (Hash256::parse(txid)?, index.parse::<u32>().ok()?);
        self.nodes.iter().position(|node| node.txid == txid && node.index == index)
    }

    /// Advances the time of a block, and mines it.
    pub(super) fn mine(&mut self) {
        self.mine_next();
        if self.options.lively && !self.setting_up {
            live(self);
        }
    }

    fn mine_next(&mut self) {
        let time = self.now + self.options.spacing_seconds();
        advance_to(self, time);
        self.connect(self.now);
    }

    /// Replaces the last `depth` blocks by `blocks` new ones. New blocks of the same heights are a second younger than
    /// those they replace; each further one takes the time of a block.
    pub(super) fn reorg(&mut self, depth: usize, blocks: usize) -> Result<(), ActionError> {
        let kept = (self.headers.tip().height - self.headers.root_height()) as usize;
        if depth > kept {
            return Err(ActionError::TooDeep);
        }
        let mut times: Vec<u64> = (0..depth).filter_map(|_| self.headers.pop()).map(|header| header.time + 1).collect();
        times.reverse();
        let fork = self.headers.tip().height;
        self.ledger.retain(|entry| entry.height <= fork || !matches!(entry.kind, LedgerKind::Paid { .. }));
        let later = self.now + 1;
        advance_to(self, later);
        for block in 0..blocks {
            match times.get(block) {
                Some(time) => self.connect(*time),
                None => self.mine_next(),
            }
        }
        Ok(())
    }

    /// Applies an action of an operator or an owner.
    pub(super) fn act(&mut self, action: &Action) -> Result<(), ActionError> {
        match action {
            Action::Register => self.register(),
            Action::GoOffline { masternode } => {
                let slot = self.known(masternode)?;
                self.nodes[slot].online = false;
                self.note(slot, LedgerKind::WentOffline);
            }
            Action::ComeBack { masternode } => {
                let slot = self.known(masternode)?;
                let (chain, rules, now) = (self.options.chain, self.rules, self.now);
                self.nodes[slot].online = true;
                ping(&mut self.nodes[slot], now, chain, rules);
                self.note(slot, LedgerKind::CameBack);
            }
            Action::Restart { masternode } => {
                let slot = self.startable(masternode)?;
                self.start(slot, self.nodes[slot].address, LedgerKind::Restarted);
            }
            Action::Duplicate { masternode, of } => {
                let (slot, other) = (self.startable(masternode)?, self.known(of)?);
                self.start(slot, self.nodes[other].address, LedgerKind::Restarted);
            }
            Action::Move { masternode } => {
                let slot = self.startable(masternode)?;
                let address = self.fresh_number();
                self.start(slot, address, LedgerKind::Restarted);
            }
            Action::SpendCollateral { masternode } => {
                let slot = self.known(masternode)?;
                self.nodes[slot].spent = true;
            }
        }
        check(self);
        Ok(())
    }

    /// Records an event of a node.
    pub(super) fn note(&mut self, slot: usize, kind: LedgerKind) {
        if self.setting_up && !matches!(kind, LedgerKind::Paid { .. }) {
            return;
        }
        let height = self.headers.tip().height;
        let masternode = self.nodes[slot].id();
        self.ledger.push_back(LedgerEntry { height, time: self.now, masternode, kind });
        let oldest = height.saturating_sub(self.options.history);
        while self.ledger.front().is_some_and(|entry| entry.height < oldest) {
            self.ledger.pop_front();
        }
    }

    /// The voters vote for this height, unless they already did.
    pub(super) fn vote(&mut self, height: u32) {
        if self.votes.has(height) {
            return;
        }
        let ballots = self.ballots(height);
        let mut random = Random::of(&[self.options.seed, 0x1a7e, u64::from(height)]);
        let mut in_time = Vec::new();
        for (voter, payout) in ballots.into_iter().enumerate() {
            // The first vote is in time, so that the height has one.
            if voter > 0 && !self.setting_up && random.chance(self.options.late_votes) {
                self.late.push((self.now + u64::from(random.between(1, LATE_SECONDS)), height, payout));
            } else {
                in_time.push(payout);
            }
        }
        if !in_time.is_empty() {
            self.votes.cast(height, &in_time);
        }
    }

    /// Counts the late votes that have arrived.
    pub(super) fn receive_votes(&mut self) {
        let now = self.now;
        let (arrived, late) = self.late.iter().partition::<Vec<_>, _>(|(time, ..)| *time <= now);
        self.late = late;
        for (_, height, payout) in arrived {
            self.votes.cast(height, &[payout]);
        }
    }

    /// A number for an unused address.
    pub(super) fn fresh_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number
    }

    /// A new node whose collateral is in the block of this height, started and pinged now.
    pub(super) fn new_node(&mut self, born: u32, payout: u32) -> Node {
        let number = self.nodes.len() as u64;
        let mut random = Random::of(&[self.options.seed, 0x90de, number]);
        let confirmed = self.headers.at(born + START_CONFIRMATIONS - 1).map_or(Hash256::ZERO, |header| header.hash);
        Node {
            txid: random.hash(),
            index: random.between(0, 1),
            born,
            confirmed,
            payout,
            address: self.fresh_number(),
            started: self.now,
            seen: self.now,
            next_ping: self.now + PING_SECONDS,
            online: true,
            spent: false,
            listed: true,
            score: 0,
            banned_until: None,
            state: NodeState::Enabled,
        }
    }

    /// Adds a block to the chain, pays, checks and votes.
    fn connect(&mut self, time: u64) {
        let height = self.headers.tip().height + 1;
        let paid = match self.options.chain {
            Chain::Dimecoin => self.dimecoin_payee(height),
            Chain::Prcycoin => self.prcycoin_payees(height),
        };
        self.headers.push(time);
        if let Some((slot, _)) = paid.first().filter(|_| self.options.chain == Chain::Dimecoin) {
            self.payees.insert(self.headers.tip().hash, self.nodes[*slot].payout);
        }
        for (slot, votes) in paid {
            let payment = Remembered { height, time };
            if self.options.chain == Chain::Dimecoin && votes >= REMEMBERED_VOTES {
                let known = self.remembered.entry(self.nodes[slot].payout).or_insert(payment);
                if known.height < height {
                    *known = payment;
                }
            }
            self.note(slot, LedgerKind::Paid { votes });
        }
        check(self);
        self.vote(height + VOTE_LEAD);
    }

    /// Slots paid by the next block, with the votes for their address: the voted address, or else the currently elected
    /// node.
    fn dimecoin_payee(&self, height: u32) -> Vec<(usize, u32)> {
        let mut random = Random::of(&[self.options.seed, 0x0b57, u64::from(height)]);
        let is_ignored = random.chance(self.options.ignored_votes);
        let voted = self.votes.top(height).filter(|_| !is_ignored).map(|tally| (tally.payout, tally.votes));
        let Some((payout, votes)) = voted.or_else(|| self.elect(height).map(|node| (node.payout, 0))) else {
            // The foundation is paid.
            return Vec::new();
        };
        let owners = self.nodes.iter().enumerate().filter(|(_, node)| node.listed && node.payout == payout);
        owners.map(|(slot, _)| (slot, votes)).collect()
    }

    /// The slot paid by the next block: the best score of all enabled nodes. Votes do not count.
    fn prcycoin_payees(&self, height: u32) -> Vec<(usize, u32)> {
        if height.is_multiple_of(AUDIT_PERIOD) {
            return Vec::new();
        }
        let winner = self.best_ranked().map(Node::id).and_then(|id| self.slot(&id));
        winner.map(|slot| (slot, self.votes.of(height, self.nodes[slot].payout))).into_iter().collect()
    }

    fn register(&mut self) {
        let payout = self.fresh_number();
        let born = self.headers.tip().height + 1 - START_CONFIRMATIONS;
        let node = self.new_node(born, payout);
        self.nodes.push(node);
        self.note(self.nodes.len() - 1, LedgerKind::Registered);
    }

    /// A start message with a ping (`CMasternodeBroadcast::Update`).
    fn start(&mut self, slot: usize, address: u32, kind: LedgerKind) {
        let now = self.now;
        let node = &mut self.nodes[slot];
        node.address = address;
        node.started = now;
        node.seen = now;
        node.next_ping = now + PING_SECONDS;
        node.online = true;
        node.listed = true;
        node.score = 0;
        self.note(slot, kind);
    }

    fn known(&self, id: &str) -> Result<usize, ActionError> {
        self.slot(id).ok_or_else(|| ActionError::UnknownMasternode(id.to_owned()))
    }

    fn startable(&self, id: &str) -> Result<usize, ActionError> {
        let slot = self.known(id)?;
        if self.nodes[slot].spent {
            return Err(ActionError::Spent(id.to_owned()));
        }
        if self.nodes[slot].banned_until.is_some() {
            return Err(ActionError::Banned(id.to_owned()));
        }
        Ok(slot)
    }
}
