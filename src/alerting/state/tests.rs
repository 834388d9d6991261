mod earlier;
mod incidents;
mod refusals;
mod subjects;

use super::*;
use crate::alerting::routing::AlertMatch;
use crate::outbound::Outbound;
use crate::secret::{Secret, SecretSource};
use domain::condition::{Condition, EvaluatedSubject, Evaluation, Scope, Severity, Verdict};

const HOLD: u64 = 60;

fn receiver(name: &str, kind: Kind, minimum_severity: Severity) -> Receiver {
    Receiver {
        name: name.into(),
        kind,
        address: SecretSource::Text(Secret::new("http://127.0.0.1:1")),
        token: None,
        minimum_severity,
        matches: AlertMatch::default(),
        repeat: Duration::from_secs(600),
        timeout: Duration::from_secs(1),
        outbound: Outbound::default(),
    }
}

fn pager() -> Receiver {
    receiver("pager", Kind::Generic, Severity::Critical)
}

fn condition(name: &str) -> &'static Condition {
    Catalogue::default().find(name).unwrap()
}

/// A masternode with a verdict on whether it is banned.
fn masternode(name: &str, verdict: Verdict) -> EvaluatedSubject {
    let labels: Labels =
        [("network".to_string(), "net".to_string()), ("masternode".to_string(), name.to_string())].into();
    let verdicts = vec![(condition("MasternodePoSeBanned"), verdict)];
    EvaluatedSubject { scope: Scope::Masternode, labels: labels.into(), muted_until: None, verdicts }
}

fn banned() -> EvaluatedSubject {
    masternode("ab", Verdict::holds(1.0, "banned"))
}

fn recovered() -> EvaluatedSubject {
    masternode("ab", Verdict::DoesNotHold)
}

/// A network with a list, and these subjects.
fn holding(subjects: Vec<EvaluatedSubject>) -> Evaluation {
    Evaluation { subjects, networks: ["net".into()].into(), complete: ["net".into()].into(), ..Evaluation::default() }
}

fn hold(seconds: u64) -> AlertingSettings {
    AlertingSettings { longest_hold: Some(Duration::from_secs(seconds)), ..AlertingSettings::default() }
}

/// The notifications of a receiver, second by second, of an alert that holds or not at these times.
struct Story {
    book: AlertStore,
    notified: Vec<(u64, NotificationReason)>,
}

impl Story {
    fn new() -> Story {
        Story { book: AlertStore::default(), notified: Vec::new() }
    }

    fn at(&mut self, second: u64, verdict: Evaluation) {
        let now = UnixSeconds(second);
        self.book.update(&verdict, &hold(HOLD), now);
        self.deliver(second);
    }

    fn deliver(&mut self, second: u64) {
        let now = UnixSeconds(second);
        let due = self.book.due(&pager(), now);
        self.notified.extend(due.iter().map(|notice| (second, notice.occasion)));
        self.book.mark_notified("pager", &due, now);
        self.book.prune(&[pager()], now);
    }

    /// The receiver rejects what is due for good.
    fn refuse(&mut self, second: u64) {
        for notice in self.book.due(&pager(), UnixSeconds(second)) {
            self.book.refused(&pager(), &notice, UnixSeconds(second));
        }
    }

    /// A process that is killed and starts again.
    fn restart(&mut self) {
        let kept: Vec<(String, String)> =
            self.book.entries.iter().map(|(key, entry)| (key.clone(), entry.to_text())).collect();
        self.book = AlertStore::default();
        assert_eq!(self.book.restore(kept, &Catalogue::default(), UnixSeconds(u64::MAX)), 0);
    }
}

#[test]
fn an_alert_is_notified_after_its_pending_duration_then_reminded_then_resolved_once() {
    let mut story = Story::new();
    for second in 0..1_300 {
        story.at(second, holding(vec![banned()]));
    }
    story.at(1_300, holding(vec![]));
    story.at(1_301, holding(vec![]));
    assert_eq!(
        story.notified,
        [
            (60, NotificationReason::Fired),
            (660, NotificationReason::Reminder),
            (1_260, NotificationReason::Reminder),
            (1_300, NotificationReason::Resolved)
        ]
    );
    assert!(story.book.entries.is_empty());
}

