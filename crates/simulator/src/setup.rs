//! The first list of a simulated network.
//!
//! Never here: mining; this module only creates the state before the first block.

use super::dkg::{DkgState, Seating};
use super::fork_life::{LAST_SCHEDULED, MIGRATING};
use super::history::Naming;
use super::list::List;
use super::masternode::Masternode;
use super::options::Options;
use super::quorum_selection::{LEAD, modifier, number};
use super::random::Random;
use super::rules::{chain_facts, failure_points, maximum_score, quorum_types};

/// Slot of the node of [`Options::endangered`].
pub(super) const ENDANGERED: u32 = 0;

/// Cycles of a rotation before the newest one that exist from the start: `quorum rotationinfo` shows four before that under
/// way, and the newest can be the next one.
const FIRST_CYCLES: u32 = 5;

/// All masternodes as they are at the block `height`.
pub(super) fn first_list(options: &Options, height: u32, naming: &Naming) -> List {
    let mut random = Random::of(&[options.seed, 0x5e7]);
    let total = u32::try_from(options.masternodes).expect("validated");
    let mut nodes: Vec<Masternode> = (0..total).map(|slot| registered(options, slot, height, &mut random)).collect();
    spread_evo(options, &mut nodes, &mut random);
    spread_versions(options, &mut nodes);
    let banned = spread_bans(options, &mut nodes, height, &mut random);
    spread_owners(options, &mut nodes);
    spread_payments(&mut nodes, &banned, height, &mut random);
    spread_scores(options, &mut nodes);
    let confirmations = chain_facts(options.subnet).confirmations;
    for node in &mut nodes {
        node.confirmed = naming.old(node.registered + confirmations);
    }
    if options.endangered {
        seat_endangered(options, &mut nodes, height, naming);
    }
    let mut list = List::default();
    for node in nodes {
        list.replace(node.slot, Some(node));
    }
    list
}

/// The quorums at the first kept block, as if its list had never changed before: the rotations of the newest cycles, and
/// the sessions that are under way.
pub(super) fn first_dkg(options: &Options, list: &List, naming: &Naming, height: u32) -> DkgState {
    let rule = Seating::of(options);
    let mut dkg = DkgState::default();
    for kind in quorum_types(options.subnet) {
        let newest = (height + LEAD) / kind.interval * kind.interval;
        let cycles = (0..=FIRST_CYCLES).rev().filter_map(|back| newest.checked_sub(back * kind.interval + LEAD));
        for work in cycles.filter(|work| kind.rotating > 0 && *work > 0) {
            dkg.rotate(kind, list, (work, naming.old(work)), rule);
        }
        let cycle = height - height % kind.interval;
        if height - cycle >= kind.window.0 {
            continue;
        }
        for base in (cycle..=height).take(kind.rotating.max(1) as usize) {
            dkg.start_sessions(&[kind], list, (base, naming.old(base)), rule);
        }
    }
    dkg
}

/// Slots that are offline at the start, the endangered one first.
pub(super) fn first_offline(options: &Options, list: &List) -> Vec<u32> {
    let mut random = Random::of(&[options.seed, 0x0ff]);
    let mut slots: Vec<u32> = list
        .iter()
        .filter(|node| node.is_valid() && !(options.endangered && node.slot == ENDANGERED))
        .map(|node| node.slot)
        .collect();
    random.shuffle(&mut slots);
    let others = options.offline.saturating_sub(usize::from(options.endangered));
    // Old software causes its ban, if the fork has outdated masternodes.
    let first = (options.endangered && outdated(options) == 0).then_some(ENDANGERED);
    first.into_iter().chain(slots.into_iter().take(others)).collect()
}

/// The first slot that belongs to no scenario.
fn first_free(options: &Options) -> usize {
    let scenario = options.fork.as_ref().is_some_and(|fork| fork.story);
    if scenario { LAST_SCHEDULED as usize + 1 } else { 1 }
}

/// Number of the first masternodes that run old software.
pub(super) fn outdated(options: &Options) -> u32 {
    let outdated = options.fork.as_ref().map_or(0, |fork| fork.outdated);
    u32::try_from(outdated).expect("validated")
}

fn registered(options: &Options, slot: u32, height: u32, random: &mut Random) -> Masternode {
    let hash = Random::of(&[options.seed, 0x9107, u64::from(slot)]).hash();
    // Old enough for every quorum.
    let confirmations = chain_facts(options.subnet).confirmations;
    let mut node = Masternode::registered(hash, slot, false, random.between(1, height - 1 - confirmations), true);
    if random.chance(0.1) {
        node.operator_reward = 1_000;
        node.operator_payout = 1;
    }
    node
}

