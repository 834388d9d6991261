//! Counters of the HTTP server.
//!
//! Never here: a registry; the caller's is used.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use crate::catalog::process;
use crate::meters::register;

/// The server's own metrics.
#[derive(Clone, Debug)]
pub struct Meters {
    /// Requests answered. `handler` is a route name or `other`, `code` the status. Input that is not HTTP and oversized
    /// headers are not counted: no handler gets them.
    pub(super) requests: IntCounterVec,
    /// Connections open now.
    pub(super) connections: IntGauge,
    /// Connections closed at once at the connection limit.
    pub(super) connections_rejected: IntCounter,
    /// Connections evicted at the connection limit.
    pub(super) connections_displaced: IntCounter,
    /// Failed TLS handshakes.
    pub(super) handshakes_failed: IntCounter,
    /// Whether the last load of the web configuration succeeded; absent without one.
    web_config_read: IntGaugeVec,
}

impl Meters {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// If the registry has metrics of the same names.
    pub fn new(registry: &Registry) -> prometheus::Result<Meters> {
        let meters = Meters {
            requests: register::counters(registry, &process::HTTP_REQUESTS)?,
            connections: register::gauge(registry, &process::HTTP_CONNECTIONS)?,
            connections_rejected: register::counter(registry, &process::HTTP_CONNECTIONS_REJECTED)?,
            connections_displaced: register::counter(registry, &process::HTTP_CONNECTIONS_DISPLACED)?,
            handshakes_failed: register::counter(registry, &process::HTTP_TLS_HANDSHAKES_FAILED)?,
            web_config_read: register::gauges(registry, &process::WEB_CONFIG_LAST_RELOAD_SUCCESSFUL)?,
        };
        // Exist from the start, so that the first increase is visible.
        meters.requests.with_label_values(&["metrics", "200"]);
        meters.requests.with_label_values(&["metrics", "503"]);
        Ok(meters)
    }

    /// Records whether the last load of the web configuration file succeeded.
    pub fn web_config_loaded(&self, good: bool) {
        self.web_config_read.with_label_values::<&str>(&[]).set(good.into());
    }
}

/// Counts one open connection until it is dropped.
pub(super) struct OpenConnection(IntGauge);

impl OpenConnection {
    pub(super) fn new(meters: &Meters) -> OpenConnection {
        meters.connections.inc();
        OpenConnection(meters.connections.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_web_configuration_has_no_sample_of_it() {
        let registry = Registry::new();
        let meters = Meters::new(&registry).unwrap();
        let samples = || registry.gather().iter().filter(|family| family.name().contains("web_config")).count();
        assert_eq!(samples(), 0);
        for good in [false, true] {
            meters.web_config_loaded(good);
            assert_eq!(samples(), 1);
        }
    }
}
