//! Many alerts that start to fire together are one incident in PagerDuty.

use serde_json::Value;

use super::*;
use crate::alerting::payload::{self, Content};
use crate::alerting::receiver_clock::ClockDifference;

/// Alerts of masternodes, and the service of a receiver that gets their events.
struct Service {
    book: AlertStore,
    second: u64,
    receiver: Receiver,
}

impl Service {
    fn new(receiver: Receiver) -> Service {
        Service { book: AlertStore::default(), second: 10, receiver }
    }

    /// Evaluates masternodes, of which these are banned. Returns the events: action, key, and number of alerts.
    fn evaluate(&mut self, all: usize, banned: impl Fn(usize) -> bool) -> Vec<(String, String, usize)> {
        self.second += 1;
        let now = UnixSeconds(self.second);
        let verdict = |node| if banned(node) { Verdict::holds(1.0, "banned") } else { Verdict::DoesNotHold };
        let subjects = (0..all).map(|node| masternode(&format!("{node:03}"), verdict(node))).collect();
        self.book.update(&holding(subjects), &hold(0), now);
        self.deliver(now)
    }

    fn deliver(&mut self, now: UnixSeconds) -> Vec<(String, String, usize)> {
        let mut events = Vec::new();
        loop {
            let due = self.book.due(&self.receiver, now);
            if due.is_empty() {
                return events;
            }
            let clock = ClockDifference::default();
            let body = payload::body(&hold(0), &self.receiver, None, &due, clock, now);
            let Content::Json(event) = body.content else { panic!("an event is JSON") };
            let text = |name: &str| event[name].as_str().map(str::to_string).unwrap_or_default();
            let count = match &event["payload"]["custom_details"]["alerts"] {
                Value::Number(count) => count.as_u64().unwrap() as usize,
                _ => 1,
            };
            events.push((text("event_action"), text("dedup_key"), count));
            assert_eq!(body.notices, count);
            self.book.mark_notified("pd", &due[..body.notices], now);
            self.book.prune(std::slice::from_ref(&self.receiver), now);
        }
    }
}

fn service() -> Service {
    Service::new(receiver("pd", Kind::PagerDuty, Severity::Critical))
}

fn actions(events: &[(String, String, usize)]) -> Vec<(&str, usize)> {
    events.iter().map(|(action, _, count)| (action.as_str(), *count)).collect()
}

#[test]
fn a_hundred_and_fifty_bans_open_one_incident_that_ends_with_the_last_of_them() {
    let mut service = service();
    let opened = service.evaluate(150, |_| true);
    assert_eq!(actions(&opened), [("trigger", 150)]);
    assert_eq!(service.evaluate(150, |_| true), []);
    let first = service.evaluate(150, |node| node >= 60);
    assert_eq!(actions(&first), [("trigger", 60)], "others are banned still");
    service.second += 600;
    let reminded = service.evaluate(150, |node| node >= 60);
    assert_eq!(actions(&reminded), [("trigger", 90)]);
    let last = service.evaluate(150, |_| false);
    assert_eq!(actions(&last), [("resolve", 90)]);
    let keys = [&opened, &first, &reminded, &last].map(|events| &events[0].1);
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert!(service.book.entries.is_empty());
}

#[test]
fn a_ban_after_many_others_opens_an_incident_of_its_own_and_so_do_few_bans() {
    let mut service = service();
    let many = service.evaluate(40, |node| node < 30);
    let later = service.evaluate(40, |node| node < 33);
    assert_eq!(actions(&later), [("trigger", 1); 3]);
    assert!(later.iter().all(|(_, key, _)| *key != many[0].1));
    // One that recovered and is banned again pages, although the incident it was in is open.
    assert_eq!(actions(&service.evaluate(40, |node| node > 0 && node < 33)), [("trigger", 1)]);
    let again = service.evaluate(40, |node| node < 33);
    assert_eq!(actions(&again), [("trigger", 1)]);
    assert_ne!(again[0].1, many[0].1);
    let ended = service.evaluate(40, |_| false);
    let resolved: BTreeSet<&String> = ended.iter().map(|(_, key, _)| key).collect();
    assert!([&many[0].1, &again[0].1, &later[0].1].iter().all(|key| resolved.contains(key)), "each is resolved");
    assert!(ended.iter().all(|(action, ..)| action == "resolve"));
}

#[test]
fn a_restart_keeps_the_incident() {
    let mut first = service();
    let opened = first.evaluate(12, |_| true);
    let kept: Vec<(String, String)> =
        first.book.entries.iter().map(|(key, entry)| (key.clone(), entry.to_text())).collect();
    let mut second = service();
    second.second = first.second;
    assert_eq!(second.book.restore(kept, &Catalogue::default(), UnixSeconds(first.second)), 0);
    assert_eq!(second.evaluate(12, |_| true), []);
    let ended = second.evaluate(12, |_| false);
    assert_eq!((actions(&ended), &ended[0].1), (vec![("resolve", 12)], &opened[0].1));
}
