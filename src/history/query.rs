//! Queries for events: filters, order and pages.
//!
//! Never here: names that an operator gave to masternodes; access control.

use std::collections::HashMap;
use std::ops::{ControlFlow, RangeInclusive};
use std::time::{Duration, Instant};

use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

use crate::history::checksum::{self, EVENT_COLUMNS, Unchecked};
use crate::history::codec::{self, Column};
use crate::history::error::StoreError;
use crate::history::network_id;
use crate::history::readable::{self, Readable};
use domain::event::Event;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, MasternodeId, UnixSeconds};

/// The most events that one page has.
pub const MAX_PAGE: usize = 10_000;

/// Event numbers that are read between two checks of the time budget: some milliseconds.
const WINDOW: i64 = 50_000;

/// The position of an event in the order of recording. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// The order of a page: that of recording, or reversed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first recorded event first.
    #[default]
    OldestFirst,
    /// The last recorded event first.
    NewestFirst,
}

/// The filters. `None` does not filter; an empty list finds nothing.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of the network of that name.
    pub network: Option<String>,
    /// Of one of these masternodes.
    pub masternodes: Option<Vec<MasternodeId>>,
    /// Of one of these kinds, by [`EventKind::NAMES`](domain::EventKind::NAMES).
    pub kinds: Option<Vec<&'static str>>,
    /// Of blocks in this range.
    pub heights: Option<RangeInclusive<Height>>,
    /// Of blocks whose time lies in this range.
    pub times: Option<RangeInclusive<UnixSeconds>>,
    /// Includes events that a reorg withdrew.
    pub withdrawn: bool,
    /// The order.
    pub order: Order,
    /// Events after this one, in the order of the query: the last event of the previous page.
    pub after: Option<EventId>,
    /// Most events of the page; [`MAX_PAGE`] if that is less.
    pub limit: usize,
    /// Time budget. A page that ends because of it may have fewer events than there are, even none, and a
    /// [`Page::next`] after the last event that was examined. `None` for no limit.
    pub budget: Option<Duration>,
    /// Reads every event, also those that a damaged index or column would hide from the filters, so that damaged ones are counted
    /// in [`Page::skipped`]. Takes a second for a million events.
    pub is_thorough: bool,
}

/// An event as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its position.
    pub id: EventId,
    /// Name of its network.
    pub network: String,
    /// Whether a reorg replaced its block.
    pub withdrawn: bool,
    /// The event.
    pub event: Event,
}

/// A page of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The events, in the order of the query.
    pub events: Vec<StoredEvent>,
    /// The value of [`Query::after`] for the next page; `None` on the last page. It is after the last event, or after
    /// the last number that was examined if [`Query::budget`] was exceeded.
    pub next: Option<EventId>,
    /// Approximate number of damaged events between these, which are omitted.
    pub skipped: u64,
    /// Whether SQLite could not read a part of the file.
    pub is_partial: bool,
}

pub(super) fn events(connection: &Connection, query: &Query) -> Result<Page, StoreError> {
    let search = Search {
        names: network_id::names(connection)?,
        unchecked: Unchecked::read(connection),
        query,
        limit: query.limit.min(MAX_PAGE),
    };
    if query.is_thorough {
        return search.readable(connection);
    }
    match search.filtered(connection) {
        // The index, or a part of the table, is unreadable: the rest of the table is read.
        Err(error) if readable::is_of_a_part(&error) => Ok(Page { is_partial: true, ..search.readable(connection)? }),
        found => Ok(found?),
    }
}

struct Search<'a> {
    names: HashMap<i64, String>,
    unchecked: Unchecked,
    query: &'a Query,
    limit: usize,
}

