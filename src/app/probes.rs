//! Calls of one network's watched masternodes: begun where they are asked for, by other settings after a reload, ended.
//!
//! Never here: whom to call, and how (`probe`).

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::app::network::{Shared, SnapshotReceiver};
use crate::app::now;
use crate::metrics::Exposition;
use crate::probe::{ProbeSettings, Prober};
use domain::probe::Probes;

/// Where what came of a network's calls is found: none where nobody is called. Beside the snapshots and not in them, because a
/// call ends when it ends, and the next block may be minutes away.
pub(super) type ProbesReceiver = watch::Receiver<Option<Arc<Probes>>>;

/// What calls the masternodes of one network, if anything does.
pub(super) struct ProbeTask {
    settings: Option<ProbeSettings>,
    published: watch::Sender<Option<Arc<Probes>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl ProbeTask {
    /// Begins to call those who are watched, by `settings`; without any nobody is called.
    pub(super) fn start(
        settings: Option<ProbeSettings>,
        network: &str,
        snapshots: &SnapshotReceiver,
        shared: &Shared,
    ) -> ProbeTask {
        let mut calls = ProbeTask { settings: None, published: watch::Sender::default(), tasks: Vec::new() };
        calls.begin(settings, network, snapshots, shared);
        calls
    }

    /// What comes of them, whatever the settings are then.
    pub(super) fn results(&self) -> ProbesReceiver {
        self.published.subscribe()
    }

    /// Calls by other settings from now on. What was known is forgotten: it may be of addresses that are called no more.
    pub(super) async fn reconfigure(
        &mut self,
        settings: Option<ProbeSettings>,
        network: &str,
        snapshots: &SnapshotReceiver,
        shared: &Shared,
    ) {
        self.stop(network, shared).await;
        self.begin(settings, network, snapshots, shared);
    }

    fn begin(&mut self, settings: Option<ProbeSettings>, network: &str, snapshots: &SnapshotReceiver, shared: &Shared) {
        self.settings = settings;
        // That nobody was called yet is not that nobody is called: whoever judges must not take it for an end.
        self.published.send_replace(self.settings.as_ref().map(|_| Arc::default()));
        let Some(wanted) = self.settings.clone() else { return };
        let (publish, results) = watch::channel(Arc::default());
        let prober = Prober::new(wanted, now, snapshots.clone(), publish);
        let (exposition, news) = (shared.exposition.clone(), shared.news.clone());
        let show = publish_probes(exposition, news, network.to_string(), self.published.clone(), results);
        self.tasks = vec![tokio::spawn(prober.run()), tokio::spawn(show)];
    }

    /// Whether they are made by these settings.
    pub(super) fn are_by(&self, settings: Option<&ProbeSettings>) -> bool {
        self.settings.as_ref() == settings
    }

    /// Stops calling, and takes what came of it off the page. Whoever judges keeps what was known: this is no news of anybody.
    pub(super) async fn stop(&mut self, network: &str, shared: &Shared) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Waited for, so that it puts nothing on the page any more. That it was stopped is no news.
            let _ = task.await;
        }
        shared.exposition.publish_probes(network, None);
    }
}

/// Hands what came of calling a network's masternodes to all who want it. Whoever tells of it comes first.
async fn publish_probes(
    exposition: Arc<Exposition>,
    news: Arc<Notify>,
    network: String,
    published: watch::Sender<Option<Arc<Probes>>>,
    mut results: watch::Receiver<Arc<Probes>>,
) {
    while results.changed().await.is_ok() {
        let probes = results.borrow_and_update().clone();
        published.send_replace(Some(probes.clone()));
        news.notify_one();
        exposition.publish_probes(&network, Some(probes));
    }
}
