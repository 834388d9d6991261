//! A snapshot as people and scripts read it: the table and the JSON of `observe`.
//!
//! Never here: asking a node.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::domain::masternode::NodeType;
use crate::domain::pose::Risk;
use crate::domain::snapshot::{NodeView, Snapshot};

/// Rows of the table where nothing is watched.
const ROWS: usize = 20;

/// A masternode of the report with the name the operator gave it.
struct Row<'a> {
    alias: &'a str,
    node: NodeView<'a>,
}

/// The network in a few lines, then the watched masternodes, or those nearest to a ban, the most endangered first.
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
        let _ = writeln!(text, "\nNo masternode has a score.");
        return text;
    }
    let heads = ["masternode", "type", "state", "score", "failures left", "safe in", "paid in", "exposure"];
    let lines: Vec<[String; 8]> = rows.iter().map(|row| cells(snapshot, row)).collect();
    let mut widths = heads.map(str::len);
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    text.push('\n');
    for line in std::iter::once(heads.map(str::to_string)).chain(lines) {
        let padded: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text
}

fn summary(snapshot: &Snapshot) -> String {
    let limits = snapshot.limits();
    let [clear, decaying, endangered, banned] = snapshot.risks();
    let mut text = String::new();
    let _ = writeln!(text, "network     {} ({})", snapshot.network(), snapshot.rules().name);
    let _ = writeln!(text, "block       {}  {}", snapshot.block().height, snapshot.block().hash);
    let _ = writeln!(
        text,
        "masternodes {} registered: {clear} clear, {decaying} decaying, {endangered} one failure from a ban, {banned} banned",
        snapshot.list().registered()
    );
    let _ = writeln!(
        text,
        "score       limit {}, one failure adds {}, safe at or below {}",
        limits.limit,
        limits.step,
        limits.safe_level()
    );
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
            .filter(|node| node.pose().is_some_and(|pose| !matches!(pose.risk(), Risk::Clear | Risk::Banned)))
            .map(|node| Row { alias: "", node })
            .collect()
    } else {
        watched
    };
    rows.sort_by_key(|row| std::cmp::Reverse(danger(row)));
    if all {
        rows.truncate(ROWS);
    }
    rows
}

/// Banned first, then by the time for which one more failure bans, then by score.
fn danger(row: &Row<'_>) -> (Option<Risk>, u32, u32) {
    let pose = row.node.pose();
    let safe = pose.and_then(|pose| pose.blocks_until_safe()).unwrap_or(0);
    (pose.map(|pose| pose.risk()), safe, pose.map_or(0, |pose| pose.score().0))
}

fn cells(snapshot: &Snapshot, row: &Row<'_>) -> [String; 8] {
    let node = &row.node;
    let unknown = || "-".to_string();
    let id = node.masternode.id.to_string();
    let name = if row.alias.is_empty() { id } else { format!("{} ({}…)", row.alias, &id[..8]) };
    [
        name,
        node.masternode.node_type.label().into(),
        if node.masternode.is_banned() { "banned" } else { "enabled" }.into(),
        node.pose().map_or_else(unknown, |pose| pose.score().0.to_string()),
        node.pose().map_or_else(unknown, |pose| pose.failures_until_ban().to_string()),
        node.pose().and_then(|pose| pose.blocks_until_safe()).map_or_else(unknown, |blocks| match blocks {
            0 => "safe".to_string(),
            blocks => blocks_and_time(snapshot, blocks),
        }),
        node.queue_position.map_or_else(unknown, |position| blocks_and_time(snapshot, position.get())),
        format!("{:.2} DKG/day", snapshot.sessions_per_day(node.masternode.node_type)),
    ]
}

fn blocks_and_time(snapshot: &Snapshot, blocks: u32) -> String {
    let seconds = f64::from(blocks) * snapshot.facts().spacing_seconds(snapshot.rules());
    let time = match seconds {
        seconds if seconds < 90.0 => format!("{seconds:.0} s"),
        seconds if seconds < 5400.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 172_800.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.1} d", seconds / 86_400.0),
    };
    format!("{blocks} blocks, {time}")
}

/// Everything that a snapshot says: the network, then the watched masternodes or, where none is watched, all.
pub(super) fn json(snapshot: &Snapshot) -> Value {
    let limits = snapshot.limits();
    let all = snapshot.watched().is_empty();
    let masternodes: Vec<Value> = if all {
        snapshot.nodes().map(|node| node_json(snapshot, "", &node)).collect()
    } else {
        let watched = snapshot.watched().iter();
        watched
            .map(|watched| match watched.index {
                Some(index) => node_json(snapshot, &watched.watched.alias, &snapshot.node(index)),
                None => json!({
                    "masternode": watched.watched.id.to_string(), "alias": watched.watched.alias, "registered": false
                }),
            })
            .collect()
    };
    let risks: serde_json::Map<String, Value> =
        Risk::ALL.iter().zip(snapshot.risks()).map(|(risk, count)| (risk.label().into(), json!(count))).collect();
    json!({
        "network": snapshot.network(),
        "chain": snapshot.rules().name,
        "height": snapshot.block().height.0,
        "block_hash": snapshot.block().hash.to_string(),
        "block_timestamp_seconds": snapshot.block().time.0,
        "registered": snapshot.list().registered(),
        "pose_limit": limits.limit,
        "pose_step": limits.step,
        "pose_safe_level": limits.safe_level(),
        "risk_nodes": risks,
        "maintenance_window_blocks": {
            "regular": snapshot.maintenance_window(NodeType::Regular),
            "evo": snapshot.maintenance_window(NodeType::Evo),
        },
        "masternodes": masternodes,
    })
}

fn node_json(snapshot: &Snapshot, alias: &str, node: &NodeView<'_>) -> Value {
    let masternode = node.masternode;
    json!({
        "masternode": masternode.id.to_string(),
        "alias": alias,
        "registered": true,
        "node_type": masternode.node_type.label(),
        "address": masternode.details.address(),
        "payout_address": masternode.details.payout_address(),
        "pose_score": masternode.pose_score.map(|score| score.0),
        "pose_banned": masternode.is_banned(),
        "pose_ban_height": masternode.ban_height.map(|height| height.0),
        "pose_failures_until_ban": node.pose().map(|pose| pose.failures_until_ban()),
        "pose_blocks_until_safe": node.pose().and_then(|pose| pose.blocks_until_safe()),
        "pose_blocks_until_clear": node.pose().and_then(|pose| pose.blocks_until_clear()),
        "pose_safe_height": node.pose().and_then(|pose| pose.safe_height()).map(|height| height.0),
        "payment_queue_position": node.queue_position,
        "payment_projected_height": snapshot.projected_payment(node).map(|height| height.0),
        "payment_last_height": masternode.last_paid_height.map(|height| height.0),
    })
}
