//! The card of a network: age of the list, height, limits, masternodes by risk, restart windows, sources.
//!
//! Never here: single masternodes.

use maud::{Markup, html};

use crate::web::pages::{bar, deployment, election, format, rows};
use domain::dkg::QuorumType;
use domain::entry_matches::EntryMatches;
use domain::list_proof::ListProofStatus;
use domain::masternode::{Height, MasternodeId, NodeType, UnixSeconds};
use domain::network_state::{NetworkState, OwnMasternode, SourceHealth};
use domain::quorum::QuorumHealth;
use domain::snapshot::Snapshot;

/// The card of a network.
pub(super) fn card(network: &NetworkState, now: UnixSeconds, several: bool) -> Markup {
    html! {
        article.card {
            h3 { (network.network) }
            @match network.fresh(now) {
                Some(snapshot) => (known(snapshot, now)),
                None => @if let Some(doubt) = network.doubt(now) {
                    p.alarm {
                        strong { "The state of its masternodes is not known: " (doubt) "." }
                        " Alerts about them stay."
                    }
                } @else { p.alarm {
                    strong { "No fresh list." }
                    @match network.confirmed {
                        Some(confirmed) => { " No source confirmed the list since " (format::format_time(confirmed.unix)) "." }
                        None => " No list was read yet.",
                    }
                } },
            }
            h4 { "Sources" }
            ul.sources {
                @for source in &network.sources {
                    @let (class, words) = health(source);
                    li {
                        span class={ "dot " (class) } {} (source.name) ": " (words)
                        @if let Some(behind) = source.blocks_behind.filter(|behind| *behind > 0) {
                            ", " (format::count(behind.into(), "block")) " behind"
                        }
                        @if let Some(asked) = source.last_success.map(|at| at.unix) { ", confirmed " (format::format_age(now, asked)) }
                        (fork(source))
                        (software(source))
                        @if let Some(own) = &source.masternode { (itself(network, source, own, several)) }
                    }
                }
            }
        }
    }
}

/// Whether a source is ready for the next consensus change.
fn fork(source: &SourceHealth) -> Markup {
    html! {
        @if source.fork_split == Some(true) {
            strong.alarm { " It is on a different chain than the one that is followed." }
        } @else if source.follows_fork == Some(false) {
            strong.alarm { " It does not follow the activation of Dash Core 24. Upgrade it." }
        }
    }
}

/// Problems of a source's list, release and compact block filter index.
fn software(source: &SourceHealth) -> Markup {
    html! {
        @if let ListProofStatus::Refuted(mismatch) = &source.list_proof {
            strong.alarm { " It is not trustworthy: " (mismatch) "." }
        }
        @if source.release_bad == Some(true) {
            strong.alarm { " Its release has a known fault. Upgrade it." }
        }
        @if source.filter_index_synced == Some(false) {
            strong.alarm { " Its compact block filter index is not synced." }
        }
    }
}

fn known(snapshot: &Snapshot, now: UnixSeconds) -> Markup {
    let block = snapshot.block();
    let limits = snapshot.limits();
    let proof = &snapshot.facts().list_proof;
    html! {
        p.quiet {
            (snapshot.list().registered()) " masternodes, list read " (format::format_age(now, snapshot.read_at()))
        }
        @for problem in snapshot.entry_matches().iter().filter_map(EntryMatches::problem) {
            p.alarm { (problem) }
        }
        (bar::risks(snapshot.risks(), limits.is_some()))
        dl.facts {
            div { dt { "Height" } dd { (block.height.0) span.when { "block " (format::format_age(now, block.time)) } } }
            @if let Some(lock) = snapshot.facts().chainlock_height { (behind_tip("ChainLock", lock, block.height)) }
            @if let Some(proven) = proof.proven_height { (behind_tip("List proven", proven, block.height)) }
            @if let Some(limits) = limits {
                div { dt { "Ban limit" } dd { (limits.limit) span.when { "points" } } }
                div { dt { "Points per failure" } dd { (limits.step) span.when { "points" } } }
                div { dt { "Safe up to" } dd { (limits.safe_at_tip()) span.when { "points" } } }
            }
            @if let Some(size) = snapshot.payments().drawn_from() {
                div { dt { "Payee pool" } dd { (size) span.when { "masternodes" } } }
            }
            @if let Some(payees) = election::next_payees(snapshot) {
                div { dt { "Next payees" } dd { (payees) } }
            }
            @if let Some(blocks) = snapshot.payment_cycle_blocks() {
                div { dt { "Payment cycle" } dd { (format::count(blocks.into(), "block")) span.when { (format::format_duration(format::seconds_of(snapshot, blocks))) } } }
            }
            @for node_type in NodeType::ALL { (window(snapshot, node_type)) }
            @for kind in snapshot.quorum_types().unwrap_or_default() { (quorums(snapshot, kind)) }
            @if let Some((state, next)) = deployment::words(snapshot) {
                div { dt { "Dash Core 24" } dd { (state) span.when { (next) } } }
            }
        }
    }
}

