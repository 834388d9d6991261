//! Applies an evaluation to the alerts: each becomes pending, firing, muted or resolved.
//!
//! Never here: due notifications.

use std::collections::{BTreeMap, BTreeSet};

use tracing::info;

use crate::alerting::settings::AlertingSettings;
use crate::alerting::state::{AlertState, AlertStore, Labels, LastNotified, MOST, Phase, incident, key};
use domain::condition::{Alert, EvaluatedSubject, Evaluation, Scope, Verdict, text};
use domain::masternode::UnixSeconds;

/// One condition that holds, as an alert.
struct ActiveCondition<'a> {
    alert: &'static Alert,
    labels: Labels,
    value: f64,
    text: &'a str,
    muted_until: Option<UnixSeconds>,
}

/// What an evaluation says of an alert that does not hold.
enum Standing {
    Unknown,
    Recovered,
}

/// Text of an alert that ends without a recovery: its subject is gone, or its condition became inapplicable.
const UNEVALUATED: &str =
    "This alert is no longer evaluated: its subject is not watched, not configured or not on the list.";

/// Name and subject of an alert, without labels that may change while the subject stays the same.
pub(super) fn identity(alert: &Alert, labels: &Labels) -> String {
    let own: &[&str] = match alert.scope {
        Scope::Masternode => &["network", "masternode"],
        Scope::Exporter => &[],
        scope => scope.labels(),
    };
    let own = labels.iter().filter(|(name, _)| own.contains(&name.as_str()));
    key(alert, &own.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The labels of an alert of a subject: those of the Prometheus rules, and the configured ones.
pub(super) fn labels_of(subject: &EvaluatedSubject, alert: &Alert, settings: &AlertingSettings) -> Labels {
    let mut labels = Labels::clone(&subject.labels);
    if alert.scope == Scope::Exporter {
        labels.insert("job".into(), settings.job.clone());
    }
    labels.insert("severity".into(), alert.severity.label().into());
    for (name, value) in &settings.labels {
        labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    labels.retain(|_, value| !value.is_empty());
    labels
}

impl AlertStore {
    /// Applies an evaluation made at `now`. Returns how many alerts exceed the limit.
    pub fn update(&mut self, evaluation: &Evaluation, settings: &AlertingSettings, now: UnixSeconds) -> usize {
        let known: BTreeMap<String, String> =
            self.entries.iter().map(|(key, entry)| (identity(entry.alert, &entry.labels), key.clone())).collect();
        let mut present = BTreeSet::new();
        let (mut left_out, mut fired) = (0, Vec::new());
        for (subject, condition, value, text) in evaluation.holding() {
            let labels = labels_of(subject, &condition.alert, settings);
            let muted_until = subject.muted(condition);
            let active = ActiveCondition { alert: &condition.alert, labels, value, text, muted_until };
            // A subject with changed labels keeps its alert.
            let known = known.get(&identity(active.alert, &active.labels));
            let key = known.cloned().unwrap_or_else(|| key(active.alert, &active.labels));
            if self.entries.len() >= MOST && !self.entries.contains_key(&key) {
                left_out += 1;
                continue;
            }
            if self.mark_active(&key, active, settings.hold_seconds(&condition.alert), now) {
                fired.push(key.clone());
            }
            present.insert(key);
        }
        incident::open(&mut self.entries, &fired, now);
        let standings = self.standings(evaluation);
        let absent: Vec<String> = self.entries.keys().filter(|key| !present.contains(*key)).cloned().collect();
        for key in absent {
            let Some(entry) = self.entries.get(&key) else { continue };
            let description = match standings.get(&identity(entry.alert, &entry.labels)) {
                Some(Standing::Unknown) => {
                    self.mark_unknown(&key, now);
                    continue;
                }
                Some(Standing::Recovered) => resolution(entry.alert, &entry.labels),
                None if is_without_list(evaluation, entry) => {
                    self.mark_unknown(&key, now);
                    continue;
                }
                None => format!("{UNEVALUATED} Last state: {}", entry.description),
            };
            self.mark_resolved(&key, description, now);
        }
        self.close_earlier(evaluation, settings, now);
        left_out
    }

    /// What the evaluation says of known alerts that do not hold, by identity. Alerts of other subjects are absent.
    fn standings(&self, evaluation: &Evaluation) -> BTreeMap<String, Standing> {
        let names: BTreeSet<&str> = self.entries.values().map(|entry| entry.alert.name).collect();
        let verdicts = evaluation.subjects.iter().flat_map(|subject| {
            subject.verdicts.iter().map(move |(condition, verdict)| (subject, &condition.alert, verdict))
        });
        let standing = |(subject, alert, verdict): (&EvaluatedSubject, &Alert, &Verdict)| {
            let standing = match verdict {
                Verdict::Unknown => Standing::Unknown,
                Verdict::DoesNotHold => Standing::Recovered,
                Verdict::Holds { .. } | Verdict::Inapplicable => return None,
            };
            Some((identity(alert, &subject.labels), standing))
        };
        verdicts.filter(|(_, alert, _)| names.contains(alert.name)).filter_map(standing).collect()
    }

    /// Returns whether the alert starts to fire.
    fn mark_active(&mut self, key: &str, active: ActiveCondition<'_>, hold: u64, now: UnixSeconds) -> bool {
        if let Some(until) = active.muted_until {
            self.mark_muted(key, until, now);
            return false;
        }
        let fresh = || AlertState::new(active.alert, active.labels.clone(), Phase::Pending(now.0), now);
        let entry = self.entries.entry(key.to_string()).or_insert_with(fresh);
        entry.is_restored = false;
        let before = (entry.stage, entry.description.is_empty());
        if matches!(entry.stage, Phase::Resolved(_) | Phase::Muted(_)) {
            entry.stage = Phase::Pending(now.0);
        }
        if let Phase::Pending(since) = entry.stage
            && now.0 >= since.saturating_add(hold)
        {
            (entry.stage, entry.starts_at, entry.incident) = (Phase::Firing, now, None);
        }
        if entry.labels != active.labels {
            entry.labels = active.labels;
            self.changed.insert(key.to_string());
        }
        entry.value = active.value;
        entry.description.clear();
        entry.description.push_str(active.text);
        let is_fired = entry.stage == Phase::Firing && before.0 != Phase::Firing;
        if is_fired {
            log("fires", entry);
        }
        if before != (entry.stage, false) {
            self.changed.insert(key.to_string());
        }
        is_fired
    }

    /// Mutes an alert. A pending one of which no receiver was notified is removed.
    fn mark_muted(&mut self, key: &str, until: UnixSeconds, now: UnixSeconds) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.is_restored = false;
        if entry.muted_until.replace(until.0) != Some(until.0) {
            self.changed.insert(key.to_string());
        }
        match entry.stage {
            Phase::Muted(_) | Phase::Resolved(_) => {}
            Phase::Pending(_) if entry.notified.is_empty() => {
                self.entries.remove(key);
                self.changed.insert(key.to_string());
            }
            Phase::Pending(_) | Phase::Firing => {
                entry.stage = Phase::Muted(now.0);
                entry.description =
                    format!("Muted until {} by maintenance: {}", text::time(until), entry.alert.summary);
                log("is muted", entry);
                self.changed.insert(key.to_string());
            }
        }
    }

    /// An alert whose condition is unknown keeps its state. If its maintenance is over, it fires again.
    fn mark_unknown(&mut self, key: &str, now: UnixSeconds) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let is_muted = matches!(entry.stage, Phase::Muted(_));
        if is_muted && entry.muted_until.is_none_or(|until| until <= now.0) {
            (entry.stage, entry.starts_at, entry.incident) = (Phase::Firing, now, None);
            entry.description =
                format!("Maintenance is over, and the present state is unknown. Before it: {}", entry.alert.summary);
            log("fires", entry);
            self.changed.insert(key.to_string());
        }
    }

    fn mark_resolved(&mut self, key: &str, description: String, now: UnixSeconds) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.is_restored = false;
        match entry.stage {
            Phase::Resolved(_) => return,
            // A receiver still has it as firing, from before its last resolution.
            Phase::Pending(_) if !entry.notified.values().any(LastNotified::is_aware) => drop(self.entries.remove(key)),
            Phase::Pending(_) | Phase::Firing | Phase::Muted(_) => {
                let was_pending = matches!(entry.stage, Phase::Pending(_));
                entry.stage = Phase::Resolved(now.0);
                entry.description = description;
                if !was_pending {
                    log("is resolved", entry);
                }
            }
        }
        self.changed.insert(key.to_string());
    }
}

