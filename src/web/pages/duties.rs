//! The DKG sessions ahead of a masternode, as a part of its page.
//!
//! Never here: which seats are known (`domain::duty`).

use maud::{Markup, html};

use crate::web::api::json::Subject;
use crate::web::pages::format;
use domain::duty::{Bounds, Duty, double_seat};
use domain::masternode::{Height, UnixSeconds};

/// Sessions that are listed.
const LISTED: usize = 12;

/// Its known seats, the next ones first, and what follows if it goes offline; nothing where no quorums are known.
pub(super) fn section(subject: &Subject<'_>, now: UnixSeconds) -> Markup {
    let (snapshot, node) = (subject.snapshot, subject.node);
    let Some(duties) = node.and_then(|node| snapshot.duties_ahead(&node)) else { return html! {} };
    let known: Vec<&Duty> = duties.iter().filter(|duty| duty.is_known()).collect();
    let outlook = node.and_then(|node| snapshot.offline_outlook(&node));
    let expected = |height: Height| snapshot.facts().expected_at(height, snapshot.block(), snapshot.rules());
    html! {
        section aria-labelledby="duties" {
            h2 #duties { "DKG sessions ahead" }
            @if known.is_empty() {
                p.none { "No seat is known." }
            } @else {
                ul {
                    @for duty in known.iter().take(LISTED) {
                        li {
                            (duty.quorum_type)
                            @if let Some(index) = duty.index { ", quorum " (index) }
                            " from block " (duty.start.0) ", result due at " (duty.due.0)
                            @if let Some(time) = expected(duty.start) { span.when { (format::format_age(now, time)) } }
                        }
                    }
                    @if known.len() > LISTED { li { (known.len() - LISTED) " more" } }
                }
            }
            @if let Some(height) = double_seat(&duties) {
                p { strong { "Two seats are due at block " (height.0) ": missed together, they ban." } }
            }
            @if let Some(outlook) = outlook {
                p { "If it goes offline now: first penalty " (bounds(outlook.penalty)) ", ban " (bounds(outlook.ban)) "." }
            }
        }
    }
}

fn bounds(bounds: Bounds) -> String {
    match (bounds.exact(), bounds.earliest, bounds.latest) {
        (Some(exact), _, _) => format!("at block {exact}"),
        (None, Some(earliest), Some(latest)) => format!("between blocks {earliest} and {latest}"),
        (None, Some(earliest), None) => format!("not before block {earliest}"),
        (None, None, _) => "not within the sessions that are listed".to_string(),
    }
}
