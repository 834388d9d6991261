//! Seats known ahead: an unreachable member, double seats, too few masternodes.
//!
//! Never here: how members are selected.

use super::*;
use crate::dkg::{MAIN, QuorumType};
use crate::quorum_selection::Sml;

/// The first block of the cycle whose members are known.
const CYCLE: u32 = TIP + 288;

fn rotating() -> QuorumType {
    *MAIN.iter().find(|kind| kind.quorums > 1).unwrap()
}

/// Members of a cycle: number 1 at these quorums and places, others nobody knows.
fn rotation(seats: &[(usize, usize)]) -> Arc<Rotation> {
    let other = |index: usize, place: usize| {
        let mut hash = [0xee; 32];
        (hash[0], hash[1]) = (index as u8, place as u8);
        Hash(hash)
    };
    let MasternodeId::ProTx(own) = id(1) else { panic!("a Dash masternode has a registration") };
    let member = |index, place| if seats.contains(&(index, place)) { own } else { other(index, place) };
    let members: Vec<Vec<Hash>> = (0..32).map(|index| (0..60).map(|place| member(index, place)).collect()).collect();
    Arc::new(Rotation::from_members(rotating(), Height(CYCLE), &members, &Sml::default()).unwrap())
}

fn probed(outcome: Outcome) -> Probes {
    let probe = Probe { outcome, at: UnixSeconds(1), duration: None, peer: None, last_success: None };
    Probes::from([(id(1), probe)])
}

fn text_of(verdict: Option<Verdict>) -> String {
    match verdict {
        Some(Verdict::Holds { text, .. }) => text,
        other => panic!("{other:?}"),
    }
}

fn evaluated(scene: &Scene, outcome: Option<Outcome>) -> Evaluation {
    let probes = outcome.map_or_else(Probes::default, probed);
    evaluate_state(scene.state(Some(probes), None), &mut Memory::default(), scene.now())
}

#[test]
fn two_seats_that_are_due_in_one_block_are_reported_and_withdrawn_seats_resolve_nothing() {
    const NAME: &str = "MasternodeDkgDoubleSeat";
    let found = |rotations: Vec<Arc<Rotation>>| verdict(&Scene { rotations, ..Scene::default() }.evaluate(), NAME);
    // The last place is of the newest quarter, the first of the oldest, whose last session this is.
    let text = text_of(found(vec![rotation(&[(3, 59), (5, 0)])]));
    assert!(text.contains("2 seats whose results are due at block 288330"), "{text}");
    assert!(text.contains("llmq_60_75 from block 288291, llmq_60_75 from block 288293"), "{text}");
    assert_eq!(found(vec![rotation(&[(3, 59)])]), Some(Verdict::DoesNotHold));
    assert_eq!(found(vec![]), Some(Verdict::Unknown));
    let banned = Some(Masternode { ban_height: Some(Height(5)), ..masternode(1) });
    let banned = Scene { node: banned, rotations: vec![rotation(&[(3, 59), (5, 0)])], ..Scene::default() };
    assert_eq!(verdict(&banned.evaluate(), NAME), None);
}

#[test]
fn an_unreachable_masternode_with_a_seat_within_the_hour_is_reported_with_its_height() {
    const NAME: &str = "MasternodeDkgSeatUnreachable";
    let failed = Some(Outcome::Failed(ProbeError::Timeout));
    let at = |tip: u32, outcome: Option<Outcome>| {
        let scene = Scene { tip, rotations: vec![rotation(&[(3, 59)])], ..Scene::default() };
        verdict(&evaluated(&scene, outcome), NAME)
    };
    // An hour has 22 blocks; the session begins with block 288291 and is over after 288338.
    assert_eq!(at(CYCLE + 3 - 23, failed), Some(Verdict::DoesNotHold));
    let text = text_of(at(CYCLE + 3 - 22, failed));
    assert!(text.contains("begins with block 288291 (result due at block 288330)"), "{text}");
    assert!(matches!(at(CYCLE + 49, failed), Some(Verdict::Holds { .. })));
    assert_eq!(at(CYCLE + 50, failed), Some(Verdict::DoesNotHold));
    assert_eq!(at(CYCLE, Some(Outcome::Reached)), Some(Verdict::DoesNotHold));
    assert_eq!(at(CYCLE, None), Some(Verdict::Unknown));
    let withdrawn = Scene { tip: CYCLE, ..Scene::default() };
    assert_eq!(verdict(&evaluated(&withdrawn, failed), NAME), Some(Verdict::Unknown));
    assert_eq!(verdict(&withdrawn.evaluate(), NAME), None, "probes are off");
}

#[test]
fn a_ban_that_a_known_seat_decides_is_reported_with_its_heights() {
    const NAME: &str = "MasternodePoSeBanImminent";
    // Safe after score − 68 blocks: the result of the seat is due at block 288330.
    let scene = |score: u32, seats: &[(usize, usize)]| Scene {
        tip: CYCLE - 8,
        node: scored(score),
        rotations: vec![rotation(seats)],
        ..Scene::default()
    };
    let text = text_of(verdict(&scene(68 + 50, &[(3, 59)]).evaluate(), NAME));
    assert!(text.contains("begins with block 288291: if it misses it, it is banned at block 288330"), "{text}");
    assert_eq!(verdict(&scene(68 + 49, &[(3, 59)]).evaluate(), NAME), Some(Verdict::DoesNotHold), "safe before");
    assert_eq!(verdict(&scene(68 + 50, &[]).evaluate(), NAME), Some(Verdict::DoesNotHold), "it has no seat");
    // Two seats within the hour ban from zero, if it stays unreachable.
    let double = scene(0, &[(3, 59), (5, 0)]);
    let failed = Some(Outcome::Failed(ProbeError::Timeout));
    let text = text_of(verdict(&evaluated(&double, failed), NAME));
    assert!(text.contains("it is banned at block 288330"), "{text}");
    assert_eq!(verdict(&evaluated(&double, Some(Outcome::Reached)), NAME), Some(Verdict::DoesNotHold));
    assert_eq!(verdict(&evaluated(&scene(0, &[(3, 59)]), failed), NAME), Some(Verdict::DoesNotHold));
}

#[test]
fn a_network_with_fewer_masternodes_than_seats_has_double_seats() {
    let slack = |held: Option<Vec<crate::foreign_text::ForeignText>>| -> Vec<(f64, String)> {
        let facts = ChainFacts { held_types: held, ..ChainFacts::new(Subnet::Main) };
        let parts = SnapshotInputs {
            network: "net".into(),
            rules: Arc::new(DASH),
            list: Arc::new(list(TIP, (1..=200).map(masternode).collect())),
            facts,
            read_at: block(TIP).time,
            watched: vec![],
            recent_events: vec![],
        };
        let scene = Scene::default();
        let snapshot = Arc::new(Snapshot::new(parts, &EventCounters::default()));
        let state = NetworkState { snapshot: Some(snapshot), ..scene.state(None, None) };
        let evaluation = evaluate_state(state, &mut Memory::default(), scene.now());
        let held = evaluation.holding().filter(|(_, held, ..)| held.alert.name == SLACK);
        held.map(|(_, _, value, text)| (value, text.to_string())).collect()
    };
    let found = slack(None);
    assert_eq!(found.len(), 1, "one type of mainnet rotates: {found:?}");
    assert_eq!(found[0].0, 200.0 - 1_920.0);
    assert!(found[0].1.contains("fewer valid masternodes than the 1920 seats of a cycle of llmq_60_75"), "{found:?}");
    assert_eq!(slack(Some(vec!["llmq_400_60".into()])), [], "no type that rotates is held");
}
