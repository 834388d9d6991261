//! The output of `observe`: table and JSON of a snapshot.
//!
//! Never here: RPC calls.

use std::fmt::Write;

use crate::cli::text_table::{Alignment, columns};
use crate::web::api::json::{Masternode, NetworkSummary, ObservedNetwork, Subject};
use crate::web::pages::{deployment, election};
use domain::masternode::{NodeType, UnixSeconds};
use domain::pose::Risk;
use domain::snapshot::{NodeView, Snapshot};
use domain::state;

/// Rows of the table if nothing is watched.
const ROWS: usize = 20;

/// A masternode with its alias.
struct Row<'a> {
    alias: &'a str,
    node: NodeView<'a>,
}

/// The network in a few lines, then the watched masternodes, or those closest to a ban, in that order.
pub(super) fn table(snapshot: &Snapshot) -> String {
    let mut text = summary(snapshot);
    let rows = rows(snapshot);
    let missing: Vec<String> = snapshot
        .watched()
        .iter()
        .filter(|node| node.index.is_none())
        .map(|node| format!("{} {}", node.watched.alias, node.watched.id).trim().to_string())
        .collect();
    for name in &missing {
        let _ = writeln!(text, "NOT REGISTERED: {name}");
    }
    if rows.is_empty() && missing.is_empty() {
        let none = if snapshot.limits().is_some() { "No masternode has a score." } else { "No masternode is unwell." };
        let _ = writeln!(text, "\n{none}");
        return text;
    }
    text.push('\n');
    text.push_str(&match snapshot.limits() {
        Some(_) => {
            let heads = ["masternode", "type", "state", "score", "failures left", "safe in", "paid in", "exposure"];
            let lines: Vec<[String; 8]> = rows.iter().map(|row| scored_cells(snapshot, row)).collect();
            columns(heads.map(|head| (head, Alignment::Left)), &lines)
        }
        None => {
            let heads =
                ["masternode", "state", "last ping", "active", "position", "in pool", "chance in 24 h", "paid at"];
            let lines: Vec<[String; 8]> = rows.iter().map(|row| pinged_cells(snapshot, row)).collect();
            columns(heads.map(|head| (head, Alignment::Left)), &lines)
        }
    });
    text
}

fn summary(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "network     {} ({})", snapshot.network(), snapshot.rules().name);
    let _ = writeln!(text, "block       {}  {}", snapshot.block().height, snapshot.block().hash);
    if let Some((state, next)) = deployment::words(snapshot) {
        let _ = writeln!(text, "dash 24     {state}: {next}");
    }
    let with_scores = snapshot.limits().is_some();
    let bands = Risk::ALL.iter().zip(snapshot.risks()).filter(|(risk, _)| risk.exists(with_scores));
    let counts: Vec<String> =
        bands.map(|(risk, count)| format!("{count} {}", risk.label().replace('_', " "))).collect();
    let _ = writeln!(text, "masternodes {} registered: {}", snapshot.list().registered(), counts.join(", "));
    if let Some(payees) = election::next_payees(snapshot) {
        let _ = writeln!(text, "payment     next: {payees}");
    }
    let Some(limits) = snapshot.limits() else { return text };
    let _ = writeln!(
        text,
        "score       limit {}, one failure adds {}, safe at or below {}",
        limits.limit,
        limits.step,
        limits.safe_at_tip()
    );
    if !snapshot.rules().has_dkg {
        return text;
    }
    let window = |node_type| match snapshot.maintenance_window(node_type) {
        Some(0) => "not now".to_string(),
        Some(blocks) => format!("yes, {}", blocks_and_time(snapshot, blocks)),
        None => "unknown".to_string(),
    };
    let _ = writeln!(text, "restart now regular: {}; evo: {}", window(NodeType::Regular), window(NodeType::Evo));
    text
}

fn rows(snapshot: &Snapshot) -> Vec<Row<'_>> {
    let watched: Vec<Row<'_>> = snapshot
        .watched()
        .iter()
        .filter_map(|node| Some(Row { alias: &node.watched.alias, node: snapshot.node(node.index?) }))
        .collect();
    let all = watched.is_empty() && snapshot.watched().is_empty();
    let mut rows = if all {
        snapshot
            .nodes()
            .filter(|node| !matches!(node.risk(), Risk::Clear | Risk::Banned))
            .map(|node| Row { alias: "", node })
            .collect()
    } else {
        watched
    };
    rows.sort_by_key(|row| std::cmp::Reverse(row.node.danger()));
    if all {
        rows.truncate(ROWS);
    }
    rows
}

