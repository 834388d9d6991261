//! Events between the lists of two blocks.
//!
//! The normal decay is not an event. It is taken into account, so that a penalty shows its true points
//! (docs/spec/dash.md#attributing-a-penalty).
//!
//! Never here: which quorum punished; a list does not contain it.

mod change;
mod description;
mod diff;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::details::Details;
use crate::foreign_text::ForeignText;
use crate::list::{Block, MasternodeList};
use crate::masternode::{BlockHash, Duffs, Height, MasternodeId, NodeType, Score};
use crate::payout::Payee;

pub use change::{Change, Field, payout_text};
pub use diff::diff;

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
        /// Number of failed sessions: whole steps, rounded up if the limit cut them.
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
        /// The amounts by payee, in the order of the list; empty if there is one payee, or if not known.
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

/// Sets the amounts of a block in its payments: each gets the outputs to its payees in `before`, the list from which
/// the payee was selected. Several outputs to one address cannot be distinguished.
pub fn pay(events: &mut [Event], before: &MasternodeList, outputs: &[(ForeignText, Duffs)]) {
    for event in events {
        let EventKind::Payment { amount, payees } = &mut event.kind else { continue };
        let Some(place) = before.position(&event.masternode) else { continue };
        let details = &before.masternodes()[place].details;
        let paid = match details.payout_address() {
            Some(address) => paid_to(&address, outputs).filter(|paid| paid.0 > 0).map(|paid| (paid, Vec::new())),
            None => paid_by_payee(details, outputs),
        };
        if let Some((total, parts)) = paid {
            (*amount, *payees) = (Some(total), parts);
        }
    }
}

/// Amount of the outputs to an address, 0 if there is none; `None` if there are several.
fn paid_to(address: &str, outputs: &[(ForeignText, Duffs)]) -> Option<Duffs> {
    let mut paid = outputs.iter().filter(|(to, _)| to == address).map(|(_, duffs)| *duffs);
    Some(paid.next().unwrap_or(Duffs(0))).filter(|_| paid.next().is_none())
}

/// Amounts by payee.
type Parts = Vec<(Box<str>, Duffs)>;

/// The amount of each of several payees, and the sum. `None` if the amounts do not match the shares: then they include
/// another payment.
fn paid_by_payee(details: &Details, outputs: &[(ForeignText, Duffs)]) -> Option<(Duffs, Parts)> {
    let payouts = details.payouts();
    let paid = |payee: Payee| Some((paid_to(&payee.address, outputs)?, payee.address));
    let paid = payouts.payees().into_iter().map(paid).collect::<Option<Vec<_>>>()?;
    let total = paid.iter().try_fold(0_u64, |sum, (duffs, _)| sum.checked_add(duffs.0)).filter(|sum| *sum > 0)?;
    let expected = payouts.divide(Duffs(total))?;
    let fits = paid.iter().all(|(duffs, address)| expected.get(&**address) == Some(&duffs.0));
    fits.then(|| (Duffs(total), paid.into_iter().map(|(duffs, address)| (address, duffs)).collect()))
}

/// Adds to the penalties of one block the quorums that report each masternode as failed.
pub fn attribute(events: &mut [Event], failed: &HashMap<MasternodeId, Vec<FailedQuorum>>) {
    for event in events {
        if let (EventKind::Penalty { quorums, .. }, Some(named)) = (&mut event.kind, failed.get(&event.masternode)) {
            quorums.clone_from(named);
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
