//! Laws of rotation over invented lists; the recorded cycles of real networks are in `tests/it`.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::dkg::MAIN;
use crate::masternode::{BlockHash, NodeType};
use crate::quorum_selection::{SmlDiff, SmlEntry};

/// Four quorums of eight members: 32 seats a cycle, 8 of them new.
fn kind() -> QuorumType {
    let rotating = *MAIN.iter().find(|kind| kind.quorums > 1).unwrap();
    QuorumType { size: 8, minimum: 6, quorums: 4, interval: 48, window_start: 12, window_end: 20, ..rotating }
}

fn hash(number: u16) -> Hash {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

fn entry(number: u16, valid: bool) -> SmlEntry {
    SmlEntry {
        pro_tx: hash(number),
        confirmed: Some(hash(number ^ 0x5555)),
        node_type: NodeType::Regular,
        valid,
        address: Some(Fingerprint::of(format!("address {number}"))),
        operator_key: Some(Fingerprint::of(format!("key {number}"))),
    }
}

fn list(numbers: impl IntoIterator<Item = u16>, banned: &BTreeSet<u16>) -> Sml {
    let mut list = Sml::default();
    let entered = numbers.into_iter().map(|number| entry(number, !banned.contains(&number))).collect();
    list.apply(&SmlDiff { removed: Vec::new(), entered });
    list
}

fn input(cycle: u32) -> QuorumModifierInput {
    let height = Height(cycle * 48 - LEAD);
    QuorumModifierInput { height, hash: BlockHash(hash(cycle as u16)), chainlock: Some(vec![cycle as u8; 96]) }
}

/// The first cycle of a type: no quarter before it has seats.
fn begun(list: &Sml) -> Rotation {
    let before = [9, 8, 7].map(|cycle| Quarter::empty(&kind(), Height(cycle * 48)));
    Rotation::new(kind(), before, list, &input(10)).unwrap()
}

/// How often a masternode sits in the newest cycle, by quorum.
fn seats_of(rotation: &Rotation, number: u16) -> Vec<usize> {
    let own = hash(number);
    (0..4).map(|index| rotation.members(index).iter().filter(|member| **member == own).count()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With as many valid masternodes as seats, whatever is banned, revived, registered or removed.
    #[test]
    fn no_masternode_has_two_seats_in_a_cycle_and_no_quarter_changes(
        changes in prop::collection::vec((0_u16..60, 0_u8..4), 0..60)
    ) {
        let (mut registered, mut banned): (BTreeSet<u16>, BTreeSet<u16>) = ((0..60).collect(), BTreeSet::new());
        let mut rotation = begun(&list(registered.clone(), &banned));
        for (cycle, change) in (11..).zip(changes.chunks(4)) {
            for (number, what) in change {
                match what {
                    0 if registered.len() - banned.len() > 33 => drop(banned.insert(*number)),
                    1 => drop(banned.remove(number)),
                    2 if registered.len() - banned.len() > 33 => drop((registered.remove(number), banned.remove(number))),
                    _ => drop(registered.insert(*number)),
                }
                banned.retain(|number| registered.contains(number));
            }
            let before: Vec<Vec<RotationSeat>> = (0..60).map(|number| rotation.seats(&hash(number))).collect();
            rotation.advance(&list(registered.clone(), &banned), &input(cycle)).unwrap();
            for number in 0..60 {
                let seats = seats_of(&rotation, number);
                prop_assert!(seats.iter().all(|seats| *seats <= 1), "{number} sits twice in one quorum: {seats:?}");
                prop_assert!(seats.iter().sum::<usize>() <= 1, "{number} has two seats in a cycle: {seats:?}");
                let now = rotation.seats(&hash(number));
                let kept = before[number as usize].iter().filter(|seat| seat.start >= rotation.cycle());
                for seat in kept {
                    prop_assert!(now.contains(seat), "{number} lost its seat {seat:?}");
                }
            }
        }
    }

    /// What a node stores of a quarter makes the same quarter again, where there are enough masternodes.
    #[test]
    fn a_quarter_is_read_back_from_its_snapshot(count in 8_u16..70, cycles in 1_u32..8, banned in prop::collection::btree_set(0_u16..70, 0..6)) {
        let list = list(0..count, &banned);
        let mut rotation = begun(&list);
        for cycle in 11..11 + cycles {
            let snapshot = rotation.advance(&list, &input(cycle)).unwrap();
            let read = Quarter::from_snapshot(&kind(), &list, &input(cycle), &snapshot).unwrap();
            let made = rotation.quarters.back().unwrap();
            prop_assert_eq!(&read.kept, &made.kept);
        }
    }
}

#[test]
fn a_removed_masternode_keeps_its_seats_and_a_revived_one_finds_its_own() {
    let none = BTreeSet::new();
    let mut rotation = begun(&list(0..60, &none));
    for cycle in 11..14 {
        rotation.advance(&list(0..60, &none), &input(cycle)).unwrap();
    }
    let newest: Vec<Hash> = (0..4).map(|index| *rotation.members(index).last().unwrap()).collect();
    let number = (0..60).find(|number| hash(*number) == newest[2]).unwrap();
    let ahead = rotation.seats(&newest[2]);
    assert_eq!(
        ahead.iter().map(|seat| seat.start.0).collect::<Vec<_>>(),
        [13 * 48 + 2, 14 * 48 + 2, 15 * 48 + 2, 16 * 48 + 2]
    );
    assert!(ahead.iter().all(|seat| seat.index == 2 && seat.due.0 == seat.start.0 - 2 + 12));
    for gone in [list((0..60).filter(|other| *other != number), &none), list(0..60, &BTreeSet::from([number]))] {
        let mut later = rotation.clone();
        later.advance(&gone, &input(14)).unwrap();
        assert_eq!(later.seats(&newest[2]), ahead[1..]);
    }
}

#[test]
fn two_seated_masternodes_with_one_address_or_key_stop_the_computation() {
    let none = BTreeSet::new();
    let whole = list(0..60, &none);
    let mut rotation = begun(&whole);
    for cycle in 11..14 {
        rotation.advance(&whole, &input(cycle)).unwrap();
    }
    let sits = |number: &u16| rotation.seats(&hash(*number)).len() >= 2;
    let (one, other) = {
        let mut seated = (0..60).filter(sits);
        (seated.next().unwrap(), seated.next().unwrap())
    };
    // Each had the address at its own cycle; the list never has it twice.
    let mut swapped = rotation.clone();
    let address = Some(Fingerprint::of("one address"));
    let seats = swapped.quarters.iter_mut().flat_map(|quarter| &mut quarter.kept).flatten();
    for seat in seats.filter(|seat| [hash(one), hash(other)].contains(&seat.pro_tx)) {
        seat.address = address;
    }
    assert!(
        swapped.advance(&whole, &input(14)).unwrap_err().ends_with("have seats and share an address or operator key")
    );
    assert_eq!(swapped.cycle(), Height(13 * 48));
    assert!(rotation.advance(&whole, &input(14)).is_ok());
}

#[test]
fn too_few_masternodes_give_no_quarter_and_a_type_that_does_not_rotate_none_at_all() {
    let none = BTreeSet::new();
    let few = list(0..1, &none);
    let rotation = begun(&few);
    assert!((0..4).all(|index| rotation.members(index).is_empty()));
    assert_eq!(rotation.seats(&hash(0)), []);
    let still = MAIN.iter().find(|kind| kind.quorums == 1).unwrap();
    let before = [9, 8, 7].map(|cycle| Quarter::empty(still, Height(cycle * still.interval)));
    let input = QuorumModifierInput { height: Height(10 * still.interval - LEAD), ..input(10) };
    assert_eq!(Rotation::new(*still, before, &few, &input).unwrap_err(), "the quorum type does not rotate");
}

#[test]
fn a_snapshot_with_too_few_flags_or_an_unused_mode_gives_no_wrong_seat() {
    let list = list(0..60, &BTreeSet::new());
    let short = QuarterSnapshot { active: vec![false; 10], mode: SkipMode::None, skips: Vec::new() };
    let error = Quarter::from_snapshot(&kind(), &list, &input(10), &short).unwrap_err();
    assert_eq!(error, "the snapshot has fewer flags than there are masternodes");
    let unused = QuarterSnapshot { active: vec![false; 60], mode: SkipMode::Unused, skips: vec![1, 2] };
    let quarter = Quarter::from_snapshot(&kind(), &list, &input(10), &unused).unwrap();
    assert_eq!(quarter, Quarter::empty(&kind(), Height(480)));
    // Skips beyond the list end the reading of skips, not the reading of the quarter.
    let wild = QuarterSnapshot { active: vec![false; 60], mode: SkipMode::Skipped, skips: vec![1, i64::MAX, -5] };
    for skips in [vec![1, i64::MAX, -5], vec![i64::MAX, 1], vec![-1, -2], vec![i64::MIN, i64::MIN]] {
        let quarter =
            Quarter::from_snapshot(&kind(), &list, &input(10), &QuarterSnapshot { skips, ..wild.clone() }).unwrap();
        assert!(quarter.kept.iter().all(|seats| seats.len() == 2));
    }
}
