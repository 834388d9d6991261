//! The watch list: names, groups and expectations for masternodes, by identity or by properties.
//!
//! Never here: reading the watch list from a file (`config`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::condition::ThresholdOverrides;
use crate::details::{Detail, Wanted, same_key};
use crate::list::MasternodeList;
use crate::maintenance::{self, Maintenance};
use crate::masternode::{Masternode, MasternodeId, UnixSeconds};
use crate::payout::{self, Payouts};

/// One entry of the watch list.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchEntry {
    /// How it selects masternodes.
    pub selector: Selector,
    /// Name of the one masternode, or prefix of the names of the selected and of the own ones; empty for none.
    pub alias: String,
    /// Group key to group, e.g. `operator` to `acme`.
    pub groups: BTreeMap<String, String>,
    /// Expectations for each of them.
    pub expectations: Vec<(WatchField, String)>,
    /// Thresholds of their conditions that differ.
    pub thresholds: ThresholdOverrides,
}

/// How an entry selects its masternodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// One, by identity; it is watched even while it is not on the list.
    Id(MasternodeId),
    /// All whose given fields have the given values.
    Fields(Vec<(WatchField, String)>),
    /// The masternodes that the sources of the network run as, see [`WatchList::with_own`].
    Own,
}

/// Nothing is watched: what it means and what to do, for logs, pages, commands and alerts.
pub const NOTHING_WATCHED: &str = "No masternode is watched: no alert about a masternode can fire.";

/// The lines of the configuration that watch a masternode.
pub const WATCH_LINES: &str = "watch:\n  - { masternode: \"<proTxHash>\", alias: <name> }\n";

/// A field of a selector or an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchField {
    /// The primary address.
    Address,
    /// Payee of the owner's share.
    PayoutAddress,
    /// Owner key's address.
    OwnerAddress,
    /// Voting key's address.
    VotingAddress,
    /// Operator key.
    OperatorKey,
    /// Payee of the operator's share.
    OperatorPayoutAddress,
    /// All payees of the owner's side with their shares; for expectations only.
    Payouts,
    /// All shares with owner and reward address; for expectations only.
    Shares,
}

impl WatchField {
    /// All, in the order of their names.
    pub const ALL: [WatchField; 8] = [
        WatchField::Address,
        WatchField::PayoutAddress,
        WatchField::OwnerAddress,
        WatchField::VotingAddress,
        WatchField::OperatorKey,
        WatchField::OperatorPayoutAddress,
        WatchField::Payouts,
        WatchField::Shares,
    ];

    /// Name in the configuration and value of the label `field`.
    pub fn label(self) -> &'static str {
        match self {
            WatchField::Address => "address",
            WatchField::PayoutAddress => "payout_address",
            WatchField::OwnerAddress => "owner_address",
            WatchField::VotingAddress => "voting_address",
            WatchField::OperatorKey => "operator_key",
            WatchField::OperatorPayoutAddress => "operator_payout_address",
            WatchField::Payouts => "payouts",
            WatchField::Shares => "shares",
        }
    }

    /// The corresponding text of the details; `None` for fields that are more than one text, which cannot select.
    pub fn detail(self) -> Option<Detail> {
        match self {
            WatchField::Address => Some(Detail::Address),
            WatchField::PayoutAddress => Some(Detail::PayoutAddress),
            WatchField::OwnerAddress => Some(Detail::OwnerAddress),
            WatchField::VotingAddress => Some(Detail::VotingAddress),
            WatchField::OperatorKey => Some(Detail::OperatorKey),
            WatchField::OperatorPayoutAddress => Some(Detail::OperatorPayoutAddress),
            WatchField::Payouts | WatchField::Shares => None,
        }
    }

    /// Whether the masternode has exactly `value` in this field, for payees and owners that value only. `None` if the
    /// list does not contain it, or in an unknown form.
    pub fn met_by(self, masternode: &Masternode, value: &str) -> Option<bool> {
        let details = &masternode.details;
        match self {
            WatchField::PayoutAddress => payout::pays_only(details, value),
            WatchField::Payouts => payout::pays(details, value),
            WatchField::Shares => payout::has_shares(details, value),
            WatchField::OwnerAddress if !details.is_ordinary() && !details.has(Detail::OwnerAddress) => {
                (details.payouts() != Payouts::Unknown).then_some(false)
            }
            // Every masternode has a key, a revoked one of zeros: if there is none, the list does not contain it.
            WatchField::OperatorKey => details.get(Detail::OperatorKey).map(|key| same_key(&key, value)),
            WatchField::VotingAddress | WatchField::OwnerAddress if !details.has(self.detail()?) => None,
            _ => Some(details.get(self.detail()?).as_deref() == Some(value)),
        }
    }
}

