//! The state of each alert: pending, firing, muted or resolved, and the last notification of each receiver.
//!
//! There is no queue of messages. The due notification of a receiver follows from its last one, so no notification is
//! sent twice or lost over a restart, and a receiver that was unreachable for a day gets the current state, not the
//! past.
//!
//! Never here: clocks, sending, files.

mod earlier_process;
mod incident;
mod last_notified;
mod notification;
mod stored;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alerting::clock_jump::ClockJump;
use crate::alerting::settings::{AlertingSettings, Kind, Receiver};
use domain::condition::{Alert, Catalogue};
use domain::masternode::UnixSeconds;

use earlier_process::{EarlierProcess, STORED};
pub(super) use incident::incident_key;
use last_notified::LastNotified;
pub use notification::{Notification, NotificationReason};

/// Labels of an alert, without `alertname`; none is empty.
pub type Labels = BTreeMap<String, String>;

/// Maximum number of stored alerts.
const MOST: usize = 20_000;

/// A resolved alert that a process could not deliver for this many seconds is dropped.
const FORGET_SECONDS: u64 = 24 * 3600;

/// All alerts that are active, or whose resolution is not delivered to every receiver.
#[derive(Default)]
pub struct AlertStore {
    entries: BTreeMap<String, AlertState>,
    /// Alerts that changed since they were last taken for storage.
    changed: BTreeSet<String>,
    /// The process before, if nothing is known of its alerts.
    earlier: Option<EarlierProcess>,
    /// When the state was restored: earlier, no process tried to deliver anything.
    restored_at: u64,
}

/// State of one alert.
#[derive(Clone, Debug)]
pub struct AlertState {
    /// Its definition.
    pub alert: &'static Alert,
    /// Labels of its subject, without `alertname`.
    pub labels: Labels,
    /// Its measured value.
    pub value: f64,
    /// Its description.
    pub description: String,
    /// Its phase.
    pub stage: Phase,
    /// When it started to fire, or will.
    pub starts_at: UnixSeconds,
    /// Last notification of each receiver.
    notified: BTreeMap<String, LastNotified>,
    /// When it started to fire together with many others of its name and network: they are one incident in PagerDuty.
    incident: Option<u64>,
    /// End of the maintenance that mutes it, or muted it last.
    muted_until: Option<u64>,
    /// It is that of an earlier process, and was not evaluated since: its end may be out of date.
    is_restored: bool,
}

/// Phase of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Pending since then.
    Pending(u64),
    /// Firing.
    Firing,
    /// Firing, but muted by maintenance since then.
    Muted(u64),
    /// Resolved since then.
    #[serde(rename = "Ended")]
    Resolved(u64),
}

/// Key of an alert: its name and its labels.
fn key(alert: &Alert, labels: &Labels) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", alert.name, labels.join(","))
}

impl AlertStore {
    /// Notifications of a receiver that are due at `now`, by start of the alert.
    pub fn due(&self, receiver: &Receiver, now: UnixSeconds) -> Vec<Notification> {
        let due = |(key, entry): (&String, &AlertState)| {
            let occasion = entry.occasion(receiver, now)?;
            Some(Notification { key: key.clone(), occasion, entry: entry.clone(), others: 0 })
        };
        let mut due: Vec<Notification> = self.entries.iter().filter_map(due).collect();
        due.sort_by_key(|notice| (notice.entry.starts_at, notice.entry.alert.severity));
        if receiver.kind == Kind::PagerDuty {
            incident::arrange(&mut due, self.entries.values(), &receiver.name);
        }
        due
    }

    /// Firing alerts, in the order of names and labels.
    pub fn firing(&self) -> impl Iterator<Item = &AlertState> {
        self.entries.values().filter(|entry| entry.stage == Phase::Firing)
    }

    /// When the next reminder of a receiver is due. `None` if never.
    pub fn next_reminder(&self, receiver: &Receiver) -> Option<UnixSeconds> {
        let next = |entry: &AlertState| {
            let notified = entry.notified.get(&receiver.name)?;
            let fires = notified.firing && entry.stage == Phase::Firing;
            let is_wanted = receiver.wants(entry.alert.severity, &entry.labels);
            let is_repeated = is_wanted || (receiver.kind == Kind::Alertmanager && notified.is_aware());
            (fires && is_repeated || notified.is_end_refused()).then(|| notified.again(receiver.repeat))
        };
        self.entries.values().filter_map(next).min()
    }

    /// When the next pending alert fires. `None` if none is pending.
    pub fn next_firing(&self, settings: &AlertingSettings) -> Option<UnixSeconds> {
        let next = |entry: &AlertState| {
            let Phase::Pending(since) = entry.stage else { return None };
            Some(UnixSeconds(since.saturating_add(settings.hold_seconds(entry.alert))))
        };
        self.entries.values().filter_map(next).min()
    }

    /// Records that a receiver was notified at `now`.
    pub fn mark_notified(&mut self, receiver: &str, notices: &[Notification], now: UnixSeconds) {
        self.sent(receiver, notices, now, false);
    }

