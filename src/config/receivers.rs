//! The sections `alerting.alertmanagers`, `alerting.webhooks` and `alerting.heartbeat`.
//!
//! Addresses may contain tokens, so no error quotes one. For a file with a secret the settings contain its path: the
//! file is read once here, to check that it is readable, and again for each message.
//!
//! Never here: sending anything.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::payload::REFRESH;
use crate::alerting::settings::{Heartbeat, Kind, Receiver};
use crate::config::files::{path, read_authorities, read_secret};
use crate::config::kinds::AddressKind;
use crate::config::leaf::{DAY, FilePath, Kind as LeafKind, Leaf, MINUTE, Name, SECOND, Span, Text};
use crate::config::mistakes::Place;
use crate::config::network::required_name;
use crate::config::receiver_kinds::{ProxyKind, RoomKind, TopicKind};
use crate::config::receiver_match::MatchSection;
use crate::config::{NetworkConfig, WatchConfig};
use crate::outbound::Outbound;
use crate::secret::{Secret, SecretSource};
use domain::condition::Severity;

/// Default URLs of the services.
const TELEGRAM: &str = "https://api.telegram.org";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
const NTFY: &str = "https://ntfy.sh";

/// The context of the checks of receivers.
pub(super) struct Context<'a> {
    pub(super) home: Option<&'a Path>,
    pub(super) networks: &'a [NetworkConfig],
    pub(super) watch: &'a [WatchConfig],
    /// Files add entries to `watch` while the exporter runs.
    pub(super) grows: bool,
    /// The proxy of receivers that have no setting of their own.
    pub(super) proxy: Option<Secret>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SeverityChoice {
    Critical,
    Warning,
    #[default]
    Info,
}

impl SeverityChoice {
    pub(super) fn severity(self) -> Severity {
        match self {
            SeverityChoice::Critical => Severity::Critical,
            SeverityChoice::Warning => Severity::Warning,
            SeverityChoice::Info => Severity::Info,
        }
    }
}

/// Longest wait for an answer of a receiver.
type Timeout = Span<{ SECOND / 10 }, MINUTE, { 10 * SECOND }>;

/// From one message about an active alert to the next.
pub(super) type Repeat = Span<MINUTE, { 30 * DAY }, { 240 * MINUTE }>;

/// An Alertmanager.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AlertmanagerSection {
    /// Its address, without `/api/v2/alerts`. Either this or `url_file` is required.
    url: Option<Leaf<AddressKind>>,
    /// File with the URL, if it contains a password; read again for each message.
    url_file: Option<FilePath>,
    /// File with a bearer token; read again for each message.
    token_file: Option<FilePath>,
    /// The label `receiver` of metrics; without it, `alertmanager-` and its place in the list.
    name: Option<Name>,
    /// Less urgent alerts are not sent.
    minimum_severity: SeverityChoice,
    r#match: MatchSection,
    /// Longest wait for an answer.
    timeout: Timeout,
    /// HTTP proxy for this receiver, or `none`; without it, that of `alerting.proxy`.
    proxy: Option<Leaf<ProxyKind>>,
    /// PEM file with the certificate authorities of this receiver, in place of the system's; read at the start and on a reload.
    ca_file: Option<FilePath>,
}

