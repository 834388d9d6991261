//! What happened between the lists of two blocks.
//!
//! The normal decay is not an event: it is accounted for, so that a penalty shows its true points
//! (docs/spec/dash.md#attributing-a-penalty).
//!
//! Never here: which quorum punished; a list does not say.

mod between;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::domain::details::Detail;
use crate::domain::list::{Block, MasternodeList};
use crate::domain::masternode::{BlockHash, Duffs, Height, Masternode, MasternodeId, NodeType, Score};

pub use between::between;

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
        /// What the block pays to its payout address; `None` where that is not known, or cannot be told from other payments.
        amount: Option<Duffs>,
    },
    /// Left the queue by a ban or a removal, and with it the payment it had been waiting for.
    PaymentLost,
    /// Owner or operator changed something.
    Change(Field),
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
    pub const NAMES: [&'static str; 13] = [
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
            EventKind::Change(Field::Address) => "address_change",
            EventKind::Change(Field::Payout) => "payout_change",
            EventKind::Change(Field::OperatorKey) => "operator_key_change",
            EventKind::Change(Field::VotingKey) => "voting_key_change",
            EventKind::Change(Field::OperatorPayout) => "operator_payout_change",
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

/// Puts the amounts that a block pays into its payments: to each the only output to its payout address in `before`, the list
/// that the payee was chosen from. Several outputs to one address cannot be told apart.
pub fn pay(events: &mut [Event], before: &MasternodeList, outputs: &[(String, Duffs)]) {
    for event in events {
        let EventKind::Payment { amount } = &mut event.kind else { continue };
        let Some(place) = before.position(&event.masternode) else { continue };
        let Some(address) = before.masternodes()[place].details.payout_address() else { continue };
        let mut paid = outputs.iter().filter(|(to, _)| *to == *address).map(|(_, duffs)| *duffs);
        *amount = paid.next().filter(|_| paid.next().is_none());
    }
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

/// What an owner or operator can change: the label `field`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Where it listens.
    Address,
    /// Payee of the owner's share.
    Payout,
    /// Operator key.
    OperatorKey,
    /// Voting key.
    VotingKey,
    /// Payee of the operator's share.
    OperatorPayout,
}

impl Field {
    /// All, in the order of their labels.
    pub const ALL: [Field; 5] =
        [Field::Address, Field::Payout, Field::OperatorKey, Field::VotingKey, Field::OperatorPayout];

    /// The value of the label `field`.
    pub fn label(self) -> &'static str {
        match self {
            Field::Address => "address",
            Field::Payout => "payout",
            Field::OperatorKey => "operator_key",
            Field::VotingKey => "voting_key",
            Field::OperatorPayout => "operator_payout",
        }
    }

    /// What of the details it is.
    pub fn detail(self) -> Detail {
        match self {
            Field::Address => Detail::Address,
            Field::Payout => Detail::PayoutAddress,
            Field::OperatorKey => Detail::OperatorKey,
            Field::VotingKey => Detail::VotingAddress,
            Field::OperatorPayout => Detail::OperatorPayoutAddress,
        }
    }

    /// What the masternode says of it.
    pub fn of(self, masternode: &Masternode) -> Option<Cow<'_, str>> {
        masternode.details.get(self.detail())
    }

    fn changed(self, old: &Masternode, new: &Masternode) -> bool {
        !old.details.agrees(&new.details, self.detail())
    }
}
