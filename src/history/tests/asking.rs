//! Queries: filters, pages, readers, and the deletion of old events.

use std::time::Duration;

use super::*;
use crate::history::query::Filter;
use crate::history::{EventId, MAX_PAGE, Order, Page, Reader};
use domain::masternode::{Height, MasternodeId};

/// Blocks 1 to 6 of two networks: a penalty and a payment in each, of masternodes 1 and 2; the last block withdrawn.
fn filled(place: &Place) -> Store {
    let (mut store, dash) = place.open_network();
    let test = store.network("test", &Identity { chain: "test".into(), ..main() }).unwrap();
    for network in [dash, test] {
        for height in 1..=6 {
            store
                .record(
                    network,
                    &[happened(
                        height,
                        &[(1, penalty()), (2, EventKind::Payment { amount: None, operator: None, payees: vec![] })],
                    )],
                )
                .unwrap();
        }
        store.withdraw(network, Height(6)).unwrap();
    }
    store
}

fn all() -> Query {
    Query { limit: 100, ..Query::default() }
}

#[test]
fn each_filter_keeps_what_it_names() {
    let store = filled(&Place::new());
    let time = |height| block(height).time;
    let ids = |numbers: &[u8]| Some(numbers.iter().map(|number| id(*number)).collect::<Vec<MasternodeId>>());
    let cases = [
        ("all", all(), 20),
        ("withdrawn", Query { withdrawn: true, ..all() }, 24),
        ("network", Query { network: Some("test".into()), ..all() }, 10),
        ("an unknown network", Query { network: Some("nowhere".into()), ..all() }, 0),
        ("one masternode", Query { masternodes: ids(&[1]), ..all() }, 10),
        ("masternodes", Query { masternodes: ids(&[1, 2, 9]), ..all() }, 20),
        ("an empty group", Query { masternodes: ids(&[]), ..all() }, 0),
        ("kind", Query { kinds: Some(vec!["payment"]), ..all() }, 10),
        ("kinds", Query { kinds: Some(vec!["payment", "penalty", "ban"]), ..all() }, 20),
        ("no kind", Query { kinds: Some(vec![]), ..all() }, 0),
        ("heights", Query { heights: Some(Height(2)..=Height(3)), ..all() }, 8),
        ("times", Query { times: Some(time(4)..=time(9)), ..all() }, 8),
        ("limit", Query { limit: 3, ..all() }, 3),
        ("nothing", Query { limit: 0, ..all() }, 0),
    ];
    for (name, query, expected) in cases {
        assert_eq!(found(&store, &query).len(), expected, "{name}");
    }
    let narrow = Query {
        network: Some("dash".into()),
        masternodes: ids(&[2]),
        kinds: Some(vec!["payment"]),
        heights: Some(Height(5)..=Height(6)),
        withdrawn: true,
        ..all()
    };
    assert_eq!(found(&store, &narrow), [(5, 2, "payment", false), (6, 2, "payment", true)]);
}

#[test]
fn pages_follow_on_each_other_in_both_directions() {
    let store = filled(&Place::new());
    let whole = store.events(&Query { withdrawn: true, ..all() }).unwrap();
    assert_eq!(whole.next, None);
    for (order, limit) in [(Order::OldestFirst, 5), (Order::NewestFirst, 7), (Order::OldestFirst, 12)] {
        let mut query = Query { withdrawn: true, order, limit, ..all() };
        let mut seen = Vec::new();
        loop {
            let page = store.events(&query).unwrap();
            assert!(page.events.len() == limit || page.next.is_none());
            seen.extend(page.events);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        if order == Order::NewestFirst {
            seen.reverse();
        }
        assert_eq!(seen, whole.events, "{order:?} by {limit}");
    }
}

/// The query plan of SQLite.
fn way(store: &Store, query: &Query) -> String {
    let select =
        Filter::of(query, query.network.as_ref().map(|_| 1), query.after).select(query.order, 10).replace('?', "1");
    let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
    let steps = statement.query_map([], |row| row.get(3)).unwrap();
    steps.collect::<Result<Vec<String>, _>>().unwrap().join("; ")
}

#[test]
fn a_page_costs_what_it_shows_and_not_what_is_kept() {
    let store = filled(&Place::new());
    let network = Some("dash".to_string());
    let one = Some(vec![id(1)]);
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let in_order = [
            Query { order, ..all() },
            Query { order, network: network.clone(), ..all() },
            Query { order, network: network.clone(), masternodes: one.clone(), ..all() },
            Query { order, kinds: Some(vec!["ban"]), after: Some(EventId(5)), ..all() },
        ];
        for query in in_order {
            let way = way(&store, &query);
            assert!(!way.contains("TEMP B-TREE"), "{query:?} sorts: {way}");
        }
    }
    let cases = [
        (Query { masternodes: one, network: network.clone(), ..all() }, "event_of_masternode"),
        (Query { heights: Some(Height(1)..=Height(2)), network, ..all() }, "event_of_block"),
        (Query { times: Some(UnixSeconds(1)..=UnixSeconds(2)), ..all() }, "event_by_time"),
    ];
    for (query, index) in cases {
        let way = way(&store, &query);
        assert!(way.contains(index), "{query:?}: {way}");
    }
}

#[test]
fn a_page_has_a_bound() {
    let (mut store, network) = Place::new().open_network();
    let events = (0..=MAX_PAGE)
        .map(|_| (1, EventKind::Payment { amount: None, operator: None, payees: vec![] }))
        .collect::<Vec<_>>();
    store.record(network, &[happened(1, &events)]).unwrap();
    let page = store.events(&Query { limit: usize::MAX, ..Query::default() }).unwrap();
    assert_eq!((page.events.len(), page.next), (MAX_PAGE, Some(EventId(MAX_PAGE as i64))));
}

