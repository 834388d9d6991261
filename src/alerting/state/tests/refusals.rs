//! What a receiver rejects for good: its next attempt, and the end of such an alert.
//!
//! Never here: failures that are retried at once (`portion`).

use super::*;

#[test]
fn what_a_receiver_refuses_waits_for_the_next_reminder_or_a_restart_and_its_end_is_still_sent() {
    let mut story = Story::new();
    story.book.update(&holding(vec![banned()]), &hold(0), UnixSeconds(10));
    story.refuse(10);
    assert_eq!(story.book.next_reminder(&pager()), Some(UnixSeconds(610)));
    story.deliver(609);
    story.deliver(610);
    story.refuse(1_210);
    story.restart();
    story.book.retry_refused();
    story.deliver(1_211);
    story.refuse(1_811);
    story.at(1_812, holding(vec![]));
    // After the first refusal the receiver does not know of the alert; after the others it does.
    assert_eq!(
        story.notified,
        [
            (610, NotificationReason::Fired),
            (1_211, NotificationReason::Reminder),
            (1_812, NotificationReason::Resolved)
        ]
    );
}

#[test]
fn the_refused_end_of_an_alert_that_the_receiver_has_is_sent_with_the_next_reminder_or_after_a_restart() {
    for (restarts, expected) in [(false, 670), (true, 71)] {
        let mut story = Story::new();
        story.at(0, holding(vec![banned()]));
        story.at(60, holding(vec![banned()]));
        story.book.update(&holding(vec![]), &hold(HOLD), UnixSeconds(70));
        story.refuse(70);
        assert!(story.book.prune(&[pager()], UnixSeconds(70)).is_empty());
        if restarts {
            story.restart();
            story.book.retry_refused();
        } else {
            assert_eq!(story.book.next_reminder(&pager()), Some(UnixSeconds(670)));
        }
        (71..1_400).for_each(|second| story.at(second, holding(vec![])));
        let all = [(60, NotificationReason::Fired), (expected, NotificationReason::Resolved)];
        assert_eq!(story.notified, all, "restarts: {restarts}");
        assert!(story.book.entries.is_empty());
    }
}

#[test]
fn the_refused_end_of_an_alert_that_fires_again_is_followed_by_one_beginning_and_one_end() {
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    story.book.update(&holding(vec![]), &hold(HOLD), UnixSeconds(70));
    story.refuse(70);
    (71..200).for_each(|second| story.at(second, holding(vec![banned()])));
    (200..1_400).for_each(|second| story.at(second, holding(vec![])));
    let expected =
        [(60, NotificationReason::Fired), (131, NotificationReason::Fired), (200, NotificationReason::Resolved)];
    assert_eq!(story.notified, expected);
}

#[test]
fn the_refused_end_of_an_alert_that_the_receiver_never_had_is_dropped() {
    let mut story = Story::new();
    story.book.update(&holding(vec![banned()]), &hold(0), UnixSeconds(10));
    story.book.update(&holding(vec![]), &hold(0), UnixSeconds(20));
    story.refuse(20);
    assert!(story.book.prune(&[pager()], UnixSeconds(20)).is_empty());
    assert!(story.book.entries.is_empty());
}

#[test]
fn a_receiver_that_has_the_end_of_an_alert_gets_no_second_one_when_it_is_only_pending_again() {
    let (pager, other) = (pager(), receiver("other", Kind::Generic, Severity::Info));
    let mut book = AlertStore::default();
    let mut ends = 0;
    // It fires, ends, and is pending for a moment; the other receiver refuses its ends.
    for (second, verdict) in [(0, banned()), (60, banned()), (70, recovered()), (80, banned()), (90, recovered())] {
        let now = UnixSeconds(second);
        book.update(&holding(vec![verdict]), &hold(HOLD), now);
        let due = book.due(&pager, now);
        ends += due.iter().filter(|notice| notice.occasion == NotificationReason::Resolved).count();
        book.mark_notified("pager", &due, now);
        let (refused, accepted): (Vec<_>, Vec<_>) =
            book.due(&other, now).into_iter().partition(|notice| notice.occasion == NotificationReason::Resolved);
        book.mark_notified("other", &accepted, now);
        for notice in &refused {
            book.refused(&other, notice, now);
        }
        book.prune(&[pager.clone(), other.clone()], now);
    }
    assert_eq!(ends, 1);
}
