//! What the alerting engine looks at: the networks that run, how their sources fare, and this process.
//!
//! Never here: a condition.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::alerting::{Engine, StateSource};
use crate::app::network::Shared;
use crate::app::now;
use crate::app::web_state::{NetworkView, NetworkViews};
use crate::meters::Meters;
use crate::web;
use domain::condition::Catalogue;
use domain::condition::{EvaluationInput, ProcessState};
use domain::masternode::{Height, UnixSeconds};
use domain::network_state::{Moment, NetworkState, SourceHealth};

/// The engine, at rest until it has settings.
pub(super) fn engine(shared: &Shared, web: web::meters::Meters, networks: watch::Receiver<NetworkViews>) -> Engine {
    let (meters, exposition, started) = (shared.meters.clone(), shared.exposition.clone(), Instant::now());
    let has_history = shared.history.is_some();
    let look: StateSource = Box::new(move || {
        let now = Moment { unix: now(), uptime: started.elapsed() };
        let history = meters.history();
        let process = ProcessState {
            config_good: meters.is_config_good(),
            web_config_good: web.is_protection_good(),
            history_damaged: history.damaged_rows(),
            history_writable: has_history.then(|| history.is_up()),
            suppressed_series: exposition.suppressed() as u64,
            receivers: Vec::new(),
        };
        let networks = networks.borrow();
        let networks = networks.iter().map(|(name, seen)| Arc::new(network(&meters, name, seen, now))).collect();
        EvaluationInput { networks, process, now, jumped: BTreeSet::new() }
    });
    let notifications = shared.meters.notifications().clone();
    Engine::new(Catalogue::default(), look, shared.news.clone(), notifications, shared.history.clone(), now)
}

/// The moment that lies so long before `now`, whatever the wall clock did in between.
fn before(now: Moment, age: Duration) -> Moment {
    let unix = UnixSeconds(now.unix.0.saturating_sub(age.as_secs()));
    Moment { unix, uptime: now.uptime.saturating_sub(age) }
}

fn network(meters: &Meters, name: &str, seen: &NetworkView, now: Moment) -> NetworkState {
    let source = |source: &String| {
        let state = meters.source_state(name, source);
        let fork = meters.source_fork(name, source);
        let report = meters.source_report(name, source);
        SourceHealth {
            name: source.as_str().into(),
            up: state.up,
            synced: state.synced,
            network_match: state.network_match,
            isolated: report.isolated,
            release_bad: report.release_bad,
            filter_index_synced: report.filter_index_synced,
            last_success: state.last_success_age.map(|age| before(now, age)),
            follows_fork: fork.follows,
            fork_split: fork.split,
            ..SourceHealth::default()
        }
    };
    NetworkState {
        network: name.into(),
        rules: seen.rules.clone(),
        snapshot: seen.snapshots.borrow().clone(),
        probes: seen.probes.borrow().clone(),
        since: before(now, seen.begun.elapsed()),
        stale_after: seen.stale_after,
        sources: seen.sources.iter().map(source).collect(),
        gap_blocks: meters.network(name).gap_blocks.get(),
        not_understood: meters.not_understood(name),
        fork_activation: meters.fork_activation(name).map(Height),
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;
    use domain::chain::DASH;

    fn at(unix: u64, uptime: u64) -> Moment {
        Moment { unix: UnixSeconds(unix), uptime: Duration::from_secs(uptime) }
    }

    #[test]
    fn what_was_confirmed_a_moment_ago_is_fresh_whatever_the_clock_says_now() {
        let meters = Meters::new(&Registry::new()).unwrap();
        let seen = NetworkView::at(&DASH, Instant::now());
        assert_eq!(network(&meters, "net", &seen, at(5, 5)).confirmed(), None);
        let clock = 1_700_000_000;
        meters.source("net", "local").usable(clock as f64);
        for now in [clock, clock + 36_000, clock - 36_000].map(|now| at(now, 500)) {
            let network = network(&meters, "net", &seen, now);
            assert!(network.confirmed().unwrap().age(now).as_secs() < 60);
            assert!(network.since.age(now).as_secs() < 60);
        }
    }

    #[test]
    fn what_was_confirmed_long_ago_is_old_whatever_the_clock_says_now() {
        assert_eq!(before(at(5_000, 4_000), Duration::from_secs(3_600)), at(1_400, 400));
        assert_eq!(before(at(5, 10), Duration::from_secs(3_600)), at(0, 0), "a clock that never was set");
    }
}
