//! Copies the readable part of a damaged file into its replacement: events one by one, counters and the position in the
//! chain all or none.
//!
//! Never here: the choice of the file; names of files.

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
use crate::history::{counters, network_id, open};

/// Tables with independent rows: an unreadable row affects no other. Without activation heights an outdated source
/// would be trusted past the activation; a wrong height is corrected by the first source that follows it.
const INDEPENDENT: [(&str, &str); 3] =
    [("activation", "network, deployment, height"), ("alert", "key, state"), ("operator", "key, state")];

/// Counters and the position in the chain that they belong to: a part of them would be wrong.
const TOGETHER: [(&str, &str); 6] = [
    ("block", "network, height, hash, time"),
    ("span", "network, first, last, since"),
    ("earning", "network, masternode, month, payments, owner, owner_known, operator, operator_known, last"),
    ("node_tally", "network, masternode, counts"),
    ("network_tally", "network, node_type, counts"),
    ("session_tally", "network, quorum_type, counts"),
];

/// Copies the rows of a table. Fails at the first unreadable row, or omits it.
fn table(from: &Connection, into: &Connection, (name, columns): (&str, &str), whole: bool) -> Result<(), StoreError> {
    let places = vec!["?"; columns.split(',').count()].join(", ");
    let mut statement = from.prepare(&format!("SELECT {columns} FROM {name}"))?;
    let mut insert = into.prepare(&format!("INSERT OR IGNORE INTO {name} ({columns}) VALUES ({places})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let value = |column| match row.get::<_, Value>(column) {
            Err(error) => Err(StoreError::from(error)),
            Ok(value) => Ok(value),
        };
        let values = (0..columns.split(',').count()).map(value).collect::<Result<Vec<_>, _>>();
        let copied = values.and_then(|values| Ok(insert.execute(params_from_iter(values))?));
        match copied {
            Err(StoreError::Damaged(_)) if !whole => {}
            copied => drop(copied?),
        }
    }
    Ok(())
}

/// Copies counters, blocks and spans of all networks, or nothing.
fn state(from: &Connection, into: &Connection) -> Result<(), StoreError> {
    into.execute_batch("SAVEPOINT state")?;
    let copied = TOGETHER.iter().try_for_each(|tables| table(from, into, *tables, true)).and_then(|()| {
        let networks = network_id::recorded(into)?;
        networks.iter().try_for_each(|(_, network, _)| counters::load(into, *network).map(drop))
    });
    into.execute_batch(if copied.is_ok() { "RELEASE state" } else { "ROLLBACK TO state; RELEASE state" })?;
    copied
}

/// Copies networks and events, each with its number, and the readable rest into a new file. Returns the number of
/// events. The damaged file is not changed.
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
    for independent in INDEPENDENT {
        if let Err(error) = table(&damaged, &transaction, independent, false) {
            tracing::warn!("Copying {} from the damaged history failed: {error}", independent.0);
        }
    }
    if let Err(error) = state(&damaged, &transaction) {
        tracing::warn!("Copying counters from the damaged history failed, they begin at 0: {error}");
    }
    let unchecked = Unchecked::read(&damaged);
    unchecked.write(&transaction)?;
    let places = vec!["?"; checksum::COLUMNS].join(", ");
    let columns = EVENT_COLUMNS.replace("event.", "");
    // A row that violates the schema, or belongs to an unreadable network, is omitted.
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
