//! The message for a receiver, in the format of its kind.
//!
//! Every body states how many notifications it covers: the others go into the next message.
//!
//! Never here: sending; due notifications.

mod alertmanager;
mod chat;
mod pagerduty;
mod webhook;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use alertmanager::REFRESH;

use crate::alerting::receiver_clock::ClockDifference;
use crate::alerting::settings::{AlertingSettings, Kind, Receiver};
use crate::alerting::state::{Notification, Phase};
use crate::alerting::test_message::TEST;
use crate::secret::Secret;
use domain::masternode::UnixSeconds;

/// A message, and the number of notifications it covers, from the first on: at least one.
#[derive(Debug)]
pub struct Body {
    /// The content.
    pub content: Content,
    /// The number.
    pub notices: usize,
}

/// Content of a message.
#[derive(Debug)]
pub enum Content {
    /// JSON.
    Json(Value),
    /// An e-mail: subject and text.
    Mail {
        /// One line.
        subject: String,
        /// Plain text.
        text: String,
    },
}

/// The message for the first of `notices`, which is not empty. `token` is the receiver's, if it has one;
/// `clock` is how far its clock differs from this host's.
pub fn body(
    settings: &AlertingSettings,
    receiver: &Receiver,
    token: Option<&Secret>,
    notices: &[Notification],
    clock: ClockDifference,
    now: UnixSeconds,
) -> Body {
    let links = Links { settings };
    match &receiver.kind {
        Kind::Alertmanager => alertmanager::body(notices, &links, &receiver.name, clock, now),
        Kind::Generic => webhook::body(notices, &receiver.name, &links),
        Kind::Slack => chat::slack(notices, &links),
        Kind::Discord => chat::discord(notices, &links),
        Kind::Telegram { chat } => chat::telegram(notices, chat, &links),
        Kind::PagerDuty => pagerduty::body(notices, &receiver.name, token, &links, now),
        Kind::Ntfy { topic } => chat::ntfy(notices, topic.expose(), &links),
        Kind::Matrix { .. } => chat::matrix(notices, &links),
        Kind::Email(_) => chat::email(notices, &links),
    }
}

/// An identifier of a message with these notifications for a receiver: a retry has the same one, a new message a
/// different one. Matrix ignores a repeated transaction, and an e-mail uses it as its Message-ID.
pub fn transaction(receiver: &Receiver, notices: &[Notification]) -> String {
    let mut text = receiver.name.clone();
    for Notification { key, occasion, entry, .. } in notices {
        let ended = match entry.stage {
            Phase::Resolved(at) => at,
            _ => 0,
        };
        let last = entry.last_notified(&receiver.name).map_or(0, |at| at.0);
        text += &format!("\n{key} {occasion:?} {} {ended} {last}", entry.starts_at.0);
    }
    hex(&text)
}

/// SHA-256 of a text in hexadecimal digits.
pub(super) fn hex(text: &str) -> String {
    domain::hex::encode(&Sha256::digest(text))
}

/// URLs for further reading.
struct Links<'a> {
    settings: &'a AlertingSettings,
}

impl Links<'_> {
    fn runbook(&self, notice: &Notification) -> String {
        let alert = notice.entry.alert;
        match self.exporter() {
            // A test message has no runbook.
            _ if alert.name != TEST.name => alert.runbook_url(&self.settings.runbook_url),
            exporter => exporter.unwrap_or("docs/alerts.md").to_string(),
        }
    }

    /// URL of this exporter, if known.
    fn exporter(&self) -> Option<&str> {
        Some(self.settings.external_url.as_str()).filter(|url| !url.is_empty())
    }
}
