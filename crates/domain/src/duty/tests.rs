//! Duties over a rotating type of 32 seats a cycle and a type of one quorum, small enough to count by hand.

use std::sync::Arc;

use super::*;
use crate::dkg::MAIN;
use crate::masternode::{BlockHash, Hash};
use crate::pose::CONSENSUS;
use crate::quorum::{Formation, Mined};
use crate::quorum_selection::{QuorumModifierInput, Sml, SmlDiff, SmlEntry};

fn rotating() -> QuorumType {
    let kind = *MAIN.iter().find(|kind| kind.quorums > 1).unwrap();
    QuorumType {
        size: 8,
        minimum: 6,
        quorums: 4,
        interval: 48,
        window_start: 12,
        window_end: 20,
        busy_until: 20,
        ..kind
    }
}

fn single() -> QuorumType {
    QuorumType {
        name: "single",
        id: 100,
        size: 4,
        quorums: 1,
        interval: 24,
        window_start: 10,
        window_end: 18,
        busy_until: 13,
        ..rotating()
    }
}

fn hash(number: u8) -> Hash {
    Hash([number; 32])
}

fn id(number: u8) -> MasternodeId {
    MasternodeId::ProTx(hash(number))
}

fn list() -> Sml {
    let entry = |number: u8| SmlEntry {
        pro_tx: hash(number),
        confirmed: Some(hash(200)),
        node_type: NodeType::Regular,
        valid: true,
        address: None,
        operator_key: None,
    };
    let mut list = Sml::default();
    list.apply(&SmlDiff { removed: Vec::new(), entered: (1..=40).map(entry).collect() });
    list
}

fn input(height: u32) -> QuorumModifierInput {
    QuorumModifierInput { height: Height(height), hash: BlockHash(hash(99)), chainlock: None }
}

/// Members of quorum `index` of the cycle at 480: 8 index + 1 … 8 index + 8, each quarter two of them.
fn rotation() -> Arc<Rotation> {
    let members: Vec<Vec<Hash>> =
        (0..4).map(|index| (1..=8).map(|member| hash(8 * index + member)).collect()).collect();
    Arc::new(Rotation::from_members(rotating(), Height(480), &members, &list()).unwrap())
}

fn population(valid: usize) -> Population {
    Population { valid: [valid, 0], banned: [0, 0] }
}

/// Inputs of which only the types and the number of masternodes are known.
fn inputs<'a>(types: &'a [QuorumType], population: &'a Population) -> DutyInputs<'a> {
    static NONE: Formations = Formations::new();
    DutyInputs { types, population, selected: &[], rotations: &[], formations: &NONE, tip: Height(479) }
}

fn duties(number: u8, tip: u32, valid: usize, until: u32) -> Vec<(u32, u32, u32, Option<u32>, bool)> {
    let rotations = [rotation()];
    let types = [rotating()];
    let population = population(valid);
    let inputs = DutyInputs { tip: Height(tip), rotations: &rotations, ..inputs(&types, &population) };
    let duties = inputs.of(&id(number), NodeType::Regular, Height(until));
    duties.iter().map(|duty| (duty.start.0, duty.end.0, duty.due.0, duty.index, duty.is_known())).collect()
}

#[test]
fn a_seat_of_the_newest_quarter_is_known_in_four_cycles_and_one_of_the_oldest_in_its_last() {
    // Member 8 of quorum 0 is of the quarter that the newest cycle made.
    let known = |cycle: u32| (cycle, cycle + 20, cycle + 12, Some(0), true);
    assert_eq!(duties(8, 479, 40, 624), [known(480), known(528), known(576), known(624)]);
    // Member 1 is of the oldest: in later cycles it may be selected again, from the first block of the cycle to the end of
    // its mining window.
    let possible = |cycle: u32| (cycle, cycle + 20, cycle + 12, None, false);
    assert_eq!(duties(1, 479, 40, 624), [known(480), possible(528), possible(576), possible(624)]);
}

#[test]
fn what_is_served_is_no_duty_any_more_and_what_is_under_way_is_one() {
    assert_eq!(duties(8, 499, 40, 480).len(), 1, "block 500 is of the mining window");
    assert_eq!(duties(8, 500, 40, 480).len(), 0, "block 501 is not");
    // Quorum 3 begins three blocks later.
    assert_eq!(duties(32, 489, 40, 527).first().map(|duty| (duty.0, duty.1)), Some((483, 500)));
}

