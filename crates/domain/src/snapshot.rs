//! All values derived from the list at the tip, for metrics, pages and alerts. Immutable and shared.
//!
//! Never here: text, labels, thresholds of alerts.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use crate::chain::ChainRules;
use crate::chain_facts::{ChainFacts, Population};
use crate::counters::{ByQuorumType, DkgCounters, EventCounters, Memberships, NetworkCounters, NodeCounters};
use crate::dkg::{self, QuorumType};
use crate::dkg_outcome::PastSession;
use crate::entry_matches::EntryMatches;
use crate::event::Event;
use crate::list::{Block, MasternodeList};
use crate::masternode::{Height, Masternode, NodeType, UnixSeconds};
use crate::payment::{PaymentModel, Payments, QueueHead, queue};
use crate::pose::{PoseLimits, PoseScore, Risk};
use crate::registrations::Registrations;
use crate::search::SearchIndex;
use crate::state;
use crate::watch::WatchTarget;

mod money;

/// The inputs of a snapshot.
pub struct SnapshotInputs {
    /// Name of the network: the label `network`.
    pub network: Arc<str>,
    /// The chain's rules.
    pub rules: Arc<ChainRules>,
    /// The list.
    pub list: Arc<MasternodeList>,
    /// Known facts in addition to the list.
    pub facts: ChainFacts,
    /// When the list was read.
    pub read_at: UnixSeconds,
    /// Watched masternodes, ascending by identity.
    pub watched: Vec<WatchTarget>,
    /// The last events, oldest first.
    pub recent_events: Vec<Event>,
}

/// One network at one block.
#[derive(Clone)]
pub struct Snapshot {
    network: Arc<str>,
    rules: Arc<ChainRules>,
    pub(crate) list: Arc<MasternodeList>,
    pub(crate) facts: ChainFacts,
    quorum_types: Vec<QuorumType>,
    read_at: UnixSeconds,
    pub(crate) limits: Option<PoseLimits>,
    population: Population,
    registrations: Option<Registrations>,
    states: Vec<[usize; NodeType::ALL.len()]>,
    /// Index of each masternode's state in the rules' table, by index in the list.
    state_indices: Vec<u8>,
    pub(crate) payments: Payments,
    /// Blocks at which bans end, by index in the list.
    ban_ends: HashMap<usize, Height>,
    pub(crate) watched: Vec<WatchedEntry>,
    network_tally: [NetworkCounters; NodeType::ALL.len()],
    sessions: ByQuorumType<DkgCounters>,
    risks: [usize; Risk::ALL.len()],
    pub(crate) groups: BTreeMap<(String, String), [usize; Risk::ALL.len()]>,
    pub(crate) recent_events: Vec<Event>,
    pub(crate) head: Option<QueueHead>,
    pub(crate) entry_matches: Vec<EntryMatches>,
    pub(crate) by_danger: OnceLock<Vec<u32>>,
    pub(crate) search: OnceLock<Arc<SearchIndex>>,
    /// That of an earlier block.
    pub(crate) search_before: Option<Arc<SearchIndex>>,
    pub(crate) is_restricted: bool,
}

/// A watched masternode, whether or not it is on the list.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedEntry {
    /// Name, groups, expectations.
    pub watched: WatchTarget,
    /// Its index in the list; `None` when it is not registered.
    pub index: Option<usize>,
    /// Its counts of events since counting began.
    pub tally: NodeCounters,
    /// Its last sessions that ended with a quorum while this process ran, in the order in which they ended; bounded.
    pub past_sessions: Vec<PastSession>,
}

/// One masternode of a snapshot with its derived values.
#[derive(Clone, Copy)]
pub struct NodeView<'a> {
    /// The list's entry.
    pub masternode: &'a Masternode,
    /// Position in the payment queue, 1 = paid by the next block; `None` when not queued.
    pub queue_position: Option<NonZeroU32>,
    /// Its index in the list.
    pub index: usize,
    /// Index of its state in the table of the rules; the length of the table if it does not contain it.
    pub state: usize,
    tip: Height,
    limits: Option<&'a PoseLimits>,
}

