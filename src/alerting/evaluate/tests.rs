mod answers;
mod sources;

use super::*;
use domain::chain::{DASH, Subnet};
use domain::chain_facts::ChainFacts;
use domain::counters::EventCounters;
use domain::deployment::{Deployment, Phase};
use domain::details::{DetailTexts, Details};
use domain::event::{Event, EventKind, FailedQuorum};
use domain::masternode::{BlockHash, Hash, Height, Masternode, NodeType, Score};
use domain::network_state::SourceHealth;
use domain::probe::{Outcome, Probe, ProbeError, Unprobed};
use domain::samples::{block, id, list, masternode, moment, network_state};
use domain::snapshot::SnapshotInputs;
use domain::watch::{WatchField, WatchTarget};

/// A network of 200 at height 1000, of which number 1 is watched.
fn snapshot(node: Masternode, watched: WatchTarget, events: Vec<Event>) -> Arc<Snapshot> {
    let nodes = std::iter::once(node).chain((2..=200).map(masternode)).collect();
    let list = list(1000, nodes);
    let read_at = list.block().time;
    let mut tallies = EventCounters::default();
    events.iter().for_each(|event| tallies.record(event));
    let parts = SnapshotInputs {
        network: "dash-main".into(),
        rules: Arc::new(DASH),
        list: Arc::new(list),
        facts: ChainFacts::new(Subnet::Main),
        read_at,
        watched: vec![watched],
        recent_events: events,
    };
    Arc::new(Snapshot::new(parts, &tallies))
}

fn watched() -> WatchTarget {
    WatchTarget {
        id: id(1),
        alias: "mn-fra-1".into(),
        groups: [("operator".to_string(), "acme".to_string())].into(),
        expectations: vec![],
        maintenance_until: None,
    }
}

fn penalised() -> (Masternode, Vec<Event>) {
    let quorum = FailedQuorum {
        quorum_type: "llmq_60_75".into(),
        hash: BlockHash(Hash([0xab; 32])),
        height: Height(960),
        index: 3,
        others: None,
    };
    let kind = EventKind::Penalty {
        score: Score(132),
        points: 132,
        failures: 1,
        clamped: false,
        quorums: vec![quorum],
        others: None,
    };
    let event = Event { block: block(1000), exact: true, masternode: id(1), node_type: NodeType::Regular, kind };
    (Masternode { pose_score: Some(Score(132)), ..masternode(1) }, vec![event])
}

pub(super) fn world(snapshot: Option<Arc<Snapshot>>, confirmed: Option<u64>) -> EvaluationInput {
    let source = SourceHealth {
        name: "local".into(),
        synced: Some(true),
        network_match: Some(true),
        isolated: Some(false),
        release_bad: Some(false),
        last_success: confirmed.map(moment),
        ..SourceHealth::default()
    };
    let network = Arc::new(network_state("dash-main", snapshot, vec![source]));
    EvaluationInput {
        networks: vec![network],
        config_good: true,
        web_config_good: true,
        history_damaged: Some(0),
        failing: vec![],
        started: UnixSeconds(0),
    }
}

/// The network of a world, to be changed.
fn network(world: &mut EvaluationInput) -> &mut NetworkState {
    Arc::make_mut(&mut world.networks[0])
}

fn told(verdict: &Evaluation) -> Vec<&'static str> {
    verdict.judged.iter().map(|judged| judged.alert.name).collect()
}

fn now(snapshot: &Snapshot) -> u64 {
    snapshot.block().time.0
}

#[test]
fn how_old_the_tip_is_cannot_be_said_while_it_is_that_of_before_a_jump_of_the_clock() {
    let stalled = alerts().find(|alert| alert.condition == Some(Condition::ChainStalled)).unwrap();
    let labels: Labels = [("network".to_string(), "dash-main".to_string())].into();
    let snapshot = snapshot(masternode(1), watched(), vec![]);
    let at = now(&snapshot);
    let world = world(Some(snapshot), Some(at));
    let verdict = |unknown_tips| {
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(at));
        assert!(!told(&verdict).contains(&stalled.name), "by this clock the tip is new");
        Evaluation { unknown_tips, ..verdict }
    };
    assert!(verdict(["dash-main".to_string()].into()).is_unknown(stalled, &labels, UnixSeconds(at)));
    assert!(!verdict(BTreeSet::new()).is_unknown(stalled, &labels, UnixSeconds(at)));
}

