//! The section `alerting`: common settings of all receivers, and thresholds.
//!
//! Never here: sending anything.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::AlertingSettings;
use crate::alerting::runbooks::SERVED;
use crate::alerting::settings::Receiver;
use crate::config::email::EmailSection;
use crate::config::kinds::LinkKind;
use crate::config::leaf::{DAY, Leaf, List, MINUTE, Ratio, Span, Text, Whole};
use crate::config::maintenance::MaintenanceSection;
use crate::config::mistakes::Place;
use crate::config::network::count;
use crate::config::receiver_kinds::ProxyKind;
use crate::config::receivers::{AlertmanagerSection, Context, HeartbeatSection, WebhookSection};
use crate::config::{NetworkConfig, WatchConfig};
use domain::condition::Thresholds;

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

/// Limits from which alerts follow.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ThresholdsSection {
    /// Probability of a test above which a ban is imminent.
    imminent_chance: Ratio,
    /// Period for which an event counts as recent.
    recent: Span<MINUTE, { 30 * DAY }>,
    /// Share of all masternodes from which penalties are a wave …
    wave_ratio: Ratio,
    /// … and the least number of them.
    wave_minimum: Whole<1, 1_000_000>,
    /// Number of masternodes of a group that fire an alert, whatever the size of the group.
    group_nodes: Whole<1, 1_000_000>,
    /// Share of a group that fires an alert too, from two masternodes on; a third by default.
    group_ratio: Ratio,
    /// Age of the tip of a stalled chain; without it, the longer of 30 minutes and 15 measured block intervals.
    stalled_after: Option<Span<MINUTE, { 30 * DAY }>>,
    /// Blocks by which ChainLocks may lag.
    chainlock_lag: Whole<1, 1_000_000>,
    /// Number of mining windows without a quorum of a type that fires an alert.
    quorum_windows: Whole<1, 1_000_000>,
}

impl Default for ThresholdsSection {
    fn default() -> Self {
        let default = Thresholds::DEFAULT;
        ThresholdsSection {
            imminent_chance: Leaf(default.imminent_chance),
            recent: Leaf(Duration::from_secs(default.recent_seconds)),
            wave_ratio: Leaf(default.wave_ratio),
            wave_minimum: Leaf(default.wave_minimum),
            group_nodes: Leaf(default.group_nodes),
            group_ratio: Leaf(default.group_ratio),
            stalled_after: None,
            chainlock_lag: Leaf(default.chainlock_lag.into()),
            quorum_windows: Leaf(default.quorum_windows.into()),
        }
    }
}

impl ThresholdsSection {
    fn thresholds(self) -> Thresholds {
        Thresholds {
            imminent_chance: self.imminent_chance.0,
            recent_seconds: self.recent.0.as_secs(),
            wave_ratio: self.wave_ratio.0,
            wave_minimum: self.wave_minimum.0,
            group_nodes: self.group_nodes.0,
            group_ratio: self.group_ratio.0,
            stalled_seconds: self.stalled_after.map(|after| after.0.as_secs()),
            chainlock_lag: count(self.chainlock_lag.0),
            quorum_windows: count(self.quorum_windows.0),
            ..Thresholds::DEFAULT
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
        watch: &[WatchConfig],
        external_url: Option<String>,
    ) -> (AlertingSettings, List<MaintenanceSection>) {
        let context = Context { home, networks, watch, proxy: self.proxy.and_then(|proxy| proxy.0) };
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
            let is_same = |(earlier, _): &(Receiver, _)| !receiver.name.is_empty() && earlier.name == receiver.name;
            if receivers[..index].iter().any(is_same) {
                at.key("name").error(format_args!("another receiver is called {:?} already", receiver.name));
            }
        }
        if external_url.is_some() && self.external_url.is_some() {
            at.key("external_url").error("is the former place of web.external_url: give web.external_url only");
        }
        let external_url = external_url.or(self.external_url.map(|url| url.0)).unwrap_or_default();
        let settings = AlertingSettings {
            receivers: receivers.into_iter().map(|(receiver, _)| receiver).collect(),
            heartbeat: self.heartbeat.map(|heartbeat| heartbeat.settings(&at.key("heartbeat"), &context)),
            labels: labels(self.labels, &at.key("labels")),
            job: self.job.0,
            runbook_url: self.runbook_url.map_or_else(|| served_runbooks(&external_url), |url| url.0),
            external_url,
            thresholds: self.thresholds.thresholds(),
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
        }
    }
    section.into_iter().map(|(key, value)| (key, value.0)).collect()
}
