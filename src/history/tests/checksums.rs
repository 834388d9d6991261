//! Damaged rows of the tables other than events: they are never used, and found before they are needed.

use std::fs;
use std::time::Duration;

use rusqlite::Connection;

use super::*;
use crate::history::inspection::Inspection;
use crate::history::{EarningsQuery, OpenOutcome, Reader, SetAsideReason, StoreError, TextTable, tables};
use domain::dkg_outcome::DkgOutcome;
use domain::earnings::{Earned, Period};

/// A closed file with rows in all tables: blocks 1 and 300,000 to 300,009, of two masternodes.
fn filled() -> (Place, NetworkId) {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let paid = || EventKind::Payment { amount: Some(Duffs(7)), operator: None, payees: vec![] };
    store.record(network, &[happened(1, &[(1, paid()), (2, paid())])]).unwrap();
    for height in 300_000..300_010 {
        let mut block = happened(height, &[(1, penalty()), (2, penalty())]);
        block.sessions =
            vec![DkgOutcome { quorum_type: "llmq_60_75".into(), quorum: None, members: Some(vec![(id(1), true)]) }];
        store.record(network, &[block]).unwrap();
    }
    store.retain(NOW, Duration::from_secs(86_400)).unwrap();
    store.keep_activation(network, "v24", Some(Height(240))).unwrap();
    for table in [TextTable::Alert, TextTable::Operator] {
        store.keep_texts(table, &[("a".into(), Some("1".into())), ("b".into(), Some("2".into()))]).unwrap();
    }
    (place, network)
}

/// A copy that another program changed.
fn changed(place: &Place, change: &str) -> Place {
    let copy = Place::new();
    fs::copy(&place.path, &copy.path).unwrap();
    assert!(Connection::open(&copy.path).unwrap().execute(change, []).unwrap() > 0, "{change}");
    copy
}

#[test]
fn a_changed_value_of_any_table_is_found_and_costs_its_row_only() {
    let (place, _) = filled();
    assert_eq!(place.open().report(), &OpenOutcome::default());
    let changes = [
        ("block", "hash = zeroblob(32) WHERE height = 300004"),
        ("span", "since = since + 1"),
        ("node_tally", "counts = replace(counts, '10', '12')"),
        ("network_tally", "counts = replace(counts, '10', '12')"),
        ("session_tally", "counts = replace(counts, '10', '12')"),
        ("activation", "height = height + 1"),
        ("alert", "state = '3' WHERE key = 'a'"),
        ("operator", "key = 'c' WHERE key = 'a'"),
        ("earning", "owner = owner + 1 WHERE masternode = (SELECT min(masternode) FROM earning)"),
        ("earning", "checksum = NULL"),
    ];
    assert!(tables::ALL.iter().all(|table| changes.iter().any(|(name, _)| *name == table.name)));
    for (table, change) in changes {
        let copy = changed(&place, &format!("UPDATE {table} SET {change}"));
        assert!(Reader::open(&copy.path).unwrap().damaged_rows().unwrap() > 0, "{table}");
        let meters = crate::meters::Meters::new(&prometheus::Registry::new());
        let (_, damage) = Inspection::default().step(&copy.path, meters.history());
        assert!(damage.is_some_and(|damage| damage.is_certain && damage.what.contains(table)), "{table}");
        let store = copy.open();
        let aside = store.report().set_aside.clone().expect(table);
        assert!(matches!(&aside.fault, SetAsideReason::Damaged(what) if what.contains(table)), "{aside}");
        assert_eq!(aside.carried, 20, "{table}");
        assert_eq!(tables::find_fault(&store.connection).unwrap(), None, "{table}");
        let network = crate::history::network_id::find(&store.connection, "dash").unwrap().unwrap().0;
        let expected = if table == "span" { None } else { Some(block(300_009)) };
        assert_eq!(store.cursor(network).unwrap().or(expected), Some(block(300_009)), "{table}");
    }
}

#[test]
fn a_damaged_counter_is_not_published_and_the_others_continue() {
    let (place, _) = filled();
    let change = "UPDATE node_tally SET counts = replace(counts, '10', '12') \
                  WHERE masternode = (SELECT min(masternode) FROM node_tally)";
    let copy = changed(&place, change);
    let mut store = copy.open();
    let network = store.network("dash", &main()).unwrap();
    let counts = store.tallies(network).unwrap();
    assert_eq!((counts.node(&id(1)).penalties, counts.node(&id(2)).penalties), (0, 10));
    store.record(network, &[happened(300_010, &[(1, penalty())])]).unwrap();
}

