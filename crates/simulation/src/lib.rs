//! Reliability by deterministic simulation: the whole exporter in one thread on a virtual clock, with a simulated chain, nodes,
//! receivers and disk, and faults that follow from a seed.
//!
//! One episode is some hours of a network. The same seed gives the same episode, so a broken invariant can be replayed, and its
//! faults reduced to those that matter.
//!
//! Reading order: [`plan`] for the faults, `world` for what they do, [`episode`] for the course of a run, `observer`, `notices` and
//! `record` for what must hold.
//!
//! Never here: sockets, the real clock, randomness that no seed determines.

mod chain;
mod chain_kind;
mod clock;
mod configuration;
mod disk;
mod episode;
mod figures;
mod files;
mod health;
mod invariant;
mod locks;
mod notices;
mod observer;
mod plan;
mod planted;
mod receivers;
mod record;
mod shrink;
mod torn;
mod wire;
mod world;

pub use episode::{Outcome, run};
pub use figures::Figures;
pub use invariant::{Invariant, Violation};
pub use plan::{Fault, Plan};
pub use planted::Planted;
pub use shrink::shrink;
