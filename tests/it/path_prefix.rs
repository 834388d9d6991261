//! Every link, form and asset of every page, and every link of the API, below a path: each stays below it and leads to an
//! answer.
//!
//! Never here: the content of pages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use simulator::Action;

use crate::support::contract::Contract;
use crate::support::harness::fail;
use crate::support::running::Running;

const HOST: &str = "http://masternodes.test";

const PREFIX: &str = "/some/prefix";

const TOKEN: &str = "token-of-acme-0123456789";

/// An exporter whose masternodes are banned, failing and well, with alerts that fire.
async fn serving(web: &str) -> Running {
    let mut running = Running::idle().await;
    let ids = running.network.masternodes();
    let entry = |index: usize| {
        format!("  - {{ masternode: \"{}\", alias: mn-{index}, groups: {{ customer: acme }} }}\n", ids[index])
    };
    let entries: String = (0..4).map(entry).collect();
    running.write("token", TOKEN);
    running.configure(&format!(
        "watch:\n{entries}alerting: {{ longest_hold: 0s }}\nhistory: {{ path: history.db }}\nweb:\n  enable_reload: true\n  views: \
         [{{ name: acme, token_file: token, groups: {{ customer: acme }} }}]\n{web}"
    ));
    running.start().await;
    for _ in 0..2 {
        running.network.mine_with(&[fail(&ids[0], 1)]).unwrap();
    }
    let gone = Action::SpendCollateral { masternode: ids[3].clone() };
    running.network.mine_with(&[fail(&ids[1], 1), gone]).unwrap();
    running
        .until(
            "alerts",
            || running.get("/api/v1/status"),
            |(_, text)| text.contains("MasternodePoSeBanned") && text.contains("MasternodeMissing"),
        )
        .await;
    running
}

/// What a reverse proxy does with the path of a request.
#[derive(Clone, Copy, PartialEq)]
enum Proxy {
    Keeps,
    Strips,
    /// It keeps the path, and only the first addresses are of interest.
    Other,
}

/// Where the first addresses are from.
const THE_TEST: &str = "the test";

/// What is found while following links.
struct Crawl<'a> {
    running: &'a Running,
    /// The path that links must stay below.
    base: String,
    /// Whether a proxy removes the prefix from requests.
    is_stripped: bool,
    /// Whether links are followed further than from the first addresses.
    is_deep: bool,
    queue: VecDeque<(String, String)>,
    seen: BTreeSet<String>,
    faults: Vec<String>,
    /// Identifiers of the elements of each page, and the fragments that links name.
    identifiers: BTreeMap<String, BTreeSet<String>>,
    fragments: BTreeSet<(String, String)>,
}

impl Crawl<'_> {
    async fn all(running: &Running, base: &str, proxy: Proxy, first: &[String]) -> BTreeSet<String> {
        let mut crawl = Crawl {
            running,
            base: base.into(),
            is_stripped: proxy == Proxy::Strips,
            is_deep: proxy != Proxy::Other,
            queue: first.iter().map(|path| (format!("{base}{path}"), THE_TEST.into())).collect(),
            seen: BTreeSet::new(),
            faults: Vec::new(),
            identifiers: BTreeMap::new(),
            fragments: BTreeSet::new(),
        };
        while let Some((target, from)) = crawl.queue.pop_front() {
            crawl.visit(&target, &from).await;
        }
        for (page, fragment) in &crawl.fragments {
            let identifiers = crawl.identifiers.get(page);
            if !identifiers.map_or(!crawl.is_deep, |found| found.contains(fragment)) {
                crawl.faults.push(format!("{page} has no #{fragment}"));
            }
        }
        assert_eq!(crawl.faults, Vec::<String>::new(), "below {base}");
        crawl.seen
    }

    async fn visit(&mut self, target: &str, from: &str) {
        let (target, fragment) = target.split_once('#').map_or((target, None), |(path, at)| (path, Some(at)));
        if let Some(fragment) = fragment {
            self.fragments.insert((target.to_string(), fragment.to_string()));
        }
        if !self.seen.insert(target.to_string()) {
            return;
        }
        let asked = if self.is_stripped { target.strip_prefix(PREFIX).unwrap_or(target) } else { target };
        let (status, body) = self.running.get(asked).await;
        if status != 200 {
            self.faults.push(format!("{target}, linked from {from}, answers {status}: {}", body.trim()));
        } else if !self.is_deep && from != THE_TEST {
            // It leads to a page, which is enough.
        } else if body.starts_with("<!DOCTYPE html>") {
            let identifiers = attributes(&body, "id").into_iter().collect();
            self.identifiers.insert(target.to_string(), identifiers);
            for link in ["href", "src", "srcset", "poster"].iter().flat_map(|name| attributes(&body, name)) {
                self.follow(&link, target);
            }
            for form in forms(&body) {
                self.follow(&form, target);
            }
        } else if body.starts_with('{') {
            for link in links(&serde_json::from_str(&body).unwrap()) {
                self.follow(&link, target);
            }
        }
    }

    fn follow(&mut self, link: &str, from: &str) {
        let inner = link.strip_prefix(HOST).unwrap_or(link);
        let is_below = |link: &str| link.strip_prefix(&self.base).is_some_and(|rest| rest.starts_with(['/', '?', '#']));
        if let Some(fragment) = link.strip_prefix('#') {
            self.fragments.insert((from.to_string(), fragment.to_string()));
        } else if is_below(inner) {
            self.queue.push_back((inner.to_string(), from.to_string()));
        } else if !link.starts_with("data:") {
            self.faults.push(format!("{from} links to {link}, outside of {}", self.base));
        }
    }
}

