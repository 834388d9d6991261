//! The section `networks`.
//!
//! Never here: whether a node answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::config::node::Node;
use crate::config::span::Span;
use crate::config::{ChainConfig, NetworkConfig, SourceConfig};
use crate::domain::chain::DASH;
use crate::follower::Ask;
use crate::rpc::Credentials;
use crate::rpc::credentials::running_network;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What the section `history` says of the past of each network.
#[derive(Clone, Copy)]
struct Past {
    max_gap_blocks: u32,
    backfill_blocks: u32,
}

impl Past {
    fn read(history: &Node<'_>) -> Past {
        let whole = |key: &str, range, default| history.get(key).whole(range).unwrap_or(default) as u32;
        Past {
            max_gap_blocks: whole("max_gap_blocks", 1..=1_000_000, 5000),
            backfill_blocks: whole("backfill_blocks", 0..=100_000, 576),
        }
    }
}

/// Reads all networks; without any, the one whose node runs on this host.
pub(super) fn networks(
    node: &Node<'_>,
    history: &Node<'_>,
    chains: &BTreeMap<String, ChainConfig>,
    home: Option<&Path>,
) -> Vec<NetworkConfig> {
    let past = Past::read(history);
    if !node.is_set() {
        return vec![local(home, past)];
    }
    let elements = node.elements();
    if elements.is_empty() {
        node.error("name at least one network, or leave the key out for a Dash node on this host");
    }
    let networks: Vec<(Node<'_>, NetworkConfig)> =
        elements.into_iter().map(|element| (element.clone(), network(&element, chains, home, past))).collect();
    for (index, (element, network)) in networks.iter().enumerate() {
        if networks[..index].iter().any(|(_, earlier)| !network.name.is_empty() && earlier.name == network.name) {
            element.get("name").error(format_args!("another network is called {:?} already", network.name));
        }
    }
    networks.into_iter().map(|(_, network)| network).collect()
}

fn network(node: &Node<'_>, chains: &BTreeMap<String, ChainConfig>, home: Option<&Path>, past: Past) -> NetworkConfig {
    node.check_keys();
    let chain = node.get("chain").text().unwrap_or_else(|| "dash".into());
    if !chains.contains_key(&chain) {
        let known: Vec<&str> = chains.keys().map(String::as_str).collect();
        let known = known.join(", ");
        node.get("chain")
            .error(format_args!("{chain:?} is no chain that is known; there are {known}, and those of `chains`"));
    }
    let known = if chains.contains_key(&chain) { chain.as_str() } else { &DASH.name };
    let poll_interval = node.get("poll_interval").duration(SECOND / 10..=600 * SECOND).unwrap_or(5 * SECOND);
    let stale_after = node.get("stale_after").duration(SECOND..=30 * DAY).unwrap_or(900 * SECOND);
    if stale_after < 2 * poll_interval {
        node.get("stale_after").error(format_args!(
            "{} must be at least twice the poll_interval, {}",
            Span(stale_after),
            Span(poll_interval)
        ));
    }
    NetworkConfig {
        name: name(&node.get("name")),
        chain: chains.get(&chain).cloned().unwrap_or_else(ChainConfig::dash),
        sources: sources(&node.get("sources"), known, home),
        poll_interval,
        stale_after,
        resync_blocks: node.get("resync_blocks").whole(1..=1_000_000).unwrap_or(576) as u32,
        ask: ask(&node.get("ask")),
        max_gap_blocks: past.max_gap_blocks,
        backfill_blocks: past.backfill_blocks,
    }
}

fn ask(node: &Node<'_>) -> Ask {
    node.check_keys();
    let flag = |key: &str| node.get(key).flag().unwrap_or(true);
    Ask { reports: flag("reports"), sessions: flag("sessions"), seats: flag("seats") }
}

/// A name that is a label value: letters, digits and `-`, `_`.
pub(super) fn name(node: &Node<'_>) -> String {
    let Some(name) = node.required() else { return String::new() };
    let good =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character);
    if name.is_empty() || !name.chars().all(good) || name.starts_with(['-', '_']) {
        node.error(format_args!("{name:?} is not a name: use a-z, 0-9, - and _, and begin with a letter or digit"));
    }
    name
}