#[test]
fn what_happened_lately_happened_lately_before_the_tip_whatever_the_clock_says() {
    let lost = Event { kind: EventKind::PaymentLost, ..penalised().1.remove(0) };
    let snapshot = snapshot(masternode(1), watched(), vec![lost]);
    let at = now(&snapshot);
    for now in [at, at + 10 * 3600, at - 10 * 3600] {
        let world = world(Some(snapshot.clone()), Some(now));
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(now));
        assert!(told(&verdict).contains(&"MasternodePaymentLost"), "{now}");
    }
}

#[test]
fn a_penalty_is_told_with_the_labels_of_the_rules_and_the_quorum_that_it_came_from() {
    let (node, events) = penalised();
    let snapshot = snapshot(node, watched(), events);
    let at = now(&snapshot);
    let settings =
        AlertingSettings { labels: [("cluster".to_string(), "eu".to_string())].into(), ..AlertingSettings::default() };
    let verdict = judge(&world(Some(snapshot), Some(at)), &settings, &mut PreviousState::default(), UnixSeconds(at));
    let penalised = verdict.judged.iter().find(|judged| judged.alert.name == "MasternodePoSePenalized").unwrap();
    let labels: Vec<(&str, &str)> =
        penalised.labels.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let hash = "01".repeat(32);
    assert_eq!(
        labels,
        [
            ("alias", "mn-fra-1"),
            ("cluster", "eu"),
            ("masternode", &hash),
            ("network", "dash-main"),
            ("node_type", "regular"),
            ("operator", "acme"),
            ("severity", "warning"),
        ]
    );
    // 200 masternodes: limit 200, step 132, safe level 68, so 64 blocks of decay; the chain's spacing is 150 s.
    let hash = "ab".repeat(32);
    assert_eq!(
        penalised.description,
        format!(
            "Masternode mn-fra-1 operator=acme on dash-main was penalised: its score rose by 132 within the last hour. \
             Score 132, limit 200, safe in 64 blocks, about 2.8 hours. \
             Called failed by quorum llmq_60_75 {hash} of height 960, index 3."
        )
    );
}

#[test]
fn maintenance_mutes_until_it_ends_but_never_a_change_of_keys() {
    let (node, events) = penalised();
    let expectations = vec![(WatchField::PayoutAddress, "Xmine".to_string())];
    let names = |until: i64| {
        let at = now(&snapshot(node.clone(), watched(), events.clone()));
        let maintenance_until = Some(UnixSeconds(at.saturating_add_signed(until)));
        let watched = WatchTarget { maintenance_until, expectations: expectations.clone(), ..watched() };
        let snapshot = snapshot(node.clone(), watched, events.clone());
        let world = world(Some(snapshot), Some(at));
        told(&judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(at)))
    };
    assert_eq!(names(1), ["MasternodeUnexpectedChange"]);
    assert!(names(0).contains(&"MasternodePoSePenalized"));
}

#[test]
fn of_old_data_nothing_is_told_but_that_it_is_old() {
    let (node, events) = penalised();
    let snapshot = snapshot(node, watched(), events);
    let at = now(&snapshot);
    let world = world(Some(snapshot), Some(at));
    let alert = named("MasternodePoSeBanned").unwrap();
    let labels: Labels = [("network".to_string(), "dash-main".to_string())].into();
    let settings = AlertingSettings::default();
    let seen = |later: u64| {
        let verdict = judge(&world, &settings, &mut PreviousState::default(), UnixSeconds(at + later));
        (told(&verdict), verdict.is_unknown(alert, &labels, UnixSeconds(at)))
    };
    assert!(!seen(300).1);
    assert_eq!(seen(301), (vec![], true));
    assert_eq!(seen(900), (vec![], true));
    assert_eq!(seen(901), (vec!["MasternodeExporterDataStale"], true));
}

