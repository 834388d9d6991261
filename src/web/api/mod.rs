//! The JSON API for scripts: snapshots and history. `docs/openapi.json` is its contract.
//!
//! [`Api`] holds its inputs; [`Api::answer`] turns a path and a query into a response. [`json`] has the response types,
//! which the command line shares; [`openapi`] generates the contract from them.
//!
//! Everything is bounded: a page by its limit, a query by the size of a request header. The API never calls a node.
//!
//! Never here: HTTP methods and headers (`route`); changes of any state.

pub(super) mod alert_begin;
pub mod calendar;
pub mod csv_table;
pub mod duties;
pub mod earnings;
pub(super) mod events;
pub mod json;
pub mod maintenance;
pub(super) mod masternodes;
pub mod openapi;
mod parameters;
mod selection;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{self, DamageReporter, Query, Reader, StoreError};
use crate::web::api::parameters::{Parameters, echo};
use domain::NetworkState;
use domain::masternode::{MasternodeId, UnixSeconds};

/// Path prefix of the API.
pub(super) const PREFIX: &str = "/api/";

/// Path of the contract.
pub const CONTRACT_PATH: &str = "/api/v1/openapi.json";

/// Maximum number of alerts in a response; further ones are only counted.
const MAX_ALERTS: usize = 100;

/// API paths for the landing page, each with its name.
pub const PAGES: [(&str, &str); 4] = [
    (STATUS, "API: status"),
    (MASTERNODES, "API: masternodes"),
    (EVENTS, "API: events"),
    (CONTRACT_PATH, "API: OpenAPI"),
];

const STATUS: &str = "/api/v1/status";

const EVENTS: &str = "/api/v1/events";

const EARNINGS: &str = "/api/v1/earnings";

const MASTERNODES: &str = "/api/v1/masternodes";

/// The path below a masternode with its DKG sessions.
const DUTIES: &str = "/duties";

/// The path below a masternode with the calendar of its DKG sessions.
const CALENDAR: &str = "/duties.ics";

/// The calendar of the DKG sessions of all watched masternodes.
const CALENDAR_OF_ALL: &str = "/api/v1/duties.ics";

const RESTART_PLAN: &str = "/api/v1/restart-plan";

/// The inputs of the API from the rest of the program.
pub struct Api {
    /// Version of the program.
    pub version: String,
    /// The current networks, in ascending order of names; called for each request, so it must be cheap.
    pub networks: Box<dyn Fn() -> Vec<Arc<NetworkState>> + Send + Sync>,
    /// The firing alerts, at most the given number; called for each request, so it must be cheap.
    pub alerts: Box<dyn Fn(AlertsOf<'_>, usize) -> Firing + Send + Sync>,
    /// The history; `None` if it is disabled.
    pub history: Option<History>,
    /// The current time.
    pub clock: fn() -> UnixSeconds,
    /// Whether the reader is limited to some groups: the networks and alerts are those that it may see, and everything else
    /// is limited to their masternodes.
    pub is_restricted: bool,
}

/// Selects alerts.
#[derive(Clone, Copy, Debug)]
pub enum AlertsOf<'a> {
    /// All alerts.
    All,
    /// Alerts of one masternode: its network and its identity.
    Masternode(&'a str, &'a MasternodeId),
}

/// Firing alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Firing {
    /// Number of critical alerts.
    pub critical: usize,
    /// Number of warnings.
    pub warning: usize,
    /// The most severe first, at most as many as requested.
    pub alerts: Vec<Alert>,
}

/// A firing alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Severity: `critical` or `warning`.
    pub severity: &'static str,
    /// Labels of its subject.
    pub labels: BTreeMap<String, String>,
    /// One sentence, the same for all alerts of this name.
    pub summary: String,
    /// Its description.
    pub description: String,
    /// Its runbook: a URL, or a path in the repository if no base URL is configured.
    pub runbook_url: String,
    /// Since when it fires.
    pub since: UnixSeconds,
}

/// The history.
pub struct History {
    /// The file.
    pub path: PathBuf,
    /// Whether the last write succeeded.
    pub up: Box<dyn Fn() -> bool + Send + Sync>,
    /// Receives reports of damage; `None` if another process writes it.
    pub owner: Option<DamageReporter>,
}

