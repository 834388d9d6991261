//! Unknown conditions of a process that has just started, and conditions that the history makes known.
//!
//! Never here: alert state over a restart (`alerting`).

use super::*;

/// The verdict on a condition in a process that has followed the network for this many seconds.
fn young(scene: &Scene, seconds: u64, name: &str) -> Option<Verdict> {
    let mut state = scene.state(None, None);
    state.since = Moment { uptime: scene.now().uptime - Duration::from_secs(seconds), ..scene.now() };
    let evaluation = evaluate_state(state, &mut Memory::default(), scene.now());
    let verdicts = evaluation.subjects.iter().flat_map(|subject| &subject.verdicts);
    let first = verdicts.filter(|(condition, _)| condition.alert.name == name).map(|(_, verdict)| verdict).next();
    match first.cloned() {
        Some(Verdict::Holds { value, .. }) => Some(Verdict::holds(value, "")),
        other => other,
    }
}

#[test]
fn events_before_a_start_are_unknown_for_an_hour_unless_the_history_has_them() {
    let lost = Scene { events: vec![event(1, TIP - 3, EventKind::PaymentLost)], ..Scene::default() };
    let wave = Scene { events: (1..=10).map(|number| penalty(number, TIP)).collect(), ..Scene::default() };
    let (quiet, endangered) = (Scene::default(), Scene { node: scored(10), ..Scene::default() });
    let penalised = Scene { node: scored(10), events: vec![penalty(1, TIP - 3)], ..Scene::default() };
    let long_ago = Scene { node: scored(10), events: vec![penalty(1, TIP - 100)], ..Scene::default() };
    for (name, scene, at_first, later) in [
        ("MasternodePaymentLost", &lost, Verdict::holds(1.0, ""), Verdict::holds(1.0, "")),
        ("MasternodePaymentLost", &quiet, Verdict::Unknown, Verdict::DoesNotHold),
        ("MasternodePenaltyWave", &wave, Verdict::holds(10.0, ""), Verdict::holds(10.0, "")),
        ("MasternodePenaltyWave", &quiet, Verdict::Unknown, Verdict::DoesNotHold),
        ("MasternodeExporterHistoryGap", &quiet, Verdict::Unknown, Verdict::DoesNotHold),
        ("MasternodePoSePenalized", &quiet, Verdict::DoesNotHold, Verdict::DoesNotHold),
        ("MasternodePoSePenalized", &endangered, Verdict::Unknown, Verdict::DoesNotHold),
        ("MasternodePoSePenalized", &penalised, Verdict::holds(132.0, ""), Verdict::holds(132.0, "")),
        ("MasternodePoSePenalized", &long_ago, Verdict::DoesNotHold, Verdict::DoesNotHold),
    ] {
        assert_eq!(young(scene, 3_599, name), Some(at_first), "{name}");
        assert_eq!(young(scene, 3_600, name), Some(later), "{name}");
    }
}

#[test]
fn a_session_that_may_have_begun_before_the_start_leaves_an_imminent_ban_unknown() {
    // A test before the score is safe is certain at offset 266, and impossible at 60. No chance is above this limit.
    let general = Thresholds { imminent_chance: 1.0, ..Thresholds::DEFAULT };
    let thresholds = ThresholdSettings { general, ..ThresholdSettings::default() };
    for (offset, seconds, expected) in
        [(266, 2_699, Verdict::Unknown), (266, 2_700, Verdict::DoesNotHold), (60, 0, Verdict::DoesNotHold)]
    {
        let scene = Scene { tip: TIP + offset, node: scored(132), ..Scene::default() };
        let mut state = scene.state(None, None);
        state.since = Moment { uptime: scene.now().uptime - Duration::from_secs(seconds), ..scene.now() };
        let input = input(state, scene.now());
        let evaluation = evaluate(&Catalogue::default(), &input, &thresholds, &mut Memory::default());
        assert_eq!(verdict(&evaluation, "MasternodePoSeBanImminent"), Some(expected), "{offset}, {seconds}");
    }
}

#[test]
fn a_masternode_at_the_head_of_the_queue_at_the_start_is_unknown_until_it_is_overdue() {
    let node = Some(Masternode { last_paid_height: Some(Height(1)), ..masternode(1) });
    let overdue = |blocks: u32, node: &Option<Masternode>, memory: &mut Memory| {
        let scene = Scene { tip: TIP + blocks, node: node.clone(), others: 10, ..Scene::default() };
        match verdict(&evaluate_state(scene.state(None, None), memory, scene.now()), "MasternodePaymentOverdue") {
            Some(Verdict::Holds { .. }) => "holds",
            Some(Verdict::Unknown) => "unknown",
            Some(Verdict::DoesNotHold) => "does not hold",
            other => panic!("{other:?}"),
        }
    };
    let mut memory = Memory::default();
    let found = [0, 1, 2, 3].map(|blocks| overdue(blocks, &node, &mut memory));
    assert_eq!(found, ["unknown", "unknown", "unknown", "holds"]);
    // Another one is first when the process starts, and this one after it.
    let paid = Some(Masternode { last_paid_height: Some(Height(2_000)), ..masternode(1) });
    let mut memory = Memory::default();
    assert_eq!(overdue(0, &paid, &mut memory), "does not hold");
    let found = [1, 2, 3, 4].map(|blocks| overdue(blocks, &node, &mut memory));
    assert_eq!(found, ["does not hold", "does not hold", "does not hold", "holds"]);
    assert_eq!(overdue(0, &node, &mut memory), "unknown", "blocks were replaced");
}

