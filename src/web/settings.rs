//! The limits of the server.
//!
//! Never here: reading them from a file or arguments (`config`).

use std::time::Duration;

use crate::web::route_prefix::RoutePrefix;

/// Limits on the cost of a client. [`WebSettings::default`] has the values given with each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    /// Concurrent connections, at least 1. Another one evicts one without a request in progress, or is closed at once
    /// if there is none. 512.
    pub max_connections: usize,
    /// Concurrent scrapes, from the request until the last byte was handed to the connection; further ones get 503. 0
    /// means no limit, as with `--web.max-requests` of other exporters. 40.
    pub max_requests: usize,
    /// Concurrent API requests, and the same number of pages, at least 1, each on its own thread; further ones wait. 4.
    pub max_questions: usize,
    /// From the start of a connection, or from the first byte of another request, to the end of the header. 10 s.
    pub header_timeout: Duration,
    /// Idle time between two requests. Longer than the longest useful scrape interval (2 min; a longer one shows gaps),
    /// so that Prometheus keeps its connection. 130 s.
    pub idle_timeout: Duration,
    /// From the end of the header to the last byte of the response. 120 s.
    pub request_timeout: Duration,
    /// Time without a byte of the response read by the client. 30 s.
    pub write_stall_timeout: Duration,
    /// Time for requests in progress to finish when the server stops. 1.5 s.
    pub stop_grace: Duration,
    /// Header lines; more get 431. 64.
    pub max_header_lines: usize,
    /// Bytes of a header including the request line; more get 431. 16 KiB.
    pub max_header_bytes: usize,
    /// Bytes of a request body; more get 413. 64 KiB.
    pub max_body_bytes: usize,
    /// Names by which browsers may access an unprotected server, besides addresses, `localhost` and names without a
    /// dot. None.
    pub allowed_hosts: Vec<String>,
    /// URL of the exporter for users; empty for none.
    pub external_url: String,
    /// The path below which the routes are served too. None.
    pub route_prefix: RoutePrefix,
}

impl Default for WebSettings {
    fn default() -> Self {
        WebSettings {
            max_connections: 512,
            max_requests: 40,
            max_questions: 4,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(130),
            request_timeout: Duration::from_secs(120),
            write_stall_timeout: Duration::from_secs(30),
            stop_grace: Duration::from_millis(1500),
            max_header_lines: 64,
            max_header_bytes: 16 * 1024,
            max_body_bytes: 64 * 1024,
            allowed_hosts: Vec::new(),
            external_url: String::new(),
            route_prefix: RoutePrefix::default(),
        }
    }
}
