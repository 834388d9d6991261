//! Calls of peers on the loopback, both ends on one runtime, with the time paused.
//!
//! Never here: addresses beyond this host.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::probe::codec::{VERACK, VERSION, message};
use domain::chain::{ChainRules, DASH};
use domain::counters::EventCounters;
use domain::details::{DetailTexts, Details};
use domain::masternode::Masternode;
use domain::samples::{id, list, masternode, network_state};
use domain::snapshot::SnapshotInputs;
use domain::watch::{Selector, WatchEntry, WatchList};
use domain::{ChainFacts, UnixSeconds};

const MAGIC: [u8; 4] = [0xfc, 0xc1, 0xb7, 0xdc];

fn snapshot(rules: ChainRules, subnet: Subnet, addresses: &[(u8, &str)]) -> Arc<Snapshot> {
    among(rules, subnet, addresses, addresses.len())
}

/// The first `watched` ones are watched.
fn among(rules: ChainRules, subnet: Subnet, addresses: &[(u8, &str)], watched: usize) -> Arc<Snapshot> {
    let node = |(number, address): &(u8, &str)| Masternode {
        details: Details::new(&DetailTexts { address: Some((*address).into()), ..DetailTexts::default() }),
        ..masternode(*number)
    };
    let nodes = list(100, addresses.iter().map(node).collect());
    let entry = |(number, _): &(u8, &str)| WatchEntry {
        selector: Selector::Id(id(*number)),
        alias: String::new(),
        groups: BTreeMap::new(),
        expectations: vec![],
        thresholds: Default::default(),
    };
    let watched = WatchList::new(addresses[..watched].iter().map(entry).collect()).resolve(&nodes, &[]);
    let parts = SnapshotInputs {
        network: "net".into(),
        rules: Arc::new(rules),
        list: Arc::new(nodes),
        facts: ChainFacts::new(subnet),
        read_at: UnixSeconds(0),
        watched,
        recent_events: vec![],
    };
    Arc::new(Snapshot::new(parts, &EventCounters::default()))
}

/// What a peer does with each connection.
#[derive(Clone, Copy)]
enum Manner {
    Answers(u32),
    /// With these services, and this relay flag.
    Offers(u64, u8),
    Silent,
    Closes,
    OtherNetwork,
}