impl NodeView<'_> {
    /// Its score against the network's levels; `None` where the chain shows none.
    pub fn pose(&self) -> Option<PoseScore> {
        PoseScore::of(self.masternode, self.tip, *self.limits?)
    }

    /// Its risk.
    pub fn risk(&self) -> Risk {
        self.pose().map_or_else(|| Risk::without_score(self.masternode), |pose| pose.risk())
    }

    /// The order of risk, greater is worse: risk, then the blocks for which one more failure bans, then the score.
    pub fn danger(&self) -> (Risk, u32, u32) {
        let Some(pose) = self.pose() else { return (Risk::without_score(self.masternode), 0, 0) };
        (pose.risk(), pose.blocks_until_safe().unwrap_or(0), pose.score().0)
    }
}

impl Snapshot {
    /// Derives all values; takes a few milliseconds for 100,000 masternodes.
    pub fn new(parts: SnapshotInputs, tallies: &EventCounters) -> Snapshot {
        let SnapshotInputs { network, rules, list, facts, read_at, watched, recent_events } = parts;
        let rule = rules.penalty_rule(&facts.sporks, list.block().time);
        let limits = rule.map(|rule| rule.limits(list.registered()));
        let payments = Payments::new(&rules, &list, &facts, read_at);
        let ban_ends = ban_ends(&rules, &list, tallies);
        let mut risks = [0; Risk::ALL.len()];
        // One more index than there are states, for states that the chain's table does not contain.
        let mut states = vec![[0; NodeType::ALL.len()]; rules.states.len() + 1];
        let state_indices = state::indices(&rules.states, list.masternodes());
        for (masternode, state) in list.masternodes().iter().zip(&state_indices) {
            risks[risk(masternode, &list, limits) as usize] += 1;
            states[usize::from(*state)][masternode.node_type as usize] += 1;
        }
        let watched: Vec<WatchedEntry> = watched
            .into_iter()
            .map(|watched| WatchedEntry {
                index: list.position(&watched.id),
                tally: tallies.node(&watched.id),
                past_sessions: tallies.past_sessions(&watched.id),
                watched,
            })
            .collect();
        let groups = groups(&watched, &list, limits);
        let registrations = Registrations::of(list.masternodes());
        Snapshot {
            quorum_types: facts.quorum_types(&rules),
            population: Population::of(list.masternodes()),
            network,
            rules,
            list,
            facts,
            read_at,
            limits,
            registrations,
            states,
            state_indices,
            payments,
            ban_ends,
            watched,
            network_tally: *tallies.network(),
            sessions: tallies.sessions().clone(),
            risks,
            groups,
            recent_events,
            head: None,
            entry_matches: Vec::new(),
            by_danger: OnceLock::new(),
            search: OnceLock::new(),
            search_before: None,
            is_restricted: false,
        }
    }

    /// The same snapshot, with what the entries of the watch list match.
    pub fn with_entry_matches(mut self, matches: Vec<EntryMatches>) -> Snapshot {
        self.entry_matches = matches;
        self
    }

    /// What the entries of the watch list match, see [`crate::watch::WatchList::matches`].
    pub fn entry_matches(&self) -> &[EntryMatches] {
        &self.entry_matches
    }

    /// Name of the network.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The chain's rules.
    pub fn rules(&self) -> &ChainRules {
        &self.rules
    }

    /// The block of this snapshot.
    pub fn block(&self) -> &Block {
        self.list.block()
    }

    /// The list itself.
    pub fn list(&self) -> &Arc<MasternodeList> {
        &self.list
    }

    /// Known facts about the network in addition to the list.
    pub fn facts(&self) -> &ChainFacts {
        &self.facts
    }

