//! Families of probes and of network requirements.
//!
//! Never here: verdicts; they are looked up.

use std::borrow::Cow;

use crate::catalog;
use crate::metrics::labels;
use crate::metrics::masternode::{NodeSeries, Row, ScalarFamily, TrailingLabels, single};
use crate::metrics::value::Value;
use domain::chain::ChainRules;
use domain::probe::{Outcome, Probe};
use domain::requirement::{Case, EVIDENCE, Evidence, Requirement};

/// All families in the order of the page; those of probes only if probes are enabled.
pub(super) fn series(probed: bool) -> Vec<NodeSeries> {
    let mut series = Vec::new();
    if probed {
        series.extend(single(PROBED, |_| true));
        series.extend(single(&[FAILURE], |_| true).map(|series| NodeSeries { last: REASON, ..series }));
        series.extend(single(&[AGENT_INFO], |_| true).map(|series| NodeSeries { last: AGENT, ..series }));
    }
    let possible = EVIDENCE.iter().enumerate().filter(|(_, (_, evidence))| probed || *evidence != Evidence::Probe);
    series.extend(possible.map(|(variant, (requirement, evidence))| {
        let pairs = [("requirement", requirement.label()), ("evidence", evidence.label())];
        NodeSeries {
            family: &catalog::REQUIREMENT_MET,
            prefix: format!("{}{{", catalog::REQUIREMENT_MET.name),
            last: TrailingLabels::Same(format!(",{}}} ", labels::text(&pairs))),
            watched_only: true,
            variant,
            applies: applies(*requirement, *evidence),
            value: requirement_met,
        }
    }));
    series
}

/// The chains on which such evidence can exist.
fn applies(requirement: Requirement, evidence: Evidence) -> fn(&ChainRules) -> bool {
    match (requirement, evidence) {
        (Requirement::P2pPort | Requirement::ProtocolVersion, Evidence::Probe) => |_| true,
        (_, Evidence::Probe | Evidence::OwnNode) => |rules| rules.has_dkg,
        (_, Evidence::PeerView) => ChainRules::is_deterministic,
        (Requirement::ProtocolVersion, Evidence::List) => |rules| rules.ping.is_some(),
        (_, Evidence::Session | Evidence::List) => |rules| rules.has_dkg,
    }
}

const PROBED: &[ScalarFamily] = &[
    (&catalog::P2P_REACHABLE, |row, _| match probe(row)?.outcome {
        Outcome::Reached => Some(true.into()),
        Outcome::Failed(_) => Some(false.into()),
        Outcome::Unprobed(_) => None,
    }),
    (&catalog::P2P_PROTOCOL_VERSION, |row, _| Some(probe(row)?.peer.as_ref()?.protocol_version.into())),
    (&catalog::P2P_HANDSHAKE_DURATION, |row, _| Some(Value::Real(probe(row)?.duration?.as_secs_f64()))),
    (&catalog::P2P_LAST_PROBE, |row, _| {
        let probe = probe(row)?;
        let probed = !matches!(probe.outcome, Outcome::Unprobed(_));
        probed.then_some(Value::Whole(probe.at.0))
    }),
    (&catalog::P2P_LAST_SUCCESS, |row, _| Some(Value::Whole(probe(row)?.last_success?.0))),
];

const FAILURE: ScalarFamily = (&catalog::P2P_FAILURE, |row, _| probe(row)?.outcome.reason().map(|_| true.into()));
const REASON: TrailingLabels = TrailingLabels::Own("reason", |row, _| probe(row)?.outcome.reason().map(Cow::Borrowed));

const AGENT_INFO: ScalarFamily = (&catalog::P2P_AGENT_INFO, |row, _| probe(row)?.peer.as_ref().map(|_| true.into()));
const AGENT: TrailingLabels =
    TrailingLabels::Own("agent", |row, _| Some(Cow::Borrowed(&probe(row)?.peer.as_ref()?.agent)));

fn probe<'a>(row: &Row<'a>) -> Option<&'a Probe> {
    row.probes?.get(&row.watched?.watched.id)
}

/// The verdict, only on the series of its own evidence.
fn requirement_met(row: &Row<'_>, variant: usize) -> Option<Value> {
    let (requirement, evidence) = EVIDENCE[variant];
    let case = Case::of(row.snapshot, row.node().as_ref(), probe(row))?;
    case.verdict(requirement).filter(|verdict| verdict.evidence == evidence).map(|verdict| verdict.met.into())
}
