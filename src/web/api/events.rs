//! Events: from the history if enabled, otherwise the last ones in the snapshots.
//!
//! Never here: the JSON of an event (`json`); the storage of events.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::history::{EventId, Order, Query, Reader, StoredEvent};
use crate::web::api::csv_table;
use crate::web::api::json::{self, Object};
use crate::web::api::parameters::{Format, MOST, Parameter, Parameters, choice, echo, flag, label, whole};
use crate::web::api::selection::Selection;
use crate::web::api::{Api, ApiError, History, conflict, missing, unavailable, written};
use domain::NetworkState;
use domain::event::{Event, EventKind};
use domain::masternode::{Height, MasternodeId, UnixSeconds};
use domain::rfc3339;
use domain::watch::WatchTarget;

/// Time limit of a search. A page that ends because of it contains a cursor.
pub(in crate::web) const BUDGET: Duration = Duration::from_millis(50);

/// Most events of a table.
const MOST_ROWS: usize = crate::history::MAX_PAGE;

/// Time limit of the search for a table.
const TABLE_BUDGET: Duration = Duration::from_secs(2);

/// Parameters of events.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::NETWORK,
    Parameter::MASTERNODE,
    Parameter::ALIAS,
    Parameter::GROUP,
    Parameter::WATCHED,
    Parameter::many("kind", "Filter by kind of event. Can be repeated.", || label(&EventKind::NAMES)),
    Parameter::once("from_height", "Lowest block height, inclusive.", height),
    Parameter::once("to_height", "Highest block height, inclusive.", height),
    Parameter::FROM_TIME,
    Parameter::TO_TIME,
    Parameter::once("withdrawn", "Include events reverted by a chain reorganisation.", flag),
    Parameter::once("order", "newest: the last recorded first. oldest: the first recorded first.", || {
        choice(&["newest", "oldest"])
    }),
    Parameter::FORMAT,
    Parameter::LIMIT,
    Parameter::once(
        "after",
        "Cursor: the `next` of the previous page, or the `id` of the last event seen.",
        || json!({ "type": "string", "pattern": "^([0-9]{1,18}|[0-9]{1,10}\\.[0-9]{1,9}\\.[0-9]{1,9}\\.[!-~]+)$" }),
    ),
];

fn height() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
}

/// A page of events.
#[derive(Serialize, JsonSchema)]
pub(super) struct Events {
    /// Whether the events come from the history. False if `history.path` is not set: then these are the last ones since
    /// the exporter started, at most 1024 of each network.
    history: bool,
    /// The events.
    #[schemars(with = "Vec<json::Event<'static>>", length(max = MOST))]
    events: Vec<Object>,
    /// The value of `after` for the next page; null on the last page. A page may have fewer events than `limit`, even
    /// none, and a next page: a search ends after 50 ms.
    next: Option<String>,
    /// Approximate number of damaged events of the history file that were omitted between these. 0 if `history` is
    /// false.
    skipped: u64,
}

/// A cursor: the position of an event in the history, or in memory.
enum After {
    Kept(EventId),
    Remembered(Place),
}

/// The position of an event among those of the snapshots. Counted from the end of its block, because the oldest block
/// may have lost its first events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: u64,
    height: u32,
    network: String,
    from_end: Reverse<usize>,
}

impl Place {
    fn text(&self) -> String {
        format!("{}.{}.{}.{}", self.time, self.height, self.from_end.0, self.network)
    }
}

fn after(text: &str) -> Option<After> {
    if let Some(id) = whole(text) {
        return Some(After::Kept(EventId(id)));
    }
    let mut parts = text.splitn(4, '.');
    let (time, height) = (whole(parts.next()?)?, whole(parts.next()?)?);
    let from_end = Reverse(whole(parts.next()?)?);
    let network = parts.next().filter(|network| !network.is_empty())?.to_string();
    Some(After::Remembered(Place { time, height, network, from_end }))
}

/// The watched masternodes, by network and identity.
pub(in crate::web) struct Aliases<'a>(HashMap<(&'a str, MasternodeId), &'a WatchTarget>);

impl<'a> Aliases<'a> {
    pub(in crate::web) fn of(networks: &'a [Arc<NetworkState>]) -> Aliases<'a> {
        let named = networks.iter().flat_map(|network| {
            let watched = network.watched().into_iter();
            watched.map(|watched| ((&*network.network, watched.id), watched))
        });
        Aliases(named.collect())
    }

    /// The alias of a masternode; empty for none.
    pub(in crate::web) fn get(&self, network: &str, id: MasternodeId) -> &'a str {
        self.target(network, id).map_or("", |watched| watched.alias.as_str())
    }

