//! Messages for people: Slack, Discord, Telegram, ntfy, Matrix, e-mail. Plain text, so that no name in an alert is
//! interpreted as markup or a mention.
//!
//! Never here: text that the alert does not contain.

use serde_json::{Value, json};

use crate::alerting::payload::{Body, Content, Links};
use crate::alerting::state::{Notification, NotificationReason};
use domain::condition::Severity;

/// Maximum lengths. Slack cuts at 40,000 characters and recommends 4,000; Discord and Telegram reject longer messages;
/// ntfy turns more bytes into an attachment. A Matrix event has at most 65,536 bytes, JSON escapes included.
const SLACK: Limit = Limit { most: 4000, measure: characters };
const DISCORD: Limit = Limit { most: 2000, measure: characters };
const TELEGRAM: Limit = Limit { most: 4096, measure: characters };
const NTFY: Limit = Limit { most: 4096, measure: str::len };
const MATRIX: Limit = Limit { most: 16_384, measure: str::len };
const EMAIL: Limit = Limit { most: 100_000, measure: str::len };

/// Maximum length of a text.
struct Limit {
    most: usize,
    measure: fn(&str) -> usize,
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn slack(notices: &[Notification], links: &Links<'_>) -> Body {
    // Slack's three control characters, escaped as its documentation requires.
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (text, notices) = message(notices, links, &SLACK, escape);
    json_body(json!({ "text": text, "mrkdwn": false, "unfurl_links": false }), notices)
}

pub(super) fn discord(notices: &[Notification], links: &Links<'_>) -> Body {
    let (text, notices) = message(notices, links, &DISCORD, str::to_string);
    json_body(json!({ "content": text, "allowed_mentions": { "parse": [] } }), notices)
}

pub(super) fn telegram(notices: &[Notification], chat: &str, links: &Links<'_>) -> Body {
    let (text, notices) = message(notices, links, &TELEGRAM, str::to_string);
    json_body(json!({ "chat_id": chat, "text": text, "link_preview_options": { "is_disabled": true } }), notices)
}

/// https://docs.ntfy.sh/publish/#publish-as-json
pub(super) fn ntfy(notices: &[Notification], topic: &str, links: &Links<'_>) -> Body {
    let (text, count) = message(notices, links, &NTFY, str::to_string);
    let notices = &notices[..count];
    let priority = notices.iter().map(priority).max().unwrap_or(3);
    let are_resolved = notices.iter().all(|notice| notice.occasion == NotificationReason::Resolved);
    let mut json = json!({
        "topic": topic,
        "title": subject(notices),
        "message": text,
        "priority": priority,
        "tags": [if are_resolved { "white_check_mark" } else { "rotating_light" }],
    });
    if let Some(url) = links.exporter() {
        json["click"] = url.into();
    }
    json_body(json, count)
}

/// ntfy's priorities: 3 is its default, 4 and 5 make it more noticeable.
fn priority(notice: &Notification) -> u8 {
    match (notice.occasion, notice.entry.alert.severity) {
        (NotificationReason::Resolved, _) => 3,
        (_, Severity::Critical) => 5,
        (_, Severity::Warning) => 4,
        _ => 3,
    }
}

/// https://spec.matrix.org/latest/client-server-api/#mroommessage
pub(super) fn matrix(notices: &[Notification], links: &Links<'_>) -> Body {
    let (text, notices) = message(notices, links, &MATRIX, str::to_string);
    // Not `m.notice`: clients show no notification for it by default.
    json_body(json!({ "msgtype": "m.text", "body": text }), notices)
}

pub(super) fn email(notices: &[Notification], links: &Links<'_>) -> Body {
    let (mut text, count) = message(notices, links, &EMAIL, str::to_string);
    if let Some(url) = links.exporter() {
        text = format!("{text}\n\n-- \n{url}");
    }
    let subject = subject(&notices[..count]);
    Body { content: Content::Mail { subject, text: text + "\n" }, notices: count }
}

fn json_body(json: Value, notices: usize) -> Body {
    Body { content: Content::Json(json), notices }
}

/// One line about all alerts: the name of one, or a count of each kind.
fn subject(notices: &[Notification]) -> String {
    if let [notice] = notices {
        return headline(notice);
    }
    let is_over =
        |notice: &&Notification| matches!(notice.occasion, NotificationReason::Resolved | NotificationReason::Muted);
    let resolved = notices.iter().filter(is_over).count();
    let firing = notices.len() - resolved;
    let counts = [(firing, "firing"), (resolved, "resolved")].map(|(count, what)| format!("{count} {what}"));
    let names: std::collections::BTreeSet<&str> = notices.iter().map(|notice| notice.entry.alert.name).collect();
    let names: Vec<&str> = names.into_iter().take(3).collect();
    format!("[{}] {}", counts.join(", "), names.join(", "))
}

/// The text of as many notifications as fit, at least one, which is cut if it is too long.
fn message(
    notices: &[Notification],
    links: &Links<'_>,
    limit: &Limit,
    escape: impl Fn(&str) -> String,
) -> (String, usize) {
    let mut text = String::new();
    let mut count = 0;
    for notice in notices {
        let part = escape(&paragraph(notice, links));
        let gap = if count == 0 { "" } else { "\n\n" };
        if count > 0 && (limit.measure)(&text) + gap.len() + (limit.measure)(&part) > limit.most {
            break;
        }
        text = text + gap + &part;
        count += 1;
    }
    if (limit.measure)(&text) > limit.most {
        while (limit.measure)(&text) + (limit.measure)("…") > limit.most {
            text.pop();
        }
        text.push('…');
    }
    (text, count)
}

fn paragraph(notice: &Notification, links: &Links<'_>) -> String {
    let more = match notice.occasion {
        NotificationReason::Resolved | NotificationReason::Muted => notice.entry.summary().to_string(),
        _ => format!("{}\n{}", notice.entry.description, links.runbook(notice)),
    };
    format!("{}\n{more}", headline(notice))
}

/// Severity or resolution, the alert, and its subject.
fn headline(notice: &Notification) -> String {
    let alert = notice.entry.alert;
    let occasion = match notice.occasion {
        NotificationReason::Fired => alert.severity.label().to_uppercase(),
        NotificationReason::Reminder => format!("STILL {}", alert.severity.label().to_uppercase()),
        NotificationReason::Resolved => "RESOLVED".into(),
        NotificationReason::Muted => "MUTED".into(),
    };
    let who =
        ["alias", "masternode", "group", "source", "receiver"].iter().find_map(|name| notice.entry.labels.get(*name));
    let place = notice.entry.labels.get("network");
    let about: Vec<&str> = who.into_iter().chain(place).map(String::as_str).collect();
    format!("[{occasion}] {} {}", alert.name, about.join(" on "))
}