#[test]
fn damage_while_the_file_is_open_is_an_error_of_each_read() {
    let (place, network) = filled();
    let mut store = place.open();
    for table in &tables::ALL {
        let change = format!("UPDATE {} SET checksum = checksum + 1", table.name);
        store.connection.execute(&change, []).unwrap();
    }
    let is_damage = |error: Option<StoreError>| matches!(error, Some(StoreError::Damaged(_)));
    assert!(is_damage(store.cursor(network).err()));
    assert!(is_damage(store.blocks(network).err()));
    assert!(is_damage(store.spans(network).err()));
    assert!(is_damage(store.tallies(network).err()));
    assert!(is_damage(store.activation(network, "v24").err()));
    assert!(is_damage(store.texts(TextTable::Alert).err()));
    assert!(is_damage(store.texts(TextTable::Operator).err()));
    assert!(is_damage(store.record(network, &quiet([300_010])).err()));
}

#[test]
fn a_network_whose_highest_block_is_damaged_begins_at_the_tip_and_counts_nothing_twice() {
    let (place, _) = filled();
    let copy = changed(&place, "UPDATE block SET hash = zeroblob(32) WHERE height = 300009");
    let mut store = copy.open();
    let network = store.network("dash", &main()).unwrap();
    assert_eq!((store.cursor(network).unwrap(), store.spans(network).unwrap()), (None, vec![]));
    assert_eq!(store.tallies(network).unwrap().node(&id(1)).penalties, 10);
    let reader = Reader::open(&place.path).unwrap();
    assert_eq!(reader.networks().unwrap()[0].cursor, Some(block(300_009)), "the file before is as it was");
}

#[test]
fn a_write_does_not_give_a_damaged_row_a_new_checksum() {
    let (place, network) = filled();
    let mut store = place.open();
    let paid = EventKind::Payment { amount: Some(Duffs(7)), operator: None, payees: vec![] };
    store.connection.execute("UPDATE earning SET owner = owner + 1", []).unwrap();
    store.connection.execute("UPDATE span SET since = since + 1", []).unwrap();
    store.backfill(network, &[happened(2, &[(1, paid)])]).unwrap();
    store.retain(NOW, Duration::from_secs(86_400)).unwrap();
    store.withdraw(network, Height(300_005)).unwrap();
    let damaged = |table: tables::Table| tables::damaged(&store.connection, &[table]).unwrap();
    assert_eq!((damaged(tables::EARNING), damaged(tables::SPAN)), (2, 1));
}

#[test]
fn damaged_sums_and_hidden_events_are_counted_as_omitted() {
    let (place, _) = filled();
    let read = |place: &Place, is_thorough| {
        let query = EarningsQuery {
            network: None,
            masternodes: None,
            period: Period { from: UnixSeconds(0), until: UnixSeconds(1 << 32) },
            is_thorough,
        };
        let mut earned = Earned::default();
        let reader = Reader::open(&place.path).unwrap();
        let read = reader.earnings(&query, |entry| earned.add(&entry.earned)).unwrap();
        (earned.payments, read.skipped)
    };
    assert_eq!(read(&place, true), (2, 0));
    let of_one = "WHERE masternode = (SELECT min(masternode) FROM earning)";
    let copy = changed(&place, &format!("UPDATE earning SET owner = owner + 1 {of_one}"));
    assert_eq!(read(&copy, true), (1, 1));

    let place = Place::new();
    let (mut store, network) = place.open_network();
    let paid = EventKind::Payment { amount: Some(Duffs(7)), operator: None, payees: vec![] };
    for height in 1..=10 {
        store.record(network, &[happened(height, &[(1, paid.clone())])]).unwrap();
    }
    drop(store);
    assert_eq!(read(&place, true), (10, 0));
    let hidden = changed(&place, "UPDATE event SET kind = 'paiment' WHERE id = 3");
    assert_eq!(read(&hidden, false), (9, 0), "the filter hides it");
    assert_eq!(read(&hidden, true), (9, 1));
    let connection = Connection::open(&place.path).unwrap();
    let index = "PRAGMA writable_schema = ON; DROP INDEX event_by_time;
         CREATE INDEX event_by_time ON event (time) WHERE id <> 5;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX event_by_time ON event (time)' WHERE name = 'event_by_time'";
    connection.execute_batch(index).unwrap();
    drop(connection);
    assert_eq!(read(&place, true), (10, 0), "no index is used");
}
