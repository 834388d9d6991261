//! The whole simulated chain: its list, blocks, quorums, offline masternodes; mining and reorganising.
//!
//! Never here: RPC, waiting.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::action::{Action, ActionError};
use super::block::BlockBuilder;
use super::branch::OldBranch;
use super::dkg::{Commitment, Conduct, DkgState, Drawn, Seating, Session, plain_session};
use super::fork_rules;
use super::history::{Block, Difference, History, Naming};
use super::list::List;
use super::masternode::Masternode;
use super::merkle::Tree;
use super::options::{Clock, Options, OptionsError};
use super::payment;
use super::quorum_selection::LEAD;
use super::random::{Hash256, Random};
use super::rules::{ChainFacts, QuorumType, chain_facts, quorum_types};
use super::scenario::Life;
use super::setup::{ENDANGERED, first_dkg, first_list, first_offline, outdated};

/// Everything behind a [`Network`](super::Network). A clone is independent.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) options: Options,
    pub(super) facts: &'static ChainFacts,
    pub(super) list: List,
    pub(super) history: History,
    pub(super) offline: HashSet<u32>,
    /// Slots that the platform has reported, with the height of the report; not part of consensus.
    pub(super) platform_bans: BTreeMap<u32, u32>,
    /// Slots that run protocol 70240.
    pub(super) outdated: HashSet<u32>,
    /// The block that carries the signal of the fork.
    pub(super) signal: Option<u32>,
    /// The branch that does not follow the fork, once there is one.
    pub(super) old: Option<Box<OldBranch>>,
    /// This is that branch, with the height of the last common block.
    pub(super) left_behind: Option<u32>,
    /// The tree of the block whose root was computed last.
    pub(super) tree: RefCell<Option<(Arc<Block>, Tree)>>,
    dkg: Arc<DkgState>,
    branch: u64,
    life: Life,
    /// The setup is running: owners do not act, and the endangered node does not change.
    setting_up: bool,
}

impl State {
    pub(super) fn new(options: Options) -> Result<Self, OptionsError> {
        options.validate()?;
        let facts = chain_facts(options.subnet);
        let height = options.start_height - options.premined;
        let genesis = Hash256::parse(facts.genesis).expect("a genesis hash has 64 digits");
        let naming = Naming { seed: options.seed, work_bytes: facts.work_bytes, genesis };
        let list = first_list(&options, height, &naming);
        let dkg = Arc::new(first_dkg(&options, &list, &naming, height));
        let history = History::new(naming, options.history, root_block(&options, naming, height, &dkg));
        let mut state = Self {
            facts,
            list,
            history,
            offline: HashSet::new(),
            platform_bans: BTreeMap::new(),
            outdated: HashSet::new(),
            signal: None,
            old: None,
            left_behind: None,
            tree: RefCell::default(),
            dkg,
            branch: 0,
            life: Life::default(),
            setting_up: true,
            options,
        };
        for _ in 0..state.options.premined {
            state.mine(&[]).expect("a block without actions is always valid");
        }
        state.setting_up = false;
        state.offline = first_offline(&state.options, &state.list).into_iter().collect();
        state.outdated = (0..outdated(&state.options)).collect();
        Ok(state)
    }

    /// Mines one block. Refuses actions that the chain does not allow, before any change. The branch that does not
    /// follow the fork grows at its own rate.
    pub(super) fn mine(&mut self, actions: &[Action]) -> Result<(), ActionError> {
        for action in actions {
            self.check(action)?;
        }
        self.part();
        self.extend(actions);
        self.follow_old();
        Ok(())
    }

    /// Mines one block with checked actions.
    pub(super) fn extend(&mut self, actions: &[Action]) {
        let tip = Arc::clone(self.history.tip());
        let height = tip.height + 1;
        let hash = self.history.naming().new_block(tip.hash, height, self.branch);
        let mn_rr = self.options.mn_rr(height);
        let payee = payment::payee(&self.list, tip.height, mn_rr);
        let (dkg, commitments) = self.commitments(height, hash, actions);
        let all = self.with_life(actions, height);
        let slots: Vec<Option<u32>> = all.iter().map(|action| self.slot(action)).collect();
        let confirming = height - 1 - self.facts.confirmations;
        let forked = self.forked(height);
        let mut builder = BlockBuilder::begin(&mut self.list, height, hash).forked(forked);
        builder.confirm(confirming, tip.hash);
        builder.punish(&commitments);
        for (action, slot) in all.iter().zip(&slots) {
            builder.transact(action, *slot, self.options.seed);
        }
        let mut special = Vec::new();
        for (action, slot) in all.iter().zip(&slots) {
            special.extend(fork_rules::special(action, slot.and_then(|slot| builder.node(slot))));
            if let (Action::SpendCollateral { .. } | Action::Dissolve { .. }, Some(slot)) = (action, slot) {
                builder.remove(*slot);
            }
        }
        builder.pay(payee.map(|node| node.slot), mn_rr);
        let effect = builder.finish();
        self.dkg = Arc::new(dkg);
        let time = self.time_after(tip.time);
        self.start_sessions(height, hash);
        self.after_life(height, &effect.notes);
        self.history.push(Block {
            height,
            hash,
            parent: tip.hash,
            time,
            changes: effect.changes,
            decays: effect.decays,
            commitments,
            dkg: Arc::clone(&self.dkg),
            notes: effect.notes,
            special,
            payee,
            list_root: OnceLock::new(),
        });
        if all.contains(&Action::SignFork) {
            self.signal = Some(height);
        }
    }

