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
