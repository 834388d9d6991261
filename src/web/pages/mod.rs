//! The status pages: an overview at `/`, and a page for each masternode.
//!
//! HTML from the snapshots and the history, rendered at each request: no scripts, no other files, no external
//! resources. The macro that writes the HTML escapes every value of a node or a configuration; only our own style is
//! not escaped. `overview`, `masternode` and `event_search` are the pages, `layout` is their frame, `query` reads the parameters.
//!
//! Never here: scripts; changes of any state; JSON (`api`).

mod alerts;
mod bar;
mod chart;
pub mod deployment;
mod duties;
mod earnings;
pub mod election;
mod event_search;
mod events;
mod form;
mod format;
mod layout;
mod masternode;
mod network;
mod overview;
mod probe;
mod query;
mod revival;
mod rows;
mod runbook;
mod score_history;
mod selection;
mod sorting;
mod unknown;
mod verdict;

use hyper::StatusCode;

use crate::web::api::Api;
use crate::web::handlers::{Handlers, LandingPage};
use crate::web::pages::query::{PageQuery, Refresh};

pub(super) use event_search::EVENTS;
pub(super) use layout::content_security_policy;
pub(super) use runbook::RUNBOOKS;

/// Path prefix of the page of a masternode.
const MASTERNODES: &str = "/masternodes/";

/// A page.
pub struct Page {
    /// 200 or an error status.
    pub status: StatusCode,
    /// The complete page.
    pub html: String,
    /// Seconds after which the browser should reload it.
    pub refresh: Option<u32>,
}

/// Whether the path is a valid address of a masternode's page.
pub(super) fn is_masternode(path: &str) -> bool {
    path.strip_prefix(MASTERNODES).is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// Whether the path may be a runbook, or the list of runbooks.
pub(super) fn is_runbook(path: &str) -> bool {
    path.strip_prefix(runbook::RUNBOOKS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The page at `path`. Reads files and may compute for some milliseconds, so call it on a blocking thread.
/// API and landing page are those of the site, or others for a reader who is limited to some groups.
pub fn answer(site: &Handlers, api: Option<&Api>, landing: &LandingPage, path: &str, query: &str) -> Page {
    if let Some(name) = path.strip_prefix(runbook::RUNBOOKS) {
        let (status, title, content) = runbook::content(site.runbooks, name.trim_matches('/'));
        return Page { status, html: layout::page(landing, &title, None, &content), refresh: None };
    }
    let asked = PageQuery::read(query);
    let is_search = path == EVENTS;
    let other = asked.with_other_refresh().address(path);
    let (status, title, state, content) = match (path.strip_prefix(MASTERNODES), api) {
        (Some(id), Some(api)) => {
            let found = masternode::find_and_show(api, id, &asked.network);
            (found.status, found.title, None, found.content)
        }
        (None, Some(api)) if path == EVENTS => {
            let found = event_search::page(api, query);
            (found.status, found.title, None, found.content)
        }
        (_, api) => {
            let verdict = api.map(overview::verdict);
            let title = verdict.as_ref().map_or_else(|| landing.name.clone(), |verdict| verdict.title(&landing.name));
            let content = overview::content(landing, api, verdict.as_ref(), &asked);
            (StatusCode::OK, title, verdict.map(|verdict| verdict.class), content)
        }
    };
    // Without an API, nothing changes between requests; a search is read, and its filters are those of the API.
    let alive = api.is_some() && !is_search;
    let html =
        layout::page_in_state(landing, &title, state, alive.then_some((asked.refresh, other.as_str())), &content);
    Page { status, html, refresh: (alive && asked.refresh == Refresh::Itself).then_some(Refresh::SECONDS) }
}
