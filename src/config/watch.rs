//! The section `watch`.
//!
//! Never here: which masternodes a selector finds.

use std::collections::BTreeMap;

use crate::config::NetworkConfig;
use crate::config::node::Node;
use crate::domain::details::is_clean;
use crate::domain::payout::{self, WHOLE};
use crate::domain::watch::{Expected, Selector, WatchEntry};
use crate::domain::{Duffs, MasternodeId};

/// Labels that a group key would collide with, here or in Prometheus.
const RESERVED: &[&str] = &[
    "network",
    "masternode",
    "alias",
    "node_type",
    "address",
    "state",
    "payout_address",
    "owner_address",
    "operator_key",
    "group",
    "group_key",
    "severity",
    "alertname",
    "risk",
    "service",
    "endpoint",
    "type",
    "owner",
    "instance",
    "job",
    "le",
    "quantile",
    "field",
    "source",
    "receiver",
    "pod",
    "container",
    "node",
    "prometheus",
    "prometheus_replica",
];

/// Reads the entries; `networks` are those that an entry may be limited to.
pub(super) fn watch(node: &Node<'_>, networks: &[NetworkConfig]) -> Vec<(Option<String>, WatchEntry)> {
    let mut entries: Vec<(Option<String>, WatchEntry)> = Vec::new();
    for element in node.elements() {
        let network = element.get("network").text();
        let of = |network: &&NetworkConfig, name: &str| network.name == name;
        if let Some(name) = network.as_ref().filter(|name| !networks.iter().any(|network| of(&network, name))) {
            let names: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
            element
                .get("network")
                .error(format_args!("no network is called {name:?}; there are: {}", names.join(", ")));
        }
        let Some(entry) = entry(&element) else { continue };
        let meant = networks.iter().filter(|known| network.as_ref().is_none_or(|name| of(known, name)));
        if let Err(error) = check_identity(&entry.selector, meant) {
            element.get("masternode").error(error);
        }
        let together = |other: &Option<String>| other.is_none() || network.is_none() || *other == network;
        let earlier = || entries.iter().filter(|(other, _)| together(other)).map(|(_, earlier)| earlier);
        if matches!(entry.selector, Selector::Id(_)) && earlier().any(|earlier| earlier.selector == entry.selector) {
            element.get("masternode").error("an earlier entry names the same masternode");
        }
        if !entry.alias.is_empty() && earlier().any(|earlier| earlier.alias == entry.alias) {
            element.get("alias").error(format_args!("an earlier entry is called {:?} too", entry.alias));
        }
        entries.push((network, entry));
    }
    entries
}

fn entry(node: &Node<'_>) -> Option<WatchEntry> {
    node.check_keys();
    let select = node.get("select");
    let selector = selector_of(node);
    let alias_key = if select.is_set() { "alias_prefix" } else { "alias" };
    for wrong in ["alias", "alias_prefix"].into_iter().filter(|key| *key != alias_key) {
        if node.get(wrong).is_set() {
            node.get(wrong).error(format_args!("use {alias_key} here"));
        }
    }
    let alias = node.get(alias_key).verbatim().unwrap_or_default();
    if alias.chars().any(char::is_control) || alias.chars().count() > 100 {
        node.get(alias_key).error("use at most 100 characters, none of them a control character");
    }
    let groups = groups(&node.get("groups"));
    let expect = node.get("expect");
    let lists = [(Expected::Payouts, payouts(&expect)), (Expected::Shares, shares(&expect))];
    let mut expectations = fields(&expect);
    expectations.extend(lists.into_iter().filter_map(|(field, text)| Some((field, text?))));
    Some(WatchEntry { selector: selector?, alias, groups, expectations })
}

/// Which masternodes an entry means: its `masternode` or its `select`.
pub(super) fn selector_of(node: &Node<'_>) -> Option<Selector> {
    let (named, select) = (node.get("masternode"), node.get("select"));
    match (named.is_set(), select.is_set()) {
        (true, false) => named.parsed(str::parse::<MasternodeId>).map(Selector::Id),
        (false, true) => selector(&select),
        _ => {
            node.error("give either masternode (a proTxHash, or txid-n) or select (what it must say)");
            None
        }
    }
}

