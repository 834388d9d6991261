//! Sources, and what is known through them: whether they can be used, how fresh the list is, what was missed.
//!
//! Never here: masternodes; this process.

use crate::condition::{
    Condition, Inhibition, NETWORK, NetworkContext, Rule, SOURCE, Severity, SourceContext, Verdict, memory, text,
};

/// All of them.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeExporterDataStale",
        Severity::Critical,
        0,
        Rule::Reachability(data_stale),
        [
            "No source has confirmed the masternode list of a network for longer than allowed.",
            "The list of {network} was not confirmed for long and is again.",
        ],
    ),
    Condition::new(
        "MasternodeExporterAllSourcesDown",
        Severity::Critical,
        300,
        Rule::Reachability(all_sources_down),
        ["No node of a network can be used.", "No source of {network} could be used; one can again."],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown", "MasternodeExporterDataStale"],
        equal: NETWORK,
        reason: "It is the cause of both.",
    }]),
    Condition::new(
        "MasternodeExporterHistoryGap",
        Severity::Warning,
        0,
        Rule::Reachability(history_gap),
        [
            "Blocks were not followed one by one.",
            "Blocks of {network} were not followed one by one, more than an hour ago.",
        ],
    )
    .any(),
    Condition::new(
        "MasternodeExporterAnswersNotUnderstood",
        Severity::Warning,
        0,
        Rule::Reachability(answers_not_understood),
        [
            "Answers of a network's sources contain something that this version of the exporter does not understand.",
            "Answers of sources of {network} were not understood, more than a day ago.",
        ],
    )
    .any(),
    Condition::new(
        "MasternodeExporterSourceDown",
        Severity::Warning,
        300,
        Rule::Source(source_down),
        [
            "A node that the exporter asks does not answer or is not in sync.",
            "Source {source} of {network} could not be used and can be again.",
        ],
    ),
    Condition::new(
        "MasternodeExporterWrongNetwork",
        Severity::Critical,
        60,
        Rule::Source(wrong_network),
        [
            "A node that the exporter asks is on another network than configured.",
            "Source {source} of {network} was on another network and is no longer.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "It answers, but for another network.",
    }]),
    Condition::new(
        "MasternodeExporterSourceIsolated",
        Severity::Warning,
        300,
        Rule::Source(isolated),
        [
            "A node that the exporter asks is cut off from its network.",
            "Source {source} of {network} was cut off from its network and is no longer.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "Cut off for long, it falls out of sync.",
    }]),
    Condition::new(
        "MasternodeExporterSourceReleaseBad",
        Severity::Warning,
        300,
        Rule::Source(release_bad),
        [
            "A node that the exporter asks runs a release with a known fault.",
            "Source {source} of {network} ran a release with a known fault and no longer does.",
        ],
    ),
    Condition::new(
        "MasternodeExporterSourceFilterIndexBehind",
        Severity::Warning,
        3_600,
        Rule::Source(filter_index_behind),
        [
            "A node that the exporter asks has not built its index of compact block filters.",
            "Source {source} of {network} had an index of compact block filters that was not synced; it is now.",
        ],
    ),
];

fn data_stale(network: &NetworkContext<'_>) -> Verdict {
    let (confirmed, limit) = (network.state.confirmed, network.state.stale_after.as_secs());
    // Of a network that was never reached, its beginning counts: a reload may have added it long after the start.
    let age = confirmed.unwrap_or(network.state.since).age(network.now).as_secs();
    if age > limit {
        let text = format!(
            "What is known of {} was not confirmed for more than {}: bans and penalties are not seen. Alerts about its \
             masternodes keep their last state.",
            network.name(),
            text::duration(limit),
        );
        return Verdict::holds(age as f64, text);
    }
    if confirmed.is_none() { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn all_sources_down(network: &NetworkContext<'_>) -> Verdict {
    let sources = &network.state.sources;
    if sources.iter().any(|source| source.synced == Some(true)) {
        return Verdict::DoesNotHold;
    }
    if sources.is_empty() || sources.iter().any(|source| source.synced.is_none()) {
        return Verdict::Unknown;
    }
    let text =
        format!("None of the sources of {} answers and is in sync: bans and penalties are not seen.", network.name());
    Verdict::holds(0.0, text)
}

fn history_gap(network: &NetworkContext<'_>) -> Verdict {
    if let Some(blocks) = network.memory.gap.recent() {
        let text = format!(
            "{blocks} blocks of {} were not followed one by one. Scores and bans are right; counts of events in these blocks are \
             missing or not exact.",
            network.name()
        );
        return Verdict::holds(blocks as f64, text);
    }
    if network.is_young(memory::GAP_SECONDS) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn answers_not_understood(network: &NetworkContext<'_>) -> Verdict {
    if let Some(values) = network.memory.not_understood.recent() {
        let text = format!(
            "Sources of {} said something that this version of the exporter does not understand; \
             masternode_exporter_not_understood_total counts it. What it means is absent from metrics and alerts. It may be the \
             first sign of a fork: update the exporter.",
            network.name()
        );
        return Verdict::holds(values as f64, text);
    }
    if network.is_young(memory::NOT_UNDERSTOOD_SECONDS) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn source_down(source: &SourceContext<'_>) -> Verdict {
    Verdict::of(source.source.synced.map(|synced| !synced), || {
        format!("{} is not usable: it does not answer, refuses, or is not in sync.", source.who())
    })
}

fn wrong_network(source: &SourceContext<'_>) -> Verdict {
    Verdict::of(source.source.network_match.map(|matches| !matches), || {
        format!("{} is not on the network that is configured; its answers are not used.", source.who())
    })
}

/// What a source says of itself, or said until ten minutes ago. One that says nothing for longer has no such condition: that
/// it is down is another one.
fn said(source: &SourceContext<'_>, fact: &'static str, is_bad: bool, text: &str) -> Verdict {
    match source.network.memory.said(fact, &source.source.name, source.network.now) {
        Ok(said) => Verdict::of(said.map(|said| said == is_bad), || format!("{} {text}", source.who())),
        Err(()) => Verdict::Inapplicable,
    }
}

fn isolated(source: &SourceContext<'_>) -> Verdict {
    let text = "has no connections, or its networking is switched off. It still says that it is in sync, but learns of no new \
                blocks.";
    said(source, "isolated", true, text)
}

fn release_bad(source: &SourceContext<'_>) -> Verdict {
    said(source, "release_bad", true, "runs a release with a known fault: it needs an update.")
}

fn filter_index_behind(source: &SourceContext<'_>) -> Verdict {
    let text = "has an index of compact block filters that is not synced. A masternode on Dash Core 24 must serve these filters.";
    said(source, "filter_index_synced", false, text)
}
