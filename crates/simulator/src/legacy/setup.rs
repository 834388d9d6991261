//! The initial network: nodes of all ages, a cycle of past payments, and votes for future blocks.
//!
//! Never here: ledger entries other than payments.

use std::collections::{HashMap, VecDeque};

use super::check::check;
use super::headers::Headers;
use super::options::{Chain, Options};
use super::rules::{HELD_OUT_SECONDS, START_CONFIRMATIONS, VOTE_LEAD, VOTERS, network_names, rules};
use super::state::State;
use super::votes::{Remembered, Votes};
use crate::history::Naming;
use crate::options::OptionsError;
use crate::random::{Hash256, Random};

/// Seconds since the last ping of the first node of a network with offline nodes.
const FIRST_SILENCE_SECONDS: u64 = 50 * 60;

/// Sets a network up.
pub(super) fn network(options: Options) -> Result<State, OptionsError> {
    options.validate()?;
    let mut state = empty(options);
    settle(&mut state);
    remember_a_cycle(&mut state);
    for lead in 1..=VOTE_LEAD {
        state.vote(state.headers.tip().height + lead);
    }
    for _ in 0..state.options.premined {
        state.mine();
    }
    silence(&mut state);
    check(&mut state);
    state.setting_up = false;
    Ok(state)
}

/// The masternodes: most older than a cycle, some younger.
fn settle(state: &mut State) {
    let mut random = Random::of(&[state.options.seed, 0x5e771e]);
    let nodes = u32::try_from(state.options.masternodes).expect("at most 5000");
    let tip = state.headers.tip().height;
    let cycle = HELD_OUT_SECONDS * u64::from(nodes);
    for slot in 0..state.options.masternodes {
        // The first nodes belong to the scenario; the last ones are the young ones.
        let young = slot >= state.options.masternodes - state.options.young;
        let age = if young {
            random.between(START_CONFIRMATIONS, nodes.max(START_CONFIRMATIONS))
        } else {
            nodes + 1 + random.between(START_CONFIRMATIONS, nodes + START_CONFIRMATIONS)
        };
        let shares = slot > 0 && random.chance(state.options.shared_payouts);
        let payout = if shares { state.nodes[random.below(slot)].payout } else { state.fresh_number() };
        let mut node = state.new_node(tip + 1 - age, payout);
        let since = if young { random.word() % cycle.max(3_600) } else { cycle + random.word() % (30 * 86_400) };
        node.seen = state.now - random.word() % 600;
        node.started = node.seen - since.max(600);
        node.next_ping = node.seen + 600;
        state.nodes.push(node);
    }
    for pair in 0..state.options.duplicates {
        let (young, old) = (2 * pair + 1, 2 * pair + 2);
        let born = state.nodes[old].born + 1;
        let confirmed = state.headers.at(born + START_CONFIRMATIONS - 1);
        state.nodes[young].born = born;
        state.nodes[young].confirmed = confirmed.map_or(Hash256::ZERO, |header| header.hash);
    }
    check(state);
}

/// Votes and payments of the blocks before the setup: each of the older nodes once, in random order.
fn remember_a_cycle(state: &mut State) {
    let mut slots: Vec<usize> = (0..state.options.masternodes - state.options.young).collect();
    Random::of(&[state.options.seed, 0xc7c1e]).shuffle(&mut slots);
    let voters = state.options.masternodes.min(VOTERS);
    let tip = state.headers.tip();
    for (slot, height) in slots.into_iter().zip((0..=tip.height).rev()) {
        let payout = state.nodes[slot].payout;
        let Some(header) = state.headers.at(height) else { continue };
        state.votes.cast(height, &vec![payout; voters]);
        if state.options.chain == Chain::Dimecoin {
            state.remembered.entry(payout).or_insert(Remembered { height, time: header.time });
        }
    }
}

/// Faults shortly before the end of the setup: some nodes stopped pinging, some took an address in use.
fn silence(state: &mut State) {
    let mut random = Random::of(&[state.options.seed, 0x0ff]);
    let (now, gone) = (state.now, state.rules.gone);
    let paired = 1 + 2 * state.options.duplicates;
    let slots = (0..1).chain(paired..state.options.masternodes).take(state.options.offline);
    for slot in slots {
        let silence = if slot == 0 { FIRST_SILENCE_SECONDS } else { random.word() % gone };
        let node = &mut state.nodes[slot];
        node.online = false;
        node.seen = node.seen.min(now - silence);
        node.started = node.started.min(node.seen.saturating_sub(600));
    }
    for pair in 0..state.options.duplicates {
        state.nodes[2 * pair + 1].address = state.nodes[2 * pair + 2].address;
    }
}

/// A network without masternodes, at the height before the blocks of the setup.
fn empty(options: Options) -> State {
    let names = network_names(options.chain, options.subnet);
    let naming = Naming {
        seed: options.seed,
        work_bytes: 2,
        genesis: Hash256::parse(names.genesis).expect("the table holds 64 digits"),
    };
    let spacing = options.spacing_seconds();
    let now = options.now - u64::from(options.premined) * spacing;
    let headers = Headers::new(naming, spacing, options.start_height - options.premined, now);
    State {
        rules: rules(options.chain),
        names,
        headers,
        nodes: Vec::new(),
        now,
        votes: Votes::default(),
        late: Vec::new(),
        payees: HashMap::new(),
        remembered: HashMap::new(),
        ledger: VecDeque::new(),
        setting_up: true,
        next_number: 0,
        options,
    }
}
