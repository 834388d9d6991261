//! The RPC dialect of a chain, as data: the methods, their parameters, and the format of lists.
//!
//! A dialect can only choose methods of the table ([`METHODS`](crate::rpc::METHODS)): whatever a configuration file
//! contains, no other method is called.
//!
//! Never here: the meaning of an answer.

use std::borrow::Cow;

use crate::rpc::methods::{self, Method};

/// The RPC dialect of one chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialect {
    /// The masternode list.
    pub list: ListCall,
    /// The number of masternodes.
    pub count: Option<&'static Method>,
    /// Sync state of the masternode list.
    pub sync: Option<&'static Method>,
    /// Sporks.
    pub sporks: Option<&'static Method>,
    /// The payees that were voted for.
    pub winners: Option<&'static Method>,
    /// The last block with a ChainLock.
    pub chainlock: Option<&'static Method>,
    /// Depth of a collateral.
    pub collateral: Option<&'static Method>,
    /// What `getblock` shows about the payee of a block; `None` if it is not asked.
    pub payees: Option<Payees>,
    /// Quorums with the block of their commitment, and the members of a quorum.
    pub quorums: Option<(&'static Method, &'static Method)>,
    /// DKG sessions in progress, and the start of the next one.
    pub sessions: Option<(&'static Method, &'static Method)>,
    /// The masternode status of the node itself.
    pub own: Option<&'static Method>,
    /// The special transactions of a block: commitments and coinbase.
    pub special: Option<&'static Method>,
    /// The list diff (`protx diff`), from which members of DKG sessions are selected.
    pub sml_diff: Option<&'static Method>,
    /// The snapshots from which members of rotating quorums follow (`quorum rotationinfo`).
    pub rotation: Option<&'static Method>,
    /// Forks and their activation.
    pub deployments: Option<&'static Method>,
    /// The indexes of the node.
    pub indexes: Option<&'static Method>,
    /// The node's mempool.
    pub mempool: Option<&'static Method>,
    /// The RPC user that an operator can create for the exporter.
    pub user: RpcUser,
    /// Every argument of a masternode call is sent as a string, including numbers.
    pub string_arguments: bool,
}

/// The RPC user that a node can have for one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcUser {
    /// One that can call some methods only (`rpcauth` and `rpcwhitelist`).
    Restricted,
    /// One of its own, with all rights (`rpcauth`).
    Own,
    /// None: the node's own user, or its cookie.
    Shared,
}

/// What a block shows about its payee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payees {
    /// The outputs of its coinbase or coinstake, with addresses.
    Outputs,
    /// Its kind only (`minetype`): payees are hidden.
    Kind,
}

/// The call for a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListCall {
    /// The method.
    pub method: &'static Method,
    /// The parameters after the subcommand.
    pub parameters: Cow<'static, [Parameter]>,
    /// The format of the answer.
    pub shape: Shape,
}

/// A constant parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Whole(i64),
    /// A flag.
    Flag(bool),
}

/// The format of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Detailed entries of a deterministic list (`protx list`), read while they arrive.
    ProTx {
        /// The list of an earlier block is available: its height is the last parameter.
        pinned: bool,
        /// Changes between two blocks.
        diff: Option<&'static Method>,
        /// One masternode as the node itself sees it.
        info: Option<&'static Method>,
    },
    /// An object by collateral, each value one padded text of these columns.
    Text(Cow<'static, [Item]>),
    /// An object by collateral, each value an object with these members.
    Object(Cow<'static, [(Item, Cow<'static, str>)]>),
    /// An array of objects with these members.
    Array(Cow<'static, [(Item, Cow<'static, str>)]>),
}

/// A field of a masternode in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Its state, as the node spells it.
    State,
    /// Version of its peer-to-peer protocol.
    Protocol,
    /// Payee.
    PayoutAddress,
    /// Time of its last ping.
    LastSeen,
    /// Seconds from its start to its last ping.
    ActiveSeconds,
    /// Time of its last payment.
    LastPaidTime,
    /// Block of its last payment.
    LastPaidHeight,
    /// Its address.
    Address,
    /// Its rank by score, 0 for none.
    Rank,
    /// Transaction of its collateral.
    Txid,
    /// Output of its collateral.
    OutputIndex,
    /// Hash of its registration.
    ProTxHash,
    /// Penalty points.
    Score,
    /// Block of its registration.
    RegisteredHeight,
    /// Block of its ban.
    BanHeight,
    /// Block of its revival.
    RevivedHeight,
    /// Owner key's address.
    OwnerAddress,
    /// Voting key's address.
    VotingAddress,
    /// Operator key.
    OperatorKey,
    /// A field that is ignored.
    Ignored,
}

