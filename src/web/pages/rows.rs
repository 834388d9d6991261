//! Masternodes in a table, one per row; on a narrow screen each row is a card.
//!
//! The ARIA roles are explicit, because a browser drops them for a table with another CSS display.
//!
//! Never here: selection and order of masternodes.

use maud::{Markup, html};

use crate::web::api::json::Subject;
use crate::web::pages::overview::PATH;
use crate::web::pages::query::PageQuery;
use crate::web::pages::sorting::{self, Column};
use crate::web::pages::{bar, election, format};
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::revival;
use domain::snapshot::{NodeView, Snapshot};

/// The horizon of a payment probability.
const DAY: u64 = 86_400;

/// A masternode in the table.
pub(super) struct Row<'a> {
    pub(super) id: MasternodeId,
    pub(super) subject: Subject<'a>,
}

/// The columns, depending on the chains shown.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    scores: bool,
    pings: bool,
    networks: bool,
}

impl Columns {
    pub(super) fn of(snapshots: &[&Snapshot]) -> Columns {
        Columns {
            scores: snapshots.iter().any(|snapshot| snapshot.limits().is_some()),
            pings: snapshots.iter().any(|snapshot| snapshot.rules().ping.is_some()),
            networks: snapshots.len() > 1,
        }
    }
}

/// Path of the page of a masternode.
pub(super) fn address(id: &MasternodeId, network: &str, several: bool) -> String {
    let mut address = format!("/masternodes/{id}");
    if several {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("network", network).finish();
        address += "?";
        address += &query;
    }
    address
}

