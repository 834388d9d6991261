//! A simulated network on loopback, some nodes that serve it, and a follower that polls on request.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::chain::DASH;
use domain::watch::{Selector, WatchEntry, WatchList};
use domain::{Event, NetworkState, Snapshot, UnixSeconds};
use masternode_exporter::follower::offline_backfill::{BackfillError, OfflineBackfill};
use masternode_exporter::follower::{self, Follower, FollowerSettings, OptionalQueries};
use masternode_exporter::history::{self, Writer, WriterHandle};
use masternode_exporter::meters::Meters;
use masternode_exporter::metrics::{self, Exposition, Format};
use masternode_exporter::rpc::{self, Client, Credentials, Dialect, dialect};
use masternode_exporter::secret::Secret;
use prometheus::Registry;
use simulator::{Action, Clock, Network, Options, RunningServer, Server, ServerOptions};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::samples::Page;

/// Maximum wait of a test for an answer that never comes.
const TIMEOUT: Duration = Duration::from_millis(1_500);

/// See the module.
pub(crate) struct Stage {
    pub(crate) network: Network,
    pub(crate) servers: Vec<RunningServer>,
    follower: Option<Follower>,
    pub(crate) settings: FollowerSettings,
    pub(crate) dialect: Arc<Dialect>,
    history: Option<Recording>,
    states: watch::Receiver<Arc<NetworkState>>,
    watch_list: watch::Sender<WatchList>,
    exposition: Arc<Exposition>,
}

/// A history in a separate folder, and its writer.
struct Recording {
    folder: TempDir,
    writer: Option<(Writer, WriterHandle)>,
}

/// The current time of every stage, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

impl Stage {
    /// A scripted private network of 9 regular and 3 Evo masternodes behind one node: limit 100, step 66, safe level 34.
    pub(crate) async fn small() -> Stage {
        Stage::new(Options::default(), 1).await
    }

    /// A network behind the given number of nodes, `node-0` being the preferred one. Every masternode is watched as
    /// `mn-<index>`.
    pub(crate) async fn new(options: Options, nodes: usize) -> Stage {
        Stage::with(options, nodes, |_| {}).await
    }

    /// As [`Stage::new`] with other settings of the follower.
    pub(crate) async fn with(options: Options, nodes: usize, change: impl FnOnce(&mut FollowerSettings)) -> Stage {
        let network = Network::new(options).unwrap();
        let mut servers = Vec::new();
        for _ in 0..nodes {
            servers.push(Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn());
        }
        let mut settings = follower_settings();
        change(&mut settings);
        let (watch_list, _) = watch::channel(watch_all(&network));
        let meters = Meters::new(&Registry::new());
        let (_, states) = follower::state_channel(&settings, &[], &meters);
        let exposition = Exposition::new(metrics::MetricsSettings::default(), Registry::new());
        let dialect = Arc::new(dialect::DASH);
        let follower = None;
        let mut stage =
            Stage { network, servers, follower, settings, dialect, history: None, states, watch_list, exposition };
        stage.start();
        stage
    }

    /// A stage with a history, after the first poll. Calls follow the dialect.
    pub(crate) async fn recording(
        options: Options,
        dialect: Dialect,
        change: impl FnOnce(&mut FollowerSettings),
    ) -> Stage {
        let mut stage = Stage::with(options, 1, change).await;
        stage.history = Some(Recording { folder: tempfile::tempdir().unwrap(), writer: None });
        stage.dialect = Arc::new(dialect);
        stage.restart().await;
        stage
    }

    /// The same, with events from before the history began.
    pub(crate) async fn recording_after(
        before: impl FnOnce(&Network),
        change: impl FnOnce(&mut FollowerSettings),
    ) -> Stage {
        let mut stage = Stage::with(Options::default(), 1, change).await;
        before(&stage.network);
        stage.history = Some(Recording { folder: tempfile::tempdir().unwrap(), writer: None });
        stage.restart().await;
        stage
    }

