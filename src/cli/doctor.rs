//! `doctor`: tries every call that the exporter needs of each source, and reports what to change.
//!
//! Never here: wallet calls and calls that write, not even to check whether they are forbidden.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use crate::app;
use crate::cli::doctor_list::{examine_list, examine_rotation};
use crate::cli::{doctor_names, readiness, setup};
use crate::config::{ChainConfig, Config, NetworkConfig};
use crate::follower;
use crate::meters::Meters;
use crate::rpc::dialect::RpcUser;
use crate::rpc::node::FILTER_INDEX;
use crate::rpc::{self, ChainInfo, Client, ErrorKind, NetworkInfo, RpcError};
use domain::chain::ChainRules;
use domain::deployment::{self, Forks, V24};
use domain::{ForeignText, Height, MasternodeId, MasternodeList, Subnet};

/// The findings, and whether every source is usable.
#[derive(Default)]
pub(super) struct Findings {
    /// The report.
    pub(super) report: String,
    /// Whether no source has a fault that stops the exporter.
    pub(super) healthy: bool,
    /// Versions of the nodes by the name of their chain; `None` for one that did not report it.
    versions: Vec<(String, Option<u32>)>,
    /// The list at the tip by the name of its network, from the first source that answered, and whether v24 is active.
    lists: BTreeMap<String, (MasternodeList, Option<bool>)>,
    /// The masternodes that the sources run as, by the name of their network.
    own: BTreeMap<String, BTreeSet<MasternodeId>>,
    /// Sources by network and name that accepted their credentials.
    accepted: BTreeSet<(String, String)>,
}

/// Examines every source of every network, or of the named one.
pub(super) async fn run(config: &Config, only: Option<&str>) -> Result<Findings, app::Error> {
    let meters = Meters::new(&prometheus::Registry::new());
    let mut findings = Findings { healthy: true, ..Findings::default() };
    let chosen = config.networks.iter().filter(|network| only.is_none_or(|name| name == network.name));
    for network in chosen.clone() {
        for client in app::clients(network, &meters)? {
            examine(network, &client, &mut findings).await;
        }
        examine_watching(network, config, &mut findings);
    }
    for problem in config.watch_files.problems() {
        findings.bad("watch_files", false, &problem);
    }
    let mut described: Vec<&ChainConfig> = Vec::new();
    for network in &config.networks {
        if !described.contains(&&network.chain) {
            described.push(&network.chain);
            let oldest = findings.oldest(&network.chain.rules.name);
            findings.report.push_str(&readiness::before_update(&network.chain.rules, oldest));
            let users = setup::accepted_users(config, &network.chain, &findings.accepted);
            findings.report.push_str(&rpcauth_instructions(&network.chain, oldest, users.as_deref()));
        }
    }
    findings.report.push_str(&setup::configuration(config, chosen, &findings.own));
    let receivers = config.alerting.receivers.len();
    if receivers > 0 {
        let _ = writeln!(
            findings.report,
            "\nTo see that the {receivers} configured receivers of alerts are reached: masternode-exporter notify --test"
        );
    }
    Ok(findings)
}

impl Findings {
    pub(super) fn good(&mut self, what: &str, answer: &str) {
        let _ = writeln!(self.report, "  ok    {what:<28} {answer}");
    }

    pub(super) fn bad(&mut self, what: &str, required: bool, why: &str) {
        self.healthy &= !required;
        let _ = writeln!(self.report, "  {}  {what:<28} {why}", if required { "FAIL" } else { "note" });
    }

    /// Version of the oldest node of a chain; `None` if one did not report it.
    fn oldest(&self, chain: &str) -> Option<u32> {
        let versions = self.versions.iter().filter(|(name, _)| name == chain).map(|(_, version)| *version);
        versions.collect::<Option<Vec<u32>>>()?.into_iter().min()
    }

