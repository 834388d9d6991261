//! The handle of a simulated network, for tests, the demonstration and servers.
//!
//! Never here: RPC (`rpc`).

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::action::{Action, ActionError};
use super::check::advance_to;
use super::ledger::LedgerEntry;
use super::node::{Node, NodeState, payout_address, stealth_address};
use super::options::{Chain, Options};
use super::rpc;
use super::setup;
use super::state::State;
use crate::network_kind::View;
use crate::options::OptionsError;
use crate::rpc::{Params, Reply, RpcError};

/// A simulated Dimecoin or PRCYcoin network. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Network {
    state: Arc<Mutex<State>>,
}

/// The queried node's view of a masternode, and values that only the simulator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasternodeFacts {
    /// The outpoint, `txid-n`.
    pub masternode: String,
    /// On the list. If it is not, the other fields are those of before.
    pub listed: bool,
    /// Its state as of the last check.
    pub state: NodeState,
    /// The daemon runs. No call shows it.
    pub online: bool,
    /// Unix time of the start message (`lastseen - activeseconds`).
    pub started: u64,
    /// Unix time of the last valid ping.
    pub seen: u64,
    /// IP address and port.
    pub service: String,
    /// Dimecoin's payout address, or PRCYcoin's stealth address.
    pub payout: String,
    /// Height of the collateral's block.
    pub collateral_height: u32,
    /// Confirmations of the collateral, 0 once it is spent.
    pub confirmations: u32,
    /// Dimecoin's hidden score, 0 to 5. No call shows it.
    pub score: u32,
    /// First height after the current ban.
    pub banned_until: Option<u32>,
    /// Height of the last payment that the queried node remembers, 0 without one; always 0 on PRCYcoin.
    pub last_paid_height: u32,
    /// Its Unix time; on PRCYcoin the list's `lastpaid`.
    pub last_paid_time: u64,
}

/// The current queue for the payment of one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFacts {
    /// Outpoints of all candidates, the longest unpaid first.
    pub candidates: Vec<String>,
    /// Number of candidates among them that can be selected.
    pub pool: usize,
    /// The elected masternode.
    pub elected: Option<String>,
}

