//! The section `networks`.
//!
//! Never here: whether a node answers.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::duration::Span as Written;
use crate::config::files::{check_secret_file, path, read_authorities, read_certificate, read_secret};
use crate::config::leaf::{DAY, FilePath, Flag, Kind, Leaf, List, MINUTE, Name, SECOND, Span, Text, Whole};
use crate::config::mistakes::{Place, required};
use crate::config::network_kinds::{ChainKind, ExpectedNetworkKind, RpcUrlKind};
use crate::config::receiver_kinds::ProxyKind;
use crate::config::sections::HistorySection;
use crate::config::{ChainConfig, NetworkConfig, SourceConfig};
use crate::follower::OptionalQueries;
use crate::outbound::Outbound;
use crate::rpc::credentials::running_network;
use crate::rpc::{Credentials, RpcUrl};
use domain::chain::DASH;

/// One network to follow.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub(super) struct NetworkSection {
    /// The label `network`: a-z, 0-9, `-`, `_`.
    name: Option<Name>,
    /// The chain.
    chain: Leaf<ChainKind>,
    /// Name of the chain that every source must report (`main`, `test`), or the hash of its genesis block. A source of another
    /// network is refused for good. Without it, the history decides, or the first source since the start.
    expect: Option<Leaf<ExpectedNetworkKind>>,
    /// Pause between two checks for a new block.
    poll_interval: Span<{ SECOND / 10 }, { 10 * MINUTE }, { 5 * SECOND }>,
    /// The network's masternodes leave the page when no source confirmed them for this long; at least twice
    /// `poll_interval`.
    stale_after: Span<SECOND, { 30 * DAY }, { 15 * MINUTE }>,
    /// Blocks from one read of the full list, as a check, to the next.
    resync_blocks: Whole<1, 1_000_000, 576>,
    ask: AskSection,
    sources: List<SourceSection>,
}

/// Optional queries.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct AskSection {
    /// Ask each source about twice a minute for its connections and whether it is itself a masternode.
    reports: Flag,
    /// As often, ask sources that are masternodes or watch quorums for the DKG sessions in progress.
    sessions: Flag,
    /// For each DKG session, of rotating types for each cycle, read the list from which its members are selected, and compute
    /// them (Dash v20 and later).
    seats: Flag,
    /// At each block, read what changed in the simplified masternode list, and compare the list with the root in the coinbase
    /// (Dash v20 and later).
    proof: Flag,
}

impl Default for AskSection {
    fn default() -> Self {
        let OptionalQueries { reports, sessions, seats, proof } = OptionalQueries::default();
        AskSection { reports: Leaf(reports), sessions: Leaf(sessions), seats: Leaf(seats), proof: Leaf(proof) }
    }
}

/// One node of a network; the first one in sync is followed.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"], "anyOf" = [{"required": ["url"]}, {"required": ["url_file"]}]))]
struct SourceSection {
    /// The label `source`.
    name: Option<Name>,
    /// The node's RPC, without user or password. Either this or `url_file` is required.
    url: Option<Leaf<RpcUrlKind>>,
    /// File with the URL, if it contains a token.
    url_file: Option<FilePath>,
    /// The node's cookie; read again when the node refuses it. Without credentials, Dash's cookie is searched for.
    cookie_file: Option<FilePath>,
    /// A user of the node; needs `password_file`.
    username: Option<Text>,
    /// File with that user's password, readable by the exporter only.
    password_file: Option<FilePath>,
    /// Longest wait for an answer.
    timeout: Span<{ SECOND / 10 }, { 10 * MINUTE }, { 30 * SECOND }>,
    /// HTTP proxy, such as `http://user:password@proxy:3128`. Proxies of the environment are ignored.
    proxy: Option<Leaf<ProxyKind>>,
    /// PEM file with the certificate authorities of this source, in place of the system's; read at the start and on a reload.
    ca_file: Option<FilePath>,
    /// PEM file with the certificate by which the exporter identifies itself to this source; needs `key_file`. Both are read at the
    /// start and on a reload.
    cert_file: Option<FilePath>,
    /// PEM file with the key of that certificate, readable by the exporter only.
    key_file: Option<FilePath>,
}

