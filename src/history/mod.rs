//! The history, kept across restarts: a file of events, counts and the last recorded block of each chain.
//!
//! One process writes, through [`Store`]; any number may read at the same time, through [`Reader`]. The data of a block
//! is written in one transaction with the block itself, so a process that is killed at any moment continues with the
//! next block: nothing is lost and nothing is counted twice. All calls block; none waits longer than about a second for
//! another process.
//!
//! A [`Writer`] does this on its own thread, for callers that must not block, and queues steps that cannot be written.
//!
//! Reading order: [`schema`] for the tables, `open` for opening and examining a file, [`Store`] for writing.
//!
//! Never here: which chain is right, when a block is abandoned, handling of a full disk (`follower`).

mod backfill;
mod carry;
mod checksum;
mod codec;
mod counters;
mod damage_report;
mod earnings;
mod error;
mod file;
mod file_lock;
mod forks;
mod index_check;
mod inspection;
mod log_check;
mod network_id;
mod open;
mod query;
mod readable;
mod reader;
mod retention;
mod returned;
mod salvage;
pub mod schema;
mod seen;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod texts;
mod watched_targets;
mod write_queue;
mod writer;

pub use damage_report::{DamageReporter, read};
pub use earnings::{Coverage, EarningsEntry, EarningsQuery, EarningsRead, unread_payments};
pub use error::{OpenError, StoreError};
pub use network_id::{Identity, NetworkId};
pub use open::{OpenOutcome, SetAside, SetAsideReason};
pub use query::{EventId, MAX_PAGE, Order, Page, Query, StoredEvent};
pub use reader::{NetworkStatus, Reader};
pub use retention::Retained;
pub use store::{BLOCKS_KEPT, BlockEvents, Store, Withdrawn};
pub use texts::{TextChange, TextTable, WATCH_FILE};
pub use watched_targets::WatchedTarget;
pub use writer::{HistoryOp, HistorySettings, NetworkHandle, OpenedNetwork, WriteOutcome, Writer, WriterHandle};
