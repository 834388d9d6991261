//! What happened between the lists of two blocks.
//!
//! The normal decay is not an event: it is accounted for, so that a penalty shows its true points (spec `dash.md` §7).
//!
//! Never here: which quorum punished; a list does not say.

use std::borrow::Cow;

use crate::domain::details::Detail;
use crate::domain::list::{Block, MasternodeList};
use crate::domain::masternode::{Height, Masternode, MasternodeId, NodeType, Score};
use crate::domain::pose::{PenaltyRule, PoseLimits};

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
    },
    /// Lost its place until its owner revives it.
    Ban(BanCause),
    /// Banned no longer.
    Revival,
    /// New on the list.
    Registration,
    /// Left the list: its collateral was spent.
    Removal,
    /// Was paid.
    Payment,
    /// Left the queue by a ban or a removal, and with it the payment it had been waiting for.
    PaymentLost,
    /// Owner or operator changed something.
    Change(Field),
}

/// Why a masternode was banned (spec `dash.md` §2, ban causes): the label `cause`.
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

/// The events from `before` to `after`, ascending by masternode. Exact when the two blocks are neighbours.
pub fn between(before: &MasternodeList, after: &MasternodeList, rule: &PenaltyRule) -> Vec<Event> {
    let from = before.block().height;
    let span = Span {
        from,
        blocks: after.block().height.above(from),
        target: *after.block(),
        // The limit in force is that of the list under construction, in practice the list before (spec `dash.md` §2).
        limits: rule.limits(before.registered()),
    };
    let mut events = Vec::new();
    for difference in before.differences(after) {
        match difference {
            (None, Some(new)) => span.registration(new, &mut events),
            (Some(old), None) => span.removal(old, &mut events),
            (Some(old), Some(new)) => span.changes(old, new, &mut events),
            (None, None) => {}
        }
    }
    events
}

/// The blocks between two lists.
struct Span {
    from: Height,
    blocks: u32,
    target: Block,
    limits: PoseLimits,
}

impl Span {
    fn push(&self, events: &mut Vec<Event>, masternode: &Masternode, kind: EventKind) {
        events.push(Event {
            block: self.target,
            exact: self.blocks == 1,
            masternode: masternode.id,
            node_type: masternode.node_type,
            kind,
        });
    }

    fn registration(&self, new: &Masternode, events: &mut Vec<Event>) {
        self.push(events, new, EventKind::Registration);
        if new.is_banned() {
            let without_address = !new.details.has(Detail::Address) && new.ban_height == new.registered_height;
            let cause = if without_address { BanCause::NoAddress } else { BanCause::Unknown };
            self.push(events, new, EventKind::Ban(cause));
        }
    }

    fn removal(&self, old: &Masternode, events: &mut Vec<Event>) {
        self.push(events, old, EventKind::Removal);
        if !old.is_banned() {
            self.push(events, old, EventKind::PaymentLost);
        }
    }

    fn changes(&self, old: &Masternode, new: &Masternode, events: &mut Vec<Event>) {
        let revived = new.revived_height != old.revived_height && new.revived_height.is_some();
        if revived || (old.is_banned() && !new.is_banned()) {
            self.push(events, new, EventKind::Revival);
        }
        let penalty = self.penalty(old, new, revived);
        events.extend(penalty.clone().map(|kind| Event {
            block: self.target,
            exact: self.blocks == 1,
            masternode: new.id,
            node_type: new.node_type,
            kind,
        }));
        let paid = new.last_paid_height != old.last_paid_height && new.last_paid_height.is_some();
        if paid {
            self.push(events, new, EventKind::Payment);
        }
        if new.is_banned() && new.ban_height != old.ban_height {
            self.push(events, new, EventKind::Ban(ban_cause(old, new, penalty.is_some())));
            if !old.is_banned() && !paid {
                self.push(events, new, EventKind::PaymentLost);
            }
        }
        for field in Field::ALL {
            if field.changed(old, new) {
                self.push(events, new, EventKind::Change(field));
            }
        }
    }

    fn penalty(&self, old: &Masternode, new: &Masternode, revived: bool) -> Option<EventKind> {
        let (before, score) = (old.pose_score?.0, new.pose_score?.0);
        let expected = match (revived, old.is_banned()) {
            (true, _) => 0,
            (false, true) => before,
            (false, false) => before.saturating_sub(self.limits.rule.decays(self.from, self.blocks)),
        };
        let points = score.checked_sub(expected).filter(|points| *points > 0)?;
        let clamped = points % self.limits.step != 0 && score == self.limits.limit;
        Some(EventKind::Penalty { score: Score(score), points, failures: points.div_ceil(self.limits.step), clamped })
    }
}

