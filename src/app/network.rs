//! One followed network: all its tasks, started, reconfigured and stopped together.
//!
//! Never here: what other networks do; the HTTP server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::app::environment::Environment;
use crate::app::probes::ProbeTask;
use crate::app::process_state::ProcessState;
use crate::app::{Error, now};
use crate::config::{Config, NetworkConfig, SourceConfig};
use crate::follower::{self, Follower};
use crate::history::Writer;
use crate::meters::Meters;
use crate::metrics::Exposition;
use crate::rpc::{self, Client};
use crate::web::view::Views;
use domain::watch::WatchList;
use domain::{NetworkState, state};

/// The states of the networks.
pub(super) type StateReceiver = watch::Receiver<Arc<NetworkState>>;

/// State that the networks of a process share.
pub(super) struct Shared {
    pub(super) meters: Meters,
    pub(super) exposition: Arc<Exposition>,
    pub(super) history: Option<Writer>,
    /// Notified of each new snapshot and of probe results.
    pub(super) news: Arc<Notify>,
    /// Start time of the process.
    pub(super) started: Instant,
    pub(super) process: watch::Sender<ProcessState>,
    /// Who sees what.
    pub(super) views: watch::Sender<Arc<Views>>,
    pub(super) environment: Environment,
}

/// Everything needed to start a network, created before anything is stopped, because creating it can fail.
pub(super) struct NetworkBuilder {
    config: NetworkConfig,
    clients: Vec<Client>,
}

/// A followed network.
pub(super) struct Network {
    config: NetworkConfig,
    watch_list: watch::Sender<WatchList>,
    state: StateReceiver,
    tasks: Vec<JoinHandle<()>>,
    calls: ProbeTask,
}

impl NetworkBuilder {
    /// Prepares `config`. Fails if a source cannot be set up (not if it is unreachable).
    pub(super) fn new(config: &NetworkConfig, meters: &Meters) -> Result<NetworkBuilder, Error> {
        Ok(NetworkBuilder { config: config.clone(), clients: clients(config, meters)? })
    }

    /// The network's name.
    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// Starts to follow. `config` is the whole configuration, for settings of this network in other sections.
    pub(super) fn start(self, config: &Config, shared: &Shared) -> Network {
        let NetworkBuilder { config: network, clients } = self;
        let (watch_list, watch_receiver) = watch::channel(config.watch_list(&network.name));
        let settings = follower::FollowerSettings {
            started: shared.started,
            clock: shared.environment.clock,
            ..follower_settings(&network, config.history.retention, config.alerting.thresholds.general.stalled_seconds)
        };
        let (publish, state) = follower::state_channel(&settings, &clients, &shared.meters);
        let calls = ProbeTask::start(config.probe.clone(), publish.clone());
        let mut follower = Follower::new(settings, clients, &shared.meters, watch_receiver, publish);
        if let Some(history) = &shared.history {
            follower = follower.with_history(history.clone());
        }
        let show = show_state(shared.exposition.clone(), shared.news.clone(), state.clone());
        let tasks = vec![tokio::spawn(follower.run()), tokio::spawn(show)];
        Network { config: network, watch_list, state, tasks, calls }
    }
}

impl Network {
    /// Its current settings.
    pub(super) fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Its state, as it changes.
    pub(super) fn state(&self) -> StateReceiver {
        self.state.clone()
    }

    /// Applies the settings of `config` that can change at run time.
    pub(super) async fn reconfigure(&mut self, config: &Config) {
        let watch_list = config.watch_list(&self.config.name);
        self.watch_list.send_if_modified(|current| {
            let modified = *current != watch_list;
            *current = watch_list;
            modified
        });
        if !self.calls.are_by(config.probe.as_ref()) {
            self.calls.reconfigure(config.probe.clone()).await;
        }
    }

    /// Stops all its tasks, and removes it from the exposition.
    pub(super) async fn stop(mut self, shared: &Shared) {
        self.calls.stop().await;
        for task in self.tasks {
            task.abort();
            // Awaited, so that it publishes nothing more. The only error is its cancellation.
            let _ = task.await;
        }
        shared.exposition.remove(&self.config.name);
        shared.meters.forget(&self.config.name);
    }
}

/// The clients of a network's sources.
pub fn clients(network: &NetworkConfig, meters: &Meters) -> Result<Vec<Client>, Error> {
    let client = |source: &SourceConfig| {
        let settings = rpc::RpcSettings {
            name: source.name.clone(),
            url: source.url.expose().to_string(),
            credentials: source.credentials.clone(),
            timeout: source.timeout,
            outbound: source.outbound.clone(),
            dialect: network.chain.dialect.clone(),
            states: state::shared(&network.chain.rules.states),
            ..rpc::RpcSettings::default()
        };
        Ok(Client::new(settings, meters.rpc(&network.name, &source.name))?)
    };
    network.sources.iter().map(client).collect()
}

/// Settings of a followed network, with the retention of its events.
pub fn follower_settings(
    network: &NetworkConfig,
    retention: Duration,
    stalled_seconds: Option<u64>,
) -> follower::FollowerSettings {
    follower::FollowerSettings {
        network: network.name.as_str().into(),
        rules: network.chain.rules.clone(),
        expect: network.expect.clone(),
        poll_interval: network.poll_interval,
        stale_after: network.stale_after,
        stalled_seconds,
        resync_blocks: network.resync_blocks,
        ask: network.ask,
        max_gap_blocks: network.max_gap_blocks,
        backfill_blocks: network.backfill_blocks,
        retention,
        clock: now,
        started: Instant::now(),
    }
}

/// Publishes each new state of a network in the exposition, and wakes the tasks that wait for a new list or new probes.
/// Alert evaluation comes first.
async fn show_state(exposition: Arc<Exposition>, news: Arc<Notify>, mut states: StateReceiver) {
    loop {
        let state = states.borrow_and_update().clone();
        if exposition.is_news(&state) {
            news.notify_one();
        }
        exposition.publish_rendered(state).await;
        if states.changed().await.is_err() {
            return;
        }
    }
}