/// A receiver with an HTTP API that is not an Alertmanager.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub(super) struct WebhookSection {
    /// The label `receiver` of metrics.
    name: Option<Name>,
    /// API of the receiver; see [alerts.md](alerts.md#push).
    kind: WebhookKind,
    /// URL of the receiver; by default the public service for telegram, pagerduty and ntfy. The homeserver for matrix. Required for
    /// the others (or `url_file`).
    url: Option<Leaf<AddressKind>>,
    /// File with the URL, if it contains a token: Slack, Discord. Read again for each message.
    url_file: Option<FilePath>,
    /// File with the bearer or access token, the token of the bot, or PagerDuty's routing key; read again for each message.
    token_file: Option<FilePath>,
    /// `telegram`: which chat.
    chat_id: Option<Text>,
    /// `ntfy`: which topic.
    topic: Option<Leaf<TopicKind>>,
    /// `matrix`: identifier of the room, such as `!abc:example.org`; the user of the token must have joined it.
    room: Option<Leaf<RoomKind>>,
    /// Less urgent alerts are not sent.
    minimum_severity: SeverityChoice,
    r#match: MatchSection,
    /// From one message about an alert that is still active to the next.
    repeat_interval: Repeat,
    /// Longest wait for an answer.
    timeout: Timeout,
    /// HTTP proxy for this receiver, or `none`; without it, that of `alerting.proxy`.
    proxy: Option<Leaf<ProxyKind>>,
    /// PEM file with the certificate authorities of this receiver, in place of the system's; read at the start and on a reload.
    ca_file: Option<FilePath>,
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
    Ntfy,
    Matrix,
}

/// A dead man's switch: a service that alerts when requests from the exporter stop.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HeartbeatSection {
    /// Requested by GET as long as the exporter evaluates alerts. Either this or `url_file` is required.
    url: Option<Leaf<AddressKind>>,
    /// File with that URL, if it contains a token; read again for each request.
    url_file: Option<FilePath>,
    /// How often.
    interval: Span<SECOND, DAY, MINUTE>,
    /// HTTP proxy for these requests, or `none`; without it, that of `alerting.proxy`.
    proxy: Option<Leaf<ProxyKind>>,
    /// PEM file with the certificate authorities of the service, in place of the system's; read at the start and on a reload.
    ca_file: Option<FilePath>,
}

impl AlertmanagerSection {
    pub(super) fn receiver(self, index: usize, at: &Place<'_>, context: &Context<'_>) -> Receiver {
        Receiver {
            name: self.name.map_or_else(|| format!("alertmanager-{index}"), |name| name.0),
            kind: Kind::Alertmanager,
            address: address(self.url, self.url_file, None, at, context),
            token: token(self.token_file, at, context),
            minimum_severity: self.minimum_severity.severity(),
            matches: self.r#match.settings(&at.key("match"), context),
            repeat: REFRESH,
            timeout: self.timeout.0,
            outbound: outbound(self.proxy, self.ca_file, at, context),
        }
    }
}

impl WebhookSection {
    pub(super) fn receiver(self, at: &Place<'_>, context: &Context<'_>) -> Receiver {
        let kind = self.kind(at);
        let default = match self.kind {
            WebhookKind::Telegram => Some(TELEGRAM),
            WebhookKind::PagerDuty => Some(PAGERDUTY),
            WebhookKind::Ntfy => Some(NTFY),
            _ => None,
        };
        let token_at = at.key("token_file");
        match self.kind {
            WebhookKind::Telegram | WebhookKind::PagerDuty if self.token_file.is_none() => {
                token_at.error("is missing: the bot's token, or PagerDuty's routing key, stands in it");
            }
            WebhookKind::Matrix if self.token_file.is_none() => {
                token_at.error("is missing: the access token stands in it");
            }
            WebhookKind::Slack | WebhookKind::Discord if self.token_file.is_some() => {
                token_at.error("is not used here: the token is a part of the address, give url_file");
            }
            _ => {}
        }
        Receiver {
            name: required_name(self.name, at),
            kind,
            address: address(self.url, self.url_file, default, at, context),
            token: token(self.token_file, at, context),
            minimum_severity: self.minimum_severity.severity(),
            matches: self.r#match.settings(&at.key("match"), context),
            repeat: self.repeat_interval.0,
            timeout: self.timeout.0,
            outbound: outbound(self.proxy, self.ca_file, at, context),
        }
    }

