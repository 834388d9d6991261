//! Probes of one network's watched masternodes: started if enabled, restarted with new settings after a reload,
//! stopped.
//!
//! Never here: targets and protocol of a probe (`probe`).

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::now;
use crate::probe::{ProbeSettings, Prober};
use domain::NetworkState;
use domain::probe::Probes;

/// The prober of one network, if enabled. Of the network's state it writes the probe results.
pub(super) struct ProbeTask {
    settings: Option<ProbeSettings>,
    state: watch::Sender<Arc<NetworkState>>,
    tasks: Vec<JoinHandle<()>>,
}

impl ProbeTask {
    /// Starts to probe the watched masternodes with `settings`; `None` disables probes.
    pub(super) fn start(settings: Option<ProbeSettings>, state: watch::Sender<Arc<NetworkState>>) -> ProbeTask {
        let mut calls = ProbeTask { settings: None, state, tasks: Vec::new() };
        calls.begin(settings);
        calls
    }

    /// Applies new settings. Earlier results are discarded: their addresses may no longer be probed.
    pub(super) async fn reconfigure(&mut self, settings: Option<ProbeSettings>) {
        self.stop().await;
        self.begin(settings);
    }

    fn begin(&mut self, settings: Option<ProbeSettings>) {
        self.settings = settings;
        // Not yet probed is different from not probed: alert evaluation must not take it for a resolution.
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

    /// Whether these settings are in use.
    pub(super) fn are_by(&self, settings: Option<&ProbeSettings>) -> bool {
        self.settings.as_ref() == settings
    }

    /// Stops probing. The last results stay: stopping is no result.
    pub(super) async fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Awaited, so that it publishes nothing more. The only error is its cancellation.
            let _ = task.await;
        }
    }
}

fn publish_probes(state: &watch::Sender<Arc<NetworkState>>, probes: Option<Arc<Probes>>) {
    state.send_modify(|state| Arc::make_mut(state).probes = probes);
}
