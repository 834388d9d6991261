//! Deletes old events, a bounded number at a time, and returns their space.
//!
//! Never here: the counts, which stay; the events that a reorg could still withdraw.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use crate::history::codec::Column;
use crate::history::error::StoreError;
use domain::masternode::UnixSeconds;

/// Most events that one call deletes: a few milliseconds.
pub(super) const EVENTS: usize = 2_000;

/// Most pages that one call returns to the disk: a megabyte.
const PAGES: u32 = 1024;

/// How far the clock may be ahead of the newest block, in seconds. A host whose clock starts in the year 2106 must not
/// delete everything before its time is synchronised; a chain that stood still for longer than a day keeps its events
/// longer.
const MOST_AHEAD_SECONDS: u64 = 86_400;

/// The result of one call of [`Store::retain`](crate::history::Store::retain).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Events deleted.
    pub deleted: usize,
    /// There may be more to delete: call again soon.
    pub more: bool,
}

/// Deletes up to [`EVENTS`] events; returns how many.
pub(super) fn delete(transaction: &Transaction<'_>, now: UnixSeconds, age: Duration) -> Result<usize, StoreError> {
    let newest: Option<i64> = transaction.query_row("SELECT max(time) FROM block", [], |row| row.get(0))?;
    let latest = newest.and_then(|newest| u64::try_from(newest).ok()?.checked_add(MOST_AHEAD_SECONDS));
    let oldest = UnixSeconds(latest.map_or(now.0, |latest| latest.min(now.0)).saturating_sub(age.as_secs()));
    let delete = "DELETE FROM event WHERE id IN (\
         SELECT id FROM event WHERE time < ?1 AND (withdrawn OR height < ifnull(\
             (SELECT min(height) FROM block WHERE block.network = event.network), ?2)) \
         ORDER BY time LIMIT ?3)";
    Ok(transaction.execute(delete, params![Column(oldest), i64::MAX, EVENTS as i64])?)
}

/// Returns some free pages to the disk.
pub(super) fn vacuum(connection: &Connection) -> Result<(), StoreError> {
    // The pragma frees one page per step.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}
