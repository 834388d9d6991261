//! Counters of the HTTP server.
//!
//! Never here: a registry; the caller's is used.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use crate::catalog::Family;
use crate::catalog::process;
use crate::meters::families::Families;

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
    /// The metrics of a registry that has none of them. They exist from the start, so that the first increase is visible.
    pub fn new(registry: &Registry) -> Meters {
        let families = Families::new(registry);
        let counter = |family: &Family| families.counters(family).with_label_values::<&str>(&[]);
        let meters = Meters {
            requests: families.counters(&process::HTTP_REQUESTS),
            connections: families.gauges(&process::HTTP_CONNECTIONS).with_label_values::<&str>(&[]),
            connections_rejected: counter(&process::HTTP_CONNECTIONS_REJECTED),
            connections_displaced: counter(&process::HTTP_CONNECTIONS_DISPLACED),
            handshakes_failed: counter(&process::HTTP_TLS_HANDSHAKES_FAILED),
            web_config_read: families.gauges(&process::WEB_CONFIG_LAST_RELOAD_SUCCESSFUL),
        };
        meters.requests.with_label_values(&["metrics", "200"]);
        meters.requests.with_label_values(&["metrics", "503"]);
        meters
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
        let meters = Meters::new(&registry);
        let samples = || registry.gather().iter().filter(|family| family.name().contains("web_config")).count();
        assert_eq!(samples(), 0);
        for good in [false, true] {
            meters.web_config_loaded(good);
            assert_eq!(samples(), 1);
        }
    }
}
