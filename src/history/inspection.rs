//! The periodic check of all events for damage, a bounded number at a time, so that damage is found before a query.
//!
//! Never here: repair.

use std::time::Duration;

use tracing::{debug, warn};

use crate::history::{EventId, Query, Store};
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
    /// Checks some events. Returns the pause until the next step.
    pub(super) fn step(&mut self, store: &Store, meters: &HistoryMeters) -> Duration {
        let query = Query { withdrawn: true, limit: EVENTS, after: self.after, ..Query::default() };
        let page = match store.events(&query) {
            Ok(page) => page,
            Err(error) => {
                debug!("History check for damage failed, retrying in an hour: {error}");
                return PAUSE;
            }
        };
        self.found += page.skipped;
        if page.next.is_some() {
            self.after = page.next;
            return BREATH;
        }
        meters.damaged(self.found);
        if self.found != self.logged && self.found > 0 {
            warn!("{} events of the history file are damaged: they are omitted from all answers", self.found);
        }
        *self = Inspection { logged: self.found, ..Inspection::default() };
        PAUSE
    }
}
