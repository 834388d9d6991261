//! Alerts, probes and requirements of a masternode as JSON.
//!
//! Never here: deciding whether an alert fires or a requirement is met.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api;
use crate::web::api::alert_begin::Begin;
use crate::web::api::json::Subject;
use crate::web::api::json::values::{Text, or_null};
use domain::NetworkState;
use domain::masternode::UnixSeconds;
use domain::probe::{self, Outcome};
use domain::requirement::{self, Case, Evidence};

/// A firing alert.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Alert<'a> {
    /// Its name.
    alert: &'a str,
    /// Severity.
    #[schemars(extend("enum" = ["critical", "warning"]))]
    severity: &'a str,
    /// Its labels in notifications.
    labels: &'a BTreeMap<String, String>,
    /// One sentence, the same for all alerts of this name.
    summary: &'a str,
    /// Its description.
    description: &'a str,
    /// Its runbook: a URL, or a path in the repository if `alerting.runbook_url` is not set.
    runbook_url: &'a str,
    /// Since when it fires.
    start_time: Text<UnixSeconds>,
    /// Time of the block with which its condition began, such as that of a ban, estimated if it is not known; null if the chain does
    /// not tell.
    condition_start_time: Option<Text<UnixSeconds>>,
}

impl<'a> Alert<'a> {
    /// All alerts, in their order.
    pub(in crate::web) fn all(firing: &'a api::Firing, networks: &[Arc<NetworkState>]) -> Vec<Alert<'a>> {
        let alert = |alert: &'a api::Alert| Alert {
            alert: &alert.name,
            severity: alert.severity,
            labels: &alert.labels,
            summary: &alert.summary,
            description: &alert.description,
            runbook_url: &alert.runbook_url,
            start_time: Text(alert.since),
            condition_start_time: Begin::of(alert, networks).block_time().map(Text),
        };
        firing.alerts.iter().map(alert).collect()
    }
}

/// The result of a probe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Probe<'a> {
    /// Whether it completed the P2P handshake; null if it was not probed, or if the result is inconclusive.
    reachable: Option<bool>,
    /// Reason of the failure; null if it is reachable.
    reason: Option<&'a str>,
    /// When the probe ended.
    last_probe_time: Text<UnixSeconds>,
    /// When the last probe of the same address succeeded.
    last_success_time: Option<Text<UnixSeconds>>,
    /// Duration from the first packet to the end of the handshake.
    #[schemars(range(min = 0))]
    handshake_duration_seconds: Option<f64>,
    /// P2P protocol version of the peer.
    protocol_version: Option<u32>,
    /// User agent of the peer.
    agent: Option<&'a str>,
    /// Whether the peer relays transactions; null if it did not report it.
    relays_transactions: Option<bool>,
    /// Whether the peer advertises compact block filters; null if it did not report it.
    serves_compact_filters: Option<bool>,
}

impl<'a> Probe<'a> {
    /// As in the metrics: a masternode that was not probed is neither reachable nor unreachable.
    pub fn new(probe: &'a probe::Probe) -> Probe<'a> {
        let peer = probe.peer.as_ref();
        Probe {
            reachable: match probe.outcome {
                Outcome::Reached => Some(true),
                Outcome::Failed(_) => Some(false),
                Outcome::Unprobed(_) => None,
            },
            reason: probe.outcome.reason(),
            last_probe_time: Text(probe.at),
            last_success_time: probe.last_success.map(Text),
            handshake_duration_seconds: probe.duration.map(|duration| duration.as_secs_f64()),
            protocol_version: peer.map(|peer| peer.protocol_version),
            agent: peer.map(|peer| peer.agent.as_str()),
            relays_transactions: peer.and_then(|peer| peer.relays),
            serves_compact_filters: peer.and_then(|peer| peer.compact_filters),
        }
    }
}

/// A requirement of the network with the verdict from the best evidence.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Requirement {
    /// The requirement.
    #[schemars(extend("enum" = requirement::Requirement::ALL.map(requirement::Requirement::label)))]
    requirement: &'static str,
    /// Whether it is met; null without evidence, and if it is not required.
    met: Option<bool>,
    /// The evidence of the verdict.
    #[schemars(extend("enum" = or_null(Evidence::ALL.map(Evidence::label))))]
    evidence: Option<&'static str>,
}

impl Requirement {
    /// All requirements of a masternode.
    pub fn all(subject: &Subject<'_>, probe: Option<&probe::Probe>) -> Vec<Requirement> {
        let case = Case::of(subject.snapshot, subject.node.as_ref(), probe);
        let judged = |requirement: requirement::Requirement| {
            let verdict = case.as_ref().and_then(|case| case.verdict(requirement));
            Requirement {
                requirement: requirement.label(),
                met: verdict.map(|verdict| verdict.met),
                evidence: verdict.map(|verdict| verdict.evidence.label()),
            }
        };
        requirement::Requirement::ALL.into_iter().map(judged).collect()
    }
}
