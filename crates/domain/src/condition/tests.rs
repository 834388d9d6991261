//! Each condition at its threshold.
//!
//! Never here: pending durations.

mod absent;
mod bans;
mod calls_and_own_nodes;
mod duties;
mod process;
mod proofs;
mod restarts;
mod sessions;
mod thresholds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::chain::{ChainRules, DASH, DIMECOIN, Subnet};
use crate::chain_facts::ChainFacts;
use crate::counters::EventCounters;
use crate::event::{BanCause, Event, EventKind};
use crate::list_proof::ListProofFacts;
use crate::masternode::{BlockHash, Hash, Height, Masternode, MasternodeId, NodeType, PeerView, Score, UnixSeconds};
use crate::network_state::{Moment, NetworkState, SourceHealth};
use crate::probe::{Outcome, Peer, Probe, ProbeError, Probes, Unprobed};
use crate::quorum::{Formation, Formations, Mined};
use crate::quorum_rotation::Rotation;
use crate::samples::{self, block, evaluation_input, id, list};
use crate::session::{DkgMember, DkgSession, DkgSessions};
use crate::snapshot::{Snapshot, SnapshotInputs};
use crate::state::Announced;
use crate::watch::{WatchField, WatchTarget};

const TIP: u32 = 288_000;

/// A masternode that is not the next to be paid; those from number 100 wait longer.
fn masternode(number: u8) -> Masternode {
    let last_paid_height = (number < 100).then_some(Height(1_000));
    Masternode { last_paid_height, ..samples::masternode(number) }
}

/// Expected conditions with their values.
type Found = &'static [(&'static str, f64)];

/// The view of each source of one session: its phase, the member, whether the contribution arrived.
type Seen = &'static [(u8, u8, bool)];

/// A network with one watched masternode, number 1, among `others` healthy ones.
struct Scene {
    rules: ChainRules,
    tip: u32,
    node: Option<Masternode>,
    others: u8,
    watched: Vec<u8>,
    expectations: Vec<(WatchField, String)>,
    chainlock: Option<u32>,
    sessions: Option<DkgSessions>,
    own_nodes: BTreeMap<MasternodeId, Option<Peer>>,
    events: Vec<Event>,
    seconds_later: u64,
    formations: Formations,
    rotations: Vec<Arc<Rotation>>,
    proof: ListProofFacts,
    subnet: Subnet,
}

/// The condition that holds of every scene: 200 masternodes have more than one seat each in a cycle of 1,920.
const SLACK: &str = "MasternodeRotationSlackLow";

impl Default for Scene {
    fn default() -> Scene {
        Scene {
            rules: DASH,
            tip: TIP,
            node: Some(masternode(1)),
            others: 199,
            watched: vec![1],
            expectations: vec![],
            chainlock: None,
            sessions: None,
            own_nodes: BTreeMap::new(),
            events: vec![],
            seconds_later: 0,
            formations: Formations::new(),
            rotations: vec![],
            proof: ListProofFacts::default(),
            subnet: Subnet::Main,
        }
    }
}

impl Scene {
    /// The list as a node of this version reports it.
    fn snapshot_of_node(&self, node_version: Option<u32>) -> Snapshot {
        let nodes: Vec<Masternode> = self.node.iter().cloned().chain((2..=self.others + 1).map(masternode)).collect();
        let list = list(self.tip, nodes);
        let read_at = list.block().time;
        let mut tallies = EventCounters::default();
        self.events.iter().for_each(|event| tallies.record(event));
        let watched = |number: &u8| WatchTarget {
            id: id(*number),
            alias: format!("mn-{number}"),
            groups: BTreeMap::from([("operator".to_string(), "acme".to_string())]),
            expectations: self.expectations.clone(),
            thresholds: Default::default(),
            maintenance_until: None,
        };
        let facts = ChainFacts {
            node_version,
            chainlock_height: self.chainlock.map(Height),
            sessions: self.sessions.clone().map(Arc::new),
            formations: self.formations.clone(),
            rotations: self.rotations.clone(),
            own_nodes: Arc::new(self.own_nodes.clone()),
            list_proof: self.proof.clone(),
            ..ChainFacts::new(self.subnet)
        };
        let parts = SnapshotInputs {
            network: "net".into(),
            rules: Arc::new(self.rules.clone()),
            list: Arc::new(list),
            facts,
            read_at,
            watched: self.watched.iter().map(watched).collect(),
            recent_events: self.events.clone(),
        };
        Snapshot::new(parts, &tallies)
    }