    /// When the list was read from its source.
    pub fn read_at(&self) -> UnixSeconds {
        self.read_at
    }

    /// Limit, step and safe level; `None` where the chain shows no score.
    pub fn limits(&self) -> Option<PoseLimits> {
        self.limits
    }

    /// Valid and banned masternodes by type.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// Numbers of masternodes by form of registration; `None` if the node does not report it.
    pub fn registrations(&self) -> Option<&Registrations> {
        self.registrations.as_ref()
    }

    /// Numbers of masternodes by state: by index in the rules' table and by [`NodeType::ALL`]. The last index is for
    /// states that the table does not contain.
    pub fn states(&self) -> &[[usize; NodeType::ALL.len()]] {
        &self.states
    }

    /// Payment positions or probabilities.
    pub fn payments(&self) -> &Payments {
        &self.payments
    }

    /// Counts of events on the network since counting began, by [`NodeType::ALL`].
    pub fn network_tally(&self) -> &[NetworkCounters; NodeType::ALL.len()] {
        &self.network_tally
    }

    /// Results of the sessions of a quorum type since counting began; `None` if the node does not report them.
    pub fn sessions(&self, quorum_type: &str) -> Option<DkgCounters> {
        let known = self.facts.reports_dkg_outcomes && self.quorum_types()?.iter().any(|kind| kind.name == quorum_type);
        known.then(|| self.sessions.get(quorum_type).copied().unwrap_or_default())
    }

    /// Memberships of a watched masternode in quorums of a type since counting began; `None` if the node does not
    /// report them, and for types that never select it.
    pub fn memberships(&self, node: &WatchedEntry, quorum_type: &str) -> Option<Memberships> {
        let kind = self.quorum_types()?.iter().find(|kind| kind.name == quorum_type)?;
        let counted = node.tally.memberships.get(quorum_type).copied();
        let drawn = node.index.is_some_and(|index| kind.draws(self.list.masternodes()[index].node_type));
        counted.or(drawn.then(Memberships::default)).filter(|_| self.facts.reports_dkg_outcomes)
    }

    /// Numbers of masternodes by risk, by [`Risk::ALL`].
    pub fn risks(&self) -> &[usize; Risk::ALL.len()] {
        &self.risks
    }

    /// The same for watched masternodes, by group key and group. Unregistered masternodes are not counted.
    pub fn groups(&self) -> &BTreeMap<(String, String), [usize; Risk::ALL.len()]> {
        &self.groups
    }

    /// The last events up to this block, oldest first; bounded, so old ones are missing.
    pub fn recent_events(&self) -> &[Event] {
        &self.recent_events
    }

    /// Watched masternodes, ascending by identity.
    pub fn watched(&self) -> &[WatchedEntry] {
        &self.watched
    }

