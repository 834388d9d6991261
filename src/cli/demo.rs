//! `demo`: the exporter on simulated networks in the same process, over real sockets.
//!
//! Never here: a bypass of the sockets.

use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::app;
use crate::cli::scenario::Scenario;
use crate::cli::{CommandError, logging, run};
use crate::config::{self, ChainConfig, ConfigSources, LoadedConfig, NetworkConfig, SourceConfig};
use crate::outbound::Outbound;
use crate::rpc::{Credentials, RpcUrl, dialect};
use crate::secret::Secret;
use crate::web::listen;
use domain::chain;
use domain::condition::ThresholdOverrides;
use domain::watch::{Selector, WatchEntry, WatchField};
use simulator::{self, AnyNetwork, Network, Options, RunningServer, Server, ServerOptions, drive, legacy};

/// User and password of the simulated nodes.
const ACCESS: &str = "demo";

/// Number of watched masternodes per network.
const WATCHED: usize = 8;

/// Maximum number of masternodes of a simulated older chain.
const MOST_LEGACY: u32 = 5000;

/// Instructions for Grafana; the files are in the repository.
const DASHBOARDS: &str = "\
Grafana:  add a Prometheus that scrapes this address, then Dashboards > New > Import each of dashboards/*.json.
          Or start all of it: docker compose -f dashboards/compose/compose.yaml up --build";

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Chains to simulate, one network each.
    #[arg(long, value_name = "CHAIN", value_delimiter = ',', default_value = "dash")]
    chain: Vec<Chain>,
    /// What happens on the simulated Dash network [default: everyday events, without a fork].
    #[arg(long, value_name = "SCENARIO")]
    scenario: Option<Scenario>,
    /// Masternodes of each simulated network [default: 1000, on the older chains 200].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    masternodes: Option<u32>,
    /// Time between two blocks, from 10ms to 1h.
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = block_time)]
    block_time: Duration,
    /// Seed of the random number generator.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Start the simulated node only, without an exporter on it. User and password are both "demo".
    #[arg(long)]
    node_only: bool,
    /// Listen address of the simulated node; a port is valid for a single chain only.
    #[arg(long = "rpc.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    rpc_address: String,
}

/// A chain that can be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Chain {
    /// PoSe score, quorums and a payment queue.
    Dash,
    /// Pings and a payment pool.
    Dimecoin,
    /// Pings, and payments that the chain hides.
    Prcycoin,
}

/// Parses the block interval. Without a lower bound the simulation would use a whole core.
fn block_time(text: &str) -> Result<Duration, String> {
    let span = config::parse_duration(text)?;
    if (Duration::from_millis(10)..=Duration::from_secs(3600)).contains(&span) {
        Ok(span)
    } else {
        Err("it must be from 10ms to 1h".into())
    }
}

