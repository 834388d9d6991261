//! The status: each network, its sources, the history.
//!
//! Never here: a verdict on health; `/-/healthy` and `/-/ready` give that.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{NetworkStatus, Reader};
use crate::web::api::json::{self, Text};
use crate::web::api::parameters::Parameters;
use crate::web::api::{self, AlertsOf, Api, ApiError, MAX_ALERTS, written};
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::{NetworkState, SourceHealth};

/// The status.
#[derive(Serialize, JsonSchema)]
pub(super) struct Status<'a> {
    /// Version of the exporter.
    version: &'a str,
    /// Time of the response.
    time: Text<UnixSeconds>,
    /// The configured networks.
    networks: Vec<Network<'a>>,
    /// The alerts that fire in this exporter, with or without configured receivers.
    alerts: Firing<'a>,
    /// The history; null if `history.path` is not set.
    history: Option<History>,
}

/// A network and its sources.
#[derive(Serialize, JsonSchema)]
struct Network<'a> {
    #[serde(flatten)]
    summary: json::NetworkSummary,
    /// Seconds since the list was read.
    list_age_seconds: Option<u64>,
    /// Watched masternodes.
    watched: Option<usize>,
    /// Watched masternodes that are not registered.
    watched_missing: Option<usize>,
    /// The sources, in the order of the configuration.
    sources: Vec<Source<'a>>,
}

/// The state of a source.
#[derive(Serialize, JsonSchema)]
struct Source<'a> {
    /// Its name in the configuration.
    source: &'a str,
    /// Whether it answered the last request; null before the first.
    up: Option<bool>,
    /// Whether it was usable and synced.
    synced: Option<bool>,
    /// Whether it is on the configured chain and network.
    network_match: Option<bool>,
    /// When it last confirmed the list or its tip.
    last_success_time: Option<Text<UnixSeconds>>,
    /// Number of blocks by which its tip is behind the best tip of all sources of the network.
    blocks_behind: Option<u32>,
    /// Number of its peer connections.
    connections: Option<u32>,
    /// Whether it has no peer connections while it reports itself synced and ready.
    isolated: Option<bool>,
    /// Whether it follows the activation of Dash Core 24; null if not known or not relevant.
    follows_fork: Option<bool>,
    /// Whether it is on a different chain than the exporter follows; null for a single source, and before the first
    /// comparison.
    fork_split: Option<bool>,
    /// Whether its last list that was checked is the one to which its block commits; null before the first check.
    list_proven: Option<bool>,
    /// Where that list differs; null if it does not, or if it is not known.
    list_mismatch: Option<String>,
    /// Whether its release has a known fault; null if it does not answer.
    release_bad: Option<bool>,
    /// Whether its compact block filter index is synced; null if it builds none or does not report it.
    filter_index_synced: Option<bool>,
    /// The masternode that the source itself is; null if it is none, or if neither it nor the list shows it.
    masternode: Option<Text<MasternodeId>>,
    /// The state that this masternode reports of itself: ready, waiting, pose_banned, removed, operator_key_changed,
    /// address_changed, not_capable, error, unknown; null if it is no masternode.
    masternode_state: Option<&'a str>,
}

/// Firing alerts.
#[derive(Serialize, JsonSchema)]
struct Firing<'a> {
    /// Number of firing critical alerts.
    critical: usize,
    /// Number of firing warnings.
    warning: usize,
    /// The most severe first, then the newest.
    #[schemars(length(max = MAX_ALERTS))]
    firing: Vec<json::Alert<'a>>,
}

/// The history.
#[derive(Serialize, JsonSchema)]
struct History {
    /// Whether the last write to the history succeeded.
    up: bool,
    /// The recorded networks; null if the file cannot be read at the moment.
    networks: Option<Vec<Recorded>>,
}

/// The recorded blocks of a network.
#[derive(Serialize, JsonSchema)]
struct Recorded {
    /// Name of the network.
    network: String,
    /// The highest recorded block.
    height: Option<u32>,
    /// Height ranges whose events are known block by block, both ends included.
    spans: Vec<Span>,
}

/// A range of heights.
#[derive(Serialize, JsonSchema)]
struct Span {
    /// First height.
    from_height: u32,
    /// Last height.
    to_height: u32,
}

pub(super) fn answer(api: &Api, query: &str) -> Result<Bytes, ApiError> {
    Parameters::read(query, &[])?;
    let networks = (api.networks)();
    let firing = (api.alerts)(AlertsOf::All, MAX_ALERTS);
    written(&Status {
        version: &api.version,
        time: Text((api.clock)()),
        networks: networks.iter().map(|network| Network::new(api, network)).collect(),
        alerts: Firing {
            critical: firing.critical,
            warning: firing.warning,
            firing: json::Alert::all(&firing, &networks),
        },
        history: api.history.as_ref().map(History::new),
    })
}

impl<'a> Network<'a> {
    /// Before the first list, all values of the chain are `None`.
    fn new(api: &Api, network: &'a NetworkState) -> Network<'a> {
        let snapshot = network.snapshot.as_deref();
        let summary = snapshot.map(json::NetworkSummary::new).unwrap_or_default();
        let absent =
            |snapshot: &domain::Snapshot| snapshot.watched().iter().filter(|watched| watched.index.is_none()).count();
        Network {
            summary: json::NetworkSummary {
                network: network.network.to_string(),
                chain: network.rules.name.to_string(),
                ..summary
            },
            list_age_seconds: snapshot.map(|snapshot| (api.clock)().0.saturating_sub(snapshot.read_at().0)),
            watched: snapshot.map(|snapshot| snapshot.watched().len()),
            watched_missing: snapshot.map(absent),
            sources: network.sources.iter().map(Source::new).collect(),
        }
    }
}

impl<'a> Source<'a> {
    fn new(source: &'a SourceHealth) -> Source<'a> {
        let own = source.masternode.as_ref();
        Source {
            source: &source.name,
            up: source.up,
            synced: source.synced,
            network_match: source.network_match,
            last_success_time: source.last_success.map(|at| Text(at.unix)),
            blocks_behind: source.blocks_behind,
            connections: source.connections,
            isolated: source.isolated,
            follows_fork: source.follows_fork,
            fork_split: source.fork_split,
            list_proven: source.list_proof.verdict(),
            list_mismatch: source.list_proof.reason().filter(|_| source.list_proof.is_refuted()),
            release_bad: source.release_bad,
            filter_index_synced: source.filter_index_synced,
            masternode: own.and_then(|own| own.id).map(Text),
            masternode_state: own.map(|own| &*own.state),
        }
    }
}

impl History {
    fn new(history: &api::History) -> History {
        let recorded = history.read(Reader::networks);
        if let Err(error) = &recorded {
            tracing::debug!("Cannot read the history for the API: {error}");
        }
        History {
            up: (history.up)(),
            networks: recorded.ok().map(|networks| networks.iter().map(Recorded::new).collect()),
        }
    }
}

impl Recorded {
    fn new(network: &NetworkStatus) -> Recorded {
        let spans = network.spans.iter();
        Recorded {
            network: network.name.clone(),
            height: network.cursor.as_ref().map(|block| block.height.0),
            spans: spans.map(|(from, to)| Span { from_height: from.0, to_height: to.0 }).collect(),
        }
    }
}
