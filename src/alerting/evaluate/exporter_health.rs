//! Alerts about the truth of what is told: sources, freshness, gaps, the configuration, receivers.
//!
//! Never here: masternodes.

use std::collections::BTreeMap;

use crate::alerting::clock_jump::ClockJump;
use crate::alerting::evaluate::{ActiveCondition, EvaluationInput, Labels, judged, named};
use crate::alerting::settings::AlertingSettings;
use domain::masternode::UnixSeconds;
use domain::network_state::{NetworkState, SourceHealth};

/// What is told when no node of a network can be used.
pub(super) const ALL_SOURCES_DOWN: &str = "MasternodeExporterAllSourcesDown";

/// What is told when a node is cut off.
const ISOLATED: &str = "MasternodeExporterSourceIsolated";

/// The alerts about a node that does not follow a consensus change, before and after that change is certain.
const NOT_READY: &str = "MasternodeExporterSourceForkNotReady";
const LEFT_BEHIND: &str = "MasternodeExporterSourceLeftBehind";

/// The alert about a node on another chain.
const SPLIT: &str = "MasternodeExporterForkSplit";

/// For how long a gap is told, in seconds. The rules look back as far.
pub(super) const GAP_SECONDS: u64 = 3600;

/// The alert about blocks that were jumped over.
pub(super) const HISTORY_GAP: &str = "MasternodeExporterHistoryGap";

/// The alert about data that no source confirms.
pub(super) const DATA_STALE: &str = "MasternodeExporterDataStale";

/// What is told of answers that this version does not understand.
pub(super) const NOT_UNDERSTOOD: &str = "MasternodeExporterAnswersNotUnderstood";

/// For how long such an answer is told, in seconds. The rules look back as far.
pub(super) const NOT_UNDERSTOOD_SECONDS: u64 = 86_400;

/// The alert about damaged events.
pub(super) const DAMAGED: &str = "MasternodeExporterHistoryDamaged";

/// What is told when a node runs a release with a known fault.
const BAD_RELEASE: &str = "MasternodeExporterSourceReleaseBad";

/// What is told when a node's filter index is not synced.
const FILTER_INDEX: &str = "MasternodeExporterSourceFilterIndexBehind";

/// What follows from what a node says of itself.
pub(super) const SAID: [&str; 3] = [ISOLATED, BAD_RELEASE, FILTER_INDEX];

/// For how long it counts what a node said of itself, once it says nothing any more. The rules look back as far.
const SILENCE_SECONDS: u64 = 600;

