//! PagerDuty Events API v2: one event for each alert, with a key that trigger and resolve share.
//!
//! Never here: change events and acknowledgements.

use serde_json::json;

use crate::alerting::payload::{Body, Content, Links, hex};
use crate::alerting::state::{Notification, NotificationReason};
use crate::secret::Secret;
use domain::masternode::UnixSeconds;
use domain::rfc3339;

/// Maximum length of a summary, in characters.
const SUMMARY: usize = 1024;

pub(super) fn body(notices: &[Notification], token: Option<&Secret>, links: &Links<'_>, now: UnixSeconds) -> Body {
    let notice = &notices[0];
    let entry = &notice.entry;
    let label = |name: &str| entry.labels.get(name).map(String::as_str);
    let summary: String = format!("{}: {}", entry.alert.name, entry.description).chars().take(SUMMARY).collect();
    let source = label("alias").or(label("masternode")).or(label("network")).unwrap_or("masternode-exporter");
    let json = json!({
        "routing_key": token.map_or("", Secret::expose),
        "event_action": match notice.occasion {
            NotificationReason::Resolved | NotificationReason::Muted => "resolve",
            NotificationReason::Fired | NotificationReason::Reminder => "trigger",
        },
        "dedup_key": hex(&notice.key),
        "client": "masternode-exporter",
        "client_url": links.exporter(),
        "links": [{ "href": links.runbook(notice), "text": "Runbook" }],
        "payload": {
            "summary": summary,
            "source": source,
            "severity": entry.alert.severity.label(),
            "timestamp": rfc3339::text(now),
            "class": entry.alert.name,
            "group": label("network").unwrap_or_default(),
            "custom_details": entry.labels,
        },
    });
    Body { content: Content::Json(json), notices: 1 }
}
