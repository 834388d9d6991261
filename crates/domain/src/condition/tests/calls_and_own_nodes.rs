//! Conditions from probes and own nodes.
//!
//! Never here: conditions from the masternode list.

use super::*;

/// The last probe: its outcome, and the reported version.
type Call = Option<(Outcome, Option<u32>)>;

/// The conditions of probes and own nodes, in the order of the catalogue.
const OF_PROBES: [&str; 6] = [
    "MasternodeUnreachable",
    "MasternodeProtocolTooOld",
    "MasternodeNotReadyForNextRelease",
    "MasternodeTransactionRelayOff",
    "MasternodeCompactFiltersOff",
    "MasternodeReleaseBad",
];

/// The holding and the unknown ones.
fn of_probes(scene: &Scene, probes: Option<Probes>, version: u32) -> [Vec<&'static str>; 2] {
    let evaluation = evaluate_state(scene.state(probes, Some(version)), &mut Memory::default(), scene.now());
    let is = |fits: fn(&Verdict) -> bool| {
        let of = |name: &&str| verdict(&evaluation, name).is_some_and(|verdict| fits(&verdict));
        OF_PROBES.into_iter().filter(of).collect()
    };
    [is(|verdict| matches!(verdict, Verdict::Holds { .. })), is(|verdict| *verdict == Verdict::Unknown)]
}

#[track_caller]
fn check_call(call: Option<Call>, found: &[&str], unknown: &[&str]) {
    let probe = |(outcome, version): (Outcome, Option<u32>)| Probe {
        outcome,
        at: UnixSeconds(1),
        duration: None,
        peer: version.map(|version| Peer::new(version, b"/Dash Core:23.1.2/")),
        last_success: None,
    };
    let probes = call.map(|call| call.map(|call| (id(1), probe(call))).into_iter().collect::<Probes>());
    assert_eq!(of_probes(&Scene::default(), probes, 230_102), [found, unknown], "after {call:?}");
}

/// Nodes of 23.1 accept no masternode below 70240 (`MIN_MASTERNODE_PROTO_VERSION`).
#[test]
fn a_call_tells_what_is_wrong_and_of_whom_nothing_is_known() {
    let called = |outcome, version| Some(Some((outcome, version)));
    let said = [
        "MasternodeProtocolTooOld",
        "MasternodeNotReadyForNextRelease",
        "MasternodeTransactionRelayOff",
        "MasternodeCompactFiltersOff",
        "MasternodeReleaseBad",
    ];
    let all = [&["MasternodeUnreachable"], &said[..]].concat();
    check_call(None, &[], &[]);
    check_call(Some(None), &[], &all);
    check_call(called(Outcome::Reached, Some(70_242)), &[], &[]);
    check_call(called(Outcome::Reached, Some(70_240)), &["MasternodeNotReadyForNextRelease"], &[]);
    check_call(
        called(Outcome::Reached, Some(70_239)),
        &["MasternodeProtocolTooOld", "MasternodeNotReadyForNextRelease"],
        &[],
    );
    check_call(called(Outcome::Failed(ProbeError::Refused), None), &["MasternodeUnreachable"], &said);
    let old = ["MasternodeUnreachable", "MasternodeProtocolTooOld", "MasternodeNotReadyForNextRelease"];
    check_call(called(Outcome::Failed(ProbeError::TooOld), Some(70_000)), &old, &said[2..4]);
    check_call(called(Outcome::Unprobed(Unprobed::NoRoute), None), &[], &all);
    for reason in [Unprobed::NoAddress, Unprobed::Name, Unprobed::Overlay, Unprobed::Private, Unprobed::UnknownNetwork]
    {
        check_call(called(Outcome::Unprobed(reason), None), &[], &[]);
    }
}

#[test]
fn a_masternode_that_left_the_list_is_unknown_until_it_is_missing() {
    let scene = Scene { node: None, ..Scene::default() };
    let [holding, not_known] = of_probes(&scene, Some(Probes::new()), 230_102);
    assert_eq!((holding.len(), not_known.len()), (0, 6), "{not_known:?}");
}

#[test]
fn a_masternode_whose_own_node_lacks_a_service_is_found_and_its_silence_is_no_news() {
    let check = |said: Option<Option<(u32, bool, bool)>>, found: &[&str], unknown: usize| {
        let peer = |(version, relays, filters)| Peer {
            relays: Some(relays),
            compact_filters: Some(filters),
            ..Peer::new(version, b"/Dash Core:24.0.1/")
        };
        let own_nodes = said.map(|said| (id(1), said.map(peer))).into_iter().collect();
        let scene = Scene { own_nodes, ..Scene::default() };
        let [holding, not_known] = of_probes(&scene, None, 240_003);
        assert_eq!((holding.as_slice(), not_known.len()), (found, unknown), "{said:?}");
    };
    check(None, &[], 0);
    check(
        Some(Some((70_240, true, false))),
        &["MasternodeProtocolTooOld", "MasternodeCompactFiltersOff", "MasternodeReleaseBad"],
        0,
    );
    check(Some(Some((70_242, false, true))), &["MasternodeTransactionRelayOff", "MasternodeReleaseBad"], 0);
    check(Some(None), &[], 5);
}
