//! Activation heights of consensus changes that are certain, so that a process that restarts with an outdated source
//! knows that it must not follow it.
//!
//! Never here: whether a height is right.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::history::codec::Column;
use crate::history::tables::ACTIVATION;
use crate::history::{NetworkId, StoreError};
use domain::masternode::Height;

pub(super) fn activation(
    connection: &Connection,
    network: NetworkId,
    deployment: &str,
) -> Result<Option<Height>, StoreError> {
    let select = ACTIVATION.select("height", "WHERE network = ?1 AND deployment = ?2");
    let found = connection.query_row(&select, params![network.0, deployment], |row| {
        ACTIVATION.check(row, 1)?;
        let Column(height) = row.get(0)?;
        Ok(height)
    });
    Ok(found.optional()?)
}

pub(super) fn keep(
    transaction: &Transaction<'_>,
    network: NetworkId,
    deployment: &str,
    height: Option<Height>,
) -> Result<(), StoreError> {
    let delete = "DELETE FROM activation WHERE network = ?1 AND deployment = ?2";
    transaction.execute(delete, params![network.0, deployment])?;
    if let Some(height) = height {
        transaction.execute(&ACTIVATION.insert("INSERT"), params![network.0, deployment, Column(height)])?;
    }
    Ok(())
}
