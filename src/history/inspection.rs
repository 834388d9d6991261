//! The periodic check of all events and their indexes for damage, a bounded number at a time, and of the other tables, so that
//! damage is found before a query. Each step reads the file through a new connection: what the writer has in memory may differ from the disk.
//!
//! Never here: repair.

use std::path::Path;
use std::time::Duration;

use tracing::{debug, warn};

use crate::history::file::Damage;
use crate::history::{EventId, Page, Query, Reader, StoreError, damage_report, index_check, tables};
use crate::meters::HistoryMeters;

/// Events that one step reads.
const EVENTS: usize = 2_000;

/// Pause between two steps.
const BREATH: Duration = Duration::from_millis(200);

/// Interval between two checks.
const PAUSE: Duration = Duration::from_secs(3600);

/// The progress of a check.
#[derive(Default)]
pub(super) struct Inspection {
    after: Option<EventId>,
    /// Damaged events found so far in this check.
    found: u64,
    /// Damaged events of the last complete check.
    logged: u64,
}

impl Inspection {
    /// Checks a part of the file. Returns the pause until the next step, and damage for which the file must be opened again.
    pub(super) fn step(&mut self, path: &Path, meters: &HistoryMeters) -> (Duration, Option<Damage>) {
        let (page, fault) = match damage_report::read(path, None, |reader| self.look(reader)) {
            Ok(found) => found,
            Err(StoreError::Damaged(what)) => return (PAUSE, Some(Damage { what, is_certain: false })),
            Err(error) => {
                debug!("History check for damage failed, retrying in an hour: {error}");
                return (PAUSE, None);
            }
        };
        self.found += page.skipped;
        let damage = match fault {
            Some(what) => Some(Damage { what, is_certain: true }),
            None if page.is_partial => {
                Some(Damage { what: "a part of the events cannot be read".into(), is_certain: false })
            }
            None => None,
        };
        if page.next.is_some() && damage.is_none() {
            self.after = page.next;
            return (BREATH, None);
        }
        meters.damaged(self.found);
        if self.found != self.logged && self.found > 0 {
            warn!("{} events of the history file are damaged: they are omitted from all answers", self.found);
        }
        *self = Inspection { logged: self.found, ..Inspection::default() };
        (PAUSE, damage)
    }

    /// The next events, and a fault of their indexes, or at the end of a table.
    fn look(&self, reader: &Reader) -> Result<(Page, Option<String>), StoreError> {
        let query = Query { withdrawn: true, limit: EVENTS, after: self.after, ..Query::default() };
        let page = reader.events(&query)?;
        let (after, until) = (self.after.map_or(0, |after| after.0), page.next.map_or(i64::MAX, |next| next.0));
        let fault = match index_check::find_fault(&reader.connection, after, until)? {
            None if page.next.is_none() => tables::find_fault(&reader.connection)?,
            found => found,
        };
        Ok((page, fault))
    }
}
