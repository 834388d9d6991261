//! What is served: the functions that answer and the facts of the landing page, handed in by whoever builds the parts.
//!
//! Never here: HTTP's own words (headers, status codes, encodings), which the rest of `web` translates.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::web::api::Api;

/// An answer that takes its time.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers one scrape. Runs on the threads that serve all connections, so longer work belongs on others. Dropped
/// unfinished when the client goes away or its time is over.
pub type MetricsFunction = Box<dyn Fn(MetricsRequest) -> Answer<Result<MetricsReply, ScrapeError>> + Send + Sync>;

/// Says what is missing before the page can be trusted; called for each request, so it must be cheap.
pub type ReadyFunction = Box<dyn Fn() -> Readiness + Send + Sync>;

/// Reads the configuration anew; the error is one or more sentences for the operator. The answer may be dropped
/// unfinished, so what must not stop halfway belongs into a task of its own.
pub type ReloadFunction = Box<dyn Fn() -> Answer<Result<(), String>> + Send + Sync>;

/// All that the server needs to know of the rest of the program.
pub struct Handlers {
    /// Facts of the landing page, the path of the metrics among them.
    pub landing: LandingPage,
    /// Behind the telemetry path.
    pub metrics: MetricsFunction,
    /// Behind `/api/`; `None` serves nothing there.
    pub api: Option<Arc<Api>>,
    /// Behind `/runbooks`: the name of each alert and its runbook in Markdown.
    pub runbooks: &'static [(&'static str, &'static str)],
    /// Behind `/-/ready`.
    pub ready: ReadyFunction,
    /// Behind `/-/reload`; `None` refuses it (403), which is the default of the program.
    pub reload: Option<ReloadFunction>,
}

/// What the landing page says. Plain text: escaped where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandingPage {
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence: what it is.
    pub summary: String,
    /// Where the metrics are.
    pub telemetry_path: TelemetryPath,
    /// Further links, after those to metrics, health and readiness.
    pub links: Vec<Link>,
}

/// A link of the landing page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Path or URL; trusted to be one of `http`, `https` or relative.
    pub target: String,
    /// What the reader sees.
    pub text: String,
}

/// The path under which the metrics are served, `/metrics` unless configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryPath(String);

impl TelemetryPath {
    /// Takes a path that starts with `/` and has only characters that need no escape in a path. `/` itself is allowed
    /// and replaces the landing page; what begins with `/-/` or `/api/` is ours.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn new(path: &str) -> Result<TelemetryPath, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if !path.starts_with('/') {
            return Err(format!("the telemetry path must start with a slash, and \"{path}\" does not"));
        }
        if !path.bytes().all(plain) {
            return Err(format!(
                "the telemetry path may have letters, digits and / - . _ ~ only, and \"{path}\" has others"
            ));
        }
        if path.starts_with("/-/") {
            return Err(format!("the telemetry path may not start with /-/, as \"{path}\" does: that is for health"));
        }
        if path.starts_with("/api/") {
            return Err(format!(
                "the telemetry path may not start with /api/, as \"{path}\" does: that is for the API"
            ));
        }
        Ok(TelemetryPath(path.to_owned()))
    }

    /// The path as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TelemetryPath {
    fn default() -> Self {
        TelemetryPath("/metrics".to_owned())
    }
}

impl fmt::Display for TelemetryPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a scrape asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsRequest {
    /// The format that the client likes best of those we have.
    pub format: Format,
    /// Whether the client takes gzip.
    pub gzip: bool,
    /// Families named by `collect[]`, in the order given and as given; empty is all.
    pub collect: Vec<String>,
    /// The part of the masternodes named by `shard`; `None` is all.
    pub shard: Option<Shard>,
    /// How long the client waits in total, as it says; `None` when it does not.
    pub scrape_timeout: Option<Duration>,
}

/// The exposition formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4, also for whoever asks for nothing that we have.
    #[default]
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
}

/// One part of the masternodes when several scrapes share them: `shard=0/3`, `1/3` and `2/3` together are all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0 up to `total`, that excluded.
    pub index: u32,
    /// How many parts, at least 1.
    pub total: u32,
}

/// The answer to a scrape.
pub struct MetricsReply {
    /// The value of `Content-Type`: visible ASCII, version included.
    pub content_type: &'static str,
    /// Whether the body is gzip; only if [`MetricsRequest::gzip`] allowed it.
    pub gzip: bool,
    /// The page.
    pub body: Body,
}

/// The bytes of a page.
pub enum Body {
    /// Known as a whole: sent with its length, without a copy.
    Whole(Vec<Bytes>),
    /// Produced while it is sent: the next piece is asked for when the connection has taken the one before. The
    /// iterator runs on the threads that serve all connections, so a piece should cost well under a millisecond.
    Stream(Box<dyn Iterator<Item = Bytes> + Send>),
}

/// Why there is no page; each holds a sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScrapeError {
    /// The client asked for something that does not exist, such as an unknown family (400).
    BadRequest(String),
    /// There is no page now, there may be one later (503).
    Unavailable(String),
}

/// What is missing until the exporter is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// One plain line for each; none means ready.
    pub missing: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telemetry_path_is_a_plain_path_outside_our_own() {
        for good in ["/metrics", "/", "/a/b-c.d_e~f", "/-", "/--/metrics"] {
            assert_eq!(TelemetryPath::new(good).map(|path| path.to_string()), Ok(good.to_owned()), "{good}");
        }
        for bad in [
            "",
            "metrics",
            "/-/metrics",
            "/-/",
            "/api/",
            "/api/v1/status",
            "/a?b",
            "/a#b",
            "/a b",
            "/ä",
            "/%41",
            "/<script>",
        ] {
            let error = TelemetryPath::new(bad).expect_err(bad);
            assert!(error.contains(&format!("\"{bad}\"")), "{error}");
        }
    }
}