    /// The view of the masternode at `index` of the list.
    pub fn node(&self, index: usize) -> NodeView<'_> {
        NodeView {
            masternode: &self.list.masternodes()[index],
            queue_position: self.payments.position(index),
            index,
            state: self.state_indices[index].into(),
            tip: self.block().height,
            limits: self.limits.as_ref(),
        }
    }

    /// The views of all masternodes, ascending by identity.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView<'_>> {
        (0..self.list.registered()).map(|index| self.node(index))
    }

    /// Probability in 0…1 of a payment within `seconds`: 0 for a node that does not become eligible by waiting, `None`
    /// if not known.
    pub fn payment_probability(&self, node: &NodeView<'_>, seconds: u64) -> Option<f64> {
        let (blocks, ban_end) = (self.facts.blocks_in(seconds, &self.rules), self.ban_ends.get(&node.index).copied());
        self.payments.probability(node.index, node.masternode, blocks, ban_end)
    }

    /// Expected sessions per day that include a node of this type; `None` if no quorums are known.
    pub fn sessions_per_day(&self, node_type: NodeType) -> Option<f64> {
        let types = self.quorum_types()?;
        let blocks_per_day = 86_400.0 / self.facts.spacing_seconds(&self.rules);
        Some(blocks_per_day * dkg::sessions_per_block(types, node_type, &self.population))
    }

    /// The quorum types of the network; `None` where there are none.
    pub fn quorum_types(&self) -> Option<&[QuorumType]> {
        Some(self.quorum_types.as_slice()).filter(|types| !types.is_empty())
    }

    /// Expected block at which an observed ban ends automatically. `None` if bans are permanent, for nodes that are not
    /// banned, and for a ban that continues after its end: another one began between two lists.
    pub fn ban_end(&self, node: &WatchedEntry) -> Option<Height> {
        self.ban_ends.get(&node.index?).copied()
    }

    /// Expected seconds until a ban if the node goes offline now; `None` when banned or never tested.
    pub fn seconds_to_ban_if_offline(&self, node: &NodeView<'_>) -> Option<f64> {
        let pose = node.pose().filter(|_| !node.masternode.is_banned())?;
        let rate = dkg::sessions_per_block(self.quorum_types()?, node.masternode.node_type, &self.population);
        let blocks = dkg::blocks_to_ban_if_offline(pose.score().0, self.limits.as_ref()?, rate)?;
        Some(blocks * self.facts.spacing_seconds(&self.rules))
    }

    /// Blocks in which every valid masternode is paid at least once: more than one block for each Evo node while they
    /// are paid in runs. `None` on chains with random selection.
    pub fn payment_cycle_blocks(&self) -> Option<u32> {
        let PaymentModel::Queue { more_than } = self.rules.payment else { return None };
        let unpaid = |masternode: &&Masternode| !masternode.is_banned() && !masternode.is_payable();
        let unpaid = self.list.masternodes().iter().filter(unpaid).count();
        let blocks = queue::cycle_blocks(&self.population, self.facts.evo_payments);
        let blocks = blocks.saturating_sub(u32::try_from(unpaid).unwrap_or(u32::MAX));
        Some(blocks).filter(|_| self.list.registered() as u64 > u64::from(more_than))
    }
}

/// The blocks at which the bans of a list end, for those whose beginning was seen. A ban lasts as many blocks as there
/// were masternodes, from the last block before it was seen (`CMasternode::Check` in `src/masternode/masternode.cpp` of
/// Dimecoin; docs/spec/legacy-chains.md#hidden-score).
fn ban_ends(rules: &ChainRules, list: &MasternodeList, tallies: &EventCounters) -> HashMap<usize, Height> {
    let end = |(index, masternode): (usize, &Masternode)| {
        let (seen, registered) = tallies.last_ban(&masternode.id)?;
        let end = Height(seen.0.saturating_sub(1)).after(registered);
        (end > list.block().height).then_some((index, end))
    };
    let banned = list.masternodes().iter().enumerate().filter(|(_, masternode)| masternode.is_banned());
    if rules.ban_ends { banned.filter_map(end).collect() } else { HashMap::new() }
}

pub(crate) fn groups(
    watched: &[WatchedEntry],
    list: &MasternodeList,
    limits: Option<PoseLimits>,
) -> BTreeMap<(String, String), [usize; Risk::ALL.len()]> {
    let mut groups = BTreeMap::new();
    for node in watched {
        let risk = node.index.map(|index| risk(&list.masternodes()[index], list, limits));
        for (key, group) in &node.watched.groups {
            let counts: &mut [usize; Risk::ALL.len()] = groups.entry((key.clone(), group.clone())).or_default();
            if let Some(risk) = risk {
                counts[risk as usize] += 1;
            }
        }
    }
    groups
}

fn risk(masternode: &Masternode, list: &MasternodeList, limits: Option<PoseLimits>) -> Risk {
    let pose = limits.and_then(|limits| PoseScore::of(masternode, list.block().height, limits));
    pose.map_or_else(|| Risk::without_score(masternode), |pose| pose.risk())
}

#[cfg(test)]
mod tests;