/// Checks all networks; without any, the one whose node runs on this host.
pub(super) fn networks(
    section: Option<List<NetworkSection>>,
    history: &HistorySection,
    chains: &BTreeMap<String, ChainConfig>,
    at: &Place<'_>,
    home: Option<&Path>,
) -> Vec<NetworkConfig> {
    let Some(section) = section else {
        return if at.is_empty() { vec![local(history, home)] } else { Vec::new() };
    };
    if section.is_empty() {
        at.error("name at least one network, or leave the key out for a Dash node on this host");
    }
    let mut networks: Vec<NetworkConfig> = Vec::new();
    for (index, section) in section.each() {
        let at = at.index(index);
        let network = network(section, history, chains, &at, home);
        if networks.iter().any(|earlier| !network.name.is_empty() && earlier.name == network.name) {
            at.key("name").error(format_args!("another network is called {:?} already", network.name));
        }
        networks.push(network);
    }
    networks
}

fn network(
    section: NetworkSection,
    history: &HistorySection,
    chains: &BTreeMap<String, ChainConfig>,
    at: &Place<'_>,
    home: Option<&Path>,
) -> NetworkConfig {
    let chain = section.chain.0;
    if !chains.contains_key(&chain) {
        let known: Vec<&str> = chains.keys().map(String::as_str).collect();
        let known = known.join(", ");
        at.key("chain").error(format_args!("{chain:?} is not a known chain; known are {known}, and those of `chains`"));
    }
    let known = if chains.contains_key(&chain) { chain.as_str() } else { &DASH.name };
    let (poll_interval, stale_after) = (section.poll_interval.0, section.stale_after.0);
    if stale_after < 2 * poll_interval {
        at.key("stale_after").error(format_args!(
            "{} must be at least twice the poll_interval, {}",
            Written(stale_after),
            Written(poll_interval)
        ));
    }
    let AskSection { reports, sessions, seats, proof } = section.ask;
    NetworkConfig {
        name: required_name(section.name, at),
        chain: chains.get(&chain).cloned().unwrap_or_else(ChainConfig::dash),
        expect: section.expect.map(|expect| expect.0),
        sources: sources(section.sources, known, at, home),
        poll_interval,
        stale_after,
        resync_blocks: count(section.resync_blocks.0),
        ask: OptionalQueries { reports: reports.0, sessions: sessions.0, seats: seats.0, proof: proof.0 },
        max_gap_blocks: count(history.max_gap_blocks.0),
        backfill_blocks: count(history.backfill_blocks.0),
    }
}

/// A number whose type keeps it below the largest.
pub(super) fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The required name of a section; empty if it is missing or invalid.
pub(super) fn required_name(name: Option<Name>, at: &Place<'_>) -> String {
    required(name, "name", at).map(|name| name.0).unwrap_or_default()
}

fn sources(section: List<SourceSection>, chain: &str, at: &Place<'_>, home: Option<&Path>) -> Vec<SourceConfig> {
    let at = at.key("sources");
    if section.is_empty() {
        at.error("name at least one source: {name: local, url: http://127.0.0.1:9998}");
    }
    let mut sources: Vec<SourceConfig> = Vec::new();
    for (index, section) in section.each() {
        let at = at.index(index);
        let source = source(section, chain, &at, home);
        if sources.iter().any(|earlier| !source.name.is_empty() && earlier.name == source.name) {
            at.key("name").error(format_args!("another source is called {:?} already", source.name));
        }
        sources.push(source);
    }
    sources
}

