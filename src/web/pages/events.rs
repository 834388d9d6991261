//! What happened, newest first: from the history where there is one, else the last events that the snapshots remember.
//!
//! Never here: how a history is kept.

use std::borrow::Cow;
use std::sync::Arc;

use maud::{Markup, html};

use crate::history::{Query, Reader};
use crate::web::api::Api;
use crate::web::pages::format;
use domain::NetworkState;
use domain::event::{Event, EventKind, Field};
use domain::masternode::UnixSeconds;

/// An event and its network.
pub(super) struct NetworkEvent {
    pub(super) network: String,
    pub(super) event: Event,
}

/// The last events that the query asks for. Where the history cannot be read, those that are remembered.
pub(super) fn newest(api: &Api, networks: &[Arc<NetworkState>], query: &Query) -> Vec<NetworkEvent> {
    let kept = api.history.as_ref().and_then(|history| {
        let reader = Reader::open(&history.path).map_err(|error| error.to_string());
        let page = reader.and_then(|reader| reader.events(query).map_err(|error| error.to_string()));
        page.map_err(|error| tracing::debug!("the history cannot be read for a page: {error}")).ok()
    });
    if let Some(page) = kept {
        let happened = |kept: crate::history::StoredEvent| NetworkEvent { network: kept.network, event: kept.event };
        return page.events.into_iter().map(happened).collect();
    }
    let mut found = Vec::new();
    for network in
        networks.iter().filter(|network| query.network.as_ref().is_none_or(|name| **name == *network.network))
    {
        let events = network.snapshot.as_deref().map_or(&[][..], |snapshot| snapshot.recent_events());
        let fitting = events.iter().rev().filter(|event| crate::web::api::events::fits(query, event)).take(query.limit);
        found.extend(fitting.map(|event| NetworkEvent { network: network.network.to_string(), event: event.clone() }));
    }
    // Stable: the events of one block keep their order.
    found.sort_by_key(|happened| std::cmp::Reverse(happened.event.block.time));
    found.truncate(query.limit);
    found
}

/// A list of events; `who` names the masternode of each, or nothing where all are of one.
pub(super) fn list(happened: &[NetworkEvent], now: UnixSeconds, who: impl Fn(&NetworkEvent) -> Markup) -> Markup {
    html! {
        ol.events {
            @for happened in happened {
                @let event = &happened.event;
                li {
                    span.age { (format::format_age(now, event.block.time)) }
                    span.what { (who(happened)) " " (describe_event(event)) }
                    span.when { "block " (event.block.height.0) @if !event.exact { " or before" } ", " (format::format_time(event.block.time)) }
                }
            }
        }
    }
}

/// What happened, in words.
pub(super) fn describe_event(event: &Event) -> Cow<'static, str> {
    match &event.kind {
        EventKind::Penalty { score, points, failures, quorums, .. } => {
            let sessions = format::count((*failures).into(), "DKG session");
            let mut told = format!("failed {sessions}: {points} points more, {} now", score.0);
            for (number, quorum) in quorums.iter().enumerate() {
                let before = if number == 0 { " (" } else { ", " };
                told += &format!("{before}{} formed at {}", quorum.quorum_type, quorum.height.0);
            }
            if !quorums.is_empty() {
                told.push(')');
            }
            told.into()
        }
        EventKind::Ban { cause, .. } => match cause {
            domain::BanCause::Dkg => "was banned: its score reached the limit".into(),
            domain::BanCause::Revoked => "was banned: its operator revoked the key".into(),
            domain::BanCause::KeyChanged => "was banned: its owner named another operator key".into(),
            domain::BanCause::NoAddress => "was banned: registered without an address".into(),
            domain::BanCause::Platform => "was banned: the Platform asked for it".into(),
            domain::BanCause::Unknown => "was banned".into(),
        },
        EventKind::Revival => "was revived".into(),
        EventKind::Registration => "was registered".into(),
        EventKind::Removal => "left the list: its collateral was spent".into(),
        EventKind::Payment { amount, payees } => {
            let parts = payees.iter().map(|(address, amount)| format!("{amount} to {address}")).collect::<Vec<_>>();
            let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
            amount.map_or_else(|| "was paid".into(), |amount| format!("was paid {amount}{parts}").into())
        }
        EventKind::PaymentLost => "lost its place in the payment queue".into(),
        EventKind::Change(field, change) => match change {
            Some(change) => {
                let side = |text: &str| if text.is_empty() { "none".to_string() } else { text.to_string() };
                let (before, after) = (side(&change.before), side(&change.after));
                format!("{}: {after}, before {before}", changed(*field)).into()
            }
            None => changed(*field).into(),
        },
        EventKind::State { from, to } => format!("went from {from} to {to}").into(),
    }
}

fn changed(field: Field) -> &'static str {
    match field {
        Field::Address => "has another address",
        Field::Payout => "has other payees",
        Field::OperatorKey => "has another operator key",
        Field::VotingKey => "has another voting key",
        Field::OperatorPayout => "has another payout address of the operator",
        Field::Addresses => "has other further addresses",
        Field::Version => "has another version of its registration",
    }
}
