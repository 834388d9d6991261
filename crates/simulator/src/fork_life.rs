//! Scheduled actions of the fork of Dash 24: one owner that migrates many masternodes, and the scenario of the demo.
//!
//! Never here: actions on a network without a fork.

use super::action::Action;
use super::block::shared_hash;
use super::extended::EXTENDED;
use super::fork::Fork;
use super::list::List;
use super::masternode::Masternode;
use super::options::Options;
use super::random::Random;

/// Slots with one scheduled change each. Slot 0 is the endangered masternode.
mod role {
    /// Migrates and has several payees.
    pub(super) const SPLIT: u32 = 2;
    /// Its payout address is stolen.
    pub(super) const STOLEN: u32 = 3;
    /// Gets further addresses.
    pub(super) const ADDRESSES: u32 = 4;
    /// Its operator key is replaced and it is revived with version 3.
    pub(super) const KEY: u32 = 5;
    /// Its operator revokes.
    pub(super) const REVOKED: u32 = 6;
}

/// Slot that migrates from version 1 to 2 to 3.
pub(super) const MIGRATING: u32 = 1;

/// The last slot that is reserved for the scenario.
pub(super) const LAST_SCHEDULED: u32 = role::REVOKED;

/// The actions of a block, `active` blocks after the activation: 0 is the first block under the new rules.
pub(super) fn actions(options: &Options, fork: &Fork, list: &List, active: u32) -> Vec<Action> {
    let mut actions = migrations(fork, list, active);
    if fork.story {
        actions.extend(story(options, list, active));
        actions.extend(background(options, list, active));
    }
    actions
}

/// Migrations of the one owner's masternodes in this block.
fn migrations(fork: &Fork, list: &List, active: u32) -> Vec<Action> {
    let Some(plan) = fork.migration else { return Vec::new() };
    let Some(turn) = active.checked_sub(plan.after).filter(|turn| *turn < plan.blocks) else { return Vec::new() };
    let its_turn = |node: &&Masternode| node.owner > 0 && node.slot % plan.blocks == turn && can_migrate(node);
    list.iter().filter(its_turn).map(migrate).collect()
}

/// A banned masternode stays banned: a service update would revive it.
fn can_migrate(node: &Masternode) -> bool {
    node.is_valid() && node.version < EXTENDED
}

fn migrate(node: &Masternode) -> Action {
    Action::Migrate { masternode: node.hash.to_string(), version: EXTENDED }
}

/// The scheduled change of this block.
fn story(options: &Options, list: &List, active: u32) -> Vec<Action> {
    let name = |slot: u32| list.get(slot).map(|node| node.hash.to_string());
    let of = |slot: u32, action: fn(String) -> Action| name(slot).map(action);
    let shared = shared_hash(options.seed, 0).to_string();
    let version = |version: u8| move |masternode: String| Action::Migrate { masternode, version };
    let acts: [Option<Action>; 2] = match active {
        2 => [name(MIGRATING).map(version(2)), name(role::STOLEN).map(version(EXTENDED))],
        4 => [Some(Action::RegisterShared { number: 0, shares: 3 }), name(role::SPLIT).map(version(EXTENDED))],
        8 => [name(MIGRATING).map(version(EXTENDED)), name(role::KEY).map(version(EXTENDED))],
        10 => [name(role::SPLIT).map(|masternode| Action::SetPayouts { masternode, payouts: 2 }), None],
        14 => [of(role::STOLEN, |masternode| Action::ChangePayout { masternode }), None],
        18 | 24 => [of(role::ADDRESSES, |masternode| Action::AddAddress { masternode }), None],
        20 => [Some(Action::ChangeShareReward { masternode: shared, share: 1 }), None],
        26 => [of(role::KEY, |masternode| Action::ChangeOperatorKey { masternode }), None],
        30 => [of(role::REVOKED, |masternode| Action::Revoke { masternode, reason: 1 }), None],
        34 => [name(role::KEY).map(version(EXTENDED)), None],
        45 => [Some(Action::Dissolve { masternode: shared }), None],
        _ => [None, None],
    };
    acts.into_iter().flatten().filter(|action| is_possible(action, list)).collect()
}

/// The other masternodes migrate one by one, in two of three blocks.
fn background(options: &Options, list: &List, active: u32) -> Option<Action> {
    let mut random = Random::of(&[options.seed, 0xf024, u64::from(active)]);
    if !random.chance(0.66) {
        return None;
    }
    let slot = u32::try_from(random.below(list.next_slot() as usize)).expect("a slot is a u32");
    list.get(slot).filter(|node| slot > LAST_SCHEDULED && can_migrate(node)).map(migrate)
}

/// Random events on a lively network can remove or ban a scheduled masternode.
fn is_possible(action: &Action, list: &List) -> bool {
    let Some(name) = action.masternode() else { return true };
    let Some(node) = super::random::Hash256::parse(name).and_then(|hash| list.find(hash)) else { return false };
    node.operator_key != 0 && super::fork_rules::check_node(action, node, true).is_ok()
}
