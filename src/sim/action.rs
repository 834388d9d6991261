//! What a script can make happen in a block.
//!
//! Never applied here: `block` does that, in the order of consensus.

use std::fmt;

/// Something that happens in one block. A masternode is named by its proTxHash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The masternode misses in `commitments` commitments of the block. Sessions that end in this block anyway are
    /// used first; where they do not suffice, further quorums with it as a member are mined.
    FailDkg {
        /// Who misses.
        masternode: String,
        /// How often; at least 1.
        commitments: usize,
        /// The type of the further quorums, e.g. 106; `None`: the first one the node may be in.
        quorum_type: Option<u8>,
    },
    /// Every session that ends in this block fails as a whole: null commitments, nobody is punished.
    FailNetwork,
    /// A ProUpServTx with the same address: ends a ban, does nothing otherwise.
    Revive {
        /// Whose ban ends.
        masternode: String,
    },
    /// A ProUpRevTx: operator data wiped, banned.
    Revoke {
        /// Who is revoked.
        masternode: String,
        /// 0 unspecified, 1 termination, 2 compromised, 3 change of keys.
        reason: u8,
    },
    /// A ProUpRegTx with another operator key: operator data wiped, banned.
    ChangeOperatorKey {
        /// Whose key changes.
        masternode: String,
    },
    /// A ProUpServTx with another address; ends a ban, as any ProUpServTx does.
    ChangeAddress {
        /// Who moves.
        masternode: String,
    },
    /// A ProUpServTx with a port of this host, where a peer may really listen; ends a ban, as any ProUpServTx does.
    MoveHere {
        /// Who moves.
        masternode: String,
        /// A port of 127.0.0.1. An Evo node's other services are said to be there too.
        port: u16,
    },
    /// A ProUpRegTx with another payout address.
    ChangePayout {
        /// Whose payout changes.
        masternode: String,
    },
    /// A ProUpRegTx with another voting key.
    ChangeVotingKey {
        /// Whose voting key changes.
        masternode: String,
    },
    /// A ProUpServTx with another operator payout address; ends a ban, as any ProUpServTx does.
    ChangeOperatorPayout {
        /// Whose operator payout changes.
        masternode: String,
    },
    /// A ProRegTx.
    Register {
        /// An Evo node.
        evo: bool,
        /// Without an address the node is banned from birth.
        with_address: bool,
    },
    /// The collateral is spent: the masternode leaves the list at the end of the block.
    SpendCollateral {
        /// Who leaves.
        masternode: String,
    },
}

impl Action {
    /// The masternode it concerns, if it names one.
    #[must_use]
    pub fn masternode(&self) -> Option<&str> {
        match self {
            Self::FailDkg { masternode, .. }
            | Self::Revive { masternode }
            | Self::Revoke { masternode, .. }
            | Self::ChangeOperatorKey { masternode }
            | Self::ChangeAddress { masternode }
            | Self::MoveHere { masternode, .. }
            | Self::ChangePayout { masternode }
            | Self::ChangeVotingKey { masternode }
            | Self::ChangeOperatorPayout { masternode }
            | Self::SpendCollateral { masternode } => Some(masternode),
            Self::FailNetwork | Self::Register { .. } => None,
        }
    }
}

/// A script asked for something that the chain does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionError {
    /// The proTxHash is not on the list.
    UnknownMasternode(String),
    /// The operator has no key, so it can sign no ProUpServTx.
    NoOperatorKey(String),
    /// The quorum type is not in use on this chain, or the node cannot be a member.
    QuorumType(u8),
    /// The reorganisation reaches below the kept blocks.
    TooDeep,
}

impl fmt::Display for ActionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMasternode(hash) => write!(formatter, "masternode {hash} is not on the list"),
            Self::NoOperatorKey(hash) => write!(formatter, "masternode {hash} has no operator key"),
            Self::QuorumType(id) => write!(formatter, "no quorum of type {id} can have this member"),
            Self::TooDeep => formatter.write_str("the blocks to replace are no longer kept"),
        }
    }
}

impl std::error::Error for ActionError {}
