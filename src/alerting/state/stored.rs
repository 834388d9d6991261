//! An alert as it is stored over restarts.
//!
//! Never here: storing it; which alerts are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alerting::state::last_notified::LastNotified;
use crate::alerting::state::{AlertState, Labels, Phase};
use domain::condition::Catalogue;
use domain::masternode::UnixSeconds;

/// An alert as it is stored over restarts.
#[derive(Serialize, Deserialize)]
struct StoredAlert {
    alert: String,
    labels: Labels,
    value: f64,
    description: String,
    stage: Phase,
    starts_at: u64,
    #[serde(rename = "told")]
    notified: BTreeMap<String, LastNotified>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incident: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    muted_until: Option<u64>,
}

impl AlertState {
    pub(super) fn to_text(&self) -> String {
        let kept = StoredAlert {
            alert: self.alert.name.into(),
            labels: self.labels.clone(),
            value: self.value,
            description: self.description.clone(),
            stage: self.stage,
            starts_at: self.starts_at.0,
            notified: self.notified.clone(),
            incident: self.incident,
            muted_until: self.muted_until,
        };
        serde_json::to_string(&kept).expect("its keys are texts and its numbers finite")
    }

    pub(super) fn from_text(text: &str, catalogue: &Catalogue) -> Option<AlertState> {
        let StoredAlert { alert, labels, value, description, stage, starts_at, notified, incident, muted_until } =
            serde_json::from_str(text).ok()?;
        let alert = &catalogue.find(&alert)?.alert;
        let (starts_at, is_restored) = (UnixSeconds(starts_at), true);
        Some(AlertState {
            alert,
            labels,
            value,
            description,
            stage,
            starts_at,
            notified,
            incident,
            muted_until,
            is_restored,
        })
    }
}
