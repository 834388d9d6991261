//! The section `watch`, and how an entry of it or of `alerting.maintenance` selects masternodes.
//!
//! Never here: applying a selector.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::expect::ExpectSection;
use crate::config::kinds::IdentityKind;
use crate::config::leaf::{Flag, LabelText, Leaf, List, Name, Text};
use crate::config::mistakes::Place;
use crate::config::thresholds::EntryThresholdsSection;
use crate::config::{NetworkConfig, WatchConfig};
use crate::nearest::nearest;
use domain::MasternodeId;
use domain::condition::ThresholdOverrides;
use domain::watch::{Selector, WatchEntry, WatchField};

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
    "namespace",
    "text",
    "quorum_type",
];

/// One entry of the watch list: a masternode, or all that a selector finds.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WatchSection {
    /// One masternode, watched also while it is not on the list; either this, `select` or `self`.
    masternode: Option<Leaf<IdentityKind>>,
    /// All masternodes with these values; if there are several fields, all must match.
    select: Option<FieldsSection>,
    /// The masternodes that the sources run as, by their reports. Without `watch` and `watch_files`, these are watched.
    #[serde(rename = "self")]
    own: Option<Flag>,
    /// Only on this network; without it, on all.
    network: Option<Name>,
    /// Name of the masternode: the label `alias`.
    alias: Option<LabelText>,
    /// With `select` or `self`: the alias is this and the first 8 digits of the proTxHash.
    alias_prefix: Option<LabelText>,
    /// Groups, by their keys: labels of `masternode_info` and of `masternode_group_nodes`.
    groups: BTreeMap<String, LabelText>,
    expect: ExpectSection,
    thresholds: EntryThresholdsSection,
}

/// Fields of a masternode.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FieldsSection {
    /// Its address and port.
    address: Option<Text>,
    /// Address of a payee, be it one of several.
    payout_address: Option<Text>,
    /// Address of its owner key, be it that of one share.
    owner_address: Option<Text>,
    /// Address of its voting key.
    voting_address: Option<Text>,
    /// Its operator key.
    operator_key: Option<Text>,
    /// Address to which its operator is paid.
    operator_payout_address: Option<Text>,
}

impl FieldsSection {
    fn into_fields(self) -> Vec<(WatchField, String)> {
        let fields = [
            (WatchField::Address, self.address),
            (WatchField::PayoutAddress, self.payout_address),
            (WatchField::OwnerAddress, self.owner_address),
            (WatchField::VotingAddress, self.voting_address),
            (WatchField::OperatorKey, self.operator_key),
            (WatchField::OperatorPayoutAddress, self.operator_payout_address),
        ];
        fields.into_iter().filter_map(|(field, value)| Some((field, value?.0))).collect()
    }
}

/// The watch list of a configuration that names none: the masternodes that the sources run as.
pub(super) fn implied() -> Vec<WatchConfig> {
    let entry = WatchEntry {
        selector: Selector::Own,
        alias: String::new(),
        groups: BTreeMap::new(),
        expectations: Vec::new(),
        thresholds: ThresholdOverrides::default(),
    };
    vec![(None, entry)]
}

/// Checks the entries; `networks` are those that an entry may be limited to.
pub(super) fn watch(section: List<WatchSection>, networks: &[NetworkConfig], at: &Place<'_>) -> Vec<WatchConfig> {
    let mut entries: Vec<WatchConfig> = Vec::new();
    for (index, mut section) in section.each() {
        let at = at.index(index);
        let network = section.network.take().map(|name| name.0);
        check_network(network.as_deref(), networks, &at);
        let Some(entry) = entry(section, &at) else { continue };
        let meant = || networks.iter().filter(|known| network.as_ref().is_none_or(|name| known.name == *name));
        if let Err(error) = check_identity(&entry.selector, meant()) {
            at.key("masternode").error(error);
        }
        if entry.selector == Selector::Own && !meant().any(|network| network.ask.reports) {
            at.key("self").error("needs ask.reports of the network: only the reports say which masternode a source is");
        }
        let together = |other: &Option<String>| other.is_none() || network.is_none() || *other == network;
        let earlier = || entries.iter().filter(|(other, _)| together(other)).map(|(_, earlier)| earlier);
        if entry.selector == Selector::Own && earlier().any(|earlier| earlier.selector == Selector::Own) {
            at.key("self").error("an earlier entry is for the own masternodes already");
        }
        if matches!(entry.selector, Selector::Id(_)) && earlier().any(|earlier| earlier.selector == entry.selector) {
            at.key("masternode").error("an earlier entry has the same masternode");
        }
        if !entry.alias.is_empty() && earlier().any(|earlier| earlier.alias == entry.alias) {
            at.key("alias").error(format_args!("an earlier entry has the same alias {:?}", entry.alias));
        }
        entries.push((network, entry));
    }
    entries
}

