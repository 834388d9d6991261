//! The activation of a consensus change: near, past, and sources that do not follow it.
//!
//! Never here: a masternode that is not ready for it.

use crate::condition::{Condition, Inhibition, NetworkContext, Rule, SOURCE, Severity, SourceContext, Verdict, text};

/// All of them.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeForkActivationNear",
        Severity::Warning,
        0,
        Rule::Network(activation_near),
        [
            "A consensus change that is locked in activates within a week.",
            "The activation of Dash Core 24 on {network} was near; it has come.",
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
            "A node that the exporter asks will not follow the next consensus change.",
            "Source {source} of {network} was not ready for the next consensus change; that is over.",
        ],
    ),
    Condition::new(
        "MasternodeExporterSourceLeftBehind",
        Severity::Critical,
        60,
        Rule::Source(left_behind),
        [
            "A node that the exporter asks does not follow a consensus change that is locked in or active.",
            "Source {source} of {network} did not follow a consensus change and was upgraded.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeExporterSourceDown"],
        equal: SOURCE,
        reason: "It is not used because it was left behind.",
    }]),
    Condition::new(
        "MasternodeExporterForkSplit",
        Severity::Critical,
        60,
        Rule::Source(split),
        [
            "Two nodes that the exporter asks are on different chains since a consensus change.",
            "Source {source} of {network} was on another chain and is no longer.",
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
                "The rules of Dash Core 24 activate on {} with {}. Until then every masternode and every source must run version \
                 24: others are banned or left on a dead chain.",
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

/// No source says how far the change is: unknown where there is one.
fn without_deployment(network: &NetworkContext<'_>) -> Verdict {
    if network.state.rules.has_dkg { Verdict::Unknown } else { Verdict::Inapplicable }
}

/// Whether a source will not follow the change.
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
            "{} runs a version below 24 and will not follow the activation of Dash Core 24. It does not show whether the \
             activation is near or already past: upgrade it.",
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
            "{} runs a version below 24, and the activation height{height} of Dash Core 24 is certain. From the block before that \
             height on it is not used, even if it is the only source: upgrade it.",
            source.who()
        )
    })
}

fn split(source: &SourceContext<'_>) -> Verdict {
    if !source.network.state.rules.has_dkg {
        return Verdict::Inapplicable;
    }
    Verdict::of(source.source.fork_split, || {
        format!(
            "{} is on another chain than the one that is followed since the activation of Dash Core 24. Its blocks, payments and \
             masternodes are not those of the network.",
            source.who()
        )
    })
}
