//! Alerts about the nodes that are asked.
//!
//! Never here: masternodes.

use super::*;

#[test]
fn a_source_that_does_not_follow_a_fork_is_told_by_how_certain_the_fork_is() {
    let names =
        ["MasternodeExporterSourceForkNotReady", "MasternodeExporterSourceLeftBehind", "MasternodeExporterForkSplit"];
    // follows, split, an activation is certain: which of the three hold, and of which nothing is known.
    for (follows, split, certain, holds, unknown) in [
        (None, None, false, [false; 3], [true; 3]),
        (None, None, true, [false; 3], [true; 3]),
        (Some(true), Some(false), true, [false; 3], [false; 3]),
        (Some(false), None, false, [true, false, false], [false, false, true]),
        (Some(false), None, true, [false, true, false], [false, false, true]),
        (Some(false), Some(true), true, [false, true, true], [false; 3]),
    ] {
        let mut world = world(None, Some(1000));
        network(&mut world).fork_activation = certain.then_some(Height(600));
        let source = &mut network(&mut world).sources[0];
        (source.follows_fork, source.fork_split) = (follows, split);
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(1000));
        let labels: Labels =
            [("network", "dash-main"), ("source", "local")].map(|(name, text)| (name.into(), text.into())).into();
        for (at, name) in names.into_iter().enumerate() {
            let alert = named(name).unwrap();
            assert_eq!(told(&verdict).contains(&name), holds[at], "{name}: {follows:?} {split:?} {certain}");
            let is_unknown = verdict.is_unknown(alert, &labels, UnixSeconds(1000));
            assert_eq!(is_unknown, unknown[at], "{name}: {follows:?} {split:?} {certain}");
        }
    }
}

#[test]
fn a_release_with_a_fault_and_an_unbuilt_filter_index_are_told_and_unknown_until_the_node_says_something() {
    let labels: Labels =
        [("network", "dash-main"), ("source", "local")].map(|(name, text)| (name.into(), text.into())).into();
    let names = ["MasternodeExporterSourceReleaseBad", "MasternodeExporterSourceFilterIndexBehind"];
    let mut world = world(None, Some(1000));
    let mut before = PreviousState::default();
    let mut at = |now: u64, bad: Option<bool>, synced: Option<bool>| {
        let source = &mut network(&mut world).sources[0];
        (source.release_bad, source.filter_index_synced) = (bad, synced);
        let verdict = judge(&world, &AlertingSettings::default(), &mut before, UnixSeconds(now));
        names.map(|name| {
            let unknown = verdict.is_unknown(named(name).unwrap(), &labels, UnixSeconds(now));
            (told(&verdict).contains(&name), unknown)
        })
    };
    let (held, unknown, well) = ((true, false), (false, true), (false, false));
    assert_eq!(at(1000, None, None), [unknown, unknown]);
    assert_eq!(at(1001, Some(true), Some(true)), [held, well]);
    assert_eq!(at(1002, Some(false), Some(false)), [well, held]);
    assert_eq!(at(1602, None, None), [well, held], "it says nothing, so what it said last counts");
    assert_eq!(at(1603, None, None), [well, well], "for ten minutes");
}

#[test]
fn how_old_a_confirmation_is_follows_from_the_time_that_passed_whatever_the_wall_clock_says_now() {
    const UPTIME: u64 = 5_000;
    let clock = 1_700_000_000;
    for now in [clock, clock + 36_000, clock - 36_000] {
        for (age, told_stale, fresh) in [(0, false, true), (300, false, true), (301, false, false), (901, true, false)]
        {
            let mut world = world(None, None);
            world.started = UnixSeconds(now - UPTIME);
            let uptime = Duration::from_secs(UPTIME - age);
            let confirmed = Moment { unix: UnixSeconds(clock), uptime };
            let source = &mut network(&mut world).sources[0];
            source.last_success = Some(confirmed);
            network(&mut world).snapshot = Some(snapshot(healthy(), watched(), vec![]));
            let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(now));
            assert_eq!(told(&verdict).contains(&"MasternodeExporterDataStale"), told_stale, "{now} {age}");
            assert_eq!(verdict.unknown_lists.is_empty(), fresh, "{now} {age}");
        }
    }
}
