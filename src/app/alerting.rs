//! What the alerting engine looks at: the networks that run, how their nodes fare, and this process.
//!
//! Never here: what is told of it.

use tokio::sync::watch;

use crate::alerting::judge::{Network, Source, World};
use crate::alerting::{Engine, Look};
use crate::app::network::Shared;
use crate::app::now;
use crate::app::site::{Seen, SeenNetworks};
use crate::domain::masternode::UnixSeconds;
use crate::meters::Meters;
use crate::web;

/// The engine, at rest until it has settings.
pub(super) fn engine(shared: &Shared, web: web::meters::Meters, networks: watch::Receiver<SeenNetworks>) -> Engine {
    let (meters, started) = (shared.meters.clone(), now());
    let look: Look = Box::new(move || World {
        networks: networks.borrow().iter().map(|(name, seen)| network(&meters, name, seen)).collect(),
        config_good: meters.is_config_good(),
        web_config_good: web.is_protection_good(),
        failing: Vec::new(),
        started,
    });
    let notifications = shared.meters.notifications().clone();
    Engine::new(look, shared.news.clone(), notifications, shared.history.clone(), now)
}

fn network(meters: &Meters, name: &str, seen: &Seen) -> Network {
    let source = |source: &String| {
        let state = meters.source_state(name, source);
        Source {
            name: source.clone(),
            synced: state.synced,
            network_match: state.network_match,
            isolated: meters.source_report(name, source).isolated,
            last_success: state.last_success.map(|seconds| UnixSeconds(seconds as u64)),
        }
    };
    Network {
        name: name.into(),
        snapshot: seen.snapshots.borrow().clone(),
        probes: seen.probes.borrow().clone(),
        begun: seen.begun,
        stale_after: seen.stale_after,
        sources: seen.sources.iter().map(source).collect(),
        gap_blocks: meters.network(name).gap_blocks.get(),
    }
}
