//! Conditions of what is checked against the chain: the proof of the masternode list, and its scores.
//!
//! Never here: how a list is proven (`crate::list_proof`).

use crate::condition::{Condition, Inhibition, NetworkContext, Rule, SOURCE, Severity, SourceContext, Verdict, memory};
use crate::list_proof::ListProofStatus;

/// Seconds after the start of a network in which a source that was not examined yet may be the one that was refuted before.
const YOUNG_SECONDS: u64 = 600;

/// The conditions of what is checked against the chain.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeExporterListRefuted",
        Severity::Critical,
        0,
        Rule::Source(list_refuted),
        [
            "A source node reports a masternode list that is not the one to which its block commits.",
            "Source {source} of {network} reported a wrong masternode list; its list is proven again.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "The source answers, but its list is wrong.",
    }]),
    Condition::new(
        "MasternodeExporterScoresDisagree",
        Severity::Warning,
        0,
        Rule::Reachability(scores_disagree),
        [
            "Scores in the masternode list are not the ones that follow from the commitments of the block.",
            "Scores of {network} differed from the computed ones; no difference since.",
        ],
    )
    .any(),
];

fn list_refuted(source: &SourceContext<'_>) -> Verdict {
    match &source.source.list_proof {
        ListProofStatus::Proven => Verdict::DoesNotHold,
        ListProofStatus::Unknown(_) if source.network.is_young(YOUNG_SECONDS) => Verdict::Unknown,
        ListProofStatus::Unknown(_) => Verdict::Inapplicable,
        ListProofStatus::Refuted(mismatch) => {
            let place = match &mismatch.difference {
                Some(difference) => format!("The first difference: {difference}."),
                None => "No answer of the node tells which entry differs.".to_string(),
            };
            let who = source.who();
            let text = format!(
                "{who} reports a masternode list that is not the one to which its block commits. {place} It is not used while \
                 another source answers; without another one, its list is shown as not proven and resolves no alert. Compare the \
                 node with another one, and restore its data."
            );
            Verdict::holds(1.0, text)
        }
    }
}

fn scores_disagree(network: &NetworkContext<'_>) -> Verdict {
    if let Some(scores) = network.memory.score_disagreements.recent() {
        let text = format!(
            "{scores} scores in the masternode list of {} are not the ones that follow from the scores before and the commitments \
             of the block. The published scores are those of the node. Compare them with another node.",
            network.name()
        );
        return Verdict::holds(scores as f64, text);
    }
    if network.is_young(memory::DISAGREEMENT_SECONDS) { Verdict::Unknown } else { Verdict::DoesNotHold }
}
