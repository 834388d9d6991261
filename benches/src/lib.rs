//! Data and instruments shared by the benches: a mainnet-like list of any size, and an allocator that counts.

pub mod allocations;
pub mod data;
