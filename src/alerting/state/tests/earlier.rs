//! A start without stored alerts: incidents of the process before are resolved.

use super::*;

fn pagerduty() -> Receiver {
    receiver("pd", Kind::PagerDuty, Severity::Critical)
}

fn settings() -> AlertingSettings {
    let receivers = vec![pagerduty(), pager(), receiver("am", Kind::Alertmanager, Severity::Info)];
    AlertingSettings { receivers, ..hold(0) }
}

fn reasons(book: &AlertStore, receiver: &Receiver, second: u64) -> Vec<(String, NotificationReason)> {
    let due = book.due(receiver, UnixSeconds(second)).into_iter();
    due.map(|notice| (notice.entry.labels["masternode"].clone(), notice.occasion)).collect()
}

fn evaluated(book: &mut AlertStore, subjects: Vec<EvaluatedSubject>, second: u64) {
    assert_eq!(book.update(&holding(subjects), &settings(), UnixSeconds(second)), 0);
}

/// A process without a history.
fn fresh() -> AlertStore {
    let mut book = AlertStore::default();
    book.begin_without_state(UnixSeconds(10));
    book
}

#[test]
fn what_ended_while_no_process_ran_is_resolved_in_pagerduty_only_and_once() {
    let mut book = fresh();
    evaluated(&mut book, vec![recovered()], 11);
    let key = key(&condition("MasternodePoSeBanned").alert, &book.entries.values().next().unwrap().labels);
    assert_eq!(book.entries.keys().collect::<Vec<_>>(), [&key], "the key of the incident");
    assert_eq!(reasons(&book, &pagerduty(), 12), [("ab".into(), NotificationReason::Resolved)]);
    assert_eq!(reasons(&book, &pager(), 12), [], "a message to people");
    assert_eq!(reasons(&book, &receiver("am", Kind::Alertmanager, Severity::Info), 12), []);
    let due = book.due(&pagerduty(), UnixSeconds(12));
    book.mark_notified("pd", &due, UnixSeconds(12));
    book.prune(&settings().receivers, UnixSeconds(12));
    evaluated(&mut book, vec![recovered()], 13);
    assert!(book.entries.is_empty(), "once");
}

#[test]
fn what_fires_is_sent_first_and_what_is_not_known_is_not_resolved() {
    let mut book = fresh();
    let subjects = |third| vec![banned(), masternode("cd", Verdict::DoesNotHold), masternode("ef", third)];
    evaluated(&mut book, subjects(Verdict::Unknown), 11);
    let found = reasons(&book, &pagerduty(), 12);
    assert_eq!(found, [("ab".into(), NotificationReason::Fired), ("cd".into(), NotificationReason::Resolved)]);
    evaluated(&mut book, subjects(Verdict::Inapplicable), 13);
    assert_eq!(reasons(&book, &pagerduty(), 14).len(), 2);
    evaluated(&mut book, subjects(Verdict::DoesNotHold), 15);
    assert_eq!(reasons(&book, &pagerduty(), 16)[2], ("ef".into(), NotificationReason::Resolved));
}

#[test]
fn with_stored_state_or_hours_later_nothing_is_resolved_that_was_not_sent() {
    let stored = |kept: Vec<(String, String)>| {
        let mut book = AlertStore::default();
        assert_eq!(book.restore(kept, &Catalogue::default(), UnixSeconds(10)), 0);
        book
    };
    let mut first = stored(vec![]);
    evaluated(&mut first, vec![recovered()], 11);
    assert_eq!(reasons(&first, &pagerduty(), 12).len(), 1, "a new history has no state either");
    let changes = first.take_changes();
    let kept: Vec<_> = changes.into_iter().filter_map(|(key, text)| Some((key, text?))).collect();
    let mark: Vec<_> = kept.into_iter().filter(|(key, _)| !key.starts_with("Masternode")).collect();
    assert_eq!(mark.len(), 1, "that it is stored is stored");
    let mut second = stored(mark);
    evaluated(&mut second, vec![recovered()], 11);
    assert!(second.entries.is_empty());
    let mut late = fresh();
    evaluated(&mut late, vec![recovered()], 8_000);
    assert!(late.entries.is_empty());
}

