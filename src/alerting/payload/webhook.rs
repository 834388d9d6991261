//! The exporter's own JSON format for custom receivers: `docs/webhook.schema.json` is its contract.
//!
//! Never here: a field that the schema does not have.

use serde_json::{Value, json};

use crate::alerting::payload::{Body, Content, Links};
use crate::alerting::state::{Notification, NotificationReason, Phase};
use domain::masternode::UnixSeconds;
use domain::rfc3339;

/// Maximum number of alerts in a request.
const MOST: usize = 100;

pub(super) fn body(notices: &[Notification], receiver: &str, links: &Links<'_>) -> Body {
    let notices = &notices[..notices.len().min(MOST)];
    let alerts: Vec<Value> = notices.iter().map(|notice| alert(notice, links)).collect();
    let json = json!({
        "version": 1,
        "receiver": receiver,
        "external_url": links.exporter(),
        "alerts": alerts,
    });
    Body { content: Content::Json(json), notices: notices.len() }
}

fn alert(notice: &Notification, links: &Links<'_>) -> Value {
    let entry = &notice.entry;
    let ends_at = match entry.stage {
        Phase::Resolved(at) | Phase::Muted(at) => Some(rfc3339::text(UnixSeconds(at))),
        _ => None,
    };
    json!({
        "alert": entry.alert.name,
        "status": match notice.occasion {
            NotificationReason::Resolved => "resolved",
            NotificationReason::Muted => "muted",
            NotificationReason::Fired | NotificationReason::Reminder => "firing",
        },
        "reminder": notice.occasion == NotificationReason::Reminder,
        "severity": entry.alert.severity.label(),
        "key": notice.key,
        "labels": entry.labels,
        "value": entry.value,
        "summary": entry.summary(),
        "description": entry.description,
        "runbook_url": links.runbook(notice),
        "starts_at": rfc3339::text(entry.starts_at),
        "ends_at": ends_at,
    })
}
