//! The composition root: builds every part from the configuration, starts it, changes it on a reload, stops it in order.
//!
//! Never here: any rule of its own; reading files, arguments or the environment.

mod alerting;
mod environment;
mod history;
mod maintenance;
mod network;
mod probes;
mod process_state;
mod watch_files;
pub mod web_state;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use exporter_toolkit::{WebSecurity, web_config};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::alerting::{ActiveAlerts, Engine};
pub use crate::app::environment::Environment;
use crate::app::history::History;
use crate::app::maintenance::Given;
use crate::app::network::{Network, NetworkBuilder, Shared};
pub use crate::app::network::{clients, follower_settings};
use crate::app::process_state::ProcessState;
use crate::app::web_state::{MaintenanceRequest, NetworkStates, ReloadRequest};
use crate::config::watch_files::WatchFiles;
use crate::config::{Config, LoadedConfig, NetworkConfig, WebConfig};
use crate::meters::Meters;
use crate::metrics::Exposition;
use crate::web;
use crate::web::listen::ListenAddress;
use crate::web::route_prefix::RoutePrefix;
use domain::NetworkState;
use domain::masternode::UnixSeconds;

/// Errors at startup: each names its place and its fix.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Seconds since 1970. The only place that reads the clock; other code gets the time as an argument.
pub fn now() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let now = std::time::SystemTime::now();
    UnixSeconds(now.duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()))
}

/// All parts of the running exporter.
pub struct App {
    shared: Shared,
    history: Option<History>,
    /// The configuration at startup, whose startup-only settings stay in use until a restart.
    started: Config,
    /// The configuration in force.
    config: Config,
    /// What an operator set at the running exporter.
    given: Given,
    /// Changes of watch files that were seen at the last look.
    seen: watch_files::Seen,
    networks: BTreeMap<String, Network>,
    states: watch::Sender<NetworkStates>,
    web_meters: web::meters::Meters,
    alerting: Engine,
    security: Arc<WebSecurity>,
}

impl App {
    /// Starts all parts of `config`. Fails if a source cannot be set up (not if it is unreachable), and with a
    /// [`crate::history::OpenError`] if another process writes the history.
    pub async fn start(config: &Config, environment: Environment) -> Result<App, Error> {
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let web_meters = web::meters::Meters::new(&registry);
        let exposition = Exposition::new(config.metrics.clone(), registry);
        let history = History::open(&config.history, &meters, environment)?;
        let writer = history.as_ref().map(History::writer);
        let process = watch::Sender::default();
        let security = Arc::new(security(&config.web, &web_meters, process.clone())?);
        let started = Instant::now();
        let shared = Shared {
            meters,
            exposition,
            history: writer,
            news: Arc::default(),
            started,
            process,
            environment,
            views: watch::Sender::default(),
        };
        let states = watch::Sender::default();
        let alerting = alerting::engine(&shared, states.subscribe());
        shared.exposition.show_conditions(alerting.evaluations());
        let mut app = App {
            alerting,
            shared,
            history,
            started: config.clone(),
            config: Config { watch_files: WatchFiles::default(), ..config.clone() },
            given: Given::default(),
            seen: None,
            networks: BTreeMap::new(),
            states,
            web_meters,
            security,
        };
        let mut config = config.clone();
        app.take_over_kept(&mut config).await;
        app.reconfigure(&config).await?;
        Ok(app)
    }

