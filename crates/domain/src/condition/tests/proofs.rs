//! Conditions of what is checked against the chain.
//!
//! Never here: how a list is proven.

use super::*;
use crate::list_proof::{CoveredField, ListDifference, ListMismatch, ListProofFacts, ListProofStatus};

const REFUTED: &str = "MasternodeExporterListRefuted";
const UNPROVEN: &str = "MasternodeExporterListUnproven";
const DISAGREE: &str = "MasternodeExporterScoresDisagree";

fn unknown() -> ListProofStatus {
    ListProofStatus::Unknown("the node refuses protx diff".into())
}

fn mismatch() -> ListProofStatus {
    let difference = Some(ListDifference { pro_tx: *id(1).hash(), field: CoveredField::Ban });
    ListProofStatus::Refuted(Arc::new(ListMismatch { height: Height(TIP), difference }))
}

/// The verdict on a condition of a network in this state.
fn of(state: NetworkState, seconds: u64, name: &str) -> Option<Verdict> {
    let now = Moment { unix: UnixSeconds(block(TIP).time.0 + seconds), uptime: Duration::from_secs(500_000 + seconds) };
    verdict(&evaluate_state(state, &mut Memory::default(), now), name)
}

fn proof(status: ListProofStatus, is_wanted: bool, proven: Option<u32>) -> Scene {
    let proof = ListProofFacts { status, is_wanted, proven_height: proven.map(Height), scores_checked_height: None };
    Scene { proof, ..Scene::default() }
}

#[test]
fn a_list_that_was_proven_once_and_is_not_any_more_is_reported_with_the_reason() {
    let unproven = |scene: &Scene| of(scene.state(None, None), 0, UNPROVEN);
    for (status, wanted, proven, expected) in [
        (ListProofStatus::Proven, true, Some(TIP), Some(Verdict::DoesNotHold)),
        // What was proven before the start is not known.
        (unknown(), true, None, Some(Verdict::Unknown)),
        (unknown(), false, None, None),
        (unknown(), false, Some(TIP - 9), None),
        (mismatch(), true, Some(TIP - 9), None),
    ] {
        assert_eq!(unproven(&proof(status.clone(), wanted, proven)), expected, "{status:?} {wanted} {proven:?}");
    }
    for blocks in [1, 30] {
        let Some(Verdict::Holds { value, text }) = unproven(&proof(unknown(), true, Some(TIP - blocks))) else {
            panic!("it holds {blocks} blocks after the last proof");
        };
        assert_eq!(value, f64::from(blocks));
        assert!(
            text.contains("the node refuses protx diff") && text.contains(&format!("{blocks} blocks ago")),
            "{text}"
        );
    }
    // A list that is too old to draw conclusions.
    assert_eq!(of(proof(unknown(), true, Some(TIP - 1)).state(None, None), 4_000, UNPROVEN), Some(Verdict::Unknown));
}

#[test]
fn a_refuted_list_an_old_block_and_isolated_sources_leave_the_present_unknown() {
    let scene = Scene::default();
    let at = |seconds: u64| UnixSeconds(block(TIP).time.0 + seconds);
    let state = scene.state(None, None);
    assert!(state.fresh(at(0)).is_some() && state.doubt(at(2_300)).is_none());
    assert!(state.doubt(at(2_400)).is_some_and(|doubt| doubt.contains("the newest block is 40m old")));
    let patient = NetworkState { stalled_seconds: Some(9_000), ..scene.state(None, None) };
    assert_eq!((patient.doubt(at(9_000)), patient.doubt(at(9_001)).is_some()), (None, true));
    for (isolated, expected) in [
        (vec![Some(true)], true),
        (vec![Some(true), Some(true)], true),
        (vec![Some(true), Some(false)], false),
        (vec![Some(true), None], false),
        (vec![], false),
    ] {
        let source = |isolated| SourceHealth { up: Some(true), isolated, ..SourceHealth::default() };
        let sources = isolated.iter().map(|isolated| source(*isolated)).collect();
        let state = NetworkState { sources, ..scene.state(None, None) };
        assert_eq!((state.doubt(at(0)).is_some(), state.fresh(at(0)).is_none()), (expected, expected), "{isolated:?}");
    }
    let refuted = proof(mismatch(), true, None).state(None, None);
    assert!(refuted.trusted().is_none() && refuted.fresh(at(0)).is_none());
    assert!(refuted.doubt(at(0)).is_some_and(|doubt| doubt.starts_with("the list is not trustworthy")));
}

#[test]
fn a_refuted_list_is_reported_of_its_source_and_resolved_by_a_proof_only() {
    let refuted = |status: ListProofStatus, since: u64| {
        let mut state = Scene::default().state(None, None);
        state.sources[0].list_proof = status;
        state.since = Moment { unix: UnixSeconds(0), uptime: Duration::from_secs(since) };
        of(state, 0, REFUTED)
    };
    let Some(Verdict::Holds { text, .. }) = refuted(mismatch(), 0) else { panic!("it holds") };
    assert!(text.starts_with("Source local of net") && text.contains("ban"), "{text}");
    assert_eq!(refuted(ListProofStatus::Proven, 0), Some(Verdict::DoesNotHold));
    assert_eq!(refuted(unknown(), 499_999), Some(Verdict::Unknown), "a second after the start");
    assert_eq!(refuted(unknown(), 0), None);
}

#[test]
fn scores_that_are_not_checked_are_not_known_to_agree() {
    let checked = |rules: ChainRules, height: Option<u32>| {
        let proof = ListProofFacts { scores_checked_height: height.map(Height), ..ListProofFacts::default() };
        of(Scene { rules, proof, ..Scene::default() }.state(None, None), 0, DISAGREE)
    };
    for (height, expected) in [
        (Some(TIP), Verdict::DoesNotHold),
        (Some(TIP - 48), Verdict::DoesNotHold),
        (Some(TIP - 49), Verdict::Unknown),
        (None, Verdict::Unknown),
    ] {
        assert_eq!(checked(DASH, height), Some(expected), "{height:?}");
    }
    assert_eq!(checked(DIMECOIN, None), None, "no list has scores");
    // A disagreement holds for a day, whatever was checked since.
    let mut memory = Memory::default();
    let state =
        |disagreements| NetworkState { score_disagreements: disagreements, ..Scene::default().state(None, None) };
    let now = Scene::default().now();
    evaluate_state(state(0), &mut memory, now);
    let found = verdict(&evaluate_state(state(3), &mut memory, now), DISAGREE);
    assert!(matches!(found, Some(Verdict::Holds { value: 3.0, .. })), "{found:?}");
}

#[test]
fn a_small_private_network_is_not_short_of_valid_masternodes() {
    let slack = |subnet| {
        let evaluation = Scene { subnet, ..Scene::default() }.evaluate();
        let verdicts = evaluation.subjects.iter().flat_map(|subject| &subject.verdicts);
        let mut of = verdicts.filter(|(condition, _)| condition.alert.name == SLACK);
        of.next().map(|(_, verdict)| verdict.clone())
    };
    assert!(matches!(slack(Subnet::Main), Some(Verdict::Holds { .. })), "200 masternodes for 1,920 seats");
    assert_eq!(slack(Subnet::Test), None, "the same type");
    for subnet in [Subnet::Devnet, Subnet::Regtest] {
        assert_eq!(slack(subnet), Some(Verdict::DoesNotHold), "16 seats on {subnet:?}");
    }
}
