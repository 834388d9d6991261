//! Alerts of an earlier process whose state was not stored: an incident that it opened may still be open, although the alert does not
//! fire any more. Its key is known, so receivers that ignore the resolution of an unknown key get one.
//!
//! Never here: alerts that fire, whose notification has the same key; receivers in which a resolution is a message to people.

use std::collections::BTreeSet;

use tracing::{info, warn};

use crate::alerting::settings::{AlertingSettings, Kind, Receiver};
use crate::alerting::state::update::{identity, labels_of, resolution};
use crate::alerting::state::{AlertState, AlertStore, LastNotified, Phase, key};
use domain::condition::{Evaluation, Scope, Verdict};
use domain::masternode::UnixSeconds;

/// Key of the record which says that the state of alerts is stored.
pub(super) const STORED: &str = "stored";

/// After this many seconds, each condition of a masternode is known: events of an hour are.
const SECONDS: u64 = 2 * 3_600;

/// Most resolutions that are sent, each a message of its own.
const MOST: usize = 500;

/// What is not known of an earlier process.
#[derive(Debug)]
pub(super) struct EarlierProcess {
    until: UnixSeconds,
    /// The alerts that were looked at, by identity.
    seen: BTreeSet<String>,
    closed: usize,
}

impl AlertStore {
    /// Nothing is known of the alerts of an earlier process.
    pub fn begin_without_state(&mut self, now: UnixSeconds) {
        self.earlier = Some(EarlierProcess { until: UnixSeconds(now.0 + SECONDS), seen: BTreeSet::new(), closed: 0 });
        self.changed.insert(STORED.into());
    }

    /// Adds a resolution of each alert of a watched masternode that does not hold, once.
    pub(super) fn close_earlier(&mut self, evaluation: &Evaluation, settings: &AlertingSettings, now: UnixSeconds) {
        let Some(earlier) = self.earlier.as_mut().filter(|earlier| now <= earlier.until) else {
            self.earlier = None;
            return;
        };
        let pagers = || settings.receivers.iter().filter(|receiver| receiver.kind == Kind::PagerDuty);
        if pagers().next().is_none() {
            return;
        }
        let before = earlier.closed;
        for subject in &evaluation.subjects {
            for (condition, verdict) in &subject.verdicts {
                let alert = &condition.alert;
                if alert.scope != Scope::Masternode || *verdict != Verdict::DoesNotHold {
                    continue;
                }
                let labels = labels_of(subject, alert, settings);
                let wants = |receiver: &&Receiver| receiver.wants(alert.severity, &labels);
                let is_new = earlier.seen.insert(identity(alert, &labels));
                let key = key(alert, &labels);
                if !is_new || self.entries.contains_key(&key) || !pagers().any(|pager| wants(&pager)) {
                    continue;
                }
                earlier.closed += 1;
                if earlier.closed > MOST {
                    continue;
                }
                let notified = |receiver: &Receiver| {
                    // To others it was not sent, or they are people.
                    let firing = receiver.kind == Kind::PagerDuty && receiver.wants(alert.severity, &labels);
                    (receiver.name.clone(), LastNotified { at: now.0, firing, ..LastNotified::default() })
                };
                let notified = settings.receivers.iter().map(notified).collect();
                let entry = AlertState {
                    description: resolution(alert, &labels),
                    value: 0.0,
                    notified,
                    // After every alert that fires.
                    ..AlertState::new(alert, labels, Phase::Resolved(now.0), UnixSeconds(u32::MAX.into()))
                };
                self.entries.insert(key.clone(), entry);
                self.changed.insert(key);
            }
        }
        if earlier.closed > before {
            info!("No state of earlier alerts is known: {} possible incidents are resolved", earlier.closed.min(MOST));
        }
        if earlier.closed > MOST && before <= MOST {
            warn!(
                "Incidents of an earlier process may stay open: more than {MOST} alerts of watched masternodes are possible"
            );
        }
    }
}
