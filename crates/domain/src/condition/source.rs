//! Conditions of sources and of their data: usable sources, age of the masternode list, skipped blocks.
//!
//! Never here: masternodes; this process.

use crate::condition::{
    Condition, Inhibition, NETWORK, NetworkContext, Rule, SOURCE, Severity, SourceContext, Verdict, text,
};

/// The conditions of sources.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeExporterDataStale",
        Severity::Critical,
        0,
        Rule::Reachability(data_stale),
        [
            "The masternode list of a network is stale: no source confirmed it within the configured time.",
            "The masternode list of {network} was stale and is confirmed again.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterListMissing", "MasternodeExporterMasternodesUnreported"],
        equal: NETWORK,
        reason: "A list that no source confirms is withdrawn.",
    }]),
    Condition::new(
        "MasternodeExporterAllSourcesDown",
        Severity::Critical,
        300,
        Rule::Reachability(all_sources_down),
        ["All sources of a network are down.", "All sources of {network} were down; at least one is usable again."],
    )
    .inhibits(&[Inhibition {
        targets: &[
            "MasternodeExporterSourceDown",
            "MasternodeExporterDataStale",
            "MasternodeExporterListMissing",
            "MasternodeExporterMasternodesUnreported",
        ],
        equal: NETWORK,
        reason: "Without a source there is no list: it is the cause of the other alerts.",
    }]),
    Condition::new(
        "MasternodeExporterHistoryGap",
        Severity::Warning,
        0,
        Rule::Reachability(history_gap),
        ["Blocks were skipped; their events are incomplete.", "Blocks of {network} were skipped; none recently."],
    )
    .any(),
    Condition::new(
        "MasternodeExporterAnswersNotUnderstood",
        Severity::Warning,
        0,
        Rule::Reachability(answers_not_understood),
        [
            "A source returned data that this version of the exporter does not understand.",
            "Sources of {network} returned data that was not understood; none recently.",
        ],
    )
    .any(),
    Condition::new(
        "MasternodeExporterSourceDown",
        Severity::Warning,
        300,
        Rule::Source(source_down),
        ["A source node is down or not synced.", "Source {source} of {network} was not usable and is usable again."],
    ),
    Condition::new(
        "MasternodeExporterWrongNetwork",
        Severity::Critical,
        60,
        Rule::Source(wrong_network),
        [
            "A source node is on a different network than configured.",
            "Source {source} of {network} was on a different network and is no longer.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "The source answers, but for a different network.",
    }]),
    Condition::new(
        "MasternodeExporterSourceIsolated",
        Severity::Warning,
        300,
        Rule::Source(isolated),
        [
            "A source node has no connection to its network.",
            "Source {source} of {network} had no connection to its network and is connected again.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "A source without connections loses its sync.",
    }]),
    Condition::new(
        "MasternodeExporterSourceReleaseBad",
        Severity::Warning,
        300,
        Rule::Source(release_bad),
        [
            "A source node runs a release with a known fault.",
            "Source {source} of {network} ran a release with a known fault and no longer does.",
        ],
    ),
    Condition::new(
        "MasternodeExporterSourceFilterIndexBehind",
        Severity::Warning,
        3_600,
        Rule::Source(filter_index_behind),
        [
            "The compact block filter index of a source node is not synced.",
            "Source {source} of {network} had a compact block filter index that was not synced; it is synced now.",
        ],
    ),
];

fn data_stale(network: &NetworkContext<'_>) -> Verdict {
    let (confirmed, limit) = (network.state.confirmed, network.state.stale_after.as_secs());
    // Before the first confirmation, age counts from when the network was added: a reload may add it after the start.
    let age = confirmed.unwrap_or(network.state.since).age(network.now).as_secs();
    if age > limit {
        let text = format!(
            "The masternode list of {} has not been confirmed for more than {}: new bans and penalties are not seen. Alerts of \
             its masternodes keep their last state. Check the source nodes.",
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
    let text = format!(
        "No source of {} is reachable and synced: new bans and penalties are not seen. Check the source nodes.",
        network.name()
    );
    Verdict::holds(0.0, text)
}

fn history_gap(network: &NetworkContext<'_>) -> Verdict {
    if let Some(blocks) = network.memory.gap.recent() {
        let text = format!(
            "{blocks} blocks of {} were skipped in the last {}. Scores and bans are correct; event counts of these blocks are missing or \
             approximate.",
            network.name(),
            text::duration(network.thresholds.recent_seconds)
        );
        return Verdict::holds(blocks as f64, text);
    }
    if network.is_young(network.thresholds.recent_seconds) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn answers_not_understood(network: &NetworkContext<'_>) -> Verdict {
    if let Some(values) = network.memory.not_understood.recent() {
        let text = format!(
            "Sources of {} returned data that this version of the exporter does not understand; \
             masternode_exporter_not_understood_total counts these values. They are absent from metrics and alerts. They may be \
             the first sign of a fork: update the exporter.",
            network.name()
        );
        return Verdict::holds(values as f64, text);
    }
    if network.is_young(network.thresholds.not_understood_seconds) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn source_down(source: &SourceContext<'_>) -> Verdict {
    Verdict::of(source.source.synced.map(|synced| !synced), || {
        format!("{} is not usable: it does not answer, refuses requests, or is not synced.", source.who())
    })
}

fn wrong_network(source: &SourceContext<'_>) -> Verdict {
    Verdict::of(source.source.network_match.map(|matches| !matches), || {
        format!(
            "{} is on a different network than configured; its answers are not used. Check its address.",
            source.who()
        )
    })
}

/// A condition on a fact that a source reports about itself now or reported within `source_silence_seconds`. Unknown of a source
/// that reported nothing for longer; inapplicable to a synced source that never reports it.
fn said(source: &SourceContext<'_>, fact: &'static str, is_bad: bool, text: &str) -> Verdict {
    let (memory, name, now) = (source.network.memory, &source.source.name, source.network.now);
    let silence = source.network.thresholds.source_silence_seconds;
    if source.source.synced == Some(true) && memory.never_said(fact, name, silence, now) {
        return Verdict::Inapplicable;
    }
    let said = memory.said(fact, name, silence, now);
    Verdict::of(said.map(|said| said == is_bad), || format!("{} {text}", source.who()))
}

fn isolated(source: &SourceContext<'_>) -> Verdict {
    let text = "has no peer connections, or its networking is disabled. It still reports that it is synced, but receives no new \
                blocks.";
    said(source, "isolated", true, text)
}

fn release_bad(source: &SourceContext<'_>) -> Verdict {
    said(source, "release_bad", true, "runs a release with a known fault. Upgrade it.")
}

fn filter_index_behind(source: &SourceContext<'_>) -> Verdict {
    let text =
        "has a compact block filter index that is not synced. A masternode on Dash Core 24 must serve these filters.";
    said(source, "filter_index_synced", false, text)
}