impl Shape {
    /// Whether such a list contains this field; detailed entries contain every field.
    pub fn has(&self, item: Item) -> bool {
        match self {
            Shape::ProTx { .. } => true,
            Shape::Text(columns) => columns.contains(&item),
            Shape::Object(fields) | Shape::Array(fields) => fields.iter().any(|(known, _)| *known == item),
        }
    }
}

impl Item {
    /// All fields, with their names in a profile.
    pub const NAMES: [(Item, &'static str); 20] = [
        (Item::State, "state"),
        (Item::Protocol, "protocol"),
        (Item::PayoutAddress, "payout_address"),
        (Item::LastSeen, "last_seen"),
        (Item::ActiveSeconds, "active_seconds"),
        (Item::LastPaidTime, "last_paid_time"),
        (Item::LastPaidHeight, "last_paid_height"),
        (Item::Address, "address"),
        (Item::Rank, "rank"),
        (Item::Txid, "txid"),
        (Item::OutputIndex, "output_index"),
        (Item::ProTxHash, "pro_tx_hash"),
        (Item::Score, "score"),
        (Item::RegisteredHeight, "registered_height"),
        (Item::BanHeight, "ban_height"),
        (Item::RevivedHeight, "revived_height"),
        (Item::OwnerAddress, "owner_address"),
        (Item::VotingAddress, "voting_address"),
        (Item::OperatorKey, "operator_key"),
        (Item::Ignored, "ignored"),
    ];

    /// Name in a profile and in errors.
    pub fn name(self) -> &'static str {
        Item::NAMES.iter().find(|(item, _)| *item == self).map_or("ignored", |(_, name)| name)
    }

    /// The item of a name.
    pub fn named(name: &str) -> Option<Item> {
        Item::NAMES.iter().find(|(_, known)| *known == name).map(|(item, _)| *item)
    }
}

/// Dash Core and its deterministic list (docs/spec/dash.md#rpc-reference).
pub const DASH: Dialect = Dialect {
    list: ListCall {
        method: &methods::PROTX_LIST,
        parameters: Cow::Borrowed(&[Parameter::Text(Cow::Borrowed("registered")), Parameter::Flag(true)]),
        shape: Shape::ProTx { pinned: true, diff: Some(&methods::PROTX_LISTDIFF), info: Some(&methods::PROTX_INFO) },
    },
    count: Some(&methods::MASTERNODE_COUNT),
    sync: Some(&methods::MNSYNC_STATUS),
    sporks: Some(&methods::SPORK_SHOW),
    winners: None,
    chainlock: Some(&methods::GET_BEST_CHAINLOCK),
    collateral: None,
    payees: None,
    quorums: Some((&methods::QUORUM_LISTEXTENDED, &methods::QUORUM_INFO)),
    sessions: Some((&methods::QUORUM_DKGSTATUS, &methods::QUORUM_DKGINFO)),
    own: Some(&methods::MASTERNODE_STATUS),
    special: Some(&methods::GET_SPECIAL_TXES),
    sml_diff: Some(&methods::PROTX_DIFF),
    rotation: Some(&methods::QUORUM_ROTATIONINFO),
    deployments: Some(&methods::GET_DEPLOYMENT_INFO),
    indexes: Some(&methods::GET_INDEX_INFO),
    mempool: Some(&methods::GET_MEMPOOL_INFO),
    user: RpcUser::Restricted,
    string_arguments: false,
};

