//! The receivers of notifications: what each accepted, in order, and how it behaves.
//!
//! Never here: what a message should say.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock;

/// Names of the receivers.
pub(crate) const NAMES: [&str; 2] = ["hook-0", "hook-1"];

/// How a receiver behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// It accepts every message.
    #[default]
    Accepts,
    /// No connection.
    Away,
    /// It takes the message and answers too late.
    Slow,
    /// 400.
    Refuses,
    /// 429 with a pause in seconds.
    Limits(u64),
    /// 500.
    Fails,
    /// It takes the message, and the connection breaks.
    LosesAnswers,
}

/// One alert of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Milliseconds since the simulation began.
    pub(crate) at: u64,
    pub(crate) key: String,
    pub(crate) alert: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// `firing`, `resolved` or `muted`.
    pub(crate) status: String,
    pub(crate) is_reminder: bool,
    pub(crate) starts_at: String,
    /// The exporter got the answer that it was accepted.
    pub(crate) is_answered: bool,
}

impl Notice {
    /// Whether it is of the alert with this name and subject. Other labels may change while an alert fires.
    pub(crate) fn is_of(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let is_same = |label: &&str| self.labels.get(*label) == labels.get(*label);
        self.alert == name
            && ["network", "masternode", "source", "receiver", "quorum_type", "group"].iter().all(is_same)
    }
}

/// One receiver.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pub(crate) behaviour: Behaviour,
    pub(crate) notices: Vec<Notice>,
    /// The last state of each alert.
    pub(crate) last: BTreeMap<String, Notice>,
    /// Notices from this one on were not examined yet.
    pub(crate) examined: usize,
}

impl Receiver {
    /// Takes a message.
    pub(crate) fn take(&mut self, body: &[u8], is_answered: bool) {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |alert: &Value, key: &str| alert[key].as_str().unwrap_or_default().to_string();
        for alert in message["alerts"].as_array().into_iter().flatten() {
            let notice = Notice {
                at: clock::millis(),
                key: text(alert, "key"),
                alert: text(alert, "alert"),
                labels: serde_json::from_value(alert["labels"].clone()).unwrap_or_default(),
                status: text(alert, "status"),
                is_reminder: alert["reminder"].as_bool() == Some(true),
                starts_at: text(alert, "starts_at"),
                is_answered,
            };
            self.notices.push(notice);
        }
    }
}
