//! What happened, kept over restarts: a file of events, counts and the place in each chain up to which they go.
//!
//! One process writes, through [`Store`]; any number may read meanwhile, through [`Reader`]. What belongs to a block is
//! written in one transaction with the step to it, so that a process killed at any moment goes on with the next block:
//! nothing is lost and nothing counts twice. All calls block; none waits longer than about a second for another process.
//!
//! A [`Writer`] does so on a thread of its own, for whoever must not block, and keeps what cannot be written at the moment.
//!
//! Reading order: [`schema`] for what is kept, `open` for how a file becomes ours, [`Store`] for what is written.
//!
//! Never here: which chain is right, when a block is abandoned, what to do while the disk is full (`follower`).

mod alerts;
mod backfill;
mod carry;
mod checksum;
mod codec;
mod counters;
mod error;
mod file;
mod file_lock;
mod forks;
mod inspection;
mod network_id;
mod open;
mod query;
mod readable;
mod reader;
mod retention;
mod returned;
pub mod schema;
mod store;
#[cfg(test)]
mod tests;
mod write_queue;
mod writer;

pub use alerts::AlertChange;
pub use error::{OpenError, StoreError};
pub use network_id::{Identity, NetworkId};
pub use open::{OpenOutcome, SetAside, SetAsideReason};
pub use query::{EventId, MAX_PAGE, Order, Page, Query, StoredEvent};
pub use reader::{NetworkStatus, Reader};
pub use retention::Retained;
pub use store::{BLOCKS_KEPT, BlockEvents, Store, Withdrawn};
pub use writer::{HistoryOp, HistorySettings, NetworkHandle, OpenedNetwork, WriteOutcome, Writer, WriterHandle};
