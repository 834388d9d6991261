//! The simulator's own record of events, entry by entry: the expected observations.
//!
//! Never here: values derived from lists. An entry is written where the rule is applied.

use super::node::NodeState;

/// An event on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Height of the tip at that time; of the block itself if a block caused the event.
    pub height: u32,
    /// Simulated Unix time.
    pub time: u64,
    /// Outpoint `txid-n` of the masternode; for a payment, every masternode with this payout address has an entry.
    pub masternode: String,
    /// The event.
    pub kind: LedgerKind,
}

/// Kinds of ledger entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerKind {
    /// The first start message of a new masternode.
    Registered,
    /// Another start message: the start time is now.
    Restarted,
    /// The daemon stopped.
    WentOffline,
    /// The daemon runs again.
    CameBack,
    /// The queried node sees another state than before.
    State {
        /// Old state.
        from: NodeState,
        /// New state.
        to: NodeState,
    },
    /// A ban began; it ends at height `until`.
    Banned {
        /// First height at which the regular checks apply again.
        until: u32,
    },
    /// The block paid the node's address.
    Paid {
        /// Votes for it that the queried node knew; below 2 the node does not remember the payment.
        votes: u32,
    },
    /// The entry left the list.
    Removed,
}
