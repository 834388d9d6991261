//! The tables, as an ordered list of migrations from an empty file to the newest version, and the marks that identify a
//! file of ours.
//!
//! A released migration is never changed: a change is another migration.
//!
//! Never here: reading or writing of rows.

use rusqlite::{Connection, TransactionBehavior};

use crate::history::error::StoreError;
use crate::history::tables;

/// `PRAGMA application_id` of our files: "mnex".
pub const APPLICATION_ID: i32 = 0x6d6e_6578;

/// The migrations; `PRAGMA user_version` is the number of them that a file has.
pub const STEPS: &[&str] = &[FIRST, SESSIONS, ALERTS, ACTIVATIONS, CHECKSUMS, EARNINGS, OPERATOR, ROW_CHECKSUMS];

/// `block` holds the last blocks of the followed branch; the highest is the last recorded one. `span` holds the heights
/// whose events are recorded block by block. A masternode is 32 bytes of its proTxHash, or 36 of its collateral. Every
/// `counted` event increments the counts; its `previous_penalty` is the value that a withdrawal restores.
const FIRST: &str = "
    CREATE TABLE network (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        chain TEXT NOT NULL,
        genesis BLOB NOT NULL
    ) STRICT;
    CREATE TABLE block (
        network INTEGER NOT NULL REFERENCES network (id),
        height INTEGER NOT NULL,
        hash BLOB NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (network, height)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE span (
        network INTEGER NOT NULL REFERENCES network (id),
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (network, first)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        network INTEGER NOT NULL REFERENCES network (id),
        height INTEGER NOT NULL,
        hash BLOB NOT NULL,
        time INTEGER NOT NULL,
        masternode BLOB NOT NULL,
        node_type TEXT NOT NULL,
        kind TEXT NOT NULL,
        exact INTEGER NOT NULL,
        details TEXT NOT NULL,
        counted INTEGER NOT NULL,
        previous_penalty INTEGER,
        withdrawn INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX event_of_block ON event (network, height);
    CREATE INDEX event_of_masternode ON event (masternode);
    CREATE INDEX event_by_time ON event (time);
    CREATE TABLE node_tally (
        network INTEGER NOT NULL REFERENCES network (id),
        masternode BLOB NOT NULL,
        counts TEXT NOT NULL,
        PRIMARY KEY (network, masternode)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE network_tally (
        network INTEGER NOT NULL REFERENCES network (id),
        node_type TEXT NOT NULL,
        counts TEXT NOT NULL,
        PRIMARY KEY (network, node_type)
    ) STRICT, WITHOUT ROWID;
";

/// Outcomes of DKG sessions, by quorum type.
const SESSIONS: &str = "
    CREATE TABLE session_tally (
        network INTEGER NOT NULL REFERENCES network (id),
        quorum_type TEXT NOT NULL,
        counts TEXT NOT NULL,
        PRIMARY KEY (network, quorum_type)
    ) STRICT, WITHOUT ROWID;
";

/// States of alerts; a state is an opaque text that only `alerting` reads.
const ALERTS: &str = "
    CREATE TABLE alert (
        key TEXT PRIMARY KEY,
        state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Heights at which consensus changes activate, once they are certain.
const ACTIVATIONS: &str = "
    CREATE TABLE activation (
        network INTEGER NOT NULL REFERENCES network (id),
        deployment TEXT NOT NULL,
        height INTEGER NOT NULL,
        PRIMARY KEY (network, deployment)
    ) STRICT, WITHOUT ROWID;
";

/// A checksum for each event. `unchecked` holds, twice, the last event that was written before and has none. A network
/// is stored a second time with a checksum, because all its events depend on that row.
const CHECKSUMS: &str = "
    ALTER TABLE event ADD COLUMN checksum INTEGER;
    CREATE TABLE unchecked (
        last_event INTEGER NOT NULL,
        again INTEGER NOT NULL
    ) STRICT;
    INSERT INTO unchecked SELECT ifnull(max(id), 0), ifnull(max(id), 0) FROM event;
    CREATE TABLE network_copy (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        chain TEXT NOT NULL,
        genesis BLOB NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
";

/// Time of the first block of a span; of spans that were written before, that of its first event. Payments of deleted events,
/// summed by masternode and month, with the time of the last one.
const EARNINGS: &str = "
    ALTER TABLE span ADD COLUMN since INTEGER;
    UPDATE span SET since = (
        SELECT time FROM event
        WHERE event.network = span.network AND event.height BETWEEN span.first AND span.last
        ORDER BY event.height LIMIT 1
    );
    CREATE TABLE earning (
        network INTEGER NOT NULL REFERENCES network (id),
        masternode BLOB NOT NULL,
        month TEXT NOT NULL,
        payments INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        owner_known INTEGER NOT NULL,
        operator INTEGER NOT NULL,
        operator_known INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (network, masternode, month)
    ) STRICT, WITHOUT ROWID;
";

/// What an operator set at the running exporter; a state is an opaque text that only `app` reads.
const OPERATOR: &str = "
    CREATE TABLE operator (
        key TEXT PRIMARY KEY,
        state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// A checksum for each row that is believed without another source. Rows that were written before get one as they are.
const ROW_CHECKSUMS: &str = "
    ALTER TABLE block ADD COLUMN checksum INTEGER;
    UPDATE block SET checksum = row_checksum(network, height, hash, time);
    ALTER TABLE span ADD COLUMN checksum INTEGER;
    UPDATE span SET checksum = row_checksum(network, first, last, since);
    ALTER TABLE node_tally ADD COLUMN checksum INTEGER;
    UPDATE node_tally SET checksum = row_checksum(network, masternode, counts);
    ALTER TABLE network_tally ADD COLUMN checksum INTEGER;
    UPDATE network_tally SET checksum = row_checksum(network, node_type, counts);
    ALTER TABLE session_tally ADD COLUMN checksum INTEGER;
    UPDATE session_tally SET checksum = row_checksum(network, quorum_type, counts);
    ALTER TABLE activation ADD COLUMN checksum INTEGER;
    UPDATE activation SET checksum = row_checksum(network, deployment, height);
    ALTER TABLE alert ADD COLUMN checksum INTEGER;
    UPDATE alert SET checksum = row_checksum(key, state);
    ALTER TABLE operator ADD COLUMN checksum INTEGER;
    UPDATE operator SET checksum = row_checksum(key, state);
    ALTER TABLE earning ADD COLUMN checksum INTEGER;
    UPDATE earning SET checksum =
        row_checksum(network, masternode, month, payments, owner, owner_known, operator, operator_known, last);
";

/// The version that this program writes.
pub fn newest() -> u32 {
    version_after(STEPS)
}

fn version_after(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).expect("steps are written by hand")
}

/// What a file identifies itself as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SchemaInfo {
    application_id: i32,
    pub(super) version: u32,
    tables: u32,
}

impl SchemaInfo {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<SchemaInfo> {
        Ok(SchemaInfo {
            application_id: connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
            version: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
            tables: connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        })
    }

    /// It is empty: the process that created it was stopped before its first migration.
    pub(super) fn is_blank(self) -> bool {
        self == SchemaInfo { application_id: 0, version: 0, tables: 0 }
    }

    pub(super) fn is_ours(self) -> bool {
        self.application_id == APPLICATION_ID
    }
}

/// Adds the SQL function that computes the checksum of a row to a connection of another program.
pub fn add_row_checksum(connection: &Connection) -> rusqlite::Result<()> {
    tables::prepare(connection)
}

/// Applies the missing migrations, each in its own transaction with its number.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    tables::prepare(connection)?;
    loop {
        let version = SchemaInfo::read(connection)?.version;
        let Some(step) = steps.get(version as usize) else { return Ok(()) };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.commit()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<(String, Option<String>)> {
        let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_file_of_any_earlier_version_becomes_what_a_new_one_is() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh, STEPS).unwrap();
        assert_eq!(SchemaInfo::read(&fresh).unwrap().version, newest());
        for earlier in 1..=STEPS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            migrate(&mut old, &STEPS[..earlier]).unwrap();
            assert_eq!(SchemaInfo::read(&old).unwrap().version, version_after(&STEPS[..earlier]));
            migrate(&mut old, STEPS).unwrap();
            assert_eq!(tables(&old), tables(&fresh), "from version {earlier}");
        }
    }

    #[test]
    fn the_next_step_keeps_what_an_empty_first_version_and_its_successor_hold() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, STEPS).unwrap();
        let insert = "INSERT INTO network (name, chain, genesis) VALUES ('dash', 'main', x'00')";
        connection.execute(insert, []).unwrap();
        let steps = [STEPS, &["ALTER TABLE network ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"]].concat();
        migrate(&mut connection, &steps).unwrap();
        let note: String = connection.query_row("SELECT note FROM network", [], |row| row.get(0)).unwrap();
        assert_eq!((note.as_str(), SchemaInfo::read(&connection).unwrap().version), ("none", newest() + 1));
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = [STEPS, &["CREATE TABLE half (id INTEGER) STRICT; CREATE TABLE network (id INTEGER)"]].concat();
        migrate(&mut connection, &steps).unwrap_err();
        assert_eq!(SchemaInfo::read(&connection).unwrap().version, newest());
        assert!(tables(&connection).iter().all(|(name, _)| name != "half"));
    }
}
