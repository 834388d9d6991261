//! What is seen of a masternode beside its list, as JSON: alerts, calls, requirements.
//!
//! Never here: a verdict; they are looked up.

use serde_json::{Value, json};

use crate::web::api::json::{self, Subject};
use crate::web::api::{Alert, Firing};
use domain::probe::{Outcome, Probe};
use domain::requirement::{Case, Requirement};

/// Alerts that one answer shows; more are counted only.
pub(super) const MOST_ALERTS: usize = 100;

/// What fires anywhere.
pub(super) fn firing(firing: &Firing) -> Value {
    json!({
        "critical": firing.critical,
        "warning": firing.warning,
        "firing": firing.alerts.iter().map(alert).collect::<Vec<Value>>(),
    })
}

/// Of one masternode: its alerts, its last call, what is demanded of it.
pub(super) fn masternode(subject: &Subject<'_>, last_call: Option<&Probe>, firing: &Firing) -> Value {
    json!({
        "alerts": firing.alerts.iter().map(alert).collect::<Vec<Value>>(),
        "probe": last_call.map(probe),
        "requirements": requirements(subject, last_call),
    })
}

fn alert(alert: &Alert) -> Value {
    json!({
        "alert": alert.name,
        "severity": alert.severity,
        "labels": alert.labels,
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": alert.runbook_url,
        "start_time": json::clock(Some(alert.since)),
    })
}

/// As the metrics say it: what was not probed was neither reached nor not.
fn probe(probe: &Probe) -> Value {
    let reachable = match probe.outcome {
        Outcome::Reached => Some(true),
        Outcome::Failed(_) => Some(false),
        Outcome::Unprobed(_) => None,
    };
    let peer = probe.peer.as_ref();
    json!({
        "reachable": reachable,
        "reason": probe.outcome.reason(),
        "last_probe_time": json::clock(Some(probe.at)),
        "last_success_time": json::clock(probe.last_success),
        "handshake_duration_seconds": probe.duration.map(|duration| duration.as_secs_f64()),
        "protocol_version": peer.map(|peer| peer.protocol_version),
        "agent": peer.map(|peer| peer.agent.as_str()),
        "relays_transactions": peer.and_then(|peer| peer.relays),
        "serves_compact_filters": peer.and_then(|peer| peer.compact_filters),
    })
}

/// Each requirement with the verdict by the best evidence; `null` where there is none, or where it is not demanded.
fn requirements(subject: &Subject<'_>, probe: Option<&Probe>) -> Vec<Value> {
    let case = Case::of(subject.snapshot, subject.node.as_ref(), probe);
    let verdict = |requirement: Requirement| {
        let verdict = case.as_ref().and_then(|case| case.verdict(requirement));
        json!({
            "requirement": requirement.label(),
            "met": verdict.map(|verdict| verdict.met),
            "evidence": verdict.map(|verdict| verdict.evidence.label()),
        })
    };
    Requirement::ALL.into_iter().map(verdict).collect()
}
