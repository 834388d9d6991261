//! A network of any chain for servers and the miner: the only module that knows all chains.
//!
//! Never here: the content of an answer; each chain decides that.

use std::sync::Arc;

use super::history::Block;
use super::legacy;
use super::network::Network;
use super::random::{Hash256, Random};
use super::rpc::{Context, Lies, Params, Reply, RpcError, answer};
use super::rules::chain_facts;
use super::software::Software;
use super::state::State;

/// A simulated network of any chain. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub enum AnyNetwork {
    /// Dash.
    Dash(Network),
    /// Dimecoin or PRCYcoin.
    Legacy(legacy::Network),
}

impl From<Network> for AnyNetwork {
    fn from(network: Network) -> Self {
        Self::Dash(network)
    }
}

impl From<legacy::Network> for AnyNetwork {
    fn from(network: legacy::Network) -> Self {
        Self::Legacy(network)
    }
}

/// The data that an isolated server still has.
#[derive(Clone, Debug)]
pub(super) enum Frozen {
    /// The block at which it stays; the lists of past blocks are kept.
    Dash(Hash256),
    /// A copy of the network at that time, because a node's memory has no history on these chains.
    Legacy(legacy::Network),
}

/// A server's view of its network.
pub(super) struct View<'a> {
    pub(super) frozen: Option<&'a Frozen>,
    /// Blocks that the server is behind.
    pub(super) lag: u32,
    pub(super) lies: Lies,
    /// The masternode that the answering node runs.
    pub(super) masternode: Option<&'a str>,
    /// The node's software, if it differs from that of its network.
    pub(super) software: Option<Software>,
}

impl AnyNetwork {
    /// Mines `blocks` blocks without actions.
    pub fn mine(&self, blocks: usize) {
        match self {
            Self::Dash(network) => network.mine(blocks),
            Self::Legacy(network) => network.mine(blocks),
        }
    }

    /// The data of a server that is isolated at this height.
    pub(super) fn freeze(&self, height: u32) -> Frozen {
        match self {
            Self::Dash(network) => {
                let state = network.lock();
                Frozen::Dash(state.history.active_at(height).unwrap_or_else(|| state.history.tip()).hash)
            }
            Self::Legacy(network) => Frozen::Legacy(network.frozen_at(height)),
        }
    }

    /// The folder of the cookie below the data directory, and the cookie's secret.
    pub(super) fn cookie(&self, port: u16) -> (&'static str, String) {
        let (folder, seed) = match self {
            Self::Dash(network) => {
                let options = &network.lock().options;
                (chain_facts(options.subnet).folder, options.seed)
            }
            Self::Legacy(network) => network.folder_and_seed(),
        };
        (folder, Random::of(&[seed, u64::from(port), 0xc00c1e]).hex(32))
    }

    /// Answers one call.
    pub(super) fn answer(&self, view: &View<'_>, method: &str, params: &Params) -> Result<Reply, RpcError> {
        match self {
            Self::Dash(network) => {
                let whole = network.lock();
                let software = view.software.clone().unwrap_or_else(|| Software::release(whole.options.version));
                let state = whole.side(&software);
                let tip = known_tip(state, view);
                let masternode = view.masternode.and_then(Hash256::parse);
                answer(&Context { state, tip, lies: view.lies, masternode, software: &software }, method, params)
            }
            Self::Legacy(network) => match view.frozen {
                Some(Frozen::Legacy(frozen)) => frozen.answer(view, method, params),
                _ => network.answer(view, method, params),
            },
        }
    }
}

/// The newest block of a frozen or lagging server of a Dash network.
fn known_tip(state: &State, view: &View<'_>) -> Arc<Block> {
    let history = &state.history;
    if let Some(Frozen::Dash(hash)) = view.frozen {
        return Arc::clone(history.block(*hash).unwrap_or_else(|| history.root()));
    }
    let tip = history.tip();
    let height = tip.height.saturating_sub(view.lag).max(history.root().height);
    Arc::clone(history.active_at(height).unwrap_or(tip))
}
