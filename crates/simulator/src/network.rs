//! The handle of a simulated network, for tests, the demo and servers.
//!
//! Never here: RPC (`server`).

use std::sync::{Arc, Mutex, MutexGuard};

use super::action::{Action, ActionError};
use super::block::shared_hash;
use super::ledger::LedgerEntry;
use super::masternode::Masternode;
use super::options::{Options, OptionsError};
use super::random::Hash256;
use super::rules::{failure_points, maximum_score};
use super::state::State;

/// The protocols of 23.1.2 and of 24.0.
const OLD_PROTOCOL: u32 = 70_240;
const NEW_PROTOCOL: u32 = 70_242;

/// Each member of a session with whether it participated; empty if the session failed as a whole.
pub type SessionMembers = Option<Vec<(String, bool)>>;

/// A simulated network. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Network {
    state: Arc<Mutex<State>>,
}

/// The state of a masternode at the tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasternodeFacts {
    /// The proTxHash.
    pub masternode: String,
    /// An Evo node.
    pub evo: bool,
    /// PoSe score.
    pub score: u32,
    /// Height of the current ban.
    pub ban_height: Option<u32>,
    /// Height of the last revival.
    pub revived_height: Option<u32>,
    /// Height of the registration.
    pub registered_height: u32,
    /// Height of the last payment; 0 = never.
    pub last_paid_height: u32,
    /// Consecutive payments so far, before MN_RR.
    pub consecutive_payments: u32,
    /// Reason of a revocation, 0 without one.
    pub revocation_reason: u8,
    /// IP address and port, `[::]:0` without one.
    pub service: String,
    /// Address of the owner's payments.
    pub payout_address: String,
    /// Operator key, all zeros after a revocation.
    pub operator_key: String,
    /// Transaction and output of the collateral as `txid-n`.
    pub collateral: String,
    /// Fails each DKG session it is a member of.
    pub offline: bool,
    /// Version of its state: 1, 2, or 3 after a migration.
    pub version: u8,
    /// Protocol of its software: 70240 or 70242 on a network with the fork of Dash 24.
    pub protocol: u32,
    /// Its own addresses, the primary one first.
    pub addresses: Vec<String>,
    /// Payees of the owners' part, in order, with the amount of each for a payment of 10,000 to the owners.
    pub payees: Vec<(String, u64)>,
    /// Addresses of the owners; several for a shared masternode.
    pub owners: Vec<String>,
    /// Several owners hold the collateral.
    pub shared: bool,
    /// It belongs to the owner of many masternodes, see [`Fork::one_owner`](super::Fork::one_owner).
    pub of_one_owner: bool,
}

