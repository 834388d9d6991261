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
        among: match after.block().height.above(from) {
            // A ban that a list read between two blocks shows began at the tip, not at the block before.
            0 => u32::try_from(after.registered() + 1).unwrap_or(u32::MAX),
            1 => u32::try_from(after.registered()).unwrap_or(u32::MAX),
            // Its block, and so its end, is not known.
            _ => 0,
        },
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

/// Whether a masternode that is banned or leaves the list loses the payment that it waits for. On a chain with announced states the
/// producer of a block follows the votes, whatever the state of the payee.
fn loses_payment(old: &Masternode) -> bool {
    old.is_payable() && old.announced.is_none()
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
            let without_address = !new.details.has(Detail::Address) && new.ban_height == new.registered_height.get();
            let cause = if without_address { BanCause::NoAddress } else { BanCause::Unknown };
            self.push(events, new, EventKind::Ban { cause, among: self.among });
        }
    }

    fn removal(&self, old: &Masternode, events: &mut Vec<Event>) {
        self.push(events, old, EventKind::Removal);
        if loses_payment(old) {
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
        if revived || (old.is_banned() && !new.is_banned() && new.is_ban_known()) {
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
            if loses_payment(old) && !paid {
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
mod tests;
