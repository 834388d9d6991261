//! Configuration: a file and the environment in, validated settings out, or every mistake at once.
//!
//! Reading order: [`Config`] is what comes out, `load` where it comes from, `overlay` what wins, `sections` how the file looks, `read`
//! how it is read with all its mistakes; the others have one section each, with its checks.
//!
//! Never here: the process's own environment or arguments, which are passed in; starting anything.

mod alerting;
mod chain;
mod duration;
mod email;
mod expect;
mod file_permissions;
mod files;
mod kinds;
mod leaf;
mod load;
mod maintenance;
mod mistakes;
mod network;
mod overrides;
mod profile;
mod read;
mod receiver_kinds;
mod receiver_match;
mod receivers;
pub mod reference;
mod sections;
mod startup;
mod value;
mod watch;
mod yaml;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::metrics;
use crate::outbound::Outbound;
use crate::probe;
use crate::rpc::{Credentials, Dialect, RpcUrl};
use crate::web::handlers::TelemetryPath;
use crate::web::listen::ListenAddress;
use domain::ChainRules;
use domain::maintenance::Maintenance;
use domain::watch::{WatchEntry, WatchList};

pub use duration::parse_duration;
pub use load::{ConfigSources, Errors, LoadedConfig, Override, load, load_lenient};
pub use value::nearest;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Networks to follow; at least one.
    pub networks: Vec<NetworkConfig>,
    /// Whom to watch, with the network's name where the entry is of one only.
    pub watch: Vec<WatchConfig>,
    /// Whom to tell.
    pub alerting: crate::alerting::AlertingSettings,
    /// Who is being worked on, with the network's name where the entry is of one only.
    pub maintenance: Vec<(Option<String>, Maintenance)>,
    /// What is kept over restarts.
    pub history: HistoryConfig,
    /// How watched masternodes are called; `None` when they are not.
    pub probe: Option<probe::ProbeSettings>,
    /// How pages are made.
    pub metrics: metrics::MetricsSettings,
    /// Where and what to serve.
    pub web: WebConfig,
    /// What to log.
    pub log: LogConfig,
}

/// An entry of the watch list, with the network's name where it is of one only.
pub type WatchConfig = (Option<String>, WatchEntry);

/// One network.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// The label `network`.
    pub name: String,
    /// Which chain.
    pub chain: ChainConfig,
    /// Its nodes, the preferred one first.
    pub sources: Vec<SourceConfig>,
    /// Pause between two looks for a new block.
    pub poll_interval: Duration,
    /// Its masternodes disappear from the page when no source confirmed the list for so long.
    pub stale_after: Duration,
    /// Blocks from one full list, read as a check, to the next.
    pub resync_blocks: u32,
    /// What is asked of the sources in addition to the list.
    pub ask: crate::follower::OptionalQueries,
    /// A gap of more blocks is not walked block by block.
    pub max_gap_blocks: u32,
    /// Blocks before the start of the history that are filled into it in the background.
    pub backfill_blocks: u32,
}

/// A chain: its rules, and how its nodes are asked.
#[derive(Clone, PartialEq)]
pub struct ChainConfig {
    /// The rules.
    pub rules: Arc<ChainRules>,
    /// How nodes are asked.
    pub dialect: Arc<Dialect>,
}

impl std::fmt::Debug for ChainConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChainConfig({})", self.rules.name)
    }
}

impl ChainConfig {
    /// A chain of these.
    pub fn new(rules: ChainRules, dialect: Dialect) -> ChainConfig {
        ChainConfig { rules: Arc::new(rules), dialect: Arc::new(dialect) }
    }

    /// Dash, the chain of those who name none.
    pub fn dash() -> ChainConfig {
        ChainConfig::new(domain::chain::DASH, crate::rpc::dialect::DASH)
    }
}

/// One node of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    /// The label `source`.
    pub name: String,
    /// `http://host:port` or `https://…`; its path may hold a token.
    pub url: RpcUrl,
    /// How to be let in.
    pub credentials: Credentials,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// How it is reached.
    pub outbound: Outbound,
}

/// What is kept over restarts.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryConfig {
    /// The file; without one nothing is kept, and counters begin when the process starts.
    pub path: Option<PathBuf>,
    /// Events of older blocks are deleted; counters go on.
    pub retention: Duration,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq)]
pub struct WebConfig {
    /// Where it listens.
    pub listen_addresses: Vec<ListenAddress>,
    /// Path of the metrics.
    pub telemetry_path: TelemetryPath,
    /// Scrapes at a time; 0 for any number.
    pub max_requests: usize,
    /// Names by which browsers may ask, in addition to addresses and names without a dot.
    pub allowed_hosts: Vec<String>,
    /// `/-/reload` is answered.
    pub enable_reload: bool,
    /// What protects the server; `None` for nothing.
    pub config_file: Option<WebFileConfig>,
}

/// The web configuration file, and what it said when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebFileConfig {
    /// The file.
    pub path: PathBuf,
    /// Connections are encrypted.
    pub encrypted: bool,
    /// The server's certificate (DER), where they are.
    pub certificate: Option<Vec<u8>>,
    /// Requests need a password.
    pub asks_for_password: bool,
    /// Clients need a certificate of a known authority.
    pub asks_for_certificate: bool,
}

/// Logging.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// Least severe level that is logged: trace, debug, info, warn or error.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl WebConfig {
    /// What the address of a page begins with.
    pub fn scheme(&self) -> &'static str {
        if self.config_file.as_ref().is_some_and(|file| file.encrypted) { "https" } else { "http" }
    }
}

impl Config {
    /// The watch list of a network.
    pub fn watch_list(&self, network: &str) -> WatchList {
        let is_meant = |only: &Option<String>| only.as_deref().is_none_or(|only| only == network);
        let watched = self.watch.iter().filter(|(only, _)| is_meant(only)).map(|(_, entry)| entry.clone());
        let worked_on = self.maintenance.iter().filter(|(only, _)| is_meant(only)).map(|(_, entry)| entry.clone());
        WatchList::new(watched.collect()).with_maintenance(worked_on.collect())
    }
}
