//! The Grafana dashboards, written down once: `cargo run -p masternode-exporter-dashboards` makes `dashboards/*.json`.
//!
//! A board is a file here that names its panels in reading order. `queries` has what several boards ask, `panel` how a
//! panel looks, `board` what every board has: variables, links, places on the grid.
//!
//! Never here: a query to a server, or a number that Prometheus should know.

mod board;
mod exporter;
mod fleet;
mod groups;
mod masternode;
mod network;
mod panel;
mod payments;
mod queries;

use serde_json::Value;

/// Every board with the name of its file, in the order of the links between them.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("fleet.json", fleet::board()),
        ("masternode.json", masternode::board()),
        ("network.json", network::board()),
        ("payments.json", payments::board()),
        ("groups.json", groups::board()),
        ("exporter.json", exporter::board()),
    ]
}

/// The text of a file: keys in the order of the alphabet, so that the same board is always the same bytes.
pub fn text(board: &Value) -> String {
    format!("{board:#}\n")
}
