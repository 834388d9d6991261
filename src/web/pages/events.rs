//! Events, newest first: from the history if enabled, otherwise the last ones in the snapshots.
//!
//! Never here: the storage of events.

use std::sync::Arc;

use maud::{Markup, html};

use crate::history::Query;
use crate::web::api::Api;
use crate::web::api::events::BUDGET;
use crate::web::pages::format;
use domain::NetworkState;
use domain::event::Event;
use domain::masternode::UnixSeconds;

/// An event and its network.
pub(super) struct NetworkEvent {
    pub(super) network: String,
    pub(super) event: Event,
}

/// The last events of a query. If the history cannot be read, those in the snapshots.
pub(super) fn newest(api: &Api, networks: &[Arc<NetworkState>], query: &Query) -> Vec<NetworkEvent> {
    let query = &Query { budget: Some(BUDGET), ..api.permitted(networks, query.clone()) };
    let kept = api.history.as_ref().and_then(|history| {
        let page = history.read(|reader| reader.events(query));
        page.inspect(|page| history.rows_omitted(page.skipped))
            .map_err(|error| tracing::debug!("Cannot read the history for a page: {error}"))
            .ok()
    });
    // A search that ran out of time before it found anything says nothing.
    if let Some(page) = kept.filter(|page| page.next.is_none() || !page.events.is_empty()) {
        let happened = |kept: crate::history::StoredEvent| NetworkEvent { network: kept.network, event: kept.event };
        return page.events.into_iter().map(happened).collect();
    }
    let mut found = Vec::new();
    for network in
        networks.iter().filter(|network| query.network.as_ref().is_none_or(|name| **name == *network.network))
    {
        let events = network.recent_events();
        let fitting = events.iter().rev().filter(|event| crate::web::api::events::fits(query, event)).take(query.limit);
        found.extend(fitting.map(|event| NetworkEvent { network: network.network.to_string(), event: event.clone() }));
    }
    // The sort is stable: events of one block keep their order.
    found.sort_by_key(|happened| std::cmp::Reverse(happened.event.block.time));
    found.truncate(query.limit);
    found
}

/// A list of events; `who` names the masternode of each, or nothing if all are of one.
pub(super) fn list(happened: &[NetworkEvent], now: UnixSeconds, who: impl Fn(&NetworkEvent) -> Markup) -> Markup {
    html! {
        ol.events {
            @for happened in happened {
                @let event = &happened.event;
                li {
                    span.age { (format::format_age(now, event.block.time)) }
                    span.what { (who(happened)) " " (event.kind.describe()) }
                    span.when { "block " (event.block.height.0) @if !event.exact { " or before" } ", " (format::format_time(event.block.time)) }
                }
            }
        }
    }
}
