//! How the nodes of a chain are asked, as data: which methods, with which parameters, and the shape of their lists.
//!
//! A dialect can only choose among the methods of the table ([`METHODS`](crate::rpc::METHODS)): whatever a file says,
//! nothing else is ever called.
//!
//! Never here: what an answer means.

use std::borrow::Cow;

use crate::rpc::methods::{self, Method};

/// How the nodes of one chain are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialect {
    /// The list.
    pub list: ListCall,
    /// How many there are.
    pub count: Option<&'static Method>,
    /// Whether the node has the whole list.
    pub sync: Option<&'static Method>,
    /// The network's switches.
    pub sporks: Option<&'static Method>,
    /// The payees that were voted for.
    pub winners: Option<&'static Method>,
    /// The last final block.
    pub chainlock: Option<&'static Method>,
    /// Depth of a collateral.
    pub collateral: Option<&'static Method>,
    /// Quorums with the block that has their commitment, and the members of one.
    pub quorums: Option<(&'static Method, &'static Method)>,
    /// DKG sessions under way, and when the next begins.
    pub sessions: Option<(&'static Method, &'static Method)>,
    /// How a node that is itself a masternode sees itself.
    pub own: Option<&'static Method>,
    /// The special transactions of a block: its commitments, and its coinbase.
    pub special: Option<&'static Method>,
    /// The simplified list, which says who can be drawn for DKG sessions.
    pub roll: Option<&'static Method>,
    /// What the node stored of the selection of rotating quorums.
    pub rotation: Option<&'static Method>,
    /// Forks and their activation.
    pub deployments: Option<&'static Method>,
    /// Which indexes the node has built.
    pub indexes: Option<&'static Method>,
    /// The node's mempool.
    pub mempool: Option<&'static Method>,
    /// Every argument of a masternode call is written as a string, numbers too.
    pub string_arguments: bool,
}

/// How a list is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ListCall {
    /// The method.
    pub method: &'static Method,
    /// What follows its subcommand.
    pub parameters: Cow<'static, [Parameter]>,
    /// What it answers.
    pub shape: Shape,
}

/// A parameter that is always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Whole(i64),
    /// A flag.
    Flag(bool),
}

/// The shape of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Detailed entries of a deterministic list (`protx list`), read while they arrive.
    ProTx {
        /// The list of an earlier block can be asked for: its height is the last parameter.
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

/// What a list can say of a masternode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Its state, in the node's word.
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
    /// Where it listens.
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
    /// Something that is not read.
    Ignored,
}

impl Shape {
    /// Whether such a list says this of a masternode; detailed entries say everything.
    pub fn has(&self, item: Item) -> bool {
        match self {
            Shape::ProTx { .. } => true,
            Shape::Text(columns) => columns.contains(&item),
            Shape::Object(fields) | Shape::Array(fields) => fields.iter().any(|(known, _)| *known == item),
        }
    }
}

impl Item {
    /// All, with their names in a profile.
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
    quorums: Some((&methods::QUORUM_LISTEXTENDED, &methods::QUORUM_INFO)),
    sessions: Some((&methods::QUORUM_DKGSTATUS, &methods::QUORUM_DKGINFO)),
    own: Some(&methods::MASTERNODE_STATUS),
    special: Some(&methods::GET_SPECIAL_TXES),
    roll: Some(&methods::PROTX_DIFF),
    rotation: Some(&methods::QUORUM_ROTATIONINFO),
    deployments: Some(&methods::GET_DEPLOYMENT_INFO),
    indexes: Some(&methods::GET_INDEX_INFO),
    mempool: Some(&methods::GET_MEMPOOL_INFO),
    string_arguments: false,
};

/// Dimecoin (docs/spec/legacy-chains.md#dimecoin-rpc): one `masternodelist full` says all that is needed of each.
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
    quorums: None,
    sessions: None,
    own: Some(&methods::MASTERNODE_STATUS),
    special: None,
    roll: None,
    rotation: None,
    deployments: None,
    indexes: None,
    mempool: None,
    string_arguments: true,
};

/// PRCYCoin (docs/spec/legacy-chains.md#prcycoin-rpc). Its `lastpaid` is left out: it is no time of a payment
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
    quorums: None,
    sessions: None,
    own: Some(&methods::MASTERNODE_STATUS),
    special: None,
    roll: None,
    rotation: None,
    deployments: None,
    indexes: None,
    mempool: None,
    string_arguments: true,
};

impl Dialect {
    /// The dialect of a built-in chain; `None` for a name that is none.
    pub fn built_in(chain: &str) -> Option<Dialect> {
        match chain {
            "dash" => Some(DASH),
            "dimecoin" => Some(DIMECOIN),
            "prcycoin" => Some(PRCYCOIN),
            _ => None,
        }
    }

    /// Every method that such a node is asked, in the order of the table.
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
            self.roll,
            self.rotation,
            self.count,
            self.winners,
            self.collateral,
            self.sync,
            self.chainlock,
            self.sporks,
            self.own,
            self.indexes,
            self.mempool,
        ];
        always.into_iter().chain([self.list.method]).chain(sometimes.into_iter().flatten()).collect()
    }

    /// Whether the list of an earlier block can be asked for. Where not, a list is of the moment at which it is read.
    pub fn is_pinned(&self) -> bool {
        matches!(self.list.shape, Shape::ProTx { pinned: true, .. })
    }

    /// The method that tells changes between blocks.
    pub fn diff(&self) -> Option<&'static Method> {
        match self.list.shape {
            Shape::ProTx { diff, .. } => diff,
            _ => None,
        }
    }
}
