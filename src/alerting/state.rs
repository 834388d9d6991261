//! The state of each alert: pending, firing, muted, resolved, and which receiver was notified of how much of it.
//!
//! There is no queue of messages. What is due to a receiver follows from its last notification, so nothing is sent twice,
//! nothing is forgotten over a restart, and a receiver that was away for a day gets the present, not the past.
//!
//! Never here: clocks, sending, files.

mod update;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::alerting::clock_jump::ClockJump;
use crate::alerting::settings::{AlertingSettings, Kind, Receiver};
use domain::condition::{Alert, Catalogue};
use domain::masternode::UnixSeconds;

/// Labels of an alert, without `alertname`; none is empty.
pub type Labels = BTreeMap<String, String>;

/// Alerts that are kept at most. More at a time say no more than these.
const MOST: usize = 20_000;

/// An end that nobody could be told of for so long is forgotten, in seconds.
const FORGET_SECONDS: u64 = 24 * 3600;

/// All alerts that hold, or whose end not everybody knows.
#[derive(Default)]
pub struct AlertStore {
    entries: BTreeMap<String, AlertState>,
    /// Those that changed since they were last handed out to be kept.
    changed: BTreeSet<String>,
}

/// One alert.
#[derive(Clone, Debug)]
pub struct AlertState {
    /// Which.
    pub alert: &'static Alert,
    /// Of whom; `alertname` is not among them.
    pub labels: Labels,
    /// The number that it is about.
    pub value: f64,
    /// What exactly.
    pub description: String,
    /// How far it is.
    pub stage: Phase,
    /// When it was first told, or is to be.
    pub starts_at: UnixSeconds,
    /// What each receiver knows.
    told: BTreeMap<String, LastNotified>,
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It holds since then, not long enough.
    Pending(u64),
    /// It is told.
    Firing,
    /// It holds, and maintenance mutes it since then.
    Muted(u64),
    /// It held until then.
    #[serde(rename = "Ended")]
    Resolved(u64),
}

/// What a receiver was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LastNotified {
    /// When.
    at: u64,
    /// That it fires; otherwise that it ended.
    firing: bool,
    /// The receiver refused the message for good: it does not know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
}

/// An alert as it is kept over restarts.
#[derive(Serialize, Deserialize)]
struct StoredAlert {
    alert: String,
    labels: Labels,
    value: f64,
    description: String,
    stage: Phase,
    starts_at: u64,
    told: BTreeMap<String, LastNotified>,
}

/// Why a receiver is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationReason {
    /// It fires.
    Fired,
    /// It still does.
    Reminder,
    /// It ended.
    Resolved,
    /// It holds, and is muted by maintenance.
    Muted,
}

/// Something that a receiver is to be told.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Names the alert for as long as it is in the book.
    pub key: String,
    /// Why now.
    pub occasion: NotificationReason,
    /// The alert as it stood when the notice was made.
    pub entry: AlertState,
}

impl Notification {
    /// That an alert fires since now.
    pub(super) fn fired(
        alert: &'static Alert,
        key: String,
        labels: Labels,
        description: String,
        now: UnixSeconds,
    ) -> Notification {
        let entry = AlertState { description, ..AlertState::new(alert, labels, Phase::Firing, now) };
        Notification { key, occasion: NotificationReason::Fired, entry }
    }
}

/// What an alert is known by: its name and its labels.
fn key(alert: &Alert, labels: &Labels) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", alert.name, labels.join(","))
}

impl AlertStore {
    /// What a receiver is to be told at `now`: what began first comes first.
    pub fn due(&self, receiver: &Receiver, now: UnixSeconds) -> Vec<Notification> {
        let due = |(key, entry): (&String, &AlertState)| {
            let occasion = entry.occasion(receiver, now)?;
            Some(Notification { key: key.clone(), occasion, entry: entry.clone() })
        };
        let mut due: Vec<Notification> = self.entries.iter().filter_map(due).collect();
        due.sort_by_key(|notice| (notice.entry.starts_at, notice.entry.alert.severity));
        due
    }

    /// What fires, in the order of names and labels.
    pub fn firing(&self) -> impl Iterator<Item = &AlertState> {
        self.entries.values().filter(|entry| entry.stage == Phase::Firing)
    }

    /// How many notices wait for a receiver.
    pub fn waiting(&self, receiver: &Receiver, now: UnixSeconds) -> usize {
        self.entries.values().filter(|entry| entry.occasion(receiver, now).is_some()).count()
    }