/// A peer, and how often it was called.
struct FakePeer {
    address: String,
    calls: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

async fn peer(manner: Manner) -> FakePeer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (calls, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peer = FakePeer { address, calls: calls.clone(), open: open.clone() };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            calls.fetch_add(1, Ordering::SeqCst);
            open.fetch_add(1, Ordering::SeqCst);
            let open = open.clone();
            tokio::spawn(async move {
                let agent = "/Dash Core:23.1.2/".into();
                let version = |protocol_version| Version { protocol_version, timestamp: 1, nonce: 2, agent };
                let answer = match manner {
                    Manner::Answers(protocol) => {
                        [message(MAGIC, VERSION, &version(protocol).payload()), message(MAGIC, VERACK, &[])].concat()
                    }
                    Manner::Offers(services, relay) => {
                        let mut payload = version(70_242).payload();
                        payload[4..12].copy_from_slice(&services.to_le_bytes());
                        *payload.last_mut().unwrap() = relay;
                        [message(MAGIC, VERSION, &payload), message(MAGIC, VERACK, &[])].concat()
                    }
                    Manner::OtherNetwork => message([1, 2, 3, 4], VERSION, &version(70_240).payload()),
                    Manner::Silent | Manner::Closes => vec![],
                };
                if !matches!(manner, Manner::Closes) {
                    // The prober may have closed the connection already.
                    let _ = stream.write_all(&answer).await;
                    let mut heard = Vec::new();
                    let _ = stream.read_to_end(&mut heard).await;
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    peer
}

/// An address without a listener.
async fn refusing_address() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

struct Running {
    states: watch::Sender<Arc<NetworkState>>,
    results: watch::Receiver<Arc<Probes>>,
}

fn run(settings: ProbeSettings, snapshot: Arc<Snapshot>) -> Running {
    let (states, receiver) = watch::channel(Arc::new(network_state("dash", Some(snapshot), vec![])));
    let (publish, results) = watch::channel(Arc::default());
    let prober = Prober::new(settings, || UnixSeconds(1_800_000_000), receiver, publish);
    tokio::spawn(prober.run());
    Running { states, results }
}

fn private() -> ProbeSettings {
    ProbeSettings { allow_private: true, ..ProbeSettings::default() }
}

impl Running {
    /// The first results with this number of masternodes.
    async fn results(&mut self, count: usize) -> Arc<Probes> {
        self.results.wait_for(|results| results.len() == count).await.unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_peer_has_its_outcome() {
    let good = peer(Manner::Answers(70_240)).await;
    let old = peer(Manner::Answers(70_215)).await;
    let silent = peer(Manner::Silent).await;
    let closing = peer(Manner::Closes).await;
    let other = peer(Manner::OtherNetwork).await;
    let refusing = refusing_address().await;
    let addresses = [
        (1, &*good.address),
        (2, &old.address),
        (3, &silent.address),
        (4, &closing.address),
        (5, &other.address),
        (6, &refusing),
        (7, "node.example:9999"),
        (8, "abcdef.onion:9999"),
    ];
    let mut running = run(private(), snapshot(DASH, Subnet::Regtest, &addresses));
    let results = running.results(8).await;
    let reasons: Vec<_> = results.values().map(|probe| probe.outcome.reason().unwrap_or("reached")).collect();
    assert_eq!(reasons, ["reached", "too_old", "timeout", "reset", "wrong_magic", "refused", "name", "overlay"]);
    let good = &results[&id(1)];
    assert_eq!(good.peer.as_ref().unwrap().agent, "/Dash Core:23.1.2/");
    assert_eq!((good.at, good.last_success), (UnixSeconds(1_800_000_000), Some(UnixSeconds(1_800_000_000))));
    assert!(good.duration.is_some());
    let old = &results[&id(2)];
    assert_eq!((old.peer.as_ref().unwrap().protocol_version, old.last_success), (70_215, None));
    assert_eq!(results[&id(3)].duration, None);
}

#[tokio::test(start_paused = true)]
async fn private_addresses_and_unknown_networks_are_never_called() {
    let good = peer(Manner::Answers(70_240)).await;
    let addresses = [(1, &*good.address)];
    let other = ChainRules { name: "profile".into(), ..DASH };
    let cases = [
        (ProbeSettings::default(), snapshot(DASH, Subnet::Regtest, &addresses), Unprobed::Private),
        (private(), snapshot(DASH, Subnet::Devnet, &addresses), Unprobed::UnknownNetwork),
        (private(), snapshot(other, Subnet::Regtest, &addresses), Unprobed::UnknownNetwork),
    ];
    for (settings, snapshot, expected) in cases {
        let results = run(settings, snapshot).results(1).await;
        assert_eq!(results[&id(1)].outcome, Outcome::Unprobed(expected));
    }
    assert_eq!(good.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn one_address_of_two_masternodes_is_called_once() {
    let good = peer(Manner::Answers(70_240)).await;
    let addresses = [(1, &*good.address), (2, &good.address)];
    let results = run(private(), snapshot(DASH, Subnet::Regtest, &addresses)).results(2).await;
    assert!(results.values().all(|probe| probe.outcome == Outcome::Reached));
    assert_eq!(good.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_allowed() {
    let silent = [peer(Manner::Silent).await, peer(Manner::Silent).await, peer(Manner::Silent).await];
    let addresses: Vec<(u8, &str)> = (1..).zip(silent.iter().map(|peer| &*peer.address)).collect();
    let settings = ProbeSettings { max_parallel: 2, ..private() };
    let started = Instant::now();
    let mut running = run(settings, snapshot(DASH, Subnet::Regtest, &addresses));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let open: usize = silent.iter().map(|peer| peer.open.load(Ordering::SeqCst)).sum();
    assert_eq!(open, 2, "the third waits until a call ends");
    running.results(3).await;
    // The first calls begin a gap apart and last 10 s each; the third takes the place of the first.
    assert_eq!(started.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_masternode_is_called_again_after_the_interval_and_at_once_at_another_address() {
    let (first, second) = (peer(Manner::Answers(70_240)).await, peer(Manner::Closes).await);
    let mut running = run(private(), snapshot(DASH, Subnet::Regtest, &[(1, &first.address)]));
    running.results(1).await;
    tokio::time::sleep(Duration::from_secs(265)).await;
    assert_eq!(first.calls.load(Ordering::SeqCst), 1, "not before nine tenths of the interval");
    tokio::time::sleep(Duration::from_secs(70)).await;
    assert_eq!(first.calls.load(Ordering::SeqCst), 2);

    running.states.send_replace(Arc::new(network_state(
        "dash",
        Some(snapshot(DASH, Subnet::Regtest, &[(1, &second.address)])),
        vec![],
    )));
    let failed = |results: &Arc<Probes>| results[&id(1)].outcome == Outcome::Failed(ProbeError::Reset);
    let moved = |results: &Arc<Probes>| results.contains_key(&id(1)) && failed(results);
    let results = running.results.wait_for(moved).await.unwrap().clone();
    assert_eq!(results[&id(1)].last_success, None, "the old address says nothing of the new one");

    running.states.send_replace(Arc::new(network_state("dash", Some(snapshot(DASH, Subnet::Regtest, &[])), vec![])));
    running.results(0).await;
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!((first.calls.load(Ordering::SeqCst), second.calls.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_old_success_is_remembered_through_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let version = Version { protocol_version: 70_240, timestamp: 1, nonce: 2, agent: String::new() };
    let answer = [message(MAGIC, VERSION, &version.payload()), message(MAGIC, VERACK, &[])].concat();
    let once = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&answer).await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
    });
    let mut running = run(private(), snapshot(DASH, Subnet::Regtest, &[(1, &address)]));
    once.await.unwrap();
    let refused = |results: &Arc<Probes>| {
        results.get(&id(1)).is_some_and(|probe| probe.outcome == Outcome::Failed(ProbeError::Refused))
    };
    let results = running.results.wait_for(refused).await.unwrap().clone();
    assert_eq!(results[&id(1)].last_success, Some(UnixSeconds(1_800_000_000)));
    assert_eq!(results[&id(1)].peer, None);
}

#[test]
fn a_jittered_span_is_a_tenth_off_at_most() {
    let minute = Duration::from_secs(60);
    assert_eq!(jittered(minute, 0), Duration::from_secs(54));
    assert_eq!(jittered(minute, u64::MAX), Duration::from_secs(66));
    let numbers: BTreeSet<u64> = (0..8).map(|_| random()).collect();
    assert_eq!(numbers.len(), 8);
}

/// An address whose connection backlog is full: connections to it time out. It stays full while this value is kept.
struct Full {
    address: String,
    _held: (tokio::net::TcpListener, Vec<tokio::task::JoinHandle<()>>),
}

async fn full(ip: &str) -> Full {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{ip}:0").parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = |_| {
        tokio::spawn(async move {
            let _stream = TcpStream::connect(address).await;
            std::future::pending().await
        })
    };
    let connections = (0..8).map(connect).collect();
    tokio::task::yield_now().await;
    Full { address: address.to_string(), _held: (listener, connections) }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_counts_against_a_masternode_only_if_others_can_be_reached() {
    let (silent, also_silent) = (full("127.0.0.1").await, full("127.0.0.2").await);
    let refused = TcpListener::bind("127.0.0.3:0").await.unwrap().local_addr().unwrap().to_string();
    // the masternode for comparison, the number of controls: the outcome of the probe of the silent one.
    let cases = [
        (&also_silent.address, 2, Outcome::Unprobed(Unprobed::NoRoute)),
        (&refused, 2, Outcome::Failed(ProbeError::Timeout)),
        (&also_silent.address, 0, Outcome::Failed(ProbeError::Timeout)),
    ];
    for (other, controls, expected) in cases {
        let settings = ProbeSettings { allow_private: true, controls, ..ProbeSettings::default() };
        let nodes = among(DASH, Subnet::Regtest, &[(1, &silent.address), (2, other)], 1);
        let mut running = run(settings, nodes);
        let probes = running.results.wait_for(|probes| !probes.is_empty()).await.unwrap().clone();
        assert_eq!(probes[&id(1)].outcome, expected, "{other}, {controls}");
        assert!(!probes.contains_key(&id(2)), "masternodes for comparison have no result");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_relays_and_serves_is_known_after_a_call() {
    // services, relay flag; relays, compact filters.
    for (services, relay, relays, filters) in
        [(0xc45, 1, true, true), (0xc05, 1, true, false), (0xc45, 0, false, true), (0, 0, false, false)]
    {
        let peer = peer(Manner::Offers(services, relay)).await;
        let mut running = run(private(), snapshot(DASH, Subnet::Regtest, &[(1, &peer.address)]));
        let probes = running.results.wait_for(|probes| !probes.is_empty()).await.unwrap().clone();
        let said = probes[&id(1)].peer.clone().unwrap();
        assert_eq!((said.relays, said.compact_filters), (Some(relays), Some(filters)), "{services:x} {relay}");
    }
}
