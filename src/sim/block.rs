//! One block applied to the list, in the order of `src/evo/specialtxman.cpp RebuildListFromBlock`:
//! decay, commitments (miners put them first), other transactions, spent collaterals, payee.
//!
//! Never looks at the block tree or at the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::Action;
use super::dkg::Commitment;
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
}

/// What the block did.
pub(super) struct BlockEffect {
    pub(super) changes: Vec<Change>,
    pub(super) decays: Vec<(u32, u32)>,
    pub(super) notes: Vec<Note>,
}

impl<'a> BlockBuilder<'a> {
    /// Begins the block: every valid score above 0 loses a point before anything else.
    pub(super) fn begin(list: &'a mut List, height: u32, hash: Hash256) -> Self {
        let decayed = list.decay();
        Self { list, height, hash, decayed, before: BTreeMap::new(), notes: Vec::new() }
    }

    /// Makes the nodes drawable that were registered at this height or before: `hash` is that of the block before this one
    /// (`CDeterministicMNState::UpdateConfirmedHash`).
    pub(super) fn confirm(&mut self, registered: u32, hash: Hash256) {
        let due = self.list.unconfirmed().filter(|node| node.registered <= registered).map(|node| node.slot);
        for slot in due.collect::<Vec<_>>() {
            self.update(slot, |node| node.confirmed = hash);
        }
    }

    /// Punishes the members that the commitments leave out (`CDeterministicMNList::PoSePunish`).
    pub(super) fn punish(&mut self, commitments: &[Arc<Commitment>]) {
        let maximum = maximum_score(self.list.registered());
        let points = failure_points(maximum);
        let mut punished: BTreeMap<u32, (u32, u32, bool)> = BTreeMap::new();
        for slot in commitments.iter().flat_map(|commitment| commitment.failed()) {
            let height = self.height;
            let Some((old, new)) = self.update(slot, |node| {
                // A banned node's score still rises; only the height of its ban stays.
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
            Action::FailDkg { .. } | Action::FailNetwork | Action::SpendCollateral { .. } => {}
            Action::Register { evo, with_address } => self.register(*evo, *with_address, seed),
            Action::Revive { .. } => self.update_service(slot, None),
            Action::ChangeAddress { .. } => self.update_service(slot, Some(ChangedField::Address)),
            Action::MoveHere { port, .. } => {
                self.update_service(slot, Some(ChangedField::Address));
                if let Some(slot) = slot {
                    self.update(slot, |node| node.local_port = Some(*port));
                }
            }
            Action::ChangeOperatorPayout { .. } => self.update_service(slot, Some(ChangedField::OperatorPayout)),
            Action::Revoke { reason, .. } => self.revoke(slot, *reason),
            Action::ChangeOperatorKey { .. } => self.change_operator_key(slot),
            Action::ChangePayout { .. } => {
                self.change(slot, ChangedField::Payout, |node| node.payout += 1);
            }
            Action::ChangeVotingKey { .. } => {
                self.change(slot, ChangedField::VotingKey, |node| node.voting_key += 1);
            }
        }
    }

    /// Takes a node off the list because its collateral is spent.
    pub(super) fn remove(&mut self, slot: u32) {
        if self.list.get(slot).is_some() {
            self.note(slot, LedgerKind::Removal);
            let before = self.list.replace(slot, None);
            self.remember(slot, before);
        }
    }

    /// Credits the payee, if it is still there, and ends the runs of all other Evo nodes.
    pub(super) fn pay(&mut self, payee: Option<u32>, mn_rr: bool) {
        let height = self.height;
        if let Some(slot) = payee {
            let paid = self.update(slot, |node| {
                node.last_paid = height;
                if node.evo && !mn_rr {
                    node.consecutive += 1;
                }
            });
            if paid.is_some() {
                self.note(slot, LedgerKind::Payment);
            }
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
        self.list.replace(slot, Some(node));
        self.remember(slot, None);
        self.note(slot, LedgerKind::Registration);
        if !with_address {
            self.note(slot, LedgerKind::Ban { cause: BanCause::NoAddress, score: 0 });
        }
    }

    /// A ProUpServTx: sets what it carries, and revives (`CDeterministicMNState::Revive`).
    fn update_service(&mut self, slot: Option<u32>, field: Option<ChangedField>) {
        let height = self.height;
        let Some(slot) = slot else { return };
        let Some((old, new)) = self.update(slot, |node| {
            match field {
                Some(ChangedField::Address) => {
                    node.address += 1;
                    node.local_port = None;
                }
                Some(ChangedField::OperatorPayout) => node.operator_payout += 1,
                _ => node.address = node.address.max(1),
            }
            node.address = node.address.max(1);
            node.version = 2;
            node.platform = node.platform.max(u32::from(node.evo));
            if node.ban.take().is_some() {
                node.score = 0;
                node.revived = Some(height);
            }
        }) else {
            return;
        };
        if old.address != new.address {
            self.note(slot, LedgerKind::Change(ChangedField::Address));
        }
        if field == Some(ChangedField::OperatorPayout) {
            self.note(slot, LedgerKind::Change(ChangedField::OperatorPayout));
        }
        if !old.is_valid() {
            self.note(slot, LedgerKind::Revival);
        }
    }

    fn revoke(&mut self, slot: Option<u32>, reason: u8) {
        self.ban_by_transaction(slot, BanCause::Revoked, |node| {
            node.reset_operator();
            node.revocation = reason;
        });
    }

    fn change_operator_key(&mut self, slot: Option<u32>) {
        self.ban_by_transaction(slot, BanCause::KeyChanged, |node| {
            let edition = node.operator_key + 1;
            node.reset_operator();
            node.version = 2;
            // A key that was wiped must not come back as it was.
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
            self.note(slot, LedgerKind::Change(ChangedField::OperatorKey));
        }
        if old.address != new.address {
            self.note(slot, LedgerKind::Change(ChangedField::Address));
        }
        if old.operator_payout != new.operator_payout {
            self.note(slot, LedgerKind::Change(ChangedField::OperatorPayout));
        }
        if old.is_valid() {
            self.note(slot, LedgerKind::Ban { cause, score: new.score });
        }
    }

    fn change(&mut self, slot: Option<u32>, field: ChangedField, edit: impl FnOnce(&mut Masternode)) {
        let Some(slot) = slot else { return };
        if self.update(slot, edit).is_some() {
            self.note(slot, LedgerKind::Change(field));
        }
    }

    /// Edits a registered node; gives it before and after the edit.
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

    /// Keeps the node as the block found it: before this edit, and before this block's decay.
    fn remember(&mut self, slot: u32, old: Option<Masternode>) {
        let decayed = self.decayed.binary_search(&slot).is_ok();
        self.before
            .entry(slot)
            .or_insert_with(|| old.map(|node| Masternode { score: node.score + u32::from(decayed), ..node }));
    }

    fn note(&mut self, slot: u32, kind: LedgerKind) {
        let masternode = self.list.get(slot).expect("an entry is written while the node is registered").hash;
        self.notes.push(Note { masternode, slot, kind });
    }
}
