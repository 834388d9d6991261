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
use tracing::{error, info};

use crate::config::{Config, NetworkConfig};
use crate::domain::masternode::UnixSeconds;
use crate::domain::{Snapshot, chain};
use crate::follower::{self, Follower};
use crate::meters::Meters;
use crate::metrics::{self, Exposition};
use crate::rpc::Client;
use crate::web;

/// Errors on the way up: each names its place and cure.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Seconds since 1970. The one place that asks the machine what time it is; everybody else is told.
pub fn now() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let now = std::time::SystemTime::now();
    UnixSeconds(now.duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()))
}

/// All parts, wired.
pub struct App {
    meters: Meters,
    exposition: Arc<Exposition>,
    networks: BTreeMap<String, RunningNetwork>,
    snapshots: watch::Sender<BTreeMap<String, SnapshotReceiver>>,
    web_meters: web::Meters,
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
    /// All parts of `config`, following at once. Fails when a source cannot be set up (not when it cannot be reached).
    pub fn start(config: &Config) -> Result<App, Error> {
        let registry = Registry::new();
        let meters = Meters::new(&registry)?;
        let web_meters = web::Meters::new(&registry)?;
        let exposition = Exposition::new(metrics_settings(config), registry);
        let mut app =
            App { meters, exposition, networks: BTreeMap::new(), snapshots: watch::Sender::default(), web_meters };
        app.apply(config)?;
        Ok(app)
    }

    /// Makes the running parts those of `config`. On an error nothing has changed.
    pub fn apply(&mut self, config: &Config) -> Result<(), Error> {
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
            self.stop_network(&name);
        }
        self.exposition.reconfigure(metrics_settings(config));
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
        let follower = Follower::new(follower_settings(&network), clients, &self.meters, watch_receiver, publish);
        let show = tokio::spawn(show(self.exposition.clone(), name.clone(), snapshots.clone()));
        let tasks = [tokio::spawn(follower.run()), show];
        self.snapshots.send_modify(|all| drop(all.insert(name.clone(), snapshots)));
        self.networks.insert(name, RunningNetwork { config: network, watch_list, tasks });
    }

    fn stop_network(&mut self, name: &str) {
        let Some(running) = self.networks.remove(name) else { return };
        for task in &running.tasks {
            task.abort();
        }
        self.snapshots.send_modify(|all| drop(all.remove(name)));
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

    /// Serves until `shutdown`, then stops everything. `load` reads the configuration anew for a reload.
    pub async fn serve(
        mut self,
        listeners: Vec<TcpListener>,
        config: &Config,
        load: impl Fn() -> Result<Config, String>,
        mut hangup: mpsc::Receiver<()>,
        shutdown: impl Future<Output = ()>,
    ) {
        let (reload, mut reloads) = mpsc::channel::<oneshot::Sender<Result<(), String>>>(1);
        let site = Arc::new(crate::app::site(&self, config, reload));
        let (stop, stopping) = watch::channel(false);
        let settings = web_settings(config);
        let servers: Vec<JoinHandle<()>> = listeners
            .into_iter()
            .map(|listener| {
                let mut stopping = stopping.clone();
                let stopped = async move {
                    // An error means that the sender is gone, and with it the program.
                    let _ = stopping.wait_for(|stop| *stop).await;
                };
                tokio::spawn(web::serve(listener, site.clone(), settings.clone(), stopped))
            })
            .collect();
        self.meters.reloaded(true, now().0);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(()) = hangup.recv() => {
                    // The outcome is logged and metered; nobody waits for it.
                    let _ = self.reload(&load);
                }
                Some(answer) = reloads.recv() => {
                    let _ = answer.send(self.reload(&load));
                }
            }
        }
        info!("stopping: requests under way are finished");
        stop.send_replace(true);
        for server in servers {
            // A server that panicked has said so; the others are still to be waited for.
            let _ = server.await;
        }
        let names: Vec<String> = self.networks.keys().cloned().collect();
        for name in names {
            self.stop_network(&name);
        }
    }

    fn reload(&mut self, load: impl Fn() -> Result<Config, String>) -> Result<(), String> {
        let result = load().and_then(|config| self.apply(&config).map_err(|error| error.to_string()));
        match &result {
            Ok(()) => info!("the configuration was reloaded"),
            Err(error) => error!("the configuration was not reloaded, the old one stays in force: {error}"),
        }
        self.meters.reloaded(result.is_ok(), now().0);
        result
    }
}

/// The clients of a network's sources.
pub fn clients(network: &NetworkConfig, meters: &Meters) -> Result<Vec<Client>, Error> {
    let client = |source: &crate::config::SourceConfig| {
        Ok(Client::new(rpc_settings(source), meters.rpc(&network.name, &source.name))?)
    };
    network.sources.iter().map(client).collect()
}

/// How a network is followed.
pub fn follower_settings(network: &NetworkConfig) -> follower::Settings {
    follower::Settings {
        network: network.name.as_str().into(),
        rules: Arc::new(chain::DASH),
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
