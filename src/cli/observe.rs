//! `observe`: polls the networks once and prints a table, JSON, or the metrics.
//!
//! Never here: following; the list is read once.

use std::sync::Arc;

use tokio::sync::watch;

use crate::app;
use crate::cli::{ObserveFormat, observe_table};
use crate::config::{Config, NetworkConfig};
use crate::follower::{self, Follower};
use crate::meters::Meters;
use crate::metrics::{Exposition, Format};
use domain::{NetworkState, Snapshot};

/// Polls every configured network once, or the named one. Prints to the standard output.
pub(super) async fn run(config: &Config, only: Option<&str>, format: ObserveFormat) -> Result<String, app::Error> {
    let chosen = chosen(config, only);
    let mut states = Vec::new();
    for network in chosen {
        states.push(look(config, network).await?.0);
    }
    for state in &states {
        if let Some(doubt) = state.doubt(app::now()) {
            note!("warning: the state of network {} is not known: {doubt}", state.network);
        }
    }
    let snapshots = states.iter().filter_map(|state| state.snapshot.as_deref());
    match format {
        ObserveFormat::Table => Ok(snapshots.map(observe_table::table).collect::<Vec<_>>().join("\n")),
        ObserveFormat::Json => {
            let all: Vec<_> = snapshots.map(observe_table::json).collect();
            Ok(serde_json::to_string_pretty(&all)? + "\n")
        }
        ObserveFormat::Metrics => page(config, states).await,
    }
}

/// Polls the network of that name once.
pub(super) async fn look_at(config: &Config, name: &str) -> Result<Arc<Snapshot>, app::Error> {
    Ok(look(config, chosen(config, Some(name))[0]).await?.1)
}

/// The same, for advice: fails if the list does not describe the present.
pub(super) async fn rely_on(config: &Config, name: &str) -> Result<Arc<Snapshot>, app::Error> {
    let (state, snapshot) = look(config, chosen(config, Some(name))[0]).await?;
    match state.doubt(app::now()) {
        Some(doubt) => Err(format!("no advice for network {name}: {doubt}").into()),
        None => Ok(snapshot),
    }
}

/// All networks, or the named one, which exists; never none.
fn chosen<'a>(config: &'a Config, only: Option<&str>) -> Vec<&'a NetworkConfig> {
    config.networks.iter().filter(|network| only.is_none_or(|name| name == network.name)).collect()
}

/// The result of one poll of a network, and its list.
async fn look(config: &Config, network: &NetworkConfig) -> Result<(Arc<NetworkState>, Arc<Snapshot>), app::Error> {
    let meters = Meters::new(&prometheus::Registry::new());
    let (_watch, watch_list) = watch::channel(config.watch_list(&network.name));
    let clients = app::clients(network, &meters)?;
    let settings =
        app::follower_settings(network, config.history.retention, config.alerting.thresholds.general.stalled_seconds);
    let (publish, states) = follower::state_channel(&settings, &clients, &meters);
    let mut follower = Follower::new(settings, clients, &meters, watch_list, publish);
    follower.poll_once().await.map_err(|troubles| {
        format!(
            "network {} could not be observed:\n  {}\nTry `masternode-exporter doctor`.",
            network.name,
            troubles.join("\n  ")
        )
    })?;
    let state = states.borrow().clone();
    let snapshot = state.snapshot.clone().ok_or_else(|| format!("network {} has no list yet", network.name))?;
    Ok((state, snapshot))
}

async fn page(config: &Config, states: Vec<Arc<NetworkState>>) -> Result<String, app::Error> {
    let exposition = Exposition::new(config.metrics.clone(), prometheus::Registry::new());
    for state in states {
        exposition.publish(state);
    }
    Ok(exposition.text(Format::Text).await)
}
