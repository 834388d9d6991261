//! Lists of the older chains, and of forks that show theirs as they did: read by what a dialect says of their shape.
//!
//! Never here: the network; a chain's name.

pub mod answers;
mod convert;
mod list_entry;
