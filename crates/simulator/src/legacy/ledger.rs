//! The simulator's own record of what happened, entry by entry: what an observer should have seen.
//!
//! Never derived from lists: an entry is written where the rule is applied.

use super::node::NodeState;

/// Something that happened on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Height of the tip at that moment; of the block itself where a block did it.
    pub height: u32,
    /// Simulated Unix time.
    pub time: u64,
    /// Outpoint `txid-n` of the masternode; of a payment, every masternode that is paid to this address has an entry.
    pub masternode: String,
    /// What happened.
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
    /// The asked node sees another state than before.
    State {
        /// Before.
        from: NodeState,
        /// From now on.
        to: NodeState,
    },
    /// A ban began; at height `until` it ends.
    Banned {
        /// First height at which the usual checks are made again.
        until: u32,
    },
    /// The block paid the node's address.
    Paid {
        /// Votes that the asked node knew for it; below 2 it does not remember the payment.
        votes: u32,
    },
    /// The entry left the list.
    Removed,
}
