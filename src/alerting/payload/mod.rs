//! What a receiver is sent, as its kind understands it.
//!
//! Every body says of how many notices it tells: what does not fit is told in the next one.
//!
//! Never here: sending; which notices are due.

mod alertmanager;
mod chat;
mod pagerduty;
mod webhook;

use serde_json::Value;

pub use alertmanager::REFRESH;

use crate::alerting::settings::{AlertingSettings, Kind, Receiver};
use crate::alerting::state::Notification;
use domain::masternode::UnixSeconds;

/// A body, and of how many of the notices it tells: from the first on, at least one.
#[derive(Debug)]
pub struct Body {
    /// JSON.
    pub json: Value,
    /// How many.
    pub notices: usize,
}

/// The body for the first of `notices`, of which there is at least one.
pub fn body(settings: &AlertingSettings, receiver: &Receiver, notices: &[Notification], now: UnixSeconds) -> Body {
    let links = Links { settings };
    match &receiver.kind {
        Kind::Alertmanager => alertmanager::body(notices, &links, now),
        Kind::Generic => webhook::body(notices, &receiver.name, &links),
        Kind::Slack => chat::slack(notices, &links),
        Kind::Discord => chat::discord(notices, &links),
        Kind::Telegram { chat } => chat::telegram(notices, chat, &links),
        Kind::PagerDuty => pagerduty::body(notices, receiver, &links, now),
    }
}

/// Where people read on.
struct Links<'a> {
    settings: &'a AlertingSettings,
}

impl Links<'_> {
    fn runbook(&self, notice: &Notification) -> String {
        notice.entry.alert.runbook_url(&self.settings.runbook_url)
    }

    /// Where this exporter is found, if that is known.
    fn exporter(&self) -> Option<&str> {
        Some(self.settings.external_url.as_str()).filter(|url| !url.is_empty())
    }
}
