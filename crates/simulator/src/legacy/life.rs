//! Random actions of owners and operators on a lively network: stop, return, restart, move, register, leave.
//!
//! Never here: scripted networks.

use super::action::Action;
use super::node::NodeState;
use super::options::Chain;
use super::state::State;
use crate::random::Random;

/// Slots that are reserved for the scenario: the silent first one and the first pair of duplicates.
const CAST: usize = 3;

/// Seconds of silence until the owner of the first node reacts: two hours past its expiry on Dimecoin, when it is
/// `NEW_START_REQUIRED`, and on PRCYcoin when it has been missing for some time.
const FIRST_NOTICED_SECONDS: u64 = 185 * 60;

/// The actions after a block.
pub(super) fn live(state: &mut State) {
    let height = u64::from(state.headers.tip().height);
    let mut random = Random::of(&[state.options.seed, 0x11fe, height]);
    let mut actions = Vec::new();
    actions.extend(first_restart(state));
    if random.chance(1.0 / 20.0) {
        actions.extend(pick(state, &mut random, true).map(|masternode| Action::GoOffline { masternode }));
    }
    if random.chance(1.0 / 30.0) {
        actions.extend(pick(state, &mut random, false).map(|masternode| Action::ComeBack { masternode }));
    }
    if random.chance(1.0 / 40.0) {
        actions.extend(recovery(state, &mut random));
    }
    if random.chance(1.0 / 100.0) && state.options.chain == Chain::Dimecoin {
        let pair = (pick(state, &mut random, true), pick(state, &mut random, true));
        if let (Some(masternode), Some(of)) = pair {
            actions.push(Action::Duplicate { masternode, of });
        }
    }
    if random.chance(1.0 / 150.0) {
        actions.push(Action::Register);
    }
    if random.chance(1.0 / 200.0) {
        actions.extend(pick(state, &mut random, true).map(|masternode| Action::SpendCollateral { masternode }));
    }
    for action in actions {
        // Two of them may affect one node; the second is then refused.
        let _ = state.act(&action);
    }
}

/// The owner of the first node starts it again, late.
fn first_restart(state: &State) -> Option<Action> {
    let node = state.nodes.first()?;
    let noticed = !node.online && !node.spent && state.now.saturating_sub(node.seen) >= FIRST_NOTICED_SECONDS;
    noticed.then(|| Action::Restart { masternode: node.id() })
}

/// Some enabled node whose daemon runs, or does not.
fn pick(state: &State, random: &mut Random, online: bool) -> Option<String> {
    let fits = |slot: &usize| {
        let node = &state.nodes[*slot];
        node.listed && node.online == online && node.state == NodeState::Enabled
    };
    let slots: Vec<usize> = (CAST..state.nodes.len()).filter(fits).collect();
    slots.get(random.below(slots.len())).map(|slot| state.nodes[*slot].id())
}

/// An owner starts an expired node again, at an address of its own if its address is shared.
fn recovery(state: &State, random: &mut Random) -> Option<Action> {
    let lost = |slot: &usize| {
        let node = &state.nodes[*slot];
        let silent = matches!(node.state, NodeState::Expired | NodeState::NewStartRequired);
        !node.spent && node.banned_until.is_none() && (!node.listed || silent)
    };
    let slots: Vec<usize> = (1..state.nodes.len()).filter(lost).collect();
    let node = &state.nodes[*slots.get(random.below(slots.len()))?];
    let shared = state.listed().filter(|other| other.address == node.address).count() > 1;
    let masternode = node.id();
    Some(if shared { Action::Move { masternode } } else { Action::Restart { masternode } })
}
