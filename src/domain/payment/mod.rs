//! Who is paid next.
//!
//! Never here: amounts, or payees by address: a payout address may be shared by many nodes.

pub mod queue;

pub use queue::EvoPayments;