/// A running simulated network.
struct Stage {
    chain: Chain,
    scenario: Option<Scenario>,
    masternodes: u32,
    /// Names and URLs of its nodes.
    sources: Vec<(&'static str, String)>,
    /// Its masternodes, those with a story first.
    ids: Vec<String>,
    /// Expectations of the watch list.
    expectations: Vec<Vec<(WatchField, String)>>,
    miner: JoinHandle<()>,
    _nodes: Vec<RunningServer>,
}

/// Starts the networks, and the exporter on them.
pub(super) async fn run(arguments: DemoArguments, origin: ConfigSources) -> Result<(), CommandError> {
    check(&arguments)?;
    let loaded = config::load(&origin).map_err(|errors| CommandError::Configuration(errors.to_string()))?;
    let mut config = loaded.config;
    logging::start(&config.log);
    for warning in loaded.warnings {
        warn!("{warning}");
    }
    let mut stages = Vec::new();
    for chain in &arguments.chain {
        stages.push(stage(*chain, &arguments).await?);
    }
    if arguments.node_only {
        introduce(&stages, &arguments, None);
        tokio::signal::ctrl_c().await?;
    } else {
        config.networks = stages.iter().map(|stage| stage.network(arguments.block_time)).collect();
        config.watch = stages.iter().flat_map(Stage::watched).collect();
        if config.history.path.take().is_some() {
            warn!("history.path is not used: another run of the demo simulates another chain, so nothing is stored");
        }
        let again = config.clone();
        let listeners = listen::bind(&config.web.listen_addresses).await?;
        if let Some(listener) = listeners.first() {
            let root = format!("{}://{}", config.web.scheme(), listener.local_addr()?);
            introduce(&stages, &arguments, Some((&root, config.web.telemetry_path.as_str())));
        }
        let load = move || Ok(LoadedConfig { config: again.clone(), warnings: Vec::new(), settings: Vec::new() });
        run::serve(config, listeners, load).await?;
    }
    stages.iter().for_each(|stage| stage.miner.abort());
    Ok(())
}

/// Mistakes that concern several arguments.
fn check(arguments: &DemoArguments) -> Result<(), CommandError> {
    let refuse = |what: String| Err(CommandError::Configuration(what));
    let mut seen = Vec::new();
    for chain in &arguments.chain {
        if seen.contains(chain) {
            return refuse(format!("--chain names {} twice", chain.name()));
        }
        seen.push(*chain);
        if *chain != Chain::Dash && arguments.masternodes.is_some_and(|number| number > MOST_LEGACY) {
            return refuse(format!("--masternodes: a {} network has at most {MOST_LEGACY}", chain.name()));
        }
    }
    if arguments.scenario.is_some() && !arguments.chain.contains(&Chain::Dash) {
        return refuse("--scenario: the scenarios are of Dash: add dash to --chain".into());
    }
    if arguments.chain.len() > 1 && !arguments.rpc_address.ends_with(":0") {
        return refuse("--rpc.listen-address: with several chains each node needs a port of its own: give :0".into());
    }
    Ok(())
}

async fn stage(chain: Chain, arguments: &DemoArguments) -> Result<Stage, CommandError> {
    let default = if chain == Chain::Dash { 1000 } else { 200 };
    let masternodes = arguments.masternodes.unwrap_or(default);
    let scenario = arguments.scenario.filter(|_| chain == Chain::Dash);
    let mut expectations = Vec::new();
    let (network, ids): (AnyNetwork, Vec<String>) = match chain.legacy() {
        None => {
            let options = match scenario {
                None => Options::demo(masternodes as usize, || app::now().0),
                Some(scenario) => scenario.options(masternodes as usize),
            };
            // Block times are whole seconds.
            let spacing = Duration::from_secs(arguments.block_time.as_secs().max(1));
            let network = Network::new(Options { seed: arguments.seed, spacing, ..options })?;
            let expected =
                |scenario: Scenario| (0..WATCHED).map(|index| scenario.expectations(&network, index)).collect();
            expectations = scenario.map(expected).unwrap_or_default();
            let ids = scenario.map_or_else(|| network.masternodes(), |scenario| scenario.masternodes(&network));
            (network.into(), ids)
        }
        Some(kind) => {
            let options = legacy::Options::demo(kind, masternodes as usize, app::now().0);
            let network = legacy::Network::new(legacy::Options { seed: arguments.seed, ..options })?;
            (network.clone().into(), network.masternodes())
        }
    };
    let nodes = serve(&network, scenario, &arguments.rpc_address).await?;
    let sources = nodes.iter().map(|(name, node)| (*name, node.handle().url())).collect();
    let miner = tokio::spawn(drive(network, arguments.block_time, std::future::pending()));
    let nodes = nodes.into_iter().map(|(_, node)| node).collect();
    Ok(Stage { chain, scenario, masternodes, sources, ids, expectations, miner, _nodes: nodes })
}

/// Starts the nodes of a network: one, or those of the scenario. Only the first one has a configured port.
async fn serve(
    network: &AnyNetwork,
    scenario: Option<Scenario>,
    address: &str,
) -> Result<Vec<(&'static str, RunningServer)>, CommandError> {
    let kinds = match scenario {
        None => vec![("simulated", None)],
        Some(_) => Scenario::nodes().map(|(name, software)| (name, Some(software))).into(),
    };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let mut nodes = Vec::new();
    for (index, (name, software)) in kinds.into_iter().enumerate() {
        let credentials = Some((ACCESS.into(), ACCESS.into()));
        let options = ServerOptions { credentials, software, ..ServerOptions::default() };
        let address = if index == 0 { address.to_string() } else { format!("{host}:0") };
        nodes.push((name, Server::bind_with(network.clone(), address, options).await?.spawn()));
    }
    Ok(nodes)
}

impl Chain {
    fn name(self) -> &'static str {
        match self {
            Chain::Dash => "dash",
            Chain::Dimecoin => "dimecoin",
            Chain::Prcycoin => "prcycoin",
        }
    }

    fn legacy(self) -> Option<simulator::legacy::Chain> {
        match self {
            Chain::Dash => None,
            Chain::Dimecoin => Some(simulator::legacy::Chain::Dimecoin),
            Chain::Prcycoin => Some(simulator::legacy::Chain::Prcycoin),
        }
    }

    fn config(self) -> ChainConfig {
        match self {
            Chain::Dash => ChainConfig::dash(),
            Chain::Dimecoin => ChainConfig::new(chain::DIMECOIN, dialect::DIMECOIN),
            Chain::Prcycoin => ChainConfig::new(chain::PRCYCOIN, dialect::PRCYCOIN),
        }
    }

