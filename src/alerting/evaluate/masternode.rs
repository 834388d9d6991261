//! An alert about a watched masternode: its labels, and what its text tells.
//!
//! Never here: whether it holds (`domain::finding`).

use std::collections::HashMap;

use crate::alerting::catalog::Alert;
use crate::alerting::evaluate::{ActiveCondition, Labels};
use crate::alerting::template;
use domain::condition::{Condition, Finding, recent_events};
use domain::event::{EventKind, FailedQuorum};
use domain::masternode::MasternodeId;
use domain::probe::Probe;
use domain::snapshot::{Snapshot, WatchedEntry};
use domain::state;
use domain::watch::WatchField;

/// The last penalties of each masternode: points, and the quorums that they came from.
pub(super) struct PenaltyDetails<'a>(HashMap<MasternodeId, (u32, Vec<&'a FailedQuorum>)>);

impl<'a> PenaltyDetails<'a> {
    /// Those of the last `seconds`.
    pub(super) fn of(snapshot: &'a Snapshot, seconds: u64) -> PenaltyDetails<'a> {
        let mut causes: HashMap<MasternodeId, (u32, Vec<&FailedQuorum>)> = HashMap::new();
        for event in recent_events(snapshot, seconds) {
            let EventKind::Penalty { points, quorums, .. } = &event.kind else { continue };
            let (sum, named) = causes.entry(event.masternode).or_default();
            *sum += *points;
            named.extend(quorums);
        }
        PenaltyDetails(causes)
    }

    fn points(&self, id: &MasternodeId) -> Option<f64> {
        self.0.get(id).map(|(points, _)| f64::from(*points))
    }

    fn sentence(&self, id: &MasternodeId) -> String {
        let quorums = self.0.get(id).map(|(_, quorums)| quorums.as_slice()).unwrap_or_default();
        if quorums.is_empty() {
            return "Which quorum called it failed is not known".into();
        }
        let names: Vec<String> = quorums.iter().map(ToString::to_string).collect();
        format!("Called failed by quorum {}", names.join("; "))
    }
}

/// The alert of a finding.
pub(super) fn judged(
    snapshot: &Snapshot,
    node: &WatchedEntry,
    finding: &Finding<'_>,
    alert: &'static Alert,
    causes: &PenaltyDetails<'_>,
    probe: Option<&Probe>,
) -> ActiveCondition {
    let id = &node.watched.id;
    let view = node.index.map(|index| snapshot.node(index));
    let node_type = view.as_ref().map_or("", |view| view.masternode.node_type.label());
    let hash = id.to_string();
    let own = [("network", snapshot.network()), ("masternode", &hash), ("alias", &node.watched.alias)];
    let mut labels: Labels = node.watched.groups.clone();
    labels.extend(own.into_iter().chain([("node_type", node_type)]).map(|(name, text)| (name.into(), text.into())));
    labels.retain(|_, text| !text.is_empty());
    // What a score rose by; the finding has the score itself.
    let rise = (finding.condition == Condition::Penalized).then(|| causes.points(id)).flatten();
    let value = rise.unwrap_or(finding.value);
    let pose = view.as_ref().and_then(|view| view.pose());
    let blocks = pose.and_then(|pose| pose.blocks_until_safe());
    let text = |name: &str| match name {
        "score" => Some(pose?.score().0.to_string()),
        "limit" => Some(snapshot.limits()?.limit.to_string()),
        "blocks" => Some(blocks?.to_string()),
        "hours" => {
            let seconds = f64::from(blocks?) * snapshot.facts().spacing_seconds(snapshot.rules());
            Some(format!("{:.1}", seconds / 3600.0))
        }
        "state" => {
            let states = &snapshot.rules().states;
            Some(state::label(states, state::index_of(states, view.as_ref()?.masternode)).into_owned())
        }
        "fields" => Some(finding.fields.iter().map(|field| WatchField::label(*field)).collect::<Vec<_>>().join(", ")),
        "cause" => Some(causes.sentence(id)),
        "reason" => Some(probe?.outcome.reason()?.into()),
        _ => None,
    };
    let description = template::plain(alert, &labels, value, &text);
    ActiveCondition { alert, labels, value, description }
}