/// Whether one of the networks that an entry is for knows its masternodes by such a name.
fn check_identity<'a>(selector: &Selector, meant: impl Iterator<Item = &'a NetworkConfig>) -> Result<(), &'static str> {
    let Selector::Id(id) = selector else { return Ok(()) };
    let by_registration = matches!(id, MasternodeId::ProTx(_));
    let fits: Vec<bool> = meant.map(|network| network.chain.rules.is_deterministic() == by_registration).collect();
    match fits.is_empty() || fits.contains(&true) {
        true => Ok(()),
        false if by_registration => Err("is a proTxHash; this chain knows a masternode by its collateral, txid-n"),
        false => Err("is a collateral; this chain knows a masternode by its proTxHash"),
    }
}

fn selector(node: &Node<'_>) -> Option<Selector> {
    let fields = fields(node);
    if fields.is_empty() {
        node.error("names no field: it would select every masternode");
        return None;
    }
    Some(Selector::Fields(fields))
}

fn fields(node: &Node<'_>) -> Vec<(Expected, String)> {
    node.check_keys();
    let texts = Expected::ALL.iter().filter(|field| field.detail().is_some());
    texts.filter_map(|field| Some((*field, node.get(field.label()).verbatim()?))).collect()
}

/// The payees that are expected: each with its part in hundredths of a percent, as the node prints it.
fn payouts(node: &Node<'_>) -> Option<String> {
    let list = node.get("payouts");
    let mut payouts = Vec::new();
    for element in list.is_set().then(|| list.elements())? {
        element.check_keys();
        let reward = element.get("reward");
        if !reward.is_set() {
            reward.error("is missing");
        }
        let part = reward.whole(1..=u64::from(WHOLE)).and_then(|reward| u32::try_from(reward).ok());
        payouts.push(word(&element.get("address")).zip(part));
    }
    let payouts: Vec<(String, u32)> = payouts.into_iter().collect::<Option<_>>()?;
    let sum: u64 = payouts.iter().map(|(_, reward)| u64::from(*reward)).sum();
    if sum != u64::from(WHOLE) {
        list.error(format_args!(
            "the rewards add up to {sum} and must make {WHOLE}: they are hundredths of a percent, so 7000 is 70 %"
        ));
        return None;
    }
    Some(payout::payouts_text(&payouts))
}

/// The shares that are expected.
fn shares(node: &Node<'_>) -> Option<String> {
    let list = node.get("shares");
    let mut shares = Vec::new();
    for element in list.is_set().then(|| list.elements())? {
        element.check_keys();
        let amount = element.get("amount").whole(1..=u64::MAX).map(Duffs);
        let (owner, reward) = (word(&element.get("owner_address")), word(&element.get("reward_address")));
        shares.push(owner.zip(reward).map(|(owner, reward)| (owner, reward, amount)));
    }
    let shares: Vec<_> = shares.into_iter().collect::<Option<_>>()?;
    if shares.len() < 2 {
        list.error("names fewer than two shares: a shared masternode has at least two");
        return None;
    }
    Some(payout::shares_text(&shares))
}

/// An address that must stand here.
fn word(node: &Node<'_>) -> Option<String> {
    let text = node.required()?;
    if !is_clean(&text) || text.contains(',') {
        node.error("is no address: it is empty, or has blanks or commas");
        return None;
    }
    Some(text)
}

fn groups(node: &Node<'_>) -> BTreeMap<String, String> {
    let mut groups = BTreeMap::new();
    for (key, value) in node.entries() {
        let good = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
        if RESERVED.contains(&key.as_str()) {
            value.error(format_args!("{key:?} is a label already; choose another group key"));
        } else if !key.chars().all(good) || !key.starts_with(|first: char| first.is_ascii_lowercase()) {
            value.error("a group key is a label: use a-z, 0-9 and _, and begin with a letter");
        }
        let group = value.required().unwrap_or_default();
        if group.chars().any(char::is_control) || group.chars().count() > 100 {
            value.error("use at most 100 characters, none of them a control character");
        }
        groups.insert(key, group);
    }
    groups
}
