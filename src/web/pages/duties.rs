//! The DKG sessions of a masternode, past and ahead, and when it can be restarted, as a part of its page.
//!
//! Never here: which seats are known (`domain::duty`); when to restart (`domain::restart`).

use maud::{Markup, html};

use crate::web::api::duties::RESTART_MINUTES;
use crate::web::api::json::Subject;
use crate::web::pages::format;
use domain::dkg_outcome::PastSession;
use domain::duty::{Bounds, Duty, OUTLOOK_BLOCKS, double_seat};
use domain::masternode::{Height, MasternodeId, UnixSeconds};
use domain::restart::{QuietWindow, RestartOutlook};
use domain::snapshot::Snapshot;

/// Sessions that are listed.
const LISTED: usize = 12;

/// Blocks of the strip before the tip: one cycle of the rotating type of mainnet.
const PAST_BLOCKS: u32 = 288;

/// Its known seats, the next ones first, and what follows if it goes offline; nothing where no quorums are known.
pub(super) fn section(subject: &Subject<'_>, id: &MasternodeId, now: UnixSeconds) -> Markup {
    let (snapshot, node) = (subject.snapshot, subject.node);
    let Some(duties) = node.and_then(|node| snapshot.duties_ahead(&node)) else { return html! {} };
    let known: Vec<&Duty> = duties.iter().filter(|duty| duty.is_known()).collect();
    let outlook = node.and_then(|node| snapshot.offline_outlook(&node));
    let restart = snapshot.restart_blocks(u64::from(RESTART_MINUTES) * 60);
    let restart = node.and_then(|node| snapshot.restart_outlook(&node, restart));
    let calendar = format!("/api/v1/masternodes/{id}/duties.ics");
    html! {
        section aria-labelledby="duties" {
            h2 #duties { "DKG sessions" }
            (strip(snapshot, subject.watched.map_or(&[][..], |watched| &watched.past_sessions), &duties))
            (counts(subject))
            h3 { "Ahead" }
            @if known.is_empty() {
                p.none { "No seat is known." }
            } @else {
                ul {
                    @for duty in known.iter().take(LISTED) {
                        li {
                            (duty.quorum_type)
                            @if let Some(index) = duty.index { ", quorum " (index) }
                            " from block " (duty.start.0) ", result due at " (duty.due.0)
                            @if duty.start > snapshot.block().height {
                                "; begins in " (format::in_blocks(snapshot, now, format::blocks_to(snapshot, duty.start)))
                            } @else { "; under way" }
                        }
                    }
                    @if known.len() > LISTED { li { (known.len() - LISTED) " more" } }
                }
            }
            p { a href=(calendar) { "Calendar of its sessions" } " (iCalendar, to subscribe to)" }
            @if let Some(height) = double_seat(&duties) {
                p { strong { "Two seats are due at block " (height.0) ": missed together, they ban." } }
            }
            @if let Some(outlook) = outlook {
                p { "If it goes offline now: first penalty " (bounds(outlook.penalty)) ", ban " (bounds(outlook.ban)) "." }
            }
            @if let Some(restart) = restart { (restarts(snapshot, &restart)) }
        }
    }
}

/// Sessions along the blocks: attended, missed, known ahead, possible.
fn strip(snapshot: &Snapshot, past: &[PastSession], duties: &[Duty]) -> Markup {
    let tip = snapshot.block().height;
    let first = Height(tip.0.saturating_sub(PAST_BLOCKS));
    let total = f64::from(tip.above(first) + OUTLOOK_BLOCKS);
    let x = |height: Height| 1000.0 * f64::from(height.above(first)) / total;
    let busy = |name: &str, start: Height| {
        let kind = snapshot.quorum_types().unwrap_or_default().iter().find(|kind| kind.name == name);
        kind.map_or(start, |kind| kind.free_from(kind.begun(start)))
    };
    let past: Vec<&PastSession> = past.iter().filter(|session| session.start >= first).collect();
    let marks = |attended: bool| past.iter().filter(move |session| session.attended == attended);
    let ahead = |is_known: bool| duties.iter().filter(move |duty| duty.is_known() == is_known);
    let mut drawn: Vec<(&str, Height, Height)> = Vec::new();
    drawn.extend(ahead(false).map(|duty| ("possible", duty.start, duty.end)));
    drawn.extend(ahead(true).map(|duty| ("known", duty.start, duty.end)));
    let ended = |session: &PastSession, class| (class, session.start, busy(&session.quorum_type, session.start));
    drawn.extend(marks(true).map(|session| ended(session, "attended")));
    drawn.extend(marks(false).map(|session| ended(session, "missed")));
    let (attended, missed) = (marks(true).count(), marks(false).count());
    let (seats, open) = (ahead(true).count(), ahead(false).count());
    let text = format!(
        "Sessions from block {first} to {}: {attended} attended, {missed} missed, {seats} known ahead, {open} possible",
        tip.after(OUTLOOK_BLOCKS)
    );
    html! {
        svg.strip viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label=(text) {
            rect.track width="1000" height="24" {}
            @for (class, start, end) in drawn {
                @let (from, to) = (x(start), x(end));
                @let width = (to - from).max(2.0);
                rect class={ "seat " (class) } x=(format!("{from:.1}")) width=(format!("{width:.1}")) height="24" {}
            }
            rect.mark x=(format!("{:.1}", x(tip))) width="2" height="24" {}
        }
        ul.legend aria-label="Sessions in the strip" {
            @for (class, count, words) in [
                ("attended", attended, "attended"), ("missed", missed, "missed"), ("known", seats, "known ahead"),
                ("possible", open, "possible"),
            ] {
                li { span class={ "dot " (class) } {} strong { (count) } " " (words) }
            }
        }
        p.when {
            "From block " (first) " to " (tip.after(OUTLOOK_BLOCKS)) "; the mark is block " (tip)
            ". Sessions that ended before this process started are counted, but not drawn."
        }
    }
}

/// Sessions missed of all that formed a quorum, by type, since counting began; nothing where they are not counted.
fn counts(subject: &Subject<'_>) -> Markup {
    let Some(watched) = subject.watched else { return html! {} };
    let types = subject.snapshot.quorum_types().unwrap_or_default();
    let counted: Vec<_> =
        types.iter().filter_map(|kind| Some((kind.name, subject.snapshot.memberships(watched, kind.name)?))).collect();
    html! {
        @if !counted.is_empty() {
            h3 { "Since counting began" }
            ul {
                @for (name, memberships) in counted {
                    li { (name) ": " (memberships.invalid) " of " (memberships.valid + memberships.invalid) " missed" }
                }
            }
        }
    }
}

/// When it can be restarted.
fn restarts(snapshot: &Snapshot, outlook: &RestartOutlook) -> Markup {
    let window = |window: QuietWindow| {
        let expected = snapshot.facts().expected_at(window.after, snapshot.block(), snapshot.rules());
        html! {
            "after block " (window.after)
            @if let Some(time) = expected { " (" (format::format_time(time)) ")" }
            ", for " (window.blocks) " blocks"
        }
    };
    html! {
        h3 { "Restart of " (RESTART_MINUTES) " minutes" }
        p { "Up to " (outlook.blocks) " blocks may arrive during it. If it begins now, it " (outlook.now.describe()) "." }
        @match (outlook.next(), outlook.longest()) {
            (Some(next), _) if next.after == outlook.tip => {}
            (Some(next), _) => p { "Next window: " (window(next)) "." }
            (None, _) => p { "No window is long enough up to block " (outlook.until) "." }
        }
        @if let Some(longest) = outlook.longest() { p { "Longest window: " (window(longest)) "." } }
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