    /// Removes `depth` blocks and mines others instead.
    pub(super) fn reorg(&mut self, depth: usize, blocks: &[Vec<Action>]) -> Result<(), ActionError> {
        let kept = self.history.tip().height - self.history.root().height;
        if depth > kept as usize {
            return Err(ActionError::TooDeep);
        }
        for _ in 0..depth {
            let block = self.history.pop().expect("the depth was checked");
            for change in &block.changes {
                self.list.replace(change.slot, change.before);
            }
            for (slot, score) in &block.decays {
                self.list.set_score(*slot, score + 1);
            }
        }
        self.dkg = Arc::clone(&self.history.tip().dkg);
        self.branch += 1;
        self.forget_fork();
        for actions in blocks {
            self.mine(actions)?;
        }
        Ok(())
    }

    /// Changes the hashes of future blocks.
    pub(super) fn start_branch(&mut self, distance: u64) {
        self.branch += distance;
    }

    /// The list at a kept block, by slot.
    pub(super) fn list_at(&self, block: &Arc<Block>) -> Option<Vec<Option<Masternode>>> {
        let mut slots = self.list.copy_slots();
        for (slot, difference) in self.history.difference(self.history.tip(), block)? {
            let index = slot as usize;
            match difference {
                Difference::Score { after, .. } => {
                    slots[index].as_mut().expect("only a registered node has a score").score = after;
                }
                Difference::Node { after, .. } => slots[index] = after,
            }
        }
        Some(slots)
    }

    /// The slot of the node that the action names.
    fn slot(&self, action: &Action) -> Option<u32> {
        Some(self.list.find(Hash256::parse(action.masternode()?)?)?.slot)
    }

    fn check(&self, action: &Action) -> Result<(), ActionError> {
        let forked = self.forked(self.history.tip().height + 1);
        match action {
            Action::SignFork if self.options.fork.is_none() || self.left_behind.is_some() => {
                return Err(ActionError::NotForked);
            }
            Action::FailSession { quorum_type, index } => {
                let found = DkgState::clone(&self.dkg).fail_session(*quorum_type, *index);
                return if found { Ok(()) } else { Err(ActionError::NoSession(*quorum_type, *index)) };
            }
            Action::SignFork if self.signal.is_some() => return Err(ActionError::Signed),
            Action::RegisterShared { .. } if !forked => return Err(ActionError::NotForked),
            Action::RegisterShared { number, shares } => {
                return fork_rules::check_shared(&self.list, self.options.seed, *number, *shares);
            }
            _ => {}
        }
        let Some(name) = action.masternode() else { return Ok(()) };
        let node = Hash256::parse(name)
            .and_then(|hash| self.list.find(hash))
            .ok_or_else(|| ActionError::UnknownMasternode(name.to_owned()))?;
        match action {
            Action::Revive { .. }
            | Action::ChangeAddress { .. }
            | Action::MoveHere { .. }
            | Action::ChangeOperatorPayout { .. }
            | Action::ClearOperatorPayout { .. }
            | Action::Migrate { .. }
            | Action::AddAddress { .. }
            | Action::ChangePlatformPorts { .. }
                if node.operator_key == 0 =>
            {
                Err(ActionError::NoOperatorKey(name.to_owned()))
            }
            Action::FailDkg { quorum_type: Some(id), .. } => {
                let fits = |kind: &&&QuorumType| kind.id == *id && kind.rotating == 0 && (node.evo || !kind.evo_only);
                quorum_types(self.options.subnet).iter().find(fits).map(|_| ()).ok_or(ActionError::QuorumType(*id))
            }
            _ => fork_rules::check_node(action, node, forked),
        }
    }

    /// The commitments of the block, and the quorums after it.
    fn commitments(&self, height: u32, hash: Hash256, actions: &[Action]) -> (DkgState, Vec<Arc<Commitment>>) {
        let mut dkg = DkgState::clone(&self.dkg);
        let mut ordered: BTreeMap<u32, usize> = BTreeMap::new();
        let mut types = BTreeMap::new();
        for action in actions {
            if let (Action::FailDkg { commitments, quorum_type, .. }, Some(slot)) = (action, self.slot(action)) {
                *ordered.entry(slot).or_default() += (*commitments).max(1);
                types.insert(slot, *quorum_type);
            }
            if let Action::FailSession { quorum_type, index } = action {
                dkg.fail_session(*quorum_type, *index);
            }
        }
        let mut random = Random::of(&[self.options.seed, hash.seed(), 0xd49]);
        let mut conduct = Conduct {
            offline: &self.offline,
            outdated: &self.outdated,
            ordered: &mut ordered,
            // The old branch cannot form a quorum.
            outage: actions.contains(&Action::FailNetwork) || self.left_behind.is_some(),
            failure_rate: self.options.failure_rate,
            spared: (self.setting_up && self.options.endangered).then_some(ENDANGERED),
        };
        let block = (height, hash);
        let mut commitments = dkg.finish_sessions(&self.list, block, &mut random, &mut conduct);
        for (slot, orders) in ordered {
            for _ in 0..orders {
                let commitment = self.extra_commitment(block, slot, types[&slot], &commitments);
                dkg.activate(Arc::clone(&commitment));
                commitments.push(commitment);
            }
        }
        (dkg, commitments)
    }

