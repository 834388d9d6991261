//! Conditions of sources, data and this process at their thresholds.
//!
//! Never here: masternodes.

use super::*;

fn at(seconds: u64) -> Moment {
    Moment { unix: UnixSeconds(block(TIP).time.0 + seconds), uptime: Duration::from_secs(500_000 + seconds) }
}

/// The verdicts on some conditions after a change of a healthy network.
fn after(change: impl Fn(&mut NetworkState), names: &[&str]) -> Vec<Option<Verdict>> {
    let mut state = Scene::default().state(None, None);
    change(&mut state);
    let evaluation = evaluate_state(state, &mut Memory::default(), at(0));
    names.iter().map(|name| verdict(&evaluation, name)).map(|verdict| verdict.map(short)).collect()
}

/// The verdict without its text.
fn short(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Holds { value, text } => {
            assert!(text.ends_with('.'), "{text}");
            Verdict::holds(value, "")
        }
        other => other,
    }
}

fn held(value: f64) -> Option<Verdict> {
    Some(Verdict::holds(value, ""))
}

const NOT: Option<Verdict> = Some(Verdict::DoesNotHold);
const UNKNOWN: Option<Verdict> = Some(Verdict::Unknown);

#[test]
fn what_a_source_says_or_does_not_say_follows_it() {
    let names = ["MasternodeExporterSourceDown", "MasternodeExporterAllSourcesDown", "MasternodeExporterWrongNetwork"];
    assert_eq!(after(|_| {}, &names), [NOT, NOT, NOT]);
    assert_eq!(after(|state| state.sources[0].synced = None, &names), [UNKNOWN, UNKNOWN, NOT]);
    assert_eq!(after(|state| state.sources[0].synced = Some(false), &names), [held(1.0), held(0.0), NOT]);
    assert_eq!(after(|state| state.sources[0].network_match = Some(false), &names)[2], held(1.0));
    assert_eq!(after(|state| state.sources[0].network_match = None, &names)[2], UNKNOWN);
    let said = ["MasternodeExporterSourceIsolated", "MasternodeExporterSourceReleaseBad"];
    assert_eq!(after(|_| {}, &said), [UNKNOWN, UNKNOWN], "nothing was reported yet");
    let fork = ["MasternodeExporterSourceForkNotReady", "MasternodeExporterSourceLeftBehind"];
    let behind = |activation: Option<u32>| {
        after(
            |state| {
                state.sources[0].follows_fork = Some(false);
                state.fork_activation = activation.map(Height);
            },
            &fork,
        )
    };
    assert_eq!(after(|_| {}, &fork), [UNKNOWN, UNKNOWN]);
    assert_eq!(behind(None), [held(1.0), NOT]);
    assert_eq!(behind(Some(5)), [NOT, held(1.0)]);
}

#[test]
fn what_a_source_said_counts_for_ten_minutes_of_silence() {
    let mut memory = Memory::default();
    let mut isolated = |said, seconds| {
        let mut state = Scene::default().state(None, None);
        state.sources[0].isolated = said;
        verdict(&evaluate_state(state, &mut memory, at(seconds)), "MasternodeExporterSourceIsolated").map(short)
    };
    assert_eq!(isolated(Some(true), 0), held(1.0));
    assert_eq!(isolated(None, 600), held(1.0));
    assert_eq!(isolated(None, 601), UNKNOWN, "it may still be isolated");
    assert_eq!(isolated(None, 100_000), UNKNOWN);
    assert_eq!(isolated(Some(false), 100_001), NOT);
}

#[test]
fn a_fact_that_a_synced_source_never_reports_is_inapplicable() {
    for (synced, later) in [(Some(true), None), (Some(false), UNKNOWN), (None, UNKNOWN)] {
        let mut memory = Memory::default();
        let mut isolated = |seconds| {
            let mut state = Scene::default().state(None, None);
            state.sources[0].synced = synced;
            verdict(&evaluate_state(state, &mut memory, at(seconds)), "MasternodeExporterSourceIsolated")
        };
        assert_eq!(isolated(0), UNKNOWN);
        assert_eq!(isolated(600), UNKNOWN);
        assert_eq!(isolated(601), later, "{synced:?}");
    }
}

