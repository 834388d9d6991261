//! The firing alerts, for pages and the API.
//!
//! Notifications use the same store, so a page and a notification never disagree.
//!
//! Never here: evaluation; notifications.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::alerting::engine::{EngineState, lock};
use crate::alerting::state::{AlertState, Labels};
use domain::condition::{Alert, Severity};
use domain::masternode::UnixSeconds;

/// A view of the alert store of an [`crate::alerting::Engine`].
pub struct ActiveAlerts(pub(super) Arc<EngineState>);

/// Firing alerts.
#[derive(Debug, Default)]
pub struct ActiveAlertList {
    /// Number of critical alerts.
    pub critical: usize,
    /// Number of warnings.
    pub warning: usize,
    /// Sorted by severity, then newest first.
    pub alerts: Vec<ActiveAlert>,
}

/// One firing alert.
#[derive(Clone, Debug)]
pub struct ActiveAlert {
    /// Its definition.
    pub alert: &'static Alert,
    /// Labels of its subject, without `alertname`.
    pub labels: Labels,
    /// Its description.
    pub description: String,
    /// Since when it fires.
    pub since: UnixSeconds,
    /// Its runbook: a URL, or the path in the repository if no base URL is configured.
    pub runbook_url: String,
}

impl ActiveAlerts {
    /// Firing alerts with matching labels: all are counted, and at most `most` are returned.
    pub fn firing(&self, fits: impl Fn(&Labels) -> bool, most: usize) -> ActiveAlertList {
        let base = lock(&self.0.runbook_url).clone();
        let book = lock(&self.0.book);
        let mut found: Vec<&AlertState> = book.firing().filter(|entry| fits(&entry.labels)).collect();
        let count = |severity: Severity| found.iter().filter(|entry| entry.alert.severity == severity).count();
        let (critical, warning) = (count(Severity::Critical), count(Severity::Warning));
        // The sort is stable, and the store is ordered by names and labels.
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
