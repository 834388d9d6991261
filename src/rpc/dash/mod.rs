//! Dash Core's spelling: private wire types, and their conversion to the domain's.
//!
//! Every field is optional but the identity and the score, unknown ones are ignored: nodes from 0.17 to the development
//! branch are read by the same code (docs/spec/dash.md#rpc-reference, docs/spec/dash.md#pitfalls).
//!
//! Never here: the network.

pub mod answers;
mod convert;
pub mod forks;
pub mod list_parser;
pub mod list_proof;
mod loose;
pub mod quorums;
pub mod rotation;
pub mod sessions;
pub mod sml_diff;
pub mod special;
mod terms;
mod wire;