/// The table. The heads of columns link to the same table in their order.
pub(super) fn table(rows: &[Row<'_>], columns: Columns, asked: &PageQuery, now: UnixSeconds) -> Markup {
    let head = |column: Column, name: &str| {
        let sorted = sorting::direction(asked.sort, column);
        html! {
            th role="columnheader" scope="col" aria-sort=[sorted] {
                a href=(asked.sorted_by(column).address(PATH)) {
                    (name) @match sorted { Some("ascending") => " ↑", Some(_) => " ↓", None => "" }
                }
            }
        }
    };
    let by_danger = PageQuery { sort: None, page: 1, ..asked.clone() };
    html! {
        table.nodes role="table" {
            caption.unseen { "Masternodes" }
            thead role="rowgroup" {
                tr role="row" {
                    (head(Column::Name, "Masternode"))
                    th role="columnheader" scope="col" { a href=(by_danger.address(PATH)) { "Danger" @if asked.sort.is_none() { " ↓" } } }
                    @if columns.scores { (head(Column::Score, "Score")) (head(Column::Safe, "Safe again")) }
                    @if columns.pings { (head(Column::Ping, "Last ping")) }
                    (head(Column::Queue, "Queue"))
                    (head(Column::Payment, "Next payment"))
                }
            }
            tbody role="rowgroup" {
                @for row in rows { (line(row, columns, now)) }
            }
        }
    }
}

fn line(row: &Row<'_>, columns: Columns, now: UnixSeconds) -> Markup {
    let subject = &row.subject;
    let (class, _) = format::risk(subject.node.map(|node| node.risk()));
    // Not shown on a narrow screen.
    let is_safe = subject.node.and_then(|node| node.pose()).is_some_and(|pose| pose.blocks_until_safe() == Some(0));
    html! {
        tr class=(class) role="row" {
            th.who scope="row" role="rowheader" { (who(row, columns)) }
            td role="cell" data-name="Danger" { (danger(subject)) (muted(subject, now)) (revival(row, columns)) }
            @if columns.scores {
                td.score role="cell" data-name="Score" { (score(subject)) }
                td.minor[is_safe] role="cell" data-name="Safe again" { (safe(subject, now)) }
            }
            @if columns.pings {
                td role="cell" data-name="Last ping" { (ping(subject, now)) }
            }
            td role="cell" data-name="Queue" { (queue(subject)) }
            td role="cell" data-name="Next payment" { (payment(subject, now)) }
        }
    }
}

fn who(row: &Row<'_>, columns: Columns) -> Markup {
    let network = row.subject.snapshot.network();
    let watched = row.subject.watched.map(|watched| &watched.watched);
    let alias = watched.map(|watched| watched.alias.as_str()).filter(|alias| !alias.is_empty());
    let short = format::short_id(&row.id);
    html! {
        a href=(address(&row.id, network, columns.networks)) { (alias.unwrap_or(&short)) }
        span.when {
            @if alias.is_some() { code { (short) } }
            @if columns.networks { " " (network) }
            @for (key, group) in watched.iter().flat_map(|watched| &watched.groups) { " " span.tag { (key) ": " (group) } }
        }
    }
}

/// Until when its alerts are muted by maintenance; nothing if they are not.
pub(super) fn muted(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let until = subject.watched.and_then(|watched| watched.watched.maintenance_until).filter(|until| *until > now);
    html! {
        @if let Some(until) = until { span.when { span.tag { "muted until " (format::format_time(until)) } } }
    }
}

/// A link to the command that revives a banned masternode.
fn revival(row: &Row<'_>, columns: Columns) -> Markup {
    let node = row.subject.node.map(|node| node.masternode);
    let is_revivable = node.is_some_and(|masternode| revival::commands_for(masternode, None).is_some());
    html! {
        @if is_revivable {
            span.when {
                a href={ (address(&row.id, row.subject.snapshot.network(), columns.networks)) "#revival" } { "Revive it" }
            }
        }
    }
}

/// Its risk band, and other states of its chain.
pub(super) fn danger(subject: &Subject<'_>) -> Markup {
    let risk = subject.node.map(|node| node.risk());
    let (class, words) = format::risk(risk);
    let failures = subject.node.and_then(|node| node.pose()).map(|pose| pose.failures_until_ban());
    let state = subject.state().filter(|state| state != "enabled" && state != "pose_banned");
    html! {
        span class={ "badge " (class) } { (words) }
        span.when {
            @match (failures, subject.node.and_then(|node| node.masternode.ban_height)) {
                (Some(2..), _) => { (failures.unwrap_or_default()) " failures until a ban" }
                (_, Some(height)) => {
                    "for about " (format::format_duration(format::seconds_since(subject.snapshot, height)))
                    ", since block " (height.0)
                }
                _ => {}
            }
            @if let Some(state) = state { " " (state.replace('_', " ")) }
        }
    }
}

/// The bar of its score.
pub(super) fn score(subject: &Subject<'_>) -> Markup {
    let known = subject.node.and_then(|node| node.pose()).zip(subject.snapshot.limits());
    html! {
        @match known {
            Some((pose, limits)) => {
                (bar::score(&pose, &limits))
                span.when { strong { (pose.score().0) } " of " (limits.limit) }
            }
            None => (nothing()),
        }
    }
}

/// How long one more failure causes a ban.
pub(super) fn safe(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let pose = subject.node.and_then(|node| node.pose());
    html! {
        @match pose.map(|pose| pose.blocks_until_safe()) {
            Some(Some(0)) => "safe",
            Some(Some(blocks)) => {
                (format::count(blocks.into(), "block"))
                span.when { (format::in_blocks(subject.snapshot, now, blocks)) }
            }
            Some(None) => { "after its revival" }
            None => (nothing()),
        }
    }
}

fn ping(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let seen = subject.node.and_then(|node| node.masternode.announced.as_ref()?.last_seen);
    html! {
        @match seen {
            Some(seen) => (format::format_age(now, seen)),
            None => (nothing()),
        }
    }
}

/// Its position in the payment queue.
pub(super) fn queue(subject: &Subject<'_>) -> Markup {
    let position = subject.node.and_then(|node| node.queue_position);
    let pool = subject.node.zip(subject.snapshot.payments().pool());
    html! {
        @match position {
            Some(position) => {
                (position)
                @if pool.is_some_and(|(node, pool)| pool.has(node.index)) { span.when { "in the pool" } }
            }
            None => (nothing()),
        }
    }
}

/// When it is paid, or the probability of a payment.
pub(super) fn payment(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let snapshot = subject.snapshot;
    html! {
        @match subject.node {
            Some(node) => (payment_of(snapshot, &node, now)),
            None => (nothing()),
        }
    }
}

fn payment_of(snapshot: &Snapshot, node: &NodeView<'_>, now: UnixSeconds) -> Markup {
    let scheduled = snapshot.payments().pool().and_then(|pool| pool.scheduled(node.index));
    let projected = snapshot.payments().projected_height(node.index);
    let elected = snapshot.payments().elections().of(node.index).next();
    let chance = snapshot.payment_probability(node, DAY);
    html! {
        @if let Some(scheduled) = scheduled {
            "block " (scheduled.height.0)
            span.when { (format::count(scheduled.votes.into(), "vote")) ", " (format::in_blocks(snapshot, now, format::blocks_to(snapshot, scheduled.height))) }
        } @else if let Some(elected) = elected {
            "block " (elected.height.0)
            span.when { (election::word(elected.certainty)) ", " (format::in_blocks(snapshot, now, format::blocks_to(snapshot, elected.height))) }
        } @else if let Some(height) = projected {
            "by block " (height.0)
            span.when { (format::in_blocks(snapshot, now, format::blocks_to(snapshot, height))) }
        } @else if let Some(chance) = chance.filter(|_| snapshot.limits().is_none() || !node.masternode.is_banned()) {
            (format::percent(chance))
            span.when { "within 24 h" }
        } @else if node.masternode.is_banned() {
            "none while banned"
        } @else {
            (nothing())
        }
    }
}

/// Not known, or not part of the chain.
fn nothing() -> Markup {
    html! { span.quiet aria-label="none" role="img" { "–" } }
}
