//! The RPC calls: one function for each method, with its parameters and the parser of its answer.
//!
//! Never here: requests (`client`); the format of an answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::meters::NotUnderstood;
use crate::rpc::client::Client;
use crate::rpc::dash::answers::{self, ChainInfo, Count, Header, NetworkInfo, SyncStatus};
use crate::rpc::dash::quorums::{Commitment, FormedQuorum, QuorumMembers};
use crate::rpc::dash::rotation::RotationInfo;
use crate::rpc::dash::special::SpecialTransactions;
use crate::rpc::dash::{forks, quorums, rotation, sessions, sml_diff, special};
use crate::rpc::dialect::{Parameter, Payees, Shape};
use crate::rpc::error::{ErrorKind, RpcError};
use crate::rpc::legacy::{self, payees};
use crate::rpc::masternode_status::{self, OwnMasternode};
use crate::rpc::methods;
use crate::rpc::node;
use crate::rpc::registered::Registered;
use domain::deployment::Forks;
use domain::event::Output;
use domain::list_proof::ProofDiff;
use domain::payment::Vote;
use domain::quorum_selection::QuorumModifierInput;
use domain::{Block, BlockHash, Duffs, ForeignText, Height, ListDiff, Masternode, MasternodeId, Outpoint};

/// Codes with which nodes report that they are no masternode (recorded from all three chains), and on PRCYCoin also that a
/// masternode is not active.
const NO_MASTERNODE: [i64; 2] = [-32603, -1];

/// A special transaction of any type.
const ALL_TYPES: i8 = -1;

/// Most transactions that are read: a block of a rotation has 35 commitments on mainnet.
const MOST_TRANSACTIONS: u32 = 200;

/// The level of `quorum dkgstatus` that names members.
const WITH_MEMBERS: u8 = 2;

/// Verbosity with decoded transactions.
const DECODED: u8 = 2;

impl Client {
    /// Hash of the node's tip.
    pub async fn best_block_hash(&self) -> Result<BlockHash, RpcError> {
        self.call(&methods::GET_BEST_BLOCK_HASH, json!([]), answers::block_hash).await
    }

    /// Hash of the block of the active branch at a height.
    pub async fn block_hash(&self, height: Height) -> Result<BlockHash, RpcError> {
        self.call(&methods::GET_BLOCK_HASH, json!([height.0]), answers::block_hash).await
    }

    /// A block's header.
    pub async fn block_header(&self, hash: BlockHash) -> Result<Header, RpcError> {
        let header = self.call(&methods::GET_BLOCK_HEADER, json!([hash.to_string()]), answers::header).await?;
        if header.block.hash != hash {
            return Err(
                self.error(&methods::GET_BLOCK_HEADER, ErrorKind::malformed("it contains the header of another block"))
            );
        }
        Ok(header)
    }

    /// Chain, sync state and forks.
    pub async fn chain_info(&self) -> Result<ChainInfo, RpcError> {
        self.call(&methods::GET_BLOCKCHAIN_INFO, json!([]), answers::chain_info).await
    }

    /// Software and version.
    pub async fn network_info(&self) -> Result<NetworkInfo, RpcError> {
        self.call(&methods::GET_NETWORK_INFO, json!([]), answers::network_info).await
    }

    /// Sync state of the masternode list and the votes.
    pub async fn sync_status(&self) -> Result<SyncStatus, RpcError> {
        let method = self.known(self.dialect().sync)?;
        self.call(method, self.params(method, []), answers::sync_status).await
    }

