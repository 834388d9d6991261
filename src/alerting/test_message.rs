//! A marked message that shows whether a receiver works, without an alert.
//!
//! Never here: due notifications.

use crate::alerting::client::{Client, SendError};
use crate::alerting::notifier;
use crate::alerting::receiver_clock::ReceiverClock;
use crate::alerting::settings::{AlertingSettings, Receiver};
use crate::alerting::state::Notification;
use domain::condition::{Alert, Scope, Severity};
use domain::masternode::UnixSeconds;

/// The alert of the message. It is in no catalogue, so that no rule and no page contains it.
pub(super) const TEST: Alert = Alert {
    name: "MasternodeExporterTest",
    severity: Severity::Warning,
    hold_seconds: 0,
    scope: Scope::Exporter,
    keeps_hold: false,
    summary: "TEST: this is no alert.",
    resolved: "TEST: this was no alert.",
};

/// Its description.
const DESCRIPTION: &str =
    "TEST: masternode-exporter reaches receiver {receiver}. Nothing is wrong. Where it stays open, close it by hand.";

/// Sends the test message to a receiver, regardless of its `match` and severity. Returns the response if it was not
/// accepted.
///
/// # Errors
/// A sentence with the beginning of the response, without secrets.
pub async fn send_test(settings: &AlertingSettings, receiver: &Receiver, now: UnixSeconds) -> Result<(), String> {
    let client = Client::new(receiver.timeout, &receiver.outbound).map_err(sentence)?;
    let mut labels = settings.labels.clone();
    labels.insert("severity".into(), TEST.severity.label().into());
    labels.insert("job".into(), settings.job.clone());
    labels.insert("receiver".into(), receiver.name.clone());
    let description = DESCRIPTION.replace("{receiver}", &receiver.name);
    // Each test is a new message.
    let key = format!("{} {} {}", TEST.name, receiver.name, now.0);
    let notice = Notification::fired(&TEST, key, labels, description, now);
    let clock = ReceiverClock::default();
    let (sent, _) = notifier::send(&client, settings, receiver, &[notice], &clock, now).await;
    let refused = |(recipient, failure)| format!("recipient {recipient} refused it: {}", sentence(failure));
    let refused: Vec<String> = sent.map_err(sentence)?.refused.into_iter().map(refused).collect();
    if refused.is_empty() { Ok(()) } else { Err(refused.join("; ")) }
}

fn sentence(failure: SendError) -> String {
    match failure.answer.as_str() {
        "" => failure.what,
        answer => format!("{}; answer: {answer:?}", failure.what),
    }
}