#[test]
fn a_tip_far_ahead_of_the_clock_says_nothing_of_a_stalled_chain() {
    for (behind, expected) in [(7_200, NOT), (7_201, UNKNOWN)] {
        let now = Moment { unix: UnixSeconds(at(0).unix.0 - behind), ..at(0) };
        let evaluation = evaluate_state(Scene::default().state(None, None), &mut Memory::default(), now);
        assert_eq!(verdict(&evaluation, "MasternodeChainStalled"), expected, "{behind}");
    }
}

#[test]
fn a_block_that_arrives_with_an_old_time_shows_a_clock_that_is_ahead() {
    let mut memory = Memory::default();
    let mut text = |tip: u32, seconds: u64| {
        let now = Moment { unix: UnixSeconds(at(seconds).unix.0 + 18_000), ..at(seconds) };
        let state = NetworkState { confirmed: Some(now), ..Scene { tip, ..Scene::default() }.state(None, None) };
        let evaluation = evaluate_state(state, &mut memory, now);
        match verdict(&evaluation, "MasternodeChainStalled") {
            Some(Verdict::Holds { text, .. }) => text,
            other => panic!("{other:?}"),
        }
    };
    let is_clock = |text: &str| text.ends_with("so the clock of this host is about 5h ahead.");
    assert!(!is_clock(&text(TIP, 0)), "the first list may be of a chain that stalled");
    assert!(!is_clock(&text(TIP + 1, 100)), "it may have arrived before the list was fresh again");
    assert!(!is_clock(&text(TIP + 1, 250)));
    let risen = [300, 450].map(|seconds| text(TIP + 2, seconds));
    assert!(is_clock(&risen[0]), "{risen:?}");
    assert_eq!(risen[0], risen[1]);
    assert!(!is_clock(&text(TIP + 2, 300 + 86_400)), "no block for a day");
}

#[test]
fn data_is_stale_by_the_clock_that_does_not_jump_and_its_masternodes_are_unknown_then() {
    let mut memory = Memory::default();
    let scene = Scene { node: scored(138), tip: TIP + 60, ..Scene::default() };
    let mut evaluated = |seconds: u64, clock_jump: u64| {
        let now = Moment { unix: UnixSeconds(at(seconds).unix.0 + clock_jump), ..at(seconds) };
        let mut state = scene.state(None, None);
        state.confirmed = Some(at(0));
        let evaluation = evaluate_state(state, &mut memory, now);
        let of = |name| verdict(&evaluation, name).map(short);
        (of("MasternodeExporterDataStale"), of("MasternodePoSeOneFailureFromBan"), evaluation.complete.len())
    };
    assert_eq!(evaluated(300, 0), (NOT, held(70.0), 1));
    assert_eq!(evaluated(300, 36_000), (NOT, held(70.0), 1), "the wall clock jumped");
    assert_eq!(evaluated(301, 0), (NOT, UNKNOWN, 0));
    assert_eq!(evaluated(900, 0), (NOT, UNKNOWN, 0));
    assert_eq!(evaluated(901, 0), (held(901.0), UNKNOWN, 0));
}

#[test]
fn a_network_that_was_never_reached_is_stale_after_its_beginning_and_unknown_before() {
    let never = |since: u64| {
        let change = |state: &mut NetworkState| {
            state.confirmed = None;
            state.since = Moment { uptime: Duration::from_secs(500_000 - since), ..at(0) };
        };
        after(change, &["MasternodeExporterDataStale", "MasternodeChainStalled"])
    };
    assert_eq!(never(900), [UNKNOWN, UNKNOWN]);
    assert_eq!(never(901), [held(901.0), UNKNOWN]);
}

#[test]
fn a_gap_counts_for_an_hour_and_what_is_not_understood_for_a_day() {
    let mut memory = Memory::default();
    let mut rises = |gap, not_understood, seconds| {
        let state = NetworkState { gap_blocks: gap, not_understood, ..Scene::default().state(None, None) };
        let evaluation = evaluate_state(state, &mut memory, at(seconds));
        ["MasternodeExporterHistoryGap", "MasternodeExporterAnswersNotUnderstood"]
            .map(|name| verdict(&evaluation, name).map(short))
    };
    // The first evaluation already finds the gap of a start after a long pause.
    assert_eq!(rises(6_000, 0, 0), [held(6_000.0), NOT]);
    assert_eq!(rises(6_000, 2, 3_599), [held(6_000.0), held(2.0)]);
    assert_eq!(rises(6_000, 2, 3_600), [NOT, held(2.0)]);
    assert_eq!(rises(6_001, 3, 3_700), [held(1.0), held(3.0)]);
    assert_eq!(rises(6_001, 3, 90_099), [NOT, held(3.0)]);
    assert_eq!(rises(6_001, 3, 90_100), [NOT, NOT]);
    assert_eq!(rises(0, 0, 90_200), [NOT, NOT], "the network is followed again");
    assert_eq!(rises(6_001, 3, 90_300), [NOT, NOT]);
}

