//! What calls of watched masternodes tell: at whom something is wrong, and of whom they tell nothing at the moment.
//!
//! Calls come at their own times, so they are no part of a snapshot, and their silence is no news: a masternode that was not
//! called yet, or to which this host found no way, is neither well nor ill.
//!
//! Never here: calling anybody; what a list tells.

use crate::condition::{Condition, Finding, Subject};
use crate::probe::{Outcome, Probe, Probes, Unprobed};
use crate::requirement::{Case, Requirement};
use crate::snapshot::{Snapshot, WatchedEntry};

/// What calls tell of a network.
#[derive(Debug, Default)]
pub struct ProbeConditions<'a> {
    /// What is wrong.
    pub found: Vec<Finding<'a>>,
    /// What cannot be said now: neither that it holds nor that it does not.
    pub unknown: Vec<(Condition, &'a WatchedEntry)>,
}

/// Conditions that follow from a requirement, which a call or the masternode's own node tells.
const BY_REQUIREMENT: [(Condition, Requirement); 5] = [
    (Condition::ProtocolTooOld, Requirement::ProtocolVersion),
    (Condition::NotReadyForNextRelease, Requirement::NextProtocolVersion),
    (Condition::NoTransactionRelay, Requirement::TransactionRelay),
    (Condition::NoCompactFilters, Requirement::CompactFilters),
    (Condition::BadRelease, Requirement::Release),
];

/// What calls tell of those who are watched in a fresh snapshot; `probes` is `None` where nobody is called.
pub fn called<'a>(snapshot: &'a Snapshot, probes: Option<&Probes>) -> ProbeConditions<'a> {
    let mut called = ProbeConditions::default();
    for watched in snapshot.watched() {
        let probe = probes.and_then(|probes| probes.get(&watched.watched.id));
        let node = watched.index.map(|index| snapshot.node(index));
        let Some(case) = Case::of(snapshot, node.as_ref(), probe) else { continue };
        let met = |requirement| case.verdict(requirement).map(|verdict| verdict.met);
        let demanded = BY_REQUIREMENT.map(|(condition, requirement)| (condition, met(requirement)));
        for (condition, well) in [(Condition::Unreachable, answers(probe))].into_iter().chain(demanded) {
            match well {
                Some(true) => {}
                Some(false) => {
                    let subject = Subject::Masternode(watched);
                    called.found.push(Finding { condition, subject, value: 0.0, fields: Vec::new() });
                }
                None if probes.is_some() && may_be_told_later(condition, probe)
                    || condition != Condition::Unreachable && case.own_node_is_silent() =>
                {
                    called.unknown.push((condition, watched));
                }
                None => {}
            }
        }
    }
    called
}

/// Whether it answered with a handshake that is good enough; `None` when it was not called, or that told nothing of it.
fn answers(probe: Option<&Probe>) -> Option<bool> {
    match probe?.outcome {
        Outcome::Reached => Some(true),
        Outcome::Failed(_) => Some(false),
        Outcome::Unprobed(_) => None,
    }
}

/// Whether the next call may tell what this one did not. An address that is never called tells nothing: that is an end.
fn may_be_told_later(condition: Condition, probe: Option<&Probe>) -> bool {
    match probe.map(|probe| probe.outcome) {
        None | Some(Outcome::Unprobed(Unprobed::NoRoute)) => true,
        // Who does not answer does not say which version it speaks, or what it serves.
        Some(Outcome::Failed(_)) => condition != Condition::Unreachable,
        Some(Outcome::Reached | Outcome::Unprobed(_)) => false,
    }
}