impl Network {
    /// Sets a network up.
    ///
    /// # Errors
    ///
    /// If the options are invalid.
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        Ok(Self::of(setup::network(options)?))
    }

    /// Height and hash of the newest block.
    #[must_use]
    pub fn tip(&self) -> (u32, String) {
        let tip = self.lock().headers.tip();
        (tip.height, tip.hash.to_string())
    }

    /// Unix time of the newest block.
    #[must_use]
    pub fn tip_time(&self) -> u64 {
        self.lock().headers.tip().time
    }

    /// The simulated Unix time.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.lock().now
    }

    /// Hash of the block of the active branch at this height.
    #[must_use]
    pub fn block_hash(&self, height: u32) -> Option<String> {
        self.lock().headers.at(height).map(|header| header.hash.to_string())
    }

    /// Mines `blocks` blocks; the time of each block passes before it.
    pub fn mine(&self, blocks: usize) {
        for _ in 0..blocks {
            self.lock().mine();
        }
    }

    /// Advances the time without a block, in whole seconds.
    pub fn advance(&self, time: Duration) {
        let mut state = self.lock();
        let later = state.now + time.as_secs();
        advance_to(&mut state, later);
    }

    /// Replaces the last `depth` blocks by `blocks` new ones. Votes, bans and remembered payments stay: they are in the
    /// node's memory and belong to no block.
    ///
    /// # Errors
    ///
    /// If the blocks are no longer kept.
    pub fn reorg(&self, depth: usize, blocks: usize) -> Result<(), ActionError> {
        self.lock().reorg(depth, blocks)
    }

    /// Applies an action of an operator or an owner now.
    ///
    /// # Errors
    ///
    /// If the chain does not allow it; the state is then unchanged.
    pub fn act(&self, action: &Action) -> Result<(), ActionError> {
        self.lock().act(action)
    }

    /// Outpoints `txid-n` of all listed masternodes, in the order of their arrival.
    #[must_use]
    pub fn masternodes(&self) -> Vec<String> {
        self.lock().listed().map(Node::id).collect()
    }

    /// The known values of a masternode, even of one that left the list.
    #[must_use]
    pub fn masternode(&self, masternode: &str) -> Option<MasternodeFacts> {
        let state = self.lock();
        state.slot(masternode).map(|slot| facts(&state, &state.nodes[slot]))
    }

    /// Listed and enabled masternodes.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.listed().count(), state.enabled())
    }

    /// The queue for the payment of this height, as it is now.
    #[must_use]
    pub fn queue(&self, height: u32) -> QueueFacts {
        let state = self.lock();
        let queue = state.queue(height);
        QueueFacts {
            pool: state.pool_size(queue.len()),
            candidates: queue.into_iter().map(Node::id).collect(),
            elected: state.elect(height).map(Node::id),
        }
    }

    /// PRCYcoin: the masternode that the next proof-of-stake block pays.
    #[must_use]
    pub fn best_ranked(&self) -> Option<String> {
        self.lock().best_ranked().map(Node::id)
    }

    /// Votes for a height: payout addresses with their votes, in the order of their first votes.
    #[must_use]
    pub fn votes(&self, height: u32) -> Vec<(String, u32)> {
        let state = self.lock();
        let tallies = state.votes.at(height).iter();
        tallies.map(|tally| (payout_text(&state, tally.payout), tally.votes)).collect()
    }

    /// Recent events, the oldest first.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.ledger_since(0)
    }

    /// Recent events from this height on.
    #[must_use]
    pub fn ledger_since(&self, height: u32) -> Vec<LedgerEntry> {
        self.lock().ledger.iter().filter(|entry| entry.height >= height).cloned().collect()
    }

    /// A copy of the current state whose chain ends at this height, or at the tip if that is lower.
    pub(crate) fn frozen_at(&self, height: u32) -> Self {
        let mut state = self.lock().clone();
        state.headers.forget_above(height);
        Self::of(state)
    }

    /// The folder of the chain below the data directory, and the network's seed.
    pub(crate) fn folder_and_seed(&self) -> (&'static str, u64) {
        let state = self.lock();
        (state.names.folder, state.options.seed)
    }

    /// Answers one call.
    pub(crate) fn answer(&self, view: &View<'_>, method: &str, params: &Params) -> Result<Reply, RpcError> {
        if view.lag > 0 {
            let height = self.tip().0.saturating_sub(view.lag);
            return rpc::answer(&self.frozen_at(height).lock(), view, method, params);
        }
        rpc::answer(&self.lock(), view, method, params)
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held is a failed test; the others may continue with the current state.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A payout address as the chain shows it.
pub(super) fn payout_text(state: &State, payout: u32) -> String {
    match state.options.chain {
        Chain::Dimecoin => payout_address(state.options.seed, payout, state.names),
        Chain::Prcycoin => stealth_address(state.options.seed, payout),
    }
}

fn facts(state: &State, node: &Node) -> MasternodeFacts {
    let (last_paid_height, last_paid_time) = match state.options.chain {
        Chain::Dimecoin => state.remembered.get(&node.payout).map_or((0, 0), |paid| (paid.height, paid.time)),
        Chain::Prcycoin => (0, state.prcycoin_last_paid(node, &state.prcycoin_paid())),
    };
    MasternodeFacts {
        masternode: node.id(),
        listed: node.listed,
        state: node.state,
        online: node.online,
        started: node.started,
        seen: node.seen,
        service: node.service(state.names),
        payout: payout_text(state, node.payout),
        collateral_height: node.born,
        confirmations: node.confirmations(state.headers.tip().height),
        score: node.score,
        banned_until: node.banned_until,
        last_paid_height,
        last_paid_time,
    }
}
