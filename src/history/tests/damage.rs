//! Flipped bits in a file: events that are returned are unchanged, and a damaged row affects no other.

use std::fs;

use super::*;
use crate::history::{EarningsQuery, Order, Reader, StoredEvent};
use domain::earnings::Period;
use domain::masternode::UnixSeconds;
use domain::samples::block;

const EVENTS: usize = 600;

/// Most events of a leaf page: the most that a single bit outside of the few inner pages can damage.
const OF_A_PAGE: usize = 16;

/// A closed file with events of every kind, some of them withdrawn, and its events.
fn written() -> (Place, Vec<StoredEvent>) {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let kinds = every_kind();
    for height in 1..=(EVENTS / 4) as u32 {
        let kind = |offset: usize| kinds[(height as usize * 4 + offset) % kinds.len()].clone();
        let events = [(1, kind(0)), (2, kind(1)), (3, kind(2)), (4, kind(3))];
        store.record(network, &[happened(height, &events)]).unwrap();
    }
    store.withdraw(network, Height(EVENTS as u32 / 4 - 5)).unwrap();
    let events = store.events(&everything()).unwrap().events;
    assert_eq!(events.len(), EVENTS);
    drop(store);
    (place, events)
}

/// Pseudorandom numbers from a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// The page size, the number of the root page of the events, and the file.
fn pages(place: &Place) -> (usize, usize, Vec<u8>) {
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'event'";
    let root: u32 = connection.query_row(root, [], |row| row.get(0)).unwrap();
    drop(connection);
    (size as usize, root as usize, fs::read(&place.path).unwrap())
}

fn assert_unchanged(found: &[StoredEvent], written: &[StoredEvent], bit: usize) {
    for kept in found {
        let same = usize::try_from(kept.id.0 - 1).ok().and_then(|place| written.get(place));
        assert!(same == Some(kept), "bit {bit} changed an event to {kept:?}");
    }
}

#[test]
fn a_flipped_bit_changes_no_event_and_costs_no_more_than_a_page() {
    let (place, events) = written();
    let (size, root, bytes) = pages(&place);
    let mut random = Random(0x5eed_0017);
    let (mut whole, mut partial) = (0, 0);
    // Without the names of the tables no row is readable.
    let has_names = |page: usize| bytes[page * size..][..size].windows(7).any(|text| text == b"CREATE ");
    let others: Vec<usize> = (1..bytes.len() / size).filter(|page| !has_names(*page)).collect();
    for _ in 0..300 {
        let bit = others[random.below(others.len())] * size * 8 + random.below(size * 8);
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let copy = Place::new();
        fs::write(&copy.path, damaged).unwrap();
        let reader = Reader::open(&copy.path).unwrap();
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let hit = bit / 8 / size;
            let is_inner = hit + 1 == root || bytes[hit * size] == 0x05;
            let page = match reader.events(&Query { order, ..everything() }) {
                Ok(page) => page,
                Err(error) => panic!("bit {bit}: {error}"),
            };
            assert_unchanged(&page.events, &events, bit);
            let missing = EVENTS - page.events.len();
            assert!(missing <= OF_A_PAGE || is_inner, "bit {bit} cost {missing} events");
            // A damaged number of rows makes other bytes of the page look like rows, which are skipped too.
            assert!(missing == 0 || page.skipped > 0, "bit {bit}: {missing} are missing, none skipped");
            if missing == 0 { whole += 1 } else { partial += 1 }
        }
        let of_one = Query { masternodes: Some(vec![id(2)]), ..everything() };
        let found = reader.events(&of_one).unwrap().events;
        assert_unchanged(&found, &events, bit);
        assert!(found.iter().all(|kept| kept.event.masternode == id(2)));
    }
    assert!(whole > 100 && partial > 100, "{whole} and {partial}: the bits hit rows and other things");
}