#[test]
fn the_number_of_resolutions_is_bounded() {
    let mut book = fresh();
    let subjects = (0..1_000).map(|number| masternode(&format!("{number:04}"), Verdict::DoesNotHold)).collect();
    evaluated(&mut book, subjects, 11);
    assert_eq!(reasons(&book, &pagerduty(), 12).len(), 500);
}

#[test]
fn an_end_that_no_process_could_send_for_a_week_is_sent_and_the_day_to_deliver_it_begins_with_the_process() {
    const WEEK: u64 = 7 * 24 * 3600;
    let mut first = AlertStore::default();
    evaluated(&mut first, vec![banned()], 11);
    let due = first.due(&pager(), UnixSeconds(11));
    first.mark_notified("pager", &due, UnixSeconds(11));
    evaluated(&mut first, vec![recovered()], 20);
    let kept: Vec<_> = first.take_changes().into_iter().filter_map(|(key, text)| Some((key, text?))).collect();
    let mut second = AlertStore::default();
    second.restore(kept, &Catalogue::default(), UnixSeconds(WEEK));
    assert!(second.prune(&[pager()], UnixSeconds(WEEK)).is_empty());
    evaluated(&mut second, vec![recovered()], WEEK + 1);
    assert_eq!(reasons(&second, &pager(), WEEK + 1), [("ab".into(), NotificationReason::Resolved)]);
    assert!(second.prune(&[pager()], UnixSeconds(WEEK + FORGET_SECONDS)).is_empty());
    assert_eq!(second.prune(&[pager()], UnixSeconds(WEEK + FORGET_SECONDS + 1)), ["pager"]);
}

#[test]
fn an_alert_fires_again_when_its_maintenance_ends_while_its_condition_is_unknown_also_after_a_restart() {
    let muted = |verdict| EvaluatedSubject { muted_until: Some(UnixSeconds(100)), ..masternode("ab", verdict) };
    for (restarts, subjects) in [(false, vec![muted(Verdict::Unknown)]), (true, vec![])] {
        let mut story = Story::new();
        story.at(0, holding(vec![banned()]));
        story.at(60, holding(vec![banned()]));
        story.at(70, holding(vec![muted(Verdict::holds(1.0, "banned"))]));
        if restarts {
            story.restart();
        }
        // The list is stale; after a restart none is known.
        let stale =
            || Evaluation { subjects: subjects.clone(), networks: ["net".into()].into(), ..Evaluation::default() };
        (80..105).for_each(|second| story.at(second, stale()));
        let expected =
            [(60, NotificationReason::Fired), (70, NotificationReason::Muted), (100, NotificationReason::Fired)];
        assert_eq!(story.notified, expected, "restarts: {restarts}");
        assert!(story.book.firing().all(|entry| entry.description.contains("unknown")));
    }
}

#[test]
fn an_alert_of_an_earlier_process_stays_while_the_watch_list_is_not_known_as_a_whole() {
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    story.restart();
    (61..70).for_each(|second| story.at(second, Evaluation { is_watch_list_partial: true, ..holding(vec![]) }));
    assert_eq!(story.notified, [(60, NotificationReason::Fired)]);
    story.at(70, holding(vec![]));
    assert_eq!(story.notified[1..], [(70, NotificationReason::Resolved)], "it was removed from the list");
}

#[test]
fn a_receiver_that_is_removed_and_configured_again_is_told_of_the_end() {
    let mut book = AlertStore::default();
    evaluated(&mut book, vec![banned()], 10);
    let due = book.due(&pagerduty(), UnixSeconds(10));
    book.mark_notified("pd", &due, UnixSeconds(10));
    // Without it, the alert ends.
    evaluated(&mut book, vec![recovered()], 20);
    book.prune(&[], UnixSeconds(20));
    assert_eq!(reasons(&book, &pagerduty(), 30), [("ab".into(), NotificationReason::Resolved)]);
    book.prune(&[], UnixSeconds(21 + FORGET_SECONDS));
    assert!(book.entries.is_empty(), "not for ever");
}
