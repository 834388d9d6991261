//! Everything that follows from the list at the tip: what metrics, pages and alerts read. Immutable, shared.
//!
//! Never here: text, labels, thresholds of alerts.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::domain::chain::{ChainFacts, ChainRules, Population};
use crate::domain::dkg;
use crate::domain::event::Event;
use crate::domain::list::{Block, MasternodeList};
use crate::domain::masternode::{Height, Masternode, NodeType, UnixSeconds};
use crate::domain::payment::queue;
use crate::domain::pose::{PoseLimits, PoseScore, Risk};
use crate::domain::tally::{NetworkTally, NodeTally, Tallies};
use crate::domain::watch::Watched;

/// What a snapshot is made from.
pub struct Parts {
    /// Name of the network: the label `network`.
    pub network: Arc<str>,
    /// The chain's rules.
    pub rules: Arc<ChainRules>,
    /// The list.
    pub list: Arc<MasternodeList>,
    /// What is known beside the list.
    pub facts: ChainFacts,
    /// When the list was read.
    pub read_at: UnixSeconds,
    /// Watched masternodes, ascending by identity.
    pub watched: Vec<Watched>,
    /// The last events, oldest first.
    pub recent_events: Vec<Event>,
}

/// One network at one block.
pub struct Snapshot {
    network: Arc<str>,
    rules: Arc<ChainRules>,
    list: Arc<MasternodeList>,
    facts: ChainFacts,
    read_at: UnixSeconds,
    limits: PoseLimits,
    population: Population,
    positions: Vec<Option<NonZeroU32>>,
    watched: Vec<WatchedNode>,
    network_tally: [NetworkTally; NodeType::ALL.len()],
    risks: [usize; Risk::ALL.len()],
    groups: BTreeMap<(String, String), [usize; Risk::ALL.len()]>,
    recent_events: Vec<Event>,
}

/// A watched masternode, on the list or not.
#[derive(Clone, Debug)]
pub struct WatchedNode {
    /// Name, groups, expectations.
    pub watched: Watched,
    /// Its place in the list; `None` when it is not registered.
    pub index: Option<usize>,
    /// What happened to it since this process follows the chain.
    pub tally: NodeTally,
}

/// One masternode of a snapshot with what follows for it.
#[derive(Clone, Copy)]
pub struct NodeView<'a> {
    /// The list's entry.
    pub masternode: &'a Masternode,
    /// Place in the payment queue, 1 = paid by the next block; `None` when not queued.
    pub queue_position: Option<NonZeroU32>,
    tip: Height,
    limits: &'a PoseLimits,
}

impl NodeView<'_> {
    /// Its score against the network's levels; `None` where the chain shows none.
    pub fn pose(&self) -> Option<PoseScore> {
        PoseScore::of(self.masternode, self.tip, *self.limits)
    }
}

impl Snapshot {
    /// Derives everything; a few milliseconds for 100,000 masternodes.
    pub fn new(parts: Parts, tallies: &Tallies) -> Snapshot {
        let Parts { network, rules, list, facts, read_at, watched, recent_events } = parts;
        let limits = rules.penalty.limits(list.registered());
        let tip = list.block().height;
        let positions = queue::positions(&list, facts.evo_payments);
        let mut risks = [0; Risk::ALL.len()];
        for pose in list.masternodes().iter().filter_map(|masternode| PoseScore::of(masternode, tip, limits)) {
            risks[pose.risk() as usize] += 1;
        }
        let watched: Vec<WatchedNode> = watched
            .into_iter()
            .map(|watched| WatchedNode { index: list.position(&watched.id), tally: tallies.node(&watched.id), watched })
            .collect();
        let groups = groups(&watched, &list, limits);
        let population = Population::of(list.masternodes());
        let network_tally = *tallies.network();
        Snapshot {
            network,
            rules,
            list,
            facts,
            read_at,
            limits,
            population,
            positions,
            watched,
            network_tally,
            risks,
            groups,
            recent_events,
        }
    }

    /// Name of the network.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The chain's rules.
    pub fn rules(&self) -> &ChainRules {
        &self.rules
    }

    /// The block that everything here is true of.
    pub fn block(&self) -> &Block {
        self.list.block()
    }

    /// The list itself.
    pub fn list(&self) -> &Arc<MasternodeList> {
        &self.list
    }

    /// What is known of the network beside the list.
    pub fn facts(&self) -> &ChainFacts {
        &self.facts
    }

    /// When the list was read from its source.
    pub fn read_at(&self) -> UnixSeconds {
        self.read_at
    }

    /// Limit, step and safe level.
    pub fn limits(&self) -> PoseLimits {
        self.limits
    }

    /// Valid and banned masternodes by kind.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// What happened on the network since this process follows it, by [`NodeType::ALL`].
    pub fn network_tally(&self) -> &[NetworkTally; NodeType::ALL.len()] {
        &self.network_tally
    }

    /// How many masternodes are in which band of danger, by [`Risk::ALL`].
    pub fn risks(&self) -> &[usize; Risk::ALL.len()] {
        &self.risks
    }

    /// The same for the watched ones, by group key and group. Nodes that are not registered count nowhere.
    pub fn groups(&self) -> &BTreeMap<(String, String), [usize; Risk::ALL.len()]> {
        &self.groups
    }

