//! Copies the readable part of a damaged file into its replacement, row by row. Only rows that match their checksum are copied.
//!
//! Never here: the choice of the file; names of files; a damaged schema (`salvage`).

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use crate::history::checksum::{self, EVENT_COLUMNS, Unchecked};
use crate::history::error::StoreError;
use crate::history::network_id;
use crate::history::query::Order;
use crate::history::readable::{self, Readable};
use crate::history::salvage::Salvage;
use crate::history::tables::{ALL, BLOCK, Table};

/// Copies the intact rows of a table as far as it can be read. Returns whether these are all.
fn copy(from: &Connection, into: &Connection, table: &Table) -> Result<bool, StoreError> {
    let columns = table.columns.split(',').count();
    let mut insert = into.prepare(&table.insert("INSERT OR IGNORE"))?;
    let mut is_whole = true;
    let mut left = readable::most_rows(from)?;
    let mut read = || -> rusqlite::Result<()> {
        let mut statement = from.prepare(&table.select(table.columns, ""))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            left = left.checked_sub(1).ok_or_else(readable::repeated)?;
            let values =
                table.check(row, columns).and_then(|()| (0..columns).map(|at| row.get::<_, Value>(at)).collect());
            let values: rusqlite::Result<Vec<Value>> = values;
            match values {
                // A row of an unreadable network, for example, violates the schema.
                Ok(values) => is_whole &= insert.execute(params_from_iter(values)).is_ok(),
                Err(_) => is_whole = false,
            }
        }
        Ok(())
    };
    let read = read();
    if let Err(error) = &read {
        tracing::warn!("Table {} of the damaged history can be read in part only: {error}", table.name);
    }
    Ok(read.is_ok() && is_whole)
}

/// Copies the intact rows of all tables but events and networks.
fn rows(from: &Connection, into: &Connection) -> Result<(), StoreError> {
    let mut lost = Vec::new();
    for table in &ALL {
        if !copy(from, into, table)? {
            lost.push(table.name);
        }
    }
    if lost.contains(&BLOCK.name) {
        // With a lower block than the highest recorded one, events would be counted twice. It is the highest where a span ends at
        // it; elsewhere the network begins at the tip.
        into.execute_batch(
            "DELETE FROM block WHERE network NOT IN (SELECT network FROM span GROUP BY network HAVING max(last) = \
             (SELECT max(height) FROM block AS known WHERE known.network = span.network)); \
             DELETE FROM span WHERE network NOT IN (SELECT network FROM block)",
        )?;
    }
    if !lost.is_empty() {
        tracing::warn!("Damaged rows of the history are lost, of: {}. Lost counters begin at 0", lost.join(", "));
    }
    Ok(())
}

/// After a loss of events, payments are known without a gap from the newest block on only.
const KNOWN_SINCE_NOW: &str = "
    UPDATE span SET since = (SELECT max(time) FROM block WHERE block.network = span.network);
    UPDATE span SET checksum = row_checksum(network, first, last, since)";

/// Copies networks and events, each with its number, and the readable rest into a new file. Returns the number of
/// events. The damaged file is not changed.
pub(super) fn events(from: &Path, into: &mut Connection) -> Result<u64, StoreError> {
    let Some(source) = Salvage::open(from)? else { return Ok(0) };
    let damaged = &source.connection;
    let transaction = into.transaction_with_behavior(TransactionBehavior::Immediate)?;
    network_id::carry(damaged, &transaction)?;
    rows(damaged, &transaction)?;
    let unchecked = Unchecked::read(damaged);
    unchecked.write(&transaction)?;
    let places = vec!["?"; checksum::COLUMNS].join(", ");
    let columns = EVENT_COLUMNS.replace("event.", "");
    // A row that violates the schema, or belongs to an unreadable network, is omitted.
    let mut insert = transaction.prepare(&format!("INSERT OR IGNORE INTO event ({columns}) VALUES ({places})"))?;
    let (mut carried, mut lost) = (0, 0);
    let mut failure = None;
    let rest = Readable::new(damaged, Order::OldestFirst).visit(None, |row, passed| {
        lost += passed;
        let values = (0..checksum::COLUMNS).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>();
        let Some(values) = values.ok().filter(|_| checksum::check(row, unchecked).is_ok()) else {
            lost += 1;
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
    if lost + rest > 0 {
        transaction.execute_batch(KNOWN_SINCE_NOW)?;
    }
    transaction.commit()?;
    Ok(carried)
}
