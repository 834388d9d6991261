//! Messages for people: Slack, Discord, Telegram. Plain text, so that no name in an alert is taken for markup or a mention.
//!
//! Never here: text that the alert does not have.

use serde_json::{Value, json};

use crate::alerting::payload::{Body, Links};
use crate::alerting::state::{Notification, NotificationReason};

/// Longest messages, in characters: Slack cuts at 40,000 and asks for 4,000; Discord and Telegram refuse longer ones.
const SLACK: usize = 4000;
const DISCORD: usize = 2000;
const TELEGRAM: usize = 4096;

pub(super) fn slack(notices: &[Notification], links: &Links<'_>) -> Body {
    // Three characters mean something to Slack; they are written as it asks for.
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    message(notices, links, SLACK, escape, |text| json!({ "text": text, "mrkdwn": false, "unfurl_links": false }))
}

pub(super) fn discord(notices: &[Notification], links: &Links<'_>) -> Body {
    let plain = |text: &str| text.to_string();
    message(notices, links, DISCORD, plain, |text| json!({ "content": text, "allowed_mentions": { "parse": [] } }))
}

pub(super) fn telegram(notices: &[Notification], chat: &str, links: &Links<'_>) -> Body {
    let body = |text: &str| json!({ "chat_id": chat, "text": text, "link_preview_options": { "is_disabled": true } });
    message(notices, links, TELEGRAM, |text| text.to_string(), body)
}

/// As many notices as a message may be long, and at least one, which is cut where need be.
fn message(
    notices: &[Notification],
    links: &Links<'_>,
    limit: usize,
    escape: impl Fn(&str) -> String,
    body: impl Fn(&str) -> Value,
) -> Body {
    let mut text = String::new();
    let mut told = 0;
    for notice in notices {
        let part = escape(&paragraph(notice, links));
        let gap = if told == 0 { "" } else { "\n\n" };
        if told > 0 && text.chars().count() + gap.len() + part.chars().count() > limit {
            break;
        }
        text = text + gap + &part;
        told += 1;
    }
    if text.chars().count() > limit {
        text = text.chars().take(limit - 1).chain(['…']).collect();
    }
    Body { json: body(&text), notices: told }
}

fn paragraph(notice: &Notification, links: &Links<'_>) -> String {
    let alert = notice.entry.alert;
    let occasion = match notice.occasion {
        NotificationReason::Fired => alert.severity.label().to_uppercase(),
        NotificationReason::Reminder => format!("STILL {}", alert.severity.label().to_uppercase()),
        NotificationReason::Resolved => "RESOLVED".into(),
        NotificationReason::Muted => "MUTED".into(),
    };
    let more = match notice.occasion {
        NotificationReason::Resolved | NotificationReason::Muted => notice.entry.summary().to_string(),
        _ => format!("{}\n{}", notice.entry.description, links.runbook(notice)),
    };
    let who =
        ["alias", "masternode", "group", "source", "receiver"].iter().find_map(|name| notice.entry.labels.get(*name));
    let place = notice.entry.labels.get("network");
    let whom: Vec<&str> = who.into_iter().chain(place).map(String::as_str).collect();
    format!("[{occasion}] {} {}\n{more}", alert.name, whom.join(" on "))
}