#[test]
fn pages_that_are_referred_to_more_than_once_give_each_event_once() {
    let (place, events) = written();
    let (size, root, mut bytes) = pages(&place);
    let page = &mut bytes[(root - 1) * size..][..size];
    assert_eq!(page[0], 0x05, "an inner page");
    let number = |page: &[u8], at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    // Each cell begins with the number of a page of the next level.
    let cells: Vec<usize> = (0..number(page, 3)).map(|cell| number(page, 12 + 2 * cell)).collect();
    let first: [u8; 4] = page[cells[0]..][..4].try_into().unwrap();
    cells[1..].iter().for_each(|cell| page[*cell..][..4].copy_from_slice(&first));
    let copy = Place::new();
    fs::write(&copy.path, bytes).unwrap();
    let reader = Reader::open(&copy.path).unwrap();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let page = reader.events(&Query { order, ..everything() }).unwrap();
        assert_unchanged(&page.events, &events, 0);
        let mut ids: Vec<i64> = page.events.iter().map(|event| event.id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), page.events.len());
        assert!(ids.len() >= 2, "the first and the last page are intact");
        assert!(page.skipped > 0);
    }
}

#[test]
fn payments_before_a_loss_of_events_are_not_complete_in_the_replacement() {
    let (place, _) = written();
    let (size, root, mut bytes) = pages(&place);
    let period = Period { from: UnixSeconds(block(20).time.0), until: UnixSeconds(block(30).time.0) };
    let coverage = || {
        let query = EarningsQuery { network: None, masternodes: None, period, is_thorough: true };
        Reader::open(&place.path).unwrap().earnings(&query, |_| {}).unwrap().coverage[0].is_complete
    };
    assert!(coverage());
    let page = &bytes[(root - 1) * size..][..size];
    let cell = usize::from(u16::from_be_bytes([page[14], page[15]]));
    let child = u32::from_be_bytes(page[cell..][..4].try_into().unwrap()) as usize;
    bytes[(child - 1) * size..][..size].fill(0xff);
    fs::write(&place.path, bytes).unwrap();
    let store = place.open();
    let left = store.events(&everything()).unwrap().events.len();
    assert!(left > 0 && left < EVENTS, "{left}: the page is lost, the rest carried");
    drop(store);
    assert!(!coverage());
}

#[test]
fn a_damaged_row_is_left_out_and_counted_once_over_pages() {
    let (place, events) = written();
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    connection.execute("UPDATE event SET details = details || ' ' WHERE id IN (50, 51, 100, 600)", []).unwrap();
    connection.execute("UPDATE event SET checksum = NULL WHERE id = 101", []).unwrap();
    connection.execute("UPDATE event SET withdrawn = 1 WHERE id = 102", []).unwrap();
    let store = place.open();
    let (mut after, mut found, mut skipped) = (None, vec![], 0);
    loop {
        let page = store.events(&Query { limit: 49, after, ..everything() }).unwrap();
        found.extend(page.events);
        skipped += page.skipped;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found.len(), skipped), (EVENTS - 6, 6));
    assert_unchanged(&found, &events, 0);
}

#[test]
fn rows_from_before_checksums_are_read_as_before() {
    let (place, events) = written();
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    connection
        .execute_batch(
            "UPDATE event SET checksum = NULL; ALTER TABLE event DROP COLUMN checksum; DROP TABLE unchecked;
             DROP TABLE network_copy; DROP TABLE earning; DROP TABLE operator; ALTER TABLE span DROP COLUMN since;
             ALTER TABLE block DROP COLUMN checksum; ALTER TABLE span DROP COLUMN checksum;
             ALTER TABLE node_tally DROP COLUMN checksum; ALTER TABLE network_tally DROP COLUMN checksum;
             ALTER TABLE session_tally DROP COLUMN checksum; ALTER TABLE activation DROP COLUMN checksum;
             ALTER TABLE alert DROP COLUMN checksum;
             PRAGMA user_version = 4",
        )
        .unwrap();
    drop(connection);
    let store = place.open();
    assert_eq!(store.report().migrated_from, Some(4));
    let page = store.events(&everything()).unwrap();
    assert_eq!((page.events, page.skipped), (events, 0));
}