impl History {
    /// Reads the file.
    pub(in crate::web) fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        history::read(&self.path, self.owner.as_ref(), read)
    }

    /// Tells the owner that a read omitted damaged rows.
    pub(in crate::web) fn rows_omitted(&self, number: u64) {
        if let Some(owner) = self.owner.as_ref().filter(|_| number > 0) {
            owner.rows_omitted();
        }
    }
}

/// A response: JSON with any status, CSV, or a calendar.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200 or an error status.
    pub status: StatusCode,
    /// One JSON value, CSV, or a calendar.
    pub body: Bytes,
    /// What it is.
    pub content_type: &'static str,
    /// How long it may be kept: the header `Cache-Control`.
    pub cache_control: &'static str,
}

/// The media type of JSON.
const JSON: &str = "application/json; charset=utf-8";

/// The media type of a table.
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// A response is valid only at its time.
const NO_STORE: &str = "no-store";

/// A calendar may be kept for less than a block usually takes, but not by a cache that others share: access may be restricted.
const CALENDAR_CACHE: &str = "private, max-age=60";

/// An error: a status and a sentence for the client.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    error: String,
}

/// The endpoints.
enum Endpoint<'a> {
    Status,
    Masternodes,
    Masternode(&'a str),
    Duties(&'a str),
    Calendar(&'a str),
    CalendarOfAll,
    RestartPlan,
    Events,
    Earnings,
    Contract,
}

impl Api {
    /// Answers a request for `path` with the query as sent. Reads files and may compute for some milliseconds, so call
    /// it on a blocking thread.
    pub fn answer(&self, path: &str, query: &str) -> Reply {
        let endpoint = Endpoint::find(path);
        let is_calendar = matches!(endpoint, Some(Endpoint::Calendar(_) | Endpoint::CalendarOfAll));
        let answer = match endpoint {
            Some(Endpoint::Contract) => {
                Parameters::read(query, &[]).map(|_| Bytes::from_static(openapi::contract().as_bytes()))
            }
            Some(Endpoint::Status) => status::answer(self, query),
            Some(Endpoint::Masternodes) => masternodes::page(self, query),
            Some(Endpoint::Masternode(id)) => masternodes::one(self, id, query),
            Some(Endpoint::Duties(id)) => duties::duties(self, id, query),
            Some(Endpoint::Calendar(id)) => duties::calendar_of_one(self, id, query),
            Some(Endpoint::CalendarOfAll) => duties::calendar_of_all(self, query),
            Some(Endpoint::RestartPlan) => duties::restart_plan(self, query),
            Some(Endpoint::Events) => events::answer(self, query),
            Some(Endpoint::Earnings) => earnings::answer(self, query),
            None => Err(missing(format!("unknown path; see {CONTRACT_PATH}"))),
        };
        match answer {
            Ok(body) if is_calendar => Reply {
                status: StatusCode::OK,
                body,
                content_type: calendar::CONTENT_TYPE,
                cache_control: CALENDAR_CACHE,
            },
            Ok(body) => {
                let is_csv =
                    form_urlencoded::parse(query.as_bytes()).any(|given| given == ("format".into(), "csv".into()));
                let content_type = if is_csv { CSV } else { JSON };
                Reply { status: StatusCode::OK, body, content_type, cache_control: NO_STORE }
            }
            Err(refused) => {
                let (status, text) = self.refusal(refused);
                error(status, &text)
            }
        }
    }

    /// Status and text of an error. One about a name may list others, which the reader of a view must not see.
    pub(super) fn refusal(&self, refused: ApiError) -> (StatusCode, String) {
        match refused {
            ApiError { status: StatusCode::NOT_FOUND, .. } if self.is_restricted => {
                (StatusCode::NOT_FOUND, "there is nothing of this name in this view".into())
            }
            ApiError { status, error } => (status, error),
        }
    }

    /// A query of events, limited to the masternodes of `networks` if the reader may see only these.
    pub(super) fn permitted(&self, networks: &[Arc<NetworkState>], query: Query) -> Query {
        if !self.is_restricted {
            return query;
        }
        let masternodes = match query.masternodes {
            Some(asked) => self.seen(networks, asked),
            None => networks.iter().flat_map(|network| network.watched()).map(|target| target.id).collect(),
        };
        Query { masternodes: Some(masternodes), ..query }
    }

    /// Those of `masternodes` that the reader may see.
    pub(super) fn seen(&self, networks: &[Arc<NetworkState>], masternodes: Vec<MasternodeId>) -> Vec<MasternodeId> {
        if !self.is_restricted {
            return masternodes;
        }
        let seen = networks.iter().flat_map(|network| network.watched()).map(|target| target.id);
        let seen: BTreeSet<MasternodeId> = seen.collect();
        masternodes.into_iter().filter(|id| seen.contains(id)).collect()
    }

    /// The networks of a request: the named one, or all.
    fn chosen(&self, parameters: &Parameters) -> Result<Vec<Arc<NetworkState>>, ApiError> {
        let mut networks = (self.networks)();
        let Some(name) = parameters.one("network") else { return Ok(networks) };
        if !networks.iter().any(|network| *network.network == *name) {
            let names: Vec<&str> = networks.iter().map(|network| &*network.network).collect();
            return Err(missing(format!("unknown network {}; known: {}", echo(name), names.join(", "))));
        }
        networks.retain(|network| *network.network == *name);
        Ok(networks)
    }
}

impl Endpoint<'_> {
    fn find(path: &str) -> Option<Endpoint<'_>> {
        match path {
            STATUS => Some(Endpoint::Status),
            EVENTS => Some(Endpoint::Events),
            EARNINGS => Some(Endpoint::Earnings),
            MASTERNODES => Some(Endpoint::Masternodes),
            CONTRACT_PATH => Some(Endpoint::Contract),
            CALENDAR_OF_ALL => Some(Endpoint::CalendarOfAll),
            RESTART_PLAN => Some(Endpoint::RestartPlan),
            _ => {
                let id = path.strip_prefix(MASTERNODES)?.strip_prefix('/')?;
                let (id, endpoint) = match (id.strip_suffix(DUTIES), id.strip_suffix(CALENDAR)) {
                    (Some(id), _) => (id, Endpoint::Duties(id)),
                    (None, Some(id)) => (id, Endpoint::Calendar(id)),
                    (None, None) => (id, Endpoint::Masternode(id)),
                };
                (!id.is_empty() && !id.contains('/')).then_some(endpoint)
            }
        }
    }
}

