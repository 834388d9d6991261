//! The simulator's own record of events, block by block: the expected observations.
//!
//! Never here: values derived from lists. An entry is written where the rule is applied.

use super::masternode::Masternode;
use super::random::Hash256;
use super::rules::ChainFacts;

/// An event of a masternode in a block of the active branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Height of the block.
    pub height: u32,
    /// Hash of the block.
    pub hash: String,
    /// The masternode's proTxHash.
    pub masternode: String,
    /// The event.
    pub kind: LedgerKind,
    /// Values of a replaced field before and after.
    pub change: Option<FieldChange>,
}

/// The two values of a replaced field, as texts. Lists are separated by ", "; each of several payees is followed by its
/// reward in hundredths of a percent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Value before the block.
    pub before: String,
    /// Value after the block.
    pub after: String,
}

/// Kinds of ledger entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerKind {
    /// Failed commitments of this block, combined.
    Penalty {
        /// Points actually added, after the cut at the maximum; 0 for a banned node at the maximum.
        points: u32,
        /// Number of commitments that marked the node as failed.
        hits: u32,
        /// Score after the block's punishments.
        score: u32,
    },
    /// A ban began.
    Ban {
        /// The cause.
        cause: BanCause,
        /// Score at that time, constant from then on.
        score: u32,
    },
    /// A ban ended.
    Revival,
    /// The node was the block's payee and is still registered.
    Payment,
    /// The node entered the list.
    Registration,
    /// The node left the list: its collateral was spent.
    Removal,
    /// A field was replaced.
    Change(ChangedField),
}

/// Why a ban began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanCause {
    /// The score reached the maximum.
    Dkg,
    /// The operator revoked.
    Revoked,
    /// The owner set another operator key.
    KeyChanged,
    /// Registered without an address.
    NoAddress,
}

/// Fields that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedField {
    /// Network address.
    Address,
    /// Address that receives the owner's share.
    Payout,
    /// The operator's BLS key.
    OperatorKey,
    /// The voting key's address.
    VotingKey,
    /// Address that receives the operator's share.
    OperatorPayout,
    /// Version of the masternode's state, after the fork of Dash 24.
    Version,
    /// A reward address of a shared masternode.
    Shares,
    /// The ports of an Evo node's platform services.
    Platform,
}

impl LedgerEntry {
    /// The changes that a list shows of it, in words; `step` is the number of points of a failed commitment.
    pub(super) fn shown(&self, step: u32) -> Vec<String> {
        match self.kind {
            // No point was added: the score was already at the maximum.
            LedgerKind::Penalty { points: 0, .. } => Vec::new(),
            // Where the maximum cut the points, the commitments that mark the node count.
            LedgerKind::Penalty { points, hits, .. } => {
                vec![format!("penalty {points} {}", hits.max(points.div_ceil(step)))]
            }
            LedgerKind::Ban { cause, .. } => vec![format!("ban {}", cause.label())],
            LedgerKind::Revival => vec!["revival".into()],
            LedgerKind::Payment => vec!["payment".into()],
            LedgerKind::Registration => vec!["registration".into()],
            LedgerKind::Removal => vec!["removal".into()],
            LedgerKind::Change(field) => {
                self.changed(field).into_iter().map(|field| format!("change {field}")).collect()
            }
        }
    }

    /// The primary address and the others are separate.
    fn changed(&self, field: ChangedField) -> Vec<&'static str> {
        match field {
            ChangedField::Address => {
                let Some(FieldChange { before, after }) = &self.change else { return Vec::new() };
                let [before, after] = [before, after].map(|text| text.split_once(", ").unwrap_or((text, "")));
                let fields = [("address", before.0 != after.0), ("addresses", before.1 != after.1)];
                fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
            }
            ChangedField::Payout | ChangedField::Shares => vec!["payout"],
            ChangedField::OperatorKey => vec!["operator_key"],
            ChangedField::VotingKey => vec!["voting_key"],
            ChangedField::OperatorPayout => vec!["operator_payout"],
            ChangedField::Version => vec!["version"],
            ChangedField::Platform => vec!["addresses"],
        }
    }
}

impl BanCause {
    fn label(self) -> &'static str {
        match self {
            BanCause::Dkg => "dkg",
            BanCause::Revoked => "revoked",
            BanCause::KeyChanged => "key_changed",
            BanCause::NoAddress => "no_address",
        }
    }
}

/// An entry before it is written out.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) masternode: Hash256,
    pub(super) slot: u32,
    pub(super) kind: LedgerKind,
    /// The masternode before and after a replaced field.
    pub(super) change: Option<Box<(Masternode, Masternode)>>,
}

impl Note {
    /// The values of a replaced field.
    pub(super) fn values(&self, facts: &ChainFacts) -> Option<FieldChange> {
        let (LedgerKind::Change(field), Some(nodes)) = (self.kind, &self.change) else { return None };
        let value = |node: &Masternode| match field {
            ChangedField::Address => node.core_addresses(facts).join(", "),
            ChangedField::Payout => node.payouts_text(facts),
            ChangedField::OperatorKey => node.operator_key_hex(),
            ChangedField::VotingKey => node.voting_address(facts),
            ChangedField::OperatorPayout => node.operator_payout_address(facts).unwrap_or_default(),
            ChangedField::Version => node.version.to_string(),
            ChangedField::Shares => node.owner_payees(facts).join(", "),
            ChangedField::Platform => node.platform_port(facts.platform_ports.1).to_string(),
        };
        Some(FieldChange { before: value(&nodes.0), after: value(&nodes.1) })
    }
}
