//! Alertmanager API v2, `POST /api/v2/alerts`: a list of alerts, each with labels, annotations, start and end.
//!
//! Never here: a label that the Prometheus rules do not set.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::alerting::payload::{Body, Content, Links};
use crate::alerting::receiver_clock::ClockDifference;
use crate::alerting::state::{AlertState, Notification, Phase};
use domain::masternode::UnixSeconds;
use domain::rfc3339;

/// Maximum number of alerts in a request.
const MOST: usize = 500;

/// Interval at which a firing alert is sent again.
pub const REFRESH: Duration = Duration::from_secs(60);

/// Alertmanager resolves an alert that is not refreshed for this long: four refresh intervals, as in Prometheus.
const LIFE_SECONDS: u64 = 240;

/// Longest time for which an alert remains in Alertmanager after the exporter died.
const LONGEST_LIFE_SECONDS: u64 = 3_600;

/// `receiver` is the name of the Alertmanager.
pub(super) fn body(
    notices: &[Notification],
    links: &Links<'_>,
    receiver: &str,
    clock: ClockDifference,
    now: UnixSeconds,
) -> Body {
    let notices = &notices[..notices.len().min(MOST)];
    let alerts = notices.iter().map(|notice| alert(notice, links, receiver, clock, now)).collect();
    Body { content: Content::Json(alerts), notices: notices.len() }
}

/// For how many seconds Alertmanager keeps the alert: four times as long as its last refresh took, because the next one of a
/// slow exporter or network takes as long.
fn life_seconds(entry: &AlertState, receiver: &str, now: UnixSeconds) -> u64 {
    let before = entry.last_notified(receiver).unwrap_or(entry.starts_at);
    now.0.saturating_sub(before.0).saturating_mul(4).clamp(LIFE_SECONDS, LONGEST_LIFE_SECONDS)
}

/// The latest time that the API accepts: the end of the year 9999.
const LATEST: u64 = 253_402_300_799;

fn alert(notice: &Notification, links: &Links<'_>, receiver: &str, clock: ClockDifference, now: UnixSeconds) -> Value {
    let entry = &notice.entry;
    let mut labels: Map<String, Value> =
        entry.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    labels.insert("alertname".into(), entry.alert.name.into());
    let time = |at: u64, by: i64| rfc3339::text(UnixSeconds(at.saturating_add_signed(by).min(LATEST)));
    // A wrong `Date` of a proxy may only prolong a firing alert, and only end a resolved one earlier.
    let ends_at = match entry.stage {
        Phase::Resolved(at) | Phase::Muted(at) => time(at, clock.behind),
        _ => time(now.0.saturating_add(life_seconds(entry, receiver, now)), clock.ahead),
    };
    let mut alert = json!({
        "labels": labels,
        "annotations": {
            "summary": entry.summary(),
            "description": entry.description,
            "runbook_url": links.runbook(notice),
        },
        "startsAt": time(entry.starts_at.0, clock.behind),
        "endsAt": ends_at,
    });
    if let Some(url) = links.exporter() {
        alert["generatorURL"] = url.into();
    }
    alert
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::settings::AlertingSettings;
    use crate::alerting::state::AlertStore;
    use domain::condition::{Catalogue, EvaluatedSubject, Evaluation, Scope, Verdict};

    /// A firing alert that started at 1,000.
    fn store() -> AlertStore {
        let catalogue = Catalogue::default();
        let condition = catalogue.find("MasternodeExporterHistoryDamaged").unwrap();
        let verdicts = vec![(condition, Verdict::holds(1.0, "Text."))];
        let subject =
            EvaluatedSubject { scope: Scope::Exporter, labels: Default::default(), muted_until: None, verdicts };
        let evaluation = Evaluation { subjects: vec![subject], ..Evaluation::default() };
        let mut store = AlertStore::default();
        store.update(&evaluation, &AlertingSettings::default(), UnixSeconds(1_000));
        store
    }

    #[test]
    fn an_alert_outlives_a_slow_refresh_and_no_more_than_an_hour() {
        let life = |store: &AlertStore, now: u64| {
            let entry = store.firing().next().unwrap();
            life_seconds(entry, "am", UnixSeconds(now))
        };
        let mut store = store();
        assert_eq!(life(&store, 1_000), 240, "sent at once");
        assert_eq!(life(&store, 1_300), 1_200, "300 s in the queue");
        let notice = |store: &AlertStore| {
            let entry = store.firing().next().unwrap().clone();
            Notification {
                key: String::from("MasternodeExporterHistoryDamaged{job=\"masternode-exporter\",severity=\"warning\"}"),
                occasion: crate::alerting::state::NotificationReason::Reminder,
                entry,
                others: 0,
            }
        };
        store.mark_notified("am", &[notice(&store)], UnixSeconds(1_300));
        assert_eq!(life(&store, 1_360), 240, "every minute, as in Prometheus");
        assert_eq!(life(&store, 1_400), 400);
        assert_eq!(life(&store, 90_000), 3_600);
    }
}
