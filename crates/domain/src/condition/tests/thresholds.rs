//! Thresholds of groups and of single masternodes.

use super::*;

/// Thresholds of a group, and the masternodes of which each is a member: 1 and 2 of `acme`, 3 and 4 of `umbrella`.
fn settings(acme: ThresholdOverrides, umbrella: ThresholdOverrides) -> ThresholdSettings {
    let group = |group: &str, overrides| GroupThresholds { key: "operator".into(), group: group.into(), overrides };
    ThresholdSettings { groups: vec![group("acme", acme), group("umbrella", umbrella)], ..ThresholdSettings::default() }
}

/// What holds, each with the masternode or the group.
fn holding(scene: &Scene, thresholds: &ThresholdSettings, own: ThresholdOverrides) -> BTreeSet<(&'static str, String)> {
    let mut state = scene.state(None, None);
    let snapshot = state.snapshot.as_deref().unwrap();
    let watched = snapshot.watched().iter().map(|entry| WatchTarget {
        groups: [("operator".to_string(), if entry.watched.id <= id(2) { "acme" } else { "umbrella" }.to_string())]
            .into(),
        thresholds: if entry.watched.id == id(2) { own } else { ThresholdOverrides::default() },
        ..entry.watched.clone()
    });
    let mut tallies = EventCounters::default();
    scene.events.iter().for_each(|event| tallies.record(event));
    let parts = SnapshotInputs {
        network: "net".into(),
        rules: Arc::new(scene.rules.clone()),
        list: snapshot.list().clone(),
        facts: snapshot.facts().clone(),
        read_at: snapshot.read_at(),
        watched: watched.collect(),
        recent_events: scene.events.clone(),
    };
    state.snapshot = Some(Arc::new(Snapshot::new(parts, &tallies)));
    let input = input(state, scene.now());
    let evaluation = evaluate(&Catalogue::default(), &input, thresholds, &mut Memory::default());
    let of = |subject: &EvaluatedSubject| {
        let label = subject.labels.get("alias").or_else(|| subject.labels.get("group"));
        label.cloned().unwrap_or_default()
    };
    let held = evaluation.holding().filter(|(_, condition, ..)| condition.alert.name != SLACK);
    held.map(|(subject, condition, ..)| (condition.alert.name, of(subject))).collect()
}

/// All four lost a payment two hours ago, in blocks of 150 seconds.
fn lost_two_hours_ago() -> Scene {
    let events = (1..=4).map(|number| event(number, TIP - 48, EventKind::PaymentLost)).collect();
    Scene { watched: vec![1, 2, 3, 4], events, ..Scene::default() }
}

#[test]
fn two_groups_and_an_entry_have_their_own_period_of_recent_events() {
    let hours =
        |hours: u64| ThresholdOverrides { recent_seconds: Some(hours * 3_600), ..ThresholdOverrides::default() };
    let lost = |names: &[&str]| -> BTreeSet<(&str, String)> {
        names.iter().map(|name| ("MasternodePaymentLost", (*name).to_string())).collect()
    };
    let scene = lost_two_hours_ago();
    let none = ThresholdOverrides::default();
    assert_eq!(holding(&scene, &settings(none, none), none), lost(&[]));
    assert_eq!(holding(&scene, &settings(hours(3), none), none), lost(&["mn-1", "mn-2"]));
    assert_eq!(holding(&scene, &settings(hours(3), hours(3)), none), lost(&["mn-1", "mn-2", "mn-3", "mn-4"]));
    assert_eq!(
        holding(&scene, &settings(hours(3), none), hours(1)),
        lost(&["mn-1"]),
        "the entry counts before its group"
    );
    assert_eq!(holding(&scene, &settings(none, none), hours(3)), lost(&["mn-2"]));
}

#[test]
fn a_group_is_degraded_by_its_own_numbers() {
    let events = (1..=4).map(|number| penalty(number, TIP)).collect();
    let scene = Scene { watched: vec![1, 2, 3, 4], events, ..Scene::default() };
    let groups = |thresholds: &ThresholdSettings| -> Vec<String> {
        let found = holding(&scene, thresholds, ThresholdOverrides::default());
        found.into_iter().filter(|(name, _)| *name == "MasternodeGroupDegraded").map(|(_, group)| group).collect()
    };
    let strict = ThresholdOverrides { group_nodes: Some(9), group_ratio: Some(1.0), ..ThresholdOverrides::default() };
    let never = ThresholdOverrides { recent_seconds: Some(0), ..ThresholdOverrides::default() };
    assert_eq!(groups(&settings(strict, never)), ["acme"], "both of two are penalised");
    assert_eq!(groups(&settings(never, strict)), ["umbrella"]);
}

#[test]
fn a_text_names_the_configured_period() {
    let scene = lost_two_hours_ago();
    let general = Thresholds { recent_seconds: 3 * 3_600, ..Thresholds::DEFAULT };
    let thresholds = ThresholdSettings { general, ..ThresholdSettings::default() };
    let input = input(scene.state(None, None), scene.now());
    let evaluation = evaluate(&Catalogue::default(), &input, &thresholds, &mut Memory::default());
    let (_, _, _, text) = evaluation.holding().find(|(_, held, ..)| held.alert.name != SLACK).unwrap();
    assert!(text.contains("in the last 3h: it was banned"), "{text}");
}

#[test]
fn no_summary_or_resolution_names_a_period_that_is_a_setting() {
    for condition in Catalogue::default().conditions() {
        let alert = &condition.alert;
        let texts = format!("{} {}", alert.summary, alert.resolved);
        assert!(["hour", "minute", " day", "week"].iter().all(|word| !texts.contains(word)), "{texts}");
    }
}
