//! The overview: a verdict, masternodes by danger, firing alerts, networks, recent events.
//!
//! Never here: which masternodes a query selects (`selection`), the cells of the table (`rows`), the card of a network (`network`).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use maud::{Markup, html};

use crate::history::{Order, Query};
use crate::web::api::{AlertsOf, Api};
use crate::web::handlers::LandingPage;
use crate::web::pages::event_search::EVENTS as EVENTS_PATH;
use crate::web::pages::events::{self, NetworkEvent};
use crate::web::pages::query::{PageQuery, Show};
use crate::web::pages::rows::{self, Columns, Row};
use crate::web::pages::verdict::Verdict;
use crate::web::pages::{alerts, form, format, network, selection, unknown};
use domain::NetworkState;
use domain::event::EventKind;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::pose::Risk;
use domain::snapshot::Snapshot;

/// Masternodes per page.
const PER_PAGE: usize = 200;

/// Number of recent events shown.
const EVENTS: usize = 15;

/// Path of the page.
pub(super) const PATH: &str = "/";

/// How the watched masternodes are.
pub(super) fn verdict(api: &Api) -> Verdict {
    Verdict::of(&(api.networks)(), &(api.alerts)(AlertsOf::All, 0), (api.clock)())
}

/// Content of the page; without an API only the facts of the program.
pub(super) fn content(
    landing: &LandingPage,
    api: Option<&Api>,
    verdict: Option<&Verdict>,
    asked: &PageQuery,
) -> Markup {
    html! {
        header.top {
            h1 { (landing.name) }
            p.quiet.summary { (landing.summary) }
            @if let Some(verdict) = verdict { (verdict.strip()) }
        }
        main #content {
            @if let Some(api) = api { (of_networks(api, asked)) }
        }
    }
}

fn of_networks(api: &Api, asked: &PageQuery) -> Markup {
    let (networks, now) = ((api.networks)(), (api.clock)());
    let fresh: Vec<&Snapshot> = networks.iter().filter_map(|network| network.fresh(now)).collect();
    let shown: Vec<&Snapshot> =
        fresh.iter().copied().filter(|snapshot| fits(&asked.network, snapshot.network())).collect();
    let watching = networks.iter().any(|network| !network.watched().is_empty());
    let show = if api.is_restricted { Some(Show::Watched) } else { asked.show };
    let show = show.unwrap_or(if watching { Show::Watched } else { Show::AtRisk });
    let firing = (api.alerts)(AlertsOf::All, alerts::SHOWN);
    html! {
        section aria-labelledby="masternodes" {
            h2 #masternodes { (show.said()) }
            (unknown::all(&networks, &asked.network, now))
            (form::form(&fresh, asked, show))
            @if !fresh.is_empty() { (masternodes(&shown, Columns::of(&fresh), asked, show, now)) }
        }
        (alerts::all(&firing, &networks, now))
        section aria-labelledby="networks" {
            h2 #networks { @if networks.len() == 1 { "Network" } @else { "Networks" } }
            div.cards { @for network in &networks { (network::card(network, now, networks.len() > 1)) } }
        }
        section.recent aria-labelledby="events" {
            h2 #events { "Recent events" }
            (events(api, &networks, now))
            p { a href=(EVENTS_PATH) { "Search all events" } }
        }
    }
}

/// Whether a value matches a filter; an empty filter matches all.
fn fits(asked: &str, name: &str) -> bool {
    asked.is_empty() || asked == name
}

