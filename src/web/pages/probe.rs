//! How a masternode is seen from outside: what came of the last call, and whether it meets what its network demands.
//!
//! Never here: what the list says of it.

use maud::{Markup, html};

use crate::web::api::json::Subject;
use crate::web::pages::format;
use domain::masternode::UnixSeconds;
use domain::probe::{Outcome, Probe};
use domain::requirement::{Case, Evidence, Requirement, RequirementStatus};

/// `called` is whether anybody calls masternodes of this network, `probe` what came of this one's last call.
pub(super) fn seen(subject: &Subject<'_>, called: bool, probe: Option<&Probe>, now: UnixSeconds) -> Markup {
    let case = Case::of(subject.snapshot, subject.node.as_ref(), probe);
    let verdicts =
        Requirement::ALL.map(|requirement| (requirement, case.as_ref().and_then(|it| it.verdict(requirement))));
    let old_version = case.as_ref().and_then(Case::version_to_raise);
    let known = old_version.is_some() || verdicts.iter().any(|(_, verdict)| verdict.is_some());
    html! {
        @if subject.watched.is_some() || known {
            section aria-labelledby="outside" {
                h2 #outside { "Seen from outside" }
                dl.facts {
                    @match probe {
                        Some(probe) => (call(probe, now)),
                        None if subject.watched.is_some() => {
                            div { dt { "Answers" } dd { "not known" span.when { (not_called(called)) } } }
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
    if called { "it was not called yet" } else { "calls are off (probe.enabled)" }
}

fn call(probe: &Probe, now: UnixSeconds) -> Markup {
    let (class, words) = match probe.outcome {
        Outcome::Reached => ("clear", "yes"),
        Outcome::Failed(_) => ("banned", "no"),
        Outcome::Unprobed(_) => ("absent", "not called"),
    };
    html! {
        div {
            dt { "Answers" }
            dd {
                span class={ "badge " (class) } { (words) }
                span.when {
                    @if let Some(reason) = probe.outcome.reason() { (reason.replace('_', " ")) ", " }
                    (format::format_age(now, probe.at))
                }
            }
        }
        @if let Some(success) = probe.last_success.filter(|success| *success != probe.at) {
            div { dt { "Answered last" } dd { (format::format_age(now, success)) span.when { (format::format_time(success)) } } }
        }
        @if let Some(duration) = probe.duration {
            div { dt { "Handshake took" } dd { (duration.as_millis()) " ms" } }
        }
        @if let Some(peer) = &probe.peer {
            div { dt { "Speaks version" } dd { (peer.protocol_version) span.when { (peer.agent) } } }
        }
    }
}

fn demanded(requirement: Requirement, verdict: RequirementStatus) -> Markup {
    let what = match requirement {
        Requirement::P2pPort => "Port open",
        Requirement::ProtocolVersion => "Protocol new enough",
        Requirement::NextProtocolVersion => "Protocol new enough for the next release",
        Requirement::TransactionRelay => "Relays transactions",
        Requirement::CompactFilters => "Serves compact block filters",
        Requirement::Release => "Release without a known fault",
        Requirement::ProtxVersion => "Registration of ProTx version 3",
        Requirement::DkgParticipation => "Takes part in DKG",
        Requirement::Platform => "Serves the Platform",
    };
    let evidence = match verdict.evidence {
        Evidence::Probe => "by the last call",
        Evidence::OwnNode => "as its own node says",
        Evidence::PeerView => "as the answering node sees it",
        Evidence::Session => "by the sessions under way",
        Evidence::List => "by the list",
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