#[test]
fn what_was_never_known_is_stale_from_the_start_and_its_sources_are_unknown() {
    let mut world = world(None, None);
    network(&mut world).sources[0].synced = None;
    world.started = UnixSeconds(1000);
    let settings = AlertingSettings::default();
    let at = |now| judge(&world, &settings, &mut PreviousState::default(), UnixSeconds(now));
    let early = at(1900);
    assert_eq!(told(&early), [""; 0]);
    let labels: Labels = [("network".to_string(), "dash-main".to_string())].into();
    assert!(early.is_unknown(named("MasternodeExporterSourceDown").unwrap(), &labels, UnixSeconds(1000)));
    assert!(early.is_unknown(named("MasternodeExporterAllSourcesDown").unwrap(), &labels, UnixSeconds(1000)));
    // A process that has read nothing yet does not end what an earlier one found stale.
    assert!(early.is_unknown(named("MasternodeExporterDataStale").unwrap(), &labels, UnixSeconds(1000)));
    assert_eq!(told(&at(1901)), ["MasternodeExporterDataStale"]);
}

#[test]
fn sources_gaps_configuration_and_receivers_are_told_for_themselves() {
    let mut world = world(None, Some(1000));
    network(&mut world).sources[0].synced = Some(false);
    network(&mut world).sources[0].network_match = Some(false);
    network(&mut world).gap_blocks = 7;
    world.config_good = false;
    world.web_config_good = false;
    world.history_damaged = Some(3);
    world.failing = vec!["pager".into()];
    let mut before = PreviousState::default();
    let verdict = judge(&world, &AlertingSettings::default(), &mut before, UnixSeconds(1000));
    assert_eq!(
        told(&verdict),
        [
            "MasternodeExporterSourceDown",
            "MasternodeExporterWrongNetwork",
            "MasternodeExporterAllSourcesDown",
            "MasternodeExporterHistoryGap",
            "MasternodeExporterHistoryDamaged",
            "MasternodeExporterConfigReloadFailed",
            "MasternodeExporterWebConfigReloadFailed",
            "MasternodeExporterNotificationsFailing",
        ]
    );
    let failing = verdict.judged.last().unwrap();
    assert_eq!(failing.labels["receiver"], "pager");
    let later = judge(&world, &AlertingSettings::default(), &mut before, UnixSeconds(1000 + 3600));
    assert!(!told(&later).contains(&"MasternodeExporterHistoryGap"), "an hour later no gap is new");
}

#[test]
fn a_lost_payment_that_an_earlier_process_saw_is_told_for_as_long_as_it_would_have_been() {
    let snapshot = snapshot(masternode(1), watched(), vec![]);
    let at = now(&snapshot);
    let world = EvaluationInput { started: UnixSeconds(at), ..world(Some(snapshot), Some(at)) };
    let labels: Labels = [("network".to_string(), "dash-main".to_string())].into();
    let unknown = |name: &str, began: u64| {
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(at));
        verdict.is_unknown(named(name).unwrap(), &labels, UnixSeconds(began))
    };
    assert!(unknown("MasternodePaymentLost", at - 3599));
    assert!(!unknown("MasternodePaymentLost", at - 3600), "it would have ended by now");
    assert!(!unknown("MasternodePaymentLost", at), "this process would know");
    assert!(!unknown("MasternodePoSeBanned", at - 1), "what a list shows needs no memory");
}

#[test]
fn a_network_that_was_added_late_is_stale_by_its_own_age_only() {
    let told_at = |now: u64| {
        let mut world = world(None, None);
        network(&mut world).since = moment(100_000);
        told(&judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(now)))
    };
    assert!(!told_at(100_900).contains(&"MasternodeExporterDataStale"));
    assert!(told_at(100_901).contains(&"MasternodeExporterDataStale"));
}

/// Healthy, and not the next to be paid.
fn healthy() -> Masternode {
    Masternode { last_paid_height: Some(Height(999)), ..masternode(1) }
}

fn probe(outcome: Outcome) -> Probe {
    Probe { outcome, at: UnixSeconds(1), duration: None, peer: None, last_success: None }
}

fn with_probe(snapshot: Arc<Snapshot>, probe: Option<Probe>) -> EvaluationInput {
    let at = now(&snapshot);
    let mut world = world(Some(snapshot), Some(at));
    network(&mut world).probes = Some(Arc::new(probe.into_iter().map(|probe| (id(1), probe)).collect()));
    world
}

