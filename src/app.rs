//! The composition root: builds every part from the configuration, starts it, changes it on a reload, stops it in order.
//!
//! Never here: any rule of its own; reading files, arguments or the environment.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::config::{Config, HistoryConfig, NetworkConfig};
use crate::domain::masternode::UnixSeconds;
use crate::domain::{Snapshot, state};
use crate::follower::{self, Follower};
use crate::history::{self, Writer};
use crate::meters::{self, Meters};
use crate::metrics::{self, Exposition};
use crate::rpc::{self, Client};
use crate::web;
use crate::web::api::{self, Api};
use crate::web::site::{Landing, Link, MetricsReply, MetricsRequest, Readiness, Refusal, ReloadFunction, Site};

/// Errors on the way up: each names its place and cure.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Seconds since 1970. The one place that asks the machine what time it is; everybody else is told.
pub fn now() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let now = std::time::SystemTime::now();
    UnixSeconds(now.duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()))
}

/// Longest wait for the history's last words at the end: a service manager gives us more, an operator not much.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// All parts, wired.
pub struct App {
    meters: Meters,
    history: Option<History>,
    history_config: HistoryConfig,
    exposition: Arc<Exposition>,
    networks: BTreeMap<String, RunningNetwork>,
    snapshots: watch::Sender<BTreeMap<String, SnapshotReceiver>>,
    configured: watch::Sender<BTreeMap<String, Configured>>,
    web_meters: web::meters::Meters,
}

/// The history of all networks, open for writing.
struct History {
    writer: Writer,
    ended: history::Ended,
}

/// What the API says of a network beside its snapshot.
struct Configured {
    chain: String,
    sources: Vec<String>,
}

type SnapshotReceiver = watch::Receiver<Option<Arc<Snapshot>>>;

/// A network that is being followed.
struct RunningNetwork {
    config: NetworkConfig,
    watch_list: watch::Sender<crate::domain::watch::WatchList>,
    tasks: [JoinHandle<()>; 2],
}

/// What starts a network, made before anything is stopped: making it can fail.
struct Prepared {
    config: NetworkConfig,
    clients: Vec<Client>,
}

impl App {
    /// All parts of `config`, following at once. Fails when a source cannot be set up (not when it cannot be reached), and
    /// with a [`history::OpenError`] when another process writes the history.
    pub async fn start(config: &Config) -> Result<App, Error> {
        let registry = Registry::new();
        let meters = Meters::new(&registry)?;
        let web_meters = web::meters::Meters::new(&registry)?;
        let exposition = Exposition::new(config.metrics.clone(), registry)?;
        let mut app = App {
            history: open_history(&config.history, &meters)?,
            history_config: config.history.clone(),
            meters,
            exposition,
            networks: BTreeMap::new(),
            snapshots: watch::Sender::default(),
            configured: watch::Sender::default(),
            web_meters,
        };
        app.apply(config).await?;
        Ok(app)
    }

    /// Makes the running parts those of `config`. On an error nothing has changed.
    pub async fn apply(&mut self, config: &Config) -> Result<(), Error> {
        let changed = |network: &&NetworkConfig| {
            self.networks.get(&network.name).is_none_or(|running| running.config != **network)
        };
        let prepared: Vec<Prepared> =
            config.networks.iter().filter(changed).map(|network| self.prepare(network)).collect::<Result<_, _>>()?;
        let gone: Vec<String> = self
            .networks
            .keys()
            .filter(|name| {
                !config.networks.iter().any(|network| network.name == **name)
                    || prepared.iter().any(|prepared| prepared.config.name == **name)
            })
            .cloned()
            .collect();
        for name in gone {
            self.stop_network(&name).await;
        }
        if config.history != self.history_config {
            warn!("another history.path or history.retention takes effect with the next start only");
        }
        self.exposition.reconfigure(config.metrics.clone());
        for prepared in prepared {
            self.start_network(prepared, config);
        }
        for (name, running) in &self.networks {
            let watch_list = config.watch_list(name);
            running.watch_list.send_if_modified(|current| {
                let modified = *current != watch_list;
                *current = watch_list;
                modified
            });
        }
        Ok(())
    }

    fn prepare(&self, network: &NetworkConfig) -> Result<Prepared, Error> {
        let clients = clients(network, &self.meters)?;
        Ok(Prepared { config: network.clone(), clients })
    }

