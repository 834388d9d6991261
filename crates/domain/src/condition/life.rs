//! Conditions of a watched masternode in normal operation: listed, enabled, paid, and as the watch list states.
//!
//! Never here: penalties.

use crate::condition::context::MOST_AHEAD_SECONDS;
use crate::condition::{Condition, Inhibition, NODE, NodeContext, Rule, Severity, Verdict, text};
use crate::payment::PaymentModel;
use crate::state;
use crate::watch::WatchField;

/// Pending duration of `MasternodeMissing`, in seconds.
pub(super) const MISSING_HOLD_SECONDS: u32 = 300;

/// The same of `MasternodeNotEnabled`.
pub(super) const NOT_ENABLED_HOLD_SECONDS: u32 = 900;

/// The conditions of listing, state and payment.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodeMissing",
        Severity::Critical,
        MISSING_HOLD_SECONDS,
        Rule::Masternode(missing),
        [
            "A watched masternode is not in the masternode list.",
            "Masternode {node}{groups} on {network} was not in the masternode list and is again.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodePaymentLost"],
        equal: NODE,
        reason: "A masternode that is not in the list is not paid.",
    }]),
    Condition::new(
        "MasternodeNotEnabled",
        Severity::Critical,
        NOT_ENABLED_HOLD_SECONDS,
        Rule::Masternode(not_enabled),
        [
            "A watched masternode is in a state in which it is not paid.",
            "Masternode {node}{groups} on {network} was in a state that is not paid. It no longer is: it can be paid, or it is banned.",
        ],
    ),
    Condition::new(
        "MasternodePingLate",
        Severity::Warning,
        300,
        Rule::Masternode(ping_late),
        [
            "A watched masternode sends no pings and will expire.",
            "Masternode {node}{groups} on {network} sent no pings and sends them again.",
        ],
    ),
    Condition::new(
        "MasternodePaymentOverdue",
        Severity::Warning,
        1_800,
        Rule::Masternode(payment_overdue),
        [
            "A watched masternode is at the head of the payment queue but was not paid.",
            "Masternode {node}{groups} on {network} was at the head of the payment queue without a payment; it no longer is.",
        ],
    )
    .keeps_hold(),
    Condition::new(
        "MasternodePaymentLost",
        Severity::Warning,
        0,
        Rule::Masternode(payment_lost),
        [
            "A watched masternode lost the payment that it was waiting for.",
            "Masternode {node}{groups} on {network} lost a payment; not again since.",
        ],
    ),
    Condition::new(
        "MasternodeUnexpectedChange",
        Severity::Critical,
        0,
        Rule::Masternode(unexpected_change),
        [
            "A watched masternode has a different key, address or payee than the watch list states.",
            "Masternode {node}{groups} on {network} differed from the watch list and matches it again.",
        ],
    )
    .never_muted(),
];

fn missing(node: &NodeContext<'_>) -> Verdict {
    if node.view.is_some() {
        return Verdict::DoesNotHold;
    }
    let why = match node.snapshot.rules().absent_is_dead {
        true => "It stopped sending pings, or its collateral was spent,",
        false => "Its collateral was spent,",
    };
    Verdict::holds(0.0, format!("{} is not in the masternode list. {why} or the watch list is wrong.", node.who()))
}

fn not_enabled(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = &node.view else { return node.absent() };
    if view.masternode.is_banned() || view.masternode.is_payable() {
        return Verdict::DoesNotHold;
    }
    let label = state::label(&node.snapshot.rules().states, view.state);
    Verdict::holds(0.0, format!("{} is in state {label} and is not paid.", node.who()))
}

fn ping_late(node: &NodeContext<'_>) -> Verdict {
    let (Some(view), Some(ping)) = (&node.view, node.snapshot.rules().ping) else { return node.inapplicable() };
    let seen = view.masternode.announced.as_ref().and_then(|announced| announced.last_seen);
    let Some(seen) = seen else { return Verdict::Unknown };
    // Relative to the time of the list, not to the present: a list that is not updated must not make pings look late.
    let (read_at, tip) = (node.snapshot.read_at(), node.snapshot.block().time);
    // A node accepts no block from further ahead, so our clock is behind; the time of the tip is then the better one.
    let read_at = if read_at.0.saturating_add(MOST_AHEAD_SECONDS) < tip.0 { tip } else { read_at };
    // A time that is impossible says nothing about the last ping.
    if seen.0 > read_at.0.saturating_add(MOST_AHEAD_SECONDS) {
        return Verdict::Unknown;
    }
    let silent = read_at.0.saturating_sub(seen.0);
    if silent <= ping.warning_seconds {
        return Verdict::DoesNotHold;
    }
    let then = match silent > ping.expiry_seconds {
        true => "It has expired, or is about to, and may need to be started again.".into(),
        false => {
            format!("It expires {} later and may then need to be started again.", text::duration(ping.expiry_seconds))
        }
    };
    let text = format!("{} sent its last ping at {}. {then} Check its daemon.", node.who(), text::time(seen));
    Verdict::holds(silent as f64, text)
}

fn payment_overdue(node: &NodeContext<'_>) -> Verdict {
    let Some(view) = &node.view else { return node.absent() };
    // In a short payment cycle, waiting at the head of the queue means nothing.
    if node.network.cycle <= node.thresholds.shortest_cycle {
        return Verdict::Inapplicable;
    }
    let tip = node.snapshot.block().height;
    let blocks = node.network.memory.blocks_at_head(&view.masternode.id, tip);
    match blocks {
        Some((blocks, _)) if blocks >= node.thresholds.overdue_blocks => Verdict::holds(
            blocks,
            format!(
                "{} has been at the head of the payment queue since block {} without a payment.",
                node.who(),
                tip.0 - blocks
            ),
        ),
        // It may have been at the head before this process saw it there.
        Some((_, true)) => Verdict::Unknown,
        Some((_, false)) | None => Verdict::DoesNotHold,
    }
}

fn payment_lost(node: &NodeContext<'_>) -> Verdict {
    let recent = node.thresholds.recent_seconds;
    if node.network.events.lost_payment(&node.watched.watched.id, recent) {
        let (who, last) = (node.who(), text::duration(recent));
        let text = match node.snapshot.rules().payment {
            PaymentModel::Pool(_) => {
                format!("A block of the last {last} that was voted to pay {who} paid another payee.")
            }
            _ => {
                format!("{who} lost its place in the payment queue in the last {last}: it was banned or left the list.")
            }
        };
        return Verdict::holds(1.0, text);
    }
    if node.network.is_young(recent) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn unexpected_change(node: &NodeContext<'_>) -> Verdict {
    let expectations = &node.watched.watched.expectations;
    if expectations.is_empty() {
        return Verdict::Inapplicable;
    }
    let Some(view) = &node.view else { return node.absent() };
    let met = |(field, value): &(WatchField, String)| (*field, field.met_by(view.masternode, value));
    let met: Vec<_> = expectations.iter().map(met).collect();
    let wrong: Vec<&str> = met.iter().filter(|(_, met)| *met == Some(false)).map(|(field, _)| field.label()).collect();
    if !wrong.is_empty() {
        let text = format!("{} differs from the watch list in: {}.", node.who(), wrong.join(", "));
        return Verdict::holds(wrong.len() as f64, text);
    }
    if met.iter().any(|(_, met)| met.is_none()) { Verdict::Unknown } else { Verdict::DoesNotHold }
}
