//! The page of one masternode: alerts, status, score history, reachability, registration, events.
//!
//! Never here: other masternodes.

use std::sync::Arc;

use hyper::StatusCode;
use maud::{Markup, Render, html};

use crate::history::{Order, Query};
use crate::web::api::json::Subject;
use crate::web::api::masternodes::{find, named, probe};
use crate::web::api::{AlertsOf, Api};
use crate::web::pages::events::{self, NetworkEvent};
use crate::web::pages::score_history::ScoreHistory;
use crate::web::pages::{
    alerts, chart, duties, earnings, election, event_search, format, network, probe, revival, rows, unknown,
};
use domain::NetworkState;
use domain::details::Purpose;
use domain::event::Event;
use domain::masternode::{Height, Masternode, MasternodeId, UnixSeconds};
use domain::payout::Payouts;
use domain::quorum_selection::SelectedQuorum;
use domain::{Detail, NodeView, Snapshot};

/// Number of events listed.
const LISTED: usize = 50;

/// Number of events used for the chart.
const DRAWN: usize = 500;

/// Kinds of events that change a score.
const MOVING: [&str; 4] = ["penalty", "ban", "revival", "registration"];

/// The result for an address.
pub(super) struct Found {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) content: Markup,
}

/// The masternode of the last part of the path, an identity, alias or address, in the requested network.
pub(super) fn find_and_show(api: &Api, part: &str, asked: &str) -> Found {
    let (networks, now) = ((api.networks)(), (api.clock)());
    let id = match named(&networks, part, asked).map_err(|refused| api.refusal(refused)) {
        Ok(id) => id,
        Err((status, error)) => return sorry(status, &format!("Not found: {error}.")),
    };
    let snapshots: Vec<_> = networks.iter().filter_map(|network| network.fresh(now)).collect();
    let meant = snapshots.iter().filter(|snapshot| asked.is_empty() || snapshot.network() == asked);
    let found: Vec<Subject<'_>> = meant.filter_map(|snapshot| find(snapshot, &id)).collect();
    match found.as_slice() {
        [] if api.is_restricted
            && !networks.iter().any(|network| network.watched().iter().any(|seen| seen.id == id)) =>
        {
            sorry(StatusCode::NOT_FOUND, "There is no such masternode in this view.")
        }
        // A network without a fresh list may have it.
        [] => unknown::page(api, &networks, id, asked).unwrap_or_else(|| match snapshots.is_empty() {
            true => sorry(StatusCode::SERVICE_UNAVAILABLE, "No network is followed."),
            false => sorry(StatusCode::NOT_FOUND, "This masternode is neither registered nor watched."),
        }),
        [subject] => {
            let content = content(api, &networks, subject, id);
            Found { status: StatusCode::OK, title: name(subject, &id), content }
        }
        several => Found { status: StatusCode::OK, title: format::short_id(&id), content: choice(several, &id) },
    }
}

fn sorry(status: StatusCode, reason: &str) -> Found {
    let content = html! {
        (top(&html! { h1 { "Not found" } }))
        main #content { p.none { (reason) } }
    };
    Found { status, title: "Not found".into(), content }
}

/// The same identity exists in several networks; the reader selects one.
fn choice(several: &[Subject<'_>], id: &MasternodeId) -> Markup {
    html! {
        (top(&html! { h1 { (format::short_id(id)) } }))
        main #content {
            p { "This masternode is in several networks:" }
            ul {
                @for network in several.iter().map(|subject| subject.snapshot.network()) {
                    li { a href=(rows::address(id, network, true)) { (network) } }
                }
            }
        }
    }
}

pub(super) fn top(heading: &Markup) -> Markup {
    html! {
        header.top {
            p { a href=(crate::web::pages::overview::PATH) { "← All masternodes" } }
            (heading)
        }
    }
}

fn name(subject: &Subject<'_>, id: &MasternodeId) -> String {
    let alias = subject.watched.map(|watched| watched.watched.alias.as_str()).filter(|alias| !alias.is_empty());
    alias.map_or_else(|| format::short_id(id), str::to_string)
}