/// A group as it is written in commands, URLs and files: `customer=acme` or `customer:acme`; `None` if it is neither.
#[must_use]
pub fn parse_group(text: &str) -> Option<(&str, &str)> {
    let (key, group) = text.split_once(['=', ':'])?;
    (!key.is_empty() && !group.is_empty()).then_some((key, group))
}

/// Whether a masternode has the values of all fields.
pub(super) fn selects(fields: &[(WatchField, String)], masternode: &Masternode) -> bool {
    wanted(fields).iter().all(|wanted| wanted.is_of(&masternode.details))
}

/// The values that a selector searches for.
pub(super) fn wanted(fields: &[(WatchField, String)]) -> Vec<Wanted> {
    fields.iter().filter_map(|(field, value)| Some(Wanted::new(field.detail()?, value))).collect()
}

/// The watch list of one network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchList {
    entries: Vec<WatchEntry>,
    maintenance: Vec<Maintenance>,
    own: BTreeSet<MasternodeId>,
}

/// A masternode that an entry of the watch list names or selects.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchTarget {
    /// Its identity.
    pub id: MasternodeId,
    /// Name; empty when the entry gives none.
    pub alias: String,
    /// Group key to group.
    pub groups: BTreeMap<String, String>,
    /// Expectations for it.
    pub expectations: Vec<(WatchField, String)>,
    /// Thresholds of its conditions that differ.
    pub thresholds: ThresholdOverrides,
    /// The end of its maintenance, in the past or the future; `None` if none is configured.
    pub maintenance_until: Option<UnixSeconds>,
}

impl WatchTarget {
    /// Whether it is in a group.
    #[must_use]
    pub fn is_in(&self, key: &str, group: &str) -> bool {
        self.groups.get(key).is_some_and(|own| own == group)
    }
}

impl WatchList {
    /// A watch list. Earlier entries take precedence; naming a masternode takes precedence over selecting it.
    pub fn new(entries: Vec<WatchEntry>) -> WatchList {
        WatchList { entries, ..WatchList::default() }
    }

    /// The same list, with maintenance of some of the masternodes.
    pub fn with_maintenance(self, maintenance: Vec<Maintenance>) -> WatchList {
        WatchList { maintenance, ..self }
    }

    /// The same list, with the masternodes that the sources run as.
    #[must_use]
    pub fn with_own(self, own: BTreeSet<MasternodeId>) -> WatchList {
        WatchList { own, ..self }
    }

    /// The masternodes that the sources run as; none until a source reported one.
    pub fn own(&self) -> &BTreeSet<MasternodeId> {
        &self.own
    }

    /// Work on masternodes.
    pub fn maintenance(&self) -> &[Maintenance] {
        &self.maintenance
    }

    /// The entries.
    pub fn entries(&self) -> &[WatchEntry] {
        &self.entries
    }

    /// The selector of the entry that a masternode of a list is watched by; `None` if no entry selects it now.
    pub fn selector_of(&self, id: &MasternodeId, list: &MasternodeList) -> Option<&Selector> {
        let named = self.entries.iter().find(|entry| entry.selector == Selector::Id(*id));
        let own = || self.entries.iter().find(|entry| entry.selector == Selector::Own && self.own.contains(id));
        let selected = || {
            let node = list.get(id)?;
            let is_selected = |entry: &&WatchEntry| match &entry.selector {
                Selector::Fields(fields) => selects(fields, node),
                Selector::Id(_) | Selector::Own => false,
            };
            self.entries.iter().find(is_selected)
        };
        named.or_else(own).or_else(selected).map(|entry| &entry.selector)
    }

