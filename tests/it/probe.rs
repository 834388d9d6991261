//! The whole exporter on a simulated network with one real masternode: a peer on this host.
//!
//! Never here: an address outside this host.

use std::time::Duration;

use domain::watch::{Selector, WatchEntry};
use masternode_exporter::app::{App, Environment};
use masternode_exporter::config::{ChainConfig, Config, ConfigSources, LoadedConfig, NetworkConfig, SourceConfig};
use masternode_exporter::outbound::Outbound;
use masternode_exporter::probe;
use masternode_exporter::probe::codec::{VERACK, VERSION, Version, message};
use masternode_exporter::rpc::{Credentials, RpcUrl};
use masternode_exporter::secret::Secret;
use simulator::{Action, Network, Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::support::samples::Page;

/// Far more than any step takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Dash's regtest.
const MAGIC: [u8; 4] = [0xfc, 0xc1, 0xb7, 0xdc];

const HERE: &[(&str, &str)] = &[("alias", "here")];
const ELSEWHERE: &[(&str, &str)] = &[("alias", "elsewhere")];

/// A masternode of Dash Core 23.1, as seen in a handshake. Answers after the client's `version`.
async fn peer(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut start = [0; 16];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!((&start[..4], &start[4..]), (&MAGIC[..], &VERSION[..]));
        let version = Version { protocol_version: 70_240, timestamp: 1, nonce: 2, agent: "/Dash Core:23.1.2/".into() };
        let payload = [version.payload(), vec![9; 32], vec![1]].concat();
        let answer = [message(MAGIC, VERSION, &payload), message(MAGIC, VERACK, &[])].concat();
        stream.write_all(&answer).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    }
}

fn config(network: &Network, url: String, probe: Option<probe::ProbeSettings>) -> Config {
    let mut config = masternode_exporter::config::load(&ConfigSources::default()).unwrap().config;
    let access = Credentials::Password { user: "user".into(), password: Secret::new("password") };
    config.networks = vec![NetworkConfig {
        name: "dash-test".into(),
        chain: ChainConfig::dash(),
        expect: None,
        sources: vec![SourceConfig {
            name: "node".into(),
            url: RpcUrl::new(url),
            credentials: access,
            timeout: PATIENCE,
            outbound: Outbound::default(),
        }],
        poll_interval: Duration::from_millis(50),
        stale_after: Duration::from_secs(60),
        resync_blocks: 576,
        ask: masternode_exporter::follower::OptionalQueries::default(),
        max_gap_blocks: 5000,
        backfill_blocks: 0,
    }];
    let entry = |(id, alias): (&String, &str)| {
        let selector = Selector::Id(id.parse().unwrap());
        (
            None,
            WatchEntry {
                selector,
                alias: alias.into(),
                groups: [].into(),
                expectations: vec![],
                thresholds: Default::default(),
            },
        )
    };
    config.watch = network.masternodes().iter().zip(["here", "elsewhere"]).map(entry).collect();
    config.metrics.probed = probe.is_some();
    config.probe = probe;
    config
}

/// An exporter with a configuration, which it reloads on request.
struct Exporter {
    url: String,
    config: watch::Sender<Config>,
    hangup: mpsc::Sender<()>,
}

impl Exporter {
    async fn start(config: Config) -> Exporter {
        let app = App::start(&config, Environment::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let (hangup, hangups) = mpsc::channel(1);
        let (sender, receiver) = watch::channel(config.clone());
        tokio::spawn(async move {
            let load = || Ok(LoadedConfig { config: receiver.borrow().clone(), warnings: vec![], settings: vec![] });
            app.serve(vec![listener], &config, load, hangups, std::future::pending()).await;
        });
        Exporter { url, config: sender, hangup }
    }

    async fn reload(&self, config: Config) {
        self.config.send_replace(config);
        self.hangup.send(()).await.unwrap();
    }

    /// The first page that meets a condition.
    async fn page(&self, wanted: impl Fn(&Page) -> bool) -> Page {
        let pages = async {
            loop {
                let page = reqwest::get(&self.url).await.unwrap().text().await.unwrap();
                let page = Page::read(&page);
                if wanted(&page) {
                    return page;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, pages).await.expect("such a page comes")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_masternode_is_reachable_on_the_page() {
    let network = Network::new(Options::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = tokio::spawn(peer(listener));
    let here = network.masternodes()[0].clone();
    network.mine_with(&[Action::MoveHere { masternode: here, port }]).unwrap();
    let node = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
    let url = node.handle().url();

    // Addresses of the other masternodes are outside this host and must not be probed, so private ones are refused
    // first.
    let careful = config(&network, url.clone(), Some(probe::ProbeSettings::default()));
    let exporter = Exporter::start(careful).await;
    let page = exporter.page(|page| page.count("masternode_p2p_failure") > 0).await;
    for node in [HERE, ELSEWHERE] {
        page.expect("masternode_p2p_failure", &[node[0], ("reason", "private")], 1.0);
        page.expect_absent("masternode_p2p_reachable", node);
        page.expect_absent(
            "masternode_requirement_met",
            &[node[0], ("requirement", "p2p_port"), ("evidence", "probe")],
        );
    }

    let mut allowed =
        config(&network, url.clone(), Some(probe::ProbeSettings { allow_private: true, ..Default::default() }));
    allowed.watch.truncate(1);
    exporter.reload(allowed).await;
    let page = exporter.page(|page| page.count("masternode_p2p_reachable") > 0).await;
    page.expect("masternode_p2p_reachable", HERE, 1.0);
    page.expect("masternode_p2p_protocol_version", HERE, 70_240.0);
    page.expect("masternode_p2p_agent_info", &[HERE[0], ("agent", "/Dash Core:23.1.2/")], 1.0);
    page.expect_absent("masternode_p2p_failure", HERE);
    let met = |requirement| [HERE[0], ("requirement", requirement), ("evidence", "probe")];
    page.expect("masternode_requirement_met", &met("p2p_port"), 1.0);
    page.expect("masternode_requirement_met", &met("protocol_version"), 1.0);
    page.expect("masternode_requirement_met", &[HERE[0], ("requirement", "dkg_participation")], 1.0);
    page.expect("masternode_network_minimum_protocol_version", &[], 70_240.0);
    page.expect("masternode_network_sporks_compiled_in", &[], 0.0);
    let all = [("spork", "SPORK_23_QUORUM_POSE"), ("quorums", "all")];
    page.expect("masternode_network_quorum_spork", &all, 1.0);

    let mut off = config(&network, url, None);
    off.watch.truncate(1);
    exporter.reload(off).await;
    let page = exporter.page(|page| page.count("masternode_p2p_reachable") == 0).await;
    page.expect_absent("masternode_p2p_agent_info", HERE);
    page.expect("masternode_registered", HERE, 1.0);
    assert!(!peer.is_finished(), "the peer saw nothing that it did not expect");
}
