//! The handlers of the server and the facts of the landing page, passed in by the caller of [`crate::web::serve`].
//!
//! Never here: HTTP (headers, status codes, encodings), which the rest of `web` adds.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::metrics::{Page, Request};
use crate::web::api::Api;
use crate::web::api::maintenance::{MaintenanceAnswer, MaintenanceCommand};
use crate::web::view::Views;

/// A response that takes time.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers one scrape. Runs on the threads that serve all connections, so longer work belongs on others. Dropped
/// unfinished if the client disconnects or the timeout passes.
pub type MetricsFunction = Box<dyn Fn(Request) -> Answer<Result<Page, String>> + Send + Sync>;

/// Reports what is missing until the exporter is ready; called for each request, so it must be cheap.
pub type ReadyFunction = Box<dyn Fn() -> Readiness + Send + Sync>;

/// Reloads the configuration; the error is one or more sentences for the operator. The future may be dropped
/// unfinished, so work that must not stop halfway belongs in a separate task.
pub type ReloadFunction = Box<dyn Fn() -> Answer<Result<(), String>> + Send + Sync>;

/// Lists or changes maintenance. The future may be dropped unfinished.
pub type MaintenanceFunction = Box<dyn Fn(MaintenanceCommand) -> Answer<MaintenanceAnswer> + Send + Sync>;

/// The present views.
pub type ViewsFunction = Box<dyn Fn() -> Arc<Views> + Send + Sync>;

/// The interface of the server to the rest of the program.
pub struct Handlers {
    /// Facts of the landing page, including the path of the metrics.
    pub landing: LandingPage,
    /// Handler of the telemetry path.
    pub metrics: MetricsFunction,
    /// Handler of `/api/`; `None` disables it.
    pub api: Option<Arc<Api>>,
    /// Handler of `/runbooks`: the name of each alert and its runbook in Markdown.
    pub runbooks: &'static [(&'static str, &'static str)],
    /// Handler of `/-/ready`.
    pub ready: ReadyFunction,
    /// Handler of `/-/reload`; `None` rejects it (403), which is the default of the program.
    pub reload: Option<ReloadFunction>,
    /// Handler of `/api/v1/maintenance`; `None` disables it.
    pub maintenance: Option<MaintenanceFunction>,
    /// Who sees what; called for each request, so it must be cheap.
    pub views: ViewsFunction,
}

/// Content of the landing page. Plain text, which the page escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandingPage {
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence that describes it.
    pub summary: String,
    /// Path of the metrics.
    pub telemetry_path: TelemetryPath,
    /// The path below which a reverse proxy serves the pages, such as `/masternodes`; empty for none.
    pub path_prefix: String,
    /// The query of the link to the metrics, with `?`; empty for none.
    pub metrics_query: String,
    /// Further links, after those to metrics, health and readiness.
    pub links: Vec<Link>,
}

/// A link of the landing page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Path or URL; trusted to be `http`, `https` or relative.
    pub target: String,
    /// The visible text.
    pub text: String,
}

/// The path of the metrics, `/metrics` unless configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryPath(String);

impl TelemetryPath {
    /// Takes a path that starts with `/` and contains only characters that need no escape. `/` itself is allowed and
    /// replaces the landing page; paths that begin with `/-/` or `/api/` are reserved.
    ///
    /// # Errors
    /// A sentence that describes the mistake.
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

/// Missing conditions of readiness.
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