impl Search<'_> {
    /// Lets SQLite choose the rows.
    fn filtered(&self, connection: &Connection) -> rusqlite::Result<Page> {
        let network = match &self.query.network {
            None => None,
            Some(name) => match self.names.iter().find(|(_, known)| *known == name) {
                Some((id, _)) => Some(*id),
                None => return Ok(Page::default()),
            },
        };
        let started = Instant::now();
        let mut windows = Windows::new(connection, self.query)?;
        let (mut filling, mut left) = (Filling::default(), readable::most_rows(connection)?);
        let mut after = self.query.after;
        // One event more than requested shows whether there is another page.
        let wanted = self.limit + 1;
        loop {
            let mut filter = Filter::of(self.query, network, after);
            if let Some(end) = windows.end {
                filter.up_to(self.query.order, end);
            }
            let mut statement = connection.prepare(&filter.select(self.query.order, wanted))?;
            let mut rows = statement.query(params_from_iter(filter.values))?;
            let mut read = 0;
            while let Some(row) = rows.next()? {
                read += 1;
                after = Some(EventId(row.get(0)?));
                if self.take(row, &mut filling).is_break() {
                    return Ok(filling.page);
                }
                left = left.checked_sub(1).filter(|_| !filling.repeats).ok_or_else(readable::repeated)?;
            }
            // Damaged rows may have replaced others.
            if read < wanted {
                let Some(end) = windows.next() else { return Ok(filling.done()) };
                after = Some(EventId(end));
                if self.is_over(started) {
                    filling.page.next = after;
                    return Ok(filling.done());
                }
            }
        }
    }

    /// Reads all readable rows, and filters them here. Reads one row at least, so that the next page begins behind it.
    fn readable(&self, connection: &Connection) -> Result<Page, StoreError> {
        let (started, mut ended_at) = (Instant::now(), None);
        let mut filling = Filling::default();
        let after = self.query.after.map(|EventId(after)| after);
        let rest = Readable::new(connection, self.query.order).visit(after, |row, passed| {
            filling.pending += passed;
            let taken = self.take(row, &mut filling);
            if taken.is_continue() && self.is_over(started) {
                ended_at = row.get(0).ok().map(EventId);
            }
            if ended_at.is_some() { ControlFlow::Break(()) } else { taken }
        })?;
        filling.pending += rest;
        if filling.full {
            return Ok(filling.page);
        }
        filling.page.next = ended_at;
        Ok(filling.done())
    }

    /// Whether the time for the search is over.
    fn is_over(&self, started: Instant) -> bool {
        self.query.budget.is_some_and(|budget| started.elapsed() >= budget)
    }

    /// Adds a row to the page. Breaks when the page is full.
    fn take(&self, row: &rusqlite::Row<'_>, filling: &mut Filling) -> ControlFlow<()> {
        match self.kept(row) {
            Ok(None) => {}
            Ok(Some(kept)) if !filling.is_next(kept.id, self.query.order) => {
                // Damaged pages may refer to each other in circles.
                filling.repeats = true;
                filling.pending += 1;
            }
            Ok(Some(_)) if filling.page.events.len() == self.limit => {
                filling.page.next = filling.page.events.last().map(|last| last.id).or(self.query.after);
                filling.full = true;
                return ControlFlow::Break(());
            }
            Ok(Some(kept)) => {
                filling.page.skipped += std::mem::take(&mut filling.pending);
                filling.page.events.push(kept);
            }
            Err(error) => {
                tracing::debug!("Omitted a damaged event: {error}");
                filling.pending += 1;
            }
        }
        ControlFlow::Continue(())
    }

    /// The event of a row; `None` if it does not match the filters. A damaged index may return others.
    fn kept(&self, row: &rusqlite::Row<'_>) -> Result<Option<StoredEvent>, StoreError> {
        checksum::check(row, self.unchecked)?;
        let network: i64 = row.get(1)?;
        let unknown = || StoreError::Damaged(format!("an event is of network {network}, which is not recorded"));
        let (Column(height), Column(hash), Column(time)) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let (Column(masternode), kind) = (row.get(5)?, row.get_ref(7)?.as_str()?);
        let block = Block { height, hash: BlockHash(hash), time };
        let (name, withdrawn) = (self.names.get(&network).ok_or_else(unknown)?, row.get::<_, bool>(12)?);
        let Query { network: of, masternodes, kinds, heights, times, .. } = self.query;
        let is_meant = of.as_ref().is_none_or(|of| of == name)
            && (self.query.withdrawn || !withdrawn)
            && kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && heights.as_ref().is_none_or(|heights| heights.contains(&height))
            && times.as_ref().is_none_or(|times| times.contains(&time))
            && masternodes.as_ref().is_none_or(|ids| ids.contains(&masternode));
        if !is_meant {
            return Ok(None);
        }
        let Column(node_type) = row.get(6)?;
        let kind = codec::kind(kind, row.get_ref(9)?.as_str()?)?;
        let event = Event { block, exact: row.get(8)?, masternode, node_type, kind };
        Ok(Some(StoredEvent { id: EventId(row.get(0)?), network: name.clone(), withdrawn, event }))
    }
}

/// The numbers of events, split into windows so that the time can be checked in between.
struct Windows {
    order: Order,
    /// The last number of the window; `None` when all numbers are in it.
    end: Option<i64>,
    /// The last number of all.
    last: i64,
}