/// What earlier judgements saw, and a later one needs.
#[derive(Default)]
pub struct PreviousState {
    /// Counters that rose lately, by the name of the alert and network.
    rises: BTreeMap<(&'static str, String), Rise>,
    /// Whether what nodes said of themselves gives an alert, by its name, network and source, and when they last said so; those
    /// who never said it, when they were first looked at.
    said: BTreeMap<Said, (Option<bool>, UnixSeconds)>,
}

/// Name of the alert, network, source.
pub(super) type Said = (&'static str, String, String);

struct Rise {
    /// What the counter showed last.
    counted: u64,
    /// When it rose last, and by how much since it had been quiet for the window.
    last: Option<(UnixSeconds, u64)>,
}

impl PreviousState {
    /// The wall clock jumped: what was noted was as long ago as before.
    pub(in crate::alerting) fn shift(&mut self, jump: ClockJump) {
        let rises = self.rises.values_mut().filter_map(|rise| rise.last.as_mut()).map(|(at, _)| at);
        rises.chain(self.said.values_mut().map(|(_, at)| at)).for_each(|at| *at = jump.carry(*at));
    }

    /// Takes note of a counter, which began at 0 with the process. Returns by how much it rose lately, within `window` seconds.
    fn rise(&mut self, alert: &'static str, network: &str, counted: u64, window: u64, now: UnixSeconds) -> Option<u64> {
        let rise = self.rises.entry((alert, network.into())).or_insert(Rise { counted: 0, last: None });
        let recent = |(at, _): &(UnixSeconds, u64)| now.0.saturating_sub(at.0) < window;
        rise.last = rise.last.filter(recent);
        if counted > rise.counted {
            let before = rise.last.map_or(0, |(_, count)| count);
            rise.last = Some((now, before + counted - rise.counted));
        }
        rise.counted = counted;
        rise.last.map(|(_, count)| count)
    }

    /// Takes note of what a node says of itself. Returns whether the alert counts as given.
    fn holds(&mut self, alert: &'static str, network: &str, source: &SourceHealth, now: UnixSeconds) -> bool {
        let said = match alert {
            BAD_RELEASE => source.release_bad,
            FILTER_INDEX => source.filter_index_synced.map(|synced| !synced),
            _ => source.isolated,
        };
        let key = (alert, network.to_string(), source.name.to_string());
        let known = self.said.entry(key).or_insert((None, now));
        if said.is_some() {
            *known = (said, now);
        } else if now.0.saturating_sub(known.1.0) > SILENCE_SECONDS {
            known.0 = Some(false);
        }
        known.0 == Some(true)
    }

    /// The alerts about nodes of which nothing is known yet.
    pub(super) fn unsaid(&self, network: &NetworkState) -> impl Iterator<Item = Said> {
        let of_source =
            |source: &SourceHealth| SAID.map(|alert| (alert, network.network.to_string(), source.name.to_string()));
        let keys = network.sources.iter().flat_map(of_source);
        keys.filter(|key| self.said.get(key).is_some_and(|(said, _)| said.is_none()))
    }
}

fn alert(name: &str, labels: &[(&str, &str)], value: f64) -> Option<ActiveCondition> {
    let labels: Labels = labels.iter().map(|(name, text)| ((*name).to_string(), (*text).to_string())).collect();
    Some(judged(named(name)?, labels, value))
}

/// What is to be told of a network's nodes and data; `confirmed` is when its list was last confirmed or, of one that was never
/// reached, when it began to be followed: a reload may have added it long after the start.
pub(super) fn of_network(
    network: &NetworkState,
    confirmed: UnixSeconds,
    before: &mut PreviousState,
    now: UnixSeconds,
) -> Vec<ActiveCondition> {
    let name = &*network.network;
    let of_network = [("network", name)];
    let mut told = Vec::new();
    let age = now.0.saturating_sub(confirmed.0);
    if age > network.stale_after.as_secs() {
        told.extend(alert(DATA_STALE, &of_network, age as f64));
    }
    for source in &network.sources {
        let labels = [("network", name), ("source", &*source.name)];
        if source.synced == Some(false) {
            told.extend(alert("MasternodeExporterSourceDown", &labels, 0.0));
        }
        if source.network_match == Some(false) {
            told.extend(alert("MasternodeExporterWrongNetwork", &labels, 0.0));
        }
        if source.follows_fork == Some(false) {
            let certain = network.fork_activation.is_some();
            told.extend(alert(if certain { LEFT_BEHIND } else { NOT_READY }, &labels, 0.0));
        }
        if source.fork_split == Some(true) {
            told.extend(alert(SPLIT, &labels, 1.0));
        }
        let held = SAID.into_iter().filter(|alert| before.holds(alert, name, source, now));
        told.extend(held.filter_map(|held| alert(held, &labels, if held == FILTER_INDEX { 0.0 } else { 1.0 })));
    }
    if !network.sources.is_empty() && network.sources.iter().all(|source| source.synced == Some(false)) {
        told.extend(alert(ALL_SOURCES_DOWN, &of_network, 0.0));
    }
    let counters = [
        (HISTORY_GAP, network.gap_blocks, GAP_SECONDS),
        (NOT_UNDERSTOOD, network.not_understood, NOT_UNDERSTOOD_SECONDS),
    ];
    for (rising, counted, window) in counters {
        let rise = before.rise(rising, name, counted, window, now);
        told.extend(rise.and_then(|count| alert(rising, &of_network, count as f64)));
    }
    told
}

/// The alerts about consensus changes of which nothing can be said, with network and node.
pub(super) fn unknown_forks(network: &NetworkState) -> impl Iterator<Item = (&'static str, String, String)> {
    network.sources.iter().flat_map(|source| {
        let ready = source.follows_fork.is_none().then_some([NOT_READY, LEFT_BEHIND]);
        let split = source.fork_split.is_none().then_some(SPLIT);
        let names = ready.into_iter().flatten().chain(split);
        names.map(|name| (name, network.network.to_string(), source.name.to_string()))
    })
}

/// What is to be told of this process.
pub(super) fn of_process(world: &EvaluationInput, settings: &AlertingSettings) -> Vec<ActiveCondition> {
    let damaged = world.history_damaged.filter(|rows| *rows > 0);
    let damaged = damaged.and_then(|rows| alert(DAMAGED, &[("job", &settings.job)], rows as f64));
    let mut told = Vec::from_iter(damaged);
    if !world.config_good {
        told.extend(alert("MasternodeExporterConfigReloadFailed", &[("job", &settings.job)], 0.0));
    }
    if !world.web_config_good {
        told.extend(alert("MasternodeExporterWebConfigReloadFailed", &[("job", &settings.job)], 0.0));
    }
    for receiver in &world.failing {
        told.extend(alert("MasternodeExporterNotificationsFailing", &[("receiver", receiver)], 0.0));
    }
    told
}