#[test]
fn a_seat_is_served_once_the_quorums_of_its_cycle_are_mined() {
    let (rotations, types, population) = ([rotation()], [rotating()], population(40));
    // Mined at 492, offset 12; another of the cycle may still be open.
    for (open, next, window) in [(Some(true), 480, 0), (None, 480, 0), (Some(false), 528, 36)] {
        let newest = Some(Mined { start: Height(480), mined: Height(492) });
        let formations = Formations::from([(types[0].name, Formation { newest, open })]);
        let inputs = DutyInputs {
            tip: Height(492),
            rotations: &rotations,
            formations: &formations,
            ..inputs(&types, &population)
        };
        let duties = inputs.of(&id(8), NodeType::Regular, Height(624));
        assert_eq!(duties[0].start, Height(next), "{open:?}");
        let seat = |kind: &QuorumType, start: Height| inputs.membership(&id(8), kind, start);
        let found = crate::dkg::maintenance_window(&types, NodeType::Regular, Height(492), seat);
        assert_eq!(found, Some(window), "{open:?}");
    }
}

#[test]
fn a_cycle_under_way_of_which_nothing_is_known_any_more_is_possible() {
    // The work block of the next cycle is mined before the mining window ends.
    let kind = QuorumType { interval: 24, ..rotating() };
    let members: Vec<Vec<Hash>> =
        (0..4).map(|index| (1..=8).map(|member| hash(8 * index + member)).collect()).collect();
    let rotations = [Arc::new(Rotation::from_members(kind, Height(480), &members, &list()).unwrap())];
    let (types, population) = ([kind], population(40));
    let inputs = DutyInputs { tip: Height(473), rotations: &rotations, ..inputs(&types, &population) };
    let duties = inputs.of(&id(40), NodeType::Regular, Height(480));
    let found: Vec<_> = duties.iter().map(|duty| (duty.start.0, duty.end.0, duty.is_known())).collect();
    assert_eq!(found, [(456, 476, false)], "number 40 has no seat in the next cycle");
}

#[test]
fn with_fewer_masternodes_than_seats_a_second_seat_is_possible() {
    assert!(duties(8, 479, 32, 528).iter().all(|duty| duty.4));
    assert_eq!(duties(8, 479, 31, 528).iter().filter(|duty| !duty.4).count(), 1, "528 has a quarter to come");
}

#[test]
fn without_known_members_every_cycle_is_possible_and_none_is_certain() {
    let (types, population) = ([rotating()], population(40));
    let inputs = inputs(&types, &population);
    let duties = inputs.of(&id(1), NodeType::Regular, Height(528));
    assert_eq!(duties.iter().map(|duty| duty.start.0).collect::<Vec<_>>(), [480, 528]);
    assert!(duties.iter().all(|duty| !duty.is_known() && (duty.chance - 0.8).abs() < 1e-9), "{duties:?}");
}

#[test]
fn with_fewer_masternodes_than_seats_one_cycle_that_is_not_known_may_ban() {
    let types = [rotating()];
    let limits = CONSENSUS.limits(100);
    // 2 quorums of 16.
    for (valid, earliest) in [(32, None), (31, Some(rotating().due_offset() + 480))] {
        let population = population(valid);
        let inputs = inputs(&types, &population);
        let duties = inputs.of(&id(1), NodeType::Regular, Height(500));
        let outlook = offline_outlook(&duties, Height(479), Score(0), limits);
        assert_eq!(outlook.ban, Bounds { earliest: earliest.map(Height), latest: None }, "{valid}");
    }
}

#[test]
fn a_session_whose_members_are_known_is_a_duty_or_none() {
    let (types, population) = ([single()], population(40));
    let selected = Arc::new(SelectedQuorum::new(single(), &input(496), &list()).unwrap());
    let seated: Vec<u8> = (1..=40).filter(|number| selected.seats(&id(*number))).collect();
    assert_eq!(seated.len(), 4);
    let selected = [selected];
    let inputs = DutyInputs { tip: Height(500), selected: &selected, ..inputs(&types, &population) };
    let starts = |number: u8| {
        let duties = inputs.of(&id(number), NodeType::Regular, Height(530));
        duties.iter().map(|duty| (duty.start.0, duty.is_known(), duty.due.0)).collect::<Vec<_>>()
    };
    assert_eq!(starts(seated[0]), [(504, true, 515), (528, false, 539)]);
    let free = (1..=40).find(|number| !seated.contains(number)).unwrap();
    assert_eq!(starts(free), [(528, false, 539)]);
}

