//! Every alert: those of the conditions that the exporter evaluates, and those that only Prometheus can raise.
//!
//! A name has one severity. Two severities of one problem have two names, so that an inhibition of one never mutes the
//! other.
//!
//! Never here: a condition (`domain::condition`).

use domain::condition::{Alert, Catalogue, Inhibition, Scope, Severity};

/// An alert that no exporter can raise, because it is about missing exporters.
#[derive(Debug)]
pub struct PrometheusAlert {
    /// Name, severity, pending duration and texts.
    pub alert: Alert,
    /// PromQL; `$absent` is replaced by the condition that no exporter was ever seen: of the given job, or of any.
    pub expression: &'static str,
    /// The description, as a Prometheus template.
    pub description: &'static str,
    /// Alerts that it inhibits.
    pub inhibits: &'static [Inhibition],
}

const fn alert(
    name: &'static str,
    severity: Severity,
    hold_seconds: u32,
    scope: Scope,
    [summary, resolved]: [&'static str; 2],
) -> Alert {
    Alert { name, severity, hold_seconds, scope, summary, resolved, keeps_hold: false }
}

/// The alerts of this kind.
pub const PROMETHEUS_ALERTS: &[PrometheusAlert] = &[
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterAbsent",
            Severity::Critical,
            300,
            Scope::Exporter,
            ["Prometheus sees no masternode exporter.", "No exporter was scraped; at least one is scraped again."],
        ),
        expression: "# A job of which a network is missing, or no exporter at all.\n\
                     count by (job) (\n  \
                       job:masternode_exporter:seen unless on (network) masternode_exporter_gap_blocks_total\n\
                     )\n\
                     unless on (job) masternode_exporter_build_info\n\
                     or\n\
                     $absent",
        description: "No exporter{{ with $labels.job }} of job {{ . }}{{ end }} is scraped: the state of its masternodes is unknown.",
        inhibits: &[Inhibition {
            targets: &["MasternodeExporterNetworkUnreported", "MasternodeExporterDown"],
            equal: &["job"],
            reason: "It is the cause of both alerts.",
        }],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterNetworkUnreported",
            Severity::Critical,
            300,
            Scope::Network,
            [
                "No exporter reports a network that was reported before.",
                "Network {network} was not reported and is reported again.",
            ],
        ),
        expression: "job:masternode_exporter:seen unless on (network) masternode_exporter_gap_blocks_total",
        description: "No exporter reports {{ $labels.network }}: bans and penalties are not seen. The last one was of job \
                      {{ $labels.job }}, at {{ $value | humanizeTimestamp }}.",
        inhibits: &[Inhibition {
            targets: &[
                "MasternodeExporterMasternodesUnreported",
                "MasternodeExporterDataStale",
                "MasternodeExporterListMissing",
            ],
            equal: &["network"],
            reason: "The state of the network is unknown.",
        }],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterMasternodesUnreported",
            Severity::Critical,
            300,
            Scope::Network,
            [
                "No exporter reports some watched masternodes any more.",
                "Masternodes of {network} were not reported and are reported again.",
            ],
        ),
        expression: "count by (job, network) (masternode:masternode_registered:lost)",
        description: "{{ $value }} masternodes of {{ $labels.network }} were watched by an exporter of job {{ $labels.job }} that is \
                      gone or has no list, and no other exporter watches them: {{ range printf \
                      \"topk(10, masternode:masternode_registered:lost{job=%q,network=%q})\" $labels.job $labels.network | query }}\
                      {{ or .Labels.alias .Labels.masternode }} {{ end }}",
        inhibits: &[],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterDown",
            Severity::Warning,
            300,
            Scope::Exporter,
            ["Prometheus cannot scrape an exporter.", "An exporter could not be scraped and is scraped again."],
        ),
        expression: "up == 0 and on (job, instance) instance:masternode_exporter:seen",
        description: "Exporter {{ $labels.instance }} of job {{ $labels.job }} cannot be scraped. If another exporter watches the same \
                      masternodes, their alerts still work.",
        inhibits: &[],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterListMissing",
            Severity::Critical,
            1200,
            Scope::Network,
            [
                "An exporter has no current masternode list.",
                "An exporter had no current masternode list and has one again.",
            ],
        ),
        expression: "masternode_exporter_gap_blocks_total unless on (job, instance, network) masternode_alert_evaluated",
        description: "Exporter {{ $labels.instance }} of job {{ $labels.job }} has no current masternode list of \
                      {{ $labels.network }}: it does not evaluate the alerts of its masternodes. Masternodes that no other \
                      exporter watches are not watched.",
        inhibits: &[],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterBehind",
            Severity::Warning,
            900,
            Scope::Exporter,
            [
                "An exporter is behind another one of the same network.",
                "An exporter was behind another one and has caught up.",
            ],
        ),
        expression: "masternode_exporter_list_height\n  \
                       < on (network) group_left () max by (network) (masternode_exporter_list_height) - 5",
        description: "The list of exporter {{ $labels.instance }} of job {{ $labels.job }} is at block {{ $value }} of \
                      {{ $labels.network }}; another exporter is ahead. Its source is stuck or on another chain.",
        inhibits: &[],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterLabelsRenamed",
            Severity::Warning,
            300,
            Scope::Exporter,
            [
                "A target of Prometheus has a label that metrics of the exporter have.",
                "Labels of an exporter were renamed by Prometheus and are right again.",
            ],
        ),
        expression: "count by (job, instance) (\n  \
                       masternode_exporter_gap_blocks_total{exported_network!=\"\"}\n  \
                       or masternode_exporter_source_up{exported_source!=\"\"}\n\
                     )",
        description: "Prometheus renamed labels of exporter {{ $labels.instance }} of job {{ $labels.job }} to exported_network or \
                      exported_source, because the target has labels network or source of its own. Alerts name the wrong network, \
                      and mix those of several networks.",
        inhibits: &[],
    },
    PrometheusAlert {
        alert: alert(
            "MasternodeExporterWatchdog",
            Severity::None,
            0,
            Scope::Exporter,
            ["Always firing; its absence means that the alerting pipeline is broken.", "Never resolved."],
        ),
        expression: "vector(1)",
        description: "This alert always fires, so that a dead man's switch detects a failure of Prometheus or Alertmanager.",
        inhibits: &[],
    },
];

