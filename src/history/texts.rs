//! Texts under keys, kept for other parts: the states of alerts, and what an operator told the running exporter.
//!
//! Never here: the meaning of a text.

use rusqlite::params;

use crate::history::error::StoreError;
use crate::history::store::Store;

/// A text under its key; `None` to delete it.
pub type TextChange = (String, Option<String>);

/// Whose texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTable {
    /// States of alerts, of `alerting`.
    Alert,
    /// Maintenance and good contents of watch files, of `app`.
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

impl Store {
    /// All texts of a table, by key.
    pub fn texts(&self, table: TextTable) -> Result<Vec<(String, String)>, StoreError> {
        let query = format!("SELECT key, state FROM {} ORDER BY key", table.name());
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores or deletes texts, all of them or none.
    pub fn keep_texts(&mut self, table: TextTable, changes: &[TextChange]) -> Result<(), StoreError> {
        let table = table.name();
        self.write(|transaction| {
            let insert = format!("INSERT OR REPLACE INTO {table} (key, state) VALUES (?1, ?2)");
            let mut keep = transaction.prepare(&insert)?;
            let mut forget = transaction.prepare(&format!("DELETE FROM {table} WHERE key = ?1"))?;
            for (key, state) in changes {
                match state {
                    Some(state) => keep.execute(params![key, state])?,
                    None => forget.execute([key])?,
                };
            }
            Ok(())
        })
    }
}
