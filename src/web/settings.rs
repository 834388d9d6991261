//! The limits of the server.
//!
//! Never here: reading them from a file or from arguments (`config`).

use std::time::Duration;

/// How much a client may cost. [`WebSettings::default`] has the values given with each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    /// Connections open at a time, at least 1. A further one gets the place of one without a request under way, or is closed
    /// at once where there is none. 512.
    pub max_connections: usize,
    /// Scrapes answered at a time, from their request until the last byte was handed to the connection; further ones are
    /// answered 503. 0 is no limit, as with the other exporters' `--web.max-requests`. 40.
    pub max_requests: usize,
    /// Questions to the API answered at a time, and as many pages, at least 1, each on a thread of its own; further ones
    /// wait. 4.
    pub max_questions: usize,
    /// From the opening of a connection, or from the first byte of a further request, to the end of the header. 10 s.
    pub header_timeout: Duration,
    /// How long a connection may rest between two requests. Longer than the longest sensible scrape interval (2 min,
    /// more would show gaps), so that Prometheus keeps its connection. 130 s.
    pub idle_timeout: Duration,
    /// From the end of the header to the last byte of the answer. 120 s.
    pub request_timeout: Duration,
    /// How long the client may accept no byte of an answer. 30 s.
    pub write_stall_timeout: Duration,
    /// How long requests in flight may take to finish when the server stops. 1.5 s.
    pub stop_grace: Duration,
    /// Lines of a header; more are answered 431. 64.
    pub max_header_lines: usize,
    /// Bytes of a header with its request line; more are answered 431. 16 KiB.
    pub max_header_bytes: usize,
    /// Bytes of a request's body, which nothing here needs: so many are read and thrown away, more are answered 413.
    /// 64 KiB.
    pub max_body_bytes: usize,
    /// Names by which browsers may ask a server without protection, beside addresses, `localhost` and names without a dot.
    /// None.
    pub allowed_hosts: Vec<String>,
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
        }
    }
}
