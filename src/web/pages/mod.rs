//! The pages for people: the status of everything at `/`, and a page for each masternode.
//!
//! HTML from the snapshots and the history, written at each request: no scripts, no files beside it, nothing from
//! elsewhere. Whatever comes from a node or a configuration is escaped by the macro that writes the HTML; the only text
//! that goes around it is our own style. `overview` and `masternode` are the pages, `layout` is what they share, `asked`
//! what a reader asks for.
//!
//! Never here: a script; anything that changes anything; JSON (`api`).

mod alerts;
mod bar;
mod chart;
pub mod deployment;
mod duties;
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

use hyper::StatusCode;

use crate::web::handlers::Handlers;
use crate::web::pages::query::{PageQuery, Refresh};

pub(super) use layout::content_security_policy;

/// What the address of a masternode's page begins with.
const MASTERNODES: &str = "/masternodes/";

/// A page.
pub struct Page {
    /// 200, or why not.
    pub status: StatusCode,
    /// The whole page.
    pub html: String,
    /// Seconds after which the browser should ask for the same again.
    pub refresh: Option<u32>,
}

/// Whether a masternode's page is there, as far as its address tells.
pub(super) fn is_masternode(path: &str) -> bool {
    path.strip_prefix(MASTERNODES).is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// Whether a runbook, or their list, may be there.
pub(super) fn is_runbook(path: &str) -> bool {
    path.strip_prefix(runbook::RUNBOOKS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The page at `path`. Reads files and may compute for some milliseconds, so it belongs on a thread of its own.
pub fn answer(site: &Handlers, path: &str, query: &str) -> Page {
    if let Some(name) = path.strip_prefix(runbook::RUNBOOKS) {
        let (status, title, content) = runbook::content(site.runbooks, name.trim_matches('/'));
        return Page { status, html: layout::page(&site.landing, &title, None, &content), refresh: None };
    }
    let asked = PageQuery::read(query);
    let other = asked.with_other_refresh().address(path);
    let (status, title, content) = match (path.strip_prefix(MASTERNODES), site.api.as_deref()) {
        (Some(id), Some(api)) => {
            let found = masternode::find_and_show(api, id, &asked.network);
            (found.status, found.title, found.content)
        }
        (_, api) => (StatusCode::OK, site.landing.name.clone(), overview::content(&site.landing, api, &asked)),
    };
    // Without an API there is nothing that changes.
    let alive = site.api.is_some();
    let html = layout::page(&site.landing, &title, alive.then_some((asked.refresh, other.as_str())), &content);
    Page { status, html, refresh: (alive && asked.refresh == Refresh::Itself).then_some(Refresh::SECONDS) }
}