    /// Records that a receiver rejected this permanently at `now`. A firing alert is sent again when a reminder would be due, and
    /// so is the end of an alert that the receiver has as firing. Returns the pause until then; `None` if it is not sent again.
    pub fn refused(&mut self, receiver: &Receiver, notice: &Notification, now: UnixSeconds) -> Option<Duration> {
        self.sent(&receiver.name, std::slice::from_ref(notice), now, true);
        let last = self.entries.get(&notice.key)?.notified.get(&receiver.name)?;
        (last.firing || last.known).then(|| last.pause(receiver.repeat))
    }

    /// Records that messages about these got no answer: a receiver may have the end of an alert.
    pub fn unanswered(&mut self, receiver: &str, notices: &[Notification]) {
        for notice in notices {
            let last = self.entries.get_mut(&notice.key).and_then(|entry| entry.notified.get_mut(receiver));
            if let Some(last) = last.filter(|last| notice.occasion.is_end() && !last.perhaps_ended) {
                last.perhaps_ended = true;
                self.changed.insert(notice.key.clone());
            }
        }
    }

    fn sent(&mut self, receiver: &str, notices: &[Notification], now: UnixSeconds, refused: bool) {
        for notice in notices {
            let Some(entry) = self.entries.get_mut(&notice.key) else { continue };
            let firing = !notice.occasion.is_end();
            let known = refused && entry.notified.get(receiver).is_some_and(LastNotified::is_aware);
            entry
                .notified
                .insert(receiver.into(), LastNotified { at: now.0, firing, refused, known, perhaps_ended: false });
            self.changed.insert(notice.key.clone());
        }
    }

    /// Makes rejected notifications due at once: a restart or new settings may have removed the reason.
    pub fn retry_refused(&mut self) {
        let last = self.entries.values_mut().flat_map(|entry| entry.notified.values_mut());
        last.filter(|last| last.refused && (last.firing || last.known)).for_each(|last| last.at = 0);
    }

    /// Removes resolved alerts that all of `receivers`, and earlier ones, know, and those that could not be delivered for a day.
    /// Returns the receivers of the dropped notifications.
    pub fn prune(&mut self, receivers: &[Receiver], now: UnixSeconds) -> Vec<String> {
        let mut given_up = Vec::new();
        self.entries.retain(|key, entry| {
            let Phase::Resolved(at) = entry.stage else { return true };
            let waits = |receiver: &&Receiver| {
                let is_refused = entry.notified.get(&receiver.name).is_some_and(LastNotified::is_end_refused);
                is_refused || entry.is_ended_earlier() || entry.occasion(receiver, now).is_some()
            };
            // A receiver that is configured again is notified.
            let is_gone = |name: &String| receivers.iter().all(|receiver| receiver.name != *name);
            let is_owed = entry.notified.iter().any(|(name, last)| last.is_aware() && is_gone(name));
            let mut waiting = receivers.iter().filter(waits).peekable();
            let old = now.0.saturating_sub(at.max(self.restored_at)) > FORGET_SECONDS;
            if (is_owed || waiting.peek().is_some()) && !old {
                return true;
            }
            given_up.extend(waiting.map(|receiver| receiver.name.clone()));
            self.changed.insert(key.clone());
            false
        });
        given_up
    }

    /// Changes since the last call: key and state of an alert, `None` for a removed one.
    pub fn take_changes(&mut self) -> Vec<(String, Option<String>)> {
        let changed = std::mem::take(&mut self.changed);
        let text = |key: &str| match key {
            STORED => Some("{}".to_string()),
            _ => self.entries.get(key).map(AlertState::to_text),
        };
        changed.into_iter().map(|key| (key.clone(), text(&key))).collect()
    }

    /// Marks these as not stored.
    pub fn mark_unsaved(&mut self, changes: &[(String, Option<String>)]) {
        self.changed.extend(changes.iter().map(|(key, _)| key.clone()));
    }

    /// Shifts stored times by a jump of the wall clock.
    pub fn shift(&mut self, jump: ClockJump) {
        self.entries.values_mut().for_each(|entry| entry.shift(jump));
        self.restored_at = jump.carry(UnixSeconds(self.restored_at)).0;
        self.changed.extend(self.entries.keys().cloned());
    }

    /// Restores stored alerts; none are stored where that was never done. A time later than `now` becomes `now`, because the
    /// clock was or is wrong. Returns the number of alerts that this version cannot read.
    pub fn restore(&mut self, kept: Vec<(String, String)>, catalogue: &Catalogue, now: UnixSeconds) -> usize {
        let mut strange = 0;
        self.restored_at = now.0;
        if !kept.iter().any(|(key, _)| key == STORED) {
            if kept.is_empty() {
                self.begin_without_state(now);
            }
            self.changed.insert(STORED.into());
        }
        for (key, text) in kept.into_iter().filter(|(key, _)| key != STORED) {
            match AlertState::from_text(&text, catalogue) {
                Some(mut entry) => {
                    entry.not_after(now);
                    // The process may have ended between such a message and its answer.
                    if matches!(entry.stage, Phase::Muted(_) | Phase::Resolved(_)) {
                        entry.notified.values_mut().for_each(|last| last.perhaps_ended |= last.firing);
                    }
                    self.entries.entry(key).or_insert(entry);
                }
                None => {
                    strange += 1;
                    self.changed.insert(key);
                }
            }
        }
        strange
    }
}

