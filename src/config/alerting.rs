//! The section `alerting`: whom to tell, with which thresholds, and who is being worked on.
//!
//! Addresses may hold tokens, so no mistake repeats what stands in one.
//!
//! Never here: telling anybody.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::alerting::Settings;
use crate::alerting::body::REFRESH;
use crate::alerting::catalog::Severity;
use crate::alerting::settings::{Heartbeat, Kind, Receiver, Secret, check_address};
use crate::config::node::Node;
use crate::config::{NetworkConfig, network, watch};
use crate::domain::calendar;
use crate::domain::finding::Thresholds;
use crate::domain::maintenance::Maintenance;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Where Telegram and PagerDuty listen, unless told otherwise.
const TELEGRAM: &str = "https://api.telegram.org";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Reads all but `maintenance`.
pub(super) fn alerting(node: &Node<'_>, home: Option<&Path>) -> Settings {
    node.check_keys();
    let defaults = Settings::default();
    let mut receivers = Vec::new();
    for (place, element) in node.get("alertmanagers").elements().iter().enumerate() {
        receivers.push(alertmanager(element, place, home));
    }
    for element in node.get("webhooks").elements() {
        receivers.push(webhook(&element, home));
    }
    for (place, receiver) in receivers.iter().enumerate() {
        if receivers[..place].iter().any(|earlier: &Receiver| earlier.name == receiver.name) {
            node.error(format_args!("two receivers are called {:?}: give each its own name", receiver.name));
        }
    }
    Settings {
        receivers,
        heartbeat: heartbeat(&node.get("heartbeat"), home),
        labels: labels(&node.get("labels")),
        job: node.get("job").verbatim().unwrap_or(defaults.job),
        runbook_url: link(&node.get("runbook_url")),
        external_url: link(&node.get("external_url")),
        thresholds: thresholds(&node.get("thresholds")),
        longest_hold: node.get("longest_hold").duration(Duration::ZERO..=DAY),
    }
}

fn alertmanager(node: &Node<'_>, place: usize, home: Option<&Path>) -> Receiver {
    node.check_keys();
    let named = node.get("name").is_set().then(|| network::name(&node.get("name")));
    Receiver {
        name: named.unwrap_or_else(|| format!("alertmanager-{place}")),
        kind: Kind::Alertmanager,
        address: address(node, home, None),
        token: secret(&node.get("token_file"), home),
        minimum_severity: severity(&node.get("minimum_severity")),
        repeat: REFRESH,
        timeout: timeout(node),
    }
}

fn webhook(node: &Node<'_>, home: Option<&Path>) -> Receiver {
    node.check_keys();
    let chat = node.get("chat_id");
    let chat_id = chat.verbatim().unwrap_or_default();
    let kind = node.get("kind").parsed(|text| match text {
        "generic" => Ok(Kind::Generic),
        "slack" => Ok(Kind::Slack),
        "discord" => Ok(Kind::Discord),
        "telegram" => Ok(Kind::Telegram { chat: chat_id.clone() }),
        "pagerduty" => Ok(Kind::PagerDuty),
        _ => Err(format!("{text:?} is none of generic, slack, discord, telegram, pagerduty")),
    });
    let kind = kind.unwrap_or(Kind::Generic);
    let is_telegram = matches!(kind, Kind::Telegram { .. });
    let default = match kind {
        Kind::Telegram { .. } => Some(TELEGRAM),
        Kind::PagerDuty => Some(PAGERDUTY),
        _ => None,
    };
    if is_telegram != chat.is_set() {
        chat.error(if is_telegram { "is missing: which chat is to be told?" } else { "only telegram has chats" });
    }
    let token = secret(&node.get("token_file"), home);
    if default.is_some() && token.is_none() && !node.get("token_file").is_set() {
        node.get("token_file").error("is missing: the bot's token, or PagerDuty's routing key, stands in it");
    }
    if matches!(kind, Kind::Slack | Kind::Discord) && token.is_some() {
        node.get("token_file").error("is not used here: the token is a part of the address, give url_file");
    }
    Receiver {
        name: network::name(&node.get("name")),
        kind,
        address: address(node, home, default),
        token,
        minimum_severity: severity(&node.get("minimum_severity")),
        repeat: node.get("repeat_interval").duration(60 * SECOND..=30 * DAY).unwrap_or(4 * HOUR),
        timeout: timeout(node),
    }
}

fn timeout(node: &Node<'_>) -> Duration {
    node.get("timeout").duration(SECOND / 10..=60 * SECOND).unwrap_or(10 * SECOND)
}

fn heartbeat(node: &Node<'_>, home: Option<&Path>) -> Option<Heartbeat> {
    if !node.is_set() {
        return None;
    }
    node.check_keys();
    let interval = node.get("interval").duration(SECOND..=DAY).unwrap_or(60 * SECOND);
    Some(Heartbeat { address: address(node, home, None), interval })
}

