//! Actions that a script can trigger in a block.
//!
//! Never here: applying actions; `block` does that, in the order of consensus.

use std::fmt;

/// An action in one block. A masternode is named by its proTxHash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The masternode fails in `commitments` commitments of the block. Sessions that end in this block are used first;
    /// if they do not suffice, further quorums with it as a member are mined.
    FailDkg {
        /// The failing masternode.
        masternode: String,
        /// Number of failures; at least 1.
        commitments: usize,
        /// The type of the further quorums, e.g. 106, of none that rotates; `None`: the first type that can include the node.
        quorum_type: Option<u8>,
    },
    /// Every session that ends in this block fails as a whole: null commitments, which punish no masternode.
    FailNetwork,
    /// The session of a rotating type that is under way at this index fails as a whole, in every block of its window: null
    /// commitments, no masternode is punished. The seats stay as they are.
    FailSession {
        /// The type, e.g. 5.
        quorum_type: u8,
        /// The index in the rotation.
        index: u32,
    },
    /// A ProUpServTx with the same address: ends a ban, does nothing otherwise.
    Revive {
        /// The revived masternode.
        masternode: String,
    },
    /// A ProUpRevTx: operator data wiped, banned.
    Revoke {
        /// The revoked masternode.
        masternode: String,
        /// 0 unspecified, 1 termination, 2 compromised, 3 change of keys.
        reason: u8,
    },
    /// A ProUpRegTx with another operator key: operator data wiped, banned.
    ChangeOperatorKey {
        /// The masternode whose key changes.
        masternode: String,
    },
    /// A ProUpServTx with another address; ends a ban, as any ProUpServTx does.
    ChangeAddress {
        /// The masternode that moves.
        masternode: String,
    },
    /// A ProUpServTx with a port of this host, on which a peer may actually listen; ends a ban, as any ProUpServTx
    /// does.
    MoveHere {
        /// The masternode that moves.
        masternode: String,
        /// A port of 127.0.0.1. An Evo node's other services have the same host.
        port: u16,
    },
    /// A ProUpRegTx with another payout address.
    ChangePayout {
        /// The masternode whose payout changes.
        masternode: String,
    },
    /// A ProUpRegTx with another voting key.
    ChangeVotingKey {
        /// The masternode whose voting key changes.
        masternode: String,
    },
    /// A ProUpServTx with another operator payout address; ends a ban, as any ProUpServTx does.
    ChangeOperatorPayout {
        /// The masternode whose operator payout changes.
        masternode: String,
    },
    /// A ProUpServTx without an operator payout address; ends a ban, as any ProUpServTx does.
    ClearOperatorPayout {
        /// The masternode whose operator payout ends.
        masternode: String,
    },
    /// A ProRegTx.
    Register {
        /// An Evo node.
        evo: bool,
        /// Without an address the node is banned at registration.
        with_address: bool,
    },
    /// The collateral is spent: the masternode leaves the list at the end of the block.
    SpendCollateral {
        /// The removed masternode.
        masternode: String,
    },
    /// The signal for the fork of Dash 24, signed by a quorum (MNHF transaction, type 7).
    SignFork,
    /// A ProUpServTx of this version with the same address; ends a ban, as any ProUpServTx does. After the fork it
    /// raises the version of the state.
    Migrate {
        /// The migrated masternode.
        masternode: String,
        /// Version of the transaction: 1, 2 or 3.
        version: u8,
    },
    /// A ProUpRegTx of version 3 with this number of payees, all of them new addresses.
    SetPayouts {
        /// The masternode whose payees change.
        masternode: String,
        /// The new number of payees, 1 to 32.
        payouts: u8,
    },
    /// A ProUpServTx of version 3 with one more address of the masternode.
    AddAddress {
        /// The masternode that gets the address.
        masternode: String,
    },
    /// A ProUpServTx with other ports of an Evo node's platform services.
    ChangePlatformPorts {
        /// The masternode whose ports change.
        masternode: String,
    },
    /// A ProRegTx of version 3 with several owners. [`Network::shared_masternode`](super::Network::shared_masternode)
    /// returns its proTxHash in advance.
    RegisterShared {
        /// Number of the shared masternode, chosen freely.
        number: u32,
        /// Number of owners, 2 to 8.
        shares: u8,
    },
    /// A ProUpShareTx (type 11): one owner's reward address changes.
    ChangeShareReward {
        /// The shared masternode.
        masternode: String,
        /// Index of the owner, from 0.
        share: u8,
    },
    /// A ProDisTx (type 10): a shared masternode is dissolved and leaves the list at the end of the block.
    Dissolve {
        /// The shared masternode.
        masternode: String,
    },
}