    /// Applies `config` to the running parts. On an error nothing has changed.
    async fn reconfigure(&mut self, config: &Config) -> Result<(), Error> {
        let changed =
            |network: &&NetworkConfig| self.networks.get(&network.name).is_none_or(|runs| runs.config() != *network);
        let prepared: Vec<NetworkBuilder> = config
            .networks
            .iter()
            .filter(changed)
            .map(|network| NetworkBuilder::new(network, &self.shared.meters))
            .collect::<Result<_, _>>()?;
        let stays = |name: &str| {
            config.networks.iter().any(|network| network.name == name) && prepared.iter().all(|new| new.name() != name)
        };
        let gone: Vec<String> = self.networks.keys().filter(|name| !stays(name)).cloned().collect();
        self.stop(&gone).await;
        // A restarted network stays in the map: alert evaluation would treat its absence as a resolution.
        let is_configured = |name: &String| config.networks.iter().any(|network| network.name == *name);
        self.states.send_modify(|states| states.retain(|name, _| is_configured(name)));
        self.shared.exposition.reconfigure(config.metrics.clone());
        let whole = self.given.with(config);
        for prepared in prepared {
            let name = prepared.name().to_string();
            let network = prepared.start(&whole, &self.shared);
            self.states.send_modify(|states| drop(states.insert(name.clone(), network.state())));
            self.networks.insert(name, network);
        }
        for network in self.networks.values_mut() {
            network.reconfigure(&whole).await;
        }
        self.shared.views.send_replace(Arc::new(config.web.views.clone()));
        self.report_watch_files(config);
        self.alerting.reconfigure(&config.alerting).await;
        self.config = config.clone();
        Ok(())
    }

    async fn stop(&mut self, names: &[String]) {
        for name in names {
            let Some(network) = self.networks.remove(name) else { continue };
            network.stop(&self.shared).await;
        }
    }

    /// Serves until `shutdown`, then stops everything. `load` reads the configuration again, on each message of
    /// `hangup` and on a reload request, if those are allowed.
    pub async fn serve(
        mut self,
        listeners: Vec<TcpListener>,
        config: &Config,
        load: impl Fn() -> Result<LoadedConfig, String>,
        mut hangup: mpsc::Receiver<()>,
        shutdown: impl Future<Output = ()>,
    ) {
        let (reload, mut reloads) = mpsc::channel::<ReloadRequest>(1);
        let (maintenance, mut maintenances) = mpsc::channel::<MaintenanceRequest>(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = web::settings::WebSettings {
            max_requests: config.web.max_requests,
            allowed_hosts: allowed_hosts(config),
            external_url: config.alerting.external_url.clone(),
            route_prefix: config.web.route_prefix.clone().unwrap_or_else(|| external_path(config)),
            ..Default::default()
        };
        let file = self.history.as_ref().map(|history| history.path().to_path_buf());
        let site = Arc::new(web_state::site(
            &config.web,
            link_prefix(config),
            &self.shared,
            self.alerting.board(),
            self.states.subscribe(),
            file,
            (reload, maintenance),
        ));
        let security = Arc::clone(&self.security);
        let server = tokio::spawn(web::serve(listeners, site, security, settings, self.web_meters.clone(), async {
            // An error means that the sender is gone, and with it the program.
            let _ = stopped.await;
        }));
        self.shared.meters.reloaded(true, (self.shared.environment.clock)().0);
        tokio::pin!(shutdown);
        let mut looks = tokio::time::interval(watch_files::INTERVAL);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(()) = hangup.recv() => drop(self.reload(&load).await),
                // The client may be gone; the result is logged and counted anyway.
                Some(answer) = reloads.recv() => drop(answer.send(self.reload(&load).await)),
                Some((command, answer)) = maintenances.recv() => drop(answer.send(self.maintain(command).await)),
                _ = looks.tick() => self.look().await,
            }
        }
        info!("Shutting down: draining requests");
        drop(stop);
        if let Err(error) = server.await {
            error!("HTTP server failed: {error}");
        }
        self.close().await;
    }

    /// What is due from time to time.
    async fn look(&mut self) {
        self.recall_kept().await;
        self.end_maintenance().await;
        self.look_at_watch_files().await;
        self.keep_watch_files().await;
    }

    /// The page of metrics.
    pub fn exposition(&self) -> &Exposition {
        &self.shared.exposition
    }

    /// The published states of the networks.
    pub fn published(&self) -> Vec<Arc<NetworkState>> {
        self.states.borrow().values().map(|state| Arc::clone(&state.borrow())).collect()
    }

    /// The firing alerts.
    pub fn alerts(&self) -> ActiveAlerts {
        self.alerting.board()
    }

    /// Stops every network, then writes the end of the history.
    pub async fn close(mut self) {
        // Before the networks: alerts of a network that is no longer followed are not resolved.
        self.alerting.stop().await;
        let names: Vec<String> = self.networks.keys().cloned().collect();
        self.stop(&names).await;
        let App { shared, history, alerting, .. } = self;
        drop(alerting);
        // The history ends when no writer is left.
        drop(shared);
        if let Some(history) = history {
            history.close().await;
        }
    }

    /// Applies the configuration that `load` returns, or keeps the previous one.
    ///
    /// # Errors
    ///
    /// The reason why the previous configuration stays in use.
    pub async fn reload(&mut self, load: impl Fn() -> Result<LoadedConfig, String>) -> Result<(), String> {
        let result = self.take_over(load()).await;
        if let Err(error) = &result {
            error!("{error}");
        }
        self.shared.meters.reloaded(result.is_ok(), (self.shared.environment.clock)().0);
        self.shared.process.send_modify(|process| process.config_good = result.is_ok());
        result
    }

    /// Applies a loaded configuration, and logs what is in use. The error names what stays in use.
    async fn take_over(&mut self, loaded: Result<LoadedConfig, String>) -> Result<(), String> {
        let refused = |error: String| format!("Configuration not reloaded, the previous one stays in force: {error}");
        let LoadedConfig { mut config, warnings, .. } = loaded.map_err(refused)?;
        let files = config.watch_files.clone().keeping(&self.config.watch_files, config.own_watch());
        config.set_watch_files(files);
        self.reconfigure(&config).await.map_err(|error| refused(error.to_string()))?;
        for warning in warnings {
            warn!("{warning}");
        }
        let pending = self.started.needs_restart(&config).join(", ");
        if !pending.is_empty() {
            warn!("Configuration keys changed that take effect with the next start only: {pending}");
        }
        self.security.refresh(true).map_err(|error| {
            format!(
                "Configuration reloaded in part: networks, watch list, series, probes and alerting are the new ones; the \
                 previous web configuration stays in force: {error}"
            )
        })?;
        match pending.as_str() {
            "" => info!("Configuration reloaded"),
            _ => info!("Configuration reloaded, except {pending}: restart to change these"),
        }
        Ok(())
    }
}