    fn target(&self, network: &str, id: MasternodeId) -> Option<&'a WatchTarget> {
        self.0.get(&(network, id)).copied()
    }

    /// The alias of a masternode and its groups, as `key=value`.
    pub(super) fn names(&self, network: &str, id: MasternodeId) -> (String, Vec<String>) {
        let Some(watched) = self.target(network, id) else { return Default::default() };
        (watched.alias.clone(), watched.groups.iter().map(|(key, group)| format!("{key}={group}")).collect())
    }
}

/// An event that was found.
pub(in crate::web) struct FoundEvent {
    /// Its network.
    pub(in crate::web) network: String,
    /// The event.
    pub(in crate::web) event: Event,
    /// Its identifier in the history, and whether it was withdrawn; `None` without a history.
    recorded: Option<(EventId, bool)>,
}

/// The events of a search.
pub(in crate::web) struct FoundEvents {
    is_from_history: bool,
    /// The events, in their order.
    pub(in crate::web) events: Vec<FoundEvent>,
    /// The cursor of the next page; `None` for the last page.
    pub(in crate::web) next: Option<String>,
    skipped: u64,
}

/// The events of a request: a page, or a table of all.
pub(super) fn answer(api: &Api, query: &str) -> Result<Bytes, ApiError> {
    let networks = (api.networks)();
    let parameters = Parameters::read(query, PARAMETERS)?;
    let aliases = Aliases::of(&networks);
    let alias = |found: &FoundEvent| aliases.get(&found.network, found.event.masternode);
    match parameters.format()? {
        Format::Json => {
            let FoundEvents { is_from_history, events, next, skipped } = page(api, &networks, &parameters)?;
            let event = |found: &FoundEvent| {
                json::Event::new(&found.event, &found.network, alias(found), found.recorded).json()
            };
            let events = events.iter().map(event).collect();
            written(&Events { history: is_from_history, events, next, skipped })
        }
        Format::Csv => {
            let asked = Query { limit: MOST_ROWS, budget: Some(TABLE_BUDGET), ..conditions(&parameters, &networks)? };
            if api.history.is_none() {
                return Err(conflict("history.path is not set, so only the last events are known: ask for JSON"));
            }
            let found = find(api, &networks, &parameters, asked, None)?;
            if found.next.is_some() {
                let most =
                    format!("more than {MOST_ROWS} events, or more than 2 s to find them: choose a shorter period");
                return Err(conflict(&most));
            }
            csv_table::whole(found.skipped)?;
            let rows = found
                .events
                .iter()
                .map(|found| json::Event::row(&found.event, &found.network, alias(found), found.recorded));
            Ok((json::Event::names() + &csv_table::lines(rows)).into())
        }
    }
}

/// The page of events that matches a request.
pub(in crate::web) fn search(api: &Api, networks: &[Arc<NetworkState>], query: &str) -> Result<FoundEvents, ApiError> {
    page(api, networks, &Parameters::read(query, PARAMETERS)?)
}

fn page(api: &Api, networks: &[Arc<NetworkState>], parameters: &Parameters) -> Result<FoundEvents, ApiError> {
    let after = parameters.read_one("after", "the next of a page, or the id of an event", after)?;
    find(api, networks, parameters, conditions(parameters, networks)?, after)
}

/// The events after a cursor that match a query.
fn find(
    api: &Api,
    networks: &[Arc<NetworkState>],
    parameters: &Parameters,
    query: Query,
    after: Option<After>,
) -> Result<FoundEvents, ApiError> {
    let query = api.permitted(networks, query);
    match (&api.history, after) {
        (None, Some(After::Kept(_))) | (Some(_), Some(After::Remembered(_))) => {
            Err(conflict("after is from an earlier run of the exporter: start again without it"))
        }
        (Some(history), Some(After::Kept(after))) => {
            from_history(history, networks, Query { after: Some(after), ..query })
        }
        (Some(history), None) => from_history(history, networks, query),
        (None, after) => {
            // The error lists the known networks.
            api.chosen(parameters)?;
            let after = after.and_then(|after| match after {
                After::Remembered(place) => Some(place),
                After::Kept(_) => None,
            });
            Ok(from_memory(networks, &query, after.as_ref()))
        }
    }
}

/// The filters of a request.
pub(super) fn conditions(parameters: &Parameters, networks: &[Arc<NetworkState>]) -> Result<Query, ApiError> {
    let kind = |text: &str| EventKind::NAMES.into_iter().find(|name| *name == text);
    let kinds = parameters.each("kind", &format!("one of {}", EventKind::NAMES.join(", ")), kind)?;
    Ok(Query {
        network: parameters.one("network").map(str::to_string),
        masternodes: Selection::read(parameters, networks)?.ids(networks),
        kinds: parameters.has("kind").then_some(kinds),
        heights: heights(parameters)?,
        times: times(parameters)?,
        withdrawn: parameters.flag("withdrawn")?,
        order: parameters.choice("order", &[("newest", Order::NewestFirst), ("oldest", Order::OldestFirst)])?,
        after: None,
        limit: parameters.limit()?,
        budget: Some(BUDGET),
        is_thorough: false,
    })
}

