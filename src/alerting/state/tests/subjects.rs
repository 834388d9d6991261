//! Alerts whose subject disappears or changes its labels, and receivers that refused an alert or no longer match it.
//!
//! Never here: pending durations.

use super::*;

/// The subject under another alias and in another group.
fn relabelled(subject: EvaluatedSubject) -> EvaluatedSubject {
    let mut labels = Labels::clone(&subject.labels);
    labels.insert("alias".into(), "mn-1".into());
    labels.insert("operator".into(), "acme".into());
    EvaluatedSubject { labels: labels.into(), ..subject }
}

fn fired() -> Story {
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    assert_eq!(story.notified.split_off(0), [(60, NotificationReason::Fired)]);
    story
}

#[test]
fn only_a_condition_that_does_not_hold_is_resolved_as_recovered() {
    let recovery = "Masternode ab on net was banned; the ban is over.";
    let neutral = "This alert is no longer evaluated: its subject is not watched, not configured or not on the list. Last \
                   state: banned";
    let no_network = Evaluation::default();
    for (later, text) in [
        (holding(vec![recovered()]), recovery),
        (holding(vec![relabelled(recovered())]), recovery),
        (holding(vec![]), neutral),
        (holding(vec![masternode("ab", Verdict::Inapplicable)]), neutral),
        (holding(vec![masternode("other", Verdict::DoesNotHold)]), neutral),
        (no_network, neutral),
    ] {
        let mut story = fired();
        story.book.update(&later, &hold(HOLD), UnixSeconds(61));
        let due = story.book.due(&pager(), UnixSeconds(61));
        assert_eq!(due.iter().map(|notice| notice.occasion).collect::<Vec<_>>(), [NotificationReason::Resolved]);
        assert_eq!(due[0].entry.summary(), text);
    }
}

#[test]
fn a_masternode_with_new_labels_keeps_its_alert() {
    let mut story = fired();
    let key = story.book.entries.keys().next().unwrap().clone();
    story.at(61, holding(vec![relabelled(masternode("ab", Verdict::Unknown))]));
    story.at(62, holding(vec![relabelled(banned())]));
    assert_eq!(story.notified, [], "it neither ends nor fires again");
    assert_eq!(story.book.entries.keys().collect::<Vec<_>>(), [&key]);
    assert_eq!(story.book.firing().next().unwrap().labels["alias"], "mn-1");
    // A receiver of the new group is notified, over a restart too.
    story.restart();
    story.at(63, holding(vec![relabelled(banned())]));
    let matches = AlertMatch { groups: [("operator".into(), vec!["acme".into()])].into(), ..AlertMatch::default() };
    let group = Receiver { matches, ..receiver("acme", Kind::Generic, Severity::Critical) };
    assert_eq!(story.book.due(&group, UnixSeconds(63)).len(), 1);
    story.at(64, holding(vec![relabelled(recovered())]));
    assert_eq!(story.notified, [(64, NotificationReason::Resolved)]);
}

#[test]
fn a_receiver_that_refused_an_alert_is_sent_no_end_of_it() {
    let muted = || EvaluatedSubject { muted_until: Some(UnixSeconds(4_000)), ..banned() };
    for later in [holding(vec![recovered()]), holding(vec![]), holding(vec![muted()])] {
        let mut store = AlertStore::default();
        store.update(&holding(vec![banned()]), &hold(0), UnixSeconds(1));
        let due = store.due(&pager(), UnixSeconds(1));
        store.refused(&pager(), &due[0], UnixSeconds(1));
        store.update(&later, &hold(0), UnixSeconds(2));
        assert!(store.due(&pager(), UnixSeconds(2)).is_empty());
    }
}

#[test]
fn a_receiver_that_no_longer_matches_is_sent_the_resolution_of_what_it_was_sent_and_nothing_else() {
    let matching = |networks: &[&str]| AlertMatch {
        networks: networks.iter().map(ToString::to_string).collect(),
        ..AlertMatch::default()
    };
    let with =
        |kind, networks: &[&str]| Receiver { matches: matching(networks), ..receiver("pager", kind, Severity::Info) };
    for kind in [Kind::Generic, Kind::PagerDuty, Kind::Alertmanager] {
        let (before, after) = (with(kind.clone(), &["net"]), with(kind.clone(), &["other"]));
        let mut store = AlertStore::default();
        let update =
            |store: &mut AlertStore, judged, second| store.update(&holding(judged), &hold(0), UnixSeconds(second));
        let due = |store: &mut AlertStore, receiver: &Receiver, second| {
            let due = store.due(receiver, UnixSeconds(second));
            store.mark_notified("pager", &due, UnixSeconds(second));
            due.iter().map(|notice| notice.occasion).collect::<Vec<_>>()
        };
        update(&mut store, vec![banned()], 1);
        assert_eq!(due(&mut store, &after, 1), [], "{kind:?}: it never matched");
        assert_eq!(due(&mut store, &before, 2), [NotificationReason::Fired], "{kind:?}");
        assert_eq!(due(&mut store, &after, 3), [], "{kind:?}: it still fires");
        // Alertmanager resolves an alert that is not repeated.
        let repeated = if kind == Kind::Alertmanager { vec![NotificationReason::Reminder] } else { vec![] };
        assert_eq!(due(&mut store, &after, 700), repeated, "{kind:?}");
        assert_eq!(store.next_reminder(&after).is_some(), kind == Kind::Alertmanager, "{kind:?}");
        update(&mut store, vec![], 800);
        assert_eq!(store.prune(std::slice::from_ref(&after), UnixSeconds(800)), Vec::<String>::new());
        assert_eq!(due(&mut store, &after, 801), [NotificationReason::Resolved], "{kind:?}");
        assert_eq!(due(&mut store, &before, 802), [], "{kind:?}: it knows");
    }
}
