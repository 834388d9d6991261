//! The composition root: builds every part from the configuration, starts it, changes it on a reload, stops it in order.
//!
//! Never here: any rule of its own; reading files, arguments or the environment.

mod alerting;
mod history;
mod network;
mod probes;
mod process_state;
mod web_state;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use exporter_toolkit::{WebSecurity, web_config};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};

use crate::alerting::Engine;
use crate::app::history::History;
use crate::app::network::{Network, NetworkBuilder, Shared};
pub use crate::app::network::{clients, follower_settings};
use crate::app::process_state::ProcessState;
use crate::app::web_state::{NetworkStates, ReloadRequest};
use crate::config::{Config, LoadedConfig, NetworkConfig, WebConfig};
use crate::meters::Meters;
use crate::metrics::Exposition;
use crate::web;
use crate::web::listen::ListenAddress;
use domain::masternode::UnixSeconds;

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
    shared: Shared,
    history: Option<History>,
    /// What was started: what of it only a restart changes is still in force.
    started: Config,
    networks: BTreeMap<String, Network>,
    states: watch::Sender<NetworkStates>,
    web_meters: web::meters::Meters,
    alerting: Engine,
    security: Arc<WebSecurity>,
}

impl App {
    /// All parts of `config`, following at once. Fails when a source cannot be set up (not when it cannot be reached), and
    /// with a [`crate::history::OpenError`] when another process writes the history.
    pub async fn start(config: &Config) -> Result<App, Error> {
        let registry = Registry::new();
        let meters = Meters::new(&registry)?;
        let web_meters = web::meters::Meters::new(&registry)?;
        let exposition = Exposition::new(config.metrics.clone(), registry)?;
        let history = History::open(&config.history, &meters)?;
        let writer = history.as_ref().map(History::writer);
        let process = watch::Sender::default();
        let security = Arc::new(security(&config.web, &web_meters, process.clone())?);
        let started = Instant::now();
        let shared = Shared { meters, exposition, history: writer, news: Arc::default(), started, process };
        let states = watch::Sender::default();
        let alerting = alerting::engine(&shared, states.subscribe());
        shared.exposition.show_conditions(alerting.evaluations());
        let mut app = App {
            alerting,
            shared,
            history,
            started: config.clone(),
            networks: BTreeMap::new(),
            states,
            web_meters,
            security,
        };
        app.reconfigure(config).await?;
        Ok(app)
    }

    /// Makes the running parts those of `config`. On an error nothing has changed.
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
        // One that starts afresh is never out of sight: who judges would take that for the end of its troubles.
        let is_configured = |name: &String| config.networks.iter().any(|network| network.name == *name);
        self.states.send_modify(|states| states.retain(|name, _| is_configured(name)));
        self.shared.exposition.reconfigure(config.metrics.clone());
        for prepared in prepared {
            let name = prepared.name().to_string();
            let network = prepared.start(config, &self.shared);
            self.states.send_modify(|states| drop(states.insert(name.clone(), network.state())));
            self.networks.insert(name, network);
        }
        for network in self.networks.values_mut() {
            network.reconfigure(config).await;
        }
        self.alerting.reconfigure(&config.alerting).await;
        Ok(())
    }

    async fn stop(&mut self, names: &[String]) {
        for name in names {
            let Some(network) = self.networks.remove(name) else { continue };
            network.stop(&self.shared).await;
        }
    }

    /// Serves until `shutdown`, then stops everything. `load` reads the configuration anew, on each message of `hangup`
    /// and on a request for a reload where those are allowed.
    pub async fn serve(
        mut self,
        listeners: Vec<TcpListener>,
        config: &Config,
        load: impl Fn() -> Result<LoadedConfig, String>,
        mut hangup: mpsc::Receiver<()>,
        shutdown: impl Future<Output = ()>,
    ) {
        let (reload, mut reloads) = mpsc::channel::<ReloadRequest>(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = web::settings::WebSettings {
            max_requests: config.web.max_requests,
            allowed_hosts: allowed_hosts(config),
            ..Default::default()
        };
        let file = self.history.as_ref().map(|history| history.path().to_path_buf());
        let site = Arc::new(web_state::site(
            &config.web,
            &self.shared,
            self.alerting.board(),
            self.states.subscribe(),
            file,
            reload,
        ));
        let security = Arc::clone(&self.security);
        let server = tokio::spawn(web::serve(listeners, site, security, settings, self.web_meters.clone(), async {
            // An error means that the sender is gone, and with it the program.
            let _ = stopped.await;
        }));
        self.shared.meters.reloaded(true, now().0);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(()) = hangup.recv() => drop(self.reload(&load).await),
                // Whoever asked may be gone; the outcome is logged and metered all the same.
                Some(answer) = reloads.recv() => drop(answer.send(self.reload(&load).await)),
            }
        }
        info!("stopping: requests under way are finished");
        drop(stop);
        if let Err(error) = server.await {
            error!("the HTTP server ended badly: {error}");
        }
        self.close().await;
    }

    /// Stops every network, then writes the history's last words.
    async fn close(mut self) {
        // Before the networks: what is followed no more is not over.
        self.alerting.stop().await;
        let names: Vec<String> = self.networks.keys().cloned().collect();
        self.stop(&names).await;
        let App { shared, history, alerting, .. } = self;
        drop(alerting);
        // The history ends when nobody can write to it any more.
        drop(shared);
        if let Some(history) = history {
            history.close().await;
        }
    }

    async fn reload(&mut self, load: impl Fn() -> Result<LoadedConfig, String>) -> Result<(), String> {
        let result = self.take_over(load()).await;
        if let Err(error) = &result {
            error!("{error}");
        }
        self.shared.meters.reloaded(result.is_ok(), now().0);
        self.shared.process.send_modify(|process| process.config_good = result.is_ok());
        result
    }

    /// Takes over what was loaded, and logs what of it is in force. The error says what is in force instead.
    async fn take_over(&mut self, loaded: Result<LoadedConfig, String>) -> Result<(), String> {
        let refused = |error: String| format!("Configuration not reloaded, the previous one stays in force: {error}");
        let LoadedConfig { config, warnings } = loaded.map_err(refused)?;
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

/// The names by which browsers may ask: those that are configured, and those that the configuration uses for the exporter.
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