impl AlertState {
    /// One sentence: the description, or the resolved text of a resolved alert.
    pub fn summary(&self) -> &str {
        match self.stage {
            Phase::Pending(_) | Phase::Firing => self.alert.summary,
            Phase::Muted(_) | Phase::Resolved(_) => &self.description,
        }
    }

    fn new(alert: &'static Alert, labels: Labels, stage: Phase, now: UnixSeconds) -> AlertState {
        let (value, description, notified) = (1.0, String::new(), BTreeMap::new());
        AlertState {
            alert,
            labels,
            value,
            description,
            stage,
            starts_at: now,
            notified,
            incident: None,
            muted_until: None,
            is_restored: false,
        }
    }

    fn shift(&mut self, jump: ClockJump) {
        let carry = |moment: &mut u64| *moment = jump.carry(UnixSeconds(*moment)).0;
        if let Phase::Pending(at) | Phase::Muted(at) | Phase::Resolved(at) = &mut self.stage {
            carry(at);
        }
        carry(&mut self.starts_at.0);
        // During a jump forward Alertmanager may have resolved the alert by its end time, so a firing alert is sent
        // again at once.
        let notified = self.notified.values_mut().filter(|notified| jump.is_back() || !notified.firing);
        notified.for_each(|notified| carry(&mut notified.at));
    }

    fn not_after(&mut self, now: UnixSeconds) {
        if let Phase::Pending(at) | Phase::Muted(at) | Phase::Resolved(at) = &mut self.stage {
            *at = (*at).min(now.0);
        }
        self.starts_at = self.starts_at.min(now);
        self.notified.values_mut().for_each(|notified| notified.at = notified.at.min(now.0));
    }

    fn occasion(&self, receiver: &Receiver, now: UnixSeconds) -> Option<NotificationReason> {
        let notified = self.notified.get(&receiver.name);
        if !receiver.wants(self.alert.severity, &self.labels) {
            return self.remainder(receiver, now, notified?);
        }
        match (self.stage, notified) {
            (Phase::Pending(_), _) => None,
            _ if self.is_ended_earlier() => None,
            (Phase::Muted(at), notified) => {
                let is_due = notified.is_some_and(|last| last.is_end_due(at, receiver.repeat, now));
                is_due.then_some(NotificationReason::Muted)
            }
            (Phase::Firing, Some(notified)) if notified.firing && !notified.perhaps_ended => {
                let is_again = now >= notified.again(receiver.repeat);
                is_again.then_some(if notified.is_aware() {
                    NotificationReason::Reminder
                } else {
                    NotificationReason::Fired
                })
            }
            (Phase::Firing, _) => Some(NotificationReason::Fired),
            (Phase::Resolved(at), Some(notified)) if notified.firing || notified.refused => {
                notified.is_end_due(at, receiver.repeat, now).then_some(NotificationReason::Resolved)
            }
            (Phase::Resolved(at), Some(notified)) => {
                // It fired and ended since then. One that was pending only did not fire.
                let is_news = notified.at < at && notified.at <= self.starts_at.0;
                is_news.then_some(NotificationReason::Resolved)
            }
            // Alertmanager ignores the resolution of an alert that it never received.
            (Phase::Resolved(_), None) => (receiver.kind != Kind::Alertmanager).then_some(NotificationReason::Resolved),
        }
    }

    /// The notification of an alert that no longer matches a receiver which was notified of it: a resolution, because
    /// the alert would stay open there. Alertmanager resolves an alert that is not repeated, but gets the resolution
    /// too.
    fn remainder(&self, receiver: &Receiver, now: UnixSeconds, last: &LastNotified) -> Option<NotificationReason> {
        let repeats = receiver.kind == Kind::Alertmanager && now >= last.again(receiver.repeat);
        let ends = |at| last.is_end_due(at, receiver.repeat, now);
        match self.stage {
            _ if !last.is_aware() || self.is_ended_earlier() => None,
            Phase::Resolved(at) => ends(at).then_some(NotificationReason::Resolved),
            Phase::Firing => repeats.then_some(NotificationReason::Reminder),
            Phase::Muted(at) => ends(at).then_some(NotificationReason::Muted),
            Phase::Pending(_) => None,
        }
    }

    /// It ended before this process began, and was not evaluated since: perhaps it holds again.
    fn is_ended_earlier(&self) -> bool {
        self.is_restored && matches!(self.stage, Phase::Resolved(_))
    }

    /// When this receiver was last sent a message about the alert. `None` if never.
    pub(super) fn last_notified(&self, receiver: &str) -> Option<UnixSeconds> {
        self.notified.get(receiver).map(|last| UnixSeconds(last.at))
    }
}

#[cfg(test)]
mod tests;