    /// The target that the entry with this selector makes of a masternode; `None` without such an entry.
    pub fn target_by(&self, selector: &Selector, id: MasternodeId) -> Option<WatchTarget> {
        self.entries.iter().find(|entry| entry.selector == *selector).map(|entry| entry.watch(id))
    }

    /// The masternodes that are watched whatever is on the list, ascending by identity: those that an entry names, and
    /// those that the sources run as if an entry selects them. Their maintenance is not known without a list.
    pub fn named(&self) -> Vec<WatchTarget> {
        let mut found: BTreeMap<MasternodeId, WatchTarget> = BTreeMap::new();
        for entry in &self.entries {
            if let Selector::Id(id) = &entry.selector {
                found.entry(*id).or_insert_with(|| entry.watch(*id));
            }
        }
        for entry in self.entries.iter().filter(|entry| entry.selector == Selector::Own) {
            for id in &self.own {
                found.entry(*id).or_insert_with(|| entry.watch(*id));
            }
        }
        found.into_values().collect()
    }

    /// The watched masternodes on this list, ascending by identity. Those in `known`, the result for the list before,
    /// stay watched: one that left the list, so that its absence is visible, and one that no entry selects any more,
    /// because a payee or key that changes on the chain can be a theft.
    pub fn resolve(&self, list: &MasternodeList, known: &[WatchTarget]) -> Vec<WatchTarget> {
        let mut found: HashMap<MasternodeId, WatchTarget> =
            self.named().into_iter().map(|target| (target.id, target)).collect();
        for entry in &self.entries {
            if let Selector::Fields(fields) = &entry.selector {
                let wanted = wanted(fields);
                let selects = |node: &&Masternode| wanted.iter().all(|wanted| wanted.is_of(&node.details));
                let selected = list.masternodes().iter().filter(selects);
                for masternode in selected {
                    found.entry(masternode.id).or_insert_with(|| entry.watch(masternode.id));
                }
            }
        }
        for watched in known {
            found.entry(watched.id).or_insert_with(|| WatchTarget { maintenance_until: None, ..watched.clone() });
        }
        let mut watched: Vec<WatchTarget> = found.into_values().collect();
        watched.sort_unstable_by_key(|watched| watched.id);
        maintenance::apply(self, &mut watched, list, known);
        watched
    }
}