    /// Records a result; returns it if the call succeeded.
    pub(super) fn note<T>(
        &mut self,
        what: &str,
        required: bool,
        answer: Result<T, RpcError>,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        match answer {
            Ok(value) => {
                self.good(what, &show(&value));
                Some(value)
            }
            Err(error) => {
                self.bad(what, required, &error.to_string());
                None
            }
        }
    }
}

async fn examine(network: &NetworkConfig, client: &Client, findings: &mut Findings) {
    let _ = writeln!(findings.report, "network {}, source {}", network.name, client.name());
    let node = client.network_info().await;
    let unreachable = node.as_ref().is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::Unreachable { .. }
                | ErrorKind::WrongPeer { .. }
                | ErrorKind::Timeout { .. }
                | ErrorKind::Unauthorized { .. }
                | ErrorKind::NoCredentials { .. }
        )
    });
    let node = findings.note("getnetworkinfo", true, node, |node| {
        let cut_off = if node.is_isolated() == Some(true) { ", CUT OFF: it has no connections" } else { "" };
        format!("{} (version {}, protocol {}){cut_off}", node.subversion, node.version, node.protocol_version)
    });
    findings.versions.push((network.chain.rules.name.to_string(), node.as_ref().map(|node| node.version)));
    if unreachable {
        findings.report.push_str("  the other calls are not tried: they would fail in the same way\n");
        return;
    }
    findings.accepted.insert((network.name.clone(), client.name().to_string()));
    let rules = &network.chain.rules;
    if let Some(node) = node.as_ref().filter(|node| !node.subversion.starts_with(&*rules.subversion_prefix)) {
        findings.bad("chain", true, &format!("{:?} is not a {} node: check the port", node.subversion, rules.name));
    }
    let chain = findings.note("getblockchaininfo", true, client.chain_info().await, |chain| {
        format!("chain {}, block {} of {}", chain.chain, chain.blocks, chain.headers)
    });
    doctor_names::check(network, chain.as_ref(), findings);
    let forks = chain.as_ref().and_then(|chain| chain.forks.as_ref());
    let version = findings.versions.last().and_then(|(_, version)| *version);
    if client.dialect().deployments.is_some() && deployment::follows(forks, version) == Some(false) {
        let why = "this version does not follow its activation and is not used after it: upgrade the node";
        findings.bad("Dash Core 24", false, why);
    }
    findings.note("getbestblockhash", true, client.best_block_hash().await, |hash| hash.to_string());
    findings.note("getblockhash", true, client.block_hash(Height(0)).await, |hash| format!("genesis {hash}"));
    let sync = client.dialect().sync.map_or("mnsync status", |method| method.name);
    findings.note(sync, false, client.sync_status().await, |synced| match (synced.list, synced.votes) {
        (true, true) => "synced".into(),
        (true, false) => "the list is synced, votes are not: payments are not shown until they are".into(),
        (false, _) => "NOT synced: nothing is published until it is".into(),
    });
    examine_extras(client, findings).await;
    if let Some(node) = &node {
        let subnet = chain.as_ref().map(|chain| Subnet::from_chain_name(&chain.chain));
        examine_readiness(client, node, rules, subnet, findings).await;
    }
    examine_usable(network, client, findings).await;
    let Some(chain) = chain else { return };
    let list = examine_list(client, &chain, findings).await;
    if let (Some(list), Some(node)) = (&list, &node) {
        examine_rotation(client, (rules, &chain), (node.version, list.block()), findings).await;
    }
    if let Some(list) = list {
        note_list(network, client, &chain, list, findings).await;
    }
}

/// Whether the exporter would follow this source now.
async fn examine_usable(network: &NetworkConfig, client: &Client, findings: &mut Findings) {
    let settings = app::follower_settings(network, Duration::ZERO, None);
    match follower::try_source(client.clone(), &settings).await {
        Ok(()) => findings.good("usable", "of the configured network, in sync, connected"),
        Err(why) => findings.bad("usable", true, &why),
    }
}

