//! The page of events: a form with the filters of the API, and the events that match, page by page.
//!
//! Never here: the filters themselves (`api`).

use std::collections::BTreeSet;

use hyper::StatusCode;
use maud::{Markup, html};

use crate::web::api::Api;
use crate::web::api::events::{Aliases, FoundEvent, search};
use crate::web::pages::events::{self, NetworkEvent};
use crate::web::pages::masternode::{Found, top};
use crate::web::pages::{form, format, rows};
use domain::event::EventKind;

/// Path of the page.
pub(in crate::web) const EVENTS: &str = "/events";

/// Events per page, unless asked for.
const PER_PAGE: &str = "100";

/// The parameters of a request; a field of the form that was left empty is no filter.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn read(query: &str) -> Asked {
        let pairs =
            form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.trim().to_string()));
        Asked(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The same query with another value of a parameter, or the default where none is given.
    fn with(&self, name: &str, value: &str) -> String {
        let kept =
            self.0.iter().filter(|(known, _)| known != name).map(|(name, value)| (name.as_str(), value.as_str()));
        let changed = Some((name, value)).filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.chain(changed)).finish()
    }
}

/// The page.
pub(super) fn page(api: &Api, query: &str) -> Found {
    let (networks, now) = ((api.networks)(), (api.clock)());
    let asked = Asked::read(query);
    let limited = if asked.get("limit").is_empty() { asked.with("limit", PER_PAGE) } else { asked.with("", "") };
    let found = search(api, &networks, &limited).map_err(|refused| api.refusal(refused));
    let status = found.as_ref().err().map_or(StatusCode::OK, |(status, _)| *status);
    let aliases = Aliases::of(&networks);
    let several = networks.len() > 1;
    let who = |happened: &NetworkEvent| {
        let id = happened.event.masternode;
        let alias = aliases.get(&happened.network, id);
        let name = if alias.is_empty() { format::short_id(&id) } else { alias.to_string() };
        html! { a href=(rows::address(&id, &happened.network, several)) { (name) } @if several { " on " (happened.network) } " " }
    };
    let names: BTreeSet<String> = networks.iter().map(|network| network.network.to_string()).collect();
    let groups: BTreeSet<String> = networks.iter().flat_map(|network| network.known_groups()).collect();
    let content = html! {
        (top(&html! { h1 { "Events" } }))
        main #content {
            (fields(&asked, &names, &groups))
            @match found {
                Err((_, error)) => p.none { strong.alarm { "No events: " } (error) "." },
                Ok(found) if found.events.is_empty() && found.next.is_none() => p.none { "No known event matches." },
                Ok(found) => {
                    @let next = found.next.map(|next| asked.with("after", &next));
                    @let happened: Vec<NetworkEvent> = found.events.into_iter().map(event).collect();
                    (events::list(&happened, now, who))
                    nav.paging aria-label="Pages" {
                        @if !asked.get("after").is_empty() { a href={ (EVENTS) "?" (asked.with("after", "")) } { "First page" } }
                        @if let Some(next) = next { a rel="next" href={ (EVENTS) "?" (next) } { "Next page" } }
                        a href={ "/api/v1/events?" (limited) } { "As JSON" }
                    }
                },
            }
        }
    };
    Found { status, title: "Events".into(), content }
}

fn event(found: FoundEvent) -> NetworkEvent {
    NetworkEvent { network: found.network, event: found.event }
}

fn fields(asked: &Asked, networks: &BTreeSet<String>, groups: &BTreeSet<String>) -> Markup {
    let kinds: BTreeSet<String> = EventKind::NAMES.iter().map(ToString::to_string).collect();
    let watched = asked.get("watched") == "true";
    let group = asked.get("group").replacen(':', "=", 1);
    html! {
        form.filter method="get" action=(EVENTS) role="search" {
            label { "Alias, hash or address" input type="search" name="masternode" value=(asked.get("masternode")) autocomplete="off"; }
            @if networks.len() > 1 { (form::choice("Network", "network", networks, asked.get("network"))) }
            @if !groups.is_empty() { (form::choice("Group", "group", groups, &group)) }
            (form::choice("Kind", "kind", &kinds, asked.get("kind")))
            label { "Of" select name="watched" {
                option value="" { "all masternodes" }
                option value="true" selected[watched] { "watched masternodes" }
            } }
            label { "From" input type="date" name="from_time" value=(asked.get("from_time")); }
            label { "To" input type="date" name="to_time" value=(asked.get("to_time")); }
            button type="submit" { "Filter" }
        }
    }
}
