//! What the alerting engine looks at: the networks that run, how their nodes fare, and this process.
//!
//! Never here: what is told of it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::alerting::evaluate::EvaluationInput;
use crate::alerting::{Engine, StateSource};
use crate::app::network::Shared;
use crate::app::now;
use crate::app::web_state::NetworkStates;
use domain::masternode::UnixSeconds;

/// The engine, at rest until it has settings.
pub(super) fn engine(shared: &Shared, networks: watch::Receiver<NetworkStates>) -> Engine {
    let (history, process, started) = (shared.meters.history().clone(), shared.process.subscribe(), shared.started);
    let look: StateSource = Box::new(move || {
        let process = *process.borrow();
        EvaluationInput {
            networks: networks.borrow().values().map(|state| Arc::clone(&state.borrow())).collect(),
            config_good: process.config_good,
            web_config_good: process.web_config_good,
            history_damaged: history.health().damaged_rows,
            failing: Vec::new(),
            // Told by the clock that does not jump, and not as it was read when the process started.
            started: UnixSeconds(now().0.saturating_sub(started.elapsed().as_secs())),
        }
    });
    let notifications = shared.meters.notifications().clone();
    Engine::new(look, shared.news.clone(), notifications, shared.history.clone(), now)
}
