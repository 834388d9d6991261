//! `alerts/inhibition.yml`: which alert makes which other needless, for Alertmanager.
//!
//! Never here: an inhibition of a critical alert by a wave: a ban is a ban, whosever fault it is.

use std::fmt::Write;

/// While one alert fires, others with the same labels are not sent.
#[derive(Debug)]
pub struct Inhibition {
    /// What fires.
    pub source: &'static str,
    /// What is not sent.
    pub targets: &'static [&'static str],
    /// Labels that must be equal.
    pub equal: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

const NODE: &[&str] = &["network", "masternode"];
const NETWORK: &[&str] = &["network"];

/// All of them.
pub const INHIBITIONS: &[Inhibition] = &[
    Inhibition {
        source: "MasternodePoSeBanned",
        targets: &["MasternodePoSePenalized", "MasternodePaymentLost", "MasternodeDkgContributionMissing"],
        equal: NODE,
        reason: "The ban says it all.",
    },
    Inhibition {
        source: "MasternodePoSeBanImminent",
        targets: &["MasternodePoSeOneFailureFromBan"],
        equal: NODE,
        reason: "It tells the same with more urgency.",
    },
    Inhibition {
        source: "MasternodePoSeRepeatedFailures",
        targets: &["MasternodePoSeOneFailureFromBan", "MasternodePoSePenalized"],
        equal: NODE,
        reason: "Each of the failures was a penalty.",
    },
    Inhibition {
        source: "MasternodeMissing",
        targets: &["MasternodePaymentLost"],
        equal: NODE,
        reason: "Whoever is not on the list is not paid.",
    },
    Inhibition {
        source: "MasternodeProtocolTooOld",
        targets: &["MasternodeUnreachable"],
        equal: NODE,
        reason: "It answers, but in a version that others drop.",
    },
    Inhibition {
        source: "MasternodePenaltyWave",
        targets: &["MasternodePoSePenalized"],
        equal: NETWORK,
        reason: "The network has a problem. Never mutes what is critical, nor how close to a ban a masternode is.",
    },
    Inhibition {
        source: "MasternodeChainStalled",
        targets: &["MasternodeChainLockLag", "MasternodePaymentOverdue"],
        equal: NETWORK,
        reason: "Without blocks nobody is paid and nothing is locked.",
    },
    Inhibition {
        source: "MasternodeExporterAllSourcesDown",
        targets: &["MasternodeExporterSourceDown", "MasternodeExporterDataStale"],
        equal: NETWORK,
        reason: "It is the cause of both.",
    },
    Inhibition {
        source: "MasternodeExporterWrongNetwork",
        targets: &["MasternodeExporterSourceDown"],
        equal: &["network", "source"],
        reason: "It answers, but for another network.",
    },
    Inhibition {
        source: "MasternodeExporterSourceIsolated",
        targets: &["MasternodeExporterSourceDown"],
        equal: &["network", "source"],
        reason: "Cut off for long, it falls out of sync.",
    },
    Inhibition {
        source: "MasternodeExporterSourceLeftBehind",
        targets: &["MasternodeExporterSourceDown"],
        equal: &["network", "source"],
        reason: "It is not used because it was left behind.",
    },
];

/// The file.
pub fn inhibition() -> String {
    let mut text = String::from(
        "# Put these rules under `inhibit_rules` of Alertmanager 0.22 or later. docs/alerts.md explains them.\n\
         #\n\
         # Made of src/alerting/inhibition.rs; a test compares both.\n\
         inhibit_rules:\n",
    );
    for rule in INHIBITIONS {
        let _ = write!(text, "\n  # {}\n", rule.reason);
        let _ = writeln!(text, "  - source_matchers: ['alertname = \"{}\"']", rule.source);
        let _ = writeln!(text, "    target_matchers: ['alertname =~ \"{}\"']", rule.targets.join("|"));
        let _ = writeln!(text, "    equal: [{}]", rule.equal.join(", "));
    }
    text
}
