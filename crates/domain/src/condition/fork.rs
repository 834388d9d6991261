//! Conditions of the activation of a consensus change: near, active, and sources that do not follow it or are on another chain.
//!
//! Never here: masternodes that are not ready for it (`early_warning`).

use crate::condition::{Condition, Inhibition, NetworkContext, Rule, SOURCE, Severity, SourceContext, Verdict, text};

/// The conditions of a consensus change.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeForkActivationNear",
        Severity::Warning,
        0,
        Rule::Network(activation_near),
        [
            "A consensus change that is locked in activates soon.",
            "The activation of Dash Core 24 on {network} was near; Dash Core 24 is now active.",
        ],
    )
    .any(),
    Condition::new(
        "MasternodeForkActivated",
        Severity::Info,
        0,
        Rule::Network(activated),
        [
            "A consensus change activated within the last signalling window.",
            "Dash Core 24 activated on {network} more than a signalling window ago.",
        ],
    )
    .any(),
    Condition::new(
        "MasternodeExporterSourceForkNotReady",
        Severity::Warning,
        600,
        Rule::Source(not_ready),
        [
            "A source node will not follow the next consensus change.",
            "Source {source} of {network} was not ready for the next consensus change and is now.",
        ],
    ),
    Condition::new(
        "MasternodeExporterSourceLeftBehind",
        Severity::Critical,
        60,
        Rule::Source(left_behind),
        [
            "A source node does not follow a consensus change that is locked in or active.",
            "Source {source} of {network} did not follow a consensus change and was upgraded.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "The exporter does not use a source that did not follow a consensus change.",
    }]),
    Condition::new(
        "MasternodeExporterForkSplit",
        Severity::Critical,
        60,
        Rule::Source(split),
        [
            "Two source nodes are on different chains.",
            "Source {source} of {network} was on a different chain and is no longer.",
        ],
    ),
];

fn activation_near(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh else { return Verdict::Unknown };
    let (facts, tip) = (snapshot.facts(), snapshot.block());
    let Some(deployment) = &facts.deployment else { return without_deployment(network) };
    let height = deployment.activation_height;
    let expected = height.and_then(|height| facts.expected_at(height, tip, snapshot.rules()));
    let left = expected.map(|at| at.0.saturating_sub(network.now.unix.0));
    match left.zip(height).filter(|(left, _)| *left < network.thresholds.fork_near_seconds) {
        Some((left, height)) => {
            let text = format!(
                "The rules of Dash Core 24 activate on {} at {}. Upgrade every masternode and every source to version 24 before: \
                 older masternodes are banned, older sources stay on an invalid chain.",
                network.name(),
                text::block(network, height),
            );
            Verdict::holds(left as f64, text)
        }
        None => Verdict::DoesNotHold,
    }
}

fn activated(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh else { return Verdict::Unknown };
    let tip = snapshot.block().height;
    let Some(deployment) = &snapshot.facts().deployment else { return without_deployment(network) };
    let since = deployment.active_since(tip);
    match since.filter(|since| deployment.window.is_some_and(|window| tip.above(*since) < window)) {
        Some(since) => {
            let text = format!("The rules of Dash Core 24 are active on {} since block {since}.", network.name());
            Verdict::holds(tip.above(since), text)
        }
        None => Verdict::DoesNotHold,
    }
}

/// No source reports the state of the deployment: unknown on chains that have one.
fn without_deployment(network: &NetworkContext<'_>) -> Verdict {
    if network.state.rules.has_dkg { Verdict::Unknown } else { Verdict::Inapplicable }
}

/// Whether a source will not follow the change. `None` if that is not known.
fn stays(source: &SourceContext<'_>) -> Option<bool> {
    source.source.follows_fork.map(|follows| !follows)
}

fn not_ready(source: &SourceContext<'_>) -> Verdict {
    if !source.network.state.rules.has_dkg {
        return Verdict::Inapplicable;
    }
    let certain = source.network.state.fork_activation.is_some();
    Verdict::of(stays(source).map(|stays| stays && !certain), || {
        format!(
            "{} runs a version below 24 and will not follow the activation of Dash Core 24. It does not report whether the \
             activation is near or already past. Upgrade it.",
            source.who()
        )
    })
}

fn left_behind(source: &SourceContext<'_>) -> Verdict {
    if !source.network.state.rules.has_dkg {
        return Verdict::Inapplicable;
    }
    let activation = source.network.state.fork_activation;
    Verdict::of(stays(source).map(|stays| stays && activation.is_some()), || {
        let height = activation.map_or(String::new(), |height| format!(" {height}"));
        format!(
            "{} runs a version below 24, and the activation height{height} of Dash Core 24 is final. From the block before that \
             height the exporter does not use it, even if it is the only source. Upgrade it.",
            source.who()
        )
    })
}

fn split(source: &SourceContext<'_>) -> Verdict {
    if source.network.state.sources.len() < 2 {
        return Verdict::Inapplicable;
    }
    Verdict::of(source.source.fork_split, || {
        format!(
            "{} is on a different chain than the exporter follows. Blocks, payments and masternodes of one of them are not those of \
             the network. Compare both with a block explorer, and check the versions of both nodes.",
            source.who()
        )
    })
}
