//! What the HTTP server is handed: the page, the API, readiness and the reload, each made of the running parts.
//!
//! Never here: starting or stopping anything.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::alerting::{self, ActiveAlerts};
use crate::app::network::{Network, Shared, SnapshotReceiver};
use crate::app::now;
use crate::app::probes::ProbesReceiver;
use crate::config::WebConfig;
use crate::meters::{self, Meters};
use crate::metrics::{self, Exposition};
use crate::web::api::{self, AlertsOf, Api};
use crate::web::handlers::{
    Body, Format, Handlers, LandingPage, Link, MetricsReply, MetricsRequest, Readiness, ReloadFunction, ScrapeError,
};
use domain::masternode::UnixSeconds;

/// A request for a reload, with the place for its answer.
pub(super) type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// What can be seen of a network from outside.
pub(super) struct NetworkView {
    chain: String,
    pub(super) rules: Arc<domain::ChainRules>,
    pub(super) sources: Vec<String>,
    pub(super) snapshots: SnapshotReceiver,
    pub(super) probes: ProbesReceiver,
    /// When it began to be followed.
    pub(super) begun: Instant,
    pub(super) stale_after: Duration,
}

/// The networks that run, by name.
pub(super) type NetworkViews = BTreeMap<String, NetworkView>;

impl NetworkView {
    /// What can be seen of `network`.
    pub(super) fn of(network: &Network) -> NetworkView {
        let config = network.config();
        NetworkView {
            chain: config.chain.rules.name.to_string(),
            rules: config.chain.rules.clone(),
            sources: config.sources.iter().map(|source| source.name.clone()).collect(),
            snapshots: network.snapshots(),
            probes: network.probes(),
            begun: Instant::now(),
            stale_after: config.stale_after,
        }
    }
}

#[cfg(test)]
impl NetworkView {
    /// A network of one source, `local`, that began to be followed then and was never reached.
    pub(super) fn at(rules: &domain::ChainRules, begun: Instant) -> NetworkView {
        NetworkView {
            chain: rules.name.to_string(),
            rules: Arc::new(rules.clone()),
            sources: vec!["local".into()],
            snapshots: watch::channel(None).1,
            probes: watch::channel(None).1,
            begun,
            stale_after: Duration::from_secs(900),
        }
    }
}

/// Everything that is served. `history` is the file that the events are asked from.
pub(super) fn site(
    config: &WebConfig,
    shared: &Shared,
    board: ActiveAlerts,
    networks: watch::Receiver<NetworkViews>,
    history: Option<PathBuf>,
    reload: mpsc::Sender<ReloadRequest>,
) -> Handlers {
    let (exposition, seen) = (shared.exposition.clone(), networks.clone());
    Handlers {
        landing: LandingPage {
            name: "Masternode exporter".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "How close each masternode is to a Proof-of-Service ban, and when it is paid next.".into(),
            telemetry_path: config.telemetry_path.clone(),
            links: api::PAGES.map(|(target, text)| Link { target: target.into(), text: text.into() }).into(),
        },
        api: Some(Arc::new(api(&shared.meters, board, networks, history))),
        metrics: Box::new(move |request| Box::pin(scrape(exposition.clone(), request))),
        ready: Box::new(move || readiness(&seen.borrow())),
        reload: config.enable_reload.then(|| reload_function(reload)),
    }
}

fn reload_function(reload: mpsc::Sender<ReloadRequest>) -> ReloadFunction {
    Box::new(move || {
        let reload = reload.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || "the exporter is stopping".to_string();
            reload.send(answer).await.map_err(|_| gone())?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    })
}