/// An error response.
#[derive(Serialize, JsonSchema)]
struct Error<'a> {
    /// A sentence: what is wrong and, where useful, the valid values.
    #[schemars(length(min = 1))]
    error: &'a str,
}

/// An error response.
pub(super) fn error(status: StatusCode, error: &str) -> Reply {
    let body = written(&Error { error }).unwrap_or_default();
    Reply { status, body, content_type: JSON, cache_control: NO_STORE }
}

/// A successful response.
pub(super) fn reply(answer: &impl Serialize) -> Reply {
    match written(answer) {
        Ok(body) => Reply { status: StatusCode::OK, body, content_type: JSON, cache_control: NO_STORE },
        Err(refused) => error(refused.status, &refused.error),
    }
}

fn written(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    let mut text = serde_json::to_vec(answer)
        .map_err(|error| ApiError { status: StatusCode::INTERNAL_SERVER_ERROR, error: error.to_string() })?;
    text.push(b'\n');
    Ok(text.into())
}

/// A valid name of something that does not exist (404).
fn missing(error: String) -> ApiError {
    ApiError { status: StatusCode::NOT_FOUND, error }
}

/// Valid parameters that conflict with each other or with the current state (409).
fn conflict(error: &str) -> ApiError {
    ApiError { status: StatusCode::CONFLICT, error: error.into() }
}

/// A resource that may be available later (503).
fn unavailable(error: &str) -> ApiError {
    ApiError { status: StatusCode::SERVICE_UNAVAILABLE, error: error.into() }
}
