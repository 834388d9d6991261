//! Incidents of PagerDuty that stand for many alerts: those of one name and network that start to fire together.
//!
//! An alert that starts to fire later opens an incident of its own, because a message about an open incident pages nobody.
//!
//! Never here: the message (`payload::pagerduty`).

use std::collections::BTreeMap;

use crate::alerting::state::{AlertState, LastNotified, Notification, Phase};
use domain::masternode::UnixSeconds;

/// From this number of alerts on, that start to fire together, they are one incident.
const MANY: usize = 10;

/// Makes one incident of the alerts of one name and network among `fired`, which start to fire at `now`, if they are many.
pub(super) fn open(entries: &mut BTreeMap<String, AlertState>, fired: &[String], now: UnixSeconds) {
    let mut together: BTreeMap<(&str, &str), Vec<&String>> = BTreeMap::new();
    for key in fired {
        let subject = entries.get(key).map(name_and_network).unwrap_or_default();
        together.entry(subject).or_default().push(key);
    }
    let many: Vec<&String> = together.into_values().filter(|keys| keys.len() >= MANY).flatten().collect();
    for key in many {
        if let Some(entry) = entries.get_mut(key) {
            entry.incident = Some(now.0);
        }
    }
}

/// Moves due notifications of one incident together, what fires first, and counts the other alerts of it which `receiver` has as
/// firing. `entries` are all alerts.
pub(super) fn arrange<'a>(due: &mut [Notification], entries: impl Iterator<Item = &'a AlertState>, receiver: &str) {
    let mut firing: BTreeMap<_, usize> = BTreeMap::new();
    for entry in entries.filter(|entry| entry.stage == Phase::Firing && entry.incident.is_some()) {
        if entry.notified.get(receiver).is_some_and(LastNotified::is_aware) {
            *firing.entry((name_and_network(entry), entry.incident)).or_default() += 1;
        }
    }
    for notice in due.iter_mut() {
        let incident = (name_and_network(&notice.entry), notice.entry.incident);
        notice.others = firing.get(&incident).copied().unwrap_or(0);
    }
    due.sort_by_cached_key(|notice| {
        let Notification { entry, .. } = notice;
        let (name, network) = name_and_network(entry);
        entry.incident.map(|began| (began, name, network.to_string(), notice.occasion.is_end())).ok_or(())
    });
}

/// A text that names the incident of an alert at `receiver`: the key of the alert, unless it started to fire together with many others.
pub(in crate::alerting) fn incident_key(notice: &Notification, receiver: &str) -> String {
    let Some(began) = notice.entry.incident else { return notice.key.clone() };
    let (name, network) = name_and_network(&notice.entry);
    format!("{name}{{network={network:?}}} {began} {receiver}")
}

/// The name of an alert, and its network if it has one.
fn name_and_network(entry: &AlertState) -> (&'static str, &str) {
    (entry.alert.name, entry.labels.get("network").map_or("", String::as_str))
}