    /// When a receiver is next to be reminded; `None` when never.
    pub fn next_reminder(&self, receiver: &Receiver) -> Option<UnixSeconds> {
        let next = |entry: &AlertState| {
            let told = entry.told.get(&receiver.name).filter(|told| told.firing && entry.stage == Phase::Firing)?;
            let is_wanted = receiver.wants(entry.alert.severity, &entry.labels);
            if !is_wanted && (receiver.kind != Kind::Alertmanager || told.refused) {
                return None;
            }
            Some(UnixSeconds(told.at.saturating_add(receiver.repeat.as_secs())))
        };
        self.entries.values().filter_map(next).min()
    }

    /// When the next alert has held for long enough; `None` when none is pending.
    pub fn next_firing(&self, settings: &AlertingSettings) -> Option<UnixSeconds> {
        let next = |entry: &AlertState| match entry.stage {
            Phase::Pending(since) => Some(UnixSeconds(since.saturating_add(settings.hold_seconds(entry.alert)))),
            _ => None,
        };
        self.entries.values().filter_map(next).min()
    }

    /// A receiver was told at `now`.
    pub fn mark_notified(&mut self, receiver: &str, notices: &[Notification], now: UnixSeconds) {
        self.sent(receiver, notices, now, false);
    }

    /// A receiver refused these for good at `now`. What fires is sent again when a reminder would be; an end is given up.
    pub fn refused(&mut self, receiver: &str, notices: &[Notification], now: UnixSeconds) {
        self.sent(receiver, notices, now, true);
    }

    fn sent(&mut self, receiver: &str, notices: &[Notification], now: UnixSeconds, refused: bool) {
        for notice in notices {
            let Some(entry) = self.entries.get_mut(&notice.key) else { continue };
            let firing = !matches!(notice.occasion, NotificationReason::Resolved | NotificationReason::Muted);
            entry.told.insert(receiver.into(), LastNotified { at: now.0, firing, refused });
            self.changed.insert(notice.key.clone());
        }
    }

    /// Makes what was refused due at once: a restart or other settings may have removed the reason.
    pub fn retry_refused(&mut self) {
        let last = self.entries.values_mut().flat_map(|entry| entry.told.values_mut());
        last.filter(|last| last.refused && last.firing).for_each(|last| last.at = 0);
    }

    /// Forgets ends that all of `receivers` know, and those that somebody could not be told of for a day. Returns for whom
    /// something was given up.
    pub fn prune(&mut self, receivers: &[Receiver], now: UnixSeconds) -> Vec<String> {
        let mut given_up = Vec::new();
        self.entries.retain(|key, entry| {
            let Phase::Resolved(at) = entry.stage else { return true };
            let mut waiting = receivers.iter().filter(|receiver| entry.occasion(receiver, now).is_some()).peekable();
            let old = now.0.saturating_sub(at) > FORGET_SECONDS;
            if waiting.peek().is_some() && !old {
                return true;
            }
            given_up.extend(waiting.map(|receiver| receiver.name.clone()));
            self.changed.insert(key.clone());
            false
        });
        given_up
    }