    /// The state of the network this long after its tip.
    fn state(&self, probes: Option<Probes>, node_version: Option<u32>) -> NetworkState {
        let snapshot = self.snapshot_of_node(node_version);
        let source = SourceHealth {
            name: "local".into(),
            synced: Some(true),
            network_match: Some(true),
            last_success: Some(self.now()),
            ..SourceHealth::default()
        };
        let since = Moment { unix: UnixSeconds(0), uptime: Duration::ZERO };
        NetworkState {
            snapshot: Some(Arc::new(snapshot)),
            sources: vec![source],
            confirmed: Some(self.now()),
            probes: probes.map(Arc::new),
            ..NetworkState::new("net", Arc::new(self.rules.clone()), Duration::from_secs(900), since, [])
        }
    }

    /// A process that has run for days.
    fn now(&self) -> Moment {
        let unix = UnixSeconds(block(self.tip).time.0 + self.seconds_later);
        Moment { unix, uptime: Duration::from_secs(500_000) }
    }

    fn evaluate(&self) -> Evaluation {
        evaluate_state(self.state(None, None), &mut Memory::default(), self.now())
    }

    #[track_caller]
    fn check(&self, expected: &[(&str, f64)]) {
        let evaluation = self.evaluate();
        let held = evaluation.holding().filter(|(_, held, ..)| held.alert.name != SLACK);
        let mut found: Vec<_> = held.map(|(_, held, value, _)| (held.alert.name, value)).collect();
        let mut expected = expected.to_vec();
        found.sort_by_key(|(name, _)| *name);
        expected.sort_by_key(|(name, _)| *name);
        assert_eq!(found, expected);
    }
}

/// The evaluation input: one network, and a process without problems.
fn input(state: NetworkState, now: Moment) -> EvaluationInput {
    evaluation_input(vec![state], now)
}

fn evaluate_state(state: NetworkState, memory: &mut Memory, now: Moment) -> Evaluation {
    evaluate(&Catalogue::default(), &input(state, now), &ThresholdSettings::default(), memory)
}

/// The verdict on a condition of the only subject that has it.
#[track_caller]
fn verdict(evaluation: &Evaluation, name: &str) -> Option<Verdict> {
    let verdicts = evaluation.subjects.iter().flat_map(|subject| &subject.verdicts);
    let mut found = verdicts.filter(|(condition, _)| condition.alert.name == name).map(|(_, verdict)| verdict.clone());
    let first = found.next();
    assert!(found.next().is_none(), "{name} has several subjects");
    first
}

fn scored(score: u32) -> Option<Masternode> {
    Some(Masternode { pose_score: Some(Score(score)), ..masternode(1) })
}

fn event(number: u8, height: u32, kind: EventKind) -> Event {
    Event { block: block(height), exact: true, masternode: id(number), node_type: NodeType::Regular, kind }
}

fn penalty(number: u8, height: u32) -> Event {
    event(number, height, samples::penalty(132, 132, 1, false))
}

#[test]
fn nothing_is_said_of_a_healthy_network() {
    Scene::default().check(&[]);
}

/// 200 masternodes: limit 200, step 132, safe level 68. Quorums of 400 have too few members, a rotation cycle includes
/// every masternode; its commitments are due at offset 42 into 288.
#[test]
fn a_ban_is_imminent_when_a_test_comes_before_safety() {
    // offset of the tip, score: safe after score − 68 blocks.
    let cases: [(u32, u32, Found); 6] = [
        (60, 132, &[("MasternodePoSeOneFailureFromBan", 64.0)]),
        (0, 109, &[("MasternodePoSeOneFailureFromBan", 41.0)]),
        (0, 110, &[("MasternodePoSeOneFailureFromBan", 42.0), ("MasternodePoSeBanImminent", 1.0)]),
        (240, 132, &[("MasternodePoSeOneFailureFromBan", 64.0)]),
        (266, 132, &[("MasternodePoSeOneFailureFromBan", 64.0), ("MasternodePoSeBanImminent", 1.0)]),
        (0, 68, &[]),
    ];
    for (offset, score, expected) in cases {
        Scene { tip: TIP + offset, node: scored(score), ..Scene::default() }.check(expected);
    }
}