impl Network {
    /// Sets a network up.
    ///
    /// # Errors
    ///
    /// If the options are invalid.
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        Ok(Self { state: Arc::new(Mutex::new(State::new(options)?)) })
    }

    /// Height and hash of the newest block.
    #[must_use]
    pub fn tip(&self) -> (u32, String) {
        let state = self.lock();
        let tip = state.history.tip();
        (tip.height, tip.hash.to_string())
    }

    /// Unix time of the newest block.
    #[must_use]
    pub fn tip_time(&self) -> u64 {
        self.lock().history.tip().time
    }

    /// Hash of the block of the active branch at this height.
    #[must_use]
    pub fn block_hash(&self, height: u32) -> Option<String> {
        self.lock().active_hash(height).map(|hash| hash.to_string())
    }

    /// Mines `blocks` blocks without actions.
    pub fn mine(&self, blocks: usize) {
        for _ in 0..blocks {
            self.lock().mine(&[]).expect("a block without actions is always valid");
        }
    }

    /// Mines one block with the actions, in their order; returns its hash.
    ///
    /// # Errors
    ///
    /// If the chain does not allow an action; no block is mined then.
    pub fn mine_with(&self, actions: &[Action]) -> Result<String, ActionError> {
        let mut state = self.lock();
        state.mine(actions)?;
        Ok(state.history.tip().hash.to_string())
    }

    /// Replaces the last `depth` blocks by as many new ones as there are entries in `blocks`, each with its actions.
    /// The events of the abandoned blocks are reverted, unless their actions are given again.
    ///
    /// # Errors
    ///
    /// If the blocks are no longer kept, or an action is not allowed: blocks before that one stay mined.
    pub fn reorg(&self, depth: usize, blocks: &[Vec<Action>]) -> Result<(), ActionError> {
        self.lock().reorg(depth, blocks)
    }

    /// Takes a masternode offline or online. Offline it fails each session that ends from now on.
    ///
    /// # Errors
    ///
    /// If the masternode is not on the list.
    pub fn set_offline(&self, masternode: &str, offline: bool) -> Result<(), ActionError> {
        let mut state = self.lock();
        let slot = find(&state, masternode)?.slot;
        if offline {
            state.offline.insert(slot);
        } else {
            state.offline.remove(&slot);
        }
        Ok(())
    }

    /// Sets whether a masternode runs protocol 70240. Then it fails each session in which enough other members run 70242.
    ///
    /// # Errors
    ///
    /// If the masternode is not on the list.
    pub fn set_outdated(&self, masternode: &str, outdated: bool) -> Result<(), ActionError> {
        let mut state = self.lock();
        let slot = find(&state, masternode)?.slot;
        if outdated {
            state.outdated.insert(slot);
        } else {
            state.outdated.remove(&slot);
        }
        Ok(())
    }

    /// The first block under the rules of Dash 24, once the signal of the fork is mined.
    #[must_use]
    pub fn activation_height(&self) -> Option<u32> {
        self.lock().activation()
    }

    /// The proTxHash of the existing or future shared masternode of this number.
    #[must_use]
    pub fn shared_masternode(&self, number: u32) -> String {
        shared_hash(self.lock().options.seed, number).to_string()
    }

    /// Height and hash of the newest block of the branch that does not follow the fork; `None` before the fork.
    #[must_use]
    pub fn old_tip(&self) -> Option<(u32, String)> {
        let state = self.lock();
        let tip = state.old.as_ref()?.state.history.tip();
        Some((tip.height, tip.hash.to_string()))
    }

    /// Mines `blocks` blocks on the branch that does not follow the fork; none before the fork.
    pub fn mine_old(&self, blocks: usize) {
        let mut state = self.lock();
        let Some(old) = &mut state.old else { return };
        for _ in 0..blocks {
            old.state.extend(&[]);
        }
    }

    /// The payees and amounts of the masternode payment in the kept block of the active branch at this height, in the
    /// order of the coinbase, the operator last. Only on a network with the fork of Dash 24.
    #[must_use]
    pub fn payees_at(&self, height: u32) -> Vec<(String, u64)> {
        let state = self.lock();
        let payee = state.history.active_at(height).and_then(|block| block.payee);
        payee.map_or_else(Vec::new, |node| node.split(super::payment::payment_amount(height), state.facts))
    }

    /// Sets or clears the platform's ban of an Evo node, which every server reports in `metaInfo`. It is not part of
    /// consensus and does not ban by itself.
    ///
    /// # Errors
    ///
    /// If the masternode is not on the list.
    pub fn set_platform_banned(&self, masternode: &str, banned: bool) -> Result<(), ActionError> {
        let mut state = self.lock();
        let slot = find(&state, masternode)?.slot;
        let height = state.history.tip().height;
        if banned {
            state.platform_bans.insert(slot, height);
        } else {
            state.platform_bans.remove(&slot);
        }
        Ok(())
    }

    /// The proTxHashes of all registered masternodes, in the order of their registration with the network.
    #[must_use]
    pub fn masternodes(&self) -> Vec<String> {
        self.lock().list.iter().map(|node| node.hash.to_string()).collect()
    }

    /// The valid masternodes in the order of payment, the next one first, at most `count`.
    #[must_use]
    pub fn payment_queue(&self, count: usize) -> Vec<String> {
        self.lock().list.queue().take(count).map(|node| node.hash.to_string()).collect()
    }

    /// The state of a masternode at the tip.
    #[must_use]
    pub fn masternode(&self, masternode: &str) -> Option<MasternodeFacts> {
        let state = self.lock();
        let node = *find(&state, masternode).ok()?;
        Some(facts(&state, &node))
    }

    /// Registered and valid masternodes at the tip.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.list.registered(), state.list.valid())
    }

    /// Maximum score, and points of one failed DKG, in the next block.
    #[must_use]
    pub fn limits(&self) -> (u32, u32) {
        let maximum = maximum_score(self.lock().list.registered());
        (maximum, failure_points(maximum))
    }

    /// Events in the kept blocks of the active branch, the oldest first.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.ledger_since(0)
    }

    /// Events in the kept blocks of the active branch from this height on.
    #[must_use]
    pub fn ledger_since(&self, height: u32) -> Vec<LedgerEntry> {
        let state = self.lock();
        let mut entries = Vec::new();
        for block in state.history.active().filter(|block| block.height >= height) {
            let hash = block.hash.to_string();
            entries.extend(block.notes.iter().map(|note| LedgerEntry {
                height: block.height,
                hash: hash.clone(),
                masternode: note.masternode.to_string(),
                kind: note.kind,
                change: note.values(state.facts),
            }));
        }
        entries
    }

    /// What lists show of the ledger from this height on, sorted: height, masternode, and event in words.
    pub fn shown_since(&self, height: u32) -> Vec<(u32, String, String)> {
        let step = self.limits().1;
        let entries = self.ledger_since(height).into_iter();
        let mut shown: Vec<_> = entries
            .flat_map(|entry| {
                entry.shown(step).into_iter().map(move |kind| (entry.height, entry.masternode.clone(), kind))
            })
            .collect();
        shown.sort();
        shown
    }

    /// The amount that the block at a height pays to its payee, in duffs.
    #[must_use]
    pub fn payment_amount(height: u32) -> u64 {
        super::payment::payment_amount(height)
    }

    /// Results of the sessions that ended in kept blocks of the active branch from this height on: the height, the
    /// quorum type, and the members.
    #[must_use]
    pub fn sessions_since(&self, height: u32) -> Vec<(u32, &'static str, SessionMembers)> {
        let state = self.lock();
        let mut ended = Vec::new();
        for commitment in
            state.history.active().filter(|block| block.height >= height).flat_map(|block| &block.commitments)
        {
            let session = &commitment.session;
            let members =
                session.members.iter().zip(&commitment.valid).map(|(member, valid)| (member.hash.to_string(), *valid));
            if !commitment.is_null() {
                ended.push((commitment.height, session.kind.name, Some(members.collect())));
            } else if commitment.height - session.cycle == session.kind.window.1 {
                ended.push((commitment.height, session.kind.name, None));
            }
        }
        ended
    }

    /// The chain, locked briefly.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held is a failed test; the others may continue with the current state.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn find<'a>(state: &'a State, masternode: &str) -> Result<&'a Masternode, ActionError> {
    Hash256::parse(masternode)
        .and_then(|hash| state.list.find(hash))
        .ok_or_else(|| ActionError::UnknownMasternode(masternode.to_owned()))
}

fn facts(state: &State, node: &Masternode) -> MasternodeFacts {
    MasternodeFacts {
        masternode: node.hash.to_string(),
        evo: node.evo,
        score: node.score,
        ban_height: node.ban,
        revived_height: node.revived,
        registered_height: node.registered,
        last_paid_height: node.last_paid,
        consecutive_payments: node.consecutive,
        revocation_reason: node.revocation,
        service: node.service(state.facts),
        payout_address: node.payout_address(state.facts),
        operator_key: node.operator_key_hex(),
        collateral: node.outpoint(),
        offline: state.offline.contains(&node.slot),
        version: node.version,
        protocol: if state.outdated.contains(&node.slot) { OLD_PROTOCOL } else { NEW_PROTOCOL },
        addresses: node.core_addresses(state.facts),
        payees: Masternode { operator_payout: 0, ..*node }.split(10_000, state.facts),
        owners: node.owners(state.facts),
        shared: node.is_shared(),
        of_one_owner: node.owner > 0,
    }
}