fn ban_cause(old: &Masternode, new: &Masternode, penalised: bool) -> BanCause {
    let key_changed = Field::OperatorKey.changed(old, new);
    if new.details.operator_key_is_zero() && (key_changed || new.revocation_reason != old.revocation_reason) {
        BanCause::Revoked
    } else if key_changed && !new.details.has(Detail::Address) {
        BanCause::KeyChanged
    } else if penalised && old.peer.platform_banned() == Some(true) {
        BanCause::Platform
    } else if penalised {
        BanCause::Dkg
    } else {
        BanCause::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::details::{DetailTexts, Details};
    use crate::domain::list::tests::{list, masternode};
    use crate::domain::pose::CONSENSUS;

    fn scored(number: u8, score: u32) -> Masternode {
        Masternode { pose_score: Some(Score(score)), ..masternode(number) }
    }

    fn check(before: Masternode, after: Masternode, blocks: u32, expected: &[EventKind]) {
        let events = between(&list(100, vec![before]), &list(100 + blocks, vec![after]), &CONSENSUS);
        let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
        assert_eq!(kinds, expected);
        assert!(events.iter().all(|event| event.exact == (blocks == 1)));
    }

    #[test]
    fn decay_is_no_event() {
        check(scored(1, 66), scored(1, 65), 1, &[]);
        check(scored(1, 66), scored(1, 46), 20, &[]);
        check(scored(1, 3), scored(1, 0), 20, &[]);
    }

    #[test]
    fn a_penalty_shows_its_points_above_the_decay() {
        let first = EventKind::Penalty { score: Score(66), points: 66, failures: 1, clamped: false };
        check(scored(1, 0), scored(1, 66), 1, &[first]);
        let later = EventKind::Penalty { score: Score(95), points: 66, failures: 1, clamped: false };
        check(scored(1, 30), scored(1, 95), 1, &[later]);
        let skipped = EventKind::Penalty { score: Score(60), points: 56, failures: 1, clamped: false };
        check(scored(1, 14), scored(1, 60), 10, &[skipped]);
    }

    #[test]
    fn a_second_failure_bans_at_the_limit() {
        let after = Masternode { ban_height: Some(Height(101)), ..scored(1, 100) };
        let penalty = EventKind::Penalty { score: Score(100), points: 58, failures: 1, clamped: true };
        check(scored(1, 43), after, 1, &[penalty, EventKind::Ban(BanCause::Dkg), EventKind::PaymentLost]);
    }

    #[test]
    fn two_failures_in_one_block_are_two() {
        let after = Masternode { ban_height: Some(Height(101)), ..scored(1, 100) };
        let penalty = EventKind::Penalty { score: Score(100), points: 100, failures: 2, clamped: true };
        check(scored(1, 0), after, 1, &[penalty, EventKind::Ban(BanCause::Dkg), EventKind::PaymentLost]);
    }

    #[test]
    fn a_banned_node_paid_in_the_same_block_lost_nothing() {
        let after = Masternode { ban_height: Some(Height(101)), last_paid_height: Some(Height(101)), ..scored(1, 100) };
        let penalty = EventKind::Penalty { score: Score(100), points: 58, failures: 1, clamped: true };
        check(scored(1, 43), after, 1, &[penalty, EventKind::Payment, EventKind::Ban(BanCause::Dkg)]);
    }

    #[test]
    fn a_revival_is_no_penalty_and_resets_the_score() {
        let before = Masternode { ban_height: Some(Height(90)), ..scored(1, 100) };
        let after = Masternode { revived_height: Some(Height(101)), ..scored(1, 0) };
        check(before.clone(), after, 1, &[EventKind::Revival]);
        let punished = Masternode { revived_height: Some(Height(101)), ..scored(1, 66) };
        let penalty = EventKind::Penalty { score: Score(66), points: 66, failures: 1, clamped: false };
        check(before, punished, 1, &[EventKind::Revival, penalty]);
    }

    #[test]
    fn bans_by_owner_and_operator_name_their_cause() {
        let keyed = |key: &str, address: Option<&str>| {
            let (key, address) = (Some(key.to_string().into()), address.map(|address| address.to_string().into()));
            Details::new(&DetailTexts { operator_key: key, address, ..DetailTexts::default() })
        };
        let before = Masternode { details: keyed("ab", Some("192.0.2.1:9999")), ..masternode(1) };
        let banned = Masternode { ban_height: Some(Height(101)), ..before.clone() };
        let lost = [EventKind::PaymentLost, EventKind::Change(Field::Address), EventKind::Change(Field::OperatorKey)];
        for (key, cause) in [("00", BanCause::Revoked), ("cd", BanCause::KeyChanged)] {
            let after = Masternode { details: keyed(key, None), ..banned.clone() };
            let expected: Vec<_> = [EventKind::Ban(cause)].into_iter().chain(lost.clone()).collect();
            check(before.clone(), after, 1, &expected);
        }
    }

    #[test]
    fn a_node_registered_without_an_address_is_banned_from_birth() {
        let newborn = Masternode {
            registered_height: Some(Height(101)),
            ban_height: Some(Height(101)),
            details: Details::default(),
            ..masternode(1)
        };
        let events = between(&list(100, vec![]), &list(101, vec![newborn]), &CONSENSUS);
        let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Registration, EventKind::Ban(BanCause::NoAddress)]);
    }
}
