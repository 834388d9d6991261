//! Write access to the history: block by block, back over a reorg, and onwards after a restart.
//!
//! Each call is one transaction. A call that fails changes nothing, and the store remains usable.
//!
//! Never here: calls to a node; concurrent use by two threads.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSql, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::history::codec::{self, Column};
use crate::history::error::{OpenError, StoreError};
use crate::history::file_lock::Lock;
use crate::history::network_id::{self, Identity, NetworkId};
use crate::history::open::{self, OpenOutcome, SetAsideReason};
use crate::history::query::{self, Page, Query};
use crate::history::retention::{self, Retained};
use crate::history::tables::BLOCK;
use crate::history::texts::{self, TextChange, TextTable};
use crate::history::{backfill, checksum, counters, forks, returned};
use domain::counters::EventCounters;
use domain::dkg_outcome::DkgOutcome;
use domain::event::{Event, EventKind};
use domain::list::Block;
use domain::masternode::{BlockHash, Height, MasternodeId, UnixSeconds};

/// How far below the highest block the hashes of blocks are kept: two days on Dash, twice the depth of the deepest
/// followed reorg. Up to [`BLOCKS_AT_ONCE`] more are kept.
pub const BLOCKS_KEPT: u32 = 1152;

/// Blocks below that are deleted together, because each deletion changes pages that are written whole.
pub(super) const BLOCKS_AT_ONCE: u32 = 64;

/// A block and its events.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockEvents {
    /// The block.
    pub block: Block,
    /// Its events, each with this block's hash.
    pub events: Vec<Event>,
    /// The DKG sessions that ended in it, if they are counted.
    pub sessions: Vec<DkgOutcome>,
}

impl BlockEvents {
    /// Its approximate size, in events.
    pub fn weight(&self) -> usize {
        1 + self.events.len() + self.sessions.iter().map(DkgOutcome::weight).sum::<usize>()
    }
}

/// The result of withdrawing blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The number of withdrawn events.
    pub events: usize,
    /// The highest recorded block afterwards; `None` if the reorg reaches below all kept blocks.
    pub cursor: Option<Block>,
}

/// The history, open for writing. Dropping it releases the file for another process.
pub struct Store {
    pub(super) connection: Connection,
    report: OpenOutcome,
    _lock: Lock,
}

impl Store {
    /// Opens the file, or creates a new one; `now` is part of the name of a file that had to be set aside, see
    /// [`Store::report`]. Fails if another process writes to it, or if it can be neither read nor written.
    pub fn open(path: &Path, now: UnixSeconds) -> Result<Store, OpenError> {
        let (connection, lock, report) = open::open(path, now)?;
        Ok(Store { connection, report, _lock: lock })
    }

    /// Renames the file for this reason, then opens a new one in its place.
    pub(super) fn open_renaming(path: &Path, now: UnixSeconds, fault: SetAsideReason) -> Result<Store, OpenError> {
        let (connection, lock, report) = open::open_renaming(path, now, Some(fault))?;
        Ok(Store { connection, report, _lock: lock })
    }