    /// A further quorum, named after a recent block that identifies no other quorum of the type; it marks only the node
    /// in `slot` as failed.
    fn extra_commitment(
        &self,
        block: (u32, Hash256),
        slot: u32,
        wish: Option<u8>,
        others: &[Arc<Commitment>],
    ) -> Arc<Commitment> {
        let node = *self.list.get(slot).expect("checked to be registered");
        let kinds = quorum_types(self.options.subnet);
        let kind =
            kinds.iter().find(|kind| wish.map_or(!kind.evo_only, |id| kind.id == id)).expect("checked to be in use");
        let (height, hash) = block;
        let first = height - 1 - (height - 1) % kind.interval;
        let base_height = (0..first)
            .map(|back| first - back)
            .find(|base| !self.is_named_after(kind, *base, others))
            .expect("a chain has more blocks than quorums");
        let base_hash = self.active_hash(base_height).expect("a block below the tip");
        // A script may punish on a network of any size.
        let rule = Seating { shrink: true };
        let block = (height, base_hash);
        let session = plain_session(kind, block, &Drawn::by(kind, &self.list, block, rule));
        let mut session = Session { base_height, cycle: first, ..session };
        session.members.retain(|member| member.slot != slot);
        session.members.truncate(session.size - 1);
        session.members.push(node);
        let mut valid = vec![true; session.members.len() - 1];
        valid.resize(session.size, false);
        Arc::new(Commitment { session: Arc::new(session), height, block: hash, valid })
    }

    fn is_named_after(&self, kind: &QuorumType, base: u32, others: &[Arc<Commitment>]) -> bool {
        let same = |session: &Session| session.kind.id == kind.id && session.base_height == base;
        let mined = self.history.active().flat_map(|block| &block.commitments).chain(others);
        self.dkg.pending.iter().any(|session| same(session)) || mined.into_iter().any(|other| same(&other.session))
    }

    /// Hash of the block of the active branch at this height.
    pub(super) fn active_hash(&self, height: u32) -> Option<Hash256> {
        if height < self.history.root().height {
            return Some(self.history.naming().old(height));
        }
        self.history.active_at(height).map(|block| block.hash)
    }

    fn start_sessions(&mut self, height: u32, hash: Hash256) {
        let kinds = quorum_types(self.options.subnet);
        let begins = |kind: &&QuorumType| height % kind.interval < kind.rotating.max(1);
        let decides = |kind: &&QuorumType| (height + LEAD).is_multiple_of(kind.interval);
        if !kinds.iter().any(|kind| begins(kind) || decides(kind)) {
            return;
        }
        let mut dkg = DkgState::clone(&self.dkg);
        let rule = Seating::of(&self.options);
        dkg.draw(kinds, &self.list, (height, hash), rule);
        dkg.start_sessions(kinds, &self.list, (height, hash), rule);
        self.dkg = Arc::new(dkg);
    }

    fn time_after(&self, last: u64) -> u64 {
        let next = last + self.options.spacing.as_secs();
        match self.options.clock {
            Clock::Following(now) if !self.setting_up => now().max(last),
            _ => next,
        }
    }

    /// The actions of the script and the random actions of owners.
    fn with_life(&mut self, actions: &[Action], height: u32) -> Vec<Action> {
        let mut all = actions.to_vec();
        if self.options.lively && !self.setting_up {
            all.extend(self.life.actions(&self.options, &self.list, &mut self.offline, height));
        }
        if !self.setting_up {
            self.fork_actions(&mut all, height);
        }
        all
    }

    fn after_life(&mut self, height: u32, notes: &[super::ledger::Note]) {
        if self.options.lively {
            self.life.watch(&self.options, height, notes);
        }
    }
}

/// The first kept block, without changes.
fn root_block(options: &Options, naming: Naming, height: u32, dkg: &Arc<DkgState>) -> Block {
    Block {
        height,
        hash: naming.old(height),
        parent: naming.old(height - 1),
        time: first_time(options),
        changes: Vec::new(),
        decays: Vec::new(),
        commitments: Vec::new(),
        dkg: Arc::clone(dkg),
        notes: Vec::new(),
        special: Vec::new(),
        payee: None,
        list_root: OnceLock::new(),
    }
}

/// Unix time of the first kept block.
fn first_time(options: &Options) -> u64 {
    match options.clock {
        Clock::Fixed(time) => time,
        Clock::Following(now) => now().saturating_sub(u64::from(options.premined) * options.spacing.as_secs()),
    }
}
