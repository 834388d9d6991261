//! A simulated Dash network behind a real JSON-RPC server: for the demonstration, for tests, for load and for faults.
//!
//! [`Network`] is a Dash chain, [`legacy::Network`] a chain of Dimecoin or PRCYcoin: each mines, reorganises and keeps
//! an exact ledger of events. [`Server`] answers for either like a node, over HTTP, with switchable faults. [`drive`]
//! mines by the clock.
//!
//! Never here: code of the exporter. The consensus rules are implemented separately, so that they can be compared with
//! those of the exporter.

mod action;
mod block;
mod body;
mod branch;
mod dkg;
mod extended;
mod faults;
mod fork;
mod fork_life;
mod fork_rules;
mod history;
mod http;
mod ledger;
pub mod legacy;
mod list;
mod masternode;
mod merkle;
mod miner;
mod network;
mod network_kind;
mod options;
mod payment;
mod quorum_rotation;
mod quorum_selection;
mod random;
mod rpc;
mod rules;
mod scenario;
mod server;
mod setup;
mod simplified_list;
mod software;
mod state;
#[cfg(test)]
mod tests;

pub use action::{Action, ActionError};
pub use faults::{Fault, Faults, LeafField};
pub use fork::{Fork, Migration};
pub use ledger::{BanCause, ChangedField, FieldChange, LedgerEntry, LedgerKind};
pub use miner::drive;
pub use network::{MasternodeFacts, Network, SessionMembers};
pub use network_kind::AnyNetwork;
pub use options::{Clock, Options, OptionsError, Subnet};
pub use server::{RunningServer, Server, ServerHandle, ServerOptions};
pub use software::Software;