impl Row<'_> {
    fn name(&self) -> String {
        let id = self.node.masternode.id.to_string();
        if self.alias.is_empty() { id } else { format!("{} ({}…)", self.alias, &id[..8]) }
    }
}

fn unknown() -> String {
    "-".into()
}

/// Cells of a masternode of a chain with pings.
fn pinged_cells(snapshot: &Snapshot, row: &Row<'_>) -> [String; 8] {
    let node = &row.node;
    let announced = node.masternode.announced.as_deref();
    let pool = snapshot.payments().pool();
    let ago = |seen: UnixSeconds| format!("{} ago", time(snapshot.read_at().0.saturating_sub(seen.0) as f64));
    let percent = |chance: f64| format!("{:.2} %", chance * 100.0);
    [
        row.name(),
        state::label(&snapshot.rules().states, node.state).to_string(),
        announced.and_then(|announced| announced.last_seen).map_or_else(unknown, ago),
        announced.and_then(|announced| announced.active_seconds()).map_or_else(unknown, |seconds| time(seconds as f64)),
        node.queue_position.map_or_else(unknown, |position| position.to_string()),
        pool.map_or_else(unknown, |pool| if pool.has(node.index) { "yes" } else { "no" }.into()),
        snapshot.payment_probability(node, 86_400).map_or_else(unknown, percent),
        paid_at(snapshot, node),
    ]
}

/// The next block that is known to pay a masternode: by votes, or by election.
fn paid_at(snapshot: &Snapshot, node: &NodeView<'_>) -> String {
    let payments = snapshot.payments();
    let scheduled = payments.pool().and_then(|pool| pool.scheduled(node.index));
    let elected = payments.elections().of(node.index).next();
    match (scheduled, elected) {
        (Some(scheduled), _) => format!("block {}, {} votes", scheduled.height, scheduled.votes),
        (None, Some(ahead)) => format!("block {}, {}", ahead.height, election::word(ahead.certainty)),
        (None, None) => unknown(),
    }
}

/// Cells of a masternode with a score.
fn scored_cells(snapshot: &Snapshot, row: &Row<'_>) -> [String; 8] {
    let node = &row.node;
    [
        row.name(),
        node.masternode.node_type.label().into(),
        if node.masternode.is_banned() { "banned" } else { "enabled" }.into(),
        node.pose().map_or_else(unknown, |pose| pose.score().0.to_string()),
        node.pose().map_or_else(unknown, |pose| pose.failures_until_ban().to_string()),
        node.pose().and_then(|pose| pose.blocks_until_safe()).map_or_else(unknown, |blocks| match blocks {
            0 => "safe".to_string(),
            blocks => blocks_and_time(snapshot, blocks),
        }),
        node.queue_position.map_or_else(unknown, |position| blocks_and_time(snapshot, position.get())),
        snapshot
            .sessions_per_day(node.masternode.node_type)
            .map_or_else(unknown, |sessions| format!("{sessions:.2} DKG/day")),
    ]
}

/// A number of blocks with their duration.
pub(super) fn blocks_and_time(snapshot: &Snapshot, blocks: u32) -> String {
    let seconds = f64::from(blocks) * snapshot.facts().spacing_seconds(snapshot.rules());
    format!("{blocks} blocks, {}", time(seconds))
}

/// A duration in a common unit.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 90.0 => format!("{seconds:.0} s"),
        seconds if seconds < 5400.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.1} d", seconds / 86_400.0),
    }
}

/// The complete snapshot: the network, then the watched masternodes or, if none is watched, all.
pub(super) fn json(snapshot: &Snapshot) -> ObservedNetwork<'_> {
    let subjects: Vec<Subject<'_>> = if snapshot.watched().is_empty() {
        snapshot.nodes().map(|node| Subject { snapshot, node: Some(node), watched: None }).collect()
    } else {
        let watched = snapshot.watched().iter();
        let node = |index: Option<usize>| index.map(|index| snapshot.node(index));
        watched.map(|watched| Subject { snapshot, node: node(watched.index), watched: Some(watched) }).collect()
    };
    let masternodes = subjects.iter().map(Masternode::new).collect();
    ObservedNetwork { summary: NetworkSummary::new(snapshot), masternodes }
}
