//! For any texts of a history, rows decode to their content or are reported as damaged; decoded values survive writing
//! and reading.
//!
//! Never here: a damaged file, which SQLite reports.

use std::cell::RefCell;

use domain::condition::Catalogue;
use domain::{Event, EventKind};
use masternode_exporter::alerting::state::AlertStore;
use masternode_exporter::history::{BlockEvents, NetworkId, Query, Store, StoreError, schema};
use rusqlite::{Connection, params};

use super::common::{self, HEIGHT, block};

/// A history, and a second connection to its file.
struct Place {
    store: Store,
    network: NetworkId,
    connection: Connection,
    _folder: tempfile::TempDir,
}

thread_local! {
    static PLACE: RefCell<Place> = RefCell::new({
        let (folder, path, mut store, network) = common::history();
        let further = BlockEvents { block: block(HEIGHT + 1), events: Vec::new(), sessions: Vec::new() };
        store.record(network, &[further]).expect("there is room");
        let connection = Connection::open(path).expect("it is there");
        schema::add_row_checksum(&connection).expect("it is a function");
        connection.execute_batch("DELETE FROM event WHERE id > 1; UPDATE unchecked SET last_event = 1, again = 1; PRAGMA synchronous = OFF").expect("it is ours");
        Place { store, network, connection, _folder: folder }
    });
}

/// See the module. The first byte selects the kind of event, the rest is its text.
pub fn run(input: &[u8]) {
    let Some((first, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    PLACE.with_borrow_mut(|place| {
        let kind = EventKind::NAMES[usize::from(*first) % EventKind::NAMES.len()];
        place.event(kind, text);
        place.counts(text);
    });
    alert(text);
}

impl Place {
    fn set(&self, change: &str, parameters: &[&dyn rusqlite::ToSql]) {
        self.connection.execute(change, parameters).expect("the file is ours alone");
    }

    fn event(&mut self, kind: &str, text: &str) {
        self.set("UPDATE event SET kind = ?1, details = ?2, checksum = NULL", params![kind, text]);
        let all = Query { limit: 10, ..Query::default() };
        let page = match self.store.events(&all) {
            Ok(page) => page,
            Err(StoreError::Damaged(what)) => return assert!(!what.is_empty()),
            Err(other) => panic!("{other:?} is no damage"),
        };
        if page.events.is_empty() {
            return assert_eq!(page.skipped, 1, "what is left out is counted");
        }
        let [kept] = page.events.as_slice() else { panic!("one event was there: {page:?}") };
        assert_eq!(kept.event.kind.name(), kind);
        let event = Event { block: block(HEIGHT + 2), exact: true, ..kept.event.clone() };
        let step = BlockEvents { block: event.block, events: vec![event.clone()], sessions: Vec::new() };
        // Counts that overflow are refused: no chain has that many points.
        self.store.record(self.network, &[step]).expect("it continues from the previous block");
        let page = self.store.events(&all).expect("it was written by us");
        assert_eq!(page.events.last().map(|kept| &kept.event), Some(&event));
        let undo = format!(
            "DELETE FROM event WHERE id > {id}; DELETE FROM block WHERE height > {height}; DELETE FROM node_tally; \
             DELETE FROM network_tally; UPDATE span SET last = {height}, checksum = row_checksum(network, first, {height}, since)",
            id = kept.id.0,
            height = HEIGHT + 1,
        );
        self.connection.execute_batch(&undo).expect("the file is ours alone");
    }

    fn counts(&self, text: &str) {
        let masternode = "SELECT ?1, masternode, ?2, row_checksum(?1, masternode, ?2) FROM event LIMIT 1";
        let network = self.network_row();
        self.set(&format!("INSERT OR REPLACE INTO node_tally {masternode}"), params![network, text]);
        self.read_counts();
        self.set("DELETE FROM node_tally", &[]);
        for (table, name) in [("network_tally", "regular"), ("session_tally", "llmq_60_75")] {
            self.set(
                &format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2, ?3, row_checksum(?1, ?2, ?3))"),
                params![network, name, text],
            );
            self.read_counts();
            self.set(&format!("DELETE FROM {table}"), &[]);
        }
    }

    fn network_row(&self) -> i64 {
        self.connection.query_row("SELECT id FROM network", [], |row| row.get(0)).expect("there is one")
    }

    fn read_counts(&self) {
        match self.store.tallies(self.network) {
            Ok(_) => {}
            Err(StoreError::Damaged(what)) => assert!(!what.is_empty()),
            Err(other) => panic!("{other:?} is no damage"),
        }
    }
}

/// The state of an alert: invalid states are counted, valid ones are kept unchanged.
fn alert(text: &str) {
    let mut book = AlertStore::default();
    let strange = book.restore(vec![("key".into(), text.into())], &Catalogue::default(), common::NOW);
    // Besides the mark that alerts were stored.
    let changes: Vec<_> = book.take_changes().into_iter().filter(|(key, _)| key == "key").collect();
    assert_eq!(changes.len(), strange, "what makes no sense is forgotten, and nothing else changes");
    assert!(changes.iter().all(|(_, state)| state.is_none()));
}
