//! Which events, in which order, page by page.
//!
//! Never here: names that an operator gave to masternodes; who may ask.

use std::ops::RangeInclusive;

use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

use crate::domain::event::Event;
use crate::domain::list::Block;
use crate::domain::masternode::{BlockHash, Height, MasternodeId, UnixSeconds};
use crate::history::codec::{self, Column};
use crate::history::error::StoreError;

/// The most events that one page has.
pub const MAX_PAGE: usize = 10_000;

/// The place of an event in the order in which events were recorded. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// The order of a page: that in which events were recorded, or back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first recorded first.
    #[default]
    OldestFirst,
    /// The last recorded first.
    NewestFirst,
}

/// What to look for. `None` leaves a thing open; an empty list finds nothing.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of the network of that name.
    pub network: Option<String>,
    /// Of one of these masternodes.
    pub masternodes: Option<Vec<MasternodeId>>,
    /// Of one of these kinds, by [`EventKind::NAMES`](crate::domain::EventKind::NAMES).
    pub kinds: Option<Vec<&'static str>>,
    /// Of blocks in this range.
    pub heights: Option<RangeInclusive<Height>>,
    /// Of blocks whose time lies in this range.
    pub times: Option<RangeInclusive<UnixSeconds>>,
    /// With those that a reorg withdrew.
    pub withdrawn: bool,
    /// In which order.
    pub order: Order,
    /// Those behind this one, in the order asked for: the last one of the page before.
    pub after: Option<EventId>,
    /// How many at most; [`MAX_PAGE`] if that is less.
    pub limit: usize,
}

/// An event as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptEvent {
    /// Its place.
    pub id: EventId,
    /// Name of its network.
    pub network: String,
    /// Whether a reorg replaced its block.
    pub withdrawn: bool,
    /// What happened.
    pub event: Event,
}

/// A page of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The events, in the order asked for.
    pub events: Vec<KeptEvent>,
    /// What to ask for as [`Query::after`] to see the next page; `None` on the last.
    pub next: Option<EventId>,
}

pub(super) fn events(connection: &Connection, query: &Query) -> Result<Page, StoreError> {
    let limit = query.limit.min(MAX_PAGE);
    let filter = Filter::of(query);
    // One more than asked for tells whether there is another page.
    let mut statement = connection.prepare(&filter.select(query.order, limit + 1))?;
    let mut rows = statement.query(params_from_iter(filter.values))?;
    let mut page = Page::default();
    while let Some(row) = rows.next()? {
        if page.events.len() == limit {
            page.next = page.events.last().map(|last| last.id).or(query.after);
            break;
        }
        page.events.push(kept(row)?);
    }
    Ok(page)
}

fn kept(row: &rusqlite::Row<'_>) -> Result<KeptEvent, StoreError> {
    let (Column(height), Column(hash), Column(time)) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let (Column(masternode), Column(node_type)) = (row.get(6)?, row.get(7)?);
    let kind = codec::kind(row.get_ref(8)?.as_str()?, row.get_ref(10)?.as_str()?)?;
    let block = Block { height, hash: BlockHash(hash), time };
    Ok(KeptEvent {
        id: EventId(row.get(0)?),
        network: row.get(1)?,
        withdrawn: row.get(2)?,
        event: Event { block, exact: row.get(9)?, masternode, node_type, kind },
    })
}

/// Conditions with a place for each value; only values come from outside.
pub(super) struct Filter {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Filter {
    pub(super) fn of(query: &Query) -> Filter {
        let mut filter = Filter { conditions: vec!["TRUE".into()], values: Vec::new() };
        if let Some(network) = &query.network {
            // There are few networks: going through events in their order finds a page sooner than an index of one
            // network and sorting. `+` keeps SQLite from that index, but where heights make it narrow.
            let plus = if query.heights.is_some() { "" } else { "+" };
            let condition = format!("{plus}event.network = (SELECT id FROM network WHERE name = ?)");
            filter.add(&condition, [network.clone()]);
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
        if let Some(EventId(after)) = query.after {
            filter.add(if query.order == Order::OldestFirst { "event.id > ?" } else { "event.id < ?" }, [after]);
        }
        filter
    }

    /// The statement that finds so many events at most.
    pub(super) fn select(&self, order: Order, limit: usize) -> String {
        let direction = if order == Order::OldestFirst { "ASC" } else { "DESC" };
        format!(
            "SELECT event.id, network.name, withdrawn, height, hash, time, masternode, node_type, kind, exact, details \
             FROM event CROSS JOIN network ON network.id = event.network \
             WHERE {} ORDER BY event.id {direction} LIMIT {limit}",
            self.conditions.join(" AND ")
        )
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
