//! Whether all is well: each network, its sources, the history.
//!
//! Never here: a verdict; `/-/healthy` and `/-/ready` have that.

use serde_json::{Value, json};

use crate::history::{NetworkStatus, Reader};
use crate::web::api::json::{self, Object};
use crate::web::api::parameters::{Known, Parameters};
use crate::web::api::{AlertsOf, Api, ApiError, History, alerts_and_probes};
use domain::{NetworkState, SourceHealth};

pub(super) fn answer(api: &Api, query: &str) -> Result<Value, ApiError> {
    Parameters::read(query, &Known { once: &[], repeated: &[] })?;
    let networks: Vec<Object> = (api.networks)().iter().map(|network| of_network(api, network)).collect();
    Ok(json!({
        "version": api.version,
        "time": json::clock(Some((api.clock)())),
        "networks": networks,
        "alerts": alerts_and_probes::firing(&(api.alerts)(AlertsOf::All, alerts_and_probes::MOST_ALERTS)),
        "history": api.history.as_ref().map(of_history),
    }))
}

/// Before the first list everything of the chain is `null`.
fn of_network(api: &Api, network: &NetworkState) -> Object {
    let snapshot = network.snapshot.as_deref();
    let age = snapshot.map(|snapshot| (api.clock)().0.saturating_sub(snapshot.read_at().0));
    let watched = snapshot.map(|snapshot| snapshot.watched().len());
    let absent =
        |snapshot: &domain::Snapshot| snapshot.watched().iter().filter(|watched| watched.index.is_none()).count();
    let mut object = snapshot.map_or_else(unknown, json::network);
    object.extend(json::object(json!({
        "network": &*network.network,
        "chain": &*network.rules.name,
        "list_age_seconds": age,
        "watched": watched,
        "watched_missing": snapshot.map(absent),
        "sources": network.sources.iter().map(of_source).collect::<Vec<Value>>(),
    })));
    object
}

/// The names of a network of which nothing is known yet.
fn unknown() -> Object {
    let names = [
        "height",
        "block",
        "time",
        "list_time",
        "registered",
        "nodes",
        "risk_nodes",
        "pose_limit",
        "pose_step",
        "pose_safe_level",
        "payment_pool_size",
        "maintenance_window_blocks",
        "quorums",
        "deployment",
    ];
    names.into_iter().map(|name| (name.to_string(), Value::Null)).collect()
}

fn of_source(source: &SourceHealth) -> Value {
    let own = source.masternode.as_ref();
    json!({
        "source": &*source.name,
        "up": source.up,
        "synced": source.synced,
        "network_match": source.network_match,
        "last_success_time": json::clock(source.last_success.map(|at| at.unix)),
        "blocks_behind": source.blocks_behind,
        "connections": source.connections,
        "isolated": source.isolated,
        "follows_fork": source.follows_fork,
        "fork_split": source.fork_split,
        "release_bad": source.release_bad,
        "filter_index_synced": source.filter_index_synced,
        "masternode": own.and_then(|own| own.id).map(|id| id.to_string()),
        "masternode_state": own.map(|own| &*own.state),
    })
}

/// `networks` is `null` when the file cannot be read at the moment.
fn of_history(history: &History) -> Value {
    let recorded = Reader::open(&history.path).map_err(|error| error.to_string());
    let recorded = recorded.and_then(|reader| reader.networks().map_err(|error| error.to_string()));
    if let Err(error) = &recorded {
        tracing::debug!("the history cannot be read for the API: {error}");
    }
    let networks: Option<Vec<Value>> = recorded.ok().map(|networks| networks.iter().map(of_recorded).collect());
    json!({ "up": (history.up)(), "networks": networks })
}

fn of_recorded(network: &NetworkStatus) -> Value {
    let spans = network.spans.iter();
    let spans: Vec<Value> = spans.map(|(from, to)| json!({ "from_height": from.0, "to_height": to.0 })).collect();
    json!({
        "network": network.name,
        "height": network.cursor.as_ref().map(|block| block.height.0),
        "spans": spans,
    })
}
