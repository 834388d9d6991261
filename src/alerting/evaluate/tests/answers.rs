//! Alerts about answers of sources that are new to this version, and about old registrations.
//!
//! Never here: alerts of masternodes by their score.

use super::*;

#[test]
fn what_is_not_understood_is_told_from_the_start_on_for_a_day_and_unknown_without_a_list() {
    let not_understood = named("MasternodeExporterAnswersNotUnderstood").unwrap();
    let labels: Labels = [("network".to_string(), "dash-main".to_string())].into();
    let snapshot = snapshot(masternode(1), watched(), vec![]);
    let at = now(&snapshot);
    let mut before = PreviousState::default();
    let mut count = |count, snapshot: Option<Arc<Snapshot>>, now| {
        let mut world = world(snapshot, Some(now));
        network(&mut world).not_understood = count;
        let verdict = judge(&world, &AlertingSettings::default(), &mut before, UnixSeconds(now));
        let found = verdict.judged.iter().find(|judged| judged.alert.name == not_understood.name);
        (found.map(|judged| judged.value), verdict.is_unknown(not_understood, &labels, UnixSeconds(at)))
    };
    assert_eq!(count(0, None, at), (None, true), "no answer was read yet");
    assert_eq!(count(2, Some(snapshot.clone()), at), (Some(2.0), false), "the counter began at 0 with the process");
    assert_eq!(count(2, Some(snapshot.clone()), at + 86_399), (Some(2.0), false));
    assert_eq!(count(2, Some(snapshot.clone()), at + 86_400), (None, false), "a day later it is no rise");
    assert_eq!(count(3, Some(snapshot), at + 90_000), (Some(1.0), false));
}

#[test]
fn an_old_registration_of_an_evo_node_is_told_once_v24_is_active_and_unknown_while_nobody_says_so() {
    let old = named("MasternodeEvoVersionOld").unwrap();
    let labels: Labels =
        [("network".to_string(), "dash-main".to_string()), ("masternode".to_string(), "01".repeat(32))].into();
    let judged = |version, phase: Option<Phase>| {
        let details = Details::new(&DetailTexts { version: Some(version), ..DetailTexts::default() });
        let node = Masternode { node_type: NodeType::Evo, details, ..masternode(1) };
        let list = list(1000, vec![node]);
        let at = list.block().time;
        let deployment = phase.map(|phase| Deployment {
            phase,
            signal_height: None,
            window: None,
            signalling: None,
            activation_height: None,
            earliest_height: None,
        });
        let parts = SnapshotInputs {
            network: "dash-main".into(),
            rules: Arc::new(DASH),
            list: Arc::new(list),
            facts: ChainFacts { deployment, ..ChainFacts::new(Subnet::Main) },
            read_at: at,
            watched: vec![watched()],
            recent_events: vec![],
        };
        let world = world(Some(Arc::new(Snapshot::new(parts, &EventCounters::default()))), Some(at.0));
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), at);
        (told(&verdict).contains(&old.name), verdict.is_unknown(old, &labels, at))
    };
    assert_eq!(judged(2, Some(Phase::Active)), (true, false));
    assert_eq!(judged(3, Some(Phase::Active)), (false, false));
    assert_eq!(judged(2, Some(Phase::LockedIn)), (false, false));
    assert_eq!(judged(2, None), (false, true));
    assert_eq!(judged(3, None), (false, false));
}
