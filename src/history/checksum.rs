//! Checksums of rows: they detect a damaged bit before its value is used.
//!
//! A checksum is the CRC-32 of all values of a row with their types and lengths. CRC-32 finds every single flipped bit.
//!
//! Never here: handling of a damaged row.

use rusqlite::types::{FromSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row};

use crate::history::error::StoreError;

/// Columns of `event` with their checksum, in the order in which they are checked and decoded.
pub(super) const EVENT_COLUMNS: &str = "event.id, event.network, height, hash, time, masternode, node_type, kind, exact, details, \
     counted, previous_penalty, withdrawn, checksum";

/// How many of them the checksum covers directly.
pub(super) const COVERED: usize = 12;

/// The number of columns.
pub(super) const COLUMNS: usize = COVERED + 2;

/// Positions of `withdrawn` and `checksum` among the columns.
const WITHDRAWN: usize = COVERED;
const CHECKSUM: usize = COVERED + 1;

/// XORed with the checksum of a withdrawn event, so that SQL alone can withdraw an event.
const WITHDRAWN_MARK: u32 = 0x5a17_c0de;

/// The assignments that withdraw an event that is not withdrawn. A row without a checksum stays without one.
pub(super) const WITHDRAW: &str = "withdrawn = 1, checksum = (checksum | 1511506142) - (checksum & 1511506142)";

/// The assignments that restore a withdrawn event: they remove the mark from the checksum.
pub(super) const RESTORE: &str = "withdrawn = 0, checksum = (checksum | 1511506142) - (checksum & 1511506142)";

/// The checksum of values.
pub(super) fn of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for value in values {
        let (kind, bytes): (u8, &[u8]) = match &value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => (1, &number.to_be_bytes()),
            ValueRef::Real(number) => (2, &number.to_be_bytes()),
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(bytes) => (4, bytes),
        };
        hasher.update(&[kind]);
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    }
    hasher.finalize()
}

/// A value as it is stored in the file.
pub(super) fn value(output: ToSqlOutput<'_>) -> rusqlite::Result<Value> {
    match output {
        ToSqlOutput::Owned(value) => Ok(value),
        ToSqlOutput::Borrowed(value) => Ok(Value::column_result(value)?),
        _ => Err(rusqlite::Error::ToSqlConversionFailure("a value of a feature that is not built in".into())),
    }
}

/// Events written before checksums were introduced: those up to this number have none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unchecked(i64);

impl Unchecked {
    /// If the number itself is damaged, rows without a checksum are read as before.
    pub(super) fn read(connection: &Connection) -> Unchecked {
        let select = "SELECT last_event, again FROM unchecked";
        let read: rusqlite::Result<(i64, i64)> = connection.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?)));
        Unchecked(read.ok().filter(|(one, other)| one == other).map_or(i64::MAX, |(last, _)| last))
    }

    /// Records the number in a file that replaces another.
    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        connection.execute("UPDATE unchecked SET last_event = ?1, again = ?1", [self.0])?;
        Ok(())
    }
}

/// Fails if a row of [`EVENT_COLUMNS`] does not match its checksum.
pub(super) fn check(row: &Row<'_>, unchecked: Unchecked) -> Result<(), StoreError> {
    let id: i64 = row.get(0)?;
    let withdrawn: i64 = row.get(WITHDRAWN)?;
    let Some(recorded) = row.get::<_, Option<i64>>(CHECKSUM)? else {
        let damaged = || StoreError::Damaged(format!("event {id} has no checksum"));
        return if id <= unchecked.0 { Ok(()) } else { Err(damaged()) };
    };
    let values = (0..COVERED).map(|column| row.get_ref(column)).collect::<Result<Vec<_>, _>>()?;
    let mark = match withdrawn {
        0 => 0,
        1 => WITHDRAWN_MARK,
        other => return Err(StoreError::Damaged(format!("event {id} has the invalid withdrawn flag {other}"))),
    };
    if i64::from(of(values) ^ mark) == recorded {
        Ok(())
    } else {
        Err(StoreError::Damaged(format!("event {id} does not match its checksum")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_that_withdraws_uses_the_mark() {
        assert_eq!(WITHDRAW.matches(&WITHDRAWN_MARK.to_string()).count(), 2);
    }

    #[test]
    fn the_limits_between_values_count() {
        let texts = |one: &'static str, other: &'static str| of([one, other].map(ValueRef::from));
        assert_ne!(texts("ab", "c"), texts("a", "bc"));
        assert_ne!(of([ValueRef::Null]), of([ValueRef::Text(b"")]));
    }
}
