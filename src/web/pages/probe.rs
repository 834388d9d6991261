//! Reachability of a masternode: the result of the last probe, and the requirements of its network.
//!
//! Never here: the data of the masternode list.

use maud::{Markup, html};

use crate::web::api::json::Subject;
use crate::web::pages::format;
use domain::masternode::UnixSeconds;
use domain::probe::{Outcome, Probe};
use domain::requirement::{Case, Evidence, Requirement, RequirementStatus};

/// `called`: whether masternodes of this network are probed; `probe`: the result of this one's last probe.
pub(super) fn seen(subject: &Subject<'_>, called: bool, probe: Option<&Probe>, now: UnixSeconds) -> Markup {
    let case = Case::of(subject.snapshot, subject.node.as_ref(), probe);
    let verdicts =
        Requirement::ALL.map(|requirement| (requirement, case.as_ref().and_then(|it| it.verdict(requirement))));
    let old_version = case.as_ref().and_then(Case::version_to_raise);
    let known = old_version.is_some() || verdicts.iter().any(|(_, verdict)| verdict.is_some());
    html! {
        @if subject.watched.is_some() || known {
            section aria-labelledby="outside" {
                h2 #outside { "Reachability" }
                dl.facts {
                    @match probe {
                        Some(probe) => (call(probe, now)),
                        None if subject.watched.is_some() => {
                            div { dt { "Reachable" } dd { "not known" span.when { (not_called(called)) } } }
                        }
                        None => {}
                    }
                    @for (requirement, verdict) in verdicts {
                        @if let Some(verdict) = verdict { (demanded(requirement, verdict)) }
                    }
                    @if let Some(version) = old_version {
                        div {
                            dt { "Registration" }
                            dd {
                                "ProTx version " (version)
                                span.when { "an Evo node needs version 3 once Dash Core 24 is active" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn not_called(called: bool) -> &'static str {
    if called { "not probed yet" } else { "probes are disabled (probe.enabled)" }
}

fn call(probe: &Probe, now: UnixSeconds) -> Markup {
    let (class, words) = match probe.outcome {
        Outcome::Reached => ("clear", "yes"),
        Outcome::Failed(_) => ("banned", "no"),
        Outcome::Unprobed(_) => ("absent", "not probed"),
    };
    html! {
        div {
            dt { "Reachable" }
            dd {
                span class={ "badge " (class) } { (words) }
                span.when {
                    @if let Some(reason) = probe.outcome.reason() { (reason.replace('_', " ")) ", " }
                    (format::format_age(now, probe.at))
                }
            }
        }
        @if let Some(success) = probe.last_success.filter(|success| *success != probe.at) {
            div { dt { "Last reachable" } dd { (format::format_age(now, success)) span.when { (format::format_time(success)) } } }
        }
        @if let Some(duration) = probe.duration {
            div { dt { "Handshake duration" } dd { (duration.as_millis()) " ms" } }
        }
        @if let Some(peer) = &probe.peer {
            div { dt { "Protocol version" } dd { (peer.protocol_version) span.when { (peer.agent) } } }
        }
    }
}

fn demanded(requirement: Requirement, verdict: RequirementStatus) -> Markup {
    let what = match requirement {
        Requirement::P2pPort => "P2P port is open",
        Requirement::ProtocolVersion => "Protocol version accepted",
        Requirement::NextProtocolVersion => "Protocol version accepted by the next release",
        Requirement::TransactionRelay => "Relays transactions",
        Requirement::CompactFilters => "Serves compact block filters",
        Requirement::Release => "Release without a known fault",
        Requirement::ProtxVersion => "Registration has ProTx version 3",
        Requirement::DkgParticipation => "Participates in DKG",
        Requirement::Platform => "Serves Dash Platform",
    };
    let evidence = match verdict.evidence {
        Evidence::Probe => "from the last probe",
        Evidence::OwnNode => "as its own node reports",
        Evidence::PeerView => "as seen by the source node",
        Evidence::Session => "from active DKG sessions",
        Evidence::List => "from the masternode list",
    };
    html! {
        div {
            dt { (what) }
            dd {
                @if verdict.met { span.badge.clear { "yes" } } @else { span.badge.banned { "no" } }
                span.when { (evidence) }
            }
        }
    }
}
