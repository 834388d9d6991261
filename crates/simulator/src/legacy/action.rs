//! What a script can make happen on a network.
//!
//! Never applied here: `state` does that.

use std::fmt;

/// Something that an operator or an owner does now, between two blocks. A masternode is named by its outpoint, `txid-n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The daemon stops: no pings and no votes from now on.
    GoOffline {
        /// Whose daemon.
        masternode: String,
    },
    /// The daemon runs again and pings at once. That does not help a node that is `EXPIRED` or worse.
    ComeBack {
        /// Whose daemon.
        masternode: String,
    },
    /// The owner sends a new start message, with a ping; the daemon runs. Refused while banned.
    Restart {
        /// Who is started.
        masternode: String,
    },
    /// A new start message with the network address of another node. Refused while banned.
    Duplicate {
        /// Who moves to a taken address.
        masternode: String,
        /// Whose address it takes.
        of: String,
    },
    /// A new start message with an address of its own. Refused while banned.
    Move {
        /// Who moves.
        masternode: String,
    },
    /// The collateral is spent: the entry vanishes within a minute.
    SpendCollateral {
        /// Whose collateral.
        masternode: String,
    },
    /// A new masternode starts; its collateral has just the 15 confirmations that it needs.
    Register,
}

/// A script asked for something that the chain does not allow.
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
