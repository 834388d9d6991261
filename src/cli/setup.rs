//! The part of `doctor` about the configuration: whether the watch list fits the list of the network, and a complete file
//! to begin with.
//!
//! Never here: RPC calls; the other findings of `doctor`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::config::{ChainConfig, Config, NetworkConfig, SourceConfig, WatchConfig};
use crate::rpc::Credentials;
use domain::entry_matches::EntryMatches;
use domain::list::MasternodeList;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::watch::{NOTHING_WATCHED, Selector, WatchList, WatchTarget};

/// Most named masternodes that are listed as not registered; more are only counted.
const MOST_ABSENT: usize = 10;

/// What the watch list watches on a list: each line with whether it is good.
pub(super) fn watch_lines(
    watch: &WatchList,
    watched: &[WatchTarget],
    list: &MasternodeList,
    now: UnixSeconds,
) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    match watched.len() {
        0 => lines.push((false, format!("{NOTHING_WATCHED} The end of this report has the lines to add"))),
        1 => lines.push((true, format!("masternode {} is watched", name(&watched[0])))),
        several => lines.push((true, format!("{several} masternodes are watched"))),
    }
    let absent: Vec<&WatchTarget> = watched.iter().filter(|target| list.get(&target.id).is_none()).collect();
    for target in absent.iter().take(MOST_ABSENT) {
        lines.push((false, format!("{} is not registered: is its identity right?", name(target))));
    }
    if absent.len() > MOST_ABSENT {
        lines.push((false, format!("{} more are not registered", absent.len() - MOST_ABSENT)));
    }
    let matches = watch.matches(list, watched, |_| None, now);
    lines.extend(matches.iter().filter_map(EntryMatches::problem).map(|problem| (false, problem)));
    lines
}

fn name(target: &WatchTarget) -> String {
    if target.alias.is_empty() { target.id.to_string() } else { format!("{} ({})", target.alias, target.id) }
}

/// The users of a chain's sources, if every source has one and is among the `accepted`, which are networks and sources: then
/// no other user is needed.
pub(super) fn accepted_users(
    config: &Config,
    chain: &ChainConfig,
    accepted: &BTreeSet<(String, String)>,
) -> Option<Vec<String>> {
    let networks = config.networks.iter().filter(|network| network.chain == *chain);
    let sources = networks.flat_map(|network| network.sources.iter().map(move |source| (network, source)));
    let user = |(network, source): (&NetworkConfig, &SourceConfig)| match &source.credentials {
        Credentials::Password { user, .. } | Credentials::PasswordFile { user, .. } => {
            accepted.contains(&(network.name.clone(), source.name.clone())).then(|| user.clone())
        }
        Credentials::CookieFile(_) | Credentials::FindCookie { .. } => None,
    };
    let users = sources.map(user).collect::<Option<BTreeSet<String>>>()?;
    Some(users.into_iter().collect())
}

/// A complete configuration with what was found; empty if the present one names a masternode to watch and a receiver.
pub(super) fn configuration<'a>(
    config: &Config,
    networks: impl Iterator<Item = &'a NetworkConfig>,
    own: &BTreeMap<String, BTreeSet<MasternodeId>>,
) -> String {
    let is_named = |(_, entry): &WatchConfig| entry.selector != Selector::Own;
    if config.watch.iter().any(is_named) && !config.alerting.receivers.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\nA complete configuration to begin with, for --config.file; replace what is in angle brackets:\n\nnetworks:\n",
    );
    for network in networks {
        let _ = writeln!(text, "  - name: {}\n    chain: {}\n    sources:", network.name, network.chain.rules.name);
        for source in &network.sources {
            let _ = writeln!(text, "      - {{ {} }}", source_keys(source));
        }
    }
    text.push_str("watch:\n");
    let own: Vec<&MasternodeId> = own.values().flatten().collect();
    for (index, id) in own.iter().enumerate() {
        let _ = writeln!(text, "  - {{ masternode: \"{id}\", alias: mn-{} }}", index + 1);
    }
    if own.is_empty() {
        text.push_str("  - { masternode: \"<proTxHash>\", alias: mn-1 }\n");
    }
    text.push_str(
        "alerting:\n  webhooks:\n    # Or kind: discord, telegram, ntfy, pagerduty, matrix; see docs/alerts.md.\n    \
         - { name: chat, kind: slack, url_file: /etc/masternode-exporter/chat-url }\n\
         history: { path: /var/lib/masternode-exporter/history.db }\n",
    );
    text
}

fn source_keys(source: &SourceConfig) -> String {
    let credentials = match &source.credentials {
        Credentials::CookieFile(path) => format!(", cookie_file: {path:?}"),
        Credentials::FindCookie { .. } => String::new(),
        Credentials::Password { user, .. } => {
            format!(", username: {user:?}, password_file: /etc/masternode-exporter/password")
        }
        Credentials::PasswordFile { user, path } => format!(", username: {user:?}, password_file: {path:?}"),
    };
    format!("name: {}, url: \"{}\"{credentials}", source.name, source.url)
}
