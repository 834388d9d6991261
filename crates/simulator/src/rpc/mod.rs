//! The RPC methods of a node, and their routing.
//!
//! Never here: sockets; `server` passes requests and answers.

mod chain;
mod coinbase;
mod deployment;
mod diff;
mod entry;
mod extended;
mod masternode;
mod params;
mod protx;
mod quorum;
mod rotation;
mod session;
mod special;
mod stream;
mod transactions;

use std::sync::Arc;

use serde_json::Value;

pub(super) use params::Params;
pub(super) use stream::Pieces;

use super::faults::LeafField;
use super::history::Block;
use super::random::Hash256;
use super::software::Software;
use super::state::State;

/// The result of a method.
pub(super) enum Reply {
    /// A small result.
    Json(Value),
    /// A result that is already JSON text, with its keys in the node's order.
    Written(String),
    /// A result that is written piece by piece.
    Stream(Pieces),
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// The `error` object of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    pub(super) code: i32,
    pub(super) message: String,
}

impl RpcError {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// −8, the most common refusal.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(-8, message)
    }

    /// −32601.
    pub(super) fn unknown_method() -> Self {
        Self::new(-32601, "Method not found")
    }
}

/// Incorrect values that a server reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lies {
    /// Added to every reported height of the tip and of headers.
    pub(super) height_offset: i64,
    /// `protx listdiff` contains an unknown masternode.
    pub(super) unknown_in_diff: bool,
    /// Number of entries of `protx list` with a penalty of −1, and the height of the list where it is not every one.
    pub(super) bad_scores: Option<(usize, Option<u32>)>,
    /// Another genesis hash and chain name.
    pub(super) other_network: bool,
    /// Answers as a Bitcoin node would.
    pub(super) bitcoin: bool,
    /// It has no connections.
    pub(super) cut_off: bool,
    /// Still loading blocks.
    pub(super) not_synced: bool,
    /// `quorum rotationinfo` finds no snapshot.
    pub(super) no_snapshots: bool,
    /// The masternode whose score is wrong in every answer, and by how many points.
    pub(super) score: Option<(Hash256, u32)>,
    /// The masternode about which one field is wrong in every answer.
    pub(super) leaf: Option<(Hash256, LeafField)>,
}

/// The inputs of a method.
pub(super) struct Context<'a> {
    pub(super) state: &'a State,
    /// The newest block that this server knows.
    pub(super) tip: Arc<Block>,
    pub(super) lies: Lies,
    /// proTxHash of the masternode that the answering node runs.
    pub(super) masternode: Option<Hash256>,
    /// The software of the answering node.
    pub(super) software: &'a Software,
}

impl Context<'_> {
    /// The simulated version.
    fn version(&self) -> u32 {
        self.software.version
    }

    /// A height as this server reports it.
    fn reported(&self, height: u32) -> i64 {
        i64::from(height) + self.lies.height_offset
    }

    /// Hash of the block at this height of the branch that ends at this server's tip.
    fn hash_at(&self, height: u32) -> Option<Hash256> {
        if height < self.state.history.root().height {
            return Some(self.state.history.naming().old(height));
        }
        self.block_at(height).map(|block| block.hash)
    }

    /// The kept block at this height of the branch that ends at this server's tip.
    fn block_at(&self, height: u32) -> Option<Arc<Block>> {
        self.state.history.ancestor(&self.tip, height)
    }

    /// Whether a node of this version has a subcommand that was added in `since`; otherwise the refusal.
    fn since(&self, since: u32, method: &str) -> Result<(), RpcError> {
        if self.version() >= since { Ok(()) } else { Err(self.unknown_subcommand(method)) }
    }

    /// The refusal of a subcommand: a code from v21 on, the help text before.
    fn unknown_subcommand(&self, method: &str) -> RpcError {
        if self.version() >= 210_000 {
            RpcError::parameter("Must be a valid command")
        } else {
            RpcError::new(
                -1,
                format!("{method} \"command\" ...\nSet of commands to execute {method} related actions.\n"),
            )
        }
    }
}

/// Parents whose first parameter is a subcommand.
const PARENTS: [&str; 5] = ["protx", "masternode", "quorum", "spork", "mnsync"];

/// The full name of a call: parent and subcommand, or the method alone.
pub(super) fn full_name(method: &str, params: &Params) -> String {
    match params.text(0) {
        Some(subcommand) if PARENTS.contains(&method) => format!("{method} {subcommand}"),
        _ => method.to_owned(),
    }
}

/// Answers one call.
pub(super) fn answer(context: &Context<'_>, method: &str, params: &Params) -> Result<Reply, RpcError> {
    let subcommand = params.text(0).unwrap_or_default();
    if context.lies.bitcoin && (PARENTS.contains(&method) || method == "masternodelist" || method == "getbestchainlock")
    {
        return Err(RpcError::unknown_method());
    }
    match method {
        "getbestblockhash" => Ok(Value::from(context.tip.hash.to_string()).into()),
        "getblockcount" => Ok(Value::from(context.reported(context.tip.height)).into()),
        "getblockhash" => chain::block_hash(context, params),
        "getblockheader" => chain::block_header(context, params),
        "getblockchaininfo" => Ok(chain::blockchain_info(context).into()),
        "getdeploymentinfo" if context.software.follows_fork() => deployment::info(context, params),
        "getindexinfo" if context.software.follows_fork() => Ok(deployment::indexes(context).into()),
        "getnetworkinfo" => Ok(chain::network_info(context).into()),
        "getbestchainlock" => Ok(chain::best_chain_lock(context).into()),
        "getspecialtxes" => transactions::special_transactions(context, params),
        "getblock" => transactions::block(context, params),
        "getpeerinfo" => Ok(Value::Array(Vec::new()).into()),
        "getconnectioncount" => Ok(Value::from(chain::CONNECTIONS).into()),
        "uptime" => Ok(Value::from(chain::uptime(context)).into()),
        "mnsync" => chain::sync(context, subcommand),
        "spork" => chain::sporks(context, subcommand),
        "masternodelist" => masternode::list(context, params),
        "masternode" => masternode::command(context, subcommand, params),
        "protx" => protx::command(context, subcommand, params),
        "quorum" => quorum::command(context, subcommand, params),
        _ => Err(RpcError::unknown_method()),
    }
}
