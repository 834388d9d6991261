//! Effects of passing time: pings, the checks that determine each node's state, and the tasks of every minute.
//!
//! Dimecoin: `CMasternode::Check`, `CMasternodePing::CheckAndUpdate`, `CMasternodeMan::CheckAndRemove`; PRCYcoin: the
//! functions of the same names. The real check runs every five seconds; here it runs at the end of every clock step,
//! and a step ends at the next full minute at the latest.
//!
//! Never here: mining.

use std::collections::HashMap;

use super::ledger::LedgerKind;
use super::node::{Node, NodeState};
use super::options::Chain;
use super::rules::{BAN_SCORE, PING_JITTER_SECONDS, PING_SECONDS, ROUND_SECONDS, Rules};
use super::state::State;
use crate::random::Random;

/// Advances the clock.
pub(super) fn advance_to(state: &mut State, time: u64) {
    while state.now < time {
        let round = (state.now / ROUND_SECONDS + 1) * ROUND_SECONDS;
        let next = round.min(time);
        let (chain, rules) = (state.options.chain, state.rules);
        for node in state.nodes.iter_mut().filter(|node| node.online && node.next_ping <= next) {
            while node.next_ping <= next {
                ping(node, node.next_ping, chain, rules);
            }
        }
        state.now = next;
        state.receive_votes();
        check(state);
        if next == round {
            tasks(state);
            check(state);
        }
    }
}

/// Determines the state of every listed node.
pub(super) fn check(state: &mut State) {
    let (chain, rules, now) = (state.options.chain, state.rules, state.now);
    let height = state.headers.tip().height;
    let size = u32::try_from(state.listed().count()).expect("at most a few thousand");
    for slot in 0..state.nodes.len() {
        let node = &mut state.nodes[slot];
        if !node.listed {
            continue;
        }
        let (from, ban) = (node.state, node.banned_until);
        node.state = match chain {
            Chain::Dimecoin => dimecoin_state(node, rules, now, height, size),
            Chain::Prcycoin => prcycoin_state(node, rules, now),
        };
        let (to, until) = (node.state, node.banned_until);
        if let Some(until) = until.filter(|_| ban.is_none()) {
            state.note(slot, LedgerKind::Banned { until });
        }
        if from != to {
            state.note(slot, LedgerKind::State { from, to });
        }
    }
}

/// The tasks of a node once a minute.
fn tasks(state: &mut State) {
    if state.options.chain == Chain::Dimecoin {
        punish_duplicates(state);
    }
    for slot in 0..state.nodes.len() {
        let node = &mut state.nodes[slot];
        let leaves = matches!(node.state, NodeState::OutpointSpent | NodeState::Remove | NodeState::VinSpent);
        if node.listed && leaves {
            node.listed = false;
            state.note(slot, LedgerKind::Removed);
        }
    }
}

/// Of two nodes with one address, the one with the younger collateral is counted twice; at equal age both once.
fn punish_duplicates(state: &mut State) {
    let mut by_address: HashMap<u32, Vec<usize>> = HashMap::new();
    for (slot, node) in state.nodes.iter().enumerate().filter(|(_, node)| node.listed) {
        by_address.entry(node.address).or_default().push(slot);
    }
    let tip = state.headers.tip().height;
    for slots in by_address.into_values().filter(|slots| slots.len() > 1) {
        for (position, first) in slots.iter().enumerate() {
            for second in &slots[position + 1..] {
                let age = |slot: usize| state.nodes[slot].confirmations(tip);
                let (one, other) = (age(*first), age(*second));
                let named = match one.cmp(&other) {
                    std::cmp::Ordering::Less => [*first, *first],
                    std::cmp::Ordering::Equal => [*first, *second],
                    std::cmp::Ordering::Greater => [*second, *second],
                };
                for slot in named {
                    state.nodes[slot].score = (state.nodes[slot].score + 1).min(BAN_SCORE);
                }
            }
        }
    }
}

/// A ping of this time reaches the queried node, which may ignore it; the next one is due ten minutes later.
pub(super) fn ping(node: &mut Node, time: u64, chain: Chain, rules: &Rules) {
    let mut random = Random::of(&[node.txid.seed(), 0x9199, time]);
    node.next_ping = time + PING_SECONDS + u64::from(random.between(0, PING_JITTER_SECONDS));
    let age = time.saturating_sub(node.seen);
    // Pings cannot revive an expired node, and a ping that comes too early is ignored.
    let counts = age < rules.expired && age >= PING_SECONDS - 60;
    // No node relays the pings of a banned node, so they do not reach a node that is not its direct peer.
    let relayed = chain == Chain::Prcycoin || node.banned_until.is_none();
    if counts && relayed && node.listed && !node.spent {
        node.seen = time;
    }
}

/// `CMasternode::Check` of Dimecoin, in its order.
fn dimecoin_state(node: &mut Node, rules: &Rules, now: u64, height: u32, size: u32) -> NodeState {
    if node.spent {
        return NodeState::OutpointSpent;
    }
    match node.banned_until {
        Some(until) if height < until => return NodeState::PoseBan,
        Some(_) => {
            node.banned_until = None;
            node.score = node.score.saturating_sub(1);
        }
        None if node.score >= BAN_SCORE => {
            node.banned_until = Some(height + size);
            return NodeState::PoseBan;
        }
        None => {}
    }
    match now.saturating_sub(node.seen) {
        age if age >= rules.gone => NodeState::NewStartRequired,
        age if age >= rules.expired => NodeState::Expired,
        _ if node.seen.saturating_sub(node.started) < rules.pre_enabled => NodeState::PreEnabled,
        _ => NodeState::Enabled,
    }
}

/// `CMasternode::Check` of PRCYcoin, in its order.
fn prcycoin_state(node: &Node, rules: &Rules, now: u64) -> NodeState {
    match now.saturating_sub(node.seen) {
        _ if node.state == NodeState::VinSpent => NodeState::VinSpent,
        age if age >= rules.gone => NodeState::Remove,
        age if age >= rules.expired => NodeState::Expired,
        _ if node.spent => NodeState::VinSpent,
        _ => NodeState::Enabled,
    }
}
