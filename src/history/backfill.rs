//! The heights whose events are known block by block, and the filling of those that were missed.
//!
//! Never here: counting: what is filled in later happened before counting began.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::domain::list::Block;
use crate::domain::masternode::Height;
use crate::history::codec::Column;
use crate::history::error::StoreError;
use crate::history::network::NetworkId;
use crate::history::store::{BlockEvents, Insert, Store, check_order, cursor};

/// A span of heights, both ends included.
pub(super) type Span = (Height, Height);

impl Store {
    /// The spans of heights whose events are known block by block, ascending, both ends included.
    pub fn spans(&self, network: NetworkId) -> Result<Vec<Span>, StoreError> {
        spans(&self.connection, network)
    }

    /// Fills in blocks that were never walked: neighbours, ascending, below the highest one recorded and in no span
    /// yet; all or none of them. Counts stay as they are. What was seen of them without knowing in which block it
    /// happened is withdrawn.
    pub fn backfill(&mut self, network: NetworkId, blocks: &[BlockEvents]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(()) };
        let (first, last) = (first.block.height, last.block.height);
        self.write(|transaction| {
            let cursor = cursor(transaction, network)?;
            let neighbours = blocks.windows(2).all(|pair| pair[1].block.height == pair[0].block.height.after(1));
            if !neighbours || cursor.is_none_or(|cursor| last > cursor.height) {
                return Err(StoreError::NotNext { cursor, offered: last });
            }
            check_order(None, blocks)?;
            if let Some((known, _)) = touching(transaction, network, first, last)? {
                let what = format!("blocks {first} to {last} cannot be filled in: block {known} and others are known");
                return Err(StoreError::Other(what));
            }
            transaction.execute(
                "UPDATE event SET withdrawn = 1 WHERE network = ?1 AND height BETWEEN ?2 AND ?3 AND exact = 0",
                params![network.0, Column(first), Column(last)],
            )?;
            let mut insert = Insert::into(transaction, network)?;
            for event in blocks.iter().flat_map(|block| &block.events) {
                insert.uncounted(event)?;
            }
            add(transaction, network, (first, last))
        })
    }
}

/// Adds those blocks that follow on their neighbour; `before` is the block below the first.
pub(super) fn extend(
    transaction: &Transaction<'_>,
    network: NetworkId,
    before: Option<Block>,
    blocks: &[BlockEvents],
) -> Result<(), StoreError> {
    let mut below = before.map(|block| block.height);
    let mut span: Option<Span> = None;
    for height in blocks.iter().map(|block| block.block.height) {
        let follows = below == height.0.checked_sub(1).map(Height) && below.is_some();
        span = match (span, follows) {
            (Some((first, _)), true) => Some((first, height)),
            (None, true) => Some((height, height)),
            (done, false) => {
                done.map_or(Ok(()), |done| add(transaction, network, done))?;
                None
            }
        };
        below = Some(height);
    }
    span.map_or(Ok(()), |span| add(transaction, network, span))
}

/// Forgets all heights from one on.
pub(super) fn cut(transaction: &Transaction<'_>, network: NetworkId, from: Height) -> Result<(), StoreError> {
    let above = params![network.0, Column(from)];
    transaction.execute("DELETE FROM span WHERE network = ?1 AND first >= ?2", above)?;
    transaction.execute("UPDATE span SET last = ?2 - 1 WHERE network = ?1 AND last >= ?2", above)?;
    Ok(())
}

pub(super) fn spans(connection: &Connection, network: NetworkId) -> Result<Vec<Span>, StoreError> {
    let mut statement = connection.prepare("SELECT first, last FROM span WHERE network = ?1 ORDER BY first")?;
    let spans = statement.query_map([network.0], span)?;
    Ok(spans.collect::<Result<_, _>>()?)
}

fn span(row: &rusqlite::Row<'_>) -> rusqlite::Result<Span> {
    let (Column(first), Column(last)) = (row.get(0)?, row.get(1)?);
    Ok((first, last))
}

/// A known span that shares a height with this one.
fn touching(
    connection: &Connection,
    network: NetworkId,
    first: Height,
    last: Height,
) -> Result<Option<Span>, StoreError> {
    let select = "SELECT first, last FROM span WHERE network = ?1 AND first <= ?3 AND last >= ?2 LIMIT 1";
    Ok(connection.query_row(select, params![network.0, Column(first), Column(last)], span).optional()?)
}

/// Adds a span, one with its neighbours.
fn add(transaction: &Transaction<'_>, network: NetworkId, (mut first, mut last): Span) -> Result<(), StoreError> {
    let (below, above) = (Height(first.0.saturating_sub(1)), last.after(1));
    while let Some((other_first, other_last)) = touching(transaction, network, below.min(first), above.max(last))? {
        (first, last) = (first.min(other_first), last.max(other_last));
        transaction
            .execute("DELETE FROM span WHERE network = ?1 AND first = ?2", params![network.0, Column(other_first)])?;
    }
    let insert = "INSERT INTO span (network, first, last) VALUES (?1, ?2, ?3)";
    transaction.execute(insert, params![network.0, Column(first), Column(last)])?;
    Ok(())
}
