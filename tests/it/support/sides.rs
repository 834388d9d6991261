//! Nodes on one chain or on two that split at the activation of v24, and a follower with a history on them.

use std::sync::Arc;
use std::time::Duration;

use domain::watch::WatchList;
use domain::{NetworkState, Snapshot};
use masternode_exporter::follower::{self, Follower, FollowerSettings};
use masternode_exporter::history::{self, Writer, WriterHandle};
use masternode_exporter::meters::Meters;
use masternode_exporter::metrics::{self, Exposition, Format};
use masternode_exporter::rpc::{self, Client, Credentials};
use masternode_exporter::secret::Secret;
use prometheus::Registry;
use simulator::{Network, Options};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::harness::{follower_settings, watch_all};
use crate::support::relay::{Node, Relay};
use crate::support::samples::Page;

/// Some nodes on one network or on two, and a follower; the first node is preferred.
pub(crate) struct Fork {
    pub(crate) relays: Vec<Relay>,
    pub(crate) follower: Option<Follower>,
    states: Option<watch::Receiver<Arc<NetworkState>>>,
    exposition: Arc<Exposition>,
    folder: TempDir,
    writer: Option<(Writer, WriterHandle)>,
    watch_list: watch::Sender<WatchList>,
    stale_after: Duration,
}

pub(crate) fn network() -> Network {
    Network::new(Options::default()).unwrap()
}

impl Fork {
    /// What is not confirmed is stale at once.
    pub(crate) async fn new(nodes: Vec<(Network, Node)>) -> Fork {
        Fork::with_stale_after(nodes, Duration::ZERO).await
    }

    pub(crate) async fn with_stale_after(nodes: Vec<(Network, Node)>, stale_after: Duration) -> Fork {
        let mut relays = Vec::new();
        for (network, node) in nodes {
            relays.push(Relay::start(network, node).await);
        }
        let (watch_list, _) = watch::channel(watch_all(&relays[0].network));
        let exposition = Exposition::new(metrics::MetricsSettings::default(), Registry::new());
        let folder = tempfile::tempdir().unwrap();
        let (follower, states, writer) = (None, None, None);
        let mut fork = Fork { relays, follower, states, exposition, folder, writer, watch_list, stale_after };
        fork.start();
        fork
    }

    fn start(&mut self) {
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let client = |(index, relay): (usize, &Relay)| {
            let settings = rpc::RpcSettings {
                name: format!("node-{index}"),
                url: relay.url.clone(),
                credentials: Credentials::Password { user: "user".into(), password: Secret::new("password") },
                timeout: Duration::from_secs(5),
                ..rpc::RpcSettings::default()
            };
            let meters = meters.rpc("dash-test", &settings.name);
            Client::new(settings, meters).unwrap()
        };
        let clients: Vec<Client> = self.relays.iter().enumerate().map(client).collect();
        let settings = FollowerSettings { stale_after: self.stale_after, ..follower_settings() };
        let (publish, states) = follower::state_channel(&settings, &clients, &meters);
        let path = self.folder.path().join("history.db");
        let kept = history::HistorySettings { path, retention: settings.retention, clock: settings.clock };
        let (writer, ended) = Writer::start(kept, meters.history().clone()).unwrap();
        let follower = Follower::new(settings, clients, &meters, self.watch_list.subscribe(), publish);
        self.follower = Some(follower.with_history(writer.clone()));
        self.writer = Some((writer, ended));
        self.states = Some(states);
        self.exposition = Exposition::new(metrics::MetricsSettings::default(), registry);
    }

    /// Ends the process and starts it again on the same history.
    pub(crate) async fn restart(&mut self) {
        self.follower = None;
        let (writer, ended) = self.writer.take().unwrap();
        drop(writer);
        assert!(ended.within(Duration::from_secs(20)).await.is_some(), "the history is closed");
        self.start();
    }

    /// Polls often enough that waiting sources are polled too. Returns the page.
    pub(crate) async fn look(&mut self) -> Page {
        for _ in 0..6 {
            self.follower.as_mut().unwrap().poll().await;
        }
        self.page().await
    }

    pub(crate) async fn page(&self) -> Page {
        self.exposition.publish(self.state());
        Page::read(&self.exposition.text(Format::Text).await)
    }

    fn state(&self) -> Arc<NetworkState> {
        self.states.as_ref().unwrap().borrow().clone()
    }

    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.state().snapshot.clone()
    }

    pub(crate) fn height(&self) -> Option<u32> {
        self.snapshot().map(|snapshot| snapshot.block().height.0)
    }

    pub(crate) fn hash(&self) -> Option<String> {
        self.snapshot().map(|snapshot| snapshot.block().hash.to_string())
    }
}

pub(crate) fn mine_to(network: &Network, height: u32) {
    network.mine((height - network.tip().0) as usize);
}

/// Two chains that are equal up to the block before the activation and differ from there on.
pub(crate) fn sides(common: u32) -> (Network, Network) {
    let (old, new) = (network(), network());
    mine_to(&old, common);
    mine_to(&new, common);
    assert_eq!(old.tip(), new.tip());
    (old, new)
}

/// Gives the old side a different block instead of the common one.
pub(crate) fn part(old: &Network, new: &Network) {
    old.mine(1);
    new.mine(1);
    old.reorg(1, &[vec![]]).unwrap();
    assert_ne!(old.tip().1, new.tip().1);
}