/// Keeps the list of a network and the masternode that the source runs as, for the check of the watch list.
async fn note_list(
    network: &NetworkConfig,
    client: &Client,
    chain: &ChainInfo,
    list: MasternodeList,
    findings: &mut Findings,
) {
    let own = client.own_masternode().await.ok().flatten();
    let id = own.and_then(|own| own.id.or_else(|| list.by_address(own.address.as_deref()?)));
    findings.own.entry(network.name.clone()).or_default().extend(id);
    if !findings.lists.contains_key(&network.name) {
        let v24_active = match client.deployments().await {
            Ok(forks) => forks.get(V24).and_then(|fork| fork.active),
            Err(_) => chain.fork_active(V24),
        };
        findings.lists.insert(network.name.clone(), (list, v24_active));
    }
}

/// The watch list of a network against its list: entries without a match, named masternodes that are not registered, and
/// the revival of banned ones.
fn examine_watching(network: &NetworkConfig, config: &Config, findings: &mut Findings) {
    let Some((list, v24_active)) = findings.lists.get(&network.name) else { return };
    let own = findings.own.get(&network.name).cloned().unwrap_or_default();
    let watch = config.watch_list(&network.name).with_own(own);
    let watched = watch.resolve(list, &[]);
    let revivals = readiness::revivals(&watched, list, *v24_active);
    let lines = setup::watch_lines(&watch, &watched, list, app::now());
    let _ = writeln!(findings.report, "network {}, watch list", network.name);
    for (is_good, words) in lines {
        if is_good { findings.good("watch", &words) } else { findings.bad("watch", false, &words) }
    }
    findings.report.push_str(&revivals);
}

/// Optional calls that add data.
async fn examine_extras(client: &Client, findings: &mut Findings) {
    let dialect = client.dialect();
    if let Some(method) = dialect.count {
        findings.note(method.name, false, client.masternode_count().await, |count| {
            let queued = count.queued.map_or_else(String::new, |queued| format!(", {queued} in the payment queue"));
            format!("{} registered, {} enabled{queued}", count.total, count.enabled)
        });
    }
    if let Some(method) = dialect.chainlock {
        findings.note(method.name, false, client.chainlock().await, |lock| {
            lock.as_ref().map_or_else(|| "none known yet".into(), |(height, _)| format!("height {height}"))
        });
    }
    if let Some(method) = dialect.sporks {
        findings.note(method.name, false, client.sporks().await, |sporks| format!("{} sporks", sporks.len()));
    }
    if let Some(method) = dialect.deployments {
        examine_forks(method.name, client, findings).await;
    }
    if let Some(method) = dialect.own {
        findings.note(method.name, false, client.own_masternode().await, |own| match own {
            Some(own) => own.id.map_or_else(
                || format!("a masternode in the state {}, it does not report which one", own.state.label()),
                |id| format!("masternode {id}, {}", own.state.label()),
            ),
            None => "no masternode".into(),
        });
    }
    examine_sessions(client, findings).await;
    if let Some(method) = dialect.winners {
        findings.note(method.name, false, client.votes(1).await, |votes| format!("votes for {} heights", votes.len()));
    }
}

/// Where forks are reported: a node below version 24 has no method for it and reports them in `getblockchaininfo`.
async fn examine_forks(method: &str, client: &Client, findings: &mut Findings) {
    let named = |forks: &Forks| forks.contains_key(V24);
    let ready = |named: bool| if named { "v24 among them" } else { "v24 is NOT among them" };
    match client.deployments().await {
        Ok(forks) => findings.good(method, &format!("{} forks, {}", forks.len(), ready(named(&forks)))),
        Err(error) if matches!(error.kind(), ErrorKind::UnknownMethod) => {
            findings.good(method, "unknown to this version, which says its forks in getblockchaininfo");
        }
        Err(error) => findings.bad(method, false, &error.to_string()),
    }
}