    /// Aliases of the first masternodes with a story, in order.
    fn stories(self) -> &'static [&'static str] {
        match self {
            Chain::Dash => &["in-danger"],
            Chain::Dimecoin => &["silent", "duplicate"],
            Chain::Prcycoin => &["silent"],
        }
    }
}

impl Stage {
    fn name(&self) -> String {
        format!("{}-demo", self.chain.name())
    }

    fn network(&self, block_time: Duration) -> NetworkConfig {
        NetworkConfig {
            name: self.name(),
            chain: self.chain.config(),
            expect: None,
            sources: self.sources.iter().map(source).collect(),
            poll_interval: (block_time / 2).clamp(Duration::from_millis(50), Duration::from_secs(1)),
            stale_after: Duration::from_secs(60),
            resync_blocks: 576,
            ask: crate::follower::OptionalQueries::default(),
            max_gap_blocks: 5000,
            backfill_blocks: 0,
        }
    }

    /// Watches the first masternodes; those with a story have its alias.
    fn watched(&self) -> Vec<(Option<String>, WatchEntry)> {
        let stories = self.scenario.map_or_else(|| self.chain.stories(), Scenario::aliases);
        let entry = |(index, id): (usize, &String)| {
            let group = if index % 2 == 0 { "acme" } else { "umbrella" };
            let alias = stories.get(index).map_or_else(|| format!("mn-{index}"), |story| (*story).to_string());
            let groups = [("operator".to_string(), group.to_string())].into();
            let selector = Selector::Id(id.parse().ok()?);
            let expectations = self.expectations.get(index).cloned().unwrap_or_default();
            Some((
                Some(self.name()),
                WatchEntry { selector, alias, groups, expectations, thresholds: ThresholdOverrides::default() },
            ))
        };
        self.ids.iter().take(WATCHED).enumerate().filter_map(entry).collect()
    }
}

fn source((name, url): &(&'static str, String)) -> SourceConfig {
    SourceConfig {
        name: (*name).into(),
        url: RpcUrl::new(url.clone()),
        credentials: Credentials::Password { user: ACCESS.into(), password: Secret::new(ACCESS) },
        timeout: Duration::from_secs(30),
        outbound: Outbound::default(),
    }
}

/// Prints the running networks, and the URLs of the exporter's pages and metrics.
fn introduce(stages: &[Stage], arguments: &DemoArguments, page: Option<(&str, &str)>) {
    for stage in stages {
        let urls: Vec<String> = match stage.sources.as_slice() {
            [(_, url)] => vec![url.clone()],
            several => several.iter().map(|(name, url)| format!("{url} ({name})")).collect(),
        };
        note!(
            "A simulated {} network of {} masternodes, a block each {:?}; its {} on {} (user and password \"{ACCESS}\").",
            stage.chain.name(),
            stage.masternodes,
            arguments.block_time,
            if urls.len() == 1 { "node answers" } else { "nodes answer" },
            urls.join(" and ")
        );
    }
    let Some((root, metrics_path)) = page else {
        stages.iter().filter_map(|stage| stage.scenario).flat_map(Scenario::story).for_each(|line| note!("{line}"));
        note!("Stop it with Ctrl-C.");
        return;
    };
    let page = format!("{root}{metrics_path}");
    // The metrics may be at this path.
    if metrics_path != "/" {
        note!("Status:   {root}/ in a browser");
    }
    note!("Metrics:  curl {page}\n{DASHBOARDS}");
    for stage in stages {
        let story = stage.scenario.map_or_else(|| stage.chain.story(&page), Scenario::story);
        for line in story {
            note!("{line}");
        }
    }
    note!("Stop it with Ctrl-C.\n");
}

impl Chain {
    /// The next visible events, and how to see them.
    fn story(self, page: &str) -> Vec<String> {
        let see = |alias: &str| format!("See it:   curl -s {page} | grep '{}-demo.*{alias}'", self.name());
        match self {
            Chain::Dash => vec![
                "dash: \"in-danger\" is offline and one failure from a ban. It is banned 12 blocks after the start and revived 90 blocks later. Its alert fires a minute after the ban.".into(),
                see("in-danger"),
            ],
            Chain::Dimecoin => vec![
                "dimecoin: \"silent\" stopped 50 minutes ago and expires some 15 blocks after the start, and stays expired until it is started again. \"duplicate\" has the address of another masternode and is banned within 5 blocks. A block is 64 seconds of its time.".into(),
                see("silent"),
            ],
            Chain::Prcycoin => vec![
                "prcycoin: \"silent\" stopped 50 minutes ago; some 70 blocks after the start it expires, and soon leaves the list. A block is 60 seconds of its time.".into(),
                see("silent"),
            ],
        }
    }
}