#[test]
fn two_failures_inside_one_decay_are_told() {
    // 1.05 · 132 = 138.6.
    let tip = TIP + 60;
    Scene { tip, node: scored(138), ..Scene::default() }.check(&[("MasternodePoSeOneFailureFromBan", 70.0)]);
    let repeated = [("MasternodePoSeRepeatedFailures", 139.0), ("MasternodePoSeOneFailureFromBan", 71.0)];
    Scene { tip, node: scored(139), ..Scene::default() }.check(&repeated);
}

#[test]
fn a_ban_is_told_whatever_the_score() {
    for score in [0, 200] {
        let node = scored(score).map(|node| Masternode { ban_height: Some(Height(5)), ..node });
        Scene { node, ..Scene::default() }.check(&[("MasternodePoSeBanned", 1.0)]);
    }
}

#[test]
fn a_penalty_is_told_for_an_hour() {
    // An hour has 22 blocks of 157.6 seconds.
    let scene = |score, height| Scene { node: scored(score), events: vec![penalty(1, height)], ..Scene::default() };
    scene(10, TIP - 21).check(&[("MasternodePoSePenalized", 132.0)]);
    scene(10, TIP - 22).check(&[]);
    // A revival resets the score and ends the condition.
    scene(0, TIP - 21).check(&[]);
}

#[test]
fn a_masternode_that_left_is_missing_and_its_payment_lost() {
    let events = vec![event(1, TIP - 3, EventKind::PaymentLost)];
    let scene = Scene { node: None, events, ..Scene::default() };
    scene.check(&[("MasternodePaymentLost", 1.0), ("MasternodeMissing", 0.0)]);
    // The hour before the tip has 24 blocks of 150 seconds, independent of the wall clock.
    let lost =
        |height| Scene { node: None, events: vec![event(1, height, EventKind::PaymentLost)], ..Scene::default() };
    lost(TIP - 23).check(&[("MasternodePaymentLost", 1.0), ("MasternodeMissing", 0.0)]);
    lost(TIP - 24).check(&[("MasternodeMissing", 0.0)]);
    let later = Scene { seconds_later: 5 * 3_600, ..scene };
    later.check(&[("MasternodePaymentLost", 1.0), ("MasternodeMissing", 0.0), ("MasternodeChainStalled", 18_000.0)]);
}

#[test]
fn who_stays_first_in_the_queue_for_three_blocks_is_overdue() {
    let node = Some(Masternode { last_paid_height: Some(Height(1)), ..masternode(1) });
    for (others, after) in [(10, Some(3)), (9, None)] {
        let mut memory = Memory::default();
        let overdue = |blocks: u32, memory: &mut Memory| {
            let scene = Scene { tip: TIP + blocks, node: node.clone(), others, ..Scene::default() };
            let evaluation = evaluate_state(scene.state(None, None), memory, scene.now());
            evaluation.holding().any(|(_, held, ..)| held.alert.name == "MasternodePaymentOverdue")
        };
        let first = (0..6).find(|blocks| overdue(*blocks, &mut memory));
        assert_eq!(first, after, "{others} others");
    }
}

#[test]
fn what_is_not_as_expected_is_named() {
    let expectations =
        vec![(WatchField::Address, "192.0.2.1:9999".to_string()), (WatchField::PayoutAddress, "Xmine".to_string())];
    let scene = Scene { expectations, ..Scene::default() };
    scene.check(&[("MasternodeUnexpectedChange", 1.0)]);
    let evaluation = scene.evaluate();
    let (subject, _, _, text) = evaluation.holding().next().unwrap();
    assert!(text.ends_with("in: payout_address."), "{text}");
    assert_eq!(subject.labels["masternode"], id(1).to_string());
    assert_eq!(subject.labels["operator"], "acme");
}

#[test]
fn only_an_evo_node_is_banned_by_the_platform() {
    let peer = PeerView::new(None, Some(true));
    let flagged = Masternode { peer, ..masternode(1) };
    Scene { node: Some(flagged.clone()), ..Scene::default() }.check(&[]);
    let evo = Masternode { node_type: NodeType::Evo, ..flagged };
    Scene { node: Some(evo), ..Scene::default() }.check(&[("MasternodePlatformBanned", 1.0)]);
}

