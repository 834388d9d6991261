//! The RPC methods of a Dimecoin and of a PRCYcoin node, and their routing.
//!
//! Never here: sockets; the server passes requests and answers.

mod chain;
mod dimecoin;
mod prcycoin;
mod written;

use written::Json;

use super::node::Node;
use super::options::Chain;
use super::state::State;
use crate::network_kind::View;
use crate::random::Hash256;
use crate::rpc::{Lies, Params, Reply, RpcError};

/// The inputs of a method.
struct Context<'a> {
    state: &'a State,
    lies: Lies,
    /// Outpoint `txid-n` of the masternode that the answering node runs.
    masternode: Option<&'a str>,
}

impl Context<'_> {
    /// Height of the newest block that this server knows.
    fn tip(&self) -> u32 {
        self.state.headers.tip().height
    }

    /// A height as this server reports it.
    fn reported(&self, height: u32) -> i64 {
        i64::from(height) + self.lies.height_offset
    }

    /// Whether the masternode data of this server is complete.
    fn synced(&self) -> bool {
        !self.lies.not_synced
    }

    /// The masternode that the answering node runs: unknown to the network, or with its record.
    fn own(&self) -> Option<Option<&Node>> {
        let id = self.masternode?;
        Some(self.state.slot(id).map(|slot| &self.state.nodes[slot]).filter(|node| node.listed))
    }
}

/// The result of a method.
type Answer = Result<Json, RpcError>;

/// Answers one call.
pub(super) fn answer(state: &State, view: &View<'_>, method: &str, params: &Params) -> Result<Reply, RpcError> {
    let context = Context { state, lies: view.lies, masternode: view.masternode };
    let answer = match chain::answer(&context, method, params) {
        Some(answer) => answer,
        None if view.lies.bitcoin => Err(RpcError::unknown_method()),
        None => match state.options.chain {
            Chain::Dimecoin => dimecoin::answer(&context, method, params),
            Chain::Prcycoin => prcycoin::answer(&context, method, params),
        },
    };
    answer.map(|json| Reply::Written(json.into_text()))
}

/// A refusal as the message of an exception: the help text, or the wrong JSON type.
fn misuse(message: impl Into<String>) -> RpcError {
    RpcError::new(-1, message)
}

/// A parameter that must be a text, even for counts; `None` if it is not given.
fn text(params: &Params, index: usize) -> Result<Option<&str>, RpcError> {
    let refusal = || misuse("JSON value is not a string as expected");
    params.get(index).map(|value| value.as_str().ok_or_else(refusal)).transpose()
}

/// A parameter that must be a whole number.
fn integer(params: &Params, index: usize, help: &str) -> Result<i64, RpcError> {
    let value = params.get(index).ok_or_else(|| misuse(help))?;
    value.as_i64().ok_or_else(|| misuse("JSON value is not an integer as expected"))
}

/// A count given as a text, parsed like C's `atoi`.
fn count(params: &Params, index: usize, default: u32) -> Result<u32, RpcError> {
    let Some(text) = text(params, index)? else { return Ok(default) };
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse().unwrap_or_default())
}

/// A parameter that must be a hash.
fn hash(params: &Params, index: usize, help: &str) -> Result<Hash256, RpcError> {
    let text = text(params, index)?.ok_or_else(|| misuse(help))?;
    Hash256::parse(text).ok_or_else(|| RpcError::new(-5, "Block not found"))
}