/// The address in `url` or in the file that `url_file` names; nothing where a mistake was noted, by which the whole configuration
/// is refused.
fn address(node: &Node<'_>, home: Option<&Path>, default: Option<&str>) -> Secret {
    let (url, file) = (node.get("url"), node.get("url_file"));
    let (text, place) = match (url.is_set(), file.is_set()) {
        (true, false) => (url.verbatim(), &url),
        (false, true) => (read(&file, home), &file),
        (true, true) => {
            file.error("give either this or url, not both");
            (None, &file)
        }
        (false, false) => {
            if default.is_none() {
                url.error("is missing: give url, or url_file where it holds a token");
            }
            (default.map(str::to_string), &url)
        }
    };
    if let Some(Err(what)) = text.as_deref().map(check_address) {
        place.error(what);
    }
    Secret::new(text.unwrap_or_default())
}

/// The secret in a file.
fn secret(node: &Node<'_>, home: Option<&Path>) -> Option<Secret> {
    if !node.is_set() {
        return None;
    }
    let text = read(node, home)?;
    if text.is_empty() || text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        node.error("the file must hold one word, the token");
        return None;
    }
    Some(Secret::new(text))
}

fn read(node: &Node<'_>, home: Option<&Path>) -> Option<String> {
    let path = node.path(home)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.trim().to_string()),
        Err(error) => {
            node.error(format_args!("{} cannot be read: {error}", path.display()));
            None
        }
    }
}

fn severity(node: &Node<'_>) -> Severity {
    let all = [Severity::Critical, Severity::Warning, Severity::Info];
    let known = node.parsed(|text| {
        let found = all.into_iter().find(|severity| severity.label() == text);
        found.ok_or_else(|| format!("{text:?} is none of critical, warning, info"))
    });
    known.unwrap_or(Severity::Info)
}

fn labels(node: &Node<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in node.entries() {
        let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if !key.chars().all(good) || key.starts_with(|first: char| first.is_ascii_digit()) || key.starts_with("__") {
            value.error("is no name of a label: use letters, digits and _, and begin with a letter");
        }
        labels.insert(key, value.required().unwrap_or_default());
    }
    labels
}

/// An address for people; nothing in it is secret.
fn link(node: &Node<'_>) -> String {
    let text = node.verbatim().unwrap_or_default();
    if !text.is_empty()
        && let Err(what) = check_address(&text)
    {
        node.error(what);
    }
    text.trim_end_matches('/').to_string()
}

fn thresholds(node: &Node<'_>) -> Thresholds {
    node.check_keys();
    let default = Thresholds::DEFAULT;
    let ratio = |key: &str, default: f64| {
        let number = node.get(key).parsed(|text| match text.parse::<f64>() {
            Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
            _ => Err(format!("{text:?} is not a number from 0 to 1")),
        });
        number.unwrap_or(default)
    };
    let seconds =
        |key: &str, default: u64| node.get(key).duration(60 * SECOND..=30 * DAY).map_or(default, |span| span.as_secs());
    let whole = |key: &str, default: u64| node.get(key).whole(1..=1_000_000).unwrap_or(default);
    Thresholds {
        imminent_chance: ratio("imminent_chance", default.imminent_chance),
        recent_seconds: seconds("recent", default.recent_seconds),
        wave_ratio: ratio("wave_ratio", default.wave_ratio),
        wave_minimum: whole("wave_minimum", default.wave_minimum),
        group_nodes: whole("group_nodes", default.group_nodes),
        group_ratio: ratio("group_ratio", default.group_ratio),
        stalled_seconds: seconds("stalled_after", default.stalled_seconds),
        chainlock_lag: u32::try_from(whole("chainlock_lag", default.chainlock_lag.into())).unwrap_or(u32::MAX),
        quorum_windows: u32::try_from(whole("quorum_windows", default.quorum_windows.into())).unwrap_or(u32::MAX),
        ..default
    }
}

/// Reads `maintenance`, each entry with the network's name where it is of one only.
pub(super) fn maintenance(node: &Node<'_>, networks: &[NetworkConfig]) -> Vec<(Option<String>, Maintenance)> {
    let mut entries = Vec::new();
    for element in node.elements() {
        element.check_keys();
        let only = element.get("network").text();
        if let Some(name) = only.as_ref().filter(|name| !networks.iter().any(|network| network.name == **name)) {
            element.get("network").error(format_args!("no network is called {name:?}"));
        }
        let until = element.get("until");
        if !until.is_set() {
            until.error("is missing: work that has no end would mute for ever");
        }
        let until = until.parsed(|text| match calendar::span(text) {
            Some((_, last)) => Ok(last),
            None => {
                Err(format!("{text:?} is neither a day such as 2026-01-31 nor a time such as 2026-01-31T12:00:00Z"))
            }
        });
        let reason = element.get("reason").verbatim().unwrap_or_default();
        if let (Some(selector), Some(until)) = (watch::selector_of(&element), until) {
            entries.push((only, Maintenance { selector, until, reason }));
        }
    }
    entries
}