impl Action {
    /// The affected masternode, if the action names one.
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
            | Self::ClearOperatorPayout { masternode }
            | Self::Migrate { masternode, .. }
            | Self::SetPayouts { masternode, .. }
            | Self::AddAddress { masternode }
            | Self::ChangePlatformPorts { masternode }
            | Self::ChangeShareReward { masternode, .. }
            | Self::Dissolve { masternode }
            | Self::SpendCollateral { masternode } => Some(masternode),
            Self::FailNetwork
            | Self::FailSession { .. }
            | Self::SignFork
            | Self::Register { .. }
            | Self::RegisterShared { .. } => None,
        }
    }
}

/// A script requested an action that the chain does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionError {
    /// The proTxHash is not on the list.
    UnknownMasternode(String),
    /// The operator has no key, so it can sign no ProUpServTx.
    NoOperatorKey(String),
    /// The quorum type is not in use on this chain, it rotates, or the node cannot be a member.
    QuorumType(u8),
    /// No session of this type is under way at this index.
    NoSession(u8, u32),
    /// The reorganisation reaches below the kept blocks.
    TooDeep,
    /// The network has no fork, or the rules of Dash 24 are not active yet.
    NotForked,
    /// The signal of the fork was mined already.
    Signed,
    /// A transaction of this version is refused for the masternode (`bad-protx-version-disallowed`, `-downgrade`).
    Version(String),
    /// A version 3 change of the owner's data of an Evo node that still has version 2 with an address
    /// (`bad-protx-netinfo-version`).
    AddressVersion(String),
    /// The masternode is shared, is not shared, or has no such share.
    Shares(String),
    /// The masternode has no platform services, or no space for another address.
    Address(String),
    /// A shared masternode of this number is or was registered.
    Number(u32),
    /// From 1 to 32 payees and from 2 to 8 shares are allowed.
    Count(u8),
}

impl fmt::Display for ActionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMasternode(hash) => write!(formatter, "masternode {hash} is not on the list"),
            Self::NoOperatorKey(hash) => write!(formatter, "masternode {hash} has no operator key"),
            Self::QuorumType(id) => write!(formatter, "no quorum of type {id} can have this member"),
            Self::NoSession(id, index) => write!(formatter, "no session of type {id} is under way at index {index}"),
            Self::NotForked => formatter.write_str("the rules of Dash 24 are not in force"),
            Self::Signed => formatter.write_str("the signal of the fork was mined already"),
            Self::Version(hash) => write!(formatter, "masternode {hash} cannot use this version"),
            Self::AddressVersion(hash) => write!(formatter, "masternode {hash} needs a version 3 service update first"),
            Self::Shares(hash) => write!(formatter, "masternode {hash} has not the shares for this"),
            Self::Address(hash) => write!(formatter, "masternode {hash} has not the addresses for this"),
            Self::Number(number) => write!(formatter, "the shared masternode number {number} is known already"),
            Self::Count(count) => write!(formatter, "{count} payees or shares are not allowed"),
            Self::TooDeep => formatter.write_str("the blocks to replace are no longer kept"),
        }
    }
}

impl std::error::Error for ActionError {}
