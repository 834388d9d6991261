//! Dash Core's spelling: private wire types, and their conversion to the domain's.
//!
//! Every field is optional but the identity and the score, unknown ones are ignored: nodes from 0.17 to the development
//! branch are read by the same code (spec `dash.md` §6, §10).
//!
//! Never here: the network.

pub mod answers;
mod convert;
pub mod forks;
pub mod quorums;
pub mod roll;
pub mod sessions;
pub mod special;
pub mod stream;
mod wire;
