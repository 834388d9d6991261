//! Alert states, kept for `alerting`: each is an opaque text under a key.
//!
//! Never here: the meaning of a state.

use rusqlite::{Connection, Transaction, params};

use crate::history::error::StoreError;

/// A state under its key; `None` to delete it.
pub type AlertChange = (String, Option<String>);

pub(super) fn load(connection: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection.prepare("SELECT key, state FROM alert ORDER BY key")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep(transaction: &Transaction<'_>, changes: &[AlertChange]) -> Result<(), StoreError> {
    let mut keep = transaction.prepare("INSERT OR REPLACE INTO alert (key, state) VALUES (?1, ?2)")?;
    let mut forget = transaction.prepare("DELETE FROM alert WHERE key = ?1")?;
    for (key, state) in changes {
        match state {
            Some(state) => keep.execute(params![key, state])?,
            None => forget.execute([key])?,
        };
    }
    Ok(())
}
