//! What fires now, for those who look instead of being told.
//!
//! The same book that receivers are told from, so a page and a message never disagree.
//!
//! Never here: judging; telling anybody.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::alerting::engine::{EngineState, lock};
use crate::alerting::state::{AlertState, Labels};
use domain::condition::{Alert, Severity};
use domain::masternode::UnixSeconds;

/// A view of the book of an [`crate::alerting::Engine`].
pub struct ActiveAlerts(pub(super) Arc<EngineState>);

/// What fires.
#[derive(Debug, Default)]
pub struct ActiveAlertList {
    /// How many are critical.
    pub critical: usize,
    /// How many are warnings.
    pub warning: usize,
    /// The most urgent of them, and of those the newest, first.
    pub alerts: Vec<ActiveAlert>,
}

/// One alert that fires.
#[derive(Clone, Debug)]
pub struct ActiveAlert {
    /// Which.
    pub alert: &'static Alert,
    /// Of whom; `alertname` is not among them.
    pub labels: Labels,
    /// What exactly.
    pub description: String,
    /// Since when it is told.
    pub since: UnixSeconds,
    /// Its runbook: an address, or the path in the project where none is configured.
    pub runbook_url: String,
}

impl ActiveAlerts {
    /// What fires whose labels fit: all are counted, and at most `most` are shown.
    pub fn firing(&self, fits: impl Fn(&Labels) -> bool, most: usize) -> ActiveAlertList {
        let base = lock(&self.0.runbook_url).clone();
        let book = lock(&self.0.book);
        let mut found: Vec<&AlertState> = book.firing().filter(|entry| fits(&entry.labels)).collect();
        let count = |severity: Severity| found.iter().filter(|entry| entry.alert.severity == severity).count();
        let (critical, warning) = (count(Severity::Critical), count(Severity::Warning));
        // The sort is stable, and the book is in the order of names and labels.
        found.sort_by_key(|entry| (entry.alert.severity, Reverse(entry.starts_at)));
        let show = |entry: &&AlertState| ActiveAlert {
            alert: entry.alert,
            labels: entry.labels.clone(),
            description: entry.description.clone(),
            since: entry.starts_at,
            runbook_url: entry.alert.runbook_url(&base),
        };
        ActiveAlertList { critical, warning, alerts: found.iter().take(most).map(show).collect() }
    }
}