fn masternodes(snapshots: &[&Snapshot], columns: Columns, asked: &PageQuery, show: Show, now: UnixSeconds) -> Markup {
    let found = selection::select(snapshots, asked, show);
    let pages = found.len().div_ceil(PER_PAGE).max(1);
    let page = asked.page.min(pages);
    let total = found.len() as u64;
    let shown = found.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE);
    let rows: Vec<Row<'_>> = shown.map(|one| one.row()).collect();
    let last = (page - 1) * PER_PAGE + rows.len();
    html! {
        @if rows.is_empty() {
            (none(asked, show))
        } @else {
            p.quiet {
                (format::count(total, "masternode"))
                @if asked.sort.is_none() { ", closest to a ban first" }
                @if let Some(table) = as_csv(asked, show) { ". " a href=(table) { "As CSV" } }
            }
            (rows::table(&rows, columns, asked, now))
        }
        @if pages > 1 { (form::paging(asked, page, pages, last)) }
    }
}

/// The address of the same masternodes as CSV; `None` for a search, which the API does not have.
fn as_csv(asked: &PageQuery, show: Show) -> Option<String> {
    const LIST: &str = "/api/v1/masternodes?";
    let mut query = form_urlencoded::Serializer::for_suffix(LIST.to_string(), LIST.len());
    query.append_pair("format", "csv");
    match show {
        Show::Watched => drop(query.append_pair("watched", "true")),
        Show::AtRisk => {
            let risks = Risk::ALL.into_iter().filter(|risk| *risk != Risk::Clear);
            query.extend_pairs(risks.map(|risk| ("risk", risk.label())));
        }
        Show::All => {}
    }
    let filters = [("network", &asked.network), ("group", &asked.group), ("state", &asked.state)];
    query.extend_pairs(filters.into_iter().filter(|(_, value)| !value.is_empty()));
    asked.text.is_empty().then(|| query.finish())
}

fn none(asked: &PageQuery, show: Show) -> Markup {
    let all = PageQuery { show: Some(Show::All), page: 1, ..asked.clone() };
    let cleared = PageQuery { show: asked.show, refresh: asked.refresh, sort: asked.sort, ..PageQuery::default() };
    html! {
        p.none {
            @if asked.is_filter() {
                "No masternode matches the filter. "
                @if show != Show::All { a href=(all.address(PATH)) { "Search all masternodes" } " or " }
                a href=(cleared.address(PATH)) { "clear the filter: " (show.said().to_lowercase()) } "."
            } @else if show == Show::AtRisk {
                "No masternode is at risk. " a href=(all.address(PATH)) { "Show all masternodes" } "."
            } @else if show == Show::Watched {
                "No watched masternode is on a fresh list. " a href=(all.address(PATH)) { "Show all masternodes" } "."
            } @else {
                "There are no masternodes."
            }
        }
    }
}

/// Recent events of watched masternodes. If none is watched, of all masternodes without payments, of which each block
/// has one.
fn events(api: &Api, networks: &[Arc<NetworkState>], now: UnixSeconds) -> Markup {
    let watched: HashMap<(&str, MasternodeId), &str> = networks
        .iter()
        .flat_map(|network| network.watched().into_iter().map(|w| ((&*network.network, w.id), w.alias.as_str())))
        .collect();
    let unpaid = || EventKind::NAMES.into_iter().filter(|kind| *kind != "payment").collect();
    let ids: BTreeSet<MasternodeId> = watched.keys().map(|(_, id)| *id).collect();
    let query = Query {
        masternodes: (!ids.is_empty()).then(|| ids.into_iter().collect()),
        kinds: watched.is_empty().then(unpaid),
        order: Order::NewestFirst,
        limit: EVENTS,
        ..Query::default()
    };
    let happened = events::newest(api, networks, &query);
    let who = |happened: &NetworkEvent| {
        let id = happened.event.masternode;
        let alias = watched.get(&(happened.network.as_str(), id)).filter(|alias| !alias.is_empty());
        let name = alias.map_or_else(|| format::short_id(&id), |alias| (*alias).to_string());
        html! { a href=(rows::address(&id, &happened.network, networks.len() > 1)) { (name) } }
    };
    html! {
        @if happened.is_empty() {
            p.none { "No events yet" @if watched.is_empty() { "." } @else { " of watched masternodes." } }
        } @else {
            (events::list(&happened, now, who))
        }
    }
}