#[test]
fn an_alert_shorter_than_its_pending_duration_is_never_notified() {
    let mut story = Story::new();
    for second in 0..59 {
        story.at(second, holding(vec![banned()]));
    }
    story.at(59, holding(vec![]));
    story.at(60, holding(vec![banned()]));
    story.at(119, holding(vec![banned()]));
    assert_eq!(story.notified, []);
    story.at(120, holding(vec![banned()]));
    assert_eq!(story.notified, [(120, NotificationReason::Fired)]);
}

#[test]
fn what_nothing_is_known_of_neither_fires_nor_ends() {
    // The network has no list yet, so the masternode is unknown; then a list without it is read.
    let one = || holding(vec![masternode("ab", Verdict::Unknown)]);
    let all = || Evaluation { networks: ["net".into()].into(), ..Evaluation::default() };
    for unknown in [&one as &dyn Fn() -> Evaluation, &all] {
        let mut story = Story::new();
        story.at(0, holding(vec![banned()]));
        story.at(100, unknown());
        assert_eq!(story.notified, []);
        story.at(101, holding(vec![banned()]));
        story.at(200, unknown());
        assert_eq!(story.notified, [(101, NotificationReason::Fired)]);
        story.at(201, holding(vec![]));
        assert_eq!(story.notified[1..], [(201, NotificationReason::Resolved)]);
    }
}

#[test]
fn a_restart_neither_repeats_nor_forgets() {
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.restart();
    story.at(60, holding(vec![banned()]));
    story.restart();
    story.at(70, holding(vec![banned()]));
    assert_eq!(story.notified, [(60, NotificationReason::Fired)], "it had held since before the first restart");
    story.restart();
    story.at(90, holding(vec![]));
    assert_eq!(story.notified[1..], [(90, NotificationReason::Resolved)]);
}

#[test]
fn a_resolution_that_was_not_sent_before_a_restart_is_sent_after_it() {
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    story.book.update(&holding(vec![]), &hold(HOLD), UnixSeconds(70));
    story.restart();
    story.at(80, holding(vec![]));
    assert_eq!(story.notified, [(60, NotificationReason::Fired), (80, NotificationReason::Resolved)]);
}

#[test]
fn a_webhook_that_was_away_hears_of_what_began_and_ended_meanwhile_and_alertmanager_does_not() {
    let mut book = AlertStore::default();
    book.update(&holding(vec![banned()]), &hold(0), UnixSeconds(10));
    book.update(&holding(vec![]), &hold(0), UnixSeconds(20));
    let due = |receiver: &Receiver| book.due(receiver, UnixSeconds(30)).len();
    assert_eq!(due(&pager()), 1);
    assert_eq!(due(&receiver("am", Kind::Alertmanager, Severity::Info)), 0);
}

#[test]
fn an_alert_that_flaps_between_notifications_is_still_resolved() {
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    // It is resolved and fires again before the resolution was sent; then it is resolved for good.
    story.book.update(&holding(vec![]), &hold(HOLD), UnixSeconds(61));
    story.book.update(&holding(vec![banned()]), &hold(HOLD), UnixSeconds(62));
    story.at(70, holding(vec![]));
    assert_eq!(story.notified, [(60, NotificationReason::Fired), (70, NotificationReason::Resolved)]);
}

#[test]
fn an_alert_that_fires_again_after_a_resolution_without_an_answer_is_sent_again() {
    for is_killed in [false, true] {
        let mut story = Story::new();
        story.at(0, holding(vec![banned()]));
        story.at(60, holding(vec![banned()]));
        story.book.update(&holding(vec![]), &hold(HOLD), UnixSeconds(70));
        if is_killed {
            story.restart();
        } else {
            let due = story.book.due(&pager(), UnixSeconds(70));
            story.book.unanswered("pager", &due);
        }
        (71..140).for_each(|second| story.at(second, holding(vec![banned()])));
        (140..150).for_each(|second| story.at(second, holding(vec![])));
        let reasons =
            [(60, NotificationReason::Fired), (131, NotificationReason::Fired), (140, NotificationReason::Resolved)];
        assert_eq!(story.notified, reasons, "killed: {is_killed}");
    }
}

