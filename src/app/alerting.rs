//! The input of the alerting engine: the networks that run, and this process.
//!
//! Never here: a condition.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::alerting::{Engine, StateSource};
use crate::app::environment::Environment;
use crate::app::network::Shared;
use crate::app::web_state::NetworkStates;
use domain::condition::{Catalogue, EvaluationInput, ProcessState};
use domain::entry_matches;
use domain::masternode::UnixSeconds;
use domain::network_state::Moment;

/// How long damage to the history that was found is an alert, in seconds: three days.
const DAMAGE_SECONDS: u64 = 3 * 86_400;

/// The alerting engine, idle until it has settings.
pub(super) fn engine(shared: &Shared, networks: watch::Receiver<NetworkStates>) -> Engine {
    let (history, process, started) = (shared.meters.history().clone(), shared.process.subscribe(), shared.started);
    let (exposition, has_history) = (shared.exposition.clone(), shared.history.is_some());
    let Environment { clock, jitter, evaluation_pause, .. } = shared.environment;
    let look: StateSource = Box::new(move || {
        let (process, health) = (process.borrow().clone(), history.health());
        let networks: Vec<_> = networks.borrow().values().map(|state| Arc::clone(&state.borrow())).collect();
        let process = ProcessState {
            config_good: process.config_good,
            web_config_good: process.web_config_good,
            history_damaged: health.damaged_rows,
            history_damaged_at: health
                .damaged_at
                .map(UnixSeconds)
                .filter(|at| clock().0 < at.0.saturating_add(DAMAGE_SECONDS)),
            history_writable: has_history.then_some(health.up),
            suppressed_series: exposition.suppressed() as u64,
            entry_problems: entry_matches::problems(networks.iter().map(AsRef::as_ref), &process.bound_entries),
            watch_file_problems: process.watch_file_problems.to_vec(),
            is_watch_list_partial: process.is_watch_list_partial,
            receivers: Vec::new(),
            unrouted: Vec::new(),
        };
        EvaluationInput {
            networks,
            process,
            now: Moment { unix: clock(), uptime: started.elapsed() },
            jumped: BTreeSet::new(),
        }
    });
    let notifications = shared.meters.notifications().clone();
    Engine::new(Catalogue::default(), look, shared.news.clone(), notifications, shared.history.clone(), clock)
        .with_environment(jitter, evaluation_pause)
}
