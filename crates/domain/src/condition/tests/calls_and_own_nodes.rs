//! What calls and own nodes say of a masternode.
//!
//! Never here: what the list says of it.

use super::*;

/// The last call: how it ended, and the version that was told.
type Call = Option<(Outcome, Option<u32>)>;

#[track_caller]
fn check_call(call: Option<Call>, found: &[Condition], unknown: &[Condition]) {
    let snapshot = Scene::default().snapshot_of_node(Some(230_102));
    let probe = |(outcome, version): (Outcome, Option<u32>)| Probe {
        outcome,
        at: UnixSeconds(1),
        duration: None,
        peer: version.map(|version| Peer::new(version, b"/Dash Core:23.1.2/")),
        last_success: None,
    };
    let probes = call.map(|call| call.map(|call| (id(1), probe(call))).into_iter().collect::<Probes>());
    let told = called(&snapshot, probes.as_ref());
    assert_eq!(told.found.iter().map(|finding| finding.condition).collect::<Vec<_>>(), found, "found after {call:?}");
    let not_known: Vec<_> = told.unknown.iter().map(|(condition, _)| *condition).collect();
    assert_eq!(not_known, unknown, "unknown after {call:?}");
}

/// Nodes of 23.1 take no masternode below 70240 (`MIN_MASTERNODE_PROTO_VERSION`).
#[test]
fn a_call_tells_what_is_wrong_and_of_whom_nothing_is_known() {
    use Condition::{BadRelease, NotReadyForNextRelease, ProtocolTooOld, Unreachable};
    let called = |outcome, version| Some(Some((outcome, version)));
    let said = [
        ProtocolTooOld,
        NotReadyForNextRelease,
        Condition::NoTransactionRelay,
        Condition::NoCompactFilters,
        BadRelease,
    ];
    let all = [&[Unreachable], &said[..]].concat();
    check_call(None, &[], &[]);
    check_call(Some(None), &[], &all);
    check_call(called(Outcome::Reached, Some(70_242)), &[], &[]);
    check_call(called(Outcome::Reached, Some(70_240)), &[NotReadyForNextRelease], &[]);
    check_call(called(Outcome::Reached, Some(70_239)), &[ProtocolTooOld, NotReadyForNextRelease], &[]);
    check_call(called(Outcome::Failed(ProbeError::Refused), None), &[Unreachable], &said);
    let old = [Unreachable, ProtocolTooOld, NotReadyForNextRelease];
    check_call(called(Outcome::Failed(ProbeError::TooOld), Some(70_000)), &old, &said[2..4]);
    check_call(called(Outcome::Unprobed(Unprobed::NoRoute), None), &[], &all);
    for reason in [Unprobed::NoAddress, Unprobed::Name, Unprobed::Overlay, Unprobed::Private, Unprobed::UnknownNetwork]
    {
        check_call(called(Outcome::Unprobed(reason), None), &[], &[]);
    }
}

#[test]
fn of_who_is_not_on_the_list_calls_tell_nothing() {
    let snapshot = Scene { node: None, ..Scene::default() }.snapshot();
    let told = called(&snapshot, Some(&Probes::new()));
    assert!(told.found.is_empty() && told.unknown.is_empty());
}

#[test]
fn a_masternode_whose_own_node_lacks_a_service_is_found_and_its_silence_is_no_news() {
    let check = |said: Option<Option<(u32, bool, bool)>>, found: &[Condition], unknown: usize| {
        let peer = |(version, relays, filters)| Peer {
            relays: Some(relays),
            compact_filters: Some(filters),
            ..Peer::new(version, b"/Dash Core:24.0.1/")
        };
        let own_nodes = said.map(|said| (id(1), said.map(peer))).into_iter().collect();
        let snapshot = Scene { own_nodes, ..Scene::default() }.snapshot_of_node(Some(240_003));
        let told = called(&snapshot, None);
        assert_eq!(told.found.iter().map(|finding| finding.condition).collect::<Vec<_>>(), found, "{said:?}");
        assert_eq!(told.unknown.len(), unknown, "{said:?}");
    };
    use Condition::{BadRelease, NoCompactFilters, NoTransactionRelay, ProtocolTooOld};
    check(None, &[], 0);
    check(Some(Some((70_240, true, false))), &[ProtocolTooOld, NoCompactFilters, BadRelease], 0);
    check(Some(Some((70_242, false, true))), &[NoTransactionRelay, BadRelease], 0);
    check(Some(None), &[], 5);
}
