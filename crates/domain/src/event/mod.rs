//! What happened between the lists of two blocks.
//!
//! The normal decay is not an event: it is accounted for, so that a penalty shows its true points
//! (docs/spec/dash.md#attributing-a-penalty).
//!
//! Never here: which quorum punished; a list does not say.

mod change;
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

/// One change of one masternode.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The block whose list first shows it.
    pub block: Block,
    /// Whether that very block made it. `false` when blocks were skipped: then it happened in one of them.
    pub exact: bool,
    /// Who.
    pub masternode: MasternodeId,
    /// Its kind.
    pub node_type: NodeType,
    /// What.
    pub kind: EventKind,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Points were added.
    Penalty {
        /// Score after.
        score: Score,
        /// Points above the expected decay.
        points: u32,
        /// Failed sessions that these points make: whole steps, rounded up where the limit cut them.
        failures: u32,
        /// The limit cut the points.
        clamped: bool,
        /// The quorums whose commitments of this block name it as failed; fewer than failures where a node cannot say.
        quorums: Vec<FailedQuorum>,
        /// How many other masternodes the same block penalised; `None` when blocks were skipped, or it was not noted yet.
        others: Option<u32>,
    },
    /// Lost its place until its owner revives it.
    Ban {
        /// Why.
        cause: BanCause,
        /// How many masternodes there were, it and other banned ones included: some chains end a ban after as many blocks.
        among: u32,
    },
    /// Banned no longer.
    Revival,
    /// New on the list.
    Registration,
    /// Left the list: its collateral was spent.
    Removal,
    /// Was paid.
    Payment {
        /// What the block pays to its owner's side; `None` where that is not known, or cannot be told from other payments.
        amount: Option<Duffs>,
        /// The same by payee, in the order of the list; empty where there is one payee, and where it is not known.
        payees: Vec<(Box<str>, Duffs)>,
    },
    /// Left the queue by a ban or a removal, and with it the payment it had been waiting for.
    PaymentLost,
    /// Owner or operator changed something: from what to what, or `None` in events of before that was noted.
    Change(Field, Option<Box<Change>>),
    /// Fell into another state that is no ban (older chains); labels of both.
    State {
        /// Before.
        from: Cow<'static, str>,
        /// After.
        to: Cow<'static, str>,
    },
}

impl EventKind {
    /// The names of all kinds: what one filters by. They never change.
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

/// A quorum whose commitment says that a member failed: the cause of a penalty
/// (docs/spec/dash.md#attributing-a-penalty).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FailedQuorum {
    /// Name of the type, e.g. `llmq_60_75`.
    pub quorum_type: Cow<'static, str>,
    /// Hash of the block at which the session began.
    pub hash: BlockHash,
    /// Height of that block.
    pub height: Height,
    /// Which of the quorums of a cycle, 0 for types that do not rotate.
    pub index: u32,
    /// How many other members its commitment calls failed; `None` when it was not noted yet.
    pub others: Option<u32>,
}

/// Puts the amounts that a block pays into its payments: to each the outputs to its payees in `before`, the list that the payee
/// was chosen from. Several outputs to one address cannot be told apart.
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

/// What the outputs pay to an address, 0 where none does; `None` where several do.
fn paid_to(address: &str, outputs: &[(ForeignText, Duffs)]) -> Option<Duffs> {
    let mut paid = outputs.iter().filter(|(to, _)| to == address).map(|(_, duffs)| *duffs);
    Some(paid.next().unwrap_or(Duffs(0))).filter(|_| paid.next().is_none())
}

/// Amounts by payee.
type Parts = Vec<(Box<str>, Duffs)>;

/// What each of several payees gets, and the sum. `None` where the amounts are not those that the parts make of the sum: then
/// another payment is among them.
fn paid_by_payee(details: &Details, outputs: &[(ForeignText, Duffs)]) -> Option<(Duffs, Parts)> {
    let payouts = details.payouts();
    let paid = |payee: Payee| Some((paid_to(&payee.address, outputs)?, payee.address));
    let paid = payouts.payees().into_iter().map(paid).collect::<Option<Vec<_>>>()?;
    let total = paid.iter().try_fold(0_u64, |sum, (duffs, _)| sum.checked_add(duffs.0)).filter(|sum| *sum > 0)?;
    let expected = payouts.divide(Duffs(total))?;
    let fits = paid.iter().all(|(duffs, address)| expected.get(&**address) == Some(&duffs.0));
    fits.then(|| (Duffs(total), paid.into_iter().map(|(duffs, address)| (address, duffs)).collect()))
}

/// Puts the quorums that name each masternode as failed into the penalties of one block.
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
    /// Its owner named another operator key.
    KeyChanged,
    /// It was registered without an address.
    NoAddress,
    /// Its score reached the limit after the Platform had asked for a ban.
    Platform,
    /// None of these can be seen.
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
