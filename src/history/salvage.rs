//! Read access to a damaged file, also if the texts of its schema are damaged: then to a copy with the schema of this version, whose
//! tables begin at the same pages in every file.
//!
//! Never here: reading of rows; changes of the damaged file.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::history::error::StoreError;
use crate::history::file_lock::with_suffix;
use crate::history::{open, schema};

/// The damaged file, or a copy of it that is deleted at the end.
pub(super) struct Salvage {
    pub(super) connection: Connection,
    copy: Option<PathBuf>,
}

/// A row of the schema: type, name, table, first page, text.
type Entry = (String, String, String, i64, Option<String>);

impl Salvage {
    /// Opens a file that was set aside. `None` if another version or another program wrote it.
    pub(super) fn open(path: &Path) -> Result<Option<Salvage>, StoreError> {
        let connection = open::read_only(path)?;
        let mark = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        if (mark("application_id")?, mark("user_version")?) != (schema::APPLICATION_ID.into(), schema::newest().into())
        {
            return Ok(None);
        }
        if matches!(has_known_schema(&connection), Ok(true)) {
            return Ok(Some(Salvage { connection, copy: None }));
        }
        drop(connection);
        tracing::warn!("The schema of {} is damaged: reading a copy with the schema of this version", path.display());
        let copy = with_suffix(path, ".copy");
        let mut salvage = Salvage { connection: Connection::open_in_memory()?, copy: Some(copy.clone()) };
        for suffix in ["", "-wal"] {
            match fs::copy(with_suffix(path, suffix), with_suffix(&copy, suffix)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        rewrite(&mut Connection::open(&copy)?, &known()?)?;
        salvage.connection = open::read_only(&copy)?;
        Ok(Some(salvage))
    }
}

impl Drop for Salvage {
    fn drop(&mut self) {
        for suffix in self.copy.iter().flat_map(|_| ["", "-wal", "-shm"]) {
            let file = self.copy.as_deref().map(|copy| with_suffix(copy, suffix));
            // A copy that stays costs space only.
            let _ = file.map(fs::remove_file);
        }
    }
}

/// Whether a file of this version has all tables and indexes with their texts. Others, such as statistics, are ignored.
pub(super) fn has_known_schema(connection: &Connection) -> Result<bool, StoreError> {
    let found = entries(connection)?;
    let is_there = |(kind, name, table, _, sql): &Entry| {
        found.iter().any(|other| (&other.0, &other.1, &other.2, &other.4) == (kind, name, table, sql))
    };
    Ok(known()?.iter().all(is_there))
}

/// The schema of this version, with the pages at which its tables begin.
fn known() -> Result<Vec<Entry>, StoreError> {
    let mut fresh = Connection::open_in_memory()?;
    // Such a file has the first pages of all tables at its beginning, in the order of their creation.
    fresh.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    schema::migrate(&mut fresh, schema::STEPS)?;
    Ok(entries(&fresh)?)
}

fn entries(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
    rows.collect()
}

/// Replaces the schema. The first page of a table whose name is readable is the recorded one.
fn rewrite(copy: &mut Connection, known: &[Entry]) -> Result<(), StoreError> {
    copy.pragma_update(None, "writable_schema", true)?;
    // The first statement fails and leaves out what cannot be parsed; the next ones do not.
    let _ = copy.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    let transaction = copy.transaction()?;
    let recorded: HashMap<String, i64> = {
        let mut statement = transaction.prepare("SELECT name, rootpage FROM sqlite_schema")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.filter_map(Result::ok).collect()
    };
    transaction.execute("DELETE FROM sqlite_schema", [])?;
    for (kind, name, table, root, sql) in known {
        let root = recorded.get(name).unwrap_or(root);
        let insert = "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?1, ?2, ?3, ?4, ?5)";
        transaction.execute(insert, params![kind, name, table, root, sql])?;
    }
    transaction.commit()?;
    Ok(())
}
