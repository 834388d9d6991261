//! Settings of alerting: receivers, heartbeat, labels, pending durations.
//!
//! Never here: reading them from a file (`config`); sending notifications.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::alerting::routing::AlertMatch;
use crate::outbound::Outbound;
use crate::secret::{Secret, SecretSource};
use domain::condition::{Alert, Severity, ThresholdSettings};

/// Checks that a text is an HTTP URL. The error repeats nothing of it, because an invalid URL may contain a token.
pub fn check_address(text: &str) -> Result<(), String> {
    let bad = |reason: &str| Err(format!("is not a URL such as https://example.org/hook: {reason}"));
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return bad("it contains white space");
    }
    match reqwest::Url::parse(text) {
        Err(error) => bad(&error.to_string()),
        Ok(url) if !["http", "https"].contains(&url.scheme()) => bad("it must begin with http:// or https://"),
        Ok(_) => Ok(()),
    }
}

/// Settings of alerting.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertingSettings {
    /// Receivers of notifications.
    pub receivers: Vec<Receiver>,
    /// The dead man's switch.
    pub heartbeat: Option<Heartbeat>,
    /// Labels added to every alert that does not have them: those that Prometheus adds as external labels.
    pub labels: BTreeMap<String, String>,
    /// The label `job` of alerts about the exporter: the job of its scrape.
    pub job: String,
    /// Base URL of runbooks, without a slash at its end; empty for none.
    pub runbook_url: String,
    /// URL at which people open this exporter; empty if not known.
    pub external_url: String,
    /// Kinds of critical alerts that no receiver gets although there are receivers.
    pub unrouted: Vec<String>,
    /// Thresholds of the conditions.
    pub thresholds: ThresholdSettings,
    /// Upper bound of every pending duration. `None`: the durations of the catalogue.
    pub longest_hold: Option<Duration>,
}

impl AlertingSettings {
    /// Pending duration of an alert in seconds. A duration that is part of the condition is not shortened.
    pub fn hold_seconds(&self, alert: &Alert) -> u64 {
        let hold = u64::from(alert.hold_seconds);
        let longest = self.longest_hold.filter(|_| !alert.keeps_hold);
        longest.map_or(hold, |longest| hold.min(longest.as_secs()))
    }
}

impl Default for AlertingSettings {
    fn default() -> AlertingSettings {
        AlertingSettings {
            receivers: Vec::new(),
            heartbeat: None,
            labels: BTreeMap::new(),
            job: "masternode-exporter".into(),
            runbook_url: String::new(),
            external_url: String::new(),
            unrouted: Vec::new(),
            thresholds: ThresholdSettings::default(),
            longest_hold: None,
        }
    }
}

/// One receiver of notifications.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// The label `receiver`.
    pub name: String,
    /// Its message format.
    pub kind: Kind,
    /// Its URL, which may hold a token; not used for e-mail.
    pub address: SecretSource,
    /// A bearer token, the token of a bot, PagerDuty's routing key, or the password of an e-mail account.
    pub token: Option<SecretSource>,
    /// Minimum severity.
    pub minimum_severity: Severity,
    /// The alerts that it gets.
    pub matches: AlertMatch,
    /// Interval between reminders of a firing alert.
    pub repeat: Duration,
    /// Timeout of a request.
    pub timeout: Duration,
    /// Its proxy and TLS settings.
    pub outbound: Outbound,
}

/// Message format of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Alertmanager, API v2.
    Alertmanager,
    /// Our own JSON, `docs/webhook.schema.json`.
    Generic,
    /// Slack's incoming webhooks.
    Slack,
    /// Discord's webhooks.
    Discord,
    /// Telegram's bots.
    Telegram {
        /// Identifier of the chat.
        chat: String,
    },
    /// PagerDuty's events, API v2.
    PagerDuty,
    /// ntfy, publishing as JSON.
    Ntfy {
        /// The topic; on a public server, its name is its only protection.
        topic: Secret,
    },
    /// Matrix, client-server API v3.
    Matrix {
        /// Identifier of the room: `!…`.
        room: String,
    },
    /// E-mail over SMTP.
    Email(Email),
}

/// An SMTP server, and the addresses of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Host name of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: SmtpEncryption,
    /// Name of the user; `None` for no authentication. The password is the receiver's token.
    pub user: Option<String>,
    /// Sender.
    pub from: String,
    /// Recipients; at least one.
    pub to: Vec<String>,
}

/// Encryption of a connection to an SMTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpEncryption {
    /// STARTTLS, which the server must offer.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// A dead man's switch, requested while alert evaluation is running.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// The URL, requested with GET; may contain a token.
    pub address: SecretSource,
    /// Interval between requests.
    pub interval: Duration,
    /// Its proxy and TLS settings.
    pub outbound: Outbound,
}