#[test]
fn a_chain_is_stalled_after_half_an_hour_or_fifteen_blocks_or_as_configured() {
    for (spacing, configured, expected) in [
        (60.0, None, 1_800),
        (157.6, None, 2_364),
        (300.0, None, 4_500),
        (300.0, Some(600), 600),
        (f64::NAN, None, 1_800),
    ] {
        let thresholds = Thresholds { stalled_seconds: configured, ..Thresholds::DEFAULT };
        assert_eq!(thresholds.stalled_after(spacing), expected, "{spacing} {configured:?}");
    }
    let mut input = input(Scene::default().state(None, None), at(0));
    input.jumped.insert("net".into());
    let evaluation = evaluate(&Catalogue::default(), &input, &ThresholdSettings::default(), &mut Memory::default());
    assert_eq!(verdict(&evaluation, "MasternodeChainStalled"), UNKNOWN, "the clock jumped since the tip");
}

#[test]
fn this_process_is_evaluated_with_each_of_its_receivers() {
    let receiver = |name: &str, failing| ReceiverState { name: name.into(), failing };
    let process = ProcessState {
        config_good: false,
        web_config_good: true,
        history_damaged: None,
        history_damaged_at: None,
        history_writable: Some(false),
        suppressed_series: 3,
        entry_problems: Some(vec!["No masternode matches the watch entry payout_address=X.".into()]),
        watch_file_problems: vec!["watch file watch.d/acme.yml is refused".into()],
        is_watch_list_partial: false,
        unrouted: vec!["the exporter itself".into()],
        receivers: vec![receiver("a", Some(true)), receiver("b", Some(false)), receiver("c", None)],
    };
    let input = EvaluationInput { process, ..input(Scene::default().state(None, None), at(0)) };
    let evaluation = evaluate(&Catalogue::default(), &input, &ThresholdSettings::default(), &mut Memory::default());
    let held: Vec<_> = evaluation
        .holding()
        .filter(|(_, held, ..)| held.alert.name != SLACK)
        .map(|(_, held, ..)| held.alert.name)
        .collect();
    let expected = [
        "MasternodeExporterNotificationsFailing",
        "MasternodeExporterConfigReloadFailed",
        "MasternodeExporterHistoryNotWritten",
        "MasternodeExporterSeriesSuppressed",
        "MasternodeExporterEntryUnmatched",
        "MasternodeExporterWatchFileRefused",
        "MasternodeExporterAlertsUnrouted",
    ];
    assert_eq!(held, expected);
    assert_eq!(verdict(&evaluation, "MasternodeExporterHistoryDamaged"), UNKNOWN);
    let receivers: Vec<_> = evaluation.subjects.iter().filter(|subject| subject.scope == Scope::Receiver).collect();
    let verdicts: Vec<_> = receivers.iter().map(|subject| short(subject.verdicts[0].1.clone())).collect();
    assert_eq!(verdicts, [Verdict::holds(1.0, ""), Verdict::DoesNotHold, Verdict::Unknown]);
}

#[test]
fn damage_to_the_history_that_was_found_is_an_alert_although_no_event_is_damaged_now() {
    let found = |history_damaged, history_damaged_at| {
        let base = input(Scene::default().state(None, None), at(0));
        let process = ProcessState { history_damaged, history_damaged_at, ..base.process.clone() };
        let input = EvaluationInput { process, ..base };
        let evaluation = evaluate(&Catalogue::default(), &input, &ThresholdSettings::default(), &mut Memory::default());
        verdict(&evaluation, "MasternodeExporterHistoryDamaged").map(short)
    };
    assert_eq!(found(Some(0), None), Some(Verdict::DoesNotHold));
    assert_eq!(found(Some(0), Some(UnixSeconds(1_000))), held(1.0));
    assert_eq!(found(None, Some(UnixSeconds(1_000))), held(1.0));
    assert_eq!(found(Some(3), Some(UnixSeconds(1_000))), held(3.0));
}