    /// The kind with its settings: a key of another kind is an error.
    fn kind(&self, at: &Place<'_>) -> Kind {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let (chat, topic, room) =
            (self.chat_id.as_ref().map(|chat| &chat.0), self.topic.as_ref().map(|topic| &topic.0), self.room.as_ref());
        let room = room.map(|room| &room.0);
        if !at.is_refused("kind") {
            for (key, given, needed, missing, unused) in [
                (
                    "chat_id",
                    chat.is_some(),
                    matches!(self.kind, WebhookKind::Telegram),
                    "the chat that gets the alerts",
                    "only telegram has chats",
                ),
                (
                    "topic",
                    topic.is_some(),
                    matches!(self.kind, WebhookKind::Ntfy),
                    "the topic that gets the alerts",
                    "only ntfy has topics",
                ),
                (
                    "room",
                    room.is_some(),
                    matches!(self.kind, WebhookKind::Matrix),
                    "the room that gets the alerts",
                    "only matrix has rooms",
                ),
            ] {
                match (given, needed) {
                    (false, true) => at.key(key).error(format_args!("is missing: {missing}")),
                    (true, false) => at.key(key).error(unused),
                    _ => {}
                }
            }
        }
        match self.kind {
            WebhookKind::Generic => Kind::Generic,
            WebhookKind::Slack => Kind::Slack,
            WebhookKind::Discord => Kind::Discord,
            WebhookKind::Telegram => Kind::Telegram { chat: text(chat) },
            WebhookKind::PagerDuty => Kind::PagerDuty,
            WebhookKind::Ntfy => Kind::Ntfy { topic: Secret::new(text(topic)) },
            WebhookKind::Matrix => Kind::Matrix { room: text(room) },
        }
    }
}

impl HeartbeatSection {
    pub(super) fn settings(self, at: &Place<'_>, context: &Context<'_>) -> Heartbeat {
        Heartbeat {
            address: address(self.url, self.url_file, None, at, context),
            interval: self.interval.0,
            outbound: outbound(self.proxy, self.ca_file, at, context),
        }
    }
}

/// The address in `url` or in the file of `url_file`; empty if an error was recorded, which makes the whole
/// configuration invalid.
fn address(
    url: Option<Leaf<AddressKind>>,
    file: Option<FilePath>,
    default: Option<&str>,
    at: &Place<'_>,
    context: &Context<'_>,
) -> SecretSource {
    let text = |text: &str| SecretSource::Text(Secret::new(text));
    match (url, file) {
        (Some(url), None) => text(&url.0),
        (None, Some(file)) => {
            let check = |address: &str| AddressKind::read(address).map(drop);
            secret_file(Some(file), &at.key("url_file"), context, check).unwrap_or_else(|| text(""))
        }
        (Some(_), Some(_)) => {
            at.key("url_file").error("give either this or url, not both");
            text("")
        }
        (None, None) => {
            if default.is_none() && !at.is_refused("url_file") {
                at.key("url").error("is missing: give url, or url_file where it holds a token");
            }
            text(default.unwrap_or_default())
        }
    }
}

/// The file with a token.
fn token(file: Option<FilePath>, at: &Place<'_>, context: &Context<'_>) -> Option<SecretSource> {
    secret_file(file, &at.key("token_file"), context, |text| {
        let is_word = !text.chars().any(|character| character.is_control() || character.is_whitespace());
        if is_word { Ok(()) } else { Err("the file must hold one word, the token".into()) }
    })
}

/// A file with a secret, which is currently readable and passes a check.
pub(super) fn secret_file(
    file: Option<FilePath>,
    at: &Place<'_>,
    context: &Context<'_>,
    check: impl Fn(&str) -> Result<(), String>,
) -> Option<SecretSource> {
    let file = path(file?, at, context.home)?;
    let text = read_secret(&file, at)?;
    check(&text).map_err(|error| at.error(error)).ok()?;
    Some(SecretSource::File(file))
}

fn outbound(
    proxy: Option<Leaf<ProxyKind>>,
    authorities: Option<FilePath>,
    at: &Place<'_>,
    context: &Context<'_>,
) -> Outbound {
    Outbound {
        proxy: proxy.map_or_else(|| context.proxy.clone(), |proxy| proxy.0),
        authorities: read_authorities(authorities, at, context.home),
        certificate: None,
        transport: None,
    }
}