/// The requirements of Dash Core 24 for a masternode's node, and known faults of its release.
async fn examine_readiness(
    client: &Client,
    info: &NetworkInfo,
    rules: &ChainRules,
    subnet: Option<Subnet>,
    findings: &mut Findings,
) {
    let dialect = client.dialect();
    let mut filter_index = None;
    if let Some(method) = dialect.indexes {
        let indexes = findings.note(method.name, false, client.indexes().await, |indexes| {
            let show = |(name, synced): (&ForeignText, &bool)| {
                format!("{name} {}", if *synced { "synced" } else { "NOT synced" })
            };
            if indexes.is_empty() { "no index".into() } else { indexes.iter().map(show).collect::<Vec<_>>().join(", ") }
        });
        filter_index = indexes.map(|indexes| indexes.get(FILTER_INDEX).copied());
    }
    let mut mempool_bytes = None;
    if let Some(method) = dialect.mempool {
        mempool_bytes = findings
            .note(method.name, false, client.mempool_limit().await, |limit| {
                limit.map_or_else(
                    || "does not say its limit".into(),
                    |bytes| format!("at most {} MB", bytes / 1_000_000),
                )
            })
            .flatten();
    }
    let is_masternode = dialect.own.is_some() && client.own_masternode().await.is_ok_and(|own| own.is_some());
    let node = readiness::Node { info, filter_index, mempool_bytes, is_masternode };
    for (what, well, words) in readiness::lines(&node, rules, subnet) {
        if well { findings.good(what, &words) } else { findings.bad(what, false, &words) }
    }
}

/// Whether active DKG sessions can be followed, and what to do if not.
async fn examine_sessions(client: &Client, findings: &mut Findings) {
    let Some((method, next)) = client.dialect().sessions else { return };
    let own = client.own_masternode().await.is_ok_and(|own| own.is_some());
    let seen = findings.note(method.name, false, client.sessions().await, |seen| match (own, seen.sees) {
        (true, _) => format!("{} sessions under way, of this masternode", seen.sessions.len()),
        (false, true) => format!("{} sessions under way, of all masternodes", seen.sessions.len()),
        (false, false) => {
            "sees no DKG sessions: missing contributions show only in the score. To see them before, add \
                           watchquorums=1 to dash.conf, or the masternode's own node as a source"
                .into()
        }
    });
    if seen.is_some_and(|seen| own || seen.sees) {
        findings.note(next.name, false, client.blocks_to_next_session().await, |blocks| {
            format!("the next session begins in {blocks} blocks")
        });
    }
}

/// The calls of the exporter, and the lines to add to the node's configuration.
/// Without `users` that already work, a new user is proposed.
fn rpcauth_instructions(chain: &ChainConfig, oldest: Option<u32>, users: Option<&[String]>) -> String {
    let mut text = format!(
        "\nThe exporter calls these methods of {} nodes and no others; none needs a wallet, none writes:\n",
        chain.rules.name
    );
    let methods = chain.dialect.methods();
    for method in &methods {
        let need = if method.required { "required" } else { "optional" };
        let _ = writeln!(text, "  {:<21} {need:<9} {}", method.name, method.purpose);
    }
    let shared = chain.dialect.user == RpcUser::Shared;
    if let Some(users) = users.filter(|_| chain.dialect.user == RpcUser::Restricted) {
        text.push_str("\nThe configured user works. To limit it to these methods, these lines in dash.conf:\n\n");
        users.iter().for_each(|user| text.push_str(&rpc::rpcauth::whitelist_lines(user, &methods, oldest)));
        return text;
    }
    if shared {
        text.push_str(
            "\nThese nodes have no user for one program: let the exporter read the cookie, or give it the node's\n\
             rpcuser and rpcpassword, and keep the RPC port on this host.\n",
        );
    } else {
        text.push_str("\nTo give it a user of its own on the node (username: exporter):\n\n");
    }
    match chain.dialect.user {
        RpcUser::Restricted => text.push_str(&rpc::rpcauth::configuration_lines(&methods, oldest)),
        RpcUser::Own => text.push_str(&rpc::rpcauth::user_line()),
        RpcUser::Shared => {}
    }
    text
}
