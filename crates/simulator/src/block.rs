//! One block applied to the list, in the order of `src/evo/specialtxman.cpp RebuildListFromBlock`:
//! decay, commitments (miners put them first), other transactions, spent collaterals, payee.
//!
//! Never here: the block tree, the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::Action;
use super::dkg::Commitment;
use super::extended::EXTENDED;
use super::history::Change;
use super::ledger::{BanCause, ChangedField, LedgerKind, Note};
use super::list::List;
use super::masternode::Masternode;
use super::random::{Hash256, Random};
use super::rules::{failure_points, maximum_score};

/// The block under construction.
pub(super) struct BlockBuilder<'a> {
    list: &'a mut List,
    height: u32,
    hash: Hash256,
    decayed: Vec<u32>,
    before: BTreeMap<u32, Option<Masternode>>,
    notes: Vec<Note>,
    forked: bool,
}

/// The results of the block.
pub(super) struct BlockEffect {
    pub(super) changes: Vec<Change>,
    pub(super) decays: Vec<(u32, u32)>,
    pub(super) notes: Vec<Note>,
}

impl<'a> BlockBuilder<'a> {
    /// Begins the block: every valid score above 0 loses a point first.
    pub(super) fn begin(list: &'a mut List, height: u32, hash: Hash256) -> Self {
        let decayed = list.decay();
        Self { list, height, hash, decayed, before: BTreeMap::new(), notes: Vec::new(), forked: false }
    }

    /// Whether the rules of Dash 24 are active in this block.
    pub(super) fn forked(self, forked: bool) -> Self {
        Self { forked, ..self }
    }

    /// Confirms the nodes that were registered at this height or before, so that they can be selected: `hash` is that
    /// of the block before this one (`CDeterministicMNState::UpdateConfirmedHash`).
    pub(super) fn confirm(&mut self, registered: u32, hash: Hash256) {
        let due = self.list.unconfirmed().filter(|node| node.registered <= registered).map(|node| node.slot);
        for slot in due.collect::<Vec<_>>() {
            self.update(slot, |node| node.confirmed = hash);
        }
    }

    /// Punishes the members that the commitments mark as failed (`CDeterministicMNList::PoSePunish`).
    pub(super) fn punish(&mut self, commitments: &[Arc<Commitment>]) {
        let maximum = maximum_score(self.list.registered());
        let points = failure_points(maximum);
        let mut punished: BTreeMap<u32, (u32, u32, bool)> = BTreeMap::new();
        for slot in commitments.iter().flat_map(|commitment| commitment.failed()) {
            let height = self.height;
            let Some((old, new)) = self.update(slot, |node| {
                // A banned node's score still rises; only the height of its ban stays unchanged.
                node.score = node.score.saturating_add(points).min(maximum);
                if node.score >= maximum {
                    node.ban_if_valid(height);
                }
            }) else {
                continue;
            };
            let entry = punished.entry(slot).or_insert((old.score, 0, false));
            entry.1 += 1;
            entry.2 |= old.is_valid() && !new.is_valid();
        }
        for (slot, (score_before, hits, banned)) in punished {
            let score = self.list.get(slot).expect("a punished node is registered").score;
            let points = score.saturating_sub(score_before);
            self.note(slot, LedgerKind::Penalty { points, hits, score });
            if banned {
                self.note(slot, LedgerKind::Ban { cause: BanCause::Dkg, score });
            }
        }
    }

    /// Applies a transaction. `slot` is the node that the action names.
    pub(super) fn transact(&mut self, action: &Action, slot: Option<u32>, seed: u64) {
        match action {
            Action::FailDkg { .. }
            | Action::FailNetwork
            | Action::FailSession { .. }
            | Action::SignFork
            | Action::Dissolve { .. }
            | Action::SpendCollateral { .. } => {}
            Action::Register { evo, with_address } => self.register(*evo, *with_address, seed),
            Action::RegisterShared { number, shares } => self.register_shared(*number, *shares, seed),
            Action::Revive { .. } => self.update_service(slot, None),
            Action::ChangeAddress { .. } => self.update_service(slot, Some(ChangedField::Address)),
            Action::MoveHere { port, .. } => {
                self.update_service(slot, Some(ChangedField::Address));
                if let Some(slot) = slot {
                    self.update(slot, |node| node.local_port = Some(*port));
                }
            }
            Action::ChangeOperatorPayout { .. } => self.update_service(slot, Some(ChangedField::OperatorPayout)),
            Action::ClearOperatorPayout { .. } => {
                self.serve(slot, None, Some(ChangedField::OperatorPayout), |node| node.operator_payout = 0);
            }
            Action::Revoke { reason, .. } => self.revoke(slot, *reason),
            Action::ChangeOperatorKey { .. } => self.change_operator_key(slot),
            Action::ChangePayout { .. } => {
                self.change(slot, ChangedField::Payout, |node| node.payout += 1);
            }
            Action::ChangeVotingKey { .. } => {
                self.change(slot, ChangedField::VotingKey, |node| node.voting_key += 1);
            }
            Action::Migrate { version, .. } => self.serve(slot, Some(*version), None, |_| {}),
            Action::AddAddress { .. } => {
                self.serve(slot, Some(EXTENDED), Some(ChangedField::Address), |node| node.further += 1);
            }
            Action::ChangePlatformPorts { .. } => {
                self.serve(slot, None, Some(ChangedField::Platform), |node| node.platform_ports += 1);
            }
            Action::SetPayouts { payouts, .. } => self.set_payouts(slot, *payouts),
            Action::ChangeShareReward { share, .. } => {
                self.change(slot, ChangedField::Shares, |node| node.share_rewards[usize::from(*share)] += 1);
            }
        }
    }

