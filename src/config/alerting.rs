//! The section `alerting`: receivers and thresholds.
//!
//! Addresses may hold tokens, so no mistake repeats what stands in one.
//!
//! Never here: sending anything.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::AlertingSettings;
use crate::alerting::payload::REFRESH;
use crate::alerting::settings::{Heartbeat, Kind, Receiver, Secret};
use crate::config::files::read_secret;
use crate::config::kinds::{AddressKind, LinkKind};
use crate::config::leaf::{DAY, FilePath, Leaf, List, MINUTE, Name, Ratio, SECOND, Span, Text, Whole};
use crate::config::maintenance::MaintenanceSection;
use crate::config::mistakes::Place;
use crate::config::network::{count, required_name, url_in};
use domain::condition::Severity;
use domain::condition::Thresholds;

/// Where Telegram and PagerDuty listen by default.
const TELEGRAM: &str = "https://api.telegram.org";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Alerts that the exporter sends by itself.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AlertingSection {
    /// Alertmanagers; list all of a cluster.
    alertmanagers: List<AlertmanagerSection>,
    /// Other receivers.
    webhooks: List<WebhookSection>,
    heartbeat: Option<HeartbeatSection>,
    /// Labels that each sent alert gets: what `external_labels` of Prometheus adds to those of the rules.
    labels: BTreeMap<String, Text>,
    /// Label `job` of alerts about the exporter: that of its scrape.
    job: Text,
    /// Address of a copy of this project, before `docs/runbooks/…`; without it, runbooks are given as a path.
    runbook_url: Option<Leaf<LinkKind>>,
    /// Where people reach this exporter; a link in alerts.
    external_url: Option<Leaf<LinkKind>>,
    /// No alert waits longer than this before it is sent; without it, each waits as long as its rule says.
    longest_hold: Option<Span<0, DAY>>,
    thresholds: ThresholdsSection,
    /// Masternodes that are being worked on: their alerts are muted.
    maintenance: List<MaintenanceSection>,
}