#[test]
fn the_end_of_an_alert_of_an_earlier_process_is_sent_only_once_its_condition_is_known_not_to_hold() {
    let unknown = || masternode("ab", Verdict::Unknown);
    let without_list = Evaluation { networks: ["net".into()].into(), ..Evaluation::default() };
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    story.book.update(&holding(vec![recovered()]), &hold(HOLD), UnixSeconds(70));
    story.restart();
    story.deliver(80);
    story.at(81, without_list);
    story.at(82, holding(vec![unknown()]));
    assert_eq!(story.notified.split_off(0), [(60, NotificationReason::Fired)]);
    // It was banned again while no process ran.
    (83..143).for_each(|second| story.at(second, holding(vec![banned()])));
    assert_eq!(story.notified, []);
    story.at(143, holding(vec![banned()]));
    story.at(150, holding(vec![recovered()]));
    assert_eq!(story.notified, [(143, NotificationReason::Fired), (150, NotificationReason::Resolved)]);
}

#[test]
fn a_receiver_gets_no_notification_below_its_severity() {
    let mut book = AlertStore::default();
    let verdicts = vec![(condition("MasternodePenaltyWave"), Verdict::holds(12.0, "a wave"))];
    let labels: Labels = [("network".to_string(), "net".to_string())].into();
    let wave = EvaluatedSubject { scope: Scope::Network, labels: labels.into(), muted_until: None, verdicts };
    book.update(&holding(vec![wave, banned()]), &hold(0), UnixSeconds(10));
    let names = |minimum| {
        let due = book.due(&receiver("one", Kind::Generic, minimum), UnixSeconds(10));
        due.iter().map(|notice| notice.entry.alert.name).collect::<Vec<_>>()
    };
    assert_eq!(names(Severity::Critical), ["MasternodePoSeBanned"]);
    assert_eq!(names(Severity::Warning).len(), 2);
}

#[test]
fn a_resolution_that_cannot_be_delivered_is_dropped_after_a_day() {
    let mut book = AlertStore::default();
    book.update(&holding(vec![banned()]), &hold(0), UnixSeconds(10));
    book.update(&holding(vec![]), &hold(0), UnixSeconds(20));
    assert_eq!(book.prune(&[pager()], UnixSeconds(20 + FORGET_SECONDS)), Vec::<String>::new());
    assert_eq!(book.prune(&[pager()], UnixSeconds(21 + FORGET_SECONDS)), ["pager"]);
    assert!(book.entries.is_empty());
}

#[test]
fn the_book_is_bounded() {
    let mut book = AlertStore::default();
    let many = (0..MOST + 5).map(|number| masternode(&number.to_string(), Verdict::holds(1.0, "banned")));
    assert_eq!(book.update(&holding(many.collect()), &hold(0), UnixSeconds(1)), 5);
}

#[test]
fn what_changed_is_handed_out_once_and_again_when_it_could_not_be_kept() {
    let mut book = AlertStore::default();
    book.update(&holding(vec![banned()]), &hold(HOLD), UnixSeconds(1));
    let changes = book.take_changes();
    assert_eq!(changes.len(), 1);
    assert!(book.take_changes().is_empty());
    book.update(&holding(vec![banned()]), &hold(HOLD), UnixSeconds(2));
    assert!(book.take_changes().is_empty(), "it stands as it stood");
    book.mark_unsaved(&changes);
    assert_eq!(book.take_changes().len(), 1);
    book.update(&holding(vec![]), &hold(HOLD), UnixSeconds(3));
    assert_eq!(book.take_changes()[0].1, None);
}

const HOURS: i64 = 3600;

#[test]
fn a_pending_duration_does_not_change_over_a_jump_of_the_clock() {
    for jump in [5 * HOURS, -5 * HOURS] {
        let mut story = Story::new();
        let start = 100_000_u64;
        story.at(start, holding(vec![banned()]));
        story.at(start + 30, holding(vec![banned()]));
        story.book.shift(ClockJump(jump));
        let then = (start + 30).saturating_add_signed(jump);
        story.at(then, holding(vec![banned()]));
        story.at(then + 29, holding(vec![banned()]));
        assert_eq!(story.notified, [], "it has held for less than a minute");
        story.at(then + 30, holding(vec![banned()]));
        assert_eq!(story.notified, [(then + 30, NotificationReason::Fired)]);
    }
}

