//! Simulated Dimecoin and PRCYcoin networks: masternodes that ping, expire, are banned, restarted and paid.
//!
//! [`Network`] is the view of one queried node of the network: its chain, and its own memory of pings, bans and votes.
//! Serve it with [`Server`](super::Server) and mine it with [`drive`](super::drive), like a Dash network.
//!
//! **Time is simulated.** A block takes [`Options::spacing`] (64 s for Dimecoin, 60 s for PRCYcoin) of the network's
//! own clock, however fast blocks are mined, so that pings, expiry and bans keep their proportions. After the setup,
//! the clock shows [`Options::now`], which a demonstration takes from the wall clock: every ping and header is then in
//! the past and the tip is new. A demonstration with a block per second runs 64 times too fast from then on, so
//! `lastseen` and `time` run ahead of the wall clock. To compute an age, use [`Network::now`] or the tip's `time` as
//! the current time.
//!
//! The rules are those of Dimecoin 2.3.0.0 and PRCYcoin 2.0.0.6, read from their source code; each rule names its file.
//!
//! Never here: other parts of this crate and Dash's consensus; only the server code is shared.

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