    /// Lets the follower import old blocks, in at most the given number of steps. Returns whether there is more to do.
    pub(crate) async fn fill(&mut self, steps: usize) -> bool {
        for step in 0..steps {
            // A poll that times out on a busy machine delays the backfill too.
            if step % 50 == 49 {
                self.poll().await;
            }
            if !self.follower.as_mut().unwrap().fill().await {
                return false;
            }
        }
        true
    }

    /// The same, but the history cannot be opened until that is allowed.
    pub(crate) async fn without_its_history() -> Stage {
        let mut stage = Stage::with(Options::default(), 1, |_| {}).await;
        stage.history = Some(Recording { folder: tempfile::tempdir().unwrap(), writer: None });
        stage.forbid_history();
        stage.restart().await;
        stage
    }

    /// Makes the next start find a history that cannot be opened. File permissions would not affect a test that root
    /// runs.
    pub(crate) fn forbid_history(&self) {
        let lock = self.history().with_extension("db.lock");
        // There is no file before the first start.
        let _ = std::fs::remove_file(&lock);
        std::fs::create_dir(lock).unwrap();
    }

    /// Makes that history readable again.
    pub(crate) async fn allow_history(&self) {
        std::fs::remove_dir(self.history().with_extension("db.lock")).unwrap();
        assert_eq!(self.flush().await, 0);
    }

    /// The start of a process: everything in memory is new, the history is opened.
    fn start(&mut self) {
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let dialect = &self.dialect;
        let clients: Vec<Client> =
            (0..).zip(&self.servers).map(|(index, server)| client(index, server, dialect.clone(), &meters)).collect();
        let (publish, states) = follower::state_channel(&self.settings, &clients, &meters);
        let mut follower = Follower::new(self.settings.clone(), clients, &meters, self.watch_list.subscribe(), publish);
        if let Some(history) = &mut self.history {
            let path = history.folder.path().join("history.db");
            let retention = Duration::from_secs(400 * 86_400);
            let settings = history::HistorySettings { path, retention, clock: || UnixSeconds(NOW) };
            let (writer, ended) = Writer::start(settings, meters.history().clone()).unwrap();
            follower = follower.with_history(writer.clone());
            history.writer = Some((writer, ended));
        }
        self.follower = Some(follower);
        self.states = states;
        self.exposition = Exposition::new(metrics::MetricsSettings::default(), registry);
    }

    /// Ends the process: the data in memory is lost.
    pub(crate) async fn stop(&mut self) {
        self.follower = None;
        if let Some((writer, ended)) = self.history.as_mut().and_then(|history| history.writer.take()) {
            drop(writer);
            assert!(ended.within(Duration::from_secs(20)).await.is_some(), "the history is closed");
        }
    }

    /// Starts it again on the same history, and polls once.
    pub(crate) async fn restart(&mut self) {
        self.start();
        self.poll().await;
    }

    /// The backfill from the first node.
    pub(crate) async fn backfill(&self) -> Result<OfflineBackfill, BackfillError> {
        let meters = Meters::new(&Registry::new());
        let client = client(0, &self.servers[0], self.dialect.clone(), &meters);
        OfflineBackfill::new(self.settings.clone(), client).await
    }

    /// A client of the first node, apart from the follower's.
    pub(crate) fn client(&self) -> Client {
        let meters = Meters::new(&Registry::new());
        client(0, &self.servers[0], self.dialect.clone(), &meters)
    }

    /// The history's file.
    pub(crate) fn history(&self) -> PathBuf {
        self.history.as_ref().unwrap().folder.path().join("history.db")
    }

    /// Tries to write the queued steps. Returns the number of steps that are still queued.
    pub(crate) async fn flush(&self) -> usize {
        let (writer, _) = self.history.as_ref().unwrap().writer.as_ref().unwrap();
        writer.flush().await.unwrap()
    }

    /// A stage after the first poll.
    pub(crate) async fn following() -> Stage {
        let mut stage = Stage::small().await;
        stage.poll().await;
        stage
    }

    /// A stage behind the given number of nodes, after the first poll.
    pub(crate) async fn following_of(nodes: usize) -> Stage {
        let mut stage = Stage::new(Options::default(), nodes).await;
        stage.poll().await;
        stage
    }