impl Windows {
    fn new(connection: &Connection, query: &Query) -> rusqlite::Result<Windows> {
        let mut windows = Windows { order: query.order, end: None, last: 0 };
        if query.budget.is_none() {
            return Ok(windows);
        }
        let ends = "SELECT (SELECT min(id) FROM event), (SELECT max(id) FROM event)";
        let ends: (Option<i64>, Option<i64>) = connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(lowest), Some(highest)) = ends.0.zip(ends.1).unzip() else { return Ok(windows) };
        let after = query.after.map(|EventId(after)| after);
        let first = match query.order {
            Order::OldestFirst => after.map_or(lowest, |after| after.max(lowest)),
            Order::NewestFirst => after.map_or(highest, |after| after.min(highest)),
        };
        windows.last = if query.order == Order::OldestFirst { highest } else { lowest };
        windows.end = windows.behind(first);
        Ok(windows)
    }

    /// The end of the window that begins at a number.
    fn behind(&self, first: i64) -> Option<i64> {
        let (end, is_last) = match self.order {
            Order::OldestFirst => (first.saturating_add(WINDOW), first.saturating_add(WINDOW) >= self.last),
            Order::NewestFirst => (first.saturating_sub(WINDOW), first.saturating_sub(WINDOW) <= self.last),
        };
        (!is_last).then_some(end)
    }

    /// Takes the next window. Returns the last number of the one before; `None` when that was the last.
    fn next(&mut self) -> Option<i64> {
        let end = self.end?;
        self.end = self.behind(end);
        Some(end)
    }
}

/// A page while rows are read.
#[derive(Default)]
struct Filling {
    page: Page,
    /// Damaged rows after the last event of the page: they belong to the next page if there is one.
    pending: u64,
    full: bool,
    /// An event was found again, or before an earlier one.
    repeats: bool,
}

impl Filling {
    /// Whether an event is behind those of the page.
    fn is_next(&self, id: EventId, order: Order) -> bool {
        self.page.events.last().is_none_or(|last| match order {
            Order::OldestFirst => id > last.id,
            Order::NewestFirst => id < last.id,
        })
    }

    fn done(mut self) -> Page {
        self.page.skipped += self.pending;
        self.page
    }
}

/// Conditions with a placeholder for each value; only values come from outside.
pub(super) struct Filter {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Filter {
    pub(super) fn of(query: &Query, network: Option<i64>, after: Option<EventId>) -> Filter {
        let mut filter = Filter { conditions: vec!["TRUE".into()], values: Vec::new() };
        if let Some(network) = network {
            // There are few networks: scanning events in their order finds a page sooner than an index of one network
            // and sorting. `+` keeps SQLite from that index, unless heights make it selective.
            let plus = if query.heights.is_some() { "" } else { "+" };
            let condition = format!("{plus}event.network = ?");
            filter.add(&condition, [network]);
        }
        if let Some(ids) = &query.masternodes {
            filter.one_of("masternode", ids.iter().map(|id| Column(*id)));
        }
        if let Some(kinds) = &query.kinds {
            filter.one_of("kind", kinds.iter().copied());
        }
        if let Some(heights) = &query.heights {
            filter.add("height BETWEEN ? AND ?", [Column(*heights.start()), Column(*heights.end())]);
        }
        if let Some(times) = &query.times {
            filter.add("time BETWEEN ? AND ?", [Column(*times.start()), Column(*times.end())]);
        }
        if !query.withdrawn {
            filter.conditions.push("withdrawn = 0".into());
        }
        if let Some(EventId(after)) = after {
            filter.add(if query.order == Order::OldestFirst { "event.id > ?" } else { "event.id < ?" }, [after]);
        }
        filter
    }

    /// Finds no event after that one.
    fn up_to(&mut self, order: Order, end: i64) {
        self.add(if order == Order::OldestFirst { "event.id <= ?" } else { "event.id >= ?" }, [end]);
    }

    /// The statement that finds up to `limit` events.
    pub(super) fn select(&self, order: Order, limit: usize) -> String {
        let direction = if order == Order::OldestFirst { "ASC" } else { "DESC" };
        let conditions = self.conditions.join(" AND ");
        format!("SELECT {EVENT_COLUMNS} FROM event WHERE {conditions} ORDER BY event.id {direction} LIMIT {limit}")
    }

    fn add<T: ToSql + 'static>(&mut self, condition: &str, values: impl IntoIterator<Item = T>) {
        self.conditions.push(condition.to_string());
        self.values.extend(values.into_iter().map(|value| Box::new(value) as Box<dyn ToSql>));
    }

    fn one_of<T: ToSql + 'static>(&mut self, column: &str, values: impl ExactSizeIterator<Item = T>) {
        let places = vec!["?"; values.len()].join(", ");
        self.add(&format!("{column} IN ({places})"), values);
    }
}
