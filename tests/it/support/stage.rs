//! A simulated network on loopback, some nodes that serve it, and our follower on them: polls happen when told.

use std::sync::Arc;
use std::time::Duration;

use masternode_exporter::domain::chain::DASH;
use masternode_exporter::domain::watch::{Selector, WatchEntry, WatchList};
use masternode_exporter::domain::{Event, Snapshot, UnixSeconds};
use masternode_exporter::follower::{Follower, Settings};
use masternode_exporter::meters::Meters;
use masternode_exporter::metrics::{self, Exposition, Format};
use masternode_exporter::rpc::{self, Client, Credentials, Secret};
use masternode_exporter::sim::{Action, Network, Options, RunningServer, Server};
use prometheus::Registry;
use tokio::sync::watch;

use crate::support::samples::Page;

/// Longest that a test waits for an answer that never comes.
const TIMEOUT: Duration = Duration::from_millis(400);

/// See the module.
pub(crate) struct Stage {
    pub(crate) network: Network,
    pub(crate) servers: Vec<RunningServer>,
    follower: Follower,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    watch_list: watch::Sender<WatchList>,
    exposition: Arc<Exposition>,
}

/// The present of every stage, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

impl Stage {
    /// A scripted private network of 9 regular and 3 Evo masternodes behind one node: limit 100, step 66, safe level 34.
    pub(crate) async fn small() -> Stage {
        Stage::new(Options::default(), 1).await
    }

    /// A network behind so many nodes, `node-0` being the preferred one. Every masternode is watched as `mn-<index>`.
    pub(crate) async fn new(options: Options, nodes: usize) -> Stage {
        Stage::with(options, nodes, |_| {}).await
    }

    /// As [`Stage::new`] with other settings of the follower.
    pub(crate) async fn with(options: Options, nodes: usize, change: impl FnOnce(&mut Settings)) -> Stage {
        let network = Network::new(options).unwrap();
        let mut servers = Vec::new();
        for _ in 0..nodes {
            servers.push(Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn());
        }
        let registry = Registry::new();
        let meters = Meters::new(&registry).unwrap();
        let clients = (0..).zip(&servers).map(|(index, server)| client(index, server, &meters)).collect();
        let mut settings = Settings {
            network: "dash-test".into(),
            rules: Arc::new(DASH),
            poll_interval: Duration::ZERO,
            stale_after: Duration::from_secs(900),
            resync_blocks: 576,
            max_gap_blocks: 5000,
            clock: || UnixSeconds(NOW),
        };
        change(&mut settings);
        let (watch_list, watch_receiver) = watch::channel(watch_all(&network));
        let (publish, snapshots) = watch::channel(None);
        let follower = Follower::new(settings, clients, &meters, watch_receiver, publish);
        let exposition = Exposition::new(metrics::Settings::default(), registry).unwrap();
        Stage { network, servers, follower, snapshots, watch_list, exposition }
    }

    /// A stage on which the network has been seen once.
    pub(crate) async fn following() -> Stage {
        let mut stage = Stage::small().await;
        stage.poll().await;
        stage
    }

    /// Lets the follower look once.
    pub(crate) async fn poll(&mut self) {
        self.follower.poll().await;
    }

    /// Mines a block in which this happens, and lets the follower look.
    pub(crate) async fn mine(&mut self, actions: &[Action]) {
        self.network.mine_with(actions).unwrap();
        self.poll().await;
    }

    /// The page that a scrape would get now.
    pub(crate) async fn page(&self) -> Page {
        self.exposition.publish("dash-test", self.snapshot());
        Page::read(&self.exposition.text(Format::Text).await)
    }

    /// The snapshot that is published now.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshots.borrow().clone()
    }

    /// Events of the snapshot, oldest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.snapshot().map(|snapshot| snapshot.recent_events().to_vec()).unwrap_or_default()
    }

    /// The proTxHash of `mn-<index>`.
    pub(crate) fn masternode(&self, index: usize) -> String {
        self.network.masternodes()[index].clone()
    }

    /// Puts another watch list in force, as a reload does.
    pub(crate) fn watch(&self, list: WatchList) {
        self.watch_list.send_replace(list);
    }
}

/// A failure of one masternode in so many commitments of one block.
pub(crate) fn fail(masternode: &str, commitments: usize) -> Action {
    Action::FailDkg { masternode: masternode.into(), commitments, quorum_type: None }
}

fn client(index: usize, server: &RunningServer, meters: &Meters) -> Client {
    let settings = rpc::Settings {
        name: format!("node-{index}"),
        url: server.handle().url(),
        credentials: Credentials::Password { user: "user".into(), password: Secret::new("password") },
        timeout: TIMEOUT,
        ..rpc::Settings::default()
    };
    let meters = meters.rpc("dash-test", &settings.name);
    Client::new(settings, meters).unwrap()
}

fn watch_all(network: &Network) -> WatchList {
    let entry = |(index, id): (usize, &String)| WatchEntry {
        selector: Selector::Id(id.parse().unwrap()),
        alias: format!("mn-{index}"),
        groups: [("half".to_string(), if index % 2 == 0 { "even" } else { "odd" }.to_string())].into(),
        expectations: vec![],
    };
    WatchList::new(network.masternodes().iter().enumerate().map(entry).collect())
}
