//! The section `networks`.
//!
//! Never here: whether a node answers.

use std::path::Path;
use std::time::Duration;

use crate::config::node::Node;
use crate::config::{NetworkConfig, SourceConfig, expand};
use crate::domain::chain::DASH;
use crate::rpc::Credentials;
use crate::rpc::credentials::running_network;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Reads all networks; without any, the one whose node runs on this host.
pub(super) fn networks(node: &Node<'_>, history: &Node<'_>, home: Option<&Path>) -> Vec<NetworkConfig> {
    let max_gap_blocks = history.get("max_gap_blocks").whole(1..=1_000_000).unwrap_or(5000) as u32;
    if !node.is_set() {
        return vec![local(home, max_gap_blocks)];
    }
    let elements = node.elements();
    if elements.is_empty() {
        node.error("name at least one network, or leave the key out for a Dash node on this host");
    }
    let networks: Vec<(Node<'_>, NetworkConfig)> =
        elements.into_iter().map(|element| (element.clone(), network(&element, home, max_gap_blocks))).collect();
    for (index, (element, network)) in networks.iter().enumerate() {
        if networks[..index].iter().any(|(_, earlier)| earlier.name == network.name) {
            element.get("name").error(format_args!("another network is called {:?} already", network.name));
        }
    }
    networks.into_iter().map(|(_, network)| network).collect()
}

fn network(node: &Node<'_>, home: Option<&Path>, max_gap_blocks: u32) -> NetworkConfig {
    node.keys(&["name", "chain", "sources", "poll_interval", "stale_after", "resync_blocks"]);
    let chain = node.get("chain").text().unwrap_or_else(|| DASH.name.into());
    if chain != DASH.name {
        node.get("chain").error(format_args!("{chain:?} is not a chain of this version; there is: {}", DASH.name));
    }
    let poll_interval = node.get("poll_interval").duration(SECOND / 10..=600 * SECOND).unwrap_or(5 * SECOND);
    let stale_after = node.get("stale_after").duration(SECOND..=30 * DAY).unwrap_or(900 * SECOND);
    if stale_after < 2 * poll_interval {
        node.get("stale_after")
            .error(format_args!("{stale_after:?} must be at least twice the poll_interval, {poll_interval:?}"));
    }
    NetworkConfig {
        name: name(&node.get("name")),
        sources: sources(&node.get("sources"), home),
        poll_interval,
        stale_after,
        resync_blocks: node.get("resync_blocks").whole(1..=1_000_000).unwrap_or(576) as u32,
        max_gap_blocks,
    }
}

/// A name that is a label value: letters, digits and `-`, `_`.
fn name(node: &Node<'_>) -> String {
    let name = node.required().unwrap_or_default();
    let good =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character);
    if node.is_set() && (name.is_empty() || !name.chars().all(good) || name.starts_with(['-', '_'])) {
        node.error(format_args!("{name:?} is not a name: use a-z, 0-9, - and _, and begin with a letter or digit"));
    }
    name
}

fn sources(node: &Node<'_>, home: Option<&Path>) -> Vec<SourceConfig> {
    let elements = node.elements();
    if elements.is_empty() {
        node.error("name at least one source: {name: local, url: http://127.0.0.1:9998}");
    }
    let mut sources: Vec<SourceConfig> = Vec::new();
    for element in elements {
        let source = source(&element, home);
        if sources.iter().any(|earlier| earlier.name == source.name) {
            element.get("name").error(format_args!("another source is called {:?} already", source.name));
        }
        sources.push(source);
    }
    sources
}

fn source(node: &Node<'_>, home: Option<&Path>) -> SourceConfig {
    node.keys(&["name", "url", "cookie_file", "username", "password_file", "timeout"]);
    let url = node.get("url").required().unwrap_or_default();
    if node.get("url").is_set()
        && let Err(error) = check_url(&url)
    {
        node.get("url").error(error);
    }
    SourceConfig {
        name: name(&node.get("name")),
        url,
        credentials: credentials(node, home),
        timeout: node.get("timeout").duration(SECOND / 10..=600 * SECOND).unwrap_or(30 * SECOND),
    }
}

/// An address of a node. What stands in a URL is never repeated when it holds a password.
fn check_url(url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let authority = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    match authority {
        Some(authority) if authority.contains('@') => {
            Err("holds a user or password; put them into username and password_file".into())
        }
        Some(authority) if !authority.is_empty() && !authority.starts_with(':') => Ok(()),
        _ => Err(format!("{url:?} is not an address such as http://127.0.0.1:9998")),
    }
}

fn credentials(node: &Node<'_>, home: Option<&Path>) -> Credentials {
    let (cookie, user, password) = (node.get("cookie_file"), node.get("username"), node.get("password_file"));
    match (cookie.text(), user.text(), password.text()) {
        (Some(path), None, None) => Credentials::CookieFile(expand(&path, home)),
        (None, Some(user), Some(path)) => {
            let path = expand(&path, home);
            if let Err(error) = std::fs::metadata(&path) {
                password.error(format_args!("{}: {error}", path.display()));
            }
            Credentials::PasswordFile { user, path }
        }
        (None, None, None) => Credentials::FindCookie { home: home.map(Path::to_path_buf) },
        (Some(_), _, _) => {
            cookie.error("give either this or username and password_file, not both");
            Credentials::FindCookie { home: None }
        }
        (None, user_text, _) => {
            let missing = if user_text.is_none() { user } else { password };
            missing.error("is missing: username and password_file go together");
            Credentials::FindCookie { home: None }
        }
    }
}

/// The node on this host: on the first of Dash's networks whose cookie is there, else mainnet.
fn local(home: Option<&Path>, max_gap_blocks: u32) -> NetworkConfig {
    let (network, port) = home.and_then(running_network).unwrap_or(("main", 9998));
    NetworkConfig {
        name: format!("dash-{network}"),
        sources: vec![SourceConfig {
            name: "local".into(),
            url: format!("http://127.0.0.1:{port}"),
            credentials: Credentials::FindCookie { home: home.map(Path::to_path_buf) },
            timeout: 30 * SECOND,
        }],
        poll_interval: 5 * SECOND,
        stale_after: 900 * SECOND,
        resync_blocks: 576,
        max_gap_blocks,
    }
}
