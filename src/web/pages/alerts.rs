//! Firing alerts: severity, description, since when, runbook.
//!
//! Never here: evaluation.

use maud::{Markup, html};

use crate::web::api::{Alert, Firing};
use crate::web::pages::{format, rows};
use domain::masternode::{MasternodeId, UnixSeconds};

/// Number of alerts shown; more are only counted.
pub(super) const SHOWN: usize = 20;

/// All alerts, or a note that there are none. With `several` networks, each alert names its network.
pub(super) fn all(firing: &Firing, now: UnixSeconds, several: bool) -> Markup {
    html! {
        section aria-labelledby="alerts" {
            h2 #alerts { "Alerts" }
            @if firing.alerts.is_empty() {
                p.none { span.dot.clear {} "No alerts are firing." }
            } @else {
                p.quiet { (counted(firing)) }
                (list(firing, now, |alert| who(alert, several)))
            }
        }
    }
}

/// Alerts of one masternode; nothing if there are none.
pub(super) fn of_masternode(firing: &Firing, now: UnixSeconds) -> Markup {
    html! {
        @if !firing.alerts.is_empty() {
            section aria-labelledby="alerts" {
                h2 #alerts { "Alerts" }
                (list(firing, now, |_| html! {}))
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

fn list(firing: &Firing, now: UnixSeconds, who: impl Fn(&Alert) -> Markup) -> Markup {
    html! {
        ul.events.alerts {
            @for alert in &firing.alerts {
                li {
                    span class={ "badge " (class(alert)) } { (alert.severity) }
                    span.what {
                        strong { (alert.name) } " " (who(alert))
                        span.when { (alert.description) }
                        (runbook(alert))
                    }
                    span.age { "for " (format::format_duration(now.0.saturating_sub(alert.since.0))) }
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

/// A link for a URL; otherwise the path in the repository as text, which this server does not serve.
fn runbook(alert: &Alert) -> Markup {
    let url = &alert.runbook_url;
    html! {
        span.when {
            @if url.starts_with("https://") || url.starts_with("http://") {
                a href=(url) { "Runbook of " (alert.name) }
            } @else {
                "Runbook: " code { (url) }
            }
        }
    }
}
