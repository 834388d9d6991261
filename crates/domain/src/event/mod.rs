//! Events between the lists of two blocks.
//!
//! The normal decay is not an event. It is taken into account, so that a penalty shows its true points
//! (docs/spec/dash.md#attributing-a-penalty).
//!
//! Never here: which quorum punished; a list does not contain it.

mod change;
mod description;
mod diff;
mod payment_amounts;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::list::Block;
use crate::masternode::{BlockHash, Duffs, Height, MasternodeId, NodeType, Score};

pub use change::{Change, Field, payout_text};
pub use diff::diff;
pub use payment_amounts::{Output, pay};

/// One event of one masternode.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The block whose list first shows it.
    pub block: Block,
    /// Whether exactly this block caused it. `false` when blocks were skipped: then one of them may have caused it.
    pub exact: bool,
    /// The masternode.
    pub masternode: MasternodeId,
    /// Its type.
    pub node_type: NodeType,
    /// The event.
    pub kind: EventKind,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Points were added.
    Penalty {
        /// Score after.
        score: Score,
        /// Points in addition to the expected decay.
        points: u32,
        /// Number of failed sessions: whole steps; if the limit cut them, the quorums that are named, or else rounded up.
        failures: u32,
        /// The limit cut the points.
        clamped: bool,
        /// The quorums whose commitments of this block report it as failed; fewer than failures if a node cannot
        /// provide them.
        quorums: Vec<FailedQuorum>,
        /// Number of other masternodes that the same block penalised; `None` when blocks were skipped, or in old
        /// events.
        others: Option<u32>,
    },
    /// A ban until the masternode is revived.
    Ban {
        /// The cause.
        cause: BanCause,
        /// Blocks after which the ban ends on chains where it ends by itself, from the block before this one: the number of
        /// masternodes, banned ones included; one more if a list read between two blocks shows it. 0 if blocks were skipped, so
        /// that the block of the ban is not known.
        among: u32,
    },
    /// A ban ended.
    Revival,
    /// A new entry of the list.
    Registration,
    /// The entry left the list: its collateral was spent.
    Removal,
    /// A payment.
    Payment {
        /// Amount that the block pays to the owner's side; `None` if not known, or if other payments to the address
        /// exist.
        amount: Option<Duffs>,
        /// Amount that the block pays to the operator, 0 if the operator has no part; `None` if not known.
        operator: Option<Duffs>,
        /// The amounts by payee, in the order of the list; empty if not known.
        payees: Vec<(Box<str>, Duffs)>,
    },
    /// It lost the payment that it was waiting for: it left the queue by a ban or a removal, or, where votes schedule
    /// payments, the scheduled block paid another one.
    PaymentLost,
    /// The owner or operator changed a property: values before and after, or `None` in old events.
    Change(Field, Option<Box<Change>>),
    /// A change between states that are not bans (older chains), with both labels.
    State {
        /// Before.
        from: Cow<'static, str>,
        /// After.
        to: Cow<'static, str>,
    },
}

impl EventKind {
    /// The names of all kinds, as used in filters. They never change.
    pub const NAMES: [&'static str; 15] = [
        "penalty",
        "ban",
        "revival",
        "registration",
        "removal",
        "payment",
        "payment_lost",
        "address_change",
        "payout_change",
        "operator_key_change",
        "voting_key_change",
        "operator_payout_change",
        "addresses_change",
        "version_change",
        "state_change",
    ];

    /// The name of this kind, one of [`EventKind::NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::Penalty { .. } => "penalty",
            EventKind::Ban { .. } => "ban",
            EventKind::State { .. } => "state_change",
            EventKind::Revival => "revival",
            EventKind::Registration => "registration",
            EventKind::Removal => "removal",
            EventKind::Payment { .. } => "payment",
            EventKind::PaymentLost => "payment_lost",
            EventKind::Change(Field::Address, _) => "address_change",
            EventKind::Change(Field::Payout, _) => "payout_change",
            EventKind::Change(Field::OperatorKey, _) => "operator_key_change",
            EventKind::Change(Field::VotingKey, _) => "voting_key_change",
            EventKind::Change(Field::OperatorPayout, _) => "operator_payout_change",
            EventKind::Change(Field::Addresses, _) => "addresses_change",
            EventKind::Change(Field::Version, _) => "version_change",
        }
    }
}

/// A quorum whose commitment reports a member as failed: the cause of a penalty
/// (docs/spec/dash.md#attributing-a-penalty).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FailedQuorum {
    /// Name of the type, e.g. `llmq_60_75`.
    pub quorum_type: Cow<'static, str>,
    /// Hash of the block at which the session began.
    pub hash: BlockHash,
    /// Height of that block.
    pub height: Height,
    /// Index of the quorum in its cycle; 0 for non-rotating types.
    pub index: u32,
    /// Number of other members that its commitment reports as failed; `None` in old events.
    pub others: Option<u32>,
}

/// Adds to the penalties of one block the quorums that report each masternode as failed. Where a score is at the limit, the number
/// of failures is that of these quorums: the limit may have cut whole steps.
pub fn attribute(events: &mut [Event], failed: &HashMap<MasternodeId, Vec<FailedQuorum>>, limit: Option<u32>) {
    for event in events {
        let (EventKind::Penalty { quorums, failures, clamped, score, .. }, Some(named)) =
            (&mut event.kind, failed.get(&event.masternode))
        else {
            continue;
        };
        quorums.clone_from(named);
        let named = u32::try_from(named.len()).unwrap_or(u32::MAX);
        if named > *failures && limit.is_some_and(|limit| score.0 >= limit) {
            (*failures, *clamped) = (named, true);
        }
    }
}

/// Why a masternode was banned (docs/spec/dash.md#ban-causes): the label `cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BanCause {
    /// Its score reached the limit.
    Dkg,
    /// Its operator revoked the key.
    Revoked,
    /// Its owner set another operator key.
    KeyChanged,
    /// It was registered without an address.
    NoAddress,
    /// Its score reached the limit after Platform requested a ban.
    Platform,
    /// No known cause matches.
    Unknown,
}

impl BanCause {
    /// All, in the order of their labels.
    pub const ALL: [BanCause; 6] = [
        BanCause::Dkg,
        BanCause::Revoked,
        BanCause::KeyChanged,
        BanCause::NoAddress,
        BanCause::Platform,
        BanCause::Unknown,
    ];

    /// The value of the label `cause`.
    pub fn label(self) -> &'static str {
        match self {
            BanCause::Dkg => "dkg",
            BanCause::Revoked => "revoked",
            BanCause::KeyChanged => "key_changed",
            BanCause::NoAddress => "no_address",
            BanCause::Platform => "platform",
            BanCause::Unknown => "unknown",
        }
    }
}