fn content(api: &Api, networks: &[Arc<NetworkState>], subject: &Subject<'_>, id: MasternodeId) -> Markup {
    let (snapshot, now) = (subject.snapshot, (api.clock)());
    let of_it = |kinds: Option<Vec<&'static str>>, limit: usize| Query {
        network: Some(snapshot.network().into()),
        masternodes: Some(vec![id]),
        kinds,
        order: Order::NewestFirst,
        limit,
        ..Query::default()
    };
    let listed = events::newest(api, networks, &of_it(None, LISTED));
    let mut moving = events::newest(api, networks, &of_it(Some(MOVING.to_vec()), DRAWN));
    moving.reverse();
    let called = networks.iter().any(|network| *network.network == *snapshot.network() && network.probes.is_some());
    html! {
        (top(&html! {
            h1 { (name(subject, &id)) }
            p.quiet {
                code { (id) } " on " (snapshot.network()) ", block " (snapshot.block().height.0) ", list read "
                (format::format_age(now, snapshot.read_at()))
            }
        }))
        main #content {
            (alerts::of_masternode(&(api.alerts)(AlertsOf::Masternode(snapshot.network(), &id), alerts::SHOWN), networks, now))
            (standing(subject, now))
            (score(subject, &moving))
            (revival::section(subject))
            (probe::seen(subject, called, probe(networks, snapshot, &id), now))
            (facts(subject, now))
            (duties::section(subject, &id, now))
            (earnings::section(api, subject, &id, now))
            (expected(subject))
            section aria-labelledby="events" {
                h2 #events { "Events" }
                @if listed.is_empty() {
                    p.none { "No known events." }
                } @else {
                    (events::list(&listed, now, |_| html! {}))
                    p { a href=(all_events(snapshot.network(), &id)) { "All its events" } }
                }
            }
        }
    }
}

/// The address of the page with all events of a masternode.
fn all_events(network: &str, id: &MasternodeId) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("network", network).append_pair("masternode", &id.to_string()).finish();
    format!("{}?{query}", event_search::EVENTS)
}

/// The columns of the table of all masternodes.
fn standing(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let scores = subject.snapshot.limits().is_some();
    html! {
        section aria-labelledby="standing" {
            h2.unseen #standing { "Status" }
            dl.tiles {
                div { dt { "Danger" } dd { (rows::danger(subject)) (rows::muted(subject, now)) } }
                @if scores {
                    div { dt { "Score" } dd { (rows::score(subject)) } }
                    div { dt { "Safe again" } dd { (rows::safe(subject, now)) } }
                }
                div { dt { "Queue" } dd { (rows::queue(subject)) } }
                div { dt { "Next payment" } dd { (rows::payment(subject, now)) } }
            }
        }
    }
}

fn score(subject: &Subject<'_>, moving: &[NetworkEvent]) -> Markup {
    let events: Vec<&Event> = moving.iter().map(|happened| &happened.event).collect();
    let known = subject.node.and_then(|node| node.pose()).zip(subject.snapshot.limits());
    let tip = subject.snapshot.block().height;
    html! {
        @if let Some((pose, limits)) = known {
            section aria-labelledby="score" {
                h2 #score { "Score" }
                (chart::chart(&ScoreHistory::new(&events, &pose, tip, &limits.rule), &limits, tip, pose.score().0))
                (chart::table(&events))
            }
        }
    }
}

/// A fact, if known.
fn fact(name: &str, value: Option<impl Render>) -> Markup {
    html! {
        @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
    }
}