    fn start_network(&mut self, prepared: Prepared, config: &Config) {
        let Prepared { config: network, clients } = prepared;
        let name = network.name.clone();
        let (watch_list, watch_receiver) = watch::channel(config.watch_list(&name));
        let (publish, snapshots) = watch::channel(None);
        let mut follower = Follower::new(follower_settings(&network), clients, &self.meters, watch_receiver, publish);
        if let Some(history) = &self.history {
            follower = follower.with_history(history.writer.clone());
        }
        let show = tokio::spawn(show(self.exposition.clone(), name.clone(), snapshots.clone()));
        let tasks = [tokio::spawn(follower.run()), show];
        let sources = network.sources.iter().map(|source| source.name.clone()).collect();
        let configured = Configured { chain: network.chain.rules.name.to_string(), sources };
        self.configured.send_modify(|all| drop(all.insert(name.clone(), configured)));
        self.snapshots.send_modify(|all| drop(all.insert(name.clone(), snapshots)));
        self.networks.insert(name, RunningNetwork { config: network, watch_list, tasks });
    }

    async fn stop_network(&mut self, name: &str) {
        let Some(running) = self.networks.remove(name) else { return };
        for task in running.tasks {
            task.abort();
            // Waited for, so that it puts nothing on the page any more. That it was stopped is no news.
            let _ = task.await;
        }
        self.snapshots.send_modify(|all| drop(all.remove(name)));
        self.configured.send_modify(|all| drop(all.remove(name)));
        self.exposition.publish(name, None);
        let sources: Vec<String> = running.config.sources.into_iter().map(|source| source.name).collect();
        self.meters.forget(name, &sources);
    }

    /// Snapshots of all networks, as they come.
    pub fn snapshots(&self) -> watch::Receiver<BTreeMap<String, SnapshotReceiver>> {
        self.snapshots.subscribe()
    }

    /// The page that `/metrics` serves.
    pub fn exposition(&self) -> &Arc<Exposition> {
        &self.exposition
    }

    /// Serves until `shutdown`, then stops everything. `load` reads the configuration anew, on each message of `hangup`
    /// and on a request for a reload where those are allowed.
    pub async fn serve(
        mut self,
        listeners: Vec<TcpListener>,
        config: &Config,
        load: impl Fn() -> Result<Config, String>,
        mut hangup: mpsc::Receiver<()>,
        shutdown: impl Future<Output = ()>,
    ) {
        let (reload, mut reloads) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = web::settings::Settings { max_requests: config.web.max_requests, ..Default::default() };
        let site = Arc::new(self.site(config, reload));
        let server = tokio::spawn(web::serve(listeners, site, settings, self.web_meters.clone(), async {
            // An error means that the sender is gone, and with it the program.
            let _ = stopped.await;
        }));
        self.meters.reloaded(true, now().0);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(()) = hangup.recv() => drop(self.reload(&load).await),
                Some(answer) = reloads.recv() => {
                    let answer: oneshot::Sender<Result<(), String>> = answer;
                    // Whoever asked may be gone; the outcome is logged and metered all the same.
                    let _ = answer.send(self.reload(&load).await);
                }
            }
        }
        info!("stopping: requests under way are finished");
        drop(stop);
        if let Err(error) = server.await {
            error!("the HTTP server ended badly: {error}");
        }
        let names: Vec<String> = self.networks.keys().cloned().collect();
        for name in names {
            self.stop_network(&name).await;
        }
        if let Some(history) = self.history.take() {
            close_history(history).await;
        }
    }

    fn site(&self, config: &Config, reload: mpsc::Sender<oneshot::Sender<Result<(), String>>>) -> Site {
        let exposition = self.exposition.clone();
        let snapshots = self.snapshots.subscribe();
        Site {
            landing: Landing {
                name: "Masternode exporter".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                summary: "How close each masternode is to a Proof-of-Service ban, and when it is paid next.".into(),
                telemetry_path: config.web.telemetry_path.clone(),
                links: api::PAGES.map(|(target, text)| Link { target: target.into(), text: text.into() }).into(),
            },
            api: Some(Arc::new(self.api())),
            metrics: Box::new(move |request| Box::pin(scrape(exposition.clone(), request))),
            ready: Box::new(move || readiness(&snapshots.borrow())),
            reload: config.web.enable_reload.then(|| -> ReloadFunction {
                Box::new(move || {
                    let reload = reload.clone();
                    Box::pin(async move {
                        let (answer, answered) = oneshot::channel();
                        let gone = || "the exporter is stopping".to_string();
                        reload.send(answer).await.map_err(|_| gone())?;
                        answered.await.unwrap_or_else(|_| Err(gone()))
                    })
                })
            }),
        }
    }

    fn api(&self) -> Api {
        let (snapshots, configured) = (self.snapshots.subscribe(), self.configured.subscribe());
        let (meters, history_meters) = (self.meters.clone(), self.meters.history().clone());
        let path = self.history.as_ref().and(self.history_config.path.clone());
        let history = path.map(|path| api::History { path, up: Box::new(move || history_meters.is_up()) });
        let networks = move || {
            let (snapshots, configured) = (snapshots.borrow().clone(), configured.borrow());
            let network = |(name, configured): (&String, &Configured)| api::Network {
                name: name.clone(),
                chain: configured.chain.clone(),
                snapshot: snapshots.get(name).and_then(|snapshot| snapshot.borrow().clone()),
                sources: configured.sources.iter().map(|source| source_state(&meters, name, source)).collect(),
            };
            configured.iter().map(network).collect()
        };
        Api { version: env!("CARGO_PKG_VERSION").into(), networks: Box::new(networks), history, clock: now }
    }

    async fn reload(&mut self, load: impl Fn() -> Result<Config, String>) -> Result<(), String> {
        let result = match load() {
            Ok(config) => self.apply(&config).await.map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        match &result {
            Ok(()) => info!("the configuration was reloaded"),
            Err(error) => error!("the configuration was not reloaded, the old one stays in force: {error}"),
        }
        self.meters.reloaded(result.is_ok(), now().0);
        result
    }
}

