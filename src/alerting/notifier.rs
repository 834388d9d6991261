//! Sends due notifications to one receiver, one message at a time, with retries until it is accepted.
//!
//! Never here: due notifications (`state`); other receivers.

use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::alerting::client::{Accepted, Access, Client, SendError};
use crate::alerting::engine::{EngineState, HEARTBEAT, lock};
use crate::alerting::payload;
use crate::alerting::portion::Portion;
use crate::alerting::receiver_clock::ReceiverClock;
use crate::alerting::settings::{AlertingSettings, Heartbeat, Kind, Receiver};
use crate::alerting::state::{Notification, NotificationReason};
use crate::meters::Outcome;
use domain::masternode::UnixSeconds;

/// Pause after the first failure; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Longest pause without a due notification.
const REST: Duration = Duration::from_secs(30);

/// Timeout of a heartbeat request.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends due notifications to a receiver until the task is stopped.
pub(super) async fn notify_loop(shared: Arc<EngineState>, settings: Arc<AlertingSettings>, receiver: Receiver) {
    shared.meters.began(&receiver.name);
    let client = match Client::new(receiver.timeout, &receiver.outbound) {
        Ok(client) => client,
        Err(failure) => return note(&shared, &receiver.name, Err(&failure)),
    };
    let mut changes = shared.changes();
    let mut portion = Portion::default();
    let mut unanswered = Unanswered::default();
    let mut clock = ReceiverClock::default();
    loop {
        changes.mark_unchanged();
        let now = (shared.clock)();
        let due = lock(&shared.book).due(&receiver, now);
        shared.meters.waiting(&receiver.name, due.len());
        let due = portion.select(due);
        if due.is_empty() {
            let reminder = lock(&shared.book).next_reminder(&receiver);
            let rest = reminder.map_or(REST, |at| REST.min(Duration::from_secs(at.0.saturating_sub(now.0).max(1))));
            // Both a change and the end of the pause lead to another look.
            let _ = timeout(rest.min(portion.pause()), changes.changed()).await;
            continue;
        }
        let due = unanswered.first(due);
        let (sent, count) = send(&client, &settings, &receiver, &due[..portion.most(&due)], &clock, now).await;
        let notices = &due[..count];
        if let (Err(failure), [notice]) = (&sent, notices)
            && failure.is_final
        {
            refuse(&shared, &receiver, notice, failure);
            portion.grow();
            continue;
        }
        note(&shared, &receiver.name, sent.as_ref().map(drop));
        match sent {
            Ok(Accepted { date, refused }) => {
                for (recipient, failure) in refused {
                    drop_recipient(&shared, &receiver, &recipient, &failure);
                }
                portion.accepted(notices);
                let is_wrong = clock.answered(&receiver.name, date, (shared.clock)(), &shared.meters);
                if is_wrong && receiver.kind == Kind::Alertmanager {
                    continue;
                }
                lock(&shared.book).mark_notified(&receiver.name, notices, (shared.clock)());
                shared.changed();
            }
            Err(failure) if failure.is_final => portion.halve(notices),
            Err(failure) => {
                unanswered.remember(&receiver, notices);
                lock(&shared.book).unanswered(&receiver.name, notices);
                let jitter = (shared.jitter)();
                let wait = |pause: Duration| failure.wait.unwrap_or_default().max(pause);
                sleep(portion.failed(notices, |failures| wait(pause(failures, jitter)), wait(FIRST_PAUSE))).await;
            }
        }
    }
}

/// Sends one message about the first of `notices`. Returns how many of them it covers.
pub(super) async fn send(
    client: &Client,
    settings: &AlertingSettings,
    receiver: &Receiver,
    notices: &[Notification],
    clock: &ReceiverClock,
    now: UnixSeconds,
) -> (Result<Accepted, SendError>, usize) {
    let access = match Access::read(receiver) {
        Ok(access) => access,
        Err(failure) => return (Err(failure), notices.len()),
    };
    let body = payload::body(settings, receiver, access.token.as_ref(), notices, clock.difference(), now);
    let transaction = payload::transaction(receiver, &notices[..body.notices]);
    let started = Instant::now();
    let sent = client.send(receiver, &access, &body, &transaction).await;
    let (name, count, seconds) = (&receiver.name, body.notices, started.elapsed().as_secs_f64());
    let outcome = sent.as_ref().map_or_else(|failure| failure.what.as_str(), |_| "accepted");
    debug!(receiver = name, alerts = count, seconds, "Notification to receiver {name}: {outcome}");
    (sent, count)
}