fn facts(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let (snapshot, node) = (subject.snapshot, subject.node);
    let masternode = node.map(|node| node.masternode);
    let block = |height: Option<Height>| height.map(|height| height.0);
    let said = |detail: Detail| {
        masternode.and_then(|masternode| masternode.details.get(detail)).map(|text| html! { code { (text) } })
    };
    let announced = masternode.and_then(|masternode| masternode.announced.as_deref());
    let moment = |time: Option<UnixSeconds>| {
        time.map(|time| html! { (format::format_age(now, time)) span.when { (format::format_time(time)) } })
    };
    let window = node.and_then(|node| snapshot.maintenance_window_of(&node));
    let offline = node.and_then(|node| snapshot.seconds_to_ban_if_offline(&node));
    let sessions = node.and_then(|node| snapshot.sessions_per_day(node.masternode.node_type));
    let ban_end = subject.watched.and_then(|watched| snapshot.ban_end(watched));
    html! {
        section aria-labelledby="facts" {
            h2 #facts { "Facts" }
            dl.facts {
                (fact("Kind", masternode.map(|masternode| masternode.node_type.label())))
                (fact("State", subject.state()))
                (fact("Address", said(Detail::Address)))
                @for (purpose, address) in further(masternode) { (fact(purpose, Some(html! { code { (address) } }))) }
                (fact("Payout address", said(Detail::PayoutAddress)))
                @for (payee, part) in parts(masternode) { (fact("Payee", Some(html! { code { (payee) } span.when { (part) } }))) }
                @for share in masternode.iter().flat_map(|masternode| masternode.details.payouts().shares().to_vec()) {
                    (fact("Share", Some(html! { (share.amount) " of owner " code { (share.owner_address) } })))
                }
                (fact("Owner address", said(Detail::OwnerAddress)))
                (fact("Voting address", said(Detail::VotingAddress)))
                (fact("Operator key", said(Detail::OperatorKey)))
                (fact("Operator payout address", said(Detail::OperatorPayoutAddress)))
                (fact("Registration version", masternode.and_then(|masternode| masternode.details.version())))
                (fact("Registered at block", block(masternode.and_then(|masternode| masternode.registered_height.get()))))
                (fact("Revived at block", block(masternode.and_then(|masternode| masternode.revived_height))))
                (fact("Banned at block", block(masternode.and_then(|masternode| masternode.ban_height))))
                (fact("Ban ends about block", block(ban_end)))
                @for ahead in node.iter().flat_map(|node| snapshot.payments().elections().of(node.index)).take(4) {
                    (fact("Payee of block", Some(html! { (ahead.height.0) span.when { (election::word(ahead.certainty)) } })))
                }
                (fact("Last paid at block", block(masternode.and_then(|masternode| masternode.last_paid_height))))
                (fact("Last paid", moment(subject.watched.and_then(|watched| snapshot.last_paid_at(watched)))))
                (fact("Last ping", moment(announced.and_then(|announced| announced.last_seen))))
                (fact("Protocol version", announced.and_then(|announced| announced.protocol_version)))
                (fact("Last reached", moment(masternode.and_then(|masternode| masternode.peer.last_success()))))
                (fact("DKG sessions per day", sessions.map(|sessions| format!("about {sessions:.1}"))))
                @for drawing in &snapshot.facts().drawings { (fact("Next DKG session", seat(snapshot, drawing, node))) }
                (fact("Restart now", window.map(|blocks| network::restart(snapshot, blocks))))
                (fact("Ban if offline, in", offline.map(|seconds| format!("about {}", format::format_duration(seconds.round() as u64)))))
                @for (key, group) in subject.watched.iter().flat_map(|watched| &watched.watched.groups) { (fact(key, Some(group))) }
            }
        }
    }
}

/// All addresses except the primary one.
fn further(masternode: Option<&Masternode>) -> Vec<(&'static str, String)> {
    let Some(details) = masternode.map(|masternode| &masternode.details) else { return Vec::new() };
    let of = |purpose: Purpose| {
        let primary = usize::from(purpose == Purpose::CoreP2p && details.has(Detail::Address));
        details.addresses(purpose).into_iter().skip(primary).map(move |address| (purpose.label(), address))
    };
    Purpose::ALL.into_iter().flat_map(of).collect()
}

/// Payees with their shares, if there is more than one address.
fn parts(masternode: Option<&Masternode>) -> Vec<(String, String)> {
    let Some(details) = masternode.map(|masternode| &masternode.details).filter(|details| !details.is_ordinary())
    else {
        return Vec::new();
    };
    match details.payouts() {
        Payouts::One => Vec::new(),
        Payouts::Unknown => vec![("not known".into(), "the list has an unknown format".into())],
        payouts => {
            let part = |ratio: Option<f64>| match ratio {
                Some(ratio) => format!("{:.2} % of the owner's reward", ratio * 100.0),
                None => "share not known".into(),
            };
            payouts.payees().into_iter().map(|payee| (payee.address.into(), part(payee.ratio))).collect()
        }
    }
}

/// Whether it is a member of a session whose members are known; nothing for types of nodes that are never members.
fn seat(snapshot: &Snapshot, drawing: &SelectedQuorum, node: Option<NodeView<'_>>) -> Option<String> {
    let masternode = node?.masternode;
    let SelectedQuorum { kind, start, .. } = drawing;
    let text = match drawing.seats(&masternode.id) {
        true => format!("member of {} of block {start}, commitment due at {}", kind.name, snapshot.due(drawing)),
        false => format!("not a member of {} of block {start}", kind.name),
    };
    kind.draws(masternode.node_type).then_some(text)
}

/// Expected values of the watch list, and whether they are met.
fn expected(subject: &Subject<'_>) -> Markup {
    let expectations = subject.watched.map_or(&[][..], |watched| &watched.watched.expectations);
    html! {
        @if !expectations.is_empty() {
            section aria-labelledby="expected" {
                h2 #expected { "Expected" }
                dl.facts {
                    @for (field, value) in expectations {
                        @let met = subject.node.and_then(|node| field.met_by(node.masternode, value));
                        div {
                            dt { (field.label().replace('_', " ")) }
                            dd {
                                code { (value) }
                                span.when {
                                    @match met {
                                        Some(true) => "as expected",
                                        Some(false) => strong.alarm { "differs" },
                                        None if subject.node.is_some() => "not known: not in the list",
                                        None => "not registered",
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