fn heights(parameters: &Parameters) -> Result<Option<RangeInclusive<Height>>, ApiError> {
    let (from, to) = (parameters.number("from_height")?, parameters.number("to_height")?);
    let (first, last) = (from.unwrap_or(0), to.unwrap_or(u32::MAX));
    if first > last {
        return Err(conflict("from_height is above to_height: swap them"));
    }
    Ok((from.is_some() || to.is_some()).then_some(Height(first)..=Height(last)))
}

fn times(parameters: &Parameters) -> Result<Option<RangeInclusive<UnixSeconds>>, ApiError> {
    let expected = "a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z";
    let from = parameters.read_one("from_time", expected, rfc3339::span)?;
    let to = parameters.read_one("to_time", expected, rfc3339::span)?;
    // The time in a block header has 32 bits.
    let (first, last) =
        (from.map_or(UnixSeconds(0), |(first, _)| first), to.map_or(UnixSeconds(u32::MAX.into()), |(_, last)| last));
    if first > last {
        return Err(conflict("from_time is later than to_time: swap them"));
    }
    Ok((from.is_some() || to.is_some()).then_some(first..=last))
}

fn from_history(history: &History, networks: &[Arc<NetworkState>], query: Query) -> Result<FoundEvents, ApiError> {
    // Another network may be recorded. `None` is one that is not.
    let read = |reader: &Reader| {
        let is_other = |name: &String| !networks.iter().any(|network| *network.network == **name);
        if let Some(name) = query.network.as_ref().filter(|name| is_other(name))
            && !reader.networks()?.iter().any(|network| network.name == *name)
        {
            return Ok(None);
        }
        reader.events(&query).map(Some)
    };
    let page = history.read(read).map_err(|error| {
        tracing::debug!("Cannot read the history for the API: {error}");
        unavailable("the history cannot be read at the moment")
    })?;
    let Some(page) = page else {
        let name = query.network.as_deref().unwrap_or_default();
        return Err(missing(format!("the history has no network {}", echo(name))));
    };
    history.rows_omitted(page.skipped);
    let found = |kept: StoredEvent| {
        let recorded = Some((kept.id, kept.withdrawn));
        FoundEvent { network: kept.network, event: kept.event, recorded }
    };
    Ok(FoundEvents {
        is_from_history: true,
        events: page.events.into_iter().map(found).collect(),
        next: page.next.map(|next| next.0.to_string()),
        skipped: page.skipped,
    })
}

fn from_memory(networks: &[Arc<NetworkState>], query: &Query, after: Option<&Place>) -> FoundEvents {
    let asked = |network: &&Arc<NetworkState>| query.network.as_ref().is_none_or(|name| **name == *network.network);
    let mut found: Vec<(Place, &Event)> = networks.iter().filter(asked).flat_map(|network| places(network)).collect();
    found.retain(|(_, event)| fits(query, event));
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    if query.order == Order::NewestFirst {
        found.reverse();
    }
    if let Some(after) = after {
        found.retain(|(place, _)| if query.order == Order::NewestFirst { place < after } else { place > after });
    }
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|(place, _)| place.text());
    let event =
        |(place, event): (Place, &Event)| FoundEvent { network: place.network, event: event.clone(), recorded: None };
    FoundEvents { is_from_history: false, events: found.into_iter().map(event).collect(), next, skipped: 0 }
}

/// The last events of a network, each with its position.
fn places(network: &NetworkState) -> Vec<(Place, &Event)> {
    let events = network.recent_events();
    let mut found = Vec::with_capacity(events.len());
    let (mut height, mut from_end) = (None, 0);
    for event in events.iter().rev() {
        from_end = if height == Some(event.block.height) { from_end + 1 } else { 0 };
        height = Some(event.block.height);
        let (time, height, network) = (event.block.time.0, event.block.height.0, network.network.to_string());
        found.push((Place { time, height, network, from_end: Reverse(from_end) }, event));
    }
    found
}

/// Whether an event matches the filter.
pub(in crate::web) fn fits(query: &Query, event: &Event) -> bool {
    query.masternodes.as_ref().is_none_or(|ids| ids.binary_search(&event.masternode).is_ok())
        && query.kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind.name()))
        && query.heights.as_ref().is_none_or(|heights| heights.contains(&event.block.height))
        && query.times.as_ref().is_none_or(|times| times.contains(&event.block.time))
}
