//! The small sections: `history`, `series`, `payment`, `probe`, `web`, `log`.
//!
//! Never here: networks and the watch list.

use std::path::Path;
use std::time::Duration;

use crate::config::node::Node;
use crate::config::{HistoryConfig, LogConfig, WebConfig, WebFileConfig};
use crate::metrics::{Others, Settings};
use crate::probe;
use crate::web::listen::ListenAddress;
use crate::web::site::TelemetryPath;

/// Where the exporter listens unless told otherwise: on this host only.
const DEFAULT_ADDRESS: &str = "127.0.0.1:10066";

const DAY: Duration = Duration::from_secs(86_400);

/// Reads `history`, but what of it is the networks'.
pub(super) fn history(node: &Node<'_>, home: Option<&Path>) -> HistoryConfig {
    HistoryConfig {
        path: node.get("path").path(home),
        retention: node.get("retention").duration(DAY..=36_500 * DAY).unwrap_or(400 * DAY),
    }
}

/// Reads `series` and `payment`.
pub(super) fn metrics(series: &Node<'_>, payment: &Node<'_>) -> Settings {
    series.check_keys();
    payment.check_keys();
    let defaults = Settings::default();
    let others = series.get("others").parsed(|text| match text {
        "all" => Ok(Others::All),
        "at_risk" => Ok(Others::AtRisk),
        "watched" => Ok(Others::Watched),
        _ => Err(format!("{text:?} is none of all, at_risk, watched")),
    });
    let limit = series.get("limit").whole(1..=100_000_000);
    let mut horizons: Vec<(String, u64)> = Vec::new();
    let elements = payment.get("horizons").elements();
    if elements.is_empty() && payment.get("horizons").is_set() {
        payment.get("horizons").error("names no span: leave the key out, or name at least one");
    }
    for element in elements {
        let range = Duration::from_secs(60)..=400 * DAY;
        let (Some(text), Some(span)) = (element.text(), element.duration(range)) else { continue };
        if horizons.iter().any(|(_, seconds)| *seconds == span.as_secs()) {
            element.error("an earlier horizon is as long");
        }
        horizons.push((text, span.as_secs()));
    }
    Settings {
        others: others.unwrap_or(defaults.others),
        series_limit: limit.map_or(defaults.series_limit, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        horizons: if horizons.is_empty() { defaults.horizons } else { horizons },
        ..defaults
    }
}

/// Reads `probe`; `None` when it is not switched on.
pub(super) fn probe(node: &Node<'_>) -> Option<probe::Settings> {
    node.check_keys();
    let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
    let defaults = probe::Settings::default();
    let settings = probe::Settings {
        interval: node.get("interval").duration(30 * second..=day).unwrap_or(defaults.interval),
        timeout: node.get("timeout").duration(second / 10..=30 * second).unwrap_or(defaults.timeout),
        max_parallel: node.get("max_parallel").whole(1..=64).map_or(defaults.max_parallel, |most| most as usize),
        allow_private: node.get("allow_private").flag().unwrap_or(defaults.allow_private),
        controls: node.get("controls").whole(0..=8).map_or(defaults.controls, |most| most as usize),
        ..defaults
    };
    // Read before it is dropped: mistakes are told also while probes are off.
    node.get("enabled").flag().unwrap_or(false).then_some(settings)
}

/// Reads `web`.
pub(super) fn web(node: &Node<'_>, home: Option<&Path>) -> WebConfig {
    node.check_keys();
    let addresses = node.get("listen_address").elements();
    if addresses.is_empty() && node.get("listen_address").is_set() {
        node.get("listen_address").error("names no address: leave the key out, or name at least one");
    }
    let mut listen_addresses: Vec<ListenAddress> =
        addresses.iter().filter_map(|element| element.parsed(str::parse::<ListenAddress>)).collect();
    if addresses.is_empty() {
        listen_addresses.extend(DEFAULT_ADDRESS.parse::<ListenAddress>());
    }
    WebConfig {
        listen_addresses,
        telemetry_path: node.get("telemetry_path").parsed(TelemetryPath::new).unwrap_or_default(),
        max_requests: node.get("max_requests").whole(0..=100_000).unwrap_or(40) as usize,
        allowed_hosts: node.get("allowed_hosts").elements().iter().filter_map(|name| name.parsed(host_name)).collect(),
        enable_reload: node.get("enable_reload").flag().unwrap_or(false),
        // What the file says is read after everything else.
        config_file: node.get("config_file").path(home).map(|path| WebFileConfig {
            path,
            encrypted: false,
            certificate: None,
            asks_for_password: false,
            asks_for_certificate: false,
        }),
    }
}

/// The name of a host, without a scheme and a port.
fn host_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match text.bytes().all(plain) && !text.is_empty() {
        true => Ok(text.trim_end_matches('.').to_string()),
        false => Err(format!("{text:?} is not the name of a host: leave out scheme, port and path")),
    }
}

/// Reads `log`.
pub(super) fn log(node: &Node<'_>) -> LogConfig {
    node.check_keys();
    let one_of = |key: &str, known: &'static [&'static str]| {
        node.get(key).parsed(|text| {
            known
                .iter()
                .find(|name| **name == text)
                .copied()
                .ok_or_else(|| format!("{text:?} is none of {}", known.join(", ")))
        })
    };
    LogConfig {
        level: one_of("level", &["trace", "debug", "info", "warn", "error"]).unwrap_or("info").into(),
        json: one_of("format", &["text", "json"]) == Some("json"),
    }
}
