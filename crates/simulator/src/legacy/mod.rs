//! Simulated Dimecoin and PRCYcoin networks: masternodes that are pinged, expire, are banned, restarted and paid.
//!
//! [`Network`] is what one asked node of the network knows: its chain, and its own memory of pings, bans and votes.
//! Serve it with [`Server`](super::Server), mine it with [`drive`](super::drive), as a Dash network.
//!
//! **Time is simulated.** A block is [`Options::spacing`] (64 s for Dimecoin, 60 s for PRCYcoin) of the network's own clock,
//! however fast blocks are mined, so that pings, expiry and bans keep their proportions. When the network is set
//! up its clock shows [`Options::now`], which a demonstration takes from the wall: every ping and header then lies in the
//! past and the tip is new. A demonstration with a block a second runs 64 times too fast from there on, so `lastseen`
//! and `time` run ahead of the wall. Who computes an age must take [`Network::now`], or the tip's `time`, as now.
//!
//! Rules are those of Dimecoin 2.3.0.0 and PRCYcoin 2.0.0.6, read from their sources; each rule names its file.
//!
//! Never names another part of this crate, nor Dash's consensus: only the server's machinery is shared.

mod action;
mod check;
mod election;
mod headers;
mod ledger;
mod life;
mod network;
mod node;
mod options;
mod rpc;
mod rules;
mod score;
mod setup;
mod state;
mod votes;

pub use action::{Action, ActionError};
pub use ledger::{LedgerEntry, LedgerKind};
pub use network::{MasternodeFacts, Network, QueueFacts};
pub use node::NodeState;
pub use options::{Chain, Options};
