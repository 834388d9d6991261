//! Watched masternodes whose state is not known, because their network has no fresh list, or one that is in doubt.
//!
//! Never here: the last known state, which may be wrong by now.

use std::sync::Arc;

use hyper::StatusCode;
use maud::{Markup, html};

use crate::history::{Order, Query};
use crate::web::api::{AlertsOf, Api};
use crate::web::pages::masternode::{Found, top};
use crate::web::pages::{alerts, events, format, rows};
use domain::NetworkState;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::watch::WatchTarget;

/// Number of events listed of one masternode.
const LISTED: usize = 50;

/// A list of them for each network without a fresh list, or for the one that is asked for; nothing if all lists are fresh.
pub(super) fn all(networks: &[Arc<NetworkState>], asked: &str, now: UnixSeconds) -> Markup {
    let several = networks.len() > 1;
    let is_asked = |network: &&Arc<NetworkState>| asked.is_empty() || *network.network == *asked;
    html! {
        @for network in networks.iter().filter(is_asked).filter(|network| network.fresh(now).is_none()) {
            @let watched = network.watched();
            @if !watched.is_empty() {
                p {
                    strong.alarm { (format::count(watched.len() as u64, "watched masternode")) " of " (network.network) ": " (since(network, now)) "." }
                }
                ul.events {
                    @for target in watched {
                        li {
                            span.badge.absent { "not known" }
                            span.what { a href=(rows::address(&target.id, &network.network, several)) { (name(target)) } }
                            span.when { (since(network, now)) }
                        }
                    }
                }
            }
        }
    }
}

/// The page of a masternode that may be one of a network without a fresh list. `None` if all lists are fresh.
pub(super) fn page(api: &Api, networks: &[Arc<NetworkState>], id: MasternodeId, asked: &str) -> Option<Found> {
    let now = (api.clock)();
    let is_asked = |network: &&Arc<NetworkState>| asked.is_empty() || *network.network == *asked;
    let mut unknown = networks.iter().filter(is_asked).filter(|network| network.fresh(now).is_none());
    let first = unknown.clone().next()?;
    let watched = |network: &Arc<NetworkState>| network.watched().into_iter().any(|target| target.id == id);
    let network = unknown.find(|network| watched(network)).unwrap_or(first);
    let target = network.watched().into_iter().find(|target| target.id == id);
    let name = target.map_or_else(|| format::short_id(&id), name);
    let query = Query {
        network: Some(network.network.to_string()),
        masternodes: Some(vec![id]),
        order: Order::NewestFirst,
        limit: LISTED,
        ..Query::default()
    };
    let listed = events::newest(api, networks, &query);
    let firing = (api.alerts)(AlertsOf::Masternode(&network.network, &id), alerts::SHOWN);
    let content = html! {
        (top(&html! { h1 { (name) } p.quiet { code { (id) } " of " (network.network) } }))
        main #content {
            (alerts::of_masternode(&firing, networks, now))
            section aria-labelledby="standing" {
                h2 #standing { "Status" }
                p { strong.alarm { "The state is " (since(network, now)) "." } @if network.doubt(now).is_none() { " No source confirms the masternode list." } }
                @if target.is_none() { p { "Whether this masternode is registered is not known either." } }
            }
            section aria-labelledby="events" {
                h2 #events { "Events" }
                @if listed.is_empty() { p.none { "No known events." } } @else { (events::list(&listed, now, |_| html! {})) }
            }
        }
    };
    Some(Found { status: StatusCode::SERVICE_UNAVAILABLE, title: format!("{name}: not known"), content })
}

fn name(target: &WatchTarget) -> String {
    if target.alias.is_empty() { format::short_id(&target.id) } else { target.alias.clone() }
}

fn since(network: &NetworkState, now: UnixSeconds) -> Markup {
    let since = network.unknown_since();
    html! {
        @match network.doubt(now) {
            Some(doubt) => { "not known: " (doubt) }
            None => {
                "not known since " (format::format_time(since))
                @if network.confirmed.is_none() { " (start of the exporter)" }
                ", " (format::format_age(now, since))
            }
        }
    }
}
