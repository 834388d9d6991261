//! Any path and query give one JSON value or one page without scripts of the request; a page does not exceed its limit,
//! and the next page continues it.
//!
//! Never here: HTTP (`request`).

use std::collections::BTreeSet;

use masternode_exporter::web::api::{Api, Reply};
use masternode_exporter::web::handlers::Handlers;
use masternode_exporter::web::pages;
use serde_json::Value;

use super::common;

/// Maximum number of items of a page, for any request.
const MOST: usize = 1_000;

/// An open history, its folder and a site on it.
struct Sites {
    recorded: Handlers,
    remembered: Handlers,
    _history: (tempfile::TempDir, masternode_exporter::history::Store),
}

thread_local! {
    static SITES: Sites = {
        let (folder, path, store, _) = common::history();
        Sites { recorded: common::site(Some(path)), remembered: common::site(None), _history: (folder, store) }
    };
}

/// See the module. The input is the target of a request: a path, and optionally a question mark with a query.
pub fn run(input: &[u8]) {
    let Ok(target) = std::str::from_utf8(input) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    SITES.with(|sites| {
        for site in [&sites.recorded, &sites.remembered] {
            let api = site.api.as_deref().expect("it has one");
            ask(api, path, query);
            page(site, path, query);
        }
    });
}

fn ask(api: &Api, path: &str, query: &str) {
    let Some(value) = answered(&api.answer(path, query), path) else { return };
    let Some((items, first)) =
        ["events", "masternodes"].iter().find_map(|name| Some((*name, value[*name].as_array()?)))
    else {
        return;
    };
    assert!(first.len() <= MOST, "{} items", first.len());
    let Some(next) = value["next"].as_str() else { return };
    assert!(!first.is_empty(), "something comes behind nothing");
    let keeps = |parameter: &&str| !parameter.starts_with("after=");
    let mut onward: Vec<&str> = query.split('&').filter(keeps).collect();
    let after = format!("after={next}");
    onward.push(&after);
    let further = answered(&api.answer(path, &onward.join("&")), path).expect("what comes next can be asked for");
    let texts = |value: &Value| -> BTreeSet<String> {
        value[items].as_array().into_iter().flatten().map(Value::to_string).collect()
    };
    assert!(texts(&value).is_disjoint(&texts(&further)), "{path}?{query}: the next page repeats something");
}

/// The value of a successful answer; another answer must have a reason.
fn answered(reply: &Reply, path: &str) -> Option<Value> {
    let status = reply.status.as_u16();
    let value: Value = serde_json::from_slice(&reply.body).expect("every answer is JSON");
    assert!(reply.body.ends_with(b"\n"), "an answer ends its line");
    if status == 200 {
        return Some(value);
    }
    assert!([400, 404, 409].contains(&status), "{status} for {path}: {value}");
    let sentence = value["error"].as_str().expect("a refusal says why");
    assert!(!sentence.is_empty() && !sentence.contains(char::is_control), "{sentence:?}");
    None
}

fn page(site: &Handlers, path: &str, query: &str) {
    let page = pages::answer(site, site.api.as_deref(), &site.landing, path, query);
    let status = page.status.as_u16();
    assert!([200, 400, 404, 409].contains(&status), "{status}");
    let html = page.html.to_ascii_lowercase();
    for bad in ["<script", "javascript:", "onerror=\"", "onload=\"", "<iframe", "<object"] {
        assert!(!html.contains(bad), "{bad} in the page of {path}?{query}");
    }
    assert!(page.html.ends_with("</html>") || page.html.trim_end().ends_with("</html>"), "the page has an end");
}