#[test]
fn the_text_of_a_ban_has_the_date_of_its_event_and_does_not_follow_the_block_interval() {
    let height = Height(TIP - 100_000);
    let node = scored(200).map(|node| Masternode { ban_height: Some(height), ..node });
    let text = |events: &[Event], spacing| {
        let scene = Scene { node: node.clone(), events: events.to_vec(), ..Scene::default() };
        let mut state = scene.state(None, None);
        let snapshot = scene.snapshot_of_node(None);
        let facts = ChainFacts { measured_spacing_seconds: Some(spacing), ..snapshot.facts().clone() };
        let inputs = SnapshotInputs {
            network: "net".into(),
            rules: Arc::new(scene.rules.clone()),
            list: Arc::new(list(TIP, scene.node.iter().cloned().collect())),
            facts,
            read_at: block(TIP).time,
            watched: snapshot.watched().iter().map(|watched| watched.watched.clone()).collect(),
            recent_events: events.to_vec(),
        };
        state.snapshot = Some(Arc::new(Snapshot::new(inputs, &EventCounters::default())));
        match verdict(&evaluate_state(state, &mut Memory::default(), scene.now()), "MasternodePoSeBanned") {
            Some(Verdict::Holds { text, .. }) => text,
            other => panic!("{other:?}"),
        }
    };
    let ban = event(1, height.0, EventKind::Ban { cause: BanCause::Dkg, among: 200 });
    for events in [vec![], vec![ban.clone()]] {
        assert_eq!(text(&events, 150.0), text(&events, 165.0));
    }
    assert!(text(&[], 150.0).contains(&format!("since block {height}.")), "{}", text(&[], 150.0));
    let date = &crate::rfc3339::text(block(height.0).time)[..10];
    let dated = text(&[ban], 150.0);
    assert!(dated.contains(&format!("since block {height} ({date}), cause")), "{dated}");
}

#[test]
fn endangered_nodes_that_are_added_to_the_watch_list_degrade_no_group() {
    let scene = |events| Scene { node: scored(132), watched: vec![1, 2, 3], events, ..Scene::default() };
    let group = "MasternodeGroupDegraded";
    let long_ago = || (1..=3).map(|number| penalty(number, TIP - 100)).collect();
    assert_eq!(young(&scene(vec![]), 86_400, group), Some(Verdict::DoesNotHold), "no penalty was seen");
    assert_eq!(young(&scene(long_ago()), 60, group), Some(Verdict::DoesNotHold));
    let now = (1..=3).map(|number| penalty(number, TIP)).collect();
    assert_eq!(young(&scene(now), 60, group), Some(Verdict::holds(3.0, "")));
}

#[test]
fn what_was_known_of_a_list_is_unknown_once_the_list_is_withdrawn_and_never_known_without_one() {
    let scene = Scene { node: scored(138), tip: TIP + 60, ..Scene::default() };
    let mut memory = Memory::default();
    let count = |evaluation: &Evaluation| {
        let of_nodes = evaluation.subjects.iter().filter(|subject| subject.scope == Scope::Masternode);
        of_nodes.map(|subject| subject.verdicts.len()).sum::<usize>()
    };
    let known = evaluate_state(scene.state(None, None), &mut memory, scene.now());
    let gone = NetworkState { snapshot: None, ..scene.state(None, None) };
    let evaluation = evaluate_state(gone.clone(), &mut memory, scene.now());
    assert_eq!(count(&evaluation), count(&known));
    let list = evaluation.subjects.iter().filter(|subject| subject.scope == Scope::Masternode);
    assert!(list.flat_map(|subject| &subject.verdicts).all(|(_, verdict)| *verdict == Verdict::Unknown));
    let evaluation = evaluate_state(gone, &mut Memory::default(), scene.now());
    assert_eq!(count(&evaluation), 0);
    assert_eq!(verdict(&evaluation, "MasternodeChainStalled"), Some(Verdict::Unknown));
}

#[test]
fn maintenance_mutes_the_alerts_of_a_masternode_but_not_a_change_that_nobody_expected() {
    let scene = Scene { node: scored(138), tip: TIP + 60, ..Scene::default() };
    let mut muted = scene.evaluate().subjects.into_iter().find(|subject| subject.scope == Scope::Masternode).unwrap();
    let catalogue = Catalogue::default();
    let of = |name: &str, subject: &EvaluatedSubject| subject.muted(catalogue.find(name).unwrap());
    assert_eq!(of("MasternodePoSeBanned", &muted), None);
    muted.muted_until = Some(UnixSeconds(9));
    assert_eq!(of("MasternodePoSeBanned", &muted), Some(UnixSeconds(9)));
    assert_eq!(of("MasternodeUnexpectedChange", &muted), None);
}
