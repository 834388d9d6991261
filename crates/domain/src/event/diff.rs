//! The events between two lists.
//!
//! Never here: which quorum punished; a list does not contain it.

use crate::details::Detail;
use crate::event::{BanCause, Event, EventKind, Field};
use crate::list::{Block, MasternodeList};
use crate::masternode::{Height, Masternode, Score};
use crate::payment::queue;
use crate::pose::{PenaltyRule, PoseLimits};

/// The events from `before` to `after`, ascending by masternode. Exact if the two blocks are consecutive.
///
/// Without a rule, on chains that show no score, there are no penalties.
pub fn diff(before: &MasternodeList, after: &MasternodeList, rule: Option<&PenaltyRule>) -> Vec<Event> {
    let from = before.block().height;
    let span = Span {
        from,
        blocks: after.block().height.above(from),
        target: *after.block(),
        // A ban that a list read between two blocks shows began at the tip, not at the block before.
        among: u32::try_from(after.registered() + usize::from(after.block() == before.block())).unwrap_or(u32::MAX),
        // The limit in force is that of the list under construction, in practice the list before
        // (docs/spec/dash.md#order-inside-a-block).
        limits: rule.map(|rule| rule.limits(before.registered())),
    };
    let mut events = Vec::new();
    for difference in before.differences(after) {
        match difference {
            // The events of an unreadable entry are not known.
            (None, Some(new)) if before.unreadable().may_be(new, from) => {}
            (Some(old), None) if after.unreadable().has(&old.id) => {}
            (None, Some(new)) => span.registration(new, &mut events),
            (Some(old), None) => span.removal(old, &mut events),
            (Some(old), Some(new)) => span.changes(old, new, &mut events),
            (None, None) => {}
        }
    }
    span.last_payment(before, after, &mut events);
    note_others(&mut events);
    events
}

/// Sets in each penalty the number of others in the block.
fn note_others(events: &mut [Event]) {
    let penalties = events.iter().filter(|event| matches!(event.kind, EventKind::Penalty { .. })).count();
    for event in events.iter_mut().filter(|event| event.exact) {
        if let EventKind::Penalty { others, .. } = &mut event.kind {
            *others = u32::try_from(penalties - 1).ok();
        }
    }
}

/// The blocks between two lists.
struct Span {
    from: Height,
    blocks: u32,
    target: Block,
    among: u32,
    limits: Option<PoseLimits>,
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
            self.push(events, new, EventKind::Ban { cause, among: self.among });
        }
    }

    fn removal(&self, old: &Masternode, events: &mut Vec<Event>) {
        self.push(events, old, EventKind::Removal);
        if old.is_payable() {
            self.push(events, old, EventKind::PaymentLost);
        }
    }

    /// The payment of a masternode that left the list in the block that pays it. The block pays the payee of the list before,
    /// although the list after no longer shows it (`BuildNewListFromBlock`, docs/spec/dash.md#payment-queue). Each block pays
    /// exactly one, so a block in which nobody who stayed was paid paid the first in the queue among those who left.
    fn last_payment(&self, before: &MasternodeList, after: &MasternodeList, events: &mut [Event]) {
        let is_payment = |event: &Event| matches!(event.kind, EventKind::Payment { .. });
        let is_whole = before.unreadable().entries() == 0 && after.unreadable().entries() == 0;
        if self.blocks != 1 || !is_whole || events.iter().any(is_payment) {
            return;
        }
        let is_lost =
            |event: &&mut Event| event.kind == EventKind::PaymentLost && after.get(&event.masternode).is_none();
        let turn = |event: &&mut Event| before.get(&event.masternode).map(queue::turn);
        let Some(first) = events.iter_mut().filter(is_lost).min_by_key(turn) else { return };
        // Chains whose lists do not show payments never show one.
        let shows_payments =
            |masternode: &Masternode| masternode.announced.is_none() && masternode.last_paid_height.is_some();
        if after.masternodes().iter().any(shows_payments) {
            first.kind = EventKind::Payment { amount: None, operator: None, payees: vec![] };
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
        let paid = new.last_paid_height != old.last_paid_height && self.is_within(new);
        if paid {
            self.push(events, new, EventKind::Payment { amount: None, operator: None, payees: vec![] });
        }
        if new.is_banned() && (!old.is_banned() || new.ban_height != old.ban_height) {
            let cause = ban_cause(old, new, penalty.is_some());
            self.push(events, new, EventKind::Ban { cause, among: self.among });
            if old.is_payable() && !paid {
                self.push(events, new, EventKind::PaymentLost);
            }
        }
        self.state(old, new, events);
        for field in Field::ALL {
            if let Some(change) = field.change(old, new) {
                self.push(events, new, EventKind::Change(field, Some(Box::new(change))));
            }
        }
    }

    /// Whether the last payment of a node was in these blocks. A node of an older chain forgets payments at its start
    /// and finds them again later; these are not new payments.
    fn is_within(&self, new: &Masternode) -> bool {
        new.last_paid_height.is_some_and(|height| new.announced.is_none() || height > self.from)
    }

    fn state(&self, old: &Masternode, new: &Masternode, events: &mut Vec<Event>) {
        let (Some(from), Some(to)) = (old.announced_state(), new.announced_state()) else { return };
        if from != to && !from.banned && !to.banned {
            let kind = EventKind::State { from: from.label.clone(), to: to.label.clone() };
            self.push(events, new, kind);
        }
    }

    fn penalty(&self, old: &Masternode, new: &Masternode, revived: bool) -> Option<EventKind> {
        let limits = self.limits?;
        let (before, score) = (old.pose_score?.0, new.pose_score?.0);
        let expected = match (revived, old.is_banned()) {
            (true, _) => 0,
            (false, true) => before,
            // Only nodes that are paid lose points: Raptoreum iterates over valid ones, whose collateral suffices.
            (false, false) if !old.is_payable() => before,
            (false, false) => before.saturating_sub(limits.rule.decays(self.from, self.blocks)),
        };
        let points = score.checked_sub(expected).filter(|points| *points > 0)?;
        // A failure adds a whole step, or the remainder up to the limit. Less is a missing expected decay: a list of
        // another time, or a changed spork.
        let whole = u64::from(points) * 2 > u64::from(limits.step) || score >= limits.limit;
        if self.blocks == 1 && !whole {
            return None;
        }
        let clamped = points % limits.step != 0 && score == limits.limit;
        Some(EventKind::Penalty {
            score: Score(score),
            points,
            failures: points.div_ceil(limits.step),
            clamped,
            quorums: vec![],
            others: None,
        })
    }
}

