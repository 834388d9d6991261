//! `observe`: one look at the networks, as a table, as JSON, or as the metrics page.
//!
//! Never here: following; the list is read once.

use std::sync::Arc;

use tokio::sync::watch;

use crate::app;
use crate::cli::{ObserveFormat, observe_table};
use crate::config::{Config, NetworkConfig};
use crate::follower::Follower;
use crate::meters::Meters;
use crate::metrics::{Exposition, Format};
use domain::Snapshot;

/// Looks once at every configured network, or at the one named. The text goes to the standard output.
pub(super) async fn run(config: &Config, only: Option<&str>, format: ObserveFormat) -> Result<String, app::Error> {
    let chosen = chosen(config, only)?;
    let mut snapshots = Vec::new();
    for network in chosen {
        snapshots.push(look(config, network).await?);
    }
    match format {
        ObserveFormat::Table => {
            Ok(snapshots.iter().map(|snapshot| observe_table::table(snapshot)).collect::<Vec<_>>().join("\n"))
        }
        ObserveFormat::Json => {
            let all: Vec<_> = snapshots.iter().map(|snapshot| observe_table::json(snapshot)).collect();
            Ok(serde_json::to_string_pretty(&all)? + "\n")
        }
        ObserveFormat::Metrics => page(config, &snapshots).await,
    }
}

/// Looks once at the network of that name.
pub(super) async fn look_at(config: &Config, name: &str) -> Result<Arc<Snapshot>, app::Error> {
    look(config, chosen(config, Some(name))?[0]).await
}

/// All networks, or the one named; never none.
fn chosen<'a>(config: &'a Config, only: Option<&str>) -> Result<Vec<&'a NetworkConfig>, app::Error> {
    let chosen: Vec<&NetworkConfig> =
        config.networks.iter().filter(|network| only.is_none_or(|name| name == network.name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = config.networks.iter().map(|network| network.name.as_str()).collect();
        return Err(format!(
            "no network {:?} is configured; there are: {}",
            only.unwrap_or_default(),
            names.join(", ")
        )
        .into());
    }
    Ok(chosen)
}

async fn look(config: &Config, network: &NetworkConfig) -> Result<Arc<Snapshot>, app::Error> {
    let meters = Meters::new(&prometheus::Registry::new())?;
    let (_watch, watch_list) = watch::channel(config.watch_list(&network.name));
    let (publish, snapshots) = watch::channel(None);
    let clients = app::clients(network, &meters)?;
    let settings = app::follower_settings(network, config.history.retention);
    let mut follower = Follower::new(settings, clients, &meters, watch_list, publish);
    follower.poll_once().await.map_err(|troubles| {
        format!(
            "network {} could not be observed:\n  {}\nTry `masternode-exporter doctor`.",
            network.name,
            troubles.join("\n  ")
        )
    })?;
    let snapshot = snapshots.borrow().clone();
    snapshot.ok_or_else(|| format!("network {} has no list yet", network.name).into())
}

async fn page(config: &Config, snapshots: &[Arc<Snapshot>]) -> Result<String, app::Error> {
    let exposition = Exposition::new(config.metrics.clone(), prometheus::Registry::new())?;
    for snapshot in snapshots {
        exposition.publish(snapshot.network(), Some(snapshot.clone()));
    }
    Ok(exposition.text(Format::Text).await)
}
