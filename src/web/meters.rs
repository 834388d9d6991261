//! Counters of the HTTP server.
//!
//! Never here: a registry; the caller's is used.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

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
        let requests = IntCounterVec::new(
            Opts::new("masternode_exporter_http_requests_total", "HTTP requests answered, by handler and status code."),
            &["handler", "code"],
        )?;
        let connections = IntGauge::new("masternode_exporter_http_connections", "HTTP connections currently open.")?;
        let connections_rejected = IntCounter::new(
            "masternode_exporter_http_connections_rejected_total",
            "HTTP connections closed at once because the connection limit was reached and every open connection waited for a response.",
        )?;
        let connections_displaced = IntCounter::new(
            "masternode_exporter_http_connections_displaced_total",
            "HTTP connections evicted at the connection limit: rejected and silent ones first, then idle ones, then those that delay a request. Authenticated connections are never evicted.",
        )?;
        let handshakes_failed = IntCounter::new(
            "masternode_exporter_http_tls_handshakes_failed_total",
            "Failed TLS handshakes: no TLS, no common version or cipher, or no valid certificate.",
        )?;
        let web_config_read = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_web_config_last_reload_successful",
                "1 if the last load of the web configuration file succeeded, 0 if it failed and the previous configuration stays in use. Absent without such a file.",
            ),
            &[],
        )?;
        registry.register(Box::new(handshakes_failed.clone()))?;
        registry.register(Box::new(web_config_read.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(connections_rejected.clone()))?;
        registry.register(Box::new(connections_displaced.clone()))?;
        // Exist from the start, so that the first increase is visible.
        requests.with_label_values(&["metrics", "200"]);
        requests.with_label_values(&["metrics", "503"]);
        Ok(Meters {
            requests,
            connections,
            connections_rejected,
            connections_displaced,
            handshakes_failed,
            web_config_read,
        })
    }

    /// Creates a sample of every family, for the reference.
    pub fn touch(&self) {
        self.web_config_loaded(true);
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