    /// Replaces the first node by one that is the masternode `mn-<index>`, behind a process that starts again.
    pub(crate) async fn serve_masternode(&mut self, index: usize) {
        let options = ServerOptions { masternode: Some(self.masternode(index)), ..ServerOptions::default() };
        let server = Server::bind_with(self.network.clone(), "127.0.0.1:0", options).await.unwrap();
        self.servers[0] = server.spawn();
        self.start();
    }

    /// Lets the follower poll once.
    pub(crate) async fn poll(&mut self) {
        self.follower.as_mut().unwrap().poll().await;
    }

    /// Mines a block with these actions, and polls.
    pub(crate) async fn mine(&mut self, actions: &[Action]) {
        self.network.mine_with(actions).unwrap();
        self.poll().await;
    }

    /// The page that a scrape would get now.
    pub(crate) async fn page(&self) -> Page {
        Page::read(&self.text(Format::Text).await)
    }

    /// Its text.
    pub(crate) async fn text(&self, format: Format) -> String {
        self.exposition.publish(self.state());
        self.exposition.text(format).await
    }

    /// The state that is published now.
    pub(crate) fn state(&self) -> Arc<NetworkState> {
        self.states.borrow().clone()
    }

    /// The states, as they are published.
    pub(crate) fn states(&self) -> watch::Receiver<Arc<NetworkState>> {
        self.states.clone()
    }

    /// The currently published snapshot.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.states.borrow().snapshot.clone()
    }

    /// Events of the snapshot, oldest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.snapshot().map(|snapshot| snapshot.recent_events().to_vec()).unwrap_or_default()
    }

    /// The proTxHash of `mn-<index>`.
    pub(crate) fn masternode(&self, index: usize) -> String {
        self.network.masternodes()[index].clone()
    }

    /// Activates another watch list, as a reload does.
    pub(crate) fn watch(&self, list: WatchList) {
        self.watch_list.send_replace(list);
    }
}

/// A failure of one masternode in the given number of commitments of one block.
pub(crate) fn fail(masternode: &str, commitments: usize) -> Action {
    Action::FailDkg { masternode: masternode.into(), commitments, quorum_type: None }
}

fn client(index: usize, server: &RunningServer, dialect: Arc<Dialect>, meters: &Meters) -> Client {
    let settings = rpc::RpcSettings {
        name: format!("node-{index}"),
        url: server.handle().url(),
        credentials: Credentials::Password { user: "user".into(), password: Secret::new("password") },
        timeout: TIMEOUT,
        dialect,
        ..rpc::RpcSettings::default()
    };
    let meters = meters.rpc("dash-test", &settings.name);
    Client::new(settings, meters).unwrap()
}

/// The clock of a network whose tip has the present time, for a process that reads the real clock.
pub(crate) fn present() -> Clock {
    Clock::Fixed(masternode_exporter::app::now().0)
}

/// Settings of a follower that polls when the test says so.
pub(crate) fn follower_settings() -> FollowerSettings {
    FollowerSettings {
        network: "dash-test".into(),
        rules: Arc::new(DASH),
        expect: None,
        poll_interval: Duration::ZERO,
        stale_after: Duration::from_secs(900),
        // The blocks of a stage have no relation to its clock.
        stalled_seconds: Some(u64::MAX),
        resync_blocks: 576,
        ask: OptionalQueries::default(),
        max_gap_blocks: 5000,
        backfill_blocks: 0,
        retention: Duration::from_secs(400 * 86_400),
        clock: || UnixSeconds(NOW),
        started: tokio::time::Instant::now(),
    }
}

/// Watches every masternode as `mn-<index>`.
pub(crate) fn watch_all(network: &Network) -> WatchList {
    let entry = |(index, id): (usize, &String)| WatchEntry {
        selector: Selector::Id(id.parse().unwrap()),
        alias: format!("mn-{index}"),
        groups: [("half".to_string(), if index % 2 == 0 { "even" } else { "odd" }.to_string())].into(),
        expectations: vec![],
        thresholds: Default::default(),
    };
    WatchList::new(network.masternodes().iter().enumerate().map(entry).collect())
}
