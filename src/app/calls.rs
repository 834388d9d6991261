//! Calls of one network's watched masternodes: begun where they are asked for, by other settings after a reload, ended.
//!
//! Never here: whom to call, and how (`probe`).

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::network::SnapshotReceiver;
use crate::app::now;
use crate::domain::probe::Probes;
use crate::metrics::Exposition;
use crate::probe::{Prober, Settings};

/// What calls the masternodes of one network, if anything does.
pub(super) struct Calls {
    settings: Option<Settings>,
    tasks: Vec<JoinHandle<()>>,
}

impl Calls {
    /// Begins to call those who are watched, by `settings`; without any nobody is called.
    pub(super) fn start(
        settings: Option<Settings>,
        network: &str,
        snapshots: &SnapshotReceiver,
        exposition: &Arc<Exposition>,
    ) -> Calls {
        let Some(wanted) = settings.clone() else { return Calls { settings, tasks: Vec::new() } };
        let (publish, results) = watch::channel(Arc::default());
        let prober = Prober::new(wanted, now, snapshots.clone(), publish);
        let show = show(exposition.clone(), network.to_string(), results);
        Calls { settings, tasks: vec![tokio::spawn(prober.run()), tokio::spawn(show)] }
    }

    /// Whether they are made by these settings.
    pub(super) fn are_by(&self, settings: Option<&Settings>) -> bool {
        self.settings.as_ref() == settings
    }

    /// Stops calling, and takes what came of it off the page.
    pub(super) async fn stop(&mut self, network: &str, exposition: &Exposition) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Waited for, so that it puts nothing on the page any more. That it was stopped is no news.
            let _ = task.await;
        }
        exposition.publish_probes(network, None);
    }
}

/// Hands what came of calling a network's masternodes to the exposition.
async fn show(exposition: Arc<Exposition>, network: String, mut results: watch::Receiver<Arc<Probes>>) {
    while results.changed().await.is_ok() {
        let probes = results.borrow_and_update().clone();
        exposition.publish_probes(&network, Some(probes));
    }
}
