//! Tests of the whole simulator: its rules against recorded chains, its answers against recorded answers.

mod client;
mod consensus;
mod faults;
mod fork;
mod fork_life;
mod fork_shapes;
mod history;
mod http;
mod legacy;
mod proof;
mod replay;
mod rotation;
mod rotation_info;
mod scale;
mod shapes;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::{LedgerEntry, LedgerKind, Network, Options};

/// A recorded file of Dash Core v23.1.2.
fn recorded_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/dash/v23.1.2").join(name)
}

/// A recorded JSON file.
fn recorded(name: &str) -> Value {
    let path = recorded_path(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON file about Dash 24: below `v24` recorded, below `v24-public` written by hand for other tests.
fn recorded_24(name: &str) -> Value {
    recorded(&format!("../{name}"))
}

/// A scripted private chain of 9 regular and 3 Evo nodes.
fn network() -> Network {
    Network::new(Options::default()).expect("the default options are valid")
}

/// The entries of a masternode, without payments.
fn story(network: &Network, masternode: &str) -> Vec<(u32, LedgerKind)> {
    let of_it = |entry: &LedgerEntry| entry.masternode == masternode && entry.kind != LedgerKind::Payment;
    network.ledger().into_iter().filter(of_it).map(|entry| (entry.height, entry.kind)).collect()
}
