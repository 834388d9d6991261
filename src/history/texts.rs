//! Texts under keys, kept for other parts: the states of alerts, and what an operator set at the running exporter.
//!
//! Never here: the meaning of a text.

use rusqlite::{Connection, Transaction, params};

use crate::history::error::StoreError;

/// A text under its key; `None` to delete it.
pub type TextChange = (String, Option<String>);

/// Whose texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTable {
    /// States of alerts, of `alerting`.
    Alert,
    /// Maintenance, good contents of watch files, and the watched masternodes, of `app`.
    Operator,
}

impl TextTable {
    fn name(self) -> &'static str {
        match self {
            TextTable::Alert => "alert",
            TextTable::Operator => "operator",
        }
    }
}

pub(super) fn load(connection: &Connection, table: TextTable) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT key, state FROM {} ORDER BY key", table.name()))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep(transaction: &Transaction<'_>, table: TextTable, changes: &[TextChange]) -> Result<(), StoreError> {
    let table = table.name();
    let mut keep = transaction.prepare(&format!("INSERT OR REPLACE INTO {table} (key, state) VALUES (?1, ?2)"))?;
    let mut forget = transaction.prepare(&format!("DELETE FROM {table} WHERE key = ?1"))?;
    for (key, state) in changes {
        match state {
            Some(state) => keep.execute(params![key, state])?,
            None => forget.execute([key])?,
        };
    }
    Ok(())
}
