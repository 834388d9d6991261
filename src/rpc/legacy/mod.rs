//! Lists of the older chains, and of forks that kept their format: read as the dialect describes them.
//!
//! Never here: the network; a chain's name.

pub mod answers;
mod convert;
mod list_entry;
pub mod payees;