/// Dimecoin (docs/spec/legacy-chains.md#dimecoin-rpc): `masternodelist full` contains all fields.
pub const DIMECOIN: Dialect = Dialect {
    list: ListCall {
        method: &methods::MASTERNODELIST,
        parameters: Cow::Borrowed(&[Parameter::Text(Cow::Borrowed("full"))]),
        shape: Shape::Text(Cow::Borrowed(&[
            Item::State,
            Item::Protocol,
            Item::PayoutAddress,
            Item::LastSeen,
            Item::ActiveSeconds,
            Item::LastPaidTime,
            Item::LastPaidHeight,
            Item::Address,
        ])),
    },
    count: Some(&methods::MASTERNODE_COUNT),
    sync: Some(&methods::MNSYNC_STATUS),
    sporks: Some(&methods::SPORK_SHOW),
    winners: Some(&methods::MASTERNODE_WINNERS),
    chainlock: None,
    collateral: Some(&methods::GETTXOUT),
    payees: Some(Payees::Outputs),
    quorums: None,
    sessions: None,
    own: Some(&methods::MASTERNODE_STATUS),
    special: None,
    sml_diff: None,
    rotation: None,
    deployments: None,
    indexes: None,
    mempool: None,
    user: RpcUser::Own,
    string_arguments: true,
};

/// PRCYCoin (docs/spec/legacy-chains.md#prcycoin-rpc). Its `lastpaid` is ignored: it is not the time of a payment
/// (docs/spec/legacy-chains.md#prcycoin-payee).
pub const PRCYCOIN: Dialect = Dialect {
    list: ListCall {
        method: &methods::LISTMASTERNODES,
        parameters: Cow::Borrowed(&[]),
        shape: Shape::Array(Cow::Borrowed(&[
            (Item::Rank, Cow::Borrowed("rank")),
            (Item::Txid, Cow::Borrowed("txhash")),
            (Item::OutputIndex, Cow::Borrowed("outidx")),
            (Item::OperatorKey, Cow::Borrowed("pubkey")),
            (Item::State, Cow::Borrowed("status")),
            (Item::OwnerAddress, Cow::Borrowed("addr")),
            (Item::PayoutAddress, Cow::Borrowed("stealthaddress")),
            (Item::Protocol, Cow::Borrowed("version")),
            (Item::LastSeen, Cow::Borrowed("lastseen")),
            (Item::ActiveSeconds, Cow::Borrowed("activetime")),
        ])),
    },
    count: Some(&methods::GETMASTERNODECOUNT),
    sync: Some(&methods::MNSYNC_STATUS),
    sporks: None,
    winners: Some(&methods::GETMASTERNODEWINNERS),
    chainlock: None,
    collateral: None,
    payees: Some(Payees::Kind),
    quorums: None,
    sessions: None,
    own: Some(&methods::MASTERNODE_STATUS),
    special: None,
    sml_diff: None,
    rotation: None,
    deployments: None,
    indexes: None,
    mempool: None,
    user: RpcUser::Shared,
    string_arguments: true,
};

impl Dialect {
    /// The dialect of a built-in chain; `None` for another name.
    pub fn built_in(chain: &str) -> Option<Dialect> {
        match chain {
            "dash" => Some(DASH),
            "dimecoin" => Some(DIMECOIN),
            "prcycoin" => Some(PRCYCOIN),
            _ => None,
        }
    }

    /// Every method that such a node is asked for, in the order of the table.
    pub fn methods(&self) -> Vec<&'static Method> {
        let (diff, info) = match self.list.shape {
            Shape::ProTx { diff, info, .. } => (diff, info),
            _ => (None, None),
        };
        let always = [
            &methods::GET_BEST_BLOCK_HASH,
            &methods::GET_BLOCK_HASH,
            &methods::GET_BLOCK_HEADER,
            &methods::GET_BLOCKCHAIN_INFO,
            &methods::GET_NETWORK_INFO,
        ];
        let (formed, members) = self.quorums.unzip();
        let (sessions, next_session) = self.sessions.unzip();
        let sometimes = [
            self.deployments,
            diff,
            info,
            formed,
            members,
            sessions,
            next_session,
            self.special,
            self.sml_diff,
            self.rotation,
            self.count,
            self.winners,
            self.collateral,
            self.payees.map(|_| &methods::GET_BLOCK),
            self.sync,
            self.chainlock,
            self.sporks,
            self.own,
            self.indexes,
            self.mempool,
        ];
        always.into_iter().chain([self.list.method]).chain(sometimes.into_iter().flatten()).collect()
    }

    /// Whether the list of an earlier block is available. Otherwise a list is of the time at which it is read.
    pub fn is_pinned(&self) -> bool {
        matches!(self.list.shape, Shape::ProTx { pinned: true, .. })
    }

    /// The method that returns the changes between two blocks.
    pub fn diff(&self) -> Option<&'static Method> {
        match self.list.shape {
            Shape::ProTx { diff, .. } => diff,
            _ => None,
        }
    }
}