fn source(section: SourceSection, chain: &str, at: &Place<'_>, home: Option<&Path>) -> SourceConfig {
    let url = match (section.url, section.url_file) {
        (Some(url), None) => url.0,
        (None, Some(file)) => url_in::<RpcUrlKind>(file, at, home),
        (Some(_), Some(_)) => {
            at.key("url_file").error("give either this or url, not both");
            String::new()
        }
        (None, None) if at.is_refused("url_file") => String::new(),
        (None, None) => {
            at.key("url").error("is missing: give url, or url_file where it holds a token");
            String::new()
        }
    };
    SourceConfig {
        name: required_name(section.name, at),
        url: RpcUrl::new(url),
        credentials: credentials(section.cookie_file, section.username, section.password_file, chain, at, home),
        timeout: section.timeout.0,
        outbound: Outbound {
            proxy: section.proxy.and_then(|proxy| proxy.0),
            authorities: read_authorities(section.ca_file, at, home),
            certificate: read_certificate(section.cert_file, section.key_file, at, home),
            transport: None,
        },
    }
}

/// The URL in the file of `url_file`; empty if an error was recorded, which makes the whole configuration invalid.
fn url_in<K: Kind<Value = String>>(file: FilePath, at: &Place<'_>, home: Option<&Path>) -> String {
    let at = at.key("url_file");
    let Some(text) = path(file, &at, home).and_then(|path| read_secret(&path, &at)) else { return String::new() };
    K::read(&text).unwrap_or_else(|error| {
        at.error(error);
        String::new()
    })
}

fn credentials(
    cookie: Option<FilePath>,
    user: Option<Text>,
    password: Option<FilePath>,
    chain: &str,
    at: &Place<'_>,
    home: Option<&Path>,
) -> Credentials {
    let none = Credentials::FindCookie { home: None };
    match (cookie, user, password) {
        (Some(cookie), None, None) => path(cookie, &at.key("cookie_file"), home).map_or(none, Credentials::CookieFile),
        (None, Some(user), Some(password)) => {
            if user.0.contains(':') || user.0.chars().any(char::is_control) {
                at.key("username").error("a user name cannot contain a colon or a control character");
            }
            let at = at.key("password_file");
            let Some(path) = path(password, &at, home) else { return none };
            check_secret_file(&path, &at);
            Credentials::PasswordFile { user: user.0, path }
        }
        (None, None, None) if chain != DASH.name => {
            let why = "only Dash's cookie is searched for";
            at.error(format_args!("has no credentials: give cookie_file, or username and password_file ({why})"));
            none
        }
        (None, None, None) => Credentials::FindCookie { home: home.map(Path::to_path_buf) },
        (Some(_), _, _) => {
            at.key("cookie_file").error("give either this or username and password_file, not both");
            none
        }
        (None, user, _) => {
            let missing = at.key(if user.is_some() { "password_file" } else { "username" });
            missing.error("is missing: username and password_file go together");
            none
        }
    }
}

/// The node on this host: on the first of Dash's networks with a cookie, otherwise mainnet.
fn local(history: &HistorySection, home: Option<&Path>) -> NetworkConfig {
    let (network, port) = home.and_then(running_network).unwrap_or(("main", 9998));
    let (defaults, source) = (NetworkSection::default(), SourceSection::default());
    NetworkConfig {
        name: format!("dash-{network}"),
        chain: ChainConfig::dash(),
        expect: None,
        sources: vec![SourceConfig {
            name: "local".into(),
            url: RpcUrl::new(format!("http://127.0.0.1:{port}")),
            credentials: Credentials::FindCookie { home: home.map(Path::to_path_buf) },
            timeout: source.timeout.0,
            outbound: Outbound::default(),
        }],
        poll_interval: defaults.poll_interval.0,
        stale_after: defaults.stale_after.0,
        resync_blocks: count(defaults.resync_blocks.0),
        ask: OptionalQueries::default(),
        max_gap_blocks: count(history.max_gap_blocks.0),
        backfill_blocks: count(history.backfill_blocks.0),
    }
}