/// Logs that an alert fires, is muted or is resolved.
fn log(what: &str, entry: &AlertState) {
    let (alert, labels) = (entry.alert.name, &entry.labels);
    let severity = entry.alert.severity.label();
    info!(alert, severity, ?labels, "Alert {alert} {what}: {}", entry.description);
}

/// Labels of a masternode that are not groups.
const OWN: &[&str] = &["network", "masternode", "alias", "node_type", "severity"];

/// The text of a resolved alert.
pub(super) fn resolution(alert: &Alert, labels: &Labels) -> String {
    let node = labels.get("alias").or_else(|| labels.get("masternode"));
    let groups = labels.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let groups: String = groups.map(|(name, group)| format!(" {name}={group}")).collect();
    let own = [("node", node.map_or("", String::as_str)), ("groups", groups.as_str())];
    let all = own.into_iter().chain(labels.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    all.fold(alert.resolved.to_string(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Whether an alert follows from a list that was not read yet, or it is of an earlier process and its masternode may be in a part of
/// the watch list that could not be read.
fn is_without_list(evaluation: &Evaluation, entry: &AlertState) -> bool {
    let of_watched = matches!(entry.alert.scope, Scope::Masternode | Scope::Group);
    if of_watched && entry.is_restored && evaluation.is_watch_list_partial {
        return true;
    }
    let of_list = matches!(entry.alert.scope, Scope::Masternode | Scope::Group | Scope::QuorumType);
    let network = entry.labels.get("network").map_or("", String::as_str);
    of_list && evaluation.networks.contains(network) && !evaluation.complete.contains(network)
}
