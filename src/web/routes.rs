//! The paths of the server, and the methods of each.
//!
//! Never here: answers.

use hyper::Method;

use crate::web::api::{self, maintenance};
use crate::web::handlers::TelemetryPath;
use crate::web::pages;

/// The routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Metrics,
    Api,
    Landing,
    Masternode,
    Events,
    Runbook,
    Maintenance,
    Healthy,
    Ready,
    Reload,
}

impl Route {
    /// The route of a path; `None` if nothing is there.
    pub(super) fn find(path: &str, telemetry_path: &TelemetryPath) -> Option<Route> {
        // First, because it may be `/`.
        if path == telemetry_path.as_str() {
            return Some(Route::Metrics);
        }
        match path {
            "/" => Some(Route::Landing),
            "/-/healthy" => Some(Route::Healthy),
            "/-/ready" => Some(Route::Ready),
            "/-/reload" => Some(Route::Reload),
            pages::EVENTS => Some(Route::Events),
            maintenance::PATH => Some(Route::Maintenance),
            _ if path.starts_with(api::PREFIX) => Some(Route::Api),
            _ if pages::is_masternode(path) => Some(Route::Masternode),
            _ if pages::is_runbook(path) => Some(Route::Runbook),
            _ => None,
        }
    }

    /// The allowed methods, and the same as in the header `Allow`.
    pub(super) fn methods(self) -> (&'static [Method], &'static str) {
        match self {
            Route::Reload => (&[Method::POST, Method::PUT], "POST, PUT"),
            Route::Maintenance => {
                (&[Method::GET, Method::HEAD, Method::POST, Method::DELETE], "GET, HEAD, POST, DELETE")
            }
            _ => (&[Method::GET, Method::HEAD], "GET, HEAD"),
        }
    }

    /// Value of the label `handler`.
    pub(super) fn label(self) -> &'static str {
        match self {
            Route::Metrics => "metrics",
            Route::Api => "api",
            Route::Landing => "landing",
            Route::Masternode => "masternode",
            Route::Events => "events",
            Route::Runbook => "runbook",
            Route::Maintenance => "maintenance",
            Route::Healthy => "healthy",
            Route::Ready => "ready",
            Route::Reload => "reload",
        }
    }
}