#[test]
fn who_does_not_answer_is_told_with_the_labels_of_the_rules_and_why() {
    let snapshot = snapshot(healthy(), watched(), vec![]);
    let at = UnixSeconds(now(&snapshot));
    let world = with_probe(snapshot, Some(probe(Outcome::Failed(ProbeError::Timeout))));
    let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), at);
    assert_eq!(told(&verdict), ["MasternodeUnreachable"]);
    let labels: Vec<&str> = verdict.judged[0].labels.keys().map(String::as_str).collect();
    assert_eq!(labels, ["alias", "masternode", "network", "node_type", "operator", "severity"]);
    assert_eq!(
        verdict.judged[0].description,
        "Masternode mn-fra-1 operator=acme on dash-main does not answer with its chain's handshake at the address of the \
         list. The last call failed with: timeout. It will be penalised when the next quorum meets without it."
    );
}

#[test]
fn of_who_was_not_called_or_when_this_host_is_cut_off_nothing_is_known() {
    let alert = named("MasternodeUnreachable").unwrap();
    let labels: Labels = [("network", "dash-main"), ("masternode", &"01".repeat(32))]
        .map(|(name, text)| (name.into(), text.into()))
        .into();
    let check = |last: Option<Outcome>, maintenance: bool, expected: bool| {
        let maintenance_until = maintenance.then_some(UnixSeconds(u64::MAX));
        let snapshot = snapshot(healthy(), WatchTarget { maintenance_until, ..watched() }, vec![]);
        let at = UnixSeconds(now(&snapshot));
        let verdict = judge(
            &with_probe(snapshot, last.map(probe)),
            &AlertingSettings::default(),
            &mut PreviousState::default(),
            at,
        );
        assert!(verdict.judged.is_empty());
        assert_eq!(verdict.is_unknown(alert, &labels, at), expected, "{last:?}, in maintenance: {maintenance}");
    };
    check(None, false, true);
    check(Some(Outcome::Unprobed(Unprobed::NoRoute)), false, true);
    check(Some(Outcome::Unprobed(Unprobed::Overlay)), false, false);
    check(Some(Outcome::Reached), false, false);
    check(None, true, false);
}

#[test]
fn a_node_that_is_cut_off_is_told_and_its_silence_ends_that_after_ten_minutes_only() {
    let alert = named("MasternodeExporterSourceIsolated").unwrap();
    let labels: Labels =
        [("network", "dash-main"), ("source", "local")].map(|(name, text)| (name.into(), text.into())).into();
    let mut world = world(None, Some(1000));
    let mut before = PreviousState::default();
    let mut at = |now: u64, isolated: Option<bool>| {
        network(&mut world).sources[0].isolated = isolated;
        let verdict = judge(&world, &AlertingSettings::default(), &mut before, UnixSeconds(now));
        (told(&verdict).contains(&alert.name), verdict.is_unknown(alert, &labels, UnixSeconds(now)))
    };
    let (told, unknown, well) = ((true, false), (false, true), (false, false));
    assert_eq!(at(1000, None), unknown, "an earlier process may have told it");
    assert_eq!(at(1001, Some(true)), told);
    assert_eq!(at(1601, None), told);
    assert_eq!(at(1602, None), well);
    assert_eq!(at(1603, Some(true)), told);
    assert_eq!(at(1604, Some(false)), well);
}

#[test]
fn an_alert_about_quorums_does_not_end_while_no_quorum_of_the_type_is_known() {
    let missing = alert_of(Condition::QuorumMissing).unwrap();
    let snapshot = snapshot(masternode(1), watched(), vec![]);
    let at = now(&snapshot);
    let verdict = judge(
        &world(Some(snapshot), Some(at)),
        &AlertingSettings::default(),
        &mut PreviousState::default(),
        UnixSeconds(at),
    );
    // A type that the network holds, and one that it holds no more.
    for (kind, unknown) in [("llmq_400_85", true), ("llmq_50_60", false)] {
        let labels = [("network", "dash-main"), ("quorum_type", kind)].map(|(name, text)| (name.into(), text.into()));
        assert_eq!(verdict.is_unknown(missing, &labels.into(), UnixSeconds(at)), unknown, "{kind}");
    }
}

#[test]
fn damage_is_unknown_until_the_history_was_checked() {
    let alert = named("MasternodeExporterHistoryDamaged").unwrap();
    let unknown = |damaged| {
        let world = EvaluationInput { history_damaged: damaged, ..world(None, Some(1000)) };
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(1000));
        verdict.is_unknown(alert, &Labels::new(), UnixSeconds(1000))
    };
    assert_eq!([None, Some(0), Some(2)].map(unknown), [true, false, false]);
}
