//! Events: from the history if enabled, otherwise the last ones in the snapshots.
//!
//! Never here: the JSON of an event (`json`); the storage of events.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::history::{EventId, Order, Query, Reader};
use crate::web::api::json::{self, Object};
use crate::web::api::parameters::{MOST, Parameter, Parameters, choice, echo, flag, group, label, name, whole};
use crate::web::api::{Api, ApiError, conflict, missing, openapi, unavailable};
use domain::NetworkState;
use domain::event::{Event, EventKind};
use domain::masternode::{Height, MasternodeId, UnixSeconds};
use domain::rfc3339;
use domain::watch::{WatchTarget, parse_group};

/// Time limit of a search. A page that ends because of it contains a cursor.
const BUDGET: Duration = Duration::from_millis(50);

/// Parameters of a page of events.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::NETWORK,
    Parameter::many("masternode", "Filter by masternode. Can be repeated.", openapi::masternode_id),
    Parameter::many("alias", "Filter by alias in the watch list. Can be repeated.", name),
    Parameter::many(
        "group",
        "Filter by group in the watch list, written key=value or key:value. If repeated, all must match.",
        group,
    ),
    Parameter::once("watched", "Only events of watched masternodes.", flag),
    Parameter::many("kind", "Filter by kind of event. Can be repeated.", || label(&EventKind::NAMES)),
    Parameter::once("from_height", "Lowest block height, inclusive.", height),
    Parameter::once("to_height", "Highest block height, inclusive.", height),
    Parameter::once("from_time", "Earliest day or block time, inclusive.", day_or_time),
    Parameter::once("to_time", "Latest day or block time, inclusive.", day_or_time),
    Parameter::once("withdrawn", "Include events reverted by a chain reorganisation.", flag),
    Parameter::once("order", "newest: the last recorded first. oldest: the first recorded first.", || {
        choice(&["newest", "oldest"])
    }),
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

pub(super) fn day_or_time() -> Value {
    let day = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])";
    let time = "(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?";
    json!({
        "type": "string",
        "pattern": format!("^(19[7-9][0-9]|20[0-9][0-9])-({day}){time}$"),
        "examples": ["2026-01-31", "2026-01-31T12:00:00Z"],
    })
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
pub(super) struct Aliases<'a>(HashMap<(&'a str, MasternodeId), &'a WatchTarget>);

