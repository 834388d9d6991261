//! The check that indexes have all events: a search by an index that misses an event would omit it without a word.
//!
//! Never here: repair.

use rusqlite::Connection;

use crate::history::error::StoreError;
use crate::history::readable;

/// The indexes of `event`, with their columns.
const INDEXES: [(&str, &str); 3] =
    [("event_of_block", "network, height"), ("event_of_masternode", "masternode"), ("event_by_time", "time")];

/// The fault of an index that misses an event with a number above `after`, up to `until`.
pub(super) fn find_fault(connection: &Connection, after: i64, until: i64) -> Result<Option<String>, StoreError> {
    for (index, columns) in INDEXES {
        let same = columns.split(", ").map(|column| format!("found.{column} = listed.{column}"));
        let same = same.collect::<Vec<_>>().join(" AND ");
        let select = format!(
            "SELECT count(*) FROM event AS listed NOT INDEXED WHERE listed.id > ?1 AND listed.id <= ?2 AND NOT EXISTS \
             (SELECT 1 FROM event AS found INDEXED BY {index} WHERE {same} AND found.id = listed.id)"
        );
        match connection.query_row(&select, [after, until], |row| row.get::<_, i64>(0)) {
            Ok(0) => {}
            Ok(missing) => return Ok(Some(format!("{missing} events are missing in the index {index}"))),
            Err(error) if readable::is_of_a_part(&error) => {
                return Ok(Some(format!("the index {index}, or the events in it, cannot be read: {error}")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
