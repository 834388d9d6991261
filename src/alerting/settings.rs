//! Whom to tell what, and how.
//!
//! Never here: reading it from a file (`config`); telling anybody.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use domain::condition::Thresholds;
use domain::condition::{Alert, Severity};

/// A text that cannot be printed: an address with a token in it, a key, a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for those who send it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

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

/// One who is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// The label `receiver`.
    pub name: String,
    /// What it understands.
    pub kind: Kind,
    /// Where it listens; may hold a token.
    pub address: Secret,
    /// What it wants to see: a bearer token, or PagerDuty's routing key.
    pub token: Option<Secret>,
    /// Less urgent alerts are not told.
    pub minimum_severity: Severity,
    /// From one message about an alert that goes on to the next.
    pub repeat: Duration,
    /// Longest wait for its answer.
    pub timeout: Duration,
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
}

/// A dead man's switch that hears of us as long as we judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// What is asked for by GET; may hold a token.
    pub address: Secret,
    /// How often.
    pub interval: Duration,
}
