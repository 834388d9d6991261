//! Payments of a period, with what is known of it, also after old events were deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;

use super::{Place, happened, quiet};
use crate::history::{BlockEvents, Coverage, EarningsQuery, Reader, Store, TextTable, schema, unread_payments};
use domain::earnings::{Earned, Period};
use domain::event::EventKind;
use domain::masternode::{BlockHash, Duffs, Hash, Height, UnixSeconds};
use domain::samples::block;

fn paid(owner: Option<u64>, operator: Option<u64>) -> EventKind {
    let payees = owner.map(|owner| ("Xa".into(), Duffs(owner))).into_iter().collect();
    EventKind::Payment { amount: owner.map(Duffs), operator: operator.map(Duffs), payees }
}

/// A block that pays a masternode its height in duffs, and a tenth of it to its operator.
fn paying(height: u32, masternode: u8) -> BlockEvents {
    happened(height, &[(masternode, paid(Some(u64::from(height)), Some(u64::from(height / 10))))])
}

fn time(height: u32) -> u64 {
    block(height).time.0
}

/// The sums by masternode of the blocks from one to before another, and what is known of the only network.
fn sums(place: &Place, (from, until): (u64, u64)) -> (BTreeMap<u8, Earned>, Coverage) {
    let period = Period { from: UnixSeconds(from), until: UnixSeconds(until) };
    let reader = Reader::open(&place.path).unwrap();
    let [filtered, thorough] = [false, true].map(|is_thorough| {
        let query = EarningsQuery { network: Some("dash".into()), masternodes: None, period, is_thorough };
        let mut sums: BTreeMap<u8, Earned> = BTreeMap::new();
        let read = reader
            .earnings(&query, |entry| sums.entry(entry.masternode.hash().0[0]).or_default().add(&entry.earned))
            .unwrap();
        assert_eq!((read.coverage.len(), read.skipped), (1, 0));
        (sums, read.coverage[0].clone())
    });
    assert_eq!(filtered, thorough);
    filtered
}

fn earned(heights: impl IntoIterator<Item = u32>) -> Earned {
    let mut earned = Earned::default();
    for height in heights {
        earned.pay(Some(Duffs(u64::from(height))), Some(Duffs(u64::from(height / 10))));
    }
    earned
}

#[test]
fn a_period_with_blocks_whose_payments_were_not_read_is_not_complete() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &quiet(100..=140)).unwrap();
    let mut unread = |first, last| {
        let period = Period { from: UnixSeconds(time(first)), until: UnixSeconds(time(last) + 1) };
        let change = unread_payments("dash", period);
        store.keep_texts(TextTable::Operator, &[change]).unwrap();
    };
    unread(115, 118);
    unread(115, 120);
    let of = |from: u32, until: u32| {
        let (_, covered) = sums(&place, (time(from), time(until)));
        (covered.since, covered.is_complete)
    };
    assert_eq!(of(101, 140), (Some(UnixSeconds(time(120) + 1)), false));
    assert_eq!(of(121, 140), (Some(UnixSeconds(time(121))), true));
    assert_eq!(of(101, 120), (None, false));
    assert_eq!(of(101, 115), (Some(UnixSeconds(time(101))), true), "before them");
    unread(140, 140);
    assert_eq!(of(121, 140), (Some(UnixSeconds(time(121))), true));
    assert_eq!(of(121, 200), (None, false));
}

#[test]
fn a_period_has_its_payments_and_says_since_when_they_are_recorded() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &quiet([99])).unwrap();
    for height in 100..=140 {
        store.record(network, &[paying(height, (height % 2) as u8)]).unwrap();
    }
    let all = (0, 1 << 32);
    let (found, covered) = sums(&place, all);
    assert_eq!(found[&0], earned((100..=140).step_by(2)));
    assert_eq!(found[&1], earned((101..=140).step_by(2)));
    assert_eq!(
        (covered.since, covered.is_complete),
        (Some(UnixSeconds(time(100))), false),
        "since the beginning of the record"
    );
    assert_eq!(covered.until, Some(UnixSeconds(time(140))));
    // From the time of a block on, until before that of another.
    let (found, covered) = sums(&place, (time(110), time(120)));
    assert_eq!((found[&0], found[&1]), (earned((110..120).step_by(2)), earned((111..120).step_by(2))));
    assert!(covered.is_complete && covered.since == Some(UnixSeconds(time(110))));
    let (_, covered) = sums(&place, (time(140) + 1, time(140) + 100));
    assert_eq!(
        (covered.since, covered.is_complete),
        (None, false),
        "nothing is known of what comes after the last block"
    );
    let (_, covered) = sums(&place, (time(100) - 1, time(120)));
    assert_eq!((covered.since, covered.is_complete), (Some(UnixSeconds(time(100))), false));
    // A reorg: the payments of replaced blocks do not count, those of the new ones do.
    store.withdraw(network, Height(139)).unwrap();
    assert_eq!(sums(&place, all).0[&1], earned((101..139).step_by(2)));
    let mut other = paying(139, 7);
    other.block.hash = BlockHash(Hash([139; 32]));
    other.events[0].block = other.block;
    store.record(network, &[other]).unwrap();
    assert_eq!(sums(&place, all).0[&7], earned([139]));
    // A gap: payments are known from the block after it on.
    store.record(network, &quiet([150])).unwrap();
    store.record(network, &[paying(151, 7)]).unwrap();
    let (found, covered) = sums(&place, (time(100), time(160)));
    assert_eq!(
        (found[&7], covered.since, covered.is_complete),
        (earned([139, 151]), Some(UnixSeconds(time(151))), false)
    );
    let (_, covered) = sums(&place, (time(100), time(130)));
    assert!(covered.is_complete, "all of it is before the gap");
    let (_, covered) = sums(&place, (time(145), time(148)));
    assert_eq!((covered.since, covered.is_complete), (None, false), "all of it is in the gap");
    // The gap is filled.
    let filled: Vec<BlockEvents> = (140..=150).map(|height| paying(height, 8)).collect();
    store.backfill(network, &filled).unwrap();
    let (found, covered) = sums(&place, (time(100), time(160)));
    assert_eq!(
        (found[&8], covered.since, covered.is_complete),
        (earned(140..=150), Some(UnixSeconds(time(100))), true)
    );
}

