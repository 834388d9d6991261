//! The section `alerting`: common settings of all receivers.
//!
//! Never here: sending anything.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::rule_file::is_alert_label;
use crate::alerting::runbooks::SERVED;
use crate::alerting::settings::Receiver;
use crate::alerting::{AlertingSettings, HEARTBEAT};
use crate::config::email::EmailSection;
use crate::config::kinds::LinkKind;
use crate::config::leaf::{DAY, Leaf, List, Span, Text};
use crate::config::maintenance::MaintenanceSection;
use crate::config::mistakes::Place;
use crate::config::receiver_kinds::ProxyKind;
use crate::config::receivers::{AlertmanagerSection, Context, HeartbeatSection, WebhookSection};
use crate::config::thresholds::ThresholdsSection;
use crate::config::{NetworkConfig, WatchConfig, receiver_match};

/// Alerts that the exporter sends by itself.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AlertingSection {
    /// Alertmanagers; list all of a cluster.
    alertmanagers: List<AlertmanagerSection>,
    /// Other receivers with an HTTP API.
    webhooks: List<WebhookSection>,
    /// Recipients of e-mail.
    emails: List<EmailSection>,
    heartbeat: Option<HeartbeatSection>,
    /// HTTP proxy for all receivers and the heartbeat, such as `http://user:password@proxy:3128`. E-mail takes no proxy. The variables
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment are ignored.
    proxy: Option<Leaf<ProxyKind>>,
    /// Labels that are added to each sent alert, like `external_labels` of Prometheus.
    labels: BTreeMap<String, Text>,
    /// Label `job` of alerts about the exporter: the job of its scrape configuration.
    job: Text,
    /// Base URL of the runbooks: a copy of this project, to which `docs/runbooks/…` is appended, or a URL that ends in `/runbooks`, to
    /// which `/<Alert>` is appended. Without it, `/runbooks` below `web.external_url`; without both, a path in the project.
    runbook_url: Option<Leaf<LinkKind>>,
    /// Deprecated: use `web.external_url`.
    external_url: Option<Leaf<LinkKind>>,
    /// No alert waits longer than this before it is sent; without it, each alert has the duration of its rule.
    longest_hold: Option<Span<0, DAY>>,
    thresholds: ThresholdsSection,
    /// Masternodes that are being worked on: their alerts are muted.
    maintenance: List<MaintenanceSection>,
}

impl Default for AlertingSection {
    fn default() -> Self {
        AlertingSection {
            alertmanagers: List::default(),
            webhooks: List::default(),
            emails: List::default(),
            proxy: None,
            heartbeat: None,
            labels: BTreeMap::new(),
            job: Leaf(AlertingSettings::default().job),
            runbook_url: None,
            external_url: None,
            longest_hold: None,
            thresholds: ThresholdsSection::default(),
            maintenance: List::default(),
        }
    }
}

impl AlertingSection {
    /// The settings, and the section `maintenance`.
    pub(super) fn settings(
        self,
        at: &Place<'_>,
        home: Option<&Path>,
        networks: &[NetworkConfig],
        (watch, grows): (&[WatchConfig], bool),
        external_url: Option<String>,
    ) -> (AlertingSettings, List<MaintenanceSection>) {
        let context = Context { home, networks, watch, grows, proxy: self.proxy.and_then(|proxy| proxy.0) };
        let mut receivers: Vec<(Receiver, Place<'_>)> = Vec::new();
        for (index, section) in self.alertmanagers.each() {
            let at = at.key("alertmanagers").index(index);
            receivers.push((section.receiver(index, &at, &context), at));
        }
        for (index, section) in self.webhooks.each() {
            let at = at.key("webhooks").index(index);
            receivers.push((section.receiver(&at, &context), at));
        }
        for (index, section) in self.emails.each() {
            let at = at.key("emails").index(index);
            receivers.push((section.receiver(&at, &context), at));
        }
        for (index, (receiver, at)) in receivers.iter().enumerate() {
            if receiver.name == HEARTBEAT {
                at.key("name").error(format_args!("{HEARTBEAT:?} is the name of the heartbeat in metrics and logs"));
            }
            let is_same = |(earlier, _): &(Receiver, _)| !receiver.name.is_empty() && earlier.name == receiver.name;
            if receivers[..index].iter().any(is_same) {
                at.key("name").error(format_args!("another receiver is called {:?} already", receiver.name));
            }
        }
        if external_url.is_some() && self.external_url.is_some() {
            at.key("external_url").error("is the former place of web.external_url: give web.external_url only");
        }
        let external_url = external_url.or(self.external_url.map(|url| url.0)).unwrap_or_default();
        let receivers: Vec<Receiver> = receivers.into_iter().map(|(receiver, _)| receiver).collect();
        let settings = AlertingSettings {
            unrouted: receiver_match::unrouted(&receivers, networks, watch),
            receivers,
            heartbeat: self.heartbeat.map(|heartbeat| heartbeat.settings(&at.key("heartbeat"), &context)),
            labels: labels(self.labels, &at.key("labels")),
            job: self.job.0,
            runbook_url: self.runbook_url.map_or_else(|| served_runbooks(&external_url), |url| url.0),
            external_url,
            thresholds: self.thresholds.settings((watch, grows), &at.key("thresholds")),
            longest_hold: self.longest_hold.map(|hold| hold.0),
        };
        (settings, self.maintenance)
    }
}

/// URL under which the exporter serves the runbooks; empty if the URL of the exporter is unknown.
fn served_runbooks(external_url: &str) -> String {
    if external_url.is_empty() { String::new() } else { format!("{external_url}{SERVED}") }
}

fn labels(section: BTreeMap<String, Text>, at: &Place<'_>) -> BTreeMap<String, String> {
    let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    for key in section.keys() {
        if !key.chars().all(good) || key.starts_with(|first: char| first.is_ascii_digit()) || key.starts_with("__") {
            at.key(key).error("is not a label name: use letters, digits and _, and begin with a letter");
        } else if is_alert_label(key) {
            at.key(key)
                .error("is a label by which alerts differ; a value for all of them would replace it: use another name");
        }
    }
    section.into_iter().map(|(key, value)| (key, value.0)).collect()
}