/// The notifications of a message without a response, which may have arrived. A retry covers the same notifications as
/// far as they are still due: Matrix ignores a repeated transaction.
#[derive(Default)]
struct Unanswered(Vec<(String, NotificationReason)>);

impl Unanswered {
    fn remember(&mut self, receiver: &Receiver, notices: &[Notification]) {
        if matches!(receiver.kind, Kind::Matrix { .. }) {
            self.0 = notices.iter().map(|notice| (notice.key.clone(), notice.occasion)).collect();
        }
    }

    /// The part of `due` that the next message covers.
    fn first(&mut self, due: Vec<Notification>) -> Vec<Notification> {
        let keys = std::mem::take(&mut self.0);
        let is_again =
            |notice: &Notification| keys.iter().any(|(key, reason)| *key == notice.key && *reason == notice.occasion);
        if due.iter().any(is_again) { due.into_iter().filter(is_again).collect() } else { due }
    }
}

/// Sends heartbeats to a dead man's switch while alert evaluation is running.
pub(super) async fn heartbeat_loop(shared: Arc<EngineState>, heartbeat: Heartbeat) {
    shared.meters.began(HEARTBEAT);
    let client = match Client::new(HEARTBEAT_TIMEOUT, &heartbeat.outbound) {
        Ok(client) => client,
        Err(failure) => return note(&shared, HEARTBEAT, Err(&failure)),
    };
    loop {
        if shared.is_alive() {
            let sent = client.get(&heartbeat.address).await;
            note(&shared, HEARTBEAT, sent.as_ref().map(drop));
        }
        sleep(heartbeat.interval).await;
    }
}

/// Drops a notification that a receiver rejects permanently, so that the others are sent.
fn refuse(shared: &EngineState, receiver: &Receiver, notice: &Notification, failure: &SendError) {
    let alert = notice.entry.alert.name;
    let again = lock(&shared.book).refused(receiver, notice, (shared.clock)());
    let again = again.map(|pause| format!("; next attempt after {pause:?}, a reload or a restart"));
    warn!(
        receiver = receiver.name,
        alert,
        labels = ?notice.entry.labels,
        "Notification dropped: receiver {} refused {alert}: {}; answer: {:?}{}",
        receiver.name,
        failure.what,
        failure.answer,
        again.unwrap_or_default(),
    );
    shared.dropped(&receiver.name);
    shared.changed();
}

/// Counts a mail that one of its recipients refuses permanently.
fn drop_recipient(shared: &EngineState, receiver: &Receiver, recipient: &str, failure: &SendError) {
    let (receiver, what, answer) = (&receiver.name, &failure.what, &failure.answer);
    warn!(
        receiver,
        recipient,
        "Notification dropped: recipient {recipient} of receiver {receiver} refused it: {what}; answer: {answer:?}"
    );
    shared.dropped(receiver);
}

/// Counts an attempt, and logs the first failure and the first success after it.
fn note(shared: &EngineState, receiver: &str, sent: Result<(), &SendError>) {
    match sent {
        Ok(()) => {
            shared.meters.delivered(receiver, (shared.clock)().0);
            if shared.accepted(receiver) {
                info!(receiver, "Notifications to receiver {receiver} succeed again");
            }
        }
        Err(failure) => {
            shared.meters.ended(receiver, Outcome::Failed);
            let before = lock(&shared.failing).insert(receiver.into(), failure.what.clone());
            if before.is_none_or(|what| what != failure.what) {
                warn!(receiver, "Notification to receiver {receiver} failed: {}; will retry", failure.what);
            }
        }
    }
}

/// The pause after this number of failures: it doubles each time, plus up to a half at random, so that exporters that
/// failed together do not retry together.
fn pause(failures: u32, random: u8) -> Duration {
    let steady = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(6)).min(LONGEST_PAUSE);
    steady + steady.mul_f64(f64::from(random) / 512.0)
}

/// A random byte of the system.
pub fn random_byte() -> u8 {
    let mut random = [0];
    // Without randomness only the jitter is smaller.
    let _ = SystemRandom::new().fill(&mut random);
    random[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_a_half_at_most() {
        for failures in 1..100 {
            let steady = Duration::from_secs(1 << (failures - 1).min(6)).min(LONGEST_PAUSE);
            let pause = pause(failures, random_byte());
            assert!(pause >= steady && pause <= steady.mul_f64(1.5), "{failures}: {pause:?}");
        }
    }
}
