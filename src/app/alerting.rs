//! What the alerting engine looks at: the networks that run, how their nodes fare, and this process.
//!
//! Never here: what is told of it.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::alerting::evaluate::{EvaluationInput, Network, Source};
use crate::alerting::{Engine, StateSource};
use crate::app::network::Shared;
use crate::app::now;
use crate::app::web_state::{NetworkView, NetworkViews};
use crate::meters::Meters;
use crate::web;
use domain::masternode::{Height, UnixSeconds};

/// The engine, at rest until it has settings.
pub(super) fn engine(shared: &Shared, web: web::meters::Meters, networks: watch::Receiver<NetworkViews>) -> Engine {
    let (meters, started) = (shared.meters.clone(), Instant::now());
    let look: StateSource = Box::new(move || {
        let now = now();
        EvaluationInput {
            networks: networks.borrow().iter().map(|(name, seen)| network(&meters, name, seen, now)).collect(),
            config_good: meters.is_config_good(),
            web_config_good: web.is_protection_good(),
            history_damaged: meters.history().damaged_rows(),
            failing: Vec::new(),
            started: before(now, started.elapsed()),
        }
    });
    let notifications = shared.meters.notifications().clone();
    Engine::new(look, shared.news.clone(), notifications, shared.history.clone(), now)
}

/// The moment that lies so long before `now`. Times are told so, and not as they were read, because the wall clock may have
/// jumped in between: neither is fresh data stale then, nor stale data fresh.
fn before(now: UnixSeconds, age: Duration) -> UnixSeconds {
    UnixSeconds(now.0.saturating_sub(age.as_secs()))
}

fn network(meters: &Meters, name: &str, seen: &NetworkView, now: UnixSeconds) -> Network {
    let source = |source: &String| {
        let state = meters.source_state(name, source);
        let fork = meters.source_fork(name, source);
        let report = meters.source_report(name, source);
        Source {
            name: source.clone(),
            synced: state.synced,
            network_match: state.network_match,
            isolated: report.isolated,
            release_bad: report.release_bad,
            filter_index_synced: report.filter_index_synced,
            last_success: state.last_success_age.map(|age| before(now, age)),
            follows_fork: fork.follows,
            fork_split: fork.split,
        }
    };
    Network {
        name: name.into(),
        snapshot: seen.snapshots.borrow().clone(),
        probes: seen.probes.borrow().clone(),
        begun: before(now, seen.begun.elapsed()),
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

    #[test]
    fn what_was_confirmed_a_moment_ago_is_fresh_whatever_the_clock_says_now() {
        let meters = Meters::new(&Registry::new()).unwrap();
        let seen = NetworkView::at(&DASH, Instant::now());
        assert_eq!(network(&meters, "net", &seen, UnixSeconds(5)).sources[0].last_success, None);
        let clock = 1_700_000_000;
        meters.source("net", "local").usable(clock as f64);
        for now in [clock, clock + 36_000, clock - 36_000].map(UnixSeconds) {
            let network = network(&meters, "net", &seen, now);
            let confirmed = network.sources[0].last_success.unwrap();
            assert!(confirmed <= now && now.0 - confirmed.0 < 60, "{confirmed:?} at {now:?}");
            assert!(network.begun <= now && now.0 - network.begun.0 < 60);
        }
    }

    #[test]
    fn what_was_confirmed_long_ago_is_old_whatever_the_clock_says_now() {
        assert_eq!(before(UnixSeconds(5_000), Duration::from_secs(3_600)), UnixSeconds(1_400));
        assert_eq!(before(UnixSeconds(5), Duration::from_secs(3_600)), UnixSeconds(0), "a clock that never was set");
    }
}