#[test]
fn a_damaged_network_is_read_from_its_copy_and_repaired() {
    let (place, events) = written();
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    connection.execute("UPDATE network SET name = 'dasi', genesis = x'00'", []).unwrap();
    drop(connection);
    assert_eq!(Reader::open(&place.path).unwrap().events(&everything()).unwrap().events, events);
    let mut store = place.open();
    store.network("dash", &main()).unwrap();
    let name: String = store.connection.query_row("SELECT name FROM network", [], |row| row.get(0)).unwrap();
    assert_eq!(name, "dash");
}

#[test]
fn the_inspection_reports_damage_once_it_has_read_everything() {
    let (place, _) = written();
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    connection.execute("UPDATE event SET height = height + 1 WHERE id IN (7, 8)", []).unwrap();
    let registry = prometheus::Registry::new();
    let meters = crate::meters::Meters::new(&registry);
    let (_, damage) = crate::history::inspection::Inspection::default().step(&place.path, meters.history());
    assert!(damage.is_none(), "the other events are intact");
    let families = registry.gather();
    let rows = families.iter().find(|family| family.name() == "masternode_exporter_history_damaged_rows").unwrap();
    assert_eq!(rows.get_metric()[0].get_gauge().get_value(), 2.0);
}

#[test]
fn what_can_be_read_of_a_file_that_is_set_aside_is_in_the_new_one() {
    let (place, events) = written();
    let mut store = place.open();
    let network = store.network("dash", &main()).unwrap();
    store.keep_activation(network, "v24", Some(Height(240))).unwrap();
    drop(store);
    let (size, _, mut bytes) = pages(&place);
    // The leaf pages of tables; nearly all are of events.
    let leaves: Vec<usize> = (1..bytes.len() / size).filter(|page| bytes[page * size] == 0x0d).collect();
    let leaf = leaves[leaves.len() / 2] * size;
    bytes[leaf + 8..leaf + 40].fill(0xff);
    fs::write(&place.path, bytes).unwrap();
    let mut store = place.open();
    let aside = store.report().set_aside.clone().expect("a page contradicts itself");
    let page = store.events(&everything()).unwrap();
    assert_unchanged(&page.events, &events, 0);
    let missing = EVENTS - page.events.len();
    assert!(0 < missing && missing <= OF_A_PAGE, "{missing} are missing");
    assert_eq!((aside.carried, page.skipped), (page.events.len() as u64, 0));
    let network = store.network("dash", &main()).unwrap();
    assert_eq!(store.activation(network, "v24").unwrap(), Some(Height(240)));
    store.record(network, &[happened(900, &[(1, penalty())])]).unwrap();
    assert_eq!(store.events(&everything()).unwrap().events.last().unwrap().id.0, EVENTS as i64 + 1);
}

#[test]
fn a_search_past_a_damaged_page_ends_when_its_time_is_over_and_misses_nothing() {
    let (place, events) = written();
    let (size, _, mut bytes) = pages(&place);
    let leaves: Vec<usize> = (1..bytes.len() / size).filter(|page| bytes[page * size] == 0x0d).collect();
    let leaf = leaves[leaves.len() / 2] * size;
    // Neither a search nor a walk through the page finds a row of it.
    bytes[leaf..leaf + 8].fill(0xff);
    fs::write(&place.path, bytes).unwrap();
    let reader = Reader::open(&place.path).unwrap();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let whole = reader.events(&Query { order, ..everything() }).unwrap();
        assert!(whole.skipped > 0, "a page cannot be read");
        let mut query = Query { order, budget: Some(std::time::Duration::ZERO), ..everything() };
        let (mut found, mut skipped, mut pages) = (vec![], 0, 0);
        loop {
            let page = reader.events(&query).unwrap();
            (pages, skipped, query.after) = (pages + 1, skipped + page.skipped, page.next);
            found.extend(page.events);
            if page.next.is_none() {
                break;
            }
        }
        assert!(pages > 100, "{pages} pages, {order:?}");
        assert_eq!((found.len(), skipped), (whole.events.len(), whole.skipped), "{order:?}");
        assert_unchanged(&found, &events, 0);
    }
}