/// A height, and its distance from the tip.
fn behind_tip(title: &str, height: Height, tip: Height) -> Markup {
    html! {
        div {
            dt { (title) }
            dd {
                (height.0)
                span.when {
                    @match tip.above(height) {
                        0 => "at the tip",
                        behind => { (format::count(behind.into(), "block")) " behind" }
                    }
                }
            }
        }
    }
}

/// When a quorum of a type was last mined, and how many mining windows have passed without one.
fn quorums(snapshot: &Snapshot, kind: &QuorumType) -> Markup {
    html! {
        div {
            dt { "Last " (kind.name) }
            @match snapshot.quorum_health(kind) {
                None => dd { "not known" },
                Some(QuorumHealth { last_mined, missed_windows }) => dd {
                    (last_mined.0)
                    span.when {
                        @match missed_windows {
                            0 => { (format::count(snapshot.block().height.above(last_mined).into(), "block")) " ago" }
                            missed => strong.alarm { "no quorum in " (format::count(missed.into(), "mining window")) }
                        }
                    }
                },
            }
        }
    }
}

/// Whether a masternode of this type may be restarted now; nothing if no quorums are known, or without masternodes of
/// the type.
fn window(snapshot: &Snapshot, node_type: NodeType) -> Markup {
    let population = snapshot.population();
    let some = population.valid[node_type as usize] + population.banned[node_type as usize] > 0;
    let blocks = snapshot.maintenance_window(node_type).filter(|_| some);
    html! {
        @if let Some(blocks) = blocks {
            div {
                dt { "Restart " (node_type.label()) }
                dd { (restart(snapshot, blocks)) }
            }
        }
    }
}

/// For how many blocks a restart misses no DKG session, in words.
pub(super) fn restart(snapshot: &Snapshot, blocks: u32) -> Markup {
    html! {
        @match blocks {
            0 => { "not now" span.when { "a restart may miss a DKG session" } }
            _ => {
                (format::count(blocks.into(), "block"))
                span.when { "no DKG session is missed for " (format::format_duration(format::seconds_of(snapshot, blocks))) }
            }
        }
    }
}

/// The masternode that a source is, and the state it reports. While it is isolated or behind, the report refers to its
/// old tip.
fn itself(network: &NetworkState, source: &SourceHealth, own: &OwnMasternode, several: bool) -> Markup {
    html! {
        span.when {
            "Is a masternode"
            @if let Some(id) = &own.id {
                ", " a href=(rows::address(id, &network.network, several)) { (name(network, id)) }
            }
            ", own state: " (own.state.replace('_', " "))
            @if source.isolated == Some(true) {
                strong.alarm { " (from before it lost its connections)" }
            } @else if source.blocks_behind.is_some_and(|behind| behind > 0) {
                " (at its own, older tip)"
            }
        }
    }
}

fn name(network: &NetworkState, id: &MasternodeId) -> String {
    let named = network.watched().into_iter().find(|watched| watched.id == *id && !watched.alias.is_empty());
    named.map_or_else(|| format::short_id(id), |watched| watched.alias.clone())
}

/// The result of the last request to a source: a CSS class and its text.
fn health(source: &SourceHealth) -> (&'static str, &'static str) {
    if source.isolated == Some(true) && source.up == Some(true) {
        return ("banned", "has no peer connections");
    }
    match (source.up, source.network_match, source.synced) {
        (None, _, _) => ("absent", "no request yet"),
        (Some(false), _, _) => ("banned", "does not answer"),
        (_, Some(false), _) => ("banned", "is on a different network"),
        (_, _, Some(false)) => ("decaying", "not synced"),
        _ => ("clear", "synced"),
    }
}
