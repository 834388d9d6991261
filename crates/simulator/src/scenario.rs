//! Random actions of owners and operators on a lively network: revive, register, move, go offline.
//!
//! Never here: scripted networks.

use std::collections::{BTreeMap, HashSet};

use super::action::Action;
use super::fork_life::LAST_SCHEDULED;
use super::ledger::{BanCause, LedgerKind, Note};
use super::list::List;
use super::options::Options;
use super::random::Random;
use super::setup::ENDANGERED;

/// Blocks until the owner of the endangered node revives it.
const ENDANGERED_REVIVAL: u32 = 90;

/// Plans that extend over several blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    /// Slots to revive, by height.
    revivals: BTreeMap<u32, Vec<u32>>,
}

impl Life {
    /// The actions in the block of this height.
    pub(super) fn actions(
        &mut self,
        options: &Options,
        list: &List,
        offline: &mut HashSet<u32>,
        height: u32,
    ) -> Vec<Action> {
        let mut random = Random::of(&[options.seed, 0x11fe, u64::from(height)]);
        let mut actions = self.due_revivals(list, offline, height);
        // Only the scenario acts on its masternodes.
        let last = if options.fork.as_ref().is_some_and(|fork| fork.story) { LAST_SCHEDULED } else { ENDANGERED };
        let mut some_node = |share: f64| {
            if !random.chance(share) {
                return None;
            }
            let slot = u32::try_from(random.below(list.next_slot() as usize)).expect("a slot is a u32");
            list.get(slot).filter(|node| node.is_valid() && slot > last && !node.is_shared()).copied()
        };
        if let Some(node) = some_node(1.0 / 60.0) {
            actions.push(Action::ChangePayout { masternode: node.hash.to_string() });
        }
        if let Some(node) = some_node(1.0 / 90.0) {
            actions.push(Action::ChangeAddress { masternode: node.hash.to_string() });
        }
        if let Some(node) = some_node(1.0 / 300.0) {
            actions.push(Action::Revoke { masternode: node.hash.to_string(), reason: 1 });
        }
        if let Some(node) = some_node(1.0 / 300.0) {
            actions.push(Action::SpendCollateral { masternode: node.hash.to_string() });
        }
        if let Some(node) = some_node(1.0 / 20.0) {
            offline.insert(node.slot);
        }
        if random.chance(1.0 / 40.0) {
            let evo = options.evo > 0 && random.chance(0.12);
            actions.push(Action::Register { evo, with_address: true });
        }
        if random.chance(1.0 / 30.0) {
            // Some operator reacts in time.
            let slot = offline.iter().copied().filter(|slot| *slot != ENDANGERED).min();
            slot.map(|slot| offline.remove(&slot));
        }
        actions
    }

    /// Plans the reaction of the owners to the bans of a block.
    pub(super) fn watch(&mut self, options: &Options, height: u32, notes: &[Note]) {
        let mut random = Random::of(&[options.seed, 0x0a7c, u64::from(height)]);
        for note in notes {
            if !matches!(note.kind, LedgerKind::Ban { cause: BanCause::Dkg, .. }) {
                continue;
            }
            let wait = if note.slot == ENDANGERED { ENDANGERED_REVIVAL } else { random.between(20, 240) };
            if note.slot == ENDANGERED || random.chance(0.7) {
                self.revivals.entry(height + wait).or_default().push(note.slot);
            }
        }
    }

    fn due_revivals(&mut self, list: &List, offline: &mut HashSet<u32>, height: u32) -> Vec<Action> {
        let later = self.revivals.split_off(&(height + 1));
        let due = std::mem::replace(&mut self.revivals, later);
        let mut actions = Vec::new();
        for slot in due.into_values().flatten() {
            offline.remove(&slot);
            if let Some(node) = list.get(slot)
                && !node.is_valid()
                && node.operator_key != 0
            {
                actions.push(Action::Revive { masternode: node.hash.to_string() });
            }
        }
        actions
    }
}
