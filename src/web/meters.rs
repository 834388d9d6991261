//! What the server counts of itself.
//!
//! Never here: a registry of its own; the caller's is used.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The server's own metrics.
#[derive(Clone, Debug)]
pub struct Meters {
    /// Requests answered. `handler` is one of the routes' names or `other`, `code` the status; answers to what is not
    /// HTTP, or too large a header, are not counted: no handler saw them.
    pub(super) requests: IntCounterVec,
    /// Connections open now.
    pub(super) connections: IntGauge,
    /// Connections closed at once because there were too many.
    pub(super) connections_rejected: IntCounter,
    /// Connections closed to make room for others.
    pub(super) connections_displaced: IntCounter,
    /// Connections that ended before they were encrypted.
    pub(super) handshakes_failed: IntCounter,
    /// Whether the web configuration could be used when it was last read; absent where there is none.
    web_config_read: IntGaugeVec,
}

impl Meters {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// When the registry has metrics of the same names.
    pub fn new(registry: &Registry) -> prometheus::Result<Meters> {
        let requests = IntCounterVec::new(
            Opts::new("masternode_exporter_http_requests_total", "HTTP requests answered, by handler and status code."),
            &["handler", "code"],
        )?;
        let connections =
            IntGauge::new("masternode_exporter_http_connections", "HTTP connections open at the moment.")?;
        let connections_rejected = IntCounter::new(
            "masternode_exporter_http_connections_rejected_total",
            "HTTP connections closed at once because too many were open, all of them waiting for an answer.",
        )?;
        let connections_displaced = IntCounter::new(
            "masternode_exporter_http_connections_displaced_total",
            "HTTP connections closed to make room for another one: refused and silent ones first, then resting ones, then those that keep us waiting. Authenticated connections are never closed for it.",
        )?;
        let handshakes_failed = IntCounter::new(
            "masternode_exporter_http_tls_handshakes_failed_total",
            "HTTP connections that ended before they were encrypted: no TLS, no common version or cipher, no good certificate.",
        )?;
        let web_config_read = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_web_config_last_reload_successful",
                "Whether the web configuration file could be used when it was last read; while 0, the one before it is in force.",
            ),
            &[],
        )?;
        registry.register(Box::new(handshakes_failed.clone()))?;
        registry.register(Box::new(web_config_read.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(connections_rejected.clone()))?;
        registry.register(Box::new(connections_displaced.clone()))?;
        // What everybody watches exists from the start, so that its first increase is seen.
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

    /// Makes every family have a sample, for the reference.
    pub fn touch(&self) {
        self.web_config_loaded(true);
    }

    /// Notes whether the web configuration file could be used when it was last read.
    pub fn web_config_loaded(&self, good: bool) {
        self.web_config_read.with_label_values::<&str>(&[]).set(good.into());
    }
}

/// Counts one open connection for as long as it lives.
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
