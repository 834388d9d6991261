//! Blocks per second of a catch-up, with a delay of 20 ms before each answer of the node, with and without batches; and the CPU
//! time for a block. The simulated node runs in the same process, on its own threads.
//!
//! `cargo run --release -p masternode-exporter-benches --bin catch_up -- [MASTERNODES] [BLOCKS]`
//!
//! Never here: a real node; the history on a slow disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use domain::UnixSeconds;
use domain::chain::DASH;
use domain::watch::WatchList;
use masternode_exporter::follower::{self, Follower, FollowerSettings, OptionalQueries};
use masternode_exporter::history::{HistorySettings, Writer};
use masternode_exporter::meters::Meters;
use masternode_exporter::rpc::{Client, Credentials, RpcSettings, dialect};
use masternode_exporter::secret::Secret;
use prometheus::Registry;
use simulator::{Fault, Network, Options, Server, ServerHandle};
use tokio::sync::watch;

/// The round trip of the link.
const ROUND_TRIP: Duration = Duration::from_millis(20);

const NOW: UnixSeconds = UnixSeconds(1_900_000_000);

fn main() {
    let argument = |at: usize, otherwise: usize| {
        std::env::args().nth(at).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let (masternodes, blocks) = (argument(1, 3_000), argument(2, 1_000));
    for batches in [true, false] {
        let network = Network::new(Options { history: 2 * blocks as u32 + 100, ..Options::main(masternodes) })
            .expect("valid options");
        let node = serve(network.clone());
        measure(&network, &node, blocks, batches);
    }
}

/// A node on its own threads.
fn serve(network: Network) -> ServerHandle {
    let (send, handle) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("an event loop");
        runtime.block_on(async {
            let server = Server::bind(network, "127.0.0.1:0").await.expect("a free port");
            send.send(server.handle()).expect("it is waited for");
            server.run(std::future::pending()).await;
        });
    });
    handle.recv().expect("the server starts")
}

fn measure(network: &Network, node: &ServerHandle, blocks: usize, batches: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    let folder = std::env::temp_dir().join(format!("masternode-exporter-catch-up-{}-{batches}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a writable directory");
    let meters = Meters::new(&Registry::new());
    let retention = Duration::from_secs(400 * 86_400);
    let history = HistorySettings { path: folder.join("history.db"), retention, clock: || NOW };
    let (writer, _ended) = Writer::start(history, meters.history().clone()).expect("a writable directory");
    let mut follower = follower(node, &meters).with_history(writer);
    runtime.block_on(follower.poll());
    (0..blocks).for_each(|_| drop(network.mine_with(&[]).expect("a block without actions")));
    node.faults().set(Fault::Slow(ROUND_TRIP));
    if !batches {
        node.faults().add(Fault::NoBatches);
    }
    let (started, cpu, requests) = (Instant::now(), ThreadTime::now(), node.requests());
    runtime.block_on(follower.poll());
    let (wall, cpu, requests) =
        (started.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64(), node.requests() - requests);
    println!(
        "{} masternodes, {blocks} blocks, {}: {:.0} blocks/s, {:.2} ms CPU and {:.2} requests a block",
        network.masternodes().len(),
        if batches { "batches" } else { "single calls" },
        blocks as f64 / wall,
        cpu * 1e3 / blocks as f64,
        f64::from(requests) / blocks as f64
    );
    std::fs::remove_dir_all(folder).expect("it is ours");
}

fn follower(node: &ServerHandle, meters: &Meters) -> Follower {
    let settings = FollowerSettings {
        network: "dash".into(),
        rules: Arc::new(DASH),
        expect: None,
        poll_interval: Duration::ZERO,
        stale_after: Duration::from_secs(900),
        stalled_seconds: None,
        resync_blocks: u32::MAX,
        ask: OptionalQueries::default(),
        max_gap_blocks: 100_000,
        backfill_blocks: 0,
        retention: Duration::from_secs(400 * 86_400),
        clock: || NOW,
        started: tokio::time::Instant::now(),
    };
    let client = RpcSettings {
        name: "node".into(),
        url: node.url(),
        credentials: Credentials::Password { user: "user".into(), password: Secret::new("password") },
        dialect: Arc::new(dialect::DASH),
        ..RpcSettings::default()
    };
    let clients = vec![Client::new(client, meters.rpc("dash", "node")).expect("a valid URL")];
    let (publish, _) = follower::state_channel(&settings, &clients, meters);
    let (_, watch_list) = watch::channel(WatchList::new(Vec::new()));
    Follower::new(settings, clients, meters, watch_list, publish)
}
