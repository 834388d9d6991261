//! Every alert, said once: name, severity, how long it must hold, texts, and the condition in both forms, of what is known and
//! of our metrics.
//!
//! A name has one severity. Two tiers of one trouble have two names, so that an inhibition of one never mutes the other.
//!
//! Never here: thresholds (`domain::finding`), which the rules name as `$threshold`.

mod early_warning;
mod exporter;
mod fork;
mod masternode;
mod network;

use crate::alerting::runbooks::SERVED;
use domain::condition::Condition;

/// How urgent it is: the label `severity`; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Wakes somebody: money is lost, or will be soon.
    Critical,
    /// To be looked at within the day.
    Warning,
    /// For machines.
    Info,
    /// Always fires. The InfoInhibitor of kube-prometheus-stack inhibits `info`; its own Watchdog has this value.
    None,
}

impl Severity {
    /// The value of the label.
    pub fn label(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
            Severity::None => "none",
        }
    }
}

/// What an alert is about: which labels it has beside `severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A watched masternode: `network`, `masternode`, `alias`, `node_type` and its groups.
    Masternode,
    /// A group: `network`, `group_key`, `group`.
    Group,
    /// A network: `network`.
    Network,
    /// The quorums of a type: `network`, `quorum_type`.
    QuorumType,
    /// A node that is asked: `network`, `source`.
    Source,
    /// A receiver of notifications: `receiver`.
    Receiver,
    /// The exporters of a job: `job`.
    Exporter,
}

/// One alert.
#[derive(Debug)]
pub struct Alert {
    /// `alertname`.
    pub name: &'static str,
    /// How urgent.
    pub severity: Severity,
    /// For how long the condition must hold, in seconds.
    pub hold_seconds: u32,
    /// What it is about.
    pub about: About,
    /// The condition on a masternode or its network; `None` for what concerns the exporter and those that it asks.
    pub condition: Option<Condition>,
    /// The same condition on our metrics, in PromQL.
    pub rule: &'static str,
    /// One sentence, the same for all that it is sent for.
    pub summary: &'static str,
    /// What exactly, one sentence a line, with the placeholders of `template`.
    pub description: &'static str,
}

impl Alert {
    /// Whether maintenance mutes it. A key or payee that is not the owner's is no maintenance.
    pub fn is_mutable(&self) -> bool {
        self.about == About::Masternode && self.condition != Some(Condition::UnexpectedChange)
    }

    /// Its runbook below an address: one that ends in `/runbooks` is that of an exporter, which serves them, any other one that of
    /// a copy of this project. Without an address, its path in the project.
    pub fn runbook_url(&self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        match base {
            "" => self.runbook(),
            _ if base.ends_with(SERVED) => format!("{base}/{}", self.name),
            _ => format!("{base}/{}", self.runbook()),
        }
    }

    /// Path of its runbook, from the root of the project.
    pub fn runbook(&self) -> String {
        format!("docs/runbooks/{}.md", self.name)
    }
}

/// All alerts: masternodes, what is seen of them before a penalty, networks, consensus changes, the exporter itself.
pub fn alerts() -> impl Iterator<Item = &'static Alert> {
    let of_chains = network::ALERTS.iter().chain(fork::ALERTS);
    masternode::ALERTS.iter().chain(early_warning::ALERTS).chain(of_chains).chain(exporter::ALERTS)
}

/// The alert of a condition.
pub fn alert_of(condition: Condition) -> Option<&'static Alert> {
    alerts().find(|alert| alert.condition == Some(condition))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_alert_has_a_name_of_its_own_and_whole_sentences() {
        let names: BTreeSet<_> = alerts().map(|alert| alert.name).collect();
        assert_eq!(names.len(), alerts().count());
        for alert in alerts() {
            assert!(alert.name.starts_with("Masternode"), "{}", alert.name);
            assert!(alert.summary.ends_with('.') && !alert.summary.contains('{'), "{}", alert.name);
            assert!(alert.description.lines().all(|line| line.ends_with('.')), "{}", alert.name);
        }
    }

    #[test]
    fn an_alert_about_masternodes_names_who_and_of_which_group() {
        for alert in alerts().filter(|alert| alert.about == About::Masternode) {
            assert!(alert.description.starts_with("Masternode {node}{groups} on {network} "), "{}", alert.name);
        }
    }

    #[test]
    fn the_watchdog_alone_has_a_severity_that_no_inhibition_of_info_matches() {
        let none: Vec<_> = alerts().filter(|alert| alert.severity == Severity::None).map(|alert| alert.name).collect();
        assert_eq!(none, ["MasternodeExporterWatchdog"]);
    }

    #[test]
    fn a_condition_has_one_alert() {
        let conditions: Vec<_> = alerts().filter_map(|alert| alert.condition).collect();
        assert_eq!(conditions.iter().collect::<BTreeSet<_>>().len(), conditions.len());
        assert_eq!(conditions.len(), 27);
        assert_eq!(alert_of(Condition::Banned).map(|alert| alert.name), Some("MasternodePoSeBanned"));
    }
}
