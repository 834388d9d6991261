//! Events of a file with unreadable pages or rows: unreadable ones are skipped and counted.
//!
//! Never here: the meaning of a row.

use std::ops::ControlFlow;

use rusqlite::{Connection, ErrorCode, Row, ffi, params};

use crate::history::checksum::EVENT_COLUMNS;
use crate::history::error::StoreError;
use crate::history::query::Order;

/// Fewer bytes than any row takes: each has a checksum.
const FEWEST_BYTES: u64 = 8;

/// Events in order, after a number.
pub(super) struct Readable<'a> {
    connection: &'a Connection,
    order: Order,
}

/// Whether an error concerns the part of the file that was read, and not the whole file.
pub(super) fn is_of_a_part(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure))
}

impl<'a> Readable<'a> {
    pub(super) fn new(connection: &'a Connection, order: Order) -> Readable<'a> {
        Readable { connection, order }
    }

    /// Visits each event after `after` that SQLite can read, until `visit` breaks. `visit` gets the number of skipped
    /// numbers before the event. Returns the number of skipped numbers after the last one.
    pub(super) fn visit(
        &self,
        after: Option<i64>,
        mut visit: impl FnMut(&Row<'_>, u64) -> ControlFlow<()>,
    ) -> Result<u64, StoreError> {
        let mut last = after.unwrap_or_else(|| self.begin());
        let (mut passed, mut left) = (0, most_rows(self.connection)?);
        loop {
            match self.run((&mut last, &mut left), &mut passed, &mut visit) {
                Ok(ControlFlow::Break(())) => return Ok(0),
                Ok(ControlFlow::Continue(())) => return Ok(passed),
                Err(error) if is_of_a_part(&error) => {}
                Err(error) => return Err(error.into()),
            }
            left = left.saturating_sub(1);
            match self.next_readable(last)?.filter(|_| left > 0) {
                Some(next) => {
                    passed += next.abs_diff(last).saturating_sub(1);
                    last = self.step(next, -1);
                }
                None => return Ok(passed + self.rest(last)),
            }
        }
    }

    /// Reads on until the end, a break, or an error.
    fn run(
        &self,
        (last, left): (&mut i64, &mut u64),
        passed: &mut u64,
        visit: &mut impl FnMut(&Row<'_>, u64) -> ControlFlow<()>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        let mut statement = self.connection.prepare(&self.select("1000000000000"))?;
        let mut rows = statement.query(params![*last])?;
        while let Some(row) = rows.next()? {
            *left = left.checked_sub(1).ok_or_else(repeated)?;
            *last = row.get(0)?;
            if visit(row, std::mem::take(passed)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The first event after `last` from which on SQLite can read; `None` if there is none.
    fn next_readable(&self, last: i64) -> Result<Option<i64>, StoreError> {
        let (mut unreadable, mut step) = (0, 1);
        let mut found = loop {
            match self.first_behind(self.step(last, step))? {
                Probe::Found(id) => break Some(id),
                Probe::End => break None,
                Probe::Unreadable if step >= 1 << 60 => return Ok(None),
                Probe::Unreadable => (unreadable, step) = (step, step * 2),
            }
        };
        // Between the last step that failed and the first that did not.
        while step - unreadable > 1 {
            let middle = unreadable + (step - unreadable) / 2;
            match self.first_behind(self.step(last, middle))? {
                Probe::Found(id) => (step, found) = (middle, Some(id)),
                Probe::End => (step, found) = (middle, None),
                Probe::Unreadable => unreadable = middle,
            }
        }
        Ok(found)
    }

    fn first_behind(&self, id: i64) -> Result<Probe, StoreError> {
        match self.connection.query_row(&self.select("1"), [id], |row| row.get(0)) {
            Ok(id) => Ok(Probe::Found(id)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Probe::End),
            Err(error) if is_of_a_part(&error) => Ok(Probe::Unreadable),
            Err(error) => Err(error.into()),
        }
    }

    fn select(&self, limit: &str) -> String {
        let (compared, direction) = match self.order {
            Order::OldestFirst => (">", "ASC"),
            Order::NewestFirst => ("<", "DESC"),
        };
        format!(
            "SELECT {EVENT_COLUMNS} FROM event WHERE event.id {compared} ?1 ORDER BY event.id {direction} LIMIT {limit}"
        )
    }

    /// The number at a distance of `steps` after another one, in the order.
    fn step(&self, id: i64, steps: i64) -> i64 {
        match self.order {
            Order::OldestFirst => id.saturating_add(steps),
            Order::NewestFirst => id.saturating_sub(steps),
        }
    }

    fn begin(&self) -> i64 {
        match self.order {
            Order::OldestFirst => 0,
            Order::NewestFirst => self.newest().map_or(i64::MAX, |newest| newest.saturating_add(1)),
        }
    }

    /// The number of event numbers after one that has no readable event after it; at least one of them is unreadable.
    fn rest(&self, last: i64) -> u64 {
        let end = match self.order {
            Order::OldestFirst => self.newest().unwrap_or(0),
            Order::NewestFirst => last.saturating_sub(1),
        };
        u64::try_from(end.saturating_sub(last)).unwrap_or(1).max(1)
    }

    /// The highest number that was ever used, if it is readable.
    fn newest(&self) -> Option<i64> {
        self.connection.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'event'", [], |row| row.get(0)).ok()
    }
}

/// The number of rows that fit into a file: damaged pages may refer to each other in circles.
pub(super) fn most_rows(connection: &Connection) -> rusqlite::Result<u64> {
    let size = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    Ok(u64::from(size("page_count")?) * u64::from(size("page_size")?) / FEWEST_BYTES)
}

/// The error of pages that return rows again.
pub(super) fn repeated() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some("rows are found again".into()))
}

enum Probe {
    Found(i64),
    End,
    Unreadable,
}