fn known(start: u32, due: u32) -> Duty {
    Duty {
        quorum_type: "t",
        index: Some(0),
        start: Height(start),
        end: Height(start + 20),
        due: Height(due),
        chance: 1.0,
        most_seats: 1,
    }
}

#[test]
fn two_seats_before_the_score_decays_are_a_ban_at_a_known_height() {
    // Limit 100, step 66: a second failure bans while the score is above 34.
    let limits = CONSENSUS.limits(100);
    let outlook = |duties: &[Duty], score: u32| offline_outlook(duties, Height(1000), Score(score), limits);
    let two = [known(1010, 1052), known(1030, 1072)];
    let exact = |height: u32| Bounds { earliest: Some(Height(height)), latest: Some(Height(height)) };
    assert_eq!(outlook(&two, 0), OfflineOutlook { penalty: exact(1052), ban: exact(1072) });
    assert_eq!(outlook(&two, 0).ban.exact(), Some(Height(1072)));
    assert_eq!(outlook(&two[..1], 0).ban, Bounds { earliest: None, latest: None });
    // One that is due in the same block bans from zero.
    assert_eq!(outlook(&[known(1010, 1052), known(1011, 1052)], 0).ban, exact(1052));
    // 90 now: after 52 blocks 38, and one failure bans.
    assert_eq!(outlook(&two[..1], 90).ban, exact(1052));
    // A session that may seat it makes the ban earlier at most.
    let possible = Duty { chance: 0.5, ..known(1005, 1020) };
    let outlook = outlook(&[possible, two[0], two[1]], 0);
    assert_eq!(outlook.penalty, Bounds { earliest: Some(Height(1020)), latest: Some(Height(1052)) });
    assert_eq!(outlook.ban, Bounds { earliest: Some(Height(1052)), latest: Some(Height(1072)) });
    assert_eq!(outlook.ban.exact(), None);
    // It may have served a session that has begun.
    let begun = offline_outlook(&[known(995, 1037), two[1]], Height(1000), Score(0), limits);
    assert_eq!(begun.penalty, Bounds { earliest: Some(Height(1037)), latest: Some(Height(1072)) });
}

#[test]
fn a_known_seat_is_certain_a_known_absence_spares_and_the_rest_is_a_rate() {
    let (rotations, types, population) = ([rotation()], [rotating()], population(40));
    let inputs = DutyInputs { tip: Height(479), rotations: &rotations, ..inputs(&types, &population) };
    let membership = |number: u8, cycle: u32| inputs.membership(&id(number), &types[0], Height(cycle));
    assert_eq!(membership(8, 480), Membership::Seated(Height(480)));
    assert_eq!(membership(16, 528), Membership::Seated(Height(529)), "the second quorum begins a block later");
    assert_eq!(membership(40, 480), Membership::Absent);
    // 8 of the 16 without a seat in the three known quarters are selected.
    assert_eq!(membership(40, 528), Membership::Possible(0.5));
    assert_eq!(membership(8, 432), Membership::Possible(0.8), "of the cycle before, only the rate is known");
    assert_eq!(membership(8, 672), Membership::Possible(0.8), "and of the fourth cycle ahead");
    let crowded = DutyInputs { population: &super::tests::population(31), ..inputs };
    let membership = crowded.membership(&id(16), &types[0], Height(528));
    assert_eq!(membership, Membership::Seated(Height(528)), "a second seat may be in the first quorum");
}

#[test]
fn two_known_seats_that_are_due_in_one_block_are_a_double_seat() {
    assert_eq!(double_seat(&[known(1010, 1052), known(1030, 1072), known(1011, 1052)]), Some(Height(1052)));
    let possible = Duty { chance: 0.9, ..known(1011, 1052) };
    assert_eq!(double_seat(&[known(1010, 1052), known(1030, 1072), possible]), None);
}