    /// The node in the slot, in its current state within the block.
    pub(super) fn node(&self, slot: u32) -> Option<&Masternode> {
        self.list.get(slot)
    }

    /// Removes a node from the list because its collateral is spent.
    pub(super) fn remove(&mut self, slot: u32) {
        if self.list.get(slot).is_some() {
            self.note(slot, LedgerKind::Removal);
            let before = self.list.replace(slot, None);
            self.remember(slot, before);
        }
    }

    /// Pays the payee of the list before, also if it left in this block, and ends the runs of all other Evo nodes.
    pub(super) fn pay(&mut self, payee: Option<u32>, mn_rr: bool) {
        let height = self.height;
        if let Some(slot) = payee {
            self.update(slot, |node| {
                node.last_paid = height;
                if node.evo && !mn_rr {
                    node.consecutive += 1;
                }
            });
            self.note(slot, LedgerKind::Payment);
        }
        let running: Vec<u32> = self.list.running().collect();
        for slot in running {
            if mn_rr || payee != Some(slot) {
                self.update(slot, |node| node.consecutive = 0);
            }
        }
    }

    /// Ends the block.
    pub(super) fn finish(self) -> BlockEffect {
        let Self { list, decayed, before, notes, .. } = self;
        let decays = decayed
            .into_iter()
            .filter(|slot| !before.contains_key(slot))
            .map(|slot| (slot, list.get(slot).expect("an untouched node is registered").score))
            .collect();
        let changes = before
            .into_iter()
            .map(|(slot, before)| Change { slot, before, after: list.get(slot).copied() })
            .filter(|change| change.before != change.after)
            .collect();
        BlockEffect { changes, decays, notes }
    }

    fn register(&mut self, evo: bool, with_address: bool, seed: u64) {
        let slot = self.list.next_slot();
        let hash = Random::of(&[seed, self.hash.seed(), u64::from(slot)]).hash();
        let node = Masternode::registered(hash, slot, evo, self.height, with_address);
        self.enter(node);
        if !with_address {
            self.note(slot, LedgerKind::Ban { cause: BanCause::NoAddress, score: 0 });
        }
    }

    fn enter(&mut self, node: Masternode) {
        self.list.replace(node.slot, Some(node));
        self.remember(node.slot, None);
        self.note(node.slot, LedgerKind::Registration);
    }

    /// A ProUpServTx: sets its values, and revives (`CDeterministicMNState::Revive`).
    fn update_service(&mut self, slot: Option<u32>, field: Option<ChangedField>) {
        self.serve(slot, None, field, |node| match field {
            Some(ChangedField::Address) => {
                node.address += 1;
                node.further = 0;
                node.local_port = None;
            }
            Some(ChangedField::OperatorPayout) => node.operator_payout += 1,
            _ => {}
        });
    }

    /// A ProUpServTx of a version; without one, of the version that the masternode's state requires.
    fn serve(
        &mut self,
        slot: Option<u32>,
        version: Option<u8>,
        field: Option<ChangedField>,
        edit: impl FnOnce(&mut Masternode),
    ) {
        let (height, forked) = (self.height, self.forked);
        let Some(slot) = slot else { return };
        let Some((old, new)) = self.update(slot, |node| {
            edit(node);
            node.address = node.address.max(1);
            if forked {
                let usual = if node.evo { EXTENDED } else { 2 };
                node.version = node.version.max(version.unwrap_or(usual));
            }
            node.platform = node.platform.max(u32::from(node.evo));
            if node.ban.take().is_some() {
                node.score = 0;
                node.revived = Some(height);
            }
        }) else {
            return;
        };
        let moved = old.address != new.address || old.further != new.further;
        if moved {
            self.note_change(slot, ChangedField::Address, (old, new));
        }
        if let Some(field) = field.filter(|field| *field != ChangedField::Address) {
            self.note_change(slot, field, (old, new));
        }
        self.note_version(slot, (old, new));
        if !old.is_valid() {
            self.note(slot, LedgerKind::Revival);
        }
    }

