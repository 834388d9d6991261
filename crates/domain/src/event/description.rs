//! What happened, as one sentence without its subject: for pages, the command line, logs and alerts.
//!
//! Never here: which masternode, which block, whether it was withdrawn; the caller shows those.

use std::fmt;

use crate::event::{BanCause, EventKind, FailedQuorum, Field};

impl EventKind {
    /// What happened to the masternode, to be read behind its name: `failed 1 DKG session: 66 points more, score 66`.
    pub fn describe(&self) -> String {
        match self {
            EventKind::Penalty { .. } => describe_penalty(self),
            EventKind::Ban { cause, .. } => format!("was banned{}", reason(*cause)),
            EventKind::Revival => "was revived".into(),
            EventKind::Registration => "was registered".into(),
            EventKind::Removal => {
                "left the list: its collateral was spent, or on a chain with pings, it sent none".into()
            }
            EventKind::Payment { amount: None, .. } => "was paid".into(),
            EventKind::Payment { amount: Some(amount), operator, payees } => {
                let parts: Vec<String> =
                    payees.iter().map(|(address, amount)| format!("{amount} to {address}")).collect();
                let parts = if parts.len() > 1 { format!(": {}", parts.join(", ")) } else { String::new() };
                match operator {
                    Some(operator) if operator.0 > 0 => {
                        format!("was paid {amount}{parts}; its operator was paid {operator}")
                    }
                    _ => format!("was paid {amount}{parts}"),
                }
            }
            EventKind::PaymentLost => "lost the payment that it was waiting for".into(),
            EventKind::Change(field, None) => changed(*field).into(),
            EventKind::Change(field, Some(change)) => {
                let side = |text| if str::is_empty(text) { "none".to_string() } else { text.to_string() };
                format!("{}: {}, before {}", changed(*field), side(&change.after), side(&change.before))
            }
            EventKind::State { from, to } => format!("went from {from} to {to}"),
        }
    }
}

fn describe_penalty(kind: &EventKind) -> String {
    let EventKind::Penalty { score, points, failures, clamped, quorums, others } = kind else { return String::new() };
    let plural = if *failures == 1 { "" } else { "s" };
    let cut = if *clamped { ", cut at the limit" } else { "" };
    let mut text = format!("failed {failures} DKG session{plural}: {points} points more{cut}, score {}", score.0);
    let named: Vec<String> =
        quorums.iter().map(|quorum| format!("{} of height {}", quorum.quorum_type, quorum.height.0)).collect();
    if !named.is_empty() {
        text += &format!(" ({})", named.join(", "));
    }
    if let Some(others) = others.filter(|others| *others > 0) {
        let plural = if others == 1 { "" } else { "s" };
        text += &format!("; {others} more masternode{plural} penalised in this block");
    }
    text
}

fn reason(cause: BanCause) -> &'static str {
    match cause {
        BanCause::Dkg => ": its score reached the limit",
        BanCause::Revoked => ": its operator revoked the key",
        BanCause::KeyChanged => ": its owner named another operator key",
        BanCause::NoAddress => ": registered without an address",
        BanCause::Platform => ": the Platform asked for it",
        BanCause::Unknown => "",
    }
}

fn changed(field: Field) -> &'static str {
    match field {
        Field::Address => "has another address",
        Field::Payout => "has other payees",
        Field::OperatorKey => "has another operator key",
        Field::VotingKey => "has another voting key",
        Field::OperatorPayout => "has another payout address of the operator",
        Field::Addresses => "has other further addresses",
        Field::Version => "has another version of its registration",
    }
}

/// `llmq_60_75 <hash> of height 960, index 3`, then how many other members it called failed.
impl fmt::Display for FailedQuorum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FailedQuorum { quorum_type, hash, height, index, others } = self;
        write!(formatter, "{quorum_type} {hash} of height {height}, index {index}")?;
        match others {
            Some(others) if *others > 0 => write!(formatter, ", {others} more members"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Change;
    use crate::masternode::{BlockHash, Duffs, Hash, Height, Score};

    #[test]
    fn every_kind_reads_as_a_sentence_behind_a_name() {
        let quorum = FailedQuorum {
            quorum_type: "llmq_60_75".into(),
            hash: BlockHash(Hash([1; 32])),
            height: Height(960),
            index: 3,
            others: Some(2),
        };
        assert_eq!(
            quorum.to_string(),
            format!("llmq_60_75 {} of height 960, index 3, 2 more members", "01".repeat(32))
        );
        let penalty = |failures, clamped, quorums, others| EventKind::Penalty {
            score: Score(100),
            points: 58,
            failures,
            clamped,
            quorums,
            others,
        };
        let payment = |operator, payees| EventKind::Payment { amount: Some(Duffs(150_000_000)), operator, payees };
        let one = || vec![("Xa".into(), Duffs(150_000_000))];
        let change = Change { before: "192.0.2.1:9999".into(), after: "".into() };
        for (kind, expected) in [
            (penalty(1, true, vec![], Some(0)), "failed 1 DKG session: 58 points more, cut at the limit, score 100"),
            (
                penalty(2, false, vec![quorum.clone(), quorum], Some(1)),
                "failed 2 DKG sessions: 58 points more, score 100 (llmq_60_75 of height 960, llmq_60_75 of height 960); \
                 1 more masternode penalised in this block",
            ),
            (EventKind::Ban { cause: BanCause::Dkg, among: 9 }, "was banned: its score reached the limit"),
            (EventKind::Ban { cause: BanCause::Unknown, among: 9 }, "was banned"),
            (EventKind::Payment { amount: None, operator: None, payees: vec![] }, "was paid"),
            (payment(None, vec![]), "was paid 1.50000000"),
            (payment(Some(Duffs(0)), one()), "was paid 1.50000000"),
            (payment(Some(Duffs(7)), one()), "was paid 1.50000000; its operator was paid 0.00000007"),
            (
                payment(None, vec![("Xa".into(), Duffs(100_000_000)), ("Xb".into(), Duffs(50_000_000))]),
                "was paid 1.50000000: 1.00000000 to Xa, 0.50000000 to Xb",
            ),
            (EventKind::Change(Field::Payout, None), "has other payees"),
            (
                EventKind::Change(Field::Address, Some(Box::new(change))),
                "has another address: none, before 192.0.2.1:9999",
            ),
            (EventKind::State { from: "enabled".into(), to: "expired".into() }, "went from enabled to expired"),
        ] {
            assert_eq!(kind.describe(), expected);
        }
    }
}