impl Default for AlertingSection {
    fn default() -> Self {
        AlertingSection {
            alertmanagers: List::default(),
            webhooks: List::default(),
            heartbeat: None,
            labels: BTreeMap::new(),
            job: Leaf(AlertingSettings::default().job),
            runbook_url: None,
            external_url: None,
            longest_hold: None,
            thresholds: ThresholdsSection::default(),
            maintenance: List::default(),
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SeverityChoice {
    Critical,
    Warning,
    #[default]
    Info,
}

impl SeverityChoice {
    fn severity(self) -> Severity {
        match self {
            SeverityChoice::Critical => Severity::Critical,
            SeverityChoice::Warning => Severity::Warning,
            SeverityChoice::Info => Severity::Info,
        }
    }
}

/// Longest wait for an answer of a receiver.
type Timeout = Span<{ SECOND / 10 }, MINUTE, { 10 * SECOND }>;

/// An Alertmanager.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct AlertmanagerSection {
    /// Its address, without `/api/v2/alerts`. Either this or `url_file` is required.
    url: Option<Leaf<AddressKind>>,
    /// File with the URL, where it holds a password.
    url_file: Option<FilePath>,
    /// File with a bearer token.
    token_file: Option<FilePath>,
    /// The label `receiver` of metrics; without it, `alertmanager-` and its place in the list.
    name: Option<Name>,
    /// Less urgent alerts are not sent.
    minimum_severity: SeverityChoice,
    /// Longest wait for an answer.
    timeout: Timeout,
}

/// A receiver that is no Alertmanager.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
struct WebhookSection {
    /// The label `receiver` of metrics.
    name: Option<Name>,
    /// What the receiver understands; see [alerts.md](alerts.md#push).
    kind: WebhookKind,
    /// Where it listens; that of the service for telegram and pagerduty, required for the others (or `url_file`).
    url: Option<Leaf<AddressKind>>,
    /// File with the URL, where it holds a token: Slack, Discord.
    url_file: Option<FilePath>,
    /// File with the bearer token, the token of the bot, or PagerDuty's routing key.
    token_file: Option<FilePath>,
    /// `telegram`: which chat.
    chat_id: Option<Text>,
    /// Less urgent alerts are not sent.
    minimum_severity: SeverityChoice,
    /// From one message about an alert that is still active to the next.
    repeat_interval: Span<MINUTE, { 30 * DAY }, { 240 * MINUTE }>,
    /// Longest wait for an answer.
    timeout: Timeout,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum WebhookKind {
    #[default]
    Generic,
    Slack,
    Discord,
    Telegram,
    PagerDuty,
}

/// A dead man's switch: a service that alerts when it hears nothing from the exporter.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct HeartbeatSection {
    /// Requested by GET as long as the exporter evaluates alerts. Either this or `url_file` is required.
    url: Option<Leaf<AddressKind>>,
    /// File with that URL, where it holds a token.
    url_file: Option<FilePath>,
    /// How often.
    interval: Span<SECOND, DAY, MINUTE>,
}

/// Limits from which alerts follow.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ThresholdsSection {
    /// Chance of a test above which a ban is imminent.
    imminent_chance: Ratio,
    /// What "recently" means.
    recent: Span<MINUTE, { 30 * DAY }>,
    /// Part of all masternodes that makes a wave of penalties …
    wave_ratio: Ratio,
    /// … and how many at least.
    wave_minimum: Whole<1, 1_000_000>,
    /// This many masternodes of a group are an alert, whatever the size of the group.
    group_nodes: Whole<1, 1_000_000>,
    /// Fewer are one, but at least two, when they are this part of the group; a third by default.
    group_ratio: Ratio,
    /// Age of the tip of a stalled chain; without it, the longer of 30 minutes and 15 measured block intervals.
    stalled_after: Option<Span<MINUTE, { 30 * DAY }>>,
    /// Blocks by which ChainLocks may lag.
    chainlock_lag: Whole<1, 1_000_000>,
    /// Mining windows without a quorum of a type from which on it is an alert.
    quorum_windows: Whole<1, 1_000_000>,
}

impl Default for ThresholdsSection {
    fn default() -> Self {
        let default = Thresholds::DEFAULT;
        ThresholdsSection {
            imminent_chance: Leaf(default.imminent_chance),
            recent: Leaf(Duration::from_secs(default.recent_seconds)),
            wave_ratio: Leaf(default.wave_ratio),
            wave_minimum: Leaf(default.wave_minimum),
            group_nodes: Leaf(default.group_nodes),
            group_ratio: Leaf(default.group_ratio),
            stalled_after: None,
            chainlock_lag: Leaf(default.chainlock_lag.into()),
            quorum_windows: Leaf(default.quorum_windows.into()),
        }
    }
}

impl ThresholdsSection {
    fn thresholds(self) -> Thresholds {
        Thresholds {
            imminent_chance: self.imminent_chance.0,
            recent_seconds: self.recent.0.as_secs(),
            wave_ratio: self.wave_ratio.0,
            wave_minimum: self.wave_minimum.0,
            group_nodes: self.group_nodes.0,
            group_ratio: self.group_ratio.0,
            stalled_seconds: self.stalled_after.map(|after| after.0.as_secs()),
            chainlock_lag: count(self.chainlock_lag.0),
            quorum_windows: count(self.quorum_windows.0),
            ..Thresholds::DEFAULT
        }
    }
}

impl AlertingSection {
    /// The settings, and the section `maintenance`.
    pub(super) fn settings(self, at: &Place<'_>, home: Option<&Path>) -> (AlertingSettings, List<MaintenanceSection>) {
        let mut receivers: Vec<(Receiver, Place<'_>)> = Vec::new();
        for (index, section) in self.alertmanagers.each() {
            let at = at.key("alertmanagers").index(index);
            receivers.push((alertmanager(section, index, &at, home), at));
        }
        for (index, section) in self.webhooks.each() {
            let at = at.key("webhooks").index(index);
            receivers.push((webhook(section, &at, home), at));
        }
        for (index, (receiver, at)) in receivers.iter().enumerate() {
            let is_same = |(earlier, _): &(Receiver, _)| !receiver.name.is_empty() && earlier.name == receiver.name;
            if receivers[..index].iter().any(is_same) {
                at.key("name").error(format_args!("another receiver is called {:?} already", receiver.name));
            }
        }
        let settings = AlertingSettings {
            receivers: receivers.into_iter().map(|(receiver, _)| receiver).collect(),
            heartbeat: self.heartbeat.map(|heartbeat| {
                let at = at.key("heartbeat");
                let address = address(heartbeat.url, heartbeat.url_file, None, &at, home);
                Heartbeat { address, interval: heartbeat.interval.0 }
            }),
            labels: labels(self.labels, &at.key("labels")),
            job: self.job.0,
            runbook_url: self.runbook_url.map(|url| url.0).unwrap_or_default(),
            external_url: self.external_url.map(|url| url.0).unwrap_or_default(),
            thresholds: self.thresholds.thresholds(),
            longest_hold: self.longest_hold.map(|hold| hold.0),
        };
        (settings, self.maintenance)
    }
}

fn alertmanager(section: AlertmanagerSection, index: usize, at: &Place<'_>, home: Option<&Path>) -> Receiver {
    Receiver {
        name: section.name.map_or_else(|| format!("alertmanager-{index}"), |name| name.0),
        kind: Kind::Alertmanager,
        address: address(section.url, section.url_file, None, at, home),
        token: token(section.token_file, at, home),
        minimum_severity: section.minimum_severity.severity(),
        repeat: REFRESH,
        timeout: section.timeout.0,
    }
}

fn webhook(section: WebhookSection, at: &Place<'_>, home: Option<&Path>) -> Receiver {
    let is_telegram = matches!(section.kind, WebhookKind::Telegram);
    if is_telegram != section.chat_id.is_some() && !at.is_refused("kind") {
        let chat = at.key("chat_id");
        chat.error(if is_telegram { "is missing: the chat that gets the alerts" } else { "only telegram has chats" });
    }
    let default = match section.kind {
        WebhookKind::Telegram => Some(TELEGRAM),
        WebhookKind::PagerDuty => Some(PAGERDUTY),
        _ => None,
    };
    let token_at = at.key("token_file");
    if default.is_some() && section.token_file.is_none() {
        token_at.error("is missing: the bot's token, or PagerDuty's routing key, stands in it");
    }
    if matches!(section.kind, WebhookKind::Slack | WebhookKind::Discord) && section.token_file.is_some() {
        token_at.error("is not used here: the token is a part of the address, give url_file");
    }
    Receiver {
        name: required_name(section.name, at),
        kind: match section.kind {
            WebhookKind::Generic => Kind::Generic,
            WebhookKind::Slack => Kind::Slack,
            WebhookKind::Discord => Kind::Discord,
            WebhookKind::Telegram => Kind::Telegram { chat: section.chat_id.map(|chat| chat.0).unwrap_or_default() },
            WebhookKind::PagerDuty => Kind::PagerDuty,
        },
        address: address(section.url, section.url_file, default, at, home),
        token: token(section.token_file, at, home),
        minimum_severity: section.minimum_severity.severity(),
        repeat: section.repeat_interval.0,
        timeout: section.timeout.0,
    }
}

/// The address in `url` or in the file that `url_file` names; empty where a mistake was noted, by which the whole
/// configuration is refused.
fn address(
    url: Option<Leaf<AddressKind>>,
    file: Option<FilePath>,
    default: Option<&str>,
    at: &Place<'_>,
    home: Option<&Path>,
) -> Secret {
    Secret::new(match (url, file) {
        (Some(url), None) => url.0,
        (None, Some(file)) => url_in::<AddressKind>(file, at, home),
        (Some(_), Some(_)) => {
            at.key("url_file").error("give either this or url, not both");
            String::new()
        }
        (None, None) => {
            if default.is_none() && !at.is_refused("url_file") {
                at.key("url").error("is missing: give url, or url_file where it holds a token");
            }
            default.unwrap_or_default().to_string()
        }
    })
}

/// The secret in a file.
fn token(file: Option<FilePath>, at: &Place<'_>, home: Option<&Path>) -> Option<Secret> {
    let at = at.key("token_file");
    let text = read_secret(file?, &at, home)?;
    if text.is_empty() || text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        at.error("the file must hold one word, the token");
        return None;
    }
    Some(Secret::new(text))
}

fn labels(section: BTreeMap<String, Text>, at: &Place<'_>) -> BTreeMap<String, String> {
    let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    for key in section.keys() {
        if !key.chars().all(good) || key.starts_with(|first: char| first.is_ascii_digit()) || key.starts_with("__") {
            at.key(key).error("is no name of a label: use letters, digits and _, and begin with a letter");
        }
    }
    section.into_iter().map(|(key, value)| (key, value.0)).collect()
}
