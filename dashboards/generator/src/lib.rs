//! The source of the Grafana dashboards: `cargo run -p masternode-exporter-dashboards` writes `dashboards/*.json`.
//!
//! A dashboard is a file that lists its panels in reading order. `queries` has the shared queries, `panel` the
//! appearance of panels, `board` the common parts: variables, links, positions on the grid.
//!
//! Never here: a query to a server, or a value that Prometheus should compute.

mod board;
mod duties;
mod exporter;
mod fleet;
mod groups;
mod masternode;
mod network;
mod panel;
mod payments;
mod queries;

use serde_json::Value;

/// Every dashboard with its file name, in the order of the links between them.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("fleet.json", fleet::board()),
        ("masternode.json", masternode::board()),
        ("network.json", network::board()),
        ("payments.json", payments::board()),
        ("duties.json", duties::board()),
        ("groups.json", groups::board()),
        ("exporter.json", exporter::board()),
    ]
}

/// The text of a file: keys in alphabetical order, so that the output is deterministic.
pub fn text(board: &Value) -> String {
    format!("{board:#}\n")
}