    /// What changed since the last call: what an alert is known by, and its state, or none when it is forgotten.
    pub fn take_changes(&mut self) -> Vec<(String, Option<String>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|key| (key.clone(), self.entries.get(&key).map(AlertState::to_text))).collect()
    }

    /// Takes note that these could not be kept.
    pub fn mark_unsaved(&mut self, changes: &[(String, Option<String>)]) {
        self.changed.extend(changes.iter().map(|(key, _)| key.clone()));
    }

    /// The wall clock jumped: what was noted lies as far back as before.
    pub fn shift(&mut self, jump: ClockJump) {
        self.entries.values_mut().for_each(|entry| entry.shift(jump));
        self.changed.extend(self.entries.keys().cloned());
    }

    /// Takes over what was kept before; what seems to be of later than `now` is of now, as the clock was wrong then or is
    /// wrong now. Returns how many of them make no sense to this version.
    pub fn restore(&mut self, kept: Vec<(String, String)>, catalogue: &Catalogue, now: UnixSeconds) -> usize {
        let mut strange = 0;
        for (key, text) in kept {
            match AlertState::from_text(&text, catalogue) {
                Some(mut entry) => {
                    entry.not_after(now);
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
    /// One sentence: what it is, or what was once it is over.
    pub fn summary(&self) -> &str {
        match self.stage {
            Phase::Pending(_) | Phase::Firing => self.alert.summary,
            Phase::Muted(_) | Phase::Resolved(_) => &self.description,
        }
    }

    fn new(alert: &'static Alert, labels: Labels, stage: Phase, now: UnixSeconds) -> AlertState {
        let (description, told) = (String::new(), BTreeMap::new());
        AlertState { alert, labels, value: 1.0, description, stage, starts_at: now, told }
    }

    fn shift(&mut self, jump: ClockJump) {
        let carry = |moment: &mut u64| *moment = jump.carry(UnixSeconds(*moment)).0;
        if let Phase::Pending(at) | Phase::Muted(at) | Phase::Resolved(at) = &mut self.stage {
            carry(at);
        }
        carry(&mut self.starts_at.0);
        // Over a jump forward a receiver may have given up on us, as Alertmanager does without a word: so what fires is told
        // again at once.
        let told = self.told.values_mut().filter(|told| jump.is_back() || !told.firing);
        told.for_each(|told| carry(&mut told.at));
    }

    fn not_after(&mut self, now: UnixSeconds) {
        if let Phase::Pending(at) | Phase::Muted(at) | Phase::Resolved(at) = &mut self.stage {
            *at = (*at).min(now.0);
        }
        self.starts_at = self.starts_at.min(now);
        self.told.values_mut().for_each(|told| told.at = told.at.min(now.0));
    }

    fn occasion(&self, receiver: &Receiver, now: UnixSeconds) -> Option<NotificationReason> {
        let told = self.told.get(&receiver.name);
        if !receiver.wants(self.alert.severity, &self.labels) {
            return self.remainder(receiver, now, told?);
        }
        match (self.stage, told) {
            (Phase::Pending(_), _) => None,
            (Phase::Muted(_), told) => told.is_some_and(|told| told.firing).then_some(NotificationReason::Muted),
            (Phase::Firing, Some(told)) if told.firing => {
                let again = told.at.saturating_add(receiver.repeat.as_secs());
                (now.0 >= again).then_some(if told.refused {
                    NotificationReason::Fired
                } else {
                    NotificationReason::Reminder
                })
            }
            (Phase::Firing, _) => Some(NotificationReason::Fired),
            (Phase::Resolved(_), Some(told)) if told.firing => Some(NotificationReason::Resolved),
            (Phase::Resolved(at), Some(told)) => (told.at < at).then_some(NotificationReason::Resolved),
            // Alertmanager would have nobody to tell: for it an alert that it never saw is none.
            (Phase::Resolved(_), None) => (receiver.kind != Kind::Alertmanager).then_some(NotificationReason::Resolved),
        }
    }

    /// What a receiver still gets of an alert that it does not match, or no longer, when it was sent it before: that it is resolved,
    /// because it would stay open there. Alertmanager resolves by itself what is not repeated, so it gets that as well.
    fn remainder(&self, receiver: &Receiver, now: UnixSeconds, last: &LastNotified) -> Option<NotificationReason> {
        let repeats = receiver.kind == Kind::Alertmanager && now.0 >= last.at.saturating_add(receiver.repeat.as_secs());
        match self.stage {
            _ if !last.firing || last.refused => None,
            Phase::Resolved(_) => Some(NotificationReason::Resolved),
            Phase::Firing => repeats.then_some(NotificationReason::Reminder),
            Phase::Muted(_) => Some(NotificationReason::Muted),
            Phase::Pending(_) => None,
        }
    }

    /// When this receiver was last sent a message about it; `None` when it never was.
    pub(super) fn last_notified(&self, receiver: &str) -> Option<UnixSeconds> {
        self.told.get(receiver).map(|last| UnixSeconds(last.at))
    }

    fn to_text(&self) -> String {
        let kept = StoredAlert {
            alert: self.alert.name.into(),
            labels: self.labels.clone(),
            value: self.value,
            description: self.description.clone(),
            stage: self.stage,
            starts_at: self.starts_at.0,
            told: self.told.clone(),
        };
        serde_json::to_string(&kept).expect("its keys are texts and its numbers finite")
    }

    fn from_text(text: &str, catalogue: &Catalogue) -> Option<AlertState> {
        let StoredAlert { alert, labels, value, description, stage, starts_at, told } =
            serde_json::from_str(text).ok()?;
        let alert = &catalogue.find(&alert)?.alert;
        Some(AlertState { alert, labels, value, description, stage, starts_at: UnixSeconds(starts_at), told })
    }
}

#[cfg(test)]
mod tests;
