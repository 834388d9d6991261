//! Each kind of event between two lists.
//!
//! Never here: which quorum punished.

use super::*;
use crate::details::{DetailTexts, Details};
use crate::event::{Change, FailedQuorum, attribute};
use crate::pose::CONSENSUS;
use crate::samples::{list, masternode, penalty};
use crate::state::{Announced, State};
use std::collections::HashMap;
use std::sync::Arc;

fn scored(number: u8, score: u32) -> Masternode {
    Masternode { pose_score: Some(Score(score)), ..masternode(number) }
}

fn ban(cause: BanCause) -> EventKind {
    EventKind::Ban { cause, among: 1 }
}

fn check(before: Masternode, after: Masternode, blocks: u32, expected: &[EventKind]) {
    let events = diff(&list(100, vec![before]), &list(100 + blocks, vec![after]), Some(&CONSENSUS));
    let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
    assert_eq!(kinds, expected);
    assert!(events.iter().all(|event| event.exact == (blocks == 1)));
}

#[test]
fn decay_is_no_event() {
    check(scored(1, 66), scored(1, 65), 1, &[]);
    check(scored(1, 66), scored(1, 46), 20, &[]);
    check(scored(1, 3), scored(1, 0), 20, &[]);
}

#[test]
fn a_penalty_shows_its_points_above_the_decay() {
    let first = penalty(66, 66, 1, false);
    check(scored(1, 0), scored(1, 66), 1, &[first]);
    let later = penalty(95, 66, 1, false);
    check(scored(1, 30), scored(1, 95), 1, &[later]);
    let skipped =
        EventKind::Penalty { score: Score(60), points: 56, failures: 1, clamped: false, quorums: vec![], others: None };
    check(scored(1, 14), scored(1, 60), 10, &[skipped]);
}

#[test]
fn a_second_failure_bans_at_the_limit() {
    let after = Masternode { ban_height: Some(Height(101)), ..scored(1, 100) };
    let penalised = penalty(100, 58, 1, true);
    check(scored(1, 43), after, 1, &[penalised, ban(BanCause::Dkg), EventKind::PaymentLost]);
}

#[test]
fn two_failures_in_one_block_count_twice() {
    let after = Masternode { ban_height: Some(Height(101)), ..scored(1, 100) };
    let penalised = penalty(100, 100, 2, true);
    check(scored(1, 0), after, 1, &[penalised, ban(BanCause::Dkg), EventKind::PaymentLost]);
}

#[test]
fn a_banned_node_paid_in_the_same_block_lost_no_payment() {
    let after = Masternode { ban_height: Some(Height(101)), last_paid_height: Some(Height(101)), ..scored(1, 100) };
    let penalised = penalty(100, 58, 1, true);
    check(
        scored(1, 43),
        after,
        1,
        &[penalised, EventKind::Payment { amount: None, operator: None, payees: vec![] }, ban(BanCause::Dkg)],
    );
}

#[test]
fn a_payee_that_leaves_in_its_block_is_paid_one_last_time() {
    let paid = |number: u8, height: u32| Masternode { last_paid_height: Some(Height(height)), ..masternode(number) };
    let before = || list(100, vec![paid(1, 40), paid(2, 30), paid(3, 50), paid(4, 60)]);
    let events = |after: Vec<Masternode>, blocks: u32| -> Vec<_> {
        let events = diff(&before(), &list(100 + blocks, after), Some(&CONSENSUS));
        events.into_iter().map(|event| (event.masternode, event.kind)).collect()
    };
    let id = |number: u8| masternode(number).id;
    let payment = EventKind::Payment { amount: None, operator: None, payees: vec![] };
    let gone = |number, paid: &EventKind| [(id(number), EventKind::Removal), (id(number), paid.clone())];
    // 2 is the first in the queue.
    assert_eq!(events(vec![paid(1, 40), paid(3, 50), paid(4, 60)], 1), gone(2, &payment));
    let both = [gone(1, &EventKind::PaymentLost), gone(2, &payment)].concat();
    assert_eq!(events(vec![paid(3, 50), paid(4, 60)], 1), both);
    let another = [gone(1, &EventKind::PaymentLost).to_vec(), vec![(id(2), payment.clone())]].concat();
    assert_eq!(events(vec![paid(2, 101), paid(3, 50), paid(4, 60)], 1), another, "another one was paid");
    assert_eq!(events(vec![paid(1, 40), paid(3, 50), paid(4, 60)], 2), gone(2, &EventKind::PaymentLost), "two blocks");
    let hidden = vec![masternode(1), masternode(3), masternode(4)];
    let silent = diff(&list(100, (1..5).map(masternode).collect()), &list(101, hidden), Some(&CONSENSUS));
    assert!(silent.iter().all(|event| event.kind != payment), "a list that shows no payments");
}

#[test]
fn a_revival_is_no_penalty_and_resets_the_score() {
    let before = Masternode { ban_height: Some(Height(90)), ..scored(1, 100) };
    let after = Masternode { revived_height: Some(Height(101)), ..scored(1, 0) };
    check(before.clone(), after, 1, &[EventKind::Revival]);
    let punished = Masternode { revived_height: Some(Height(101)), ..scored(1, 66) };
    let penalised = penalty(66, 66, 1, false);
    check(before, punished, 1, &[EventKind::Revival, penalised]);
}