/// Opens the history of a configuration that names one, and starts its writer.
fn open_history(config: &HistoryConfig, meters: &Meters) -> Result<Option<History>, Error> {
    let Some(path) = config.path.clone() else { return Ok(None) };
    let settings = history::Settings { path, retention: config.retention, clock: now };
    let (writer, ended) = Writer::start(settings, meters.history().clone())?;
    Ok(Some(History { writer, ended }))
}

/// Waits, not for long, until what was followed is written and the file is closed.
async fn close_history(History { writer, ended }: History) {
    drop(writer);
    match ended.within(LAST_WORDS).await {
        Some(0) => {}
        Some(steps) => warn!("{steps} steps could not be written to the history: the next start follows them again"),
        None => warn!("the history could not be closed in time: the next start follows again what it does not have"),
    }
}

/// The clients of a network's sources.
pub fn clients(network: &NetworkConfig, meters: &Meters) -> Result<Vec<Client>, Error> {
    let client = |source: &crate::config::SourceConfig| {
        let settings = rpc::Settings {
            name: source.name.clone(),
            url: source.url.clone(),
            credentials: source.credentials.clone(),
            timeout: source.timeout,
            dialect: network.chain.dialect.clone(),
            states: state::shared(&network.chain.rules.states),
            ..rpc::Settings::default()
        };
        Ok(Client::new(settings, meters.rpc(&network.name, &source.name))?)
    };
    network.sources.iter().map(client).collect()
}

fn source_state(meters: &Meters, network: &str, source: &str) -> api::Source {
    let meters::SourceState { up, synced, network_match, last_success } = meters.source_state(network, source);
    let last_success = last_success.map(|seconds| UnixSeconds(seconds as u64));
    api::Source { name: source.into(), up, synced, network_match, last_success }
}

/// How a network is followed.
pub fn follower_settings(network: &NetworkConfig) -> follower::Settings {
    follower::Settings {
        network: network.name.as_str().into(),
        rules: network.chain.rules.clone(),
        poll_interval: network.poll_interval,
        stale_after: network.stale_after,
        resync_blocks: network.resync_blocks,
        max_gap_blocks: network.max_gap_blocks,
        clock: now,
    }
}

/// Hands each new snapshot of a network to the exposition.
async fn show(exposition: Arc<Exposition>, network: String, mut snapshots: SnapshotReceiver) {
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        exposition.publish(&network, snapshot);
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

async fn scrape(exposition: Arc<Exposition>, request: MetricsRequest) -> Result<MetricsReply, Refusal> {
    let known = |name: &String| metrics::catalog::family(name).is_some();
    if let Some(unknown) = request.collect.iter().find(|name| !known(name)) {
        return Err(Refusal::BadRequest(format!("collect[]={unknown} is no family of masternodes or networks")));
    }
    let format = match request.format {
        web::site::Format::Text => metrics::Format::Text,
        web::site::Format::OpenMetrics => metrics::Format::OpenMetrics,
    };
    let shard = request.shard.map(|shard| metrics::page::Shard { index: shard.index, total: shard.total });
    let filter = metrics::page::Filter { families: request.collect, shard };
    let page = exposition.page(metrics::Request { format, gzip: request.gzip, filter }).await;
    let body = match page.body {
        metrics::Body::Whole(pieces) => web::site::Body::Whole(pieces),
        metrics::Body::Stream(pieces) => web::site::Body::Stream(pieces),
    };
    Ok(MetricsReply { content_type: page.content_type, gzip: page.gzip, body })
}

/// Ready as soon as one network has a list: a node that never answers must not hide the others.
fn readiness(snapshots: &BTreeMap<String, SnapshotReceiver>) -> Readiness {
    let waiting = |(name, snapshot): (&String, &SnapshotReceiver)| {
        snapshot.borrow().is_none().then(|| format!("network {name} has no masternode list that is fresh"))
    };
    let missing: Vec<String> = snapshots.iter().filter_map(waiting).collect();
    if missing.len() < snapshots.len() { Readiness::default() } else { Readiness { missing } }
}