#[test]
fn a_reader_sees_each_block_as_soon_as_it_is_recorded() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let reader = Reader::open(&place.path).unwrap();
    for height in 1..=3 {
        store.record(network, &[happened(height, &[(1, penalty())])]).unwrap();
        assert_eq!(reader.events(&all()).unwrap(), store.events(&all()).unwrap());
        let networks = reader.networks().unwrap();
        assert_eq!((networks.len(), networks[0].cursor), (1, Some(block(height))));
        assert_eq!((networks[0].name.as_str(), &networks[0].identity), ("dash", &main()));
    }
    drop(store);
    assert_eq!(Reader::open(&place.path).unwrap().events(&all()).unwrap().events.len(), 3, "without a writer too");
}

#[test]
fn old_events_are_deleted_in_steps_and_their_space_is_returned() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let many = vec![(1, penalty()); 500];
    for height in 1..=10 {
        store.record(network, &[happened(height, &many)]).unwrap();
    }
    store.record(network, &quiet([5000])).unwrap();
    let pages =
        |store: &Store| -> i64 { store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap() };
    let before = pages(&store);
    let (day, now) = (Duration::from_secs(86_400), UnixSeconds(block(9).time.0 + 86_400));
    let mut steps = Vec::new();
    loop {
        let step = store.retain(now, day).unwrap();
        steps.push(step.deleted);
        if !step.more {
            break;
        }
    }
    assert_eq!(steps, [2000, 2000, 0], "the events of blocks 1 to 8; the rest is young enough");
    assert_eq!(found(&store, &everything()).len(), 1000);
    assert!(pages(&store) < before / 2, "{before} pages became {}", pages(&store));
    assert_eq!(store.tallies(network).unwrap().node(&id(1)).penalties, 5000, "counts stay");
}

#[test]
fn a_clock_that_is_far_ahead_deletes_nothing_that_is_young_by_the_chain() {
    let (mut store, network) = Place::new().open_network();
    for height in 1..=3 {
        store.record(network, &[happened(height, &[(1, penalty())])]).unwrap();
    }
    store.record(network, &quiet([5000])).unwrap();
    let week = Duration::from_secs(7 * 86_400);
    let newest = block(5000).time;
    for ahead in [0, 3600, 400 * 86_400, u64::MAX / 2] {
        assert_eq!(store.retain(UnixSeconds(newest.0 + ahead), Duration::from_secs(30 * 86_400)).unwrap().deleted, 0);
    }
    assert_eq!(
        store.retain(UnixSeconds(newest.0 + 400 * 86_400), week).unwrap().deleted,
        3,
        "old by the chain as well"
    );
}

#[test]
fn what_a_reorg_could_withdraw_is_never_too_old() {
    let (mut store, network) = Place::new().open_network();
    for height in 1..=3 {
        store.record(network, &[happened(height, &[(1, penalty())])]).unwrap();
    }
    assert_eq!(store.retain(NOW, Duration::ZERO).unwrap().deleted, 0);
    assert_eq!(store.withdraw(network, Height(2)).unwrap().events, 2);
    assert_eq!(store.retain(NOW, Duration::ZERO).unwrap().deleted, 2, "a withdrawn event has no block any more");
}

/// A store with `count` payments and one ban, the event number `ban`.
fn many(place: &Place, count: i64, ban: i64) -> Store {
    let (store, network) = place.open_network();
    let fill = "WITH RECURSIVE number(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM number WHERE id < ?2)
        INSERT INTO event (id, network, height, hash, time, masternode, node_type, kind, exact, details, counted)
        SELECT id, ?1, id, zeroblob(32), id, zeroblob(32), 'regular', iif(id = ?3, 'revival', 'payment'), 1, '{}', 1 FROM number";
    store.connection.execute(fill, rusqlite::params![network.0, count, ban]).unwrap();
    // Without checksums, as an earlier version wrote them.
    store.connection.execute("UPDATE unchecked SET last_event = ?1, again = ?1", [count]).unwrap();
    store
}

#[test]
fn a_query_over_its_time_budget_returns_where_to_continue_and_misses_nothing() {
    let place = Place::new();
    let store = many(&place, 130_000, 70_000);
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let mut query =
            Query { kinds: Some(vec!["revival"]), order, budget: Some(Duration::ZERO), limit: 10, ..Query::default() };
        let (mut found, mut pages) = (vec![], 0);
        loop {
            let page = store.events(&query).unwrap();
            (pages, query.after) = (pages + 1, page.next);
            found.extend(page.events.iter().map(|kept| kept.id.0));
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!((found, pages), (vec![70_000], 3), "{order:?}: windows of 50,000 numbers");
        let whole = store.events(&Query { budget: Some(Duration::MAX), after: None, ..query.clone() }).unwrap();
        assert_eq!((whole.events.len(), whole.next), (1, None), "{order:?}");
        let page = store
            .events(&Query { kinds: None, after: None, limit: 60_000, budget: Some(Duration::MAX), ..query })
            .unwrap();
        assert_eq!(page.events.len(), MAX_PAGE, "{order:?}");
    }
    let nowhere = Query { network: Some("nowhere".into()), limit: 10, ..Query::default() };
    assert_eq!(store.events(&nowhere).unwrap(), Page::default());
}