/// The values of an attribute, unescaped.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let begin = format!(" {name}=\"");
    let values = html.split(&begin).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| value.replace("&amp;", "&").replace("&quot;", "\"")).collect()
}

/// The addresses that forms ask for: as they are, and with the second option of each choice.
fn forms(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for form in html.split("<form ").skip(1).map(|rest| rest.split("</form>").next().unwrap()) {
        assert!(form.contains("method=\"get\""), "pages change nothing: {form}");
        let action = attributes(&format!(" {form}"), "action").remove(0);
        let texts = form.split("<input ").skip(1).map(|rest| {
            let input = format!(" {}", rest.split('>').next().unwrap());
            let value = attributes(&input, "value").into_iter().next().unwrap_or_default();
            (attributes(&input, "name").remove(0), vec![value])
        });
        let choices = form.split("<select ").skip(1).map(|rest| {
            let select = format!(" {}", rest.split("</select>").next().unwrap());
            (attributes(&select, "name").remove(0), attributes(&select, "value"))
        });
        let fields: Vec<(String, Vec<String>)> = texts.chain(choices).collect();
        for option in 0..fields.iter().map(|(_, values)| values.len()).max().unwrap_or(0) {
            let pairs = fields.iter().map(|(name, values)| (name, &values[option.min(values.len() - 1)]));
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            found.push(format!("{action}?{query}"));
        }
    }
    found
}

/// The strings of an answer that are a link.
fn links(answer: &serde_json::Value) -> Vec<String> {
    match answer {
        serde_json::Value::String(text) if text.starts_with("http") && !text.contains(' ') => vec![text.clone()],
        serde_json::Value::Array(items) => items.iter().flat_map(links).collect(),
        serde_json::Value::Object(fields) => fields.values().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

/// Addresses that pages need not link to: every path of the API, and other forms of answers.
fn first(running: &Running) -> Vec<String> {
    let id = &running.network.masternodes()[0];
    let paths = Contract::read().paths().into_iter().filter(|path| !path.ends_with("openapi.json"));
    let paths = paths.map(|path| path.replace("{id}", id));
    let more = ["/", "/api/v1/masternodes?format=csv", "/api/v1/duties.ics?group=customer:acme", "/runbooks/"];
    paths.chain(more.map(str::to_string)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_below_a_path_leads_to_an_answer_and_stays_below_it() {
    let external = format!("  external_url: {HOST}{PREFIX}\n");
    let slash = format!("  external_url: {HOST}{PREFIX}/\n");
    let own = |prefix: &str| format!("{external}  route_prefix: {prefix}\n");
    for (web, proxy) in [
        (external.clone(), Proxy::Keeps),
        (own("/"), Proxy::Strips),
        (slash, Proxy::Other),
        (own("/some/prefix"), Proxy::Other),
        (own("/some/prefix/"), Proxy::Other),
        ("  route_prefix: some/prefix\n".to_string(), Proxy::Other),
    ] {
        let mut running = serving(&web).await;
        let mut first = first(&running);
        let seen = Crawl::all(&running, PREFIX, proxy, &first).await;
        let id = running.network.masternodes()[0].clone();
        for path in [
            "/metrics".to_string(),
            "/-/healthy".into(),
            "/-/ready".into(),
            "/runbooks".into(),
            "/runbooks/MasternodePoSeBanned".into(),
            "/events".into(),
            "/api/v1/openapi.json".into(),
            "/api/v1/masternodes?format=csv&watched=true".into(),
            format!("/masternodes/{id}"),
            format!("/api/v1/masternodes/{id}/duties.ics"),
        ] {
            let is_seen = proxy == Proxy::Other || seen.contains(&format!("{PREFIX}{path}"));
            assert!(is_seen, "{path} is linked below {web}: {seen:?}");
        }
        // The same by a read-only link, whose metrics are those of its groups.
        first.retain(|path| !path.starts_with("/api/v1/maintenance"));
        let seen = Crawl::all(&running, &format!("{PREFIX}/view/{TOKEN}"), proxy, &first).await;
        assert!(seen.iter().any(|path| path.ends_with("/metrics?group=customer%3Dacme")), "{seen:?}");
        // Health checks and scrapes that do not come through the proxy.
        for path in ["/-/healthy", "/-/ready", "/metrics", "/"] {
            assert_eq!(running.get(path).await.0, 200, "{path}");
        }
        if proxy == Proxy::Strips {
            assert_eq!(running.get(&format!("{PREFIX}/metrics")).await.0, 404, "the proxy does not send the path");
        }
        assert_eq!(running.get(&format!("{PREFIX}/nothing")).await.0, 404);
        assert_eq!(running.get(&format!("{PREFIX}x/metrics")).await.0, 404);
        running.stop().await;
    }
}