    /// Copies everything into an empty file, which need not be the one at the same path.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let text = path.to_str().ok_or_else(|| StoreError::Other("its path is not UTF-8".into()))?;
        self.connection.execute("VACUUM INTO ?1", [text])?;
        Ok(())
    }

    /// What happened while the file was opened.
    pub fn report(&self) -> &OpenOutcome {
        &self.report
    }

    /// The network of that name; a new one is recorded. Fails if the name belonged to another chain.
    pub fn network(&mut self, name: &str, identity: &Identity) -> Result<NetworkId, StoreError> {
        self.write(|transaction| network_id::find_or_add(transaction, name, identity))
    }

    /// The highest recorded block, from which to continue. `None` if there is none.
    pub fn cursor(&self, network: NetworkId) -> Result<Option<Block>, StoreError> {
        cursor(&self.connection, network)
    }

    /// The recorded blocks that are kept, the highest first: candidates for the common block after a reorg.
    pub fn blocks(&self, network: NetworkId) -> Result<Vec<Block>, StoreError> {
        let mut statement =
            self.connection.prepare(&BLOCK.select("height, hash, time", "WHERE network = ?1 ORDER BY height DESC"))?;
        let blocks = statement.query_map([network.0], block)?;
        Ok(blocks.collect::<Result<_, _>>()?)
    }

    /// The counts up to the highest recorded block.
    pub fn tallies(&self, network: NetworkId) -> Result<EventCounters, StoreError> {
        counters::load(&self.connection, network)
    }

    /// Records blocks, ascending, each above the highest recorded one, all or none of them. Heights may be skipped. The
    /// events of a block that was withdrawn and returns are restored. After a failure, [`Store::cursor`] shows what was
    /// recorded.
    pub fn record(&mut self, network: NetworkId, blocks: &[BlockEvents]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let before = cursor(transaction, network)?;
            check_order(before, blocks)?;
            for next in blocks {
                if next.events.is_empty() || !returned::restore(transaction, network, next)? {
                    count_and_insert(transaction, network, std::slice::from_ref(next))?;
                }
            }
            insert_blocks(transaction, network, blocks)?;
            backfill::extend(transaction, network, before, blocks)
        })
    }

    /// Adds events to the highest recorded block that were found after it was recorded. Not idempotent: a second call
    /// adds them again.
    pub fn amend(&mut self, network: NetworkId, addition: &BlockEvents) -> Result<(), StoreError> {
        self.write(|transaction| {
            let cursor = cursor(transaction, network)?;
            if cursor.is_none_or(|cursor| cursor.hash != addition.block.hash) {
                return Err(StoreError::NotNext { cursor, offered: addition.block.height });
            }
            check_events(addition)?;
            count_and_insert(transaction, network, std::slice::from_ref(addition))
        })
    }

    /// Withdraws the blocks from a height on, which a reorg replaced. Their events stay, marked as withdrawn; counts
    /// stay.
    pub fn withdraw(&mut self, network: NetworkId, from: Height) -> Result<Withdrawn, StoreError> {
        self.write(|transaction| {
            restore_last_penalties(transaction, network, from)?;
            let above = params![network.0, Column(from)];
            let events = transaction.execute(
                &format!(
                    "UPDATE event SET {} WHERE network = ?1 AND height >= ?2 AND withdrawn = 0",
                    checksum::WITHDRAW
                ),
                above,
            )?;
            transaction.execute("DELETE FROM block WHERE network = ?1 AND height >= ?2", above)?;
            backfill::cut(transaction, network, from)?;
            Ok(Withdrawn { events, cursor: cursor(transaction, network)? })
        })
    }

    /// The spans of heights whose events are recorded block by block, ascending, both ends included.
    pub fn spans(&self, network: NetworkId) -> Result<Vec<(Height, Height)>, StoreError> {
        backfill::spans(&self.connection, network)
    }

    /// Records blocks that were never replayed: consecutive, ascending, below the highest recorded one and in no span
    /// yet; all or none of them. Counts stay as they are. Withdraws the events that were recorded of these blocks
    /// without a known block, or carried over from a damaged file.
    pub fn backfill(&mut self, network: NetworkId, blocks: &[BlockEvents]) -> Result<(), StoreError> {
        self.write(|transaction| backfill::record(transaction, network, blocks))
    }

    /// Blocks near the highest one that have withdrawn events.
    pub fn replaced(&self, network: NetworkId) -> Result<Vec<BlockHash>, StoreError> {
        returned::replaced(&self.connection, network)
    }

    /// The activation height of a deployment; `None` if none is recorded.
    pub fn activation(&self, network: NetworkId, deployment: &str) -> Result<Option<Height>, StoreError> {
        forks::activation(&self.connection, network, deployment)
    }

    /// Records the activation height of a deployment, or deletes it.
    pub fn keep_activation(
        &mut self,
        network: NetworkId,
        deployment: &str,
        height: Option<Height>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| forks::keep(transaction, network, deployment, height))
    }

    /// The texts of a table, by key.
    pub fn texts(&self, table: TextTable) -> Result<Vec<(String, String)>, StoreError> {
        texts::load(&self.connection, table)
    }

    /// Stores or deletes texts of a table, all of them or none.
    pub fn keep_texts(&mut self, table: TextTable, changes: &[TextChange]) -> Result<(), StoreError> {
        self.write(|transaction| texts::keep(transaction, table, changes))
    }

    /// Deletes some of the events of blocks older than `age`. Events of blocks that a reorg could replace stay. A clock
    /// that is far ahead of the newest recorded block is ignored.
    pub fn retain(&mut self, now: UnixSeconds, age: Duration) -> Result<Retained, StoreError> {
        let deleted = self.write(|transaction| retention::delete(transaction, now, age))?;
        retention::vacuum(&self.connection)?;
        Ok(Retained { deleted, more: deleted == retention::EVENTS })
    }

    /// A page of events; see [`Query`].
    pub fn events(&self, query: &Query) -> Result<Page, StoreError> {
        query::events(&self.connection, query)
    }

    /// Runs a transaction: all of it, or nothing.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