fn api(meters: &Meters, board: ActiveAlerts, networks: watch::Receiver<NetworkViews>, history: Option<PathBuf>) -> Api {
    let (meters, history_meters) = (meters.clone(), meters.history().clone());
    let history = history.map(|path| api::History { path, up: Box::new(move || history_meters.is_up()) });
    let networks = move || {
        let network = |(name, seen): (&String, &NetworkView)| api::Network {
            name: name.clone(),
            chain: seen.chain.clone(),
            snapshot: seen.snapshots.borrow().clone(),
            probes: seen.probes.borrow().clone(),
            sources: seen.sources.iter().map(|source| source_state(&meters, name, source)).collect(),
        };
        networks.borrow().iter().map(network).collect()
    };
    Api {
        version: env!("CARGO_PKG_VERSION").into(),
        networks: Box::new(networks),
        alerts: Box::new(move |of, most| firing(&board, of, most)),
        history,
        clock: now,
    }
}

fn source_state(meters: &Meters, network: &str, source: &str) -> api::Source {
    let meters::SourceState { up, synced, network_match, last_success, .. } = meters.source_state(network, source);
    let last_success = last_success.map(|seconds| UnixSeconds(seconds as u64));
    let report = meters.source_report(network, source);
    // Of a masternode that does not say which one it is the identity is empty, which is none.
    let masternode = report.masternode.map(|(id, state)| api::OwnMasternode { id: id.parse().ok(), state });
    let report = api::SourceHealth {
        blocks_behind: report.blocks_behind,
        connections: report.connections,
        isolated: report.isolated,
        release_bad: report.release_bad,
        filter_index_synced: report.filter_index_synced,
        masternode,
    };
    let meters::SourceFork { follows: follows_fork, split: fork_split } = meters.source_fork(network, source);
    api::Source { name: source.into(), up, synced, network_match, last_success, follows_fork, fork_split, report }
}

fn firing(board: &ActiveAlerts, of: AlertsOf<'_>, most: usize) -> api::Firing {
    let wanted: Vec<(&str, String)> = match of {
        AlertsOf::All => Vec::new(),
        AlertsOf::Masternode(network, id) => vec![("network", network.into()), ("masternode", id.to_string())],
    };
    let fits = |labels: &BTreeMap<String, String>| {
        wanted.iter().all(|(name, text)| labels.get(*name).is_some_and(|label| label == text))
    };
    let alerting::ActiveAlertList { critical, warning, alerts } = board.firing(fits, most);
    let shown = |alerting::ActiveAlert { alert, labels, description, since, runbook_url }| api::Alert {
        name: alert.name.into(),
        severity: alert.severity.label(),
        labels,
        summary: alert.summary.into(),
        description,
        runbook_url,
        since,
    };
    api::Firing { critical, warning, alerts: alerts.into_iter().map(shown).collect() }
}

async fn scrape(exposition: Arc<Exposition>, request: MetricsRequest) -> Result<MetricsReply, ScrapeError> {
    let known = |name: &String| metrics::catalog::family(name).is_some();
    if let Some(unknown) = request.collect.iter().find(|name| !known(name)) {
        return Err(ScrapeError::BadRequest(format!("collect[]={unknown} is no family of masternodes or networks")));
    }
    let format = match request.format {
        Format::Text => metrics::Format::Text,
        Format::OpenMetrics => metrics::Format::OpenMetrics,
    };
    let shard = request.shard.map(|shard| metrics::page::Shard { index: shard.index, total: shard.total });
    let filter = metrics::page::Filter { families: request.collect, shard };
    let page = exposition.page(metrics::Request { format, gzip: request.gzip, filter }).await;
    let body = match page.body {
        metrics::Body::Whole(pieces) => Body::Whole(pieces),
        metrics::Body::Stream(pieces) => Body::Stream(pieces),
    };
    Ok(MetricsReply { content_type: page.content_type, gzip: page.gzip, body })
}

/// Ready as soon as one network has a list: a node that never answers must not hide the others.
fn readiness(networks: &NetworkViews) -> Readiness {
    let waiting = |(name, seen): (&String, &NetworkView)| {
        seen.snapshots.borrow().is_none().then(|| format!("network {name} has no masternode list that is fresh"))
    };
    let missing: Vec<String> = networks.iter().filter_map(waiting).collect();
    if missing.len() < networks.len() { Readiness::default() } else { Readiness { missing } }
}
