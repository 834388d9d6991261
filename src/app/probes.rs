//! Calls of one network's watched masternodes: begun where they are asked for, by other settings after a reload, ended.
//!
//! Never here: whom to call, and how (`probe`).

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::now;
use crate::probe::{ProbeSettings, Prober};
use domain::NetworkState;
use domain::probe::Probes;

/// What calls the masternodes of one network, if anything does. Of the network's state it writes the probes.
pub(super) struct ProbeTask {
    settings: Option<ProbeSettings>,
    state: watch::Sender<Arc<NetworkState>>,
    tasks: Vec<JoinHandle<()>>,
}

impl ProbeTask {
    /// Begins to call those who are watched, by `settings`; without any nobody is called.
    pub(super) fn start(settings: Option<ProbeSettings>, state: watch::Sender<Arc<NetworkState>>) -> ProbeTask {
        let mut calls = ProbeTask { settings: None, state, tasks: Vec::new() };
        calls.begin(settings);
        calls
    }

    /// Calls by other settings from now on. What was known is forgotten: it may be of addresses that are called no more.
    pub(super) async fn reconfigure(&mut self, settings: Option<ProbeSettings>) {
        self.stop().await;
        self.begin(settings);
    }

    fn begin(&mut self, settings: Option<ProbeSettings>) {
        self.settings = settings;
        // That nobody was called yet is not that nobody is called: whoever judges must not take it for an end.
        publish_probes(&self.state, self.settings.as_ref().map(|_| Arc::default()));
        let Some(wanted) = self.settings.clone() else { return };
        let (publish, mut results) = watch::channel(Arc::default());
        let prober = Prober::new(wanted, now, self.state.subscribe(), publish);
        let state = self.state.clone();
        let forward = async move {
            while results.changed().await.is_ok() {
                let probes = results.borrow_and_update().clone();
                publish_probes(&state, Some(probes));
            }
        };
        self.tasks = vec![tokio::spawn(prober.run()), tokio::spawn(forward)];
    }

    /// Whether they are made by these settings.
    pub(super) fn are_by(&self, settings: Option<&ProbeSettings>) -> bool {
        self.settings.as_ref() == settings
    }

    /// Stops calling. Whoever judges keeps what was known: this is no news of anybody.
    pub(super) async fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Waited for, so that it publishes nothing any more. That it was stopped is no news.
            let _ = task.await;
        }
    }
}

fn publish_probes(state: &watch::Sender<Arc<NetworkState>>, probes: Option<Arc<Probes>>) {
    state.send_modify(|state| Arc::make_mut(state).probes = probes);
}
