//! Masternode exporter: follows a Dash-family chain through a node's RPC and says, per masternode, how close it is to a
//! Proof-of-Service ban and when it is paid next.
//!
//! The way of a value, and the reading order of the modules:
//!
//! ```text
//! node ─► rpc ─► follower ─► domain ─► watch<Arc<NetworkState>> ─► metrics ─► web ─► Prometheus, browser
//! ```
//!
//! `ARCHITECTURE.md` has the table of the dependencies between modules; a test enforces it.

pub mod alerting;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod follower;
pub mod history;
pub mod meters;
pub mod metrics;
pub mod nearest;
pub mod outbound;
pub mod probe;
pub mod rpc;
pub mod secret;
pub mod web;
