//! Alertmanager API v2, `POST /api/v2/alerts`: a list of alerts, each with labels, annotations, start and end.
//!
//! Never here: a label that the Prometheus rules do not set.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::alerting::payload::{Body, Content, Links};
use crate::alerting::state::{Notification, Phase};
use domain::masternode::UnixSeconds;
use domain::rfc3339;

/// Maximum number of alerts in a request.
const MOST: usize = 500;

/// Interval at which a firing alert is sent again.
pub const REFRESH: Duration = Duration::from_secs(60);

/// Alertmanager resolves an alert that is not refreshed for this long: four refresh intervals, as in Prometheus.
const LIFE_SECONDS: u64 = 240;

pub(super) fn body(notices: &[Notification], links: &Links<'_>, ahead_seconds: i64, now: UnixSeconds) -> Body {
    let notices = &notices[..notices.len().min(MOST)];
    let alerts = notices.iter().map(|notice| alert(notice, links, ahead_seconds, now)).collect();
    Body { content: Content::Json(alerts), notices: notices.len() }
}

fn alert(notice: &Notification, links: &Links<'_>, ahead_seconds: i64, now: UnixSeconds) -> Value {
    let entry = &notice.entry;
    let mut labels: Map<String, Value> =
        entry.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    labels.insert("alertname".into(), entry.alert.name.into());
    let ends_at = match entry.stage {
        Phase::Resolved(at) | Phase::Muted(at) => UnixSeconds(at),
        _ => UnixSeconds(now.0 + LIFE_SECONDS),
    };
    let by_its_clock = |at: UnixSeconds| rfc3339::text(UnixSeconds(at.0.saturating_add_signed(ahead_seconds)));
    let mut alert = json!({
        "labels": labels,
        "annotations": {
            "summary": entry.summary(),
            "description": entry.description,
            "runbook_url": links.runbook(notice),
        },
        "startsAt": by_its_clock(entry.starts_at),
        "endsAt": by_its_clock(ends_at),
    });
    if let Some(url) = links.exporter() {
        alert["generatorURL"] = url.into();
    }
    alert
}