impl<'a> Aliases<'a> {
    pub(super) fn of(networks: &'a [Arc<NetworkState>]) -> Aliases<'a> {
        let named = networks.iter().flat_map(|network| {
            let watched = network.watched().into_iter();
            watched.map(|watched| ((&*network.network, watched.id), watched))
        });
        Aliases(named.collect())
    }

    fn get(&self, network: &'a str, id: MasternodeId) -> &'a str {
        self.0.get(&(network, id)).map_or("", |watched| watched.alias.as_str())
    }

    /// The alias of a masternode and its groups, as `key=value`.
    pub(super) fn names(&self, network: &str, id: MasternodeId) -> (String, Vec<String>) {
        let Some(watched) = self.0.get(&(network, id)) else { return Default::default() };
        (watched.alias.clone(), watched.groups.iter().map(|(key, group)| format!("{key}={group}")).collect())
    }

    /// The masternodes of these aliases.
    fn resolve(&self, aliases: impl Iterator<Item = &'a str>, into: &mut Vec<MasternodeId>) -> Result<(), ApiError> {
        for alias in aliases {
            let before = into.len();
            into.extend(self.0.iter().filter(|(_, watched)| watched.alias == alias).map(|((_, id), _)| *id));
            if into.len() == before {
                return Err(missing(format!("no alias {} in the watch list", echo(alias))));
            }
        }
        Ok(())
    }

    /// The masternodes that have all these groups.
    pub(super) fn members(&self, groups: &[(&str, &str)]) -> Result<Vec<MasternodeId>, ApiError> {
        let has = |watched: &WatchTarget, (key, group): &(&str, &str)| {
            watched.groups.get(*key).is_some_and(|value| value == group)
        };
        if let Some((key, group)) = groups.iter().find(|group| !self.0.values().any(|watched| has(watched, group))) {
            return Err(missing(format!("no group {} in the watch list", echo(&format!("{key}={group}")))));
        }
        let members = self.0.values().filter(|watched| groups.iter().all(|group| has(watched, group)));
        Ok(members.map(|watched| watched.id).collect())
    }
}

/// A page of events.
pub(super) fn page(api: &Api, query: &str) -> Result<Events, ApiError> {
    let parameters = Parameters::read(query, PARAMETERS)?;
    let networks = (api.networks)();
    let aliases = Aliases::of(&networks);
    let after = parameters.read_one("after", "the next of a page, or the id of an event", after)?;
    let query = api.permitted(&networks, conditions(&parameters, &aliases)?);
    match (&api.history, after) {
        (None, Some(After::Kept(_))) | (Some(_), Some(After::Remembered(_))) => {
            Err(conflict("after is from an earlier run of the exporter: start again without it"))
        }
        (Some(history), after) => {
            let after = after.and_then(|after| match after {
                After::Kept(id) => Some(id),
                After::Remembered(_) => None,
            });
            from_history(&history.path, &networks, &aliases, Query { after, ..query })
        }
        (None, after) => {
            // The error lists the known networks.
            api.chosen(&parameters)?;
            let after = after.and_then(|after| match after {
                After::Remembered(place) => Some(place),
                After::Kept(_) => None,
            });
            from_memory(&networks, &aliases, &query, after.as_ref())
        }
    }
}

pub(super) fn conditions<'a>(parameters: &'a Parameters, aliases: &Aliases<'a>) -> Result<Query, ApiError> {
    let id = "a proTxHash, or txid-n of a collateral";
    let mut masternodes = parameters.each("masternode", id, |text| text.parse().ok())?;
    aliases.resolve(parameters.all("alias"), &mut masternodes)?;
    let is_named = parameters.has("masternode") || parameters.has("alias");
    let expected = "a group and its value, such as operator=acme";
    parameters.each("group", expected, |text| parse_group(text).map(drop))?;
    let groups: Vec<(&str, &str)> = parameters.all("group").filter_map(parse_group).collect();
    let is_watched = parameters.flag("watched")? || !groups.is_empty();
    if is_watched {
        let members = aliases.members(&groups)?;
        masternodes =
            if is_named { masternodes.into_iter().filter(|id| members.contains(id)).collect() } else { members };
    }
    masternodes.sort_unstable();
    masternodes.dedup();
    let kind = |text: &str| EventKind::NAMES.into_iter().find(|name| *name == text);
    let kinds = parameters.each("kind", &format!("one of {}", EventKind::NAMES.join(", ")), kind)?;
    Ok(Query {
        network: parameters.one("network").map(str::to_string),
        masternodes: (is_named || is_watched).then_some(masternodes),
        kinds: parameters.has("kind").then_some(kinds),
        heights: heights(parameters)?,
        times: times(parameters)?,
        withdrawn: parameters.flag("withdrawn")?,
        order: parameters.choice("order", &[("newest", Order::NewestFirst), ("oldest", Order::OldestFirst)])?,
        after: None,
        limit: parameters.limit()?,
        budget: Some(BUDGET),
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

fn from_history(
    path: &std::path::Path,
    networks: &[Arc<NetworkState>],
    aliases: &Aliases<'_>,
    query: Query,
) -> Result<Events, ApiError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        tracing::debug!("Cannot read the history for the API: {error}");
        unavailable("the history cannot be read at the moment")
    };
    let reader = Reader::open(path).map_err(|error| unreadable(&error))?;
    if let Some(name) = &query.network
        && !networks.iter().any(|network| *network.network == **name)
    {
        let recorded = reader.networks().map_err(|error| unreadable(&error))?;
        if !recorded.iter().any(|network| network.name == *name) {
            return Err(missing(format!("the history has no network {}", echo(name))));
        }
    }
    let page = reader.events(&query).map_err(|error| unreadable(&error))?;
    let event = |kept: &crate::history::StoredEvent| {
        let alias = aliases.get(&kept.network, kept.event.masternode);
        json::Event::new(&kept.event, &kept.network, alias, Some((kept.id, kept.withdrawn))).json()
    };
    let next = page.next.map(|next| next.0.to_string());
    Ok(Events { history: true, events: page.events.iter().map(event).collect(), next, skipped: page.skipped })
}

fn from_memory(
    networks: &[Arc<NetworkState>],
    aliases: &Aliases<'_>,
    query: &Query,
    after: Option<&Place>,
) -> Result<Events, ApiError> {
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
    let event = |(place, event): &(Place, &Event)| {
        json::Event::new(event, &place.network, aliases.get(&place.network, event.masternode), None).json()
    };
    Ok(Events { history: false, events: found.iter().map(event).collect(), next, skipped: 0 })
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