    /// A ProUpRegTx of version 3 with other payees.
    fn set_payouts(&mut self, slot: Option<u32>, payouts: u8) {
        let Some(slot) = slot else { return };
        let changed = self.update(slot, |node| {
            node.payout += 1;
            node.payouts = payouts;
            node.version = node.version.max(EXTENDED);
        });
        if let Some(nodes) = changed {
            self.note_change(slot, ChangedField::Payout, nodes);
            self.note_version(slot, nodes);
        }
    }

    fn register_shared(&mut self, number: u32, shares: u8, seed: u64) {
        let node = Masternode {
            version: EXTENDED,
            shares,
            ..Masternode::registered(shared_hash(seed, number), self.list.next_slot(), false, self.height, true)
        };
        self.enter(node);
    }

    fn revoke(&mut self, slot: Option<u32>, reason: u8) {
        let forked = self.forked;
        self.ban_by_transaction(slot, BanCause::Revoked, |node| {
            let version = node.version;
            node.reset_operator();
            node.revocation = reason;
            if forked {
                node.version = version;
            }
        });
    }

    fn change_operator_key(&mut self, slot: Option<u32>) {
        let forked = self.forked;
        self.ban_by_transaction(slot, BanCause::KeyChanged, |node| {
            let edition = node.operator_key + 1;
            let version = if forked { node.version.max(2) } else { 2 };
            node.reset_operator();
            node.version = version;
            // A wiped key must not be restored with the same value.
            node.operator_key = edition + 1_000 * u32::from(edition == 1);
        });
    }

    fn ban_by_transaction(&mut self, slot: Option<u32>, cause: BanCause, reset: impl FnOnce(&mut Masternode)) {
        let height = self.height;
        let Some(slot) = slot else { return };
        let Some((old, new)) = self.update(slot, |node| {
            reset(node);
            node.ban_if_valid(height);
        }) else {
            return;
        };
        if old.operator_key != new.operator_key {
            self.note_change(slot, ChangedField::OperatorKey, (old, new));
        }
        if old.address != new.address {
            self.note_change(slot, ChangedField::Address, (old, new));
        }
        if old.operator_payout != new.operator_payout {
            self.note_change(slot, ChangedField::OperatorPayout, (old, new));
        }
        self.note_version(slot, (old, new));
        if old.is_valid() {
            self.note(slot, LedgerKind::Ban { cause, score: new.score });
        }
    }

    fn change(&mut self, slot: Option<u32>, field: ChangedField, edit: impl FnOnce(&mut Masternode)) {
        let Some(slot) = slot else { return };
        if let Some(nodes) = self.update(slot, edit) {
            self.note_change(slot, field, nodes);
        }
    }

    /// Edits a registered node; returns it before and after the edit.
    fn update(&mut self, slot: u32, edit: impl FnOnce(&mut Masternode)) -> Option<(Masternode, Masternode)> {
        let old = *self.list.get(slot)?;
        let mut new = old;
        edit(&mut new);
        if new != old {
            self.list.replace(slot, Some(new));
            self.remember(slot, Some(old));
        }
        Some((old, new))
    }

    /// Keeps the node as it was before this block: before this edit, and before the block's decay.
    fn remember(&mut self, slot: u32, old: Option<Masternode>) {
        let decayed = self.decayed.binary_search(&slot).is_ok();
        self.before
            .entry(slot)
            .or_insert_with(|| old.map(|node| Masternode { score: node.score + u32::from(decayed), ..node }));
    }

    fn note(&mut self, slot: u32, kind: LedgerKind) {
        let removed = || self.before.get(&slot).and_then(Option::as_ref);
        let masternode = self.list.get(slot).or_else(removed).expect("it is registered, or was before the block").hash;
        self.notes.push(Note { masternode, slot, kind, change: None });
    }

    fn note_change(&mut self, slot: u32, field: ChangedField, nodes: (Masternode, Masternode)) {
        self.note(slot, LedgerKind::Change(field));
        let note = self.notes.last_mut().expect("just written");
        note.change = Some(Box::new(nodes));
    }

    /// Before the fork, a lower version only indicates that an operator revoked; so does a higher one where a key replaces one
    /// revoked then.
    fn note_version(&mut self, slot: u32, nodes: (Masternode, Masternode)) {
        let is_restored = nodes.0.operator_key == 0 && nodes.1.version < EXTENDED;
        let is_told = if self.forked { nodes.0.version != nodes.1.version } else { nodes.0.version < nodes.1.version };
        if is_told && !is_restored {
            self.note_change(slot, ChangedField::Version, nodes);
        }
    }
}

/// The proTxHash of the shared masternode with this number.
pub(super) fn shared_hash(seed: u64, number: u32) -> Hash256 {
    Random::of(&[seed, 0x54a6ed, u64::from(number)]).hash()
}
