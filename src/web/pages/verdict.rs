//! The first line of the overview, its title and its icon: how the watched masternodes are.
//!
//! Never here: evaluation of alerts; single masternodes.

use std::sync::Arc;

use maud::{Markup, html};

use crate::web::api::Firing;
use crate::web::pages::format;
use domain::NetworkState;
use domain::masternode::{NodeType, UnixSeconds};
use domain::pose::Risk;
use domain::rfc3339;
use domain::snapshot::Snapshot;

/// How the watched masternodes are.
pub(super) struct Verdict {
    /// What is said, the worst first.
    parts: Vec<String>,
    watched: usize,
    /// The CSS class of the worst.
    pub(super) class: &'static str,
}

impl Verdict {
    /// Of the watched masternodes of all networks. Green only if all of them are known and well, and no alert fires.
    pub(super) fn of(networks: &[Arc<NetworkState>], firing: &Firing, now: UnixSeconds) -> Verdict {
        let mut parts = Vec::new();
        let watched = networks.iter().map(|network| network.watched().len()).sum();
        let fresh: Vec<&Snapshot> = networks.iter().filter_map(|network| network.fresh(now)).collect();
        let mut worst = None;
        let mut note = |count: usize, words: &str, class: &'static str| {
            if count > 0 {
                parts.push(format!("{count} {words}"));
                worst = worst.or(Some(class));
            }
        };
        for network in networks.iter().filter(|network| network.fresh(now).is_none()) {
            let since = rfc3339::text(network.unknown_since());
            let words = match network.doubt(now) {
                Some(doubt) => format!("not known, {doubt}"),
                None => format!("not known since {} UTC", &since[11..16]),
            };
            note(network.watched().len(), &words, "absent");
        }
        let entries =
            || fresh.iter().flat_map(|snapshot| snapshot.watched().iter().map(move |entry| (snapshot, entry)));
        let of = |risk: Option<Risk>| {
            entries().filter(|(snapshot, entry)| entry.index.map(|index| snapshot.node(index).risk()) == risk).count()
        };
        note(of(Some(Risk::Banned)), "banned", "banned");
        note(of(None), "not registered", "banned");
        note(of(Some(Risk::OneFailureFromBan)), "one failure from a ban", "danger");
        note(of(Some(Risk::Unhealthy)), "unhealthy", "unhealthy");
        note(of(Some(Risk::Decaying)), "with a penalty that decays", "decaying");
        let class = match worst {
            _ if watched == 0 => "absent",
            Some(class) => class,
            None if firing.critical > 0 => "banned",
            None if firing.warning > 0 => "decaying",
            None => "clear",
        };
        let well = of(Some(Risk::Clear));
        if well > 0 {
            parts.push(format!("{well} well"));
        }
        if let Some(age) = fresh.iter().map(|snapshot| now.0.saturating_sub(snapshot.read_at().0)).max() {
            parts.push(format!("data {} old", format::format_duration(age)));
        }
        parts.extend(restart(&fresh));
        Verdict { parts, watched, class }
    }

    /// Whether all watched masternodes are known and well, and no alert fires.
    pub(super) fn is_well(&self) -> bool {
        self.class == "clear"
    }

    /// The strip.
    pub(super) fn strip(&self) -> Markup {
        html! {
            p.verdict role="status" {
                span class={ "dot " (self.class) } {}
                @if self.watched == 0 { strong { "No masternode is watched" } } @else { strong { (self.watched) " watched" } }
                @if !self.parts.is_empty() { ": " (self.parts.join(" · ")) }
            }
        }
    }

    /// The title of the page: the worst first.
    pub(super) fn title(&self, name: &str) -> String {
        let worst = if self.watched == 0 { Some("nothing watched") } else { self.parts.first().map(String::as_str) };
        worst.map_or_else(|| name.to_string(), |worst| format!("{worst} – {name}"))
    }
}

/// For how many blocks any watched masternode can be restarted; nothing where no quorums are known, or of several networks.
fn restart(fresh: &[&Snapshot]) -> Option<String> {
    let [snapshot] = fresh else { return None };
    let watched = snapshot.watched().iter().filter_map(|entry| entry.index);
    let types: Vec<NodeType> = watched.map(|index| snapshot.node(index).masternode.node_type).collect();
    let windows = NodeType::ALL.into_iter().filter(|node_type| types.contains(node_type));
    let blocks = windows.map(|node_type| snapshot.maintenance_window(node_type)).min()??;
    Some(match blocks {
        0 => "no restart now".into(),
        blocks => format!("restart possible for {}", format::count(blocks.into(), "block")),
    })
}
