//! Blocks that a reorg replaced and that returned: their events are restored, and not counted a second time.
//!
//! Never here: which blocks are replaced (`store`).

use rusqlite::{Connection, Transaction, params};

use crate::history::checksum::RESTORE;
use crate::history::codec::Column;
use crate::history::store::cursor;
use crate::history::{BLOCKS_KEPT, BlockEvents, NetworkId, StoreError, counters};
use domain::event::EventKind;
use domain::masternode::BlockHash;

pub(super) fn replaced(connection: &Connection, network: NetworkId) -> Result<Vec<BlockHash>, StoreError> {
    let highest = cursor(connection, network)?.map_or(0, |cursor| cursor.height.0);
    let mut statement =
        connection.prepare("SELECT DISTINCT hash FROM event WHERE network = ?1 AND height >= ?2 AND withdrawn = 1")?;
    let hashes = statement.query_map(params![network.0, highest.saturating_sub(BLOCKS_KEPT)], |row| {
        let Column(hash) = row.get(0)?;
        Ok(BlockHash(hash))
    })?;
    Ok(hashes.collect::<Result<_, _>>()?)
}

/// Restores the events of a block that was replaced and has returned. Returns whether it is such a block: then nothing
/// of it is counted again.
pub(super) fn restore(
    transaction: &Transaction<'_>,
    network: NetworkId,
    happened: &BlockEvents,
) -> Result<bool, StoreError> {
    let block = &happened.block;
    let update = format!(
        "UPDATE event SET {RESTORE} WHERE network = ?1 AND height = ?2 AND hash = ?3 AND withdrawn = 1 AND counted = ?4"
    );
    let restore = |counted: bool| {
        transaction.execute(&update, params![network.0, Column(block.height), Column(block.hash.0), counted])
    };
    // Events that a backfill recorded replaced those that were counted without a known block. They changed no counter.
    if restore(false)? > 0 {
        return Ok(true);
    }
    let restored = restore(true)?;
    let penalties = happened.events.iter().filter(|event| matches!(event.kind, EventKind::Penalty { .. }));
    let penalised: Vec<_> = penalties.map(|event| event.masternode).collect();
    if restored > 0 && !penalised.is_empty() {
        counters::update(transaction, network, penalised.iter().copied(), |counts| {
            penalised.iter().for_each(|id| counts.set_last_penalty(id, Some(block.height)));
            Ok(())
        })?;
    }
    Ok(restored > 0)
}
