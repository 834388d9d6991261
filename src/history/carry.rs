//! The events of a damaged file that can be read, carried into the file that takes its place.
//!
//! Never here: counters, blocks and spans, of which a part would be wrong.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};

use crate::history::checksum::{self, EVENT_COLUMNS, Unchecked};
use crate::history::error::StoreError;
use crate::history::query::Order;
use crate::history::readable::Readable;
use crate::history::schema::{self, SchemaInfo};
use crate::history::{network_id, open};

/// Copies activation heights: without them an old source would be trusted past the activation. A wrong one is corrected by the
/// first source that follows it.
fn activations(from: &Connection, into: &Connection) -> rusqlite::Result<()> {
    let mut statement = from.prepare("SELECT network, deployment, height FROM activation")?;
    let mut insert =
        into.prepare("INSERT OR IGNORE INTO activation (network, deployment, height) VALUES (?1, ?2, ?3)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (network, deployment, height): (i64, String, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
        insert.execute(rusqlite::params![network, deployment, height])?;
    }
    Ok(())
}

/// Copies networks and events, each with its number, into a new file; all or none. Returns how many events. The damaged
/// file stays as it is.
pub(super) fn events(from: &Path, into: &mut Connection) -> Result<u64, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let damaged = Connection::open_with_flags(from, flags)?;
    damaged.busy_timeout(open::PATIENCE)?;
    damaged.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let marks = SchemaInfo::read(&damaged)?;
    if !marks.is_ours() || marks.version != schema::newest() {
        return Ok(0);
    }
    let transaction = into.transaction_with_behavior(TransactionBehavior::Immediate)?;
    network_id::carry(&damaged, &transaction)?;
    if let Err(error) = activations(&damaged, &transaction) {
        tracing::warn!("Activation heights are not carried over from the damaged history: {error}");
    }
    let unchecked = Unchecked::read(&damaged);
    unchecked.write(&transaction)?;
    let places = vec!["?"; checksum::COLUMNS].join(", ");
    let columns = EVENT_COLUMNS.replace("event.", "");
    // A row that contradicts the table, or names a network that could not be read, is left out.
    let mut insert = transaction.prepare(&format!("INSERT OR IGNORE INTO event ({columns}) VALUES ({places})"))?;
    let mut carried = 0;
    let mut failure = None;
    Readable::new(&damaged, Order::OldestFirst).visit(None, |row, _| {
        let values = (0..checksum::COLUMNS).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>();
        let Some(values) = values.ok().filter(|_| checksum::check(row, unchecked).is_ok()) else {
            return ControlFlow::Continue(());
        };
        match insert.execute(params_from_iter(values)).map_err(StoreError::from) {
            Ok(rows) => carried += rows as u64,
            Err(error @ (StoreError::Full | StoreError::ReadOnly | StoreError::Busy)) => {
                failure = Some(error);
                return ControlFlow::Break(());
            }
            Err(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    drop(insert);
    if let Some(failure) = failure {
        return Err(failure);
    }
    transaction.commit()?;
    Ok(carried)
}