#[test]
fn a_ping_in_the_future_and_a_missing_version_are_unknown() {
    let read_at = block(TIP).time.0;
    let found = |ahead: u64, version: Option<u32>| {
        let announced = Announced {
            state: Arc::new(DIMECOIN.states[0].clone()),
            protocol_version: version,
            last_seen: Some(UnixSeconds(read_at + ahead)),
            started_at: None,
            last_paid_at: None,
            rank: None,
        };
        let node = Masternode { announced: Some(Box::new(announced)), pose_score: None, ..masternode(1) };
        let evaluation = Scene { rules: DIMECOIN, node: Some(node), others: 0, ..Scene::default() }.evaluate();
        ["MasternodePingLate", "MasternodeProtocolTooOld"].map(|name| verdict(&evaluation, name))
    };
    assert_eq!(found(7_200, Some(u32::MAX))[0], Some(Verdict::DoesNotHold));
    assert_eq!(found(7_201, Some(u32::MAX))[0], Some(Verdict::Unknown));
    assert_eq!(found(0, None)[1], Some(Verdict::Unknown));
}

#[test]
fn silence_is_told_before_it_expires_a_node() {
    let read_at = block(TIP).time.0;
    let announced = |state: &str, silent: u64| {
        let state = DIMECOIN.states.iter().find(|known| known.label == state).unwrap().clone();
        Announced {
            state: Arc::new(state),
            protocol_version: None,
            last_seen: Some(UnixSeconds(read_at - silent)),
            started_at: None,
            last_paid_at: None,
            rank: None,
        }
    };
    let cases: [(&str, u64, Found); 5] = [
        ("enabled", 1_800, &[]),
        ("enabled", 1_801, &[("MasternodePingLate", 1_801.0)]),
        ("pre_enabled", 60, &[("MasternodeNotEnabled", 0.0)]),
        ("expired", 4_000, &[("MasternodeNotEnabled", 0.0), ("MasternodePingLate", 4_000.0)]),
        ("pose_ban", 60, &[("MasternodePoSeBanned", 1.0)]),
    ];
    for (state, silent, expected) in cases {
        let announced = Some(Box::new(announced(state, silent)));
        let node = Masternode { announced, pose_score: None, ..masternode(1) };
        Scene { rules: DIMECOIN, node: Some(node), others: 0, ..Scene::default() }.check(expected);
    }
}

#[test]
fn a_wave_needs_ten_and_a_hundredth() {
    let wave = |penalised: u8, blocks_ago| Scene {
        watched: vec![20],
        events: (1..=penalised).map(|number| penalty(number, TIP - blocks_ago)).collect(),
        ..Scene::default()
    };
    wave(9, 0).check(&[]);
    wave(10, 0).check(&[("MasternodePenaltyWave", 10.0)]);
    wave(10, 23).check(&[("MasternodePenaltyWave", 10.0)]);
    wave(10, 24).check(&[]);
}

#[test]
fn a_group_is_degraded_by_three_or_by_a_third_of_at_least_two() {
    // watched masternodes of the group, newly penalised, degraded.
    let cases =
        [(1, 1, false), (2, 1, false), (3, 2, true), (6, 2, true), (7, 2, false), (30, 2, false), (30, 3, true)];
    for (members, penalised, degraded) in cases {
        let scene = Scene {
            watched: (1..=members).collect(),
            events: (1..=penalised).map(|number| penalty(number, TIP)).collect(),
            ..Scene::default()
        };
        let evaluation = scene.evaluate();
        let group = evaluation.holding().find(|(_, held, ..)| held.alert.name == "MasternodeGroupDegraded");
        assert_eq!(group.is_some(), degraded, "{penalised} of {members}");
        assert!(group.is_none_or(|(subject, ..)| subject.labels["group"] == "acme"));
    }
}

#[test]
fn a_chain_that_stands_still_or_is_not_locked_is_told() {
    Scene { seconds_later: 2_364, ..Scene::default() }.check(&[]);
    Scene { seconds_later: 2_365, ..Scene::default() }.check(&[("MasternodeChainStalled", 2_365.0)]);
    Scene { chainlock: Some(TIP - 5), ..Scene::default() }.check(&[]);
    Scene { chainlock: Some(TIP - 6), ..Scene::default() }.check(&[("MasternodeChainLockLag", 6.0)]);
}