    /// The last events that led here, oldest first; bounded, so old ones are missing.
    pub fn recent_events(&self) -> &[Event] {
        &self.recent_events
    }

    /// Watched masternodes, ascending by identity.
    pub fn watched(&self) -> &[WatchedNode] {
        &self.watched
    }

    /// The view of the masternode at `index` of the list.
    pub fn node(&self, index: usize) -> NodeView<'_> {
        NodeView {
            masternode: &self.list.masternodes()[index],
            queue_position: self.positions[index],
            tip: self.block().height,
            limits: &self.limits,
        }
    }

    /// The views of all masternodes, ascending by identity.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView<'_>> {
        (0..self.list.registered()).map(|index| self.node(index))
    }

    /// Height at which a queued node is paid at the latest.
    pub fn projected_payment(&self, node: &NodeView<'_>) -> Option<Height> {
        node.queue_position.map(|position| self.block().height.after(position.get()))
    }

    /// Chance in 0…1 of a payment within `seconds`. A banned node has 0.
    pub fn payment_probability(&self, node: &NodeView<'_>, seconds: u64) -> f64 {
        queue::probability(node.queue_position, self.facts.blocks_in(seconds, &self.rules))
    }

    /// Expected sessions a day in which a node of this kind is a member.
    pub fn sessions_per_day(&self, node_type: NodeType) -> f64 {
        let blocks_per_day = 86_400.0 / self.facts.spacing_seconds(&self.rules);
        blocks_per_day * dkg::sessions_per_block(self.facts.subnet.quorum_types(), node_type, &self.population)
    }

    /// Expected seconds until a ban if the node went offline now; `None` when banned or never tested.
    pub fn seconds_to_ban_if_offline(&self, node: &NodeView<'_>) -> Option<f64> {
        let pose = node.pose().filter(|_| !node.masternode.is_banned())?;
        let types = self.facts.subnet.quorum_types();
        let rate = dkg::sessions_per_block(types, node.masternode.node_type, &self.population);
        let blocks = dkg::blocks_to_ban_if_offline(pose.score().0, &self.limits, rate)?;
        Some(blocks * self.facts.spacing_seconds(&self.rules))
    }

    /// Blocks in which every valid masternode is paid once: more than one a head while Evo nodes are paid in runs.
    pub fn payment_cycle_blocks(&self) -> u32 {
        queue::cycle_blocks(&self.population, self.facts.evo_payments)
    }

    /// Next height at which commitments fall due.
    pub fn next_commitments(&self) -> Option<Height> {
        dkg::next_window(self.facts.subnet.quorum_types(), self.block().height)
    }

    /// Blocks in which a restart of such a node misses no session; 0 = not now.
    pub fn maintenance_window(&self, node_type: NodeType) -> Option<u32> {
        dkg::maintenance_window(self.facts.subnet.quorum_types(), node_type, self.block().height)
    }
}

fn groups(
    watched: &[WatchedNode],
    list: &MasternodeList,
    limits: PoseLimits,
) -> BTreeMap<(String, String), [usize; Risk::ALL.len()]> {
    let mut groups = BTreeMap::new();
    for node in watched {
        let risk = node
            .index
            .and_then(|index| PoseScore::of(&list.masternodes()[index], list.block().height, limits))
            .map(|pose| pose.risk());
        for (key, group) in &node.watched.groups {
            let counts: &mut [usize; Risk::ALL.len()] = groups.entry((key.clone(), group.clone())).or_default();
            if let Some(risk) = risk {
                counts[risk as usize] += 1;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chain::{DASH, Subnet};
    use crate::domain::list::tests::{id, list, masternode};
    use crate::domain::masternode::Score;
    use crate::domain::payment::EvoPayments;

    fn snapshot(nodes: Vec<Masternode>) -> Snapshot {
        let facts = ChainFacts {
            subnet: Subnet::Regtest,
            evo_payments: EvoPayments::Once,
            chainlock_height: None,
            measured_spacing_seconds: None,
            sporks: vec![],
        };
        let groups = BTreeMap::from([("operator".to_string(), "acme".to_string())]);
        let watched = Watched { id: id(2), alias: "two".into(), groups, expectations: vec![] };
        let parts = Parts {
            network: "dash-test".into(),
            rules: Arc::new(DASH),
            list: Arc::new(list(100, nodes)),
            facts,
            read_at: UnixSeconds(0),
            watched: vec![watched],
            recent_events: vec![],
        };
        Snapshot::new(parts, &Tallies::default())
    }

    #[test]
    fn nodes_fall_into_bands_of_danger() {
        let scored = |number, score| Masternode { pose_score: Some(Score(score)), ..masternode(number) };
        let banned = Masternode { ban_height: Some(Height(50)), ..scored(5, 0) };
        let snapshot = snapshot(vec![scored(1, 0), scored(2, 66), scored(3, 30), scored(4, 0), banned]);
        assert_eq!(snapshot.risks(), &[2, 1, 1, 1]);
        assert_eq!(snapshot.groups()[&("operator".into(), "acme".into())], [0, 0, 1, 0]);
    }

    #[test]
    fn a_watched_node_that_is_not_listed_has_no_place() {
        let snapshot = snapshot(vec![masternode(1)]);
        assert_eq!(snapshot.watched()[0].index, None);
    }
}
