//! `run`: follows and serves until a signal stops it.
//!
//! Never here: following and serving themselves.

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::app::{self, App, Environment};
use crate::cli::{CommandError, logging};
use crate::config::{self, Config, ConfigSources, LoadedConfig};
use crate::history::OpenError;
use crate::web::listen;

/// Runs with a configuration that was loaded from `origin`.
pub(super) async fn run(loaded: LoadedConfig, origin: ConfigSources) -> Result<(), CommandError> {
    let LoadedConfig { config, warnings, .. } = loaded;
    logging::start(&config.log);
    for warning in warnings {
        warn!("{warning}");
    }
    let load = move || config::load(&origin).map_err(|errors| errors.to_string());
    let listeners = listen::bind(&config.web.listen_addresses).await?;
    serve(config, listeners, load).await
}

/// Serves a configuration on `listeners` until a signal stops it; `load` reads it again for a reload.
pub(super) async fn serve(
    config: Config,
    listeners: Vec<TcpListener>,
    load: impl Fn() -> Result<LoadedConfig, String>,
) -> Result<(), CommandError> {
    for listener in &listeners {
        let address = listener.local_addr()?;
        let scheme = config.web.scheme();
        info!(%address, "serving {scheme}://{address}{}", config.web.telemetry_path);
    }
    let app = App::start(&config, Environment::default()).await.map_err(refusal)?;
    let (hangup, hangups) = mpsc::channel(1);
    let mut signals = signal(SignalKind::hangup())?;
    let forward = tokio::spawn(async move {
        while signals.recv().await.is_some() {
            // A pending reload also handles this signal.
            let _ = hangup.try_send(());
        }
    });
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    app.serve(listeners, &config, load, hangups, shutdown).await;
    forward.abort();
    Ok(())
}

/// A history that cannot be opened is reported as a mistake of the configuration.
fn refusal(error: app::Error) -> CommandError {
    match error.downcast::<OpenError>() {
        Ok(error) => CommandError::Configuration(format!("history.path: {error}")),
        Err(error) => CommandError::Run(error),
    }
}
