//! Dash Core's formats: private wire types, and their conversion to domain types.
//!
//! Every field except the identity and the score is optional, and unknown fields are ignored: the same code reads nodes
//! from 0.17 to the development branch (docs/spec/dash.md#rpc-reference, docs/spec/dash.md#pitfalls).
//!
//! Never here: the network.

pub mod answers;
mod convert;
pub mod forks;
pub mod list_parser;
mod loose;
pub mod quorums;
pub mod rotation;
pub mod sessions;
pub mod sml_diff;
pub mod special;
mod terms;
mod wire;
