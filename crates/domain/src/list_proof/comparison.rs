//! Holds the proven entries against a list, and searches the entry that is wrong where the entries have another root.
//!
//! Never here: asking a node; what follows from a difference.

use std::collections::BTreeSet;

use crate::details::Purpose;
use crate::list::MasternodeList;
use crate::list_proof::mismatch::{CoveredField, ListDifference};
use crate::list_proof::{LeafFields, ListProof, Node};
use crate::masternode::{Hash, Masternode, MasternodeId};

/// Most entries that are replaced by what they were before, in search of the wrong one.
const MOST_TRIED: usize = 4_096;

impl ListProof {
    /// The first difference between the entries and a list; `None` when they agree in everything that the root covers. Entries
    /// of the list that could not be read are not compared.
    #[must_use]
    pub fn difference(&self, list: &MasternodeList) -> Option<ListDifference> {
        let listed = list.masternodes().iter().filter_map(|masternode| match masternode.id {
            MasternodeId::ProTx(pro_tx) => Some(pro_tx),
            MasternodeId::Collateral(_) => None,
        });
        let all: BTreeSet<Hash> = self.entries.keys().copied().chain(listed).collect();
        self.difference_among(all, list)
    }

    /// The same among some registrations.
    pub fn difference_among(
        &self,
        pro_txs: impl IntoIterator<Item = Hash>,
        list: &MasternodeList,
    ) -> Option<ListDifference> {
        pro_txs.into_iter().find_map(|pro_tx| {
            let id = MasternodeId::ProTx(pro_tx);
            let field = match (self.entries.get(&pro_tx), list.get(&id)) {
                (Some(entry), Some(masternode)) => entry.difference(masternode)?,
                (None, None) => return None,
                (Some(_), None) if list.unreadable().unnamed() > 0 || list.unreadable().ids().contains(&id) => {
                    return None;
                }
                _ => CoveredField::Registration,
            };
            Some(ListDifference { pro_tx, field })
        })
    }

    /// The one entry whose change gives the root: what it was in `earlier`, an earlier list that was proven, or banned in place
    /// of not banned. Else the first difference from a list of the same block.
    pub fn explain(
        &mut self,
        root: &Node,
        earlier: Option<&ListProof>,
        list: &MasternodeList,
    ) -> Option<ListDifference> {
        let before = earlier.map_or_else(Vec::new, |earlier| self.changes_since(earlier));
        let flipped = self.entries.values().map(|entry| (entry.pro_tx, Some(entry.banned_or_not())));
        let candidates: Vec<(Hash, Option<LeafFields>)> = before.into_iter().chain(flipped).collect();
        for (pro_tx, other) in candidates {
            if self.root_with(&pro_tx, other.as_ref()) == Some(*root) {
                let own = self.entries.get(&pro_tx);
                let field = match (own, &other) {
                    (Some(own), Some(other)) => own.differs_in(other),
                    _ => CoveredField::Registration,
                };
                return Some(ListDifference { pro_tx, field });
            }
        }
        self.difference(list)
    }

    /// Entries that are not as they were in an earlier list, as they were then.
    fn changes_since(&self, earlier: &ListProof) -> Vec<(Hash, Option<LeafFields>)> {
        let all: BTreeSet<&Hash> = self.entries.keys().chain(earlier.entries.keys()).collect();
        let changed = all.into_iter().filter(|pro_tx| self.entries.get(pro_tx) != earlier.entries.get(pro_tx));
        changed.map(|pro_tx| (*pro_tx, earlier.entries.get(pro_tx).cloned())).take(MOST_TRIED).collect()
    }

    /// The root with another entry, or without it; `None` when the other one has no leaf.
    fn root_with(&mut self, pro_tx: &Hash, other: Option<&LeafFields>) -> Option<Node> {
        match other {
            Some(fields) => self.tree.set(*pro_tx, fields.leaf().ok()?),
            None => self.tree.remove(pro_tx),
        }
        let root = self.tree.root();
        match self.entries.get(pro_tx).and_then(|own| own.leaf().ok()) {
            Some(leaf) => self.tree.set(*pro_tx, leaf),
            None => self.tree.remove(pro_tx),
        }
        Some(root)
    }
}

impl LeafFields {
    fn banned_or_not(&self) -> LeafFields {
        LeafFields { valid: !self.valid, ..self.clone() }
    }

    /// The first field that differs from another entry of the same masternode.
    fn differs_in(&self, other: &LeafFields) -> CoveredField {
        let differences = [
            (self.valid != other.valid, CoveredField::Ban),
            (self.addresses != other.addresses, CoveredField::Addresses),
            (self.operator_key != other.operator_key, CoveredField::OperatorKey),
            (self.voting_key != other.voting_key, CoveredField::VotingKey),
            (self.node_type != other.node_type, CoveredField::NodeType),
            (self.confirmed != other.confirmed, CoveredField::Confirmation),
            (self.version != other.version, CoveredField::Version),
        ];
        let first = differences.into_iter().find(|(differs, _)| *differs);
        first.map_or(CoveredField::Platform, |(_, field)| field)
    }

    /// The first field in which the list's entry says something else; what the list does not say is not compared.
    fn difference(&self, masternode: &Masternode) -> Option<CoveredField> {
        let details = &masternode.details;
        let differences = [
            (self.valid == masternode.is_banned(), CoveredField::Ban),
            (self.node_type != masternode.node_type, CoveredField::NodeType),
            (details.has_operator_key(&self.operator_key) == Some(false), CoveredField::OperatorKey),
            (details.voting_key_hash().is_some_and(|key| Some(key) != self.voting_key), CoveredField::VotingKey),
            (!self.has_addresses_of(masternode), CoveredField::Addresses),
        ];
        differences.into_iter().find(|(differs, _)| *differs).map(|(_, field)| field)
    }

    /// Whether the list has the addresses that the leaf is made of: one before version 3, all of them from then on.
    fn has_addresses_of(&self, masternode: &Masternode) -> bool {
        let details = &masternode.details;
        if self.version < 3 {
            return details.address().as_deref() == self.addresses[0].first().map(String::as_str);
        }
        Purpose::ALL.iter().zip(&self.addresses).all(|(purpose, own)| details.addresses(*purpose) == *own)
    }
}