#[test]
fn payments_without_an_amount_count_and_add_nothing() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let blocks =
        [happened(100, &[(1, paid(None, None))]), happened(101, &[(1, paid(Some(7), None)), (2, EventKind::Revival)])];
    store.record(network, &blocks).unwrap();
    let (found, _) = sums(&place, (0, 1 << 32));
    assert_eq!(found, [(1, Earned { payments: 2, owner: 7, owner_known: 1, operator: 0, operator_known: 0 })].into());
}

/// Blocks of 30 days, one a day.
fn days(store: &mut Store, network: crate::history::NetworkId) -> Vec<(u64, u32)> {
    let mut days = Vec::new();
    for height in 100..130 {
        let mut next = paying(height, 1);
        next.block.time = UnixSeconds(1_793_491_200 + u64::from(height - 100) * 86_400);
        next.events[0].block = next.block;
        days.push((next.block.time.0, height));
        store.record(network, &[next]).unwrap();
    }
    days
}

#[test]
fn sums_of_months_stay_when_old_events_are_deleted() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    // 2026-11-01 to 2026-11-30.
    let days = days(&mut store, network);
    // Blocks far above, so that a reorg cannot replace the payments; it begins a span of its own.
    let mut far = quiet([5_000]);
    far[0].block.time = UnixSeconds(days[29].0 + 86_400);
    store.record(network, &far).unwrap();
    let before = sums(&place, (0, 1 << 32)).0;
    let now = UnixSeconds(days[29].0 + 86_400);
    let retained = store.retain(now, Duration::from_secs(20 * 86_400)).unwrap();
    assert_eq!(retained.deleted, 10, "those before the last twenty days");
    assert_eq!(sums(&place, (0, 1 << 32)).0, before, "since the beginning");
    let november = (1_793_491_200, 1_796_083_200);
    assert_eq!(sums(&place, november).0, before, "the month");
    // A part of the month has those that are kept one by one.
    let (found, _) = sums(&place, (days[5].0, days[20].0));
    assert_eq!(found[&1], earned(110..120));
    // The same again: nothing is counted twice.
    store.retain(now, Duration::from_secs(5 * 86_400)).unwrap();
    assert_eq!(sums(&place, november).0, before);
    drop(store);
    assert_eq!(sums(&place, november).0, before, "after the file was closed");
}

#[test]
fn a_period_that_divides_a_deleted_month_is_known_from_there_on() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &quiet([99])).unwrap();
    let days = days(&mut store, network);
    // The last block that is kept for a reorg is above all payments of the first days.
    Connection::open(&place.path).unwrap().execute("DELETE FROM block WHERE height < 129", []).unwrap();
    store.retain(UnixSeconds(days[29].0), Duration::from_secs(10 * 86_400)).unwrap();
    let (_, covered) = sums(&place, (days[5].0, days[29].0 + 1));
    assert_eq!((covered.since, covered.is_complete), (Some(UnixSeconds(days[18].0 + 1)), false));
    let (_, covered) = sums(&place, (days[25].0, days[29].0 + 1));
    assert!(covered.is_complete);
    let (_, covered) = sums(&place, (days[0].0, 1_796_083_200));
    assert_eq!(
        (covered.since, covered.is_complete),
        (Some(UnixSeconds(days[0].0)), true),
        "the whole month is known as a sum"
    );
}

#[test]
fn a_file_of_the_version_before_says_since_when_its_payments_are_recorded() {
    let place = Place::new();
    let mut connection = Connection::open(&place.path).unwrap();
    // Events without checksums, from before those.
    schema::migrate(&mut connection, &schema::STEPS[..4]).unwrap();
    let insert = "INSERT INTO network (name, chain, genesis) VALUES ('dash', 'main', zeroblob(32));
        INSERT INTO span VALUES (1, 100, 120), (1, 200, 210);
        INSERT INTO block VALUES (1, 210, zeroblob(32), 5000);";
    connection.execute_batch(insert).unwrap();
    let at = |height: u32, time: u32| {
        let details = r#"{"amount":5}"#;
        let insert = "INSERT INTO event (network, height, hash, time, masternode, node_type, kind, exact, details, counted) \
                      VALUES (1, ?1, zeroblob(32), ?2, ?3, 'regular', 'payment', 1, ?4, 1)";
        connection.execute(insert, rusqlite::params![height, time, [1_u8; 32].as_slice(), details]).unwrap();
    };
    at(103, 1_000);
    at(201, 3_000);
    at(205, 4_000);
    schema::migrate(&mut connection, &schema::STEPS[..schema::STEPS.len() - 1]).unwrap();
    drop(connection);
    drop(place.open());
    let (found, covered) = sums(&place, (2_000, 6_000));
    let expected = Earned { payments: 2, owner: 10, owner_known: 2, operator: 0, operator_known: 0 };
    assert_eq!(found, [(1, expected)].into());
    assert_eq!(covered.since, Some(UnixSeconds(3_000)), "the first event of the span");
}