fn ban_cause(old: &Masternode, new: &Masternode, penalised: bool) -> BanCause {
    let key_changed = !old.details.agrees(&new.details, Detail::OperatorKey);
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
    use crate::details::{DetailTexts, Details};
    use crate::event::Change;
    use crate::pose::CONSENSUS;
    use crate::samples::{list, masternode};

    fn scored(number: u8, score: u32) -> Masternode {
        Masternode { pose_score: Some(Score(score)), ..masternode(number) }
    }

    fn ban(cause: BanCause) -> EventKind {
        EventKind::Ban { cause, among: 1 }
    }

    fn check(before: Masternode, after: Masternode, blocks: u32, expected: &[EventKind]) {
        let events = diff(&list(100, vec![before]), &list(100 + blocks, vec![after]), Some(&CONSENSUS));
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
        let first = EventKind::Penalty {
            score: Score(66),
            points: 66,
            failures: 1,
            clamped: false,
            quorums: vec![],
            others: Some(0),
        };
        check(scored(1, 0), scored(1, 66), 1, &[first]);
        let later = EventKind::Penalty {
            score: Score(95),
            points: 66,
            failures: 1,
            clamped: false,
            quorums: vec![],
            others: Some(0),
        };
        check(scored(1, 30), scored(1, 95), 1, &[later]);
        let skipped = EventKind::Penalty {
            score: Score(60),
            points: 56,
            failures: 1,
            clamped: false,
            quorums: vec![],
            others: None,
        };
        check(scored(1, 14), scored(1, 60), 10, &[skipped]);
    }

    #[test]
    fn a_second_failure_bans_at_the_limit() {
        let after = Masternode { ban_height: Some(Height(101)), ..scored(1, 100) };
        let penalty = EventKind::Penalty {
            score: Score(100),
            points: 58,
            failures: 1,
            clamped: true,
            quorums: vec![],
            others: Some(0),
        };
        check(scored(1, 43), after, 1, &[penalty, ban(BanCause::Dkg), EventKind::PaymentLost]);
    }

    #[test]
    fn two_failures_in_one_block_count_twice() {
        let after = Masternode { ban_height: Some(Height(101)), ..scored(1, 100) };
        let penalty = EventKind::Penalty {
            score: Score(100),
            points: 100,
            failures: 2,
            clamped: true,
            quorums: vec![],
            others: Some(0),
        };
        check(scored(1, 0), after, 1, &[penalty, ban(BanCause::Dkg), EventKind::PaymentLost]);
    }

    #[test]
    fn a_banned_node_paid_in_the_same_block_lost_no_payment() {
        let after = Masternode { ban_height: Some(Height(101)), last_paid_height: Some(Height(101)), ..scored(1, 100) };
        let penalty = EventKind::Penalty {
            score: Score(100),
            points: 58,
            failures: 1,
            clamped: true,
            quorums: vec![],
            others: Some(0),
        };
        check(
            scored(1, 43),
            after,
            1,
            &[penalty, EventKind::Payment { amount: None, operator: None, payees: vec![] }, ban(BanCause::Dkg)],
        );
    }

    #[test]
    fn a_payee_that_leaves_in_its_block_is_paid_one_last_time() {
        let paid =
            |number: u8, height: u32| Masternode { last_paid_height: Some(Height(height)), ..masternode(number) };
        let before = || list(100, vec![paid(1, 40), paid(2, 30), paid(3, 50), paid(4, 60)]);
        let events = |after: Vec<Masternode>, blocks: u32| -> Vec<_> {
            let events = diff(&before(), &list(100 + blocks, after), Some(&CONSENSUS));
            events.into_iter().map(|event| (event.masternode, event.kind)).collect()
        };
        let id = |number: u8| masternode(number).id;
        let payment = EventKind::Payment { amount: None, operator: None, payees: vec![] };
        let gone = |number, paid: &EventKind| [(id(number), EventKind::Removal), (id(number), paid.clone())];
        // 2 is the first in the queue.
        assert_eq!(events(vec![paid(1, 40), paid(3, 50), paid(4, 60)], 1), gone(2, &payment));
        let both = [gone(1, &EventKind::PaymentLost), gone(2, &payment)].concat();
        assert_eq!(events(vec![paid(3, 50), paid(4, 60)], 1), both);
        let another = [gone(1, &EventKind::PaymentLost).to_vec(), vec![(id(2), payment.clone())]].concat();
        assert_eq!(events(vec![paid(2, 101), paid(3, 50), paid(4, 60)], 1), another, "another one was paid");
        assert_eq!(
            events(vec![paid(1, 40), paid(3, 50), paid(4, 60)], 2),
            gone(2, &EventKind::PaymentLost),
            "two blocks"
        );
        let hidden = vec![masternode(1), masternode(3), masternode(4)];
        let silent = diff(&list(100, (1..5).map(masternode).collect()), &list(101, hidden), Some(&CONSENSUS));
        assert!(silent.iter().all(|event| event.kind != payment), "a list that shows no payments");
    }

    #[test]
    fn a_revival_is_no_penalty_and_resets_the_score() {
        let before = Masternode { ban_height: Some(Height(90)), ..scored(1, 100) };
        let after = Masternode { revived_height: Some(Height(101)), ..scored(1, 0) };
        check(before.clone(), after, 1, &[EventKind::Revival]);
        let punished = Masternode { revived_height: Some(Height(101)), ..scored(1, 66) };
        let penalty = EventKind::Penalty {
            score: Score(66),
            points: 66,
            failures: 1,
            clamped: false,
            quorums: vec![],
            others: Some(0),
        };
        check(before, punished, 1, &[EventKind::Revival, penalty]);
    }

    #[test]
    fn bans_by_owner_and_operator_have_their_cause() {
        let keyed = |key: &str, address: Option<&str>| {
            let (key, address) = (Some(key.to_string().into()), address.map(|address| address.to_string().into()));
            Details::new(&DetailTexts { operator_key: key, address, ..DetailTexts::default() })
        };
        let before = Masternode { details: keyed("ab", Some("192.0.2.1:9999")), ..masternode(1) };
        let banned = Masternode { ban_height: Some(Height(101)), ..before.clone() };
        let change = |field, before: &str, after: &str| {
            EventKind::Change(field, Some(Box::new(Change { before: before.into(), after: after.into() })))
        };
        for (key, cause) in [("00", BanCause::Revoked), ("cd", BanCause::KeyChanged)] {
            let lost = [
                EventKind::PaymentLost,
                change(Field::Address, "192.0.2.1:9999", ""),
                change(Field::OperatorKey, "ab", key),
            ];
            let after = Masternode { details: keyed(key, None), ..banned.clone() };
            let expected: Vec<_> = [ban(cause)].into_iter().chain(lost).collect();
            check(before.clone(), after, 1, &expected);
        }
    }

    #[test]
    fn a_node_registered_without_an_address_is_banned_at_registration() {
        let newborn = Masternode {
            registered_height: Some(Height(101)),
            ban_height: Some(Height(101)),
            details: Details::default(),
            ..masternode(1)
        };
        let events = diff(&list(100, vec![]), &list(101, vec![newborn]), Some(&CONSENSUS));
        let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Registration, ban(BanCause::NoAddress)]);
    }
}
