//! Which alerts hold now, and of which nothing can be said: everything that is known in, alerts with labels and texts out.
//!
//! Labels and texts are those of the rules for Prometheus, so that both ways of an alert are one alert to Alertmanager.
//!
//! Never here: how long an alert must hold; who is told.

mod exporter_health;
mod masternode;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use exporter_health::PreviousState;

use crate::alerting::catalog::{About, Alert, alert_of, alerts};
use crate::alerting::settings::AlertingSettings;
use crate::alerting::template;
use domain::Snapshot;
use domain::condition::{Condition, Finding, Subject, called, findings, unknown_versions, unsaid_expectations};
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::network_state::{Moment, NetworkState};
use domain::snapshot::WatchedEntry;

/// Labels of an alert, without `alertname`; none is empty.
pub type Labels = BTreeMap<String, String>;

/// Of a list that was confirmed longer ago nothing is concluded. The rules do the same.
const FRESH: Duration = Duration::from_secs(300);

/// Everything that is judged.
pub struct EvaluationInput {
    /// All networks.
    pub networks: Vec<Arc<NetworkState>>,
    /// The configuration could be read when it was last tried.
    pub config_good: bool,
    /// The web configuration file could be used when it was last read; also where there is none.
    pub web_config_good: bool,
    /// Damaged events of the history file; `None` until it was checked, and where there is none.
    pub history_damaged: Option<u64>,
    /// Receivers whose last message did not arrive.
    pub failing: Vec<String>,
    /// When the process started.
    pub started: UnixSeconds,
}

/// An alert whose condition holds.
#[derive(Clone, Debug)]
pub struct ActiveCondition {
    /// Which.
    pub alert: &'static Alert,
    /// Of whom.
    pub labels: Labels,
    /// The number that it is about.
    pub value: f64,
    /// What exactly.
    pub description: String,
}

/// What was found.
#[derive(Default)]
pub struct Evaluation {
    /// What holds.
    pub judged: Vec<ActiveCondition>,
    /// Networks of whose snapshots nothing can be said: what was told of them stays as it is.
    pub(super) unknown_lists: BTreeSet<String>,
    /// Whether the history file was not checked for damage yet.
    pub(super) unknown_damage: bool,
    /// What lies before the start of this process is not remembered event by event.
    pub(super) memory: EventWindow,
    /// Networks of whose nodes nothing can be said yet.
    pub(super) unknown_sources: BTreeSet<String>,
    /// What calls, or lists, do not tell at the moment, by network.
    pub(super) unknown_calls: BTreeMap<String, BTreeSet<(Condition, MasternodeId)>>,
    /// Quorum types of networks of which no quorum is known.
    pub(super) unknown_quorums: BTreeSet<(String, String)>,
    /// Alerts about consensus changes, networks and nodes of which nothing is known.
    pub(super) unknown_forks: BTreeSet<(&'static str, String, String)>,
    /// What nodes have not said of themselves yet.
    pub(super) unsaid: BTreeSet<exporter_health::Said>,
    /// Networks whose tip is still that of before the clock jumped: how old it is cannot be said.
    pub(super) unknown_tips: BTreeSet<String>,
    /// Networks whose list no source has confirmed since the start.
    pub(super) unconfirmed: BTreeSet<String>,
    /// Receivers that were sent nothing since the start.
    pub(super) unknown_receivers: BTreeSet<String>,
}

/// How far back events are remembered, and for how long they count.
#[derive(Clone, Copy, Default)]
pub(super) struct EventWindow {
    started: u64,
    recent_seconds: u64,
    now: u64,
}

impl EventWindow {
    /// Whether an alert that follows from events is told of one that only an earlier process saw, and that still counts.
    fn lacks(&self, alert: &Alert, starts_at: UnixSeconds) -> bool {
        let of_events = matches!(alert.condition, Some(Condition::PaymentLost | Condition::PenaltyWave));
        let counts = match alert.name {
            exporter_health::HISTORY_GAP => exporter_health::GAP_SECONDS,
            exporter_health::NOT_UNDERSTOOD => exporter_health::NOT_UNDERSTOOD_SECONDS,
            _ if of_events => self.recent_seconds,
            _ => return false,
        };
        starts_at.0 < self.started && self.now < starts_at.0.saturating_add(counts)
    }
}

impl Evaluation {
    /// Whether nothing can be said of such an alert that began then, be it that it holds or that it does not.
    pub fn is_unknown(&self, alert: &Alert, labels: &Labels, starts_at: UnixSeconds) -> bool {
        if self.memory.lacks(alert, starts_at) {
            return true;
        }
        if alert.about == About::Receiver {
            return labels.get("receiver").is_some_and(|receiver| self.unknown_receivers.contains(receiver));
        }
        if alert.name == exporter_health::DAMAGED {
            return self.unknown_damage;
        }
        let Some(network) = labels.get("network") else { return false };
        if alert.name == exporter_health::DATA_STALE {
            return self.unconfirmed.contains(network);
        }
        if exporter_health::SAID.contains(&alert.name) {
            let source = labels.get("source").cloned().unwrap_or_default();
            return self.unsaid.contains(&(alert.name, network.clone(), source));
        }
        if self.is_unknown_fork(alert, labels, network) {
            return true;
        }
        // What sources say is not read yet, or not any more.
        if alert.name == exporter_health::NOT_UNDERSTOOD {
            return self.unknown_lists.contains(network);
        }
        let of_sources = alert.about == About::Source || alert.name == exporter_health::ALL_SOURCES_DOWN;
        (alert.condition.is_some() && self.unknown_lists.contains(network))
            || (alert.condition == Some(Condition::ChainStalled) && self.unknown_tips.contains(network))
            || (alert.condition == Some(Condition::QuorumMissing)
                && labels
                    .get("quorum_type")
                    .is_some_and(|kind| self.unknown_quorums.contains(&(network.clone(), kind.clone()))))
            || (of_sources && self.unknown_sources.contains(network))
            || self.is_not_told_by_calls(alert, labels, network)
    }

