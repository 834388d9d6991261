//! Actions that a script can trigger on a network.
//!
//! Never here: applying actions; `state` does that.

use std::fmt;

/// An immediate action of an operator or an owner, between two blocks. A masternode is named by its outpoint, `txid-n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The daemon stops: no more pings and votes.
    GoOffline {
        /// The masternode of the daemon.
        masternode: String,
    },
    /// The daemon runs again and pings at once. This does not change a node that is `EXPIRED` or worse.
    ComeBack {
        /// The masternode of the daemon.
        masternode: String,
    },
    /// The owner sends a new start message, with a ping; the daemon runs. Refused while banned.
    Restart {
        /// The started masternode.
        masternode: String,
    },
    /// A new start message with the network address of another node. Refused while banned.
    Duplicate {
        /// The masternode that takes an address in use.
        masternode: String,
        /// The masternode whose address it takes.
        of: String,
    },
    /// A new start message with an unused address. Refused while banned.
    Move {
        /// The masternode that moves.
        masternode: String,
    },
    /// The collateral is spent: the entry disappears within a minute.
    SpendCollateral {
        /// The masternode of the collateral.
        masternode: String,
    },
    /// A new masternode starts; its collateral has exactly the required 15 confirmations.
    Register,
}

/// A script requested an action that the chain does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionError {
    /// No masternode has this outpoint.
    UnknownMasternode(String),
    /// The collateral is spent, so the masternode can never start again.
    Spent(String),
    /// A start message is refused while the node is banned (`CMasternodeBroadcast::Update`).
    Banned(String),
    /// The reorganisation reaches below the kept blocks.
    TooDeep,
}

impl fmt::Display for ActionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMasternode(id) => write!(formatter, "no masternode has the outpoint {id}"),
            Self::Spent(id) => write!(formatter, "the collateral {id} is spent"),
            Self::Banned(id) => write!(formatter, "masternode {id} is banned and cannot be started"),
            Self::TooDeep => formatter.write_str("the blocks to replace are no longer kept"),
        }
    }
}

impl std::error::Error for ActionError {}
