//! The root, and the small sections: `history`, `series`, `payment`, `probe`, `web`, `log`.
//!
//! A key is a field: its name, its help (the comment), its type with the range, and its default in [`Default`]. The
//! reference and the schemas are generated from these.
//!
//! Never here: networks, the watch list, alerting and chains.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::alerting::AlertingSection;
use crate::config::files::path;
use crate::config::kinds::{HorizonKind, HostKind, LinkKind, ListenKind, RoutePrefixKind, TelemetryKind};
use crate::config::leaf::{DAY, FilePath, Flag, Leaf, List, SECOND, Span, Whole};
use crate::config::mistakes::Place;
use crate::config::network::{NetworkSection, count};
use crate::config::profile::{ProfileSection, profiles_schema};
use crate::config::view::{self, ViewSection};
use crate::config::watch::WatchSection;
use crate::config::{HistoryConfig, LogConfig, WebConfig, WebFileConfig};
use crate::metrics::{self, Others};
use crate::probe;
use crate::web::handlers::TelemetryPath;
use crate::web::settings::WebSettings;

/// Default listen address: this host only.
const DEFAULT_ADDRESS: ([u8; 4], u16) = ([127, 0, 0, 1], 10066);

/// Configuration of masternode-exporter.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RootSection {
    /// Networks to follow; without any, the Dash node on this host.
    pub(super) networks: Option<List<NetworkSection>>,
    /// Masternodes to watch. Without this key, those that the sources run as; see `self`.
    pub(super) watch: Option<List<WatchSection>>,
    /// Files with further entries, each with the key `watch`: paths relative to this file, with `*` for any name, such as
    /// `watch.d/*.yml`. A change takes effect within seconds. A file with a mistake is refused alone: its last good content
    /// stays in force.
    pub(super) watch_files: List<FilePath>,
    pub(super) series: SeriesSection,
    pub(super) payment: PaymentSection,
    pub(super) probe: ProbeSection,
    pub(super) history: HistorySection,
    pub(super) alerting: AlertingSection,
    pub(super) web: WebSection,
    /// Profiles of further chains, by name: a profile, or the path of the file with it; see `docs/chains/`.
    #[schemars(schema_with = "profiles_schema")]
    pub(super) chains: BTreeMap<String, Option<ProfileSection>>,
    pub(super) log: LogSection,
}

/// Samples of single masternodes.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SeriesSection {
    /// Unwatched masternodes with their own samples: all, none (`watched`), or those with a score above 0 that are not banned
    /// (`at_risk`). With `at_risk`, a banned masternode loses its samples; watch it to keep them.
    others: OthersChoice,
    /// Most samples of single masternodes; watched masternodes have priority.
    limit: Whole<1, 100_000_000>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OthersChoice {
    All,
    AtRisk,
    Watched,
}

impl Default for SeriesSection {
    fn default() -> Self {
        let defaults = metrics::MetricsSettings::default();
        SeriesSection { others: OthersChoice::All, limit: Leaf(defaults.series_limit as u64) }
    }
}

/// Chances of a payment.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PaymentSection {
    /// Times ahead for the chance of a payment; the first one is given for all masternodes.
    horizons: List<Leaf<HorizonKind>>,
}

impl Default for PaymentSection {
    fn default() -> Self {
        PaymentSection { horizons: metrics::MetricsSettings::default().horizons.into_iter().map(Leaf).collect() }
    }
}

/// Checks `series` and `payment`.
pub(super) fn metrics(series: SeriesSection, payment: PaymentSection, at: &Place<'_>) -> metrics::MetricsSettings {
    let at = at.key("payment").key("horizons");
    if payment.horizons.is_empty() {
        at.error("is empty: leave the key out, or give at least one duration");
    }
    let mut horizons: Vec<(String, u64)> = Vec::new();
    for (index, Leaf((text, seconds))) in payment.horizons.each() {
        if horizons.iter().any(|(_, earlier)| *earlier == seconds) {
            at.index(index).error("an earlier horizon is as long");
        }
        horizons.push((text, seconds));
    }
    metrics::MetricsSettings {
        others: match series.others {
            OthersChoice::All => Others::All,
            OthersChoice::AtRisk => Others::AtRisk,
            OthersChoice::Watched => Others::Watched,
        },
        series_limit: usize::try_from(series.limit.0).unwrap_or(usize::MAX),
        horizons,
        ..metrics::MetricsSettings::default()
    }
}

/// Connections to watched masternodes.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProbeSection {
    /// Connect to watched masternodes at their addresses; see `docs/probe.md`.
    enabled: Flag,
    /// Time from one probe of a masternode to the next.
    interval: Span<{ 30 * SECOND }, DAY>,
    /// Longest time for a probe.
    timeout: Span<{ SECOND / 10 }, { 30 * SECOND }>,
    /// Most probes at a time, in each network.
    max_parallel: Whole<1, 64>,
    /// Probe also addresses that are not of the public internet.
    allow_private: Flag,
    /// When a watched masternode does not answer, connect to this many others, to find out whether this host is cut off.
    controls: Whole<0, 8>,
}

impl Default for ProbeSection {
    fn default() -> Self {
        let defaults = probe::ProbeSettings::default();
        ProbeSection {
            enabled: Leaf(false),
            interval: Leaf(defaults.interval),
            timeout: Leaf(defaults.timeout),
            max_parallel: Leaf(defaults.max_parallel as u64),
            allow_private: Leaf(defaults.allow_private),
            controls: Leaf(defaults.controls as u64),
        }
    }
}