impl WatchEntry {
    fn watch(&self, id: MasternodeId) -> WatchTarget {
        let alias = match &self.selector {
            Selector::Fields(_) | Selector::Own if !self.alias.is_empty() => {
                let digits = &id.hash().to_string()[..8];
                match id {
                    MasternodeId::ProTx(_) => format!("{}-{digits}", self.alias),
                    // One transaction may contain the collaterals of several masternodes.
                    MasternodeId::Collateral(outpoint) => format!("{}-{digits}-{}", self.alias, outpoint.index),
                }
            }
            _ => self.alias.clone(),
        };
        let (groups, expectations) = (self.groups.clone(), self.expectations.clone());
        WatchTarget { id, alias, groups, expectations, thresholds: self.thresholds, maintenance_until: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::DetailTexts;
    use crate::samples::{id, list, masternode};

    fn paying(number: u8, payout: &str) -> Masternode {
        Masternode {
            details: DetailTexts { payout_address: Some(payout.to_string().into()), ..DetailTexts::default() }.into(),
            ..masternode(number)
        }
    }

    fn entry(selector: Selector, alias: &str) -> WatchEntry {
        WatchEntry {
            selector,
            alias: alias.into(),
            groups: BTreeMap::new(),
            expectations: vec![],
            thresholds: Default::default(),
        }
    }

    fn treasury() -> Selector {
        Selector::Fields(vec![(WatchField::PayoutAddress, "Xtreasury".into())])
    }

    #[test]
    fn naming_a_masternode_wins_over_selecting_it() {
        let watch = WatchList::new(vec![entry(treasury(), "treasury"), entry(Selector::Id(id(1)), "mine")]);
        let list = list(1, vec![paying(1, "Xtreasury"), paying(2, "Xtreasury"), paying(3, "Xother")]);
        let aliases: Vec<_> = watch.resolve(&list, &[]).into_iter().map(|watched| watched.alias).collect();
        assert_eq!(aliases, ["mine", "treasury-02020202"]);
    }

    #[test]
    fn a_selected_masternode_stays_watched_when_it_leaves_the_list_and_when_its_payee_changes() {
        let watch = WatchList::new(vec![entry(treasury(), "treasury")]);
        let known = watch.resolve(&list(1, vec![paying(2, "Xtreasury")]), &[]);
        assert_eq!(watch.resolve(&list(2, vec![]), &known), known);
        let moved = watch.resolve(&list(2, vec![paying(2, "Xother")]), &known);
        assert_eq!(moved, known, "another payee can be a theft");
        let other = entry(Selector::Fields(vec![(WatchField::PayoutAddress, "Xother".into())]), "other");
        let both = WatchList::new(vec![entry(treasury(), "treasury"), other]);
        let aliases = |watched: Vec<WatchTarget>| watched.into_iter().map(|watched| watched.alias).collect::<Vec<_>>();
        assert_eq!(aliases(both.resolve(&list(2, vec![paying(2, "Xother")]), &known)), ["other-02020202"]);
    }

    #[test]
    fn the_masternodes_that_sources_run_as_are_watched_also_when_they_are_not_on_the_list() {
        let own = |ids: &[u8]| ids.iter().map(|number| id(*number)).collect::<BTreeSet<_>>();
        let entries =
            vec![entry(treasury(), "treasury"), entry(Selector::Own, "own"), entry(Selector::Id(id(3)), "three")];
        let watch = WatchList::new(entries);
        let nodes = list(1, vec![paying(1, "Xtreasury"), paying(2, "Xtreasury"), paying(3, "Xother")]);
        let aliases = |watch: &WatchList| -> Vec<String> {
            watch.resolve(&nodes, &[]).into_iter().map(|watched| watched.alias).collect()
        };
        assert_eq!(aliases(&watch), ["treasury-01010101", "treasury-02020202", "three"], "no source reported one");
        let watch = watch.with_own(own(&[1, 3, 9]));
        assert_eq!(aliases(&watch), ["own-01010101", "treasury-02020202", "three", "own-09090909"]);
        let named: Vec<_> = watch.named().into_iter().map(|watched| watched.id).collect();
        assert_eq!(named, [id(1), id(3), id(9)]);
        assert_eq!(watch.selector_of(&id(1), &nodes), Some(&Selector::Own));
        assert_eq!(
            aliases(&WatchList::new(vec![entry(treasury(), "t")]).with_own(own(&[3]))).len(),
            2,
            "no entry wants it"
        );
    }

    #[test]
    fn a_group_is_written_with_an_equals_sign_or_a_colon() {
        for text in ["customer=a:b=c", "customer:a:b=c"] {
            assert_eq!(parse_group(text), Some(("customer", "a:b=c")));
        }
        for text in ["", "customer", "=acme", ":acme", "customer=", "customer:"] {
            assert_eq!(parse_group(text), None, "{text}");
        }
    }

    #[test]
    fn an_expectation_without_data_is_neither_met_nor_broken() {
        let node = masternode(1);
        let bare = Masternode { details: DetailTexts::default().into(), ..node };
        for field in [WatchField::OperatorKey, WatchField::VotingAddress, WatchField::OwnerAddress] {
            assert_eq!(field.met_by(&bare, "Xvalue"), None, "{}", field.label());
        }
        assert_eq!(WatchField::Address.met_by(&bare, "192.0.2.1:9999"), Some(false), "no address is a statement");
    }
}
