//! The heights whose events are recorded block by block, and the backfill of the others.
//!
//! Never here: counting; backfilled events happened before counting began.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::history::checksum;
use crate::history::codec::Column;
use crate::history::error::StoreError;
use crate::history::network_id::NetworkId;
use crate::history::store::{BLOCKS_KEPT, BlockEvents, Insert, check_order, cursor};
use crate::history::tables::{BLOCK, SPAN};
use domain::list::Block;
use domain::masternode::{Height, UnixSeconds};

/// A span of heights, both ends included.
pub(super) type Span = (Height, Height);

pub(super) fn record(
    transaction: &Transaction<'_>,
    network: NetworkId,
    blocks: &[BlockEvents],
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(()) };
    let (first, last) = (first.block.height, last.block.height);
    let cursor = cursor(transaction, network)?;
    let neighbours = blocks.windows(2).all(|pair| pair[1].block.height == pair[0].block.height.after(1));
    if !neighbours || cursor.is_none_or(|cursor| last > cursor.height) {
        return Err(StoreError::NotNext { cursor, offered: last });
    }
    check_order(None, blocks)?;
    check_branch(transaction, network, blocks)?;
    if let Some(((known, _), _)) = touching(transaction, network, first, last)? {
        let what =
            format!("blocks {first} to {last} cannot be backfilled: block {known} and others are recorded already");
        return Err(StoreError::Other(what));
    }
    transaction.execute(
        &format!(
            "UPDATE event SET {} WHERE network = ?1 AND height BETWEEN ?2 AND ?3 AND withdrawn = 0",
            checksum::WITHDRAW
        ),
        params![network.0, Column(first), Column(last)],
    )?;
    let mut insert = Insert::into(transaction, network)?;
    for event in blocks.iter().flat_map(|block| &block.events) {
        insert.uncounted(event)?;
    }
    remember(transaction, network, blocks)?;
    add(transaction, network, (first, last), blocks.first().map(|first| first.block.time))
}

/// A recorded block must be the backfilled one.
fn check_branch(transaction: &Transaction<'_>, network: NetworkId, blocks: &[BlockEvents]) -> Result<(), StoreError> {
    let mut other =
        transaction.prepare("SELECT count(*) FROM block WHERE network = ?1 AND height = ?2 AND hash <> ?3")?;
    for BlockEvents { block, .. } in blocks {
        let others: u32 =
            other.query_row(params![network.0, Column(block.height), Column(block.hash.0)], |row| row.get(0))?;
        if others > 0 {
            let what = format!("block {} cannot be backfilled: another block is recorded at its height", block.height);
            return Err(StoreError::Other(what));
        }
    }
    Ok(())
}

/// Stores the hashes of those that a reorg may still replace, like those of followed blocks.
fn remember(transaction: &Transaction<'_>, network: NetworkId, blocks: &[BlockEvents]) -> Result<(), StoreError> {
    let Some(cursor) = cursor(transaction, network)? else { return Ok(()) };
    let mut insert = transaction.prepare(&BLOCK.insert("INSERT OR IGNORE"))?;
    for BlockEvents { block, .. } in blocks.iter().filter(|next| is_remembered(cursor, next.block)) {
        insert.execute(params![network.0, Column(block.height), Column(block.hash.0), Column(block.time)])?;
    }
    Ok(())
}

/// Whether a block is so close to the highest one that its hash is kept.
pub(super) fn is_remembered(highest: Block, block: Block) -> bool {
    highest.height.above(block.height) <= BLOCKS_KEPT
}

/// Adds those blocks whose predecessor is the previous one; `before` is the block below the first.
pub(super) fn extend(
    transaction: &Transaction<'_>,
    network: NetworkId,
    before: Option<Block>,
    blocks: &[BlockEvents],
) -> Result<(), StoreError> {
    let mut below = before.map(|block| block.height);
    let mut span: Option<(Span, UnixSeconds)> = None;
    let mut add = |(span, since)| add(transaction, network, span, Some(since));
    for block in blocks.iter().map(|block| block.block) {
        let height = block.height;
        let follows = below == height.0.checked_sub(1).map(Height) && below.is_some();
        span = match (span, follows) {
            (Some(((first, _), since)), true) => Some(((first, height), since)),
            (None, true) => Some(((height, height), block.time)),
            (done, false) => {
                done.map_or(Ok(()), &mut add)?;
                None
            }
        };
        below = Some(height);
    }
    span.map_or(Ok(()), add)
}

/// Deletes all heights from one on.
pub(super) fn cut(transaction: &Transaction<'_>, network: NetworkId, from: Height) -> Result<(), StoreError> {
    let above = params![network.0, Column(from)];
    transaction.execute("DELETE FROM span WHERE network = ?1 AND first >= ?2", above)?;
    // A damaged row stays one.
    let update = format!(
        "UPDATE span SET last = ?2 - 1, checksum = row_checksum(network, first, ?2 - 1, since) \
         WHERE network = ?1 AND last >= ?2 AND {}",
        SPAN.intact()
    );
    transaction.execute(&update, above)?;
    Ok(())
}

pub(super) fn spans(connection: &Connection, network: NetworkId) -> Result<Vec<Span>, StoreError> {
    select(connection, network, "TRUE")
}

/// The same without damaged rows.
pub(super) fn intact_spans(connection: &Connection, network: NetworkId) -> Result<Vec<Span>, StoreError> {
    select(connection, network, &SPAN.intact())
}

fn select(connection: &Connection, network: NetworkId, condition: &str) -> Result<Vec<Span>, StoreError> {
    let rest = format!("WHERE network = ?1 AND {condition} ORDER BY first");
    let mut statement = connection.prepare(&SPAN.select("first, last", &rest))?;
    let spans = statement.query_map([network.0], |row| SPAN.check(row, 2).and_then(|()| span(row)))?;
    Ok(spans.collect::<Result<_, _>>()?)
}

fn span(row: &rusqlite::Row<'_>) -> rusqlite::Result<Span> {
    let (Column(first), Column(last)) = (row.get(0)?, row.get(1)?);
    Ok((first, last))
}

/// A recorded span that overlaps this one.
fn touching(
    connection: &Connection,
    network: NetworkId,
    first: Height,
    last: Height,
) -> Result<Option<(Span, Option<UnixSeconds>)>, StoreError> {
    let select = SPAN.select("first, last, since", "WHERE network = ?1 AND first <= ?3 AND last >= ?2 LIMIT 1");
    let found = |row: &rusqlite::Row<'_>| {
        SPAN.check(row, 3)?;
        Ok((span(row)?, row.get::<_, Option<Column<UnixSeconds>>>(2)?.map(|Column(time)| time)))
    };
    Ok(connection.query_row(&select, params![network.0, Column(first), Column(last)], found).optional()?)
}

/// Adds a span with the time of its first block, and merges it with its neighbours.
fn add(
    transaction: &Transaction<'_>,
    network: NetworkId,
    (mut first, mut last): Span,
    mut since: Option<UnixSeconds>,
) -> Result<(), StoreError> {
    let (below, above) = (Height(first.0.saturating_sub(1)), last.after(1));
    while let Some(((other_first, other_last), other_since)) =
        touching(transaction, network, below.min(first), above.max(last))?
    {
        if other_first < first {
            since = other_since;
        }
        (first, last) = (first.min(other_first), last.max(other_last));
        transaction
            .execute("DELETE FROM span WHERE network = ?1 AND first = ?2", params![network.0, Column(other_first)])?;
    }
    transaction.execute(&SPAN.insert("INSERT"), params![network.0, Column(first), Column(last), since.map(Column)])?;
    Ok(())
}