/// All alerts, in the order in which they are documented.
pub fn alerts(catalogue: &Catalogue) -> impl Iterator<Item = &'static Alert> {
    let evaluated = catalogue.conditions().map(|condition| &condition.alert);
    evaluated.chain(PROMETHEUS_ALERTS.iter().map(|alert| &alert.alert))
}

/// The inhibitions: name of the inhibiting alert, and the rule.
pub fn inhibitions(catalogue: &Catalogue) -> impl Iterator<Item = (&'static str, &'static Inhibition)> {
    let of =
        |alert: &'static Alert, inhibits: &'static [Inhibition]| inhibits.iter().map(move |rule| (alert.name, rule));
    let evaluated = catalogue.conditions().flat_map(move |condition| of(&condition.alert, condition.inhibits));
    evaluated.chain(PROMETHEUS_ALERTS.iter().flat_map(move |alert| of(&alert.alert, alert.inhibits)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_alert_has_a_name_of_its_own_and_whole_sentences() {
        let catalogue = Catalogue::default();
        let names: BTreeSet<_> = alerts(&catalogue).map(|alert| alert.name).collect();
        assert_eq!(names.len(), alerts(&catalogue).count());
        for alert in alerts(&catalogue) {
            assert!(alert.name.starts_with("Masternode"), "{}", alert.name);
            assert!(alert.summary.ends_with('.') && !alert.summary.contains('{'), "{}", alert.name);
            assert!(alert.resolved.ends_with('.'), "{}", alert.name);
        }
    }

    #[test]
    fn the_watchdog_alone_has_a_severity_that_no_inhibition_of_info_matches() {
        let catalogue = Catalogue::default();
        let none = alerts(&catalogue).filter(|alert| alert.severity == Severity::None).map(|alert| alert.name);
        assert_eq!(none.collect::<Vec<_>>(), ["MasternodeExporterWatchdog"]);
    }
}
