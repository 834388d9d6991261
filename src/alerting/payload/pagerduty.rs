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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::alerting::settings::AlertingSettings;
    use crate::alerting::state::Labels;
    use domain::condition::Catalogue;

    /// The event of each alert, and how many alerts it covers.
    fn events(name: &str, masternodes: u32, network: &str) -> Vec<serde_json::Value> {
        let (catalogue, settings) = (Catalogue::default(), AlertingSettings::default());
        let alert = &catalogue.find(name).unwrap().alert;
        let notice = |number: u32| {
            let labels: Labels = [("network", network.to_string()), ("masternode", format!("{number:064x}"))]
                .map(|(name, value)| (name.to_string(), value))
                .into();
            Notification::fired(alert, format!("{network} {number}"), labels, String::new(), UnixSeconds(7))
        };
        let notices: Vec<Notification> = (0..masternodes).map(notice).collect();
        let links = Links { settings: &settings };
        let event = |at: usize| {
            let Body { content: Content::Json(event), notices: 1 } = body(&notices[at..], None, &links, UnixSeconds(7))
            else {
                panic!("one event for each alert");
            };
            event
        };
        (0..notices.len()).map(event).collect()
    }

    #[test]
    fn many_bans_at_once_are_one_incident_when_grouped_by_class_and_group() {
        let bans = events("MasternodePoSeBanned", 150, "main");
        let group = |event: &serde_json::Value| {
            ["class", "group"].map(|field| event["payload"][field].as_str().unwrap().to_string())
        };
        let groups: BTreeSet<_> = bans.iter().map(group).collect();
        assert_eq!(groups, [["MasternodePoSeBanned".to_string(), "main".to_string()]].into());
        let keys: BTreeSet<&str> = bans.iter().map(|event| event["dedup_key"].as_str().unwrap()).collect();
        assert_eq!(keys.len(), 150, "each is resolved by itself");
        // Another network or alert is another incident.
        for other in [events("MasternodePoSeBanned", 1, "test"), events("MasternodeMissing", 1, "main")] {
            assert!(!groups.contains(&group(&other[0])));
        }
    }
}