/// The highest recorded block. Fails if its row is damaged.
pub(super) fn cursor(connection: &Connection, network: NetworkId) -> Result<Option<Block>, StoreError> {
    highest(connection, network, "TRUE")
}

/// The highest recorded block that fulfils a condition.
pub(super) fn highest(
    connection: &Connection,
    network: NetworkId,
    condition: &str,
) -> Result<Option<Block>, StoreError> {
    let rest = format!("WHERE network = ?1 AND {condition} ORDER BY height DESC LIMIT 1");
    Ok(connection.query_row(&BLOCK.select("height, hash, time", &rest), [network.0], block).optional()?)
}

/// A block from the columns height, hash, time.
fn block(row: &rusqlite::Row<'_>) -> rusqlite::Result<Block> {
    BLOCK.check(row, 3)?;
    let (Column(height), Column(hash), Column(time)) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Block { height, hash: BlockHash(hash), time })
}

/// Every block must be above the previous one, and every event must belong to its block.
pub(super) fn check_order(before: Option<Block>, blocks: &[BlockEvents]) -> Result<(), StoreError> {
    let mut cursor = before;
    for next in blocks {
        if cursor.is_some_and(|cursor| next.block.height <= cursor.height) {
            return Err(StoreError::NotNext { cursor, offered: next.block.height });
        }
        check_events(next)?;
        cursor = Some(next.block);
    }
    Ok(())
}

fn check_events(block: &BlockEvents) -> Result<(), StoreError> {
    match block.events.iter().find(|event| event.block != block.block) {
        Some(event) => Err(StoreError::Other(format!(
            "an event of block {} was given with block {}",
            event.block.height, block.block.height
        ))),
        None => Ok(()),
    }
}

/// Inserts events and counts each of them once, and each session.
fn count_and_insert(
    transaction: &Transaction<'_>,
    network: NetworkId,
    blocks: &[BlockEvents],
) -> Result<(), StoreError> {
    let events = || blocks.iter().flat_map(|block| &block.events);
    let sessions = || blocks.iter().flat_map(|block| &block.sessions);
    if events().next().is_none() && sessions().next().is_none() {
        return Ok(());
    }
    let members = sessions().filter_map(|session| session.members.as_ref()).flatten().map(|(id, _)| *id);
    let touched: BTreeSet<MasternodeId> = events().map(|event| event.masternode).chain(members).collect();
    counters::update(transaction, network, touched, |counts| {
        let mut insert = Insert::into(transaction, network)?;
        for event in events() {
            insert.counted(event, counts.last_penalty(&event.masternode))?;
            counts.record(event);
        }
        sessions().for_each(|session| counts.record_session(session));
        Ok(())
    })
}

/// The statement that adds one event.
pub(super) struct Insert<'a> {
    statement: rusqlite::Statement<'a>,
    network: NetworkId,
    /// Number of the last event: the checksum of a row covers its own number.
    last: i64,
}

