//! Events as lines: for people, for spreadsheets, for scripts.
//!
//! Never here: which events.

use serde_json::Value;

use crate::cli::events::Format;
use crate::cli::events::masternode_filter::WatchListNames;
use crate::history::StoredEvent;
use crate::web::api::json::{self, Object};
use domain::event::{Event, EventKind, FailedQuorum};
use domain::masternode::{Duffs, MasternodeId};
use domain::rfc3339;

/// Columns of CSV, in their order; the JSON has the same names.
const COLUMNS: [&str; 24] = [
    "id",
    "time",
    "height",
    "block",
    "network",
    "masternode",
    "alias",
    "node_type",
    "kind",
    "exact",
    "withdrawn",
    "score",
    "points",
    "failures",
    "clamped",
    "quorums",
    "others",
    "amount_duffs",
    "cause",
    "from",
    "to",
    "before",
    "after",
    "payees",
];

/// Width of a masternode's name in the table.
const NAME: usize = 20;

/// Writes events in one form.
pub(super) struct Form<'a> {
    pub(super) format: Format,
    pub(super) names: WatchListNames<'a>,
}

impl Form<'_> {
    /// What stands above the first event.
    pub(super) fn head(&self) -> String {
        match self.format {
            Format::Table => line("time", "height", "network", "masternode", "event"),
            Format::Csv => COLUMNS.join(",") + "\n",
            Format::Json => String::new(),
        }
    }

    /// The line of an event.
    pub(super) fn row(&self, kept: &StoredEvent) -> String {
        let alias = self.names.alias(&kept.network, &kept.event.masternode);
        match self.format {
            Format::Table => {
                let Event { block, masternode, .. } = &kept.event;
                let name = if alias.is_empty() { short_id(masternode) } else { alias.to_string() };
                line(&rfc3339::text(block.time), &block.height.to_string(), &kept.network, &name, &describe_event(kept))
            }
            Format::Csv => {
                let values = values(kept, alias);
                let cells = COLUMNS.map(|column| match (column, &kept.event.kind) {
                    // A cell has no place for a list.
                    ("quorums", EventKind::Penalty { quorums, .. }) => cell(&quorum_texts(quorums).into()),
                    ("payees", EventKind::Payment { payees, .. }) => cell(&payee_texts(payees).into()),
                    _ => values.get(column).map(cell).unwrap_or_default(),
                });
                cells.join(",") + "\n"
            }
            Format::Json => format!("{}\n", Value::Object(values(kept, alias))),
        }
    }
}

fn line(time: &str, height: &str, network: &str, masternode: &str, event: &str) -> String {
    format!("{time:<20}  {height:>9}  {network:<14}  {masternode:<NAME$}  {event}\n")
}

/// As much of an identity as tells it from others: its first digits, and the output of a collateral.
fn short_id(id: &MasternodeId) -> String {
    let digits = id.hash().to_string();
    let rest = match id {
        MasternodeId::ProTx(_) => String::new(),
        MasternodeId::Collateral(outpoint) => format!("-{}", outpoint.index),
    };
    format!("{}…{rest}", &digits[..12])
}

/// What happened, in words.
fn describe_event(kept: &StoredEvent) -> String {
    let mut words = kept.event.kind.name().replace('_', " ");
    match &kept.event.kind {
        EventKind::Penalty { score, points, failures, clamped, quorums, others } => {
            let plural = if *failures == 1 { "" } else { "s" };
            let cut = if *clamped { ", cut at the limit" } else { "" };
            words += &format!(": {failures} failure{plural}, {points} points{cut}, score {}", score.0);
            for quorum in quorums {
                words += &format!("; {}", quorum_text(quorum));
            }
            if let Some(others) = others.filter(|others| *others > 0) {
                words += &format!("; {others} more in this block");
            }
        }
        EventKind::Payment { amount: Some(amount), payees } => {
            words += &format!(": {amount}");
            if !payees.is_empty() {
                words += &format!(", {}", payee_texts(payees));
            }
        }
        EventKind::Change(_, Some(change)) => {
            let side = |text: &str| if text.is_empty() { "none".to_string() } else { text.to_string() };
            words += &format!(": from {} to {}", side(&change.before), side(&change.after));
        }
        EventKind::Ban { cause, .. } => words += &format!(": cause {}", cause.label()),
        EventKind::State { from, to } => words += &format!(": {from} to {to}"),
        _ => {}
    }
    if !kept.event.exact {
        words += " (in this block or one before it)";
    }
    if kept.withdrawn {
        words += " (withdrawn)";
    }
    words
}

fn payee_texts(payees: &[(Box<str>, Duffs)]) -> String {
    payees.iter().map(|(address, amount)| format!("{amount} to {address}")).collect::<Vec<String>>().join("; ")
}

fn quorum_texts(quorums: &[FailedQuorum]) -> String {
    quorums.iter().map(quorum_text).collect::<Vec<String>>().join("; ")
}

/// A quorum by its type, its place in the cycle, and the hash and height of the block at which its session began.
fn quorum_text(quorum: &FailedQuorum) -> String {
    let FailedQuorum { quorum_type, index, hash, height, others } = quorum;
    let others = others.filter(|others| *others > 0).map(|others| format!(" with {others} more"));
    format!("{quorum_type} {index} {hash} at {height}{}", others.unwrap_or_default())
}

fn values(kept: &StoredEvent, alias: &str) -> Object {
    json::kept_event(json::event(&kept.event, &kept.network, alias), kept.id, kept.withdrawn)
}

/// A cell of CSV (RFC 4180): in quotes where it must be.
fn cell(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
