//! Conditions of what is checked against the chain: the proof of the masternode list, and its scores.
//!
//! Never here: how a list is proven (`crate::list_proof`).

use crate::condition::{Condition, Inhibition, NetworkContext, Rule, SOURCE, Severity, SourceContext, Verdict, memory};
use crate::list_proof::ListProofStatus;

/// Seconds after the start of a network in which a source that was not examined yet may be the one that was refuted before.
const YOUNG_SECONDS: u64 = 600;

/// Blocks after which scores count as not checked: as many as a session of the largest quorum type takes.
const SCORES_UNCHECKED_BLOCKS: u32 = 48;

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
        "MasternodeExporterListUnproven",
        Severity::Warning,
        1_800,
        Rule::Network(list_unproven),
        [
            "The masternode list of a network is no longer proven by its blocks.",
            "The masternode list of {network} was no longer proven and is proven again.",
        ],
    )
    .any(),
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

/// The list was proven once, and is not any more. A refuted list has a condition of its own.
fn list_unproven(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh else { return Verdict::Unknown };
    let proof = &snapshot.facts().list_proof;
    let reason = match &proof.status {
        ListProofStatus::Proven => return Verdict::DoesNotHold,
        _ if !proof.is_wanted => return Verdict::Inapplicable,
        ListProofStatus::Refuted(_) => return Verdict::Inapplicable,
        ListProofStatus::Unknown(reason) => reason,
    };
    // What was proven before the start of this process is not known: nothing is resolved.
    let Some(proven) = proof.proven_height else { return Verdict::Unknown };
    let blocks = snapshot.block().height.above(proven);
    let text = format!(
        "The masternode list of {} was last proven at block {proven}, {blocks} blocks ago: {reason}. A source that reports a wrong list \
         is not noticed. Run masternode-exporter doctor.",
        network.name()
    );
    Verdict::holds(blocks, text)
}

/// Whether scores were checked lately; `None` on chains without them. What is not checked is not known to agree.
fn are_scores_checked(network: &NetworkContext<'_>) -> Option<bool> {
    let Some(snapshot) = network.fresh else { return Some(false) };
    let checked = snapshot.facts().list_proof.scores_checked_height;
    let is_recent = checked.is_some_and(|height| snapshot.block().height.above(height) <= SCORES_UNCHECKED_BLOCKS);
    (snapshot.rules().has_dkg || checked.is_some()).then_some(is_recent)
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
    match are_scores_checked(network) {
        None => Verdict::Inapplicable,
        Some(true) if !network.is_young(memory::DISAGREEMENT_SECONDS) => Verdict::DoesNotHold,
        Some(_) => Verdict::Unknown,
    }
}
