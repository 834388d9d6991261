//! Firing alerts: severity, description, since when, runbook.
//!
//! Never here: evaluation.

use std::sync::Arc;

use maud::{Markup, html};

use crate::web::api::alert_begin::Begin;
use crate::web::api::{Alert, Firing};
use crate::web::pages::runbook::RUNBOOKS;
use crate::web::pages::verdict::Verdict;
use crate::web::pages::{format, rows};
use domain::NetworkState;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::watch::{NOTHING_WATCHED, WATCH_LINES};

/// Number of alerts shown; more are only counted.
pub(super) const SHOWN: usize = 20;

/// All alerts, or a note that there are none: in green only if the verdict is.
pub(super) fn all(firing: &Firing, networks: &[Arc<NetworkState>], now: UnixSeconds) -> Markup {
    let several = networks.len() > 1;
    let unknown = networks.iter().filter(|network| network.fresh(now).is_none());
    let unknown: Vec<&str> = unknown.map(|network| &*network.network).collect();
    let blind: Vec<&str> =
        networks.iter().filter(|network| network.watched().is_empty()).map(|network| &*network.network).collect();
    html! {
        section.brief aria-labelledby="alerts" {
            h2 #alerts { "Alerts" }
            @if !unknown.is_empty() {
                p {
                    strong.alarm { "Alerts about masternodes of " (unknown.join(", ")) " are not evaluated: " }
                    "there is no fresh list. Active alerts stay active."
                }
            }
            @if !blind.is_empty() { (nothing_watched(&blind, several)) }
            @if !firing.alerts.is_empty() {
                p.quiet { (counted(firing)) }
                (list(firing, networks, now, |alert| who(alert, several)))
            } @else if !(unknown.is_empty() && blind.is_empty()) {
                p.none { "No other alerts are firing." }
            } @else if Verdict::of(networks, firing, now).is_well() {
                p.none { span.dot.clear {} "No alerts are firing." }
            } @else {
                p.none { "No alerts are firing. A condition must hold for some time before its alert fires, and maintenance mutes it." }
            }
        }
    }
}

/// What it means that nothing is watched, and the lines of the configuration that change it.
fn nothing_watched(networks: &[&str], several: bool) -> Markup {
    html! {
        p {
            strong.alarm { (NOTHING_WATCHED) }
            @if several { " This is true of " (networks.join(", ")) "." }
            " Add your masternodes to the configuration:"
        }
        pre tabindex="0" role="region" aria-label="Lines of the configuration" { code { (WATCH_LINES) } }
    }
}

/// Alerts of one masternode; nothing if there are none.
pub(super) fn of_masternode(firing: &Firing, networks: &[Arc<NetworkState>], now: UnixSeconds) -> Markup {
    html! {
        @if !firing.alerts.is_empty() {
            section aria-labelledby="alerts" {
                h2 #alerts { "Alerts" }
                (list(firing, networks, now, |_| html! {}))
            }
        }
    }
}

fn counted(firing: &Firing) -> Markup {
    html! {
        (firing.critical) " critical, " (format::count(firing.warning as u64, "warning"))
        @let left_out = (firing.critical + firing.warning).saturating_sub(firing.alerts.len());
        @if left_out > 0 { "; the " (firing.alerts.len()) " most severe are shown" }
    }
}

/// One item for each name: an alert, or the number of alerts and each of them below.
fn list(firing: &Firing, networks: &[Arc<NetworkState>], now: UnixSeconds, who: impl Fn(&Alert) -> Markup) -> Markup {
    let mut groups: Vec<Vec<&Alert>> = Vec::new();
    for alert in &firing.alerts {
        match groups.iter_mut().find(|group| group[0].name == alert.name) {
            Some(group) => group.push(alert),
            None => groups.push(vec![alert]),
        }
    }
    let ago = |time: UnixSeconds| format::format_duration(now.0.saturating_sub(time.0));
    let age = |alert: &Alert| match Begin::of(alert, networks) {
        Begin::Block(what, time) => format!("{what} {} ago", ago(time)),
        Begin::Before(time) => format!("for at least {}", ago(time)),
        Begin::Noticed(time) => format!("for {}", ago(time)),
    };
    html! {
        ul.events.alerts {
            @for group in &groups {
                @let first = group[0];
                li {
                    span class={ "badge " (class(first)) } { (first.severity) }
                    @if let [alert] = group[..] {
                        span.what {
                            strong { (alert.name) } " " (who(alert))
                            span.when.said { (alert.description) }
                            (runbook(alert))
                        }
                        span.age { (age(alert)) }
                    } @else {
                        div.what {
                            strong { (first.name) } " " (group.len()) " alerts"
                            span.when.said { (first.summary) }
                            (runbook(first))
                            details {
                                summary { "All " (group.len()) }
                                ul { @for alert in group { li { (who(alert)) span.when { (alert.description) " " (age(alert)) } } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn class(alert: &Alert) -> &'static str {
    if alert.severity == "critical" { "banned" } else { "danger" }
}

/// An alert of a masternode links to its page.
fn who(alert: &Alert, several: bool) -> Markup {
    let label = |name: &str| alert.labels.get(name).map(String::as_str);
    let id: Option<MasternodeId> = label("masternode").and_then(|id| id.parse().ok());
    html! {
        @if let Some((id, network)) = id.zip(label("network")) {
            a href=(rows::address(&id, network, several)) { (label("alias").map_or_else(|| format::short_id(&id), str::to_string)) }
        }
    }
}

/// Its runbook: as configured, or the one that this server has.
fn runbook(alert: &Alert) -> Markup {
    let url = &alert.runbook_url;
    let is_url = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = alert.name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    html! {
        span.when {
            @if is_url {
                a href=(url) { "Runbook of " (alert.name) }
            } @else if is_plain {
                a href={ (RUNBOOKS) "/" (alert.name) } { "Runbook of " (alert.name) }
            } @else {
                "Runbook: " code { (url) }
            }
        }
    }
}