impl<'a> Insert<'a> {
    pub(super) fn into(connection: &'a Connection, network: NetworkId) -> Result<Insert<'a>, StoreError> {
        let statement = connection.prepare(
            "INSERT INTO event (id, network, height, hash, time, masternode, node_type, kind, exact, details, \
             counted, previous_penalty, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        let last = "SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0), \
                    ifnull((SELECT max(id) FROM event), 0))";
        Ok(Insert { statement, network, last: connection.query_row(last, [], |row| row.get(0))? })
    }

    /// Adds a counted event; `last_penalty` is the height that a withdrawal restores.
    fn counted(&mut self, event: &Event, last_penalty: Option<Height>) -> Result<(), StoreError> {
        self.event(event, true, last_penalty.filter(|_| matches!(event.kind, EventKind::Penalty { .. })))
    }

    /// Adds an event that is not counted.
    pub(super) fn uncounted(&mut self, event: &Event) -> Result<(), StoreError> {
        self.event(event, false, None)
    }

    fn event(&mut self, event: &Event, counted: bool, previous_penalty: Option<Height>) -> Result<(), StoreError> {
        self.last += 1;
        let (kind, details) = (event.kind.name(), codec::details(&event.kind));
        let previous_penalty = previous_penalty.map(Column);
        let columns: [&dyn ToSql; checksum::COVERED] = [
            &self.last,
            &self.network.0,
            &Column(event.block.height),
            &Column(event.block.hash.0),
            &Column(event.block.time),
            &Column(event.masternode),
            &Column(event.node_type),
            &kind,
            &event.exact,
            &details,
            &counted,
            &previous_penalty,
        ];
        let values = columns.into_iter().map(|column| checksum::value(column.to_sql()?));
        let mut values = values.collect::<rusqlite::Result<Vec<Value>>>()?;
        values.push(Value::Integer(checksum::of(values.iter().map(ValueRef::from)).into()));
        self.statement.execute(rusqlite::params_from_iter(values))?;
        Ok(())
    }
}

fn insert_blocks(transaction: &Transaction<'_>, network: NetworkId, blocks: &[BlockEvents]) -> Result<(), StoreError> {
    let Some(highest) = blocks.last().map(|last| last.block.height) else { return Ok(()) };
    let mut insert = transaction.prepare(&BLOCK.insert("INSERT"))?;
    for BlockEvents { block, .. } in blocks {
        insert.execute(params![network.0, Column(block.height), Column(block.hash.0), Column(block.time)])?;
    }
    let oldest = highest.0.saturating_sub(BLOCKS_KEPT);
    let lowest: Option<u32> =
        transaction.query_row("SELECT min(height) FROM block WHERE network = ?1", [network.0], |row| row.get(0))?;
    if lowest.is_some_and(|lowest| oldest.saturating_sub(lowest) >= BLOCKS_AT_ONCE) {
        transaction.execute("DELETE FROM block WHERE network = ?1 AND height < ?2", params![network.0, oldest])?;
    }
    Ok(())
}

/// Restores, for all masternodes penalised from a height on, the height of their previous penalty.
fn restore_last_penalties(transaction: &Transaction<'_>, network: NetworkId, from: Height) -> Result<(), StoreError> {
    let mut statement = transaction.prepare(
        "SELECT masternode, previous_penalty FROM event \
         WHERE network = ?1 AND height >= ?2 AND withdrawn = 0 AND counted AND kind = 'penalty' \
         ORDER BY id DESC",
    )?;
    let mut rows = statement.query(params![network.0, Column(from)])?;
    // The earliest event comes last and so determines the value.
    let mut previous: HashMap<MasternodeId, Option<Height>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let height: Option<Column<Height>> = row.get(1)?;
        previous.insert(row.get::<_, Column<MasternodeId>>(0)?.0, height.map(|Column(height)| height));
    }
    if previous.is_empty() {
        return Ok(());
    }
    counters::update(transaction, network, previous.keys().copied(), |counts| {
        previous.iter().for_each(|(id, height)| counts.set_last_penalty(id, *height));
        Ok(())
    })
}
