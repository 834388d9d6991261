//! PagerDuty Events API v2: one event for each alert, or for many that started to fire together. Trigger and resolve of an incident
//! share a key.
//!
//! Never here: change events and acknowledgements; which alerts are one incident (`state::incident`).

use serde_json::{Value, json};

use crate::alerting::payload::{Body, Content, Links, hex};
use crate::alerting::state::{Notification, incident_key};
use crate::secret::Secret;
use domain::masternode::UnixSeconds;
use domain::rfc3339;

/// Maximum length of a summary, in characters.
const SUMMARY: usize = 1024;

/// Maximum number of alerts of an incident that its details list.
const LISTED: usize = 500;

pub(super) fn body(
    notices: &[Notification],
    receiver: &str,
    token: Option<&Secret>,
    links: &Links<'_>,
    now: UnixSeconds,
) -> Body {
    let notice = &notices[0];
    let entry = &notice.entry;
    let incident = |notice: &Notification| (incident_key(notice, receiver), notice.occasion.is_end());
    let (key, is_end) = incident(notice);
    let covered: Vec<_> = notices.iter().take_while(|notice| incident(notice) == (key.clone(), is_end)).collect();
    let label = |name: &str| entry.labels.get(name).map(String::as_str);
    let summary = match covered[..] {
        [_] if notice.others == 0 => format!("{}: {}", entry.alert.name, entry.description),
        _ => summary_of_many(&covered, is_end),
    };
    let source = label("alias").or(label("masternode")).filter(|_| covered.len() == 1);
    let json = json!({
        "routing_key": token.map_or("", Secret::expose),
        // An incident ends with its last alert.
        "event_action": if is_end && notice.others == 0 { "resolve" } else { "trigger" },
        "dedup_key": hex(&key),
        "client": "masternode-exporter",
        "client_url": links.exporter(),
        "links": [{ "href": links.runbook(notice), "text": "Runbook" }],
        "payload": {
            "summary": summary.chars().take(SUMMARY).collect::<String>(),
            "source": source.or(label("network")).unwrap_or("masternode-exporter"),
            "severity": entry.alert.severity.label(),
            "timestamp": rfc3339::text(now),
            "class": entry.alert.name,
            "group": label("network").unwrap_or_default(),
            "custom_details": details(&covered),
        },
    });
    Body { content: Content::Json(json), notices: covered.len() }
}

/// The name and network of many alerts, and their masternodes.
fn summary_of_many(covered: &[&Notification], is_end: bool) -> String {
    let Notification { entry, others, .. } = covered[0];
    let (name, count) = (entry.alert.name, covered.len());
    let network = entry.labels.get("network").map(|network| format!(" on {network}")).unwrap_or_default();
    if is_end {
        return format!("{name}{network}: {count} ended, {others} of this incident still fire");
    }
    let subject = |notice: &&Notification| {
        let labels = &notice.entry.labels;
        labels.get("alias").or(labels.get("masternode")).cloned()
    };
    let subjects: Vec<String> = covered.iter().filter_map(subject).collect();
    format!("{count} {name} alerts{network}: {}", subjects.join(", "))
}

/// The labels of one alert, or the texts of many.
fn details(covered: &[&Notification]) -> Value {
    let [notice] = covered else {
        let texts: Vec<&str> = covered.iter().take(LISTED).map(|notice| notice.entry.description.as_str()).collect();
        return json!({ "alerts": covered.len(), "texts": texts });
    };
    json!(notice.entry.labels)
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
            let body = body(&notices[at..], "pd", None, &links, UnixSeconds(7));
            let Body { content: Content::Json(event), notices: 1 } = body else {
                panic!("one event for each alert");
            };
            event
        };
        (0..notices.len()).map(event).collect()
    }

    #[test]
    fn the_fields_class_and_group_are_the_same_for_alerts_of_one_kind_and_network() {
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