fn sources(node: &Node<'_>, chain: &str, home: Option<&Path>) -> Vec<SourceConfig> {
    let elements = node.elements();
    if elements.is_empty() {
        node.error("name at least one source: {name: local, url: http://127.0.0.1:9998}");
    }
    let mut sources: Vec<SourceConfig> = Vec::new();
    for element in elements {
        let source = source(&element, chain, home);
        if sources.iter().any(|earlier| !source.name.is_empty() && earlier.name == source.name) {
            element.get("name").error(format_args!("another source is called {:?} already", source.name));
        }
        sources.push(source);
    }
    sources
}

fn source(node: &Node<'_>, chain: &str, home: Option<&Path>) -> SourceConfig {
    node.check_keys();
    let url = node.get("url").required().unwrap_or_default();
    if node.get("url").is_set()
        && let Err(error) = check_url(&url)
    {
        node.get("url").error(error);
    }
    SourceConfig {
        name: name(&node.get("name")),
        url,
        credentials: credentials(node, chain, home),
        timeout: node.get("timeout").duration(SECOND / 10..=600 * SECOND).unwrap_or(30 * SECOND),
    }
}

/// Checks the address of a node. The error repeats nothing of it: what is no address may well hold a password.
fn check_url(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("holds a user or password; put them into username and password_file".into());
    }
    let bad = |reason: &str| format!("is not an address such as http://127.0.0.1:9998: {reason}");
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(bad("there is white space in it"));
    }
    let url = reqwest::Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(bad("it must begin with http:// or https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("there must be no ? and no # in it"));
    }
    Ok(())
}

fn credentials(node: &Node<'_>, chain: &str, home: Option<&Path>) -> Credentials {
    let (cookie, user, password) = (node.get("cookie_file"), node.get("username"), node.get("password_file"));
    let none = Credentials::FindCookie { home: None };
    match (cookie.is_set(), user.is_set(), password.is_set()) {
        (true, false, false) => cookie.path(home).map_or(none, Credentials::CookieFile),
        (false, true, true) => {
            let name = user.verbatim().unwrap_or_default();
            if name.contains(':') || name.chars().any(char::is_control) {
                user.error("a colon or control character cannot be in the name of a user");
            }
            let Some(path) = password.path(home) else { return none };
            if let Err(error) = readable(&path) {
                password.error(format_args!("{} cannot be read: {error}", path.display()));
            }
            Credentials::PasswordFile { user: name, path }
        }
        (false, false, false) if chain != DASH.name => {
            let why = "only Dash's cookie is found by itself";
            node.error(format_args!("has no credentials: give cookie_file, or username and password_file ({why})"));
            none
        }
        (false, false, false) => Credentials::FindCookie { home: home.map(Path::to_path_buf) },
        (true, _, _) => {
            cookie.error("give either this or username and password_file, not both");
            none
        }
        (false, has_user, _) => {
            let missing = if has_user { password } else { user };
            missing.error("is missing: username and password_file go together");
            none
        }
    }
}

/// Whether the exporter may read a file, which it does at each start and after each refusal.
fn readable(path: &Path) -> std::io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    std::fs::File::open(path).map(drop)
}

/// The node on this host: on the first of Dash's networks whose cookie is there, else mainnet.
fn local(home: Option<&Path>, past: Past) -> NetworkConfig {
    let (network, port) = home.and_then(running_network).unwrap_or(("main", 9998));
    NetworkConfig {
        name: format!("dash-{network}"),
        chain: ChainConfig::dash(),
        sources: vec![SourceConfig {
            name: "local".into(),
            url: format!("http://127.0.0.1:{port}"),
            credentials: Credentials::FindCookie { home: home.map(Path::to_path_buf) },
            timeout: 30 * SECOND,
        }],
        poll_interval: 5 * SECOND,
        stale_after: 900 * SECOND,
        resync_blocks: 576,
        ask: Ask::default(),
        max_gap_blocks: past.max_gap_blocks,
        backfill_blocks: past.backfill_blocks,
    }
}