/// Gives the endangered node a hash with which it has a seat in the first rotation that ends after the start.
fn seat_endangered(options: &Options, nodes: &mut [Masternode], height: u32, naming: &Naming) {
    let valid = nodes.iter().filter(|node| node.is_valid()).count();
    for kind in quorum_types(options.subnet).iter().filter(|kind| kind.rotating > 0) {
        let quorums = kind.rotating as usize;
        if valid <= quorums * kind.size {
            // Everyone has a seat.
            continue;
        }
        let ended = options.start_height % kind.interval >= kind.window.0;
        let base = (options.start_height / kind.interval + u32::from(ended)) * kind.interval;
        let work = base - LEAD;
        let hash = (height + 1..=work)
            .fold(naming.old(work.min(height)), |parent, height| naming.new_block(parent, height, 0));
        let modifier = modifier((work, hash), kind.id);
        // Among the first half of those who get the new seats, for the nodes in front can have a seat already.
        let share = (quorums * kind.size / 8) as f64 / valid as f64;
        let node = &mut nodes[ENDANGERED as usize];
        let is_seated = |node: &Masternode| {
            let [first, second, ..] = number(node, &modifier);
            f64::from(u16::from_be_bytes([first, second])) >= (1.0 - share) * 65_536.0
        };
        let mut attempt = 0;
        while !is_seated(node) {
            attempt += 1;
            node.hash = Random::of(&[options.seed, 0x9107, u64::from(ENDANGERED), attempt]).hash();
        }
    }
}

fn spread_evo(options: &Options, nodes: &mut [Masternode], random: &mut Random) {
    // The masternodes of a scenario are regular ones.
    let first = first_free(options).min(nodes.len() - options.evo);
    let mut slots: Vec<usize> = (first..nodes.len()).collect();
    random.shuffle(&mut slots);
    for slot in slots.into_iter().take(options.evo) {
        nodes[slot].evo = true;
        nodes[slot].platform = 1;
    }
}

/// States of version 1, on a network with the fork of Dash 24.
fn spread_versions(options: &Options, nodes: &mut [Masternode]) {
    let Some(fork) = &options.fork else { return };
    let mut random = Random::of(&[options.seed, 0xf0f2]);
    for node in nodes.iter_mut() {
        let migrating = fork.story && node.slot == MIGRATING;
        if migrating || (!node.evo && random.chance(fork.legacy)) {
            node.version = 1;
        }
    }
}

/// The masternodes of one owner of many, valid ones first.
fn spread_owners(options: &Options, nodes: &mut [Masternode]) {
    let Some(fork) = &options.fork else { return };
    let mut slots: Vec<usize> = (0..nodes.len()).collect();
    Random::of(&[options.seed, 0x03e]).shuffle(&mut slots);
    slots.sort_by_key(|slot| !nodes[*slot].is_valid());
    let own = (nodes.len() as f64 * fork.one_owner).round() as usize;
    for slot in slots.into_iter().take(own) {
        nodes[slot].owner = 1;
    }
}

/// Bans from long ago: most by failed DKGs, a few by the operator.
fn spread_bans(options: &Options, nodes: &mut [Masternode], height: u32, random: &mut Random) -> Vec<usize> {
    let maximum = maximum_score(nodes.len());
    let first = first_free(options).min(nodes.len() - options.banned);
    let mut slots: Vec<usize> = (first..nodes.len()).collect();
    random.shuffle(&mut slots);
    slots.truncate(options.banned);
    for slot in &slots {
        let node = &mut nodes[*slot];
        let latest = height.saturating_sub(1_000).max(node.registered);
        node.ban = Some(random.between(node.registered, latest));
        node.score = maximum;
        if random.chance(0.05) {
            node.reset_operator();
            node.revocation = u8::try_from(random.below(4)).expect("below 4");
            node.score = 0;
        }
    }
    slots
}

/// Every masternode was paid once per cycle: each valid node in a separate block, banned ones before their ban.
fn spread_payments(nodes: &mut [Masternode], banned: &[usize], height: u32, random: &mut Random) {
    for slot in banned {
        let node = &mut nodes[*slot];
        let end = node.ban.expect("chosen for its ban").saturating_sub(1);
        node.last_paid = if end > node.registered { random.between(node.registered + 1, end) } else { 0 };
    }
    let mut order: Vec<usize> = (0..nodes.len()).filter(|slot| nodes[*slot].is_valid()).collect();
    random.shuffle(&mut order);
    for (age, slot) in (0_u32..).zip(order) {
        let node = &mut nodes[slot];
        // On a chain younger than its cycle the oldest ones are still unpaid.
        node.last_paid = height.saturating_sub(age);
        if node.last_paid > 0 {
            node.registered = node.registered.min(node.last_paid.saturating_sub(1)).max(1);
        }
    }
}

/// Scores from low to high; the endangered node gets one that stays dangerous throughout the setup.
fn spread_scores(options: &Options, nodes: &mut [Masternode]) {
    let maximum = maximum_score(nodes.len());
    let points = failure_points(maximum);
    let count = u32::try_from(options.decaying).expect("validated");
    let valid = nodes.iter_mut().filter(|node| node.is_valid() && node.slot != ENDANGERED);
    for (place, node) in (1_u32..).zip(valid.take(options.decaying)) {
        let level = u64::from(points) * u64::from(place) / u64::from(count);
        node.score = u32::try_from(level).expect("at most the points of one failure").max(1);
    }
    if options.endangered {
        let safe = maximum - points;
        nodes[ENDANGERED as usize].score = (safe + options.premined + maximum / 4).min(maximum - 1);
    } else if options.decaying == nodes.len() - options.banned {
        nodes[ENDANGERED as usize].score = points;
    }
}
