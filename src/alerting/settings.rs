//! Whom to tell what, and how.
//!
//! Never here: reading it from a file (`config`); telling anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::alerting::routing::AlertMatch;
use crate::outbound::Outbound;
use crate::secret::{Secret, SecretSource};
use domain::condition::Thresholds;
use domain::condition::{Alert, Severity};

/// Whether a text is an address that can be told something. The error repeats nothing of it: what is no address may well hold a
/// token.
pub fn check_address(text: &str) -> Result<(), String> {
    let bad = |reason: &str| Err(format!("is not an address such as https://example.org/hook: {reason}"));
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return bad("there is white space in it");
    }
    match reqwest::Url::parse(text) {
        Err(error) => bad(&error.to_string()),
        Ok(url) if !["http", "https"].contains(&url.scheme()) => bad("it must begin with http:// or https://"),
        Ok(_) => Ok(()),
    }
}

/// Everything.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertingSettings {
    /// Whom to tell.
    pub receivers: Vec<Receiver>,
    /// Who is to miss us.
    pub heartbeat: Option<Heartbeat>,
    /// Labels that every alert gets where it does not have them: those that Prometheus adds for itself.
    pub labels: BTreeMap<String, String>,
    /// The label `job` of alerts about the exporter: that of its scrape.
    pub job: String,
    /// What stands before the path of a runbook, without a slash at its end; empty for none.
    pub runbook_url: String,
    /// Where people find this exporter; empty when that is not known.
    pub external_url: String,
    /// From where on something is told.
    pub thresholds: Thresholds,
    /// No alert waits for longer than this before it is told; `None`: each as long as the catalogue says.
    pub longest_hold: Option<Duration>,
}

impl AlertingSettings {
    /// For how many seconds an alert must hold. Where the time is the condition, no setting cuts it.
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
            thresholds: Thresholds::DEFAULT,
            longest_hold: None,
        }
    }
}

/// One receiver of notifications.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// The label `receiver`.
    pub name: String,
    /// What it understands.
    pub kind: Kind,
    /// Its URL, which may hold a token; not used for e-mail.
    pub address: SecretSource,
    /// A bearer token, the token of a bot, PagerDuty's routing key, or the password of an e-mail account.
    pub token: Option<SecretSource>,
    /// Less urgent alerts are not sent.
    pub minimum_severity: Severity,
    /// Alerts that it gets.
    pub matches: AlertMatch,
    /// From one message about an alert that is still active to the next.
    pub repeat: Duration,
    /// Longest wait for its answer.
    pub timeout: Duration,
    /// How it is reached.
    pub outbound: Outbound,
}

/// What a receiver understands.
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
        /// Which chat.
        chat: String,
    },
    /// PagerDuty's events, API v2.
    PagerDuty,
    /// ntfy, publishing as JSON.
    Ntfy {
        /// Which topic; on a public server, its name is all that protects it.
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

/// How a connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpEncryption {
    /// By the command STARTTLS, which the server must offer.
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// A dead man's switch that hears of us as long as we judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// What is asked for by GET; may hold a token.
    pub address: SecretSource,
    /// How often.
    pub interval: Duration,
    /// How it is reached.
    pub outbound: Outbound,
}