#[test]
fn the_end_of_a_ban_is_known_unless_blocks_were_skipped() {
    let banned = Masternode { ban_height: Some(Height(1)), ..masternode(1) };
    for (blocks, known) in [(0, 4), (1, 3), (2, 0), (30, 0)] {
        let others = [masternode(2), masternode(3)];
        let before = list(100, [masternode(1)].into_iter().chain(others.clone()).collect());
        let after = list(100 + blocks, [banned.clone()].into_iter().chain(others).collect());
        let events = diff(&before, &after, None);
        let ban = events.iter().find_map(|event| match event.kind {
            EventKind::Ban { among, .. } => Some(among),
            _ => None,
        });
        assert_eq!(ban, Some(known), "{blocks} blocks");
    }
}

#[test]
fn a_masternode_that_announces_its_state_loses_no_payment_by_a_ban_or_by_leaving() {
    let in_state = |state: State| {
        let (state, protocol_version) = (Arc::new(state), None);
        let (last_seen, started_at, last_paid_at, rank) = (None, None, None, None);
        let announced = Announced { state, protocol_version, last_seen, started_at, last_paid_at, rank };
        Masternode { announced: Some(Box::new(announced)), ..masternode(1) }
    };
    let enabled = in_state(State::new("enabled", true, true, false, false));
    let banned = in_state(State::new("pose_ban", false, false, false, true));
    check(enabled.clone(), banned, 1, &[ban(BanCause::Unknown)]);
    let gone = diff(&list(100, vec![enabled]), &list(101, vec![]), None);
    assert_eq!(gone.into_iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Removal]);
}

#[test]
fn bans_by_owner_and_operator_have_their_cause() {
    let keyed = |key: &str, address: Option<&str>| {
        let (key, address) = (Some(key.to_string().into()), address.map(|address| address.to_string().into()));
        Details::new(&DetailTexts { operator_key: key, address, ..DetailTexts::default() })
    };
    let before = Masternode { details: keyed("ab", Some("192.0.2.1:9999")), ..masternode(1) };
    let banned = Masternode { ban_height: Some(Height(101)), ..before.clone() };
    let change = |field, before: &str, after: &str| {
        EventKind::Change(field, Some(Box::new(Change { before: before.into(), after: after.into() })))
    };
    for (key, cause) in [("00", BanCause::Revoked), ("cd", BanCause::KeyChanged)] {
        let lost = [
            EventKind::PaymentLost,
            change(Field::Address, "192.0.2.1:9999", ""),
            change(Field::OperatorKey, "ab", key),
        ];
        let after = Masternode { details: keyed(key, None), ..banned.clone() };
        let expected: Vec<_> = [ban(cause)].into_iter().chain(lost).collect();
        check(before.clone(), after, 1, &expected);
    }
}

#[test]
fn a_node_registered_without_an_address_is_banned_at_registration() {
    let newborn = Masternode {
        registered_height: Some(Height(101)).into(),
        ban_height: Some(Height(101)),
        details: Details::default(),
        ..masternode(1)
    };
    let events = diff(&list(100, vec![]), &list(101, vec![newborn]), Some(&CONSENSUS));
    let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Registration, ban(BanCause::NoAddress)]);
}

#[test]
fn a_key_that_replaces_a_revoked_one_does_not_change_the_format() {
    let with = |version, key: &str| {
        let operator_key = Some(key.to_string().into());
        let details = Details::new(&DetailTexts { operator_key, version: Some(version), ..DetailTexts::default() });
        Masternode { details, ..masternode(1) }
    };
    let revoked = with(1, "00");
    for (old, new, changes) in [
        (with(2, "ab"), revoked.clone(), false),
        (revoked.clone(), with(2, "cd"), false),
        (revoked, with(3, "cd"), true),
        (with(1, "ab"), with(2, "ab"), true),
        (with(3, "ab"), with(1, "00"), true),
        (with(3, "ab"), with(3, "00"), false),
    ] {
        assert_eq!(Field::Version.change(&old, &new).is_some(), changes, "{old:?} {new:?}");
    }
}

#[test]
fn failures_beyond_the_limit_are_those_that_commitments_name() {
    for (was_banned, before, after, named, failures, clamped) in [
        (false, 35, 100, 1, 1, false),
        (false, 35, 100, 2, 2, true),
        (false, 61, 100, 1, 1, true),
        (false, 61, 100, 2, 2, true),
        (false, 0, 66, 2, 1, false),
        (true, 34, 100, 1, 1, false),
        (true, 34, 100, 2, 2, true),
    ] {
        let banned_before = was_banned.then_some(Height(90));
        let ban_height = banned_before.or((after == 100).then_some(Height(101)));
        let before = Masternode { ban_height: banned_before, ..scored(1, before) };
        let after = Masternode { ban_height, ..scored(1, after) };
        let mut events = diff(&list(100, vec![before.clone()]), &list(101, vec![after]), Some(&CONSENSUS));
        let quorum = FailedQuorum {
            quorum_type: "llmq_test".into(),
            hash: events[0].block.hash,
            height: Height(96),
            index: 0,
            others: None,
        };
        attribute(&mut events, &HashMap::from([(before.id, vec![quorum; named])]), Some(100));
        let penalty = events.iter().find_map(|event| match &event.kind {
            EventKind::Penalty { failures, clamped, .. } => Some((*failures, *clamped)),
            _ => None,
        });
        assert_eq!(penalty, Some((failures, clamped)), "{before:?}");
    }
}