impl ProbeSection {
    /// The settings; `None` when probes are off.
    pub(super) fn settings(self) -> Option<probe::ProbeSettings> {
        let settings = probe::ProbeSettings {
            interval: self.interval.0,
            timeout: self.timeout.0,
            max_parallel: count(self.max_parallel.0) as usize,
            allow_private: self.allow_private.0,
            controls: count(self.controls.0) as usize,
            ..probe::ProbeSettings::default()
        };
        self.enabled.0.then_some(settings)
    }
}

/// The history: state that is kept across restarts.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HistorySection {
    /// File that keeps events and counters across restarts; each process needs its own. Without it nothing is kept, and
    /// counters begin when the process starts.
    path: Option<FilePath>,
    /// Events of older blocks are deleted from the file; counters continue.
    retention: Span<DAY, { 36_500 * DAY }, { 400 * DAY }>,
    /// After a longer gap the full list is read instead of each block.
    pub(super) max_gap_blocks: Whole<1, 1_000_000, 5000>,
    /// Blocks below the start, or below a gap's end, that are backfilled while the exporter runs; 0 for none.
    pub(super) backfill_blocks: Whole<0, 100_000, 576>,
}

impl HistorySection {
    /// The settings except those of networks.
    pub(super) fn settings(self, at: &Place<'_>, home: Option<&Path>) -> HistoryConfig {
        let file = self.path.and_then(|file| path(file, &at.key("path"), home));
        HistoryConfig { path: file, retention: self.retention.0 }
    }
}

/// The HTTP server.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WebSection {
    /// Listen addresses: `host:port`, or `:port` for all interfaces. Takes effect with the next start.
    listen_address: List<Leaf<ListenKind>>,
    /// Path of the metrics. Takes effect with the next start.
    telemetry_path: Leaf<TelemetryKind>,
    /// Scrapes answered at a time; 0 for any number. Takes effect with the next start.
    max_requests: Whole<0, 100_000>,
    /// Further host names that browsers may use for a server without TLS and users: see `docs/web.md`. Takes effect with the
    /// next start.
    allowed_hosts: List<Leaf<HostKind>>,
    /// URL of this exporter for users, such as `https://exporter.example.org`: for links in alerts and to the runbooks that it serves.
    /// Its host is also accepted from browsers, and a path in it begins the links of its pages, after the next start.
    external_url: Option<Leaf<LinkKind>>,
    /// Path below which the exporter answers too, such as `/masternodes`, for a reverse proxy that passes requests on unchanged.
    /// Without it, that of `external_url`; `/` for none. Without `external_url`, it begins the links of the pages. Takes effect with the
    /// next start.
    route_prefix: Option<Leaf<RoutePrefixKind>>,
    /// Answer `/-/reload`. Takes effect with the next start.
    enable_reload: Flag,
    /// Accept maintenance from `masternode-exporter maintenance`: `POST` and `DELETE` of `/api/v1/maintenance`. Who may scrape
    /// may then mute alerts: set users in `config_file`. Takes effect with the next start.
    enable_maintenance: Flag,
    /// Who sees the masternodes of some groups only: users of `config_file`, and read-only links. See `docs/guide/fleet.md`.
    views: List<ViewSection>,
    /// Web configuration file: TLS, users, headers and rate limit, see `docs/web.md`. Without it the server is open and
    /// unencrypted. Another path takes effect with the next start.
    config_file: Option<FilePath>,
}

impl Default for WebSection {
    fn default() -> Self {
        WebSection {
            listen_address: std::iter::once(Leaf(std::net::SocketAddr::from(DEFAULT_ADDRESS).into())).collect(),
            telemetry_path: Leaf(TelemetryPath::default()),
            max_requests: Leaf(WebSettings::default().max_requests as u64),
            allowed_hosts: List::default(),
            external_url: None,
            route_prefix: None,
            enable_reload: Leaf(false),
            enable_maintenance: Leaf(false),
            views: List::default(),
            config_file: None,
        }
    }
}

impl WebSection {
    /// URL of the exporter for users.
    pub(super) fn external_url(&self) -> Option<String> {
        self.external_url.as_ref().map(|url| url.0.clone())
    }

    /// The settings.
    pub(super) fn settings(self, at: &Place<'_>, home: Option<&Path>) -> WebConfig {
        if self.listen_address.is_empty() {
            at.key("listen_address").error("is empty: leave the key out, or give at least one address");
        }
        WebConfig {
            listen_addresses: self.listen_address.each().map(|(_, address)| address.0).collect(),
            telemetry_path: self.telemetry_path.0,
            max_requests: count(self.max_requests.0) as usize,
            allowed_hosts: self.allowed_hosts.each().map(|(_, host)| host.0).collect(),
            route_prefix: self.route_prefix.map(|prefix| prefix.0),
            enable_reload: self.enable_reload.0,
            enable_maintenance: self.enable_maintenance.0,
            views: view::views(self.views, &at.key("views"), home),
            // The content of the file is read after everything else.
            config_file: self.config_file.and_then(|file| path(file, &at.key("config_file"), home)).map(|path| {
                WebFileConfig {
                    path,
                    encrypted: false,
                    certificate: None,
                    asks_for_password: false,
                    asks_for_certificate: false,
                }
            }),
        }
    }
}

/// The log.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogSection {
    /// Least severe level that is logged. Takes effect with the next start.
    level: LevelChoice,
    /// Form of the log. Takes effect with the next start.
    format: FormatChoice,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LevelChoice {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FormatChoice {
    #[default]
    Text,
    Json,
}

impl LogSection {
    /// The settings.
    pub(super) fn settings(self) -> LogConfig {
        let level = match self.level {
            LevelChoice::Trace => "trace",
            LevelChoice::Debug => "debug",
            LevelChoice::Info => "info",
            LevelChoice::Warn => "warn",
            LevelChoice::Error => "error",
        };
        LogConfig { level: level.into(), json: matches!(self.format, FormatChoice::Json) }
    }
}