#[test]
fn a_jump_forward_repeats_firing_alerts_once_and_a_jump_back_keeps_the_time_of_reminders() {
    let start = 100_000_u64;
    for (jump, expected) in [(5 * HOURS, vec![0, 600]), (-5 * HOURS, vec![599, 1_199])] {
        let mut story = Story::new();
        story.at(start, holding(vec![banned()]));
        story.at(start + 60, holding(vec![banned()]));
        assert_eq!(story.notified.split_off(0), [(start + 60, NotificationReason::Fired)]);
        story.book.shift(ClockJump(jump));
        let then = (start + 61).saturating_add_signed(jump);
        for second in 0..1_200 {
            story.at(then + second, holding(vec![banned()]));
        }
        let expected: Vec<_> = expected.iter().map(|second| (then + second, NotificationReason::Reminder)).collect();
        assert_eq!(story.notified.split_off(0), expected, "{jump}");
        story.at(then + 1_200, holding(vec![]));
        assert_eq!(story.notified, [(then + 1_200, NotificationReason::Resolved)]);
    }
}

#[test]
fn an_undelivered_resolution_is_not_dropped_early_and_is_later_than_the_start() {
    for jump in [30 * HOURS, -30 * HOURS] {
        let mut book = AlertStore::default();
        let start = 1_000_000_u64;
        book.update(&holding(vec![banned()]), &hold(0), UnixSeconds(start));
        let fired = book.due(&pager(), UnixSeconds(start));
        book.mark_notified("pager", &fired, UnixSeconds(start));
        book.update(&holding(vec![]), &hold(0), UnixSeconds(start + 10));
        book.shift(ClockJump(jump));
        let now = UnixSeconds((start + 20).saturating_add_signed(jump));
        assert!(book.prune(&[pager()], now).is_empty(), "no resolution is dropped");
        let due = book.due(&pager(), now);
        assert_eq!(due.iter().map(|notice| notice.occasion).collect::<Vec<_>>(), [NotificationReason::Resolved]);
        let entry = &due[0].entry;
        assert!(matches!(entry.stage, Phase::Resolved(at) if entry.starts_at.0 < at && at <= now.0), "{entry:?}");
        book.mark_notified("pager", &due, now);
        book.prune(&[pager()], now);
        assert!(book.entries.is_empty(), "it is sent once");
    }
}

#[test]
fn what_was_kept_by_a_clock_that_was_ahead_goes_on_from_now() {
    let mut story = Story::new();
    story.at(1_000_000, holding(vec![banned()]));
    story.at(1_000_060, holding(vec![banned()]));
    let kept = story.book.entries.iter().map(|(key, entry)| (key.clone(), entry.to_text())).collect();
    let mut book = AlertStore::default();
    book.restore(kept, &Catalogue::default(), UnixSeconds(500));
    let reminder = book.next_reminder(&pager()).unwrap();
    assert_eq!(reminder, UnixSeconds(500 + 600));
    let entry = book.entries.values().next().unwrap();
    assert_eq!((entry.stage, entry.starts_at), (Phase::Firing, UnixSeconds(500)));
}

#[test]
fn maintenance_of_what_fires_says_muted_and_its_recovery_is_in_the_past_tense() {
    let muted = || EvaluatedSubject { muted_until: Some(UnixSeconds(4_000)), ..banned() };
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(60, holding(vec![banned()]));
    story.book.update(&holding(vec![muted()]), &hold(HOLD), UnixSeconds(70));
    let due = story.book.due(&pager(), UnixSeconds(70));
    assert_eq!(
        due[0].entry.summary(),
        "Muted until 1970-01-01 01:06 UTC by maintenance: A watched masternode is banned."
    );
    story.deliver(70);
    story.restart();
    story.at(80, holding(vec![muted()]));
    assert_eq!(story.notified, [(60, NotificationReason::Fired), (70, NotificationReason::Muted)]);
    // The maintenance is over and it still holds: it fires again, then recovers.
    story.at(4_000, holding(vec![banned()]));
    story.at(4_060, holding(vec![banned()]));
    story.book.update(&holding(vec![recovered()]), &hold(HOLD), UnixSeconds(4_100));
    let due = story.book.due(&pager(), UnixSeconds(4_100));
    assert_eq!(due[0].entry.summary(), "Masternode ab on net was banned; the ban is over.");
    story.deliver(4_100);
    assert_eq!(story.notified[2..], [(4_060, NotificationReason::Fired), (4_100, NotificationReason::Resolved)]);
}

#[test]
fn an_alert_that_is_muted_before_its_first_notification_is_never_notified() {
    let muted = || EvaluatedSubject { muted_until: Some(UnixSeconds(4_000)), ..banned() };
    let mut story = Story::new();
    story.at(0, holding(vec![banned()]));
    story.at(30, holding(vec![muted()]));
    story.at(100, holding(vec![muted()]));
    story.at(200, holding(vec![]));
    assert_eq!(story.notified, []);
}
