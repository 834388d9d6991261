//! `demo`: the exporter on a simulated Dash network in the same process, speaking to it over a real socket.
//!
//! Never here: a shortcut around the socket.

use std::time::Duration;

use clap::Args;

use crate::app;
use crate::cli::{Failure, logging, run};
use crate::config::{self, ChainConfig, NetworkConfig, Origin, SourceConfig};
use crate::domain::watch::{Selector, WatchEntry};
use crate::rpc::{Credentials, Secret};
use crate::sim::{Network, Options, Server, ServerOptions, drive};
use crate::web::listen;

/// User and password of the simulated node.
const ACCESS: &str = "demo";

/// How many masternodes the demonstration watches.
const WATCHED: usize = 8;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Masternodes of the simulated network.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    masternodes: u32,
    /// Time between two blocks, from 10ms to 1h.
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = block_time)]
    block_time: Duration,
    /// Everything that looks random follows from this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Start the simulated node only, without an exporter on it. User and password are both "demo".
    #[arg(long)]
    node_only: bool,
    /// Where the simulated node listens.
    #[arg(long = "rpc.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    rpc_address: String,
}

/// Reads the time between two blocks. Without a lower end the simulation would take a whole core.
fn block_time(text: &str) -> Result<Duration, String> {
    let span = config::parse_duration(text)?;
    if (Duration::from_millis(10)..=Duration::from_secs(3600)).contains(&span) {
        Ok(span)
    } else {
        Err("it must be from 10ms to 1h".into())
    }
}

/// Starts the network, and the exporter on it.
pub(super) async fn run(arguments: DemoArguments, origin: Origin) -> Result<(), Failure> {
    let loaded = config::load(&origin).map_err(|errors| Failure::Configuration(errors.to_string()))?;
    let mut config = loaded.config;
    logging::start(&config.log);
    let options = Options { seed: arguments.seed, ..Options::demo(arguments.masternodes as usize, || app::now().0) };
    let network = Network::new(options)?;
    let access = ServerOptions { credentials: Some((ACCESS.into(), ACCESS.into())), ..ServerOptions::default() };
    let node = Server::bind_with(network.clone(), arguments.rpc_address.as_str(), access).await?.spawn();
    let url = node.handle().url();
    let miner = tokio::spawn(drive(network.clone(), arguments.block_time, std::future::pending()));
    if arguments.node_only {
        introduce(&arguments, &url, "");
        tokio::signal::ctrl_c().await?;
    } else {
        config.networks = vec![demo_network(url, arguments.block_time)];
        config.watch = watched(&network);
        let again = config.clone();
        let listeners = listen::bind(&config.web.listen_addresses).await?;
        if let Some(listener) = listeners.first() {
            introduce(
                &arguments,
                &config.networks[0].sources[0].url,
                &format!("http://{}{}", listener.local_addr()?, config.web.telemetry_path),
            );
        }
        run::serve(config, listeners, move || Ok(again.clone())).await?;
    }
    miner.abort();
    Ok(())
}

fn demo_network(url: String, block_time: Duration) -> NetworkConfig {
    NetworkConfig {
        name: "dash-demo".into(),
        chain: ChainConfig::dash(),
        sources: vec![SourceConfig {
            name: "simulated".into(),
            url,
            credentials: Credentials::Password { user: ACCESS.into(), password: Secret::new(ACCESS) },
            timeout: Duration::from_secs(30),
        }],
        poll_interval: (block_time / 2).clamp(Duration::from_millis(50), Duration::from_secs(1)),
        stale_after: Duration::from_secs(60),
        resync_blocks: 576,
        max_gap_blocks: 5000,
    }
}

/// Watches the first masternodes; the very first is the one that is about to be banned.
fn watched(network: &Network) -> Vec<(Option<String>, WatchEntry)> {
    let entry = |(index, id): (usize, String)| {
        let group = if index % 2 == 0 { "acme" } else { "umbrella" };
        let alias = if index == 0 { "in-danger".to_string() } else { format!("mn-{index}") };
        let groups = [("operator".to_string(), group.to_string())].into();
        let selector = Selector::Id(id.parse().ok()?);
        Some((None, WatchEntry { selector, alias, groups, expectations: Vec::new() }))
    };
    network.masternodes().into_iter().take(WATCHED).enumerate().filter_map(entry).collect()
}

fn introduce(arguments: &DemoArguments, url: &str, page: &str) {
    eprintln!(
        "A simulated Dash network of {} masternodes, a block each {:?}; its node answers on {url} (user and password \"{ACCESS}\").",
        arguments.masternodes, arguments.block_time
    );
    if arguments.node_only {
        eprintln!("Stop it with Ctrl-C.");
        return;
    }
    eprintln!("Its metrics:              curl {page}");
    eprintln!("Watch a ban come:         curl -s {page} | grep in-danger");
    eprintln!(
        "  \"in-danger\" is offline and one failure from a ban. It is banned 12 blocks after the start and revived 45 blocks later."
    );
    eprintln!("Stop it with Ctrl-C.\n");
}