    fn is_unknown_fork(&self, alert: &Alert, labels: &Labels, network: &str) -> bool {
        let source = labels.get("source").cloned().unwrap_or_default();
        self.unknown_forks.contains(&(alert.name, network.into(), source))
    }

    fn is_not_told_by_calls(&self, alert: &Alert, labels: &Labels, network: &str) -> bool {
        let Some(unknown) = self.unknown_calls.get(network) else { return false };
        let id = labels.get("masternode").and_then(|id| id.parse().ok());
        alert.condition.zip(id).is_some_and(|key| unknown.contains(&key))
    }
}

/// Judges everything at `now`. `before` is what earlier judgements saw.
pub fn judge(
    world: &EvaluationInput,
    settings: &AlertingSettings,
    before: &mut PreviousState,
    now: UnixSeconds,
) -> Evaluation {
    let memory =
        EventWindow { started: world.started.0, recent_seconds: settings.thresholds.recent_seconds, now: now.0 };
    let unknown_damage = world.history_damaged.is_none();
    let mut verdict = Evaluation { memory, unknown_damage, ..Evaluation::default() };
    // Times are told by their age, because the wall clock may have jumped in between.
    let uptime = Duration::from_secs(now.0.saturating_sub(world.started.0));
    let before_now = |at: Moment| UnixSeconds(now.0.saturating_sub(at.age(Moment { unix: now, uptime }).as_secs()));
    for network in world.networks.iter().map(Arc::as_ref) {
        let name = network.network.to_string();
        let confirmed = network.confirmed().map(before_now);
        let limit = FRESH.min(network.stale_after).as_secs();
        let fresh = confirmed.is_some_and(|confirmed| now.0.saturating_sub(confirmed.0) <= limit);
        match network.snapshot.as_deref().filter(|_| fresh) {
            Some(snapshot) => of_snapshot(network, snapshot, settings, now, &mut verdict),
            None => drop(verdict.unknown_lists.insert(name.clone())),
        }
        if confirmed.is_none() {
            verdict.unconfirmed.insert(name.clone());
        }
        if network.sources.iter().any(|source| source.synced.is_none()) {
            verdict.unknown_sources.insert(name);
        }
        verdict.judged.extend(exporter_health::of_network(
            network,
            confirmed.unwrap_or(before_now(network.since)),
            before,
            now,
        ));
        verdict.unknown_forks.extend(exporter_health::unknown_forks(network));
        verdict.unsaid.extend(before.unsaid(network));
    }
    verdict.judged.extend(exporter_health::of_process(world, settings));
    for judged in &mut verdict.judged {
        judged.labels.insert("severity".into(), judged.alert.severity.label().into());
        for (name, value) in &settings.labels {
            judged.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        judged.labels.retain(|_, value| !value.is_empty());
    }
    verdict
}

fn of_snapshot(
    network: &NetworkState,
    snapshot: &Snapshot,
    settings: &AlertingSettings,
    now: UnixSeconds,
    verdict: &mut Evaluation,
) {
    let causes = masternode::PenaltyDetails::of(snapshot, settings.thresholds.recent_seconds);
    let called = called(snapshot, network.probes.as_deref());
    let name = snapshot.network();
    let told = |finding: Finding<'_>| {
        let alert = alert_of(finding.condition)?;
        let network_label = ("network".to_string(), name.to_string());
        match &finding.subject {
            Subject::Masternode(node) => {
                let probe = || network.probes.as_ref()?.get(&node.watched.id);
                let told = || masternode::judged(snapshot, node, &finding, alert, &causes, probe());
                (!(is_muted(node, now) && alert.is_mutable())).then(told)
            }
            Subject::Group(key, group) => {
                let labels = [("group_key", *key), ("group", *group)].map(|(name, text)| (name.into(), text.into()));
                Some(judged(alert, labels.into_iter().chain([network_label]).collect(), finding.value))
            }
            Subject::Network => Some(judged(alert, [network_label].into(), finding.value)),
            Subject::QuorumType(name) => {
                let quorum_type = ("quorum_type".to_string(), (*name).to_string());
                Some(judged(alert, [network_label, quorum_type].into(), finding.value))
            }
        }
    };
    let found = findings(snapshot, &settings.thresholds, now).into_iter().chain(called.found);
    verdict.judged.extend(found.filter_map(told));
    let unknown = snapshot.quorum_types().unwrap_or_default().iter();
    let unknown = unknown.filter(|kind| snapshot.quorum_health(kind).is_none());
    verdict.unknown_quorums.extend(unknown.map(|kind| (network.network.to_string(), kind.name.to_string())));
    // Of what is being worked on nothing is told, whatever is known of it.
    let unsaid = unsaid_expectations(snapshot).map(|node| (Condition::UnexpectedChange, node));
    let versions = unknown_versions(snapshot).map(|node| (Condition::EvoVersionOld, node));
    let unknown = called.unknown.into_iter().chain(unsaid).chain(versions).filter(|(_, node)| !is_muted(node, now));
    let unknown: BTreeSet<_> = unknown.map(|(condition, node)| (condition, node.watched.id)).collect();
    verdict.unknown_calls.insert(network.network.to_string(), unknown);
}

fn is_muted(node: &WatchedEntry, now: UnixSeconds) -> bool {
    node.watched.maintenance_until.is_some_and(|until| until > now)
}

/// An alert whose texts need nothing but its labels and its number.
fn judged(alert: &'static Alert, labels: Labels, value: f64) -> ActiveCondition {
    let description = template::plain(alert, &labels, value, &|_| None);
    ActiveCondition { alert, labels, value, description }
}

fn named(name: &str) -> Option<&'static Alert> {
    alerts().find(|alert| alert.name == name)
}

#[cfg(test)]
mod restarts;
#[cfg(test)]
mod tests;