/// The path of the URL for users; none for one that cannot be in a link.
fn external_path(config: &Config) -> RoutePrefix {
    let url = config.alerting.external_url.parse::<hyper::Uri>().ok();
    url.and_then(|url| RoutePrefix::new(url.path()).ok()).unwrap_or_default()
}

/// The path with which the links of the pages begin: that of the URL for users.
fn link_prefix(config: &Config) -> String {
    let prefix = match &config.web.route_prefix {
        Some(prefix) if config.alerting.external_url.is_empty() => prefix.clone(),
        _ => external_path(config),
    };
    prefix.as_str().to_string()
}

/// Names by which browsers may access the server: the configured ones, and those that the configuration uses for the
/// exporter.
fn allowed_hosts(config: &Config) -> Vec<String> {
    let external = config.alerting.external_url.parse::<hyper::Uri>().ok();
    let external = external.as_ref().and_then(hyper::Uri::host).map(str::to_string);
    let listening = config.web.listen_addresses.iter().filter_map(ListenAddress::name).map(str::to_string);
    config.web.allowed_hosts.iter().cloned().chain(external).chain(listening).collect()
}

/// The security settings of the server, from the web configuration file.
fn security(
    config: &WebConfig,
    meters: &web::meters::Meters,
    process: watch::Sender<ProcessState>,
) -> Result<WebSecurity, Error> {
    let Some(file) = &config.config_file else { return Ok(WebSecurity::open()) };
    let (path, meters) = (file.path.clone(), meters.clone());
    Ok(WebSecurity::new(
        Box::new(move || web_config::read(&path)),
        Box::new(move |good| {
            meters.web_config_loaded(good);
            process.send_modify(|process| process.web_config_good = good);
        }),
    )?)
}
