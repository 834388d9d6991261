//! Configuration: reads a file and the environment, and returns validated settings or every error at once.
//!
//! Reading order: [`Config`] for the result, `load` for the inputs, `overrides` for their precedence, `sections` for
//! the structure of the file, `read` for deserialisation with all errors; the other files have one section each, with
//! its checks.
//!
//! Never here: the process's own environment or arguments, which are passed in; starting anything.

mod alerting;
mod chain;
mod duration;
mod effective;
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
mod network_kinds;
mod overrides;
mod profile;
mod read;
mod receiver_kinds;
mod receiver_match;
mod receivers;
pub mod reference;
mod sections;
mod startup;
mod thresholds;
mod value;
mod view;
mod watch;
pub mod watch_files;
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
use crate::web::route_prefix::RoutePrefix;
use crate::web::view::Views;
use domain::ChainRules;
use domain::maintenance::Maintenance;
use domain::watch::{Selector, WatchEntry, WatchList};

pub use duration::parse_duration;
pub use kinds::parse_link;
pub use load::{ConfigSources, Errors, LoadedConfig, Override, load, load_lenient};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Networks to follow; at least one.
    pub networks: Vec<NetworkConfig>,
    /// The watch list, with the network's name if an entry is limited to one: the entries of `watch`, then those of the files.
    pub watch: Vec<WatchConfig>,
    /// The files with watch entries.
    pub watch_files: watch_files::WatchFiles,
    /// Receivers and thresholds of alerts.
    pub alerting: crate::alerting::AlertingSettings,
    /// Masternodes in maintenance, with the network's name if an entry is limited to one.
    pub maintenance: Vec<(Option<String>, Maintenance)>,
    /// The history file.
    pub history: HistoryConfig,
    /// Probes of watched masternodes; `None` if disabled.
    pub probe: Option<probe::ProbeSettings>,
    /// The metrics page.
    pub metrics: metrics::MetricsSettings,
    /// The HTTP server.
    pub web: WebConfig,
    /// The log.
    pub log: LogConfig,
}

/// An entry of the watch list, with the network's name if it is limited to one.
pub type WatchConfig = (Option<String>, WatchEntry);

/// One network.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// The label `network`.
    pub name: String,
    /// The chain.
    pub chain: ChainConfig,
    /// The network that its sources must be on.
    pub expect: Option<crate::follower::ExpectedNetwork>,
    /// Its nodes, the preferred one first.
    pub sources: Vec<SourceConfig>,
    /// Interval between polls for a new block.
    pub poll_interval: Duration,
    /// Its masternodes are removed from the page if no source confirmed the list for this long.
    pub stale_after: Duration,
    /// Interval between two full lists read as a check, in blocks.
    pub resync_blocks: u32,
    /// The optional queries to the sources.
    pub ask: crate::follower::OptionalQueries,
    /// A gap of more blocks is skipped.
    pub max_gap_blocks: u32,
    /// Blocks before the start of the history that are backfilled in the background.
    pub backfill_blocks: u32,
}

/// A chain: its rules, and its RPC dialect.
#[derive(Clone, PartialEq)]
pub struct ChainConfig {
    /// The rules.
    pub rules: Arc<ChainRules>,
    /// The RPC dialect.
    pub dialect: Arc<Dialect>,
}

impl std::fmt::Debug for ChainConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChainConfig({})", self.rules.name)
    }
}

impl ChainConfig {
    /// One of these chains by name.
    pub fn new(rules: ChainRules, dialect: Dialect) -> ChainConfig {
        ChainConfig { rules: Arc::new(rules), dialect: Arc::new(dialect) }
    }

    /// Dash, the default chain.
    pub fn dash() -> ChainConfig {
        ChainConfig::new(domain::chain::DASH, crate::rpc::dialect::DASH)
    }
}

/// One node of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    /// The label `source`.
    pub name: String,
    /// `http://host:port` or `https://…`; its path may contain a token.
    pub url: RpcUrl,
    /// Authentication.
    pub credentials: Credentials,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Proxy and certificate authorities of the connection.
    pub outbound: Outbound,
}

/// The history file.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryConfig {
    /// The file; without one nothing is kept, and counters begin when the process starts.
    pub path: Option<PathBuf>,
    /// Events of older blocks are deleted; counters continue.
    pub retention: Duration,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq)]
pub struct WebConfig {
    /// Listen addresses.
    pub listen_addresses: Vec<ListenAddress>,
    /// Path of the metrics.
    pub telemetry_path: TelemetryPath,
    /// Most concurrent scrapes; 0 for no limit.
    pub max_requests: usize,
    /// Host names that browsers may use, in addition to addresses and names without a dot.
    pub allowed_hosts: Vec<String>,
    /// The path below which the routes are served too; `None` for that of the URL for users.
    pub route_prefix: Option<RoutePrefix>,
    /// `/-/reload` is answered.
    pub enable_reload: bool,
    /// `/api/v1/maintenance` takes changes.
    pub enable_maintenance: bool,
    /// Who sees what.
    pub views: Views,
    /// The web configuration file; `None` if the server has no protection.
    pub config_file: Option<WebFileConfig>,
}

/// The web configuration file, and the protection that it configured when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebFileConfig {
    /// The file.
    pub path: PathBuf,
    /// Connections are encrypted.
    pub encrypted: bool,
    /// The server's certificate (DER), if encrypted.
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
    /// The scheme of the page's URL.
    pub fn scheme(&self) -> &'static str {
        if self.config_file.as_ref().is_some_and(|file| file.encrypted) { "https" } else { "http" }
    }
}

impl Config {
    /// The watch list of a network: entries of it and of every network, without identities that its chain does not have.
    pub fn watch_list(&self, network: &str) -> WatchList {
        let is_meant = |only: &Option<String>| only.as_deref().is_none_or(|only| only == network);
        let chain = self.networks.iter().find(|known| *known.name == *network).map(|known| &known.chain.rules);
        let may_exist = |entry: &WatchEntry| match (&entry.selector, chain) {
            (Selector::Id(id), Some(chain)) => chain.identifies_by(id),
            _ => true,
        };
        let watched = self.watch.iter().filter(|(only, entry)| is_meant(only) && may_exist(entry));
        let watched = watched.map(|(_, entry)| entry.clone());
        let worked_on = self.maintenance.iter().filter(|(only, _)| is_meant(only)).map(|(_, entry)| entry.clone());
        WatchList::new(watched.collect()).with_maintenance(worked_on.collect())
    }
}