    /// The highest block with a ChainLock; `None` if the node knows none yet.
    pub async fn chainlock(&self) -> Result<Option<(Height, BlockHash)>, RpcError> {
        let method = self.known(self.dialect().chainlock)?;
        match self.call(method, json!([]), answers::chainlock).await {
            Ok(lock) => Ok(Some(lock)),
            // "Unable to find any ChainLock" (docs/spec/recorded-answers.md#traps).
            Err(error) if matches!(error.kind, ErrorKind::Call { code: -32603, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Number of masternodes. It determines the read limit of the list and its changes.
    pub async fn masternode_count(&self) -> Result<Count, RpcError> {
        let method = self.known(self.dialect().count)?;
        // Without a subcommand, `masternode count` of the older chains is one number.
        let all = (*method == methods::MASTERNODE_COUNT && self.dialect().string_arguments).then(|| json!("all"));
        let count = self.call(method, self.params(method, all), answers::count).await?;
        self.inner.limits.counted(count.total);
        Ok(count)
    }

    /// Sporks with their values, by name.
    pub async fn sporks(&self) -> Result<Vec<(ForeignText, i64)>, RpcError> {
        let method = self.known(self.dialect().sporks)?;
        self.call(method, self.params(method, []), answers::sporks).await
    }

    /// The payees with the most votes for their height, from `back` blocks below the tip on.
    pub async fn votes(&self, back: u32) -> Result<Vec<Vote>, RpcError> {
        let method = self.known(self.dialect().winners)?;
        self.call(method, self.params(method, [self.number(back)]), legacy::answers::votes).await
    }

    /// The block of a collateral while the node's tip is `tip`; `None` if it is spent, or if the tip changed.
    pub async fn collateral_height(&self, outpoint: &Outpoint, tip: &Block) -> Result<Option<Height>, RpcError> {
        let method = self.known(self.dialect().collateral)?;
        let tip = *tip;
        let read = move |body: &[u8]| legacy::answers::collateral_height(body, &tip);
        self.call(method, json!([outpoint.txid.to_string(), outpoint.index]), read).await
    }

    /// One masternode at the tip, or after a block.
    pub async fn masternode(&self, id: &MasternodeId, at: Option<&BlockHash>) -> Result<Masternode, RpcError> {
        let method = match self.dialect().list.shape {
            Shape::ProTx { info, .. } => self.known(info)?,
            _ => self.known(None)?,
        };
        let arguments = [Some(json!(id.to_string())), at.map(|block| json!(block.to_string()))];
        let params = self.params(method, arguments.into_iter().flatten());
        let masternode = self.call(method, params, answers::masternode).await?;
        if masternode.id != *id {
            return Err(self.error(method, ErrorKind::malformed("it describes another masternode")));
        }
        Ok(masternode)
    }

    /// All registered masternodes: after the block at a height if the node supports it ([`Dialect::is_pinned`]),
    /// otherwise at the tip. `expected` is their approximate number.
    pub async fn registered(&self, height: Height, expected: usize) -> Result<Registered, RpcError> {
        let call = &self.dialect().list;
        let parameters = call.parameters.iter().map(|parameter| match parameter {
            Parameter::Text(text) => json!(text),
            Parameter::Whole(number) if self.dialect().string_arguments => json!(number.to_string()),
            Parameter::Whole(number) => json!(number),
            Parameter::Flag(flag) => json!(flag),
        });
        let pin = self.dialect().is_pinned().then(|| json!(height.0));
        let params = self.params(call.method, parameters.chain(pin));
        let list = match call.shape {
            Shape::ProTx { .. } => self.streamed(call.method, params, expected).await?,
            ref shape => {
                let (states, most) = (&self.inner.settings.states, self.inner.limits.masternodes());
                let read = |body: &[u8]| legacy::answers::registered(body, shape, states, most);
                self.call(call.method, params, read).await?
            }
        };
        let list = list.distinct().map_err(|kind| self.error(call.method, kind))?;
        let not_understood = list.unreadable.len() as u64 + list.lacking;
        self.inner.meters.not_understood(NotUnderstood::ListEntry, not_understood);
        Ok(list)
    }

    /// The changes between two blocks.
    pub async fn list_diff(&self, base: &Block, target: &Block) -> Result<ListDiff, RpcError> {
        let method = self.known(self.dialect().diff())?;
        let params = self.params(method, [json!(base.hash.to_string()), json!(target.hash.to_string())]);
        let (diff, unknown) = self.call(method, params, |body| answers::list_diff(body, base, target)).await?;
        unknown.count_in(&self.inner.meters);
        Ok(diff)
    }

    /// A number in the form that the chain's masternode calls expect.
    fn number(&self, number: u32) -> Value {
        if self.dialect().string_arguments { json!(number.to_string()) } else { json!(number) }
    }

    /// The node's indexes, see [`node::indexes`].
    pub async fn indexes(&self) -> Result<BTreeMap<ForeignText, bool>, RpcError> {
        let method = self.known(self.dialect().indexes)?;
        self.call(method, json!([]), node::indexes).await
    }

    /// The maximum size of the node's mempool in bytes; `None` if it does not report it.
    pub async fn mempool_limit(&self) -> Result<Option<u64>, RpcError> {
        let method = self.known(self.dialect().mempool)?;
        self.call(method, json!([]), node::mempool_limit).await
    }

    /// The masternode status of the node; `None` if it is none. An error that describes a masternode is its status.
    pub async fn own_masternode(&self) -> Result<Option<OwnMasternode>, RpcError> {
        let method = self.known(self.dialect().own)?;
        match self.call(method, self.params(method, []), masternode_status::own_masternode).await {
            Ok(own) => Ok(Some(own)),
            Err(error) => match error.kind() {
                ErrorKind::Call { code, message } if NO_MASTERNODE.contains(code) => {
                    Ok(masternode_status::of_refusal(message))
                }
                _ => Err(error),
            },
        }
    }

    /// The forks at the tip: some nodes report them only here (v24), older ones do not know the method.
    pub async fn deployments(&self) -> Result<Forks, RpcError> {
        let method = self.known(self.dialect().deployments)?;
        self.call(method, json!([]), forks::deployments).await
    }

    /// The fork-related content of the special transactions of a block.
    pub async fn special_transactions(&self, block: &BlockHash) -> Result<SpecialTransactions, RpcError> {
        let method = self.known(self.dialect().special)?;
        self.call(method, json!([block.to_string(), ALL_TYPES, MOST_TRANSACTIONS, 0, 2]), special::transactions).await
    }

    /// The quorums whose commitment a block has, including quorums with failed members. The block may be an old one.
    pub async fn quorums_formed_in(&self, block: &Block) -> Result<Vec<FormedQuorum>, RpcError> {
        let method = self.known(self.dialect().quorums.map(|(list, _)| list))?;
        let block = *block;
        let params = self.params(method, [json!(block.height.0)]);
        self.call(method, params, move |body| quorums::formed_in(body, &block.hash)).await
    }

    /// The quorums of a type that are active at a height.
    pub async fn active_quorums(&self, kind: &'static str, at: Height) -> Result<Vec<FormedQuorum>, RpcError> {
        let method = self.known(self.dialect().quorums.map(|(list, _)| list))?;
        self.call(method, self.params(method, [json!(at.0)]), |body| quorums::active_of(body, kind)).await
    }

    /// The members of a quorum. `quorum_type` is the number of its type.
    pub async fn quorum_members(&self, quorum_type: u8, hash: &BlockHash) -> Result<QuorumMembers, RpcError> {
        let method = self.known(self.dialect().quorums.map(|(_, info)| info))?;
        let params = self.params(method, [json!(quorum_type), json!(hash.to_string())]);
        self.call(method, params, quorums::members).await
    }

    /// The commitments in a block, including null commitments.
    pub async fn commitments(&self, block: &BlockHash) -> Result<Vec<Commitment>, RpcError> {
        let method = self.known(self.dialect().special)?;
        self.call(method, quorums::of_commitments(block), quorums::commitments).await
    }

    /// The commitments in a block, if their answer was requested ahead; it stays.
    pub fn commitments_ahead(&self, block: &BlockHash) -> Vec<Commitment> {
        let Some(method) = self.dialect().special else { return Vec::new() };
        let answer = self.inner.answers.read(method, &quorums::of_commitments(block), quorums::commitments);
        answer.and_then(Result::ok).unwrap_or_default()
    }

    /// Keeps the answers that are used from now on and cannot change, until [`Client::forget_answers`]: a repeated attempt does
    /// not ask for them again.
    pub fn keep_answers(&self) {
        self.inner.answers.keep_used();
    }

    /// Drops the answers to calls that were made ahead and not used, and those that were kept.
    pub fn forget_answers(&self) {
        self.inner.answers.clear();
    }

    /// The amounts and addresses that a block pays, if its coinbase is a special transaction.
    pub async fn block_outputs(&self, block: &BlockHash) -> Result<Vec<Output>, RpcError> {
        let method = self.known(self.dialect().special)?;
        self.call(method, quorums::of_coinbase(block), quorums::outputs).await
    }

    /// The newest quorum of each type at a block, see [`quorums::newest`].
    pub async fn newest_quorums(&self, height: Height) -> Result<BTreeMap<ForeignText, (Height, BlockHash)>, RpcError> {
        let method = self.known(self.dialect().quorums.map(|(list, _)| list))?;
        self.call(method, self.params(method, [json!(height.0)]), quorums::newest).await
    }

    /// Names of the quorum types for which the network currently holds sessions.
    pub async fn quorum_types(&self) -> Result<Vec<ForeignText>, RpcError> {
        let method = self.known(self.dialect().quorums.map(|(list, _)| list))?;
        self.call(method, self.params(method, []), quorums::types).await
    }

    /// The sessions in progress of which the node is a member or which it watches.
    pub async fn sessions(&self) -> Result<sessions::SeenSessions, RpcError> {
        let method = self.known(self.dialect().sessions.map(|(status, _)| status))?;
        self.call(method, self.params(method, [json!(WITH_MEMBERS)]), sessions::sessions).await
    }

    /// Blocks until the next session of any type begins, whatever its members are.
    pub async fn blocks_to_next_session(&self) -> Result<u32, RpcError> {
        let method = self.known(self.dialect().sessions.map(|(_, next)| next))?;
        self.call(method, self.params(method, []), sessions::blocks_to_next).await
    }

    /// The changes of the simplified list from an earlier block to a later one, with the proof of the later one; from the first
    /// block if none is given.
    pub async fn sml_diff(&self, base: Option<&BlockHash>, target: &BlockHash) -> Result<ProofDiff, RpcError> {
        let method = self.known(self.dialect().sml_diff)?;
        // Block 1 has no masternodes; the genesis block is not accepted.
        let base = base.map_or_else(|| json!(1), |base| json!(base.to_string()));
        let params = self.params(method, [base, json!(target.to_string())]);
        let target = *target;
        self.call(method, params, move |body| sml_diff::sml_diff(body, &target)).await
    }

    /// The quorum modifier input of a block; `None` before the fork v20.
    pub async fn quorum_modifier_input(&self, block: &Block) -> Result<Option<QuorumModifierInput>, RpcError> {
        let method = self.known(self.dialect().special)?;
        let block = *block;
        self.call(method, quorums::of_coinbase(&block.hash), move |body| sml_diff::quorum_modifier_input(body, &block))
            .await
    }

    /// What the node stored of the quarters before the newest cycle at or below a block. `bases` are blocks whose lists the answer
    /// need not repeat: with the work blocks it is small.
    ///
    /// # Errors
    /// When the node refuses or does not know the method, or has no snapshot of one of the cycles.
    pub async fn rotation_info(&self, at: &BlockHash, bases: &[BlockHash]) -> Result<RotationInfo, RpcError> {
        let method = self.known(self.dialect().rotation)?;
        let bases: Vec<_> = bases.iter().map(|base| json!(base.to_string())).collect();
        let before = [json!(at.to_string()), json!(false)];
        let one_array = self.params(method, before.iter().cloned().chain([json!(bases)]));
        match self.call(method, one_array, rotation::rotation_info).await {
            // Before version 23 each base is a parameter of its own.
            Err(error) if matches!(error.kind(), ErrorKind::Call { .. }) => {
                let separate = self.params(method, before.into_iter().chain(bases));
                self.call(method, separate, rotation::rotation_info).await
            }
            answer => answer,
        }
    }

    /// The outputs of a block that can pay a masternode, see [`payees::outputs`].
    pub async fn payee_outputs(&self, block: &BlockHash) -> Result<Vec<(ForeignText, Option<Duffs>)>, RpcError> {
        let method = self.known(self.dialect().payees.map(|_| &methods::GET_BLOCK))?;
        self.counting_payees(self.call(method, json!([block.to_string(), DECODED]), payees::outputs).await)
    }

    /// Whether a block of a chain that hides payees pays a masternode.
    pub async fn pays_masternode(&self, block: &BlockHash) -> Result<bool, RpcError> {
        let method =
            self.known(self.dialect().payees.filter(|payees| *payees == Payees::Kind).map(|_| &methods::GET_BLOCK))?;
        self.counting_payees(self.call(method, json!([block.to_string()]), payees::pays).await)
    }

    fn counting_payees<T>(&self, read: Result<T, RpcError>) -> Result<T, RpcError> {
        if read.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Malformed { .. })) {
            self.inner.meters.not_understood(NotUnderstood::PayoutForm, 1);
        }
        read
    }
}