/// Checks the network that an entry is limited to.
pub(super) fn check_network(name: Option<&str>, networks: &[NetworkConfig], at: &Place<'_>) {
    let names: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
    let Some(name) = name else { return };
    // A network with an invalid name may be the one that is meant.
    if names.contains(&name) || names.contains(&"") {
        return;
    }
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("there are: {}", names.join(", ")),
    };
    at.key("network").error(format_args!("no network has the name {name:?}; {hint}"));
}

fn entry(section: WatchSection, at: &Place<'_>) -> Option<WatchEntry> {
    let own = section.own.is_some_and(|own| own.0);
    let (alias_key, alias, other_key, other) = match section.select.is_some() || own {
        true => ("alias_prefix", section.alias_prefix, "alias", section.alias),
        false => ("alias", section.alias, "alias_prefix", section.alias_prefix),
    };
    let selector = match (own, section.masternode.is_some() || section.select.is_some()) {
        (true, false) => Some(Selector::Own),
        (true, true) => {
            at.key("self").error("give either this, masternode or select");
            None
        }
        (false, _) => selector(section.masternode, section.select, at),
    };
    if other.is_some() {
        at.key(other_key).error(format_args!("use {alias_key} here"));
    }
    Some(WatchEntry {
        selector: selector?,
        alias: alias.map(|alias| alias.0).unwrap_or_default(),
        groups: groups(section.groups, &at.key("groups")),
        expectations: section.expect.expectations(&at.key("expect")),
        thresholds: section.thresholds.overrides(),
    })
}

/// The masternodes of an entry: its `masternode` or its `select`.
pub(super) fn selector(
    masternode: Option<Leaf<IdentityKind>>,
    select: Option<FieldsSection>,
    at: &Place<'_>,
) -> Option<Selector> {
    match (masternode, select.map(FieldsSection::into_fields)) {
        (Some(id), None) => Some(Selector::Id(id.0)),
        (None, Some(fields)) if fields.is_empty() => {
            at.key("select").error("names no field: it would select every masternode");
            None
        }
        (None, Some(fields)) => Some(Selector::Fields(fields)),
        // A value that was refused is missing here, which is not a separate error.
        (None, None) if at.is_refused("masternode") || at.is_refused("select") => None,
        _ => {
            at.error("give either masternode (a proTxHash, or txid-n) or select (its fields)");
            None
        }
    }
}

/// Whether one of the entry's networks identifies masternodes in this way.
fn check_identity<'a>(selector: &Selector, meant: impl Iterator<Item = &'a NetworkConfig>) -> Result<(), &'static str> {
    let Selector::Id(id) = selector else { return Ok(()) };
    let by_registration = matches!(id, MasternodeId::ProTx(_));
    let fits: Vec<bool> = meant.map(|network| network.chain.rules.identifies_by(id)).collect();
    match fits.is_empty() || fits.contains(&true) {
        true => Ok(()),
        false if by_registration => Err("is a proTxHash; this chain knows a masternode by its collateral, txid-n"),
        false => Err("is a collateral; this chain knows a masternode by its proTxHash"),
    }
}

fn groups(section: BTreeMap<String, LabelText>, at: &Place<'_>) -> BTreeMap<String, String> {
    let mut groups = BTreeMap::new();
    for (key, group) in section {
        let good = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
        if RESERVED.contains(&key.as_str()) {
            at.key(&key).error(format_args!("{key:?} is a label already; choose another group key"));
        } else if !key.chars().all(good) || !key.starts_with(|first: char| first.is_ascii_lowercase()) {
            at.key(&key).error("a group key is a label: use a-z, 0-9 and _, and begin with a letter");
        }
        groups.insert(key, group.0);
    }
    groups
}
