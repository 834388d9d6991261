//! What is known of the proof of a list, and where a list that is not the proven one differs from it.
//!
//! Never here: hashing; which source reported the list.

use std::sync::Arc;

use crate::masternode::{Hash, Height};

/// Something that the root of the list covers (docs/spec/dash-24.md#coverage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoveredField {
    /// Whether the masternode is registered.
    Registration,
    /// Banned or not.
    Ban,
    /// Its addresses.
    Addresses,
    /// The operator's key.
    OperatorKey,
    /// The voting key.
    VotingKey,
    /// Regular or Evo.
    NodeType,
    /// Platform's node id or HTTP port.
    Platform,
    /// The block that confirmed it.
    Confirmation,
    /// Version of its entry.
    Version,
}

impl CoveredField {
    /// Its name in texts and in the API.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            CoveredField::Registration => "registration",
            CoveredField::Ban => "ban",
            CoveredField::Addresses => "addresses",
            CoveredField::OperatorKey => "operator key",
            CoveredField::VotingKey => "voting key",
            CoveredField::NodeType => "type",
            CoveredField::Platform => "Platform id or port",
            CoveredField::Confirmation => "confirming block",
            CoveredField::Version => "version",
        }
    }
}

/// One difference between a list and the proven one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListDifference {
    /// The masternode.
    pub pro_tx: Hash,
    /// What differs.
    pub field: CoveredField,
}

impl std::fmt::Display for ListDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "masternode {}: {}", self.pro_tx, self.field.label())
    }
}

/// A list that is not the one that its block commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMismatch {
    /// Height of the block.
    pub height: Height,
    /// The first difference; `None` where no answer of the node tells which entry is wrong.
    pub difference: Option<ListDifference>,
}

impl std::fmt::Display for ListMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the masternode list is not the one to which block {} commits (", self.height)?;
        match &self.difference {
            Some(difference) => write!(f, "{difference})"),
            None => f.write_str("no answer tells which entry differs)"),
        }
    }
}

/// Whether the list of a snapshot is the one that its block commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListProofStatus {
    /// Not known, for this reason.
    Unknown(Arc<str>),
    /// It is: bans, addresses, keys and registrations are those of the chain.
    Proven,
    /// It is not.
    Refuted(Arc<ListMismatch>),
}

impl ListProofStatus {
    /// Whether the list is the one of its block; `None` if not known.
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        match self {
            ListProofStatus::Unknown(_) => None,
            ListProofStatus::Proven => Some(true),
            ListProofStatus::Refuted(_) => Some(false),
        }
    }

    /// Why it is not known, or where the list differs; `None` if it is proven.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            ListProofStatus::Unknown(reason) => Some(reason.to_string()),
            ListProofStatus::Proven => None,
            ListProofStatus::Refuted(mismatch) => Some(mismatch.to_string()),
        }
    }

    /// Whether the list is known not to be the one of its block.
    #[must_use]
    pub fn is_refuted(&self) -> bool {
        matches!(self, ListProofStatus::Refuted(_))
    }
}

/// What is known of the proof of the list at the tip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListProofFacts {
    /// Whether the list is the one of its block.
    pub status: ListProofStatus,
    /// The blocks of the chain commit to their list, and proofs are not switched off.
    pub is_wanted: bool,
    /// Height of the newest block whose list was proven; `None` before the first.
    pub proven_height: Option<Height>,
    /// Height of the newest block whose scores were recomputed, whether they agreed or not; `None` before the first.
    pub scores_checked_height: Option<Height>,
}

impl Default for ListProofStatus {
    fn default() -> ListProofStatus {
        ListProofStatus::Unknown("it was not checked yet".into())
    }
}
