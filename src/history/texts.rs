//! Texts under keys, kept for other parts: the states of alerts, and what an operator set at the running exporter.
//!
//! Never here: the meaning of a text.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params, Transaction, params};

use crate::history::Reader;
use crate::history::error::StoreError;
use crate::history::tables::{ALERT, OPERATOR, Table};

/// Begin of the keys of the last good texts of watch files, which `app` keeps; the name of the file follows.
pub const WATCH_FILE: &str = "watch_file/";

/// A text under its key; `None` to delete it.
pub type TextChange = (String, Option<String>);

/// Whose texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTable {
    /// States of alerts, of `alerting`.
    Alert,
    /// Maintenance and good contents of watch files, of `app`, and the watched masternodes, of `follower`.
    Operator,
}

impl TextTable {
    fn table(self) -> Table {
        match self {
            TextTable::Alert => ALERT,
            TextTable::Operator => OPERATOR,
        }
    }
}

impl Reader {
    /// The last good texts of watch files, by the names of the files.
    pub fn watch_files(&self) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(below(&self.connection, TextTable::Operator, WATCH_FILE)?.into_iter().collect())
    }
}

/// The texts by key. Fails if one is damaged.
pub(super) fn load(connection: &Connection, table: TextTable) -> Result<Vec<(String, String)>, StoreError> {
    select(connection, &table.table(), "TRUE", [])
}

/// The texts that are not damaged, by key.
pub(super) fn intact(connection: &Connection, table: TextTable) -> Result<Vec<(String, String)>, StoreError> {
    let table = table.table();
    select(connection, &table, &table.intact(), [])
}

/// The texts that are not damaged whose keys begin with `prefix`, by the rest of the key.
pub(super) fn below(
    connection: &Connection,
    table: TextTable,
    prefix: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    let table = table.table();
    let condition = format!("substr(key, 1, length(?1)) = ?1 AND {}", table.intact());
    let texts = select(connection, &table, &condition, [prefix])?.into_iter();
    Ok(texts.filter_map(|(key, text)| Some((key.strip_prefix(prefix)?.to_string(), text))).collect())
}

fn select(
    connection: &Connection,
    table: &Table,
    condition: &str,
    parameters: impl Params,
) -> Result<Vec<(String, String)>, StoreError> {
    let select = table.select("key, state", &format!("WHERE {condition} ORDER BY key"));
    let mut statement = connection.prepare(&select)?;
    let rows = statement.query_map(parameters, |row| {
        table.check(row, 2)?;
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep(transaction: &Transaction<'_>, table: TextTable, changes: &[TextChange]) -> Result<(), StoreError> {
    let table = table.table();
    let mut keep = transaction.prepare(&table.insert("INSERT OR REPLACE"))?;
    let mut forget = transaction.prepare(&format!("DELETE FROM {} WHERE key = ?1", table.name))?;
    for (key, state) in changes {
        match state {
            Some(state) => keep.execute(params![key, state])?,
            None => forget.execute([key])?,
        };
    }
    Ok(())
}
