//! The JSON API: what the snapshots and the history say, for scripts. `docs/openapi.json` is its contract.
//!
//! [`Api`] is what it needs of the rest of the program; [`Api::answer`] turns a path and a query into an answer.
//! [`json`] has the types of what is answered, which the command line shares; [`openapi`] makes the contract of them.
//!
//! Everything is bounded: a page by its limit, a query by the header of the request. Nothing here asks a node.
//!
//! Never here: HTTP's methods and headers (`route`); anything that changes anything.

pub(super) mod events;
pub mod json;
pub(super) mod masternodes;
pub mod openapi;
mod parameters;
mod status;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::parameters::{Parameters, echo};
use domain::NetworkState;
use domain::masternode::{MasternodeId, UnixSeconds};

/// What every path of the API begins with.
pub(super) const PREFIX: &str = "/api/";

/// Where the contract is served.
pub const CONTRACT_PATH: &str = "/api/v1/openapi.json";

/// Alerts that one answer shows; more are counted only.
const MAX_ALERTS: usize = 100;

/// Pages for the landing page, each with its name.
pub const PAGES: [(&str, &str); 4] = [
    (STATUS, "API: status"),
    (MASTERNODES, "API: masternodes"),
    (EVENTS, "API: events"),
    (CONTRACT_PATH, "API: OpenAPI"),
];

const STATUS: &str = "/api/v1/status";

const EVENTS: &str = "/api/v1/events";

const MASTERNODES: &str = "/api/v1/masternodes";

/// What follows the path of a masternode for its DKG sessions.
const DUTIES: &str = "/duties";

/// All that the API needs to know of the rest of the program.
pub struct Api {
    /// Version of the program.
    pub version: String,
    /// The configured networks as they are now, ascending by name; called for each request, so it must be cheap.
    pub networks: Box<dyn Fn() -> Vec<Arc<NetworkState>> + Send + Sync>,
    /// What fires, at most the given number of them; called for each request, so it must be cheap.
    pub alerts: Box<dyn Fn(AlertsOf<'_>, usize) -> Firing + Send + Sync>,
    /// Where events are kept; `None` when they are not.
    pub history: Option<History>,
    /// Says what time it is.
    pub clock: fn() -> UnixSeconds,
}

/// Whose alerts are asked for.
#[derive(Clone, Copy, Debug)]
pub enum AlertsOf<'a> {
    /// All.
    All,
    /// One masternode's: its network, and its identity.
    Masternode(&'a str, &'a MasternodeId),
}

/// What fires.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Firing {
    /// How many are critical.
    pub critical: usize,
    /// How many are warnings.
    pub warning: usize,
    /// The most urgent of them first, as many as were asked for.
    pub alerts: Vec<Alert>,
}

/// An alert that fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// How urgent: `critical` or `warning`.
    pub severity: &'static str,
    /// Of whom.
    pub labels: BTreeMap<String, String>,
    /// One sentence, the same for all alerts of this name.
    pub summary: String,
    /// What exactly.
    pub description: String,
    /// Its runbook: an address, or a path in the project where none is configured.
    pub runbook_url: String,
    /// Since when.
    pub since: UnixSeconds,
}

/// Where events are kept.
pub struct History {
    /// The file.
    pub path: PathBuf,
    /// Whether it could be written when last tried.
    pub up: Box<dyn Fn() -> bool + Send + Sync>,
}

/// An answer: JSON whatever the status.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200, or why not.
    pub status: StatusCode,
    /// One JSON value.
    pub body: Bytes,
}

/// Why there is no answer: a status and a sentence for the client.
#[derive(Debug)]
struct ApiError {
    status: StatusCode,
    error: String,
}

/// What is served where.
enum Endpoint<'a> {
    Status,
    Masternodes,
    Masternode(&'a str),
    Duties(&'a str),
    Events,
    Contract,
}

impl Api {
    /// Answers a request for `path` with the query as sent. Reads files and may compute for some milliseconds, so it
    /// belongs on a thread of its own.
    pub fn answer(&self, path: &str, query: &str) -> Reply {
        let answer = match Endpoint::find(path) {
            Some(Endpoint::Contract) => {
                Parameters::read(query, &[]).map(|_| Bytes::from_static(openapi::contract().as_bytes()))
            }
            Some(Endpoint::Status) => status::answer(self, query),
            Some(Endpoint::Masternodes) => masternodes::page(self, query),
            Some(Endpoint::Masternode(id)) => masternodes::one(self, id, query),
            Some(Endpoint::Duties(id)) => masternodes::duties(self, id, query),
            Some(Endpoint::Events) => events::page(self, query).and_then(|page| written(&page)),
            None => Err(missing(format!("there is no such path; {CONTRACT_PATH} describes those that there are"))),
        };
        match answer {
            Ok(body) => Reply { status: StatusCode::OK, body },
            Err(refused) => error(refused.status, &refused.error),
        }
    }

    /// The networks that a request is about: the one that it names, or all.
    fn chosen(&self, parameters: &Parameters) -> Result<Vec<Arc<NetworkState>>, ApiError> {
        let mut networks = (self.networks)();
        let Some(name) = parameters.one("network") else { return Ok(networks) };
        if !networks.iter().any(|network| *network.network == *name) {
            let names: Vec<&str> = networks.iter().map(|network| &*network.network).collect();
            return Err(missing(format!("there is no network {}; there is {}", echo(name), names.join(", "))));
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
            MASTERNODES => Some(Endpoint::Masternodes),
            CONTRACT_PATH => Some(Endpoint::Contract),
            _ => {
                let id = path.strip_prefix(MASTERNODES)?.strip_prefix('/')?;
                let (id, endpoint) = match id.strip_suffix(DUTIES) {
                    Some(id) => (id, Endpoint::Duties(id)),
                    None => (id, Endpoint::Masternode(id)),
                };
                (!id.is_empty() && !id.contains('/')).then_some(endpoint)
            }
        }
    }
}

/// An answer that is an error.
#[derive(Serialize, JsonSchema)]
struct Error<'a> {
    /// A sentence: what is wrong and, where it helps, what there is.
    #[schemars(length(min = 1))]
    error: &'a str,
}

/// An answer that is an error.
pub(super) fn error(status: StatusCode, error: &str) -> Reply {
    Reply { status, body: written(&Error { error }).unwrap_or_default() }
}

fn written(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    let mut text = serde_json::to_vec(answer)
        .map_err(|error| ApiError { status: StatusCode::INTERNAL_SERVER_ERROR, error: error.to_string() })?;
    text.push(b'\n');
    Ok(text.into())
}

/// A name that is in order and that nobody has.
fn missing(error: String) -> ApiError {
    ApiError { status: StatusCode::NOT_FOUND, error }
}

/// Parameters that are in order each, and do not go together or not with what is served now.
fn conflict(error: &str) -> ApiError {
    ApiError { status: StatusCode::CONFLICT, error: error.into() }
}

/// What there may be later.
fn unavailable(error: &str) -> ApiError {
    ApiError { status: StatusCode::SERVICE_UNAVAILABLE, error: error.into() }
}
