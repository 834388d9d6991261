//! One source of a network: its identity, its sync state, and why it is refused.
//!
//! Never here: the use of its answers (`follower`).

use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use crate::follower::availability::{Availability, is_queue_full};
use crate::follower::capabilities::Capabilities;
use crate::follower::settings::{ExpectedNetwork, FollowerSettings};
use crate::follower::source_forks::SourceForks;
use crate::follower::source_health::SourceReports;
use crate::rpc::dash::special::SpecialTransactions;
use crate::rpc::{ChainInfo, Client, ErrorKind, RpcError};
use domain::chain::Subnet;
use domain::list::Block;
use domain::list_proof::{ListMismatch, ListProofStatus};
use domain::masternode::{BlockHash, Height};
use domain::network_state::Moment;

/// Headers by which a node may be ahead of its own blocks before it counts as syncing.
const HEADERS_AHEAD: u32 = 3;

/// The identity of a network as a node reports it: two sources are of one network if both fields are equal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identity {
    /// `getblockchaininfo.chain`.
    pub(super) chain: String,
    /// Hash of block 0.
    pub(super) genesis: BlockHash,
}

impl Identity {
    pub(super) fn subnet(&self) -> Subnet {
        Subnet::from_chain_name(&self.chain)
    }

    fn is(&self, expected: &ExpectedNetwork) -> bool {
        match expected {
            ExpectedNetwork::Chain(chain) => self.chain == *chain,
            ExpectedNetwork::Genesis(hash) => self.genesis == *hash,
        }
    }
}

/// Why a source is not usable.
#[derive(Debug)]
pub(super) enum SourceError {
    /// A call failed.
    Rpc(RpcError),
    /// It is on another chain or network: its configuration must change, waiting does not help.
    WrongNetwork(String),
    /// It reports that it is not in sync.
    NotSynced(String),
    /// Its tip is behind what was published.
    Behind(Height),
    /// Another block arrived during the read of a list that is always the current one: it is read again.
    Moved,
    /// It does not follow the activation of v24 at this height.
    LeftBehind { version: u32, height: Height },
    /// It contradicts itself.
    Contradiction(String),
    /// Its list is not the one to which the block commits.
    Refuted(Arc<ListMismatch>),
}

impl From<RpcError> for SourceError {
    fn from(error: RpcError) -> SourceError {
        SourceError::Rpc(error)
    }
}

impl std::fmt::Display for SourceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SourceError::Rpc(error) => error.fmt(f),
            SourceError::WrongNetwork(why) => {
                write!(f, "wrong network: {why}; configure the URL of a node on the right network")
            }
            SourceError::NotSynced(why) => {
                write!(f, "the node is not in sync ({why}), so its masternode list is outdated; retrying until it is")
            }
            SourceError::Behind(height) => {
                write!(f, "the node's tip, height {height}, is behind the tip that was already followed")
            }
            SourceError::Moved => f.write_str("a new block arrived during each read of the list; retrying"),
            SourceError::LeftBehind { version, height } => write!(
                f,
                "the node (version {version}) does not follow the activation of v24 at height {height}, so its chain is not the \
                 network's any more; upgrade it to Dash Core 24 or later"
            ),
            SourceError::Contradiction(what) => write!(f, "the node contradicts itself: {what}"),
            SourceError::Refuted(mismatch) => {
                write!(f, "{mismatch}; its answers are not used while another source answers")
            }
        }
    }
}

impl std::error::Error for SourceError {}

/// One RPC endpoint and what is known about it.
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) capabilities: Capabilities,
    pub(super) availability: Availability,
    /// The node reports that it has all votes for payees.
    pub(super) has_votes: bool,
    /// The last block of which it reported a list that is not the one of the block.
    pub(super) refuted: Option<(BlockHash, Arc<ListMismatch>)>,
    /// Its last tip; `None` if the last call failed.
    pub(super) tip: Option<Height>,
    /// Its version, once it was identified.
    pub(super) version: Option<u32>,
    /// The forks that it reports.
    pub(super) forks: SourceForks,
    /// What it reports about itself.
    pub(super) reports: SourceReports,
    identity: Option<Identity>,
}

/// Checks that a node could be followed now: its chain and network, and that it is in sync and has connections.
///
/// # Errors
/// Why it could not, in words.
pub async fn try_source(client: Client, settings: &FollowerSettings) -> Result<(), String> {
    let isolated = client.network_info().await.ok().and_then(|node| node.is_isolated());
    Source::new(client).check(settings, None).await.map_err(|error| error.to_string())?;
    match isolated {
        Some(true) => Err("the node has no connections to its network, so its tip may be old".into()),
        _ => Ok(()),
    }
}

impl Source {
    pub(super) fn new(client: Client) -> Source {
        Source {
            reports: SourceReports::new(client.name()),
            client,
            capabilities: Capabilities::default(),
            availability: Availability::default(),
            has_votes: false,
            refuted: None,
            tip: None,
            version: None,
            forks: SourceForks::default(),
            identity: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.client.name()
    }

    /// The kind of its network; `None` while it is not identified.
    pub(super) fn subnet(&self) -> Option<Subnet> {
        self.identity.as_ref().map(Identity::subnet)
    }

    /// Checks that the source is of the right chain and the same network as `expected`, then that it is in sync. The
    /// identity is read once, and again after every failure: the node may have been replaced.
    pub(super) async fn check(
        &mut self,
        settings: &FollowerSettings,
        expected: Option<&Identity>,
    ) -> Result<(Identity, ChainInfo), SourceError> {
        let mut chain = self.client.chain_info().await?;
        let identity = match self.identity.take() {
            Some(identity) if chain.chain == *identity.chain => identity,
            _ => self.identify(settings, &chain).await?,
        };
        if let Some(expected) = expected.filter(|expected| **expected != identity) {
            return Err(SourceError::WrongNetwork(format!(
                "this source is on {} (genesis {}), the network is on {} (genesis {}) by its other sources, or by what this \
                 source was before",
                identity.chain, identity.genesis, expected.chain, expected.genesis
            )));
        }
        self.identity = Some(identity.clone());
        self.forks.learn(&self.client, self.version, &mut chain).await;
        self.check_synced(&chain).await?;
        Ok((identity, chain))
    }

    async fn identify(&mut self, settings: &FollowerSettings, chain: &ChainInfo) -> Result<Identity, SourceError> {
        let rules = &*settings.rules;
        let node = self.client.network_info().await?;
        if !node.subversion.starts_with(&*rules.subversion_prefix) {
            return Err(SourceError::WrongNetwork(format!(
                "the node calls itself {:?}, a {} node starts with {:?}",
                node.subversion, rules.name, rules.subversion_prefix
            )));
        }
        let genesis = self.client.block_hash(Height(0)).await?;
        let known = rules.genesis.iter().find(|(name, _)| chain.chain == **name);
        if let Some((name, hash)) = known.filter(|(_, hash)| *hash != genesis.to_string()) {
            return Err(SourceError::WrongNetwork(format!(
                "its genesis block is {genesis}, {} {name} begins with {hash}",
                rules.name
            )));
        }
        let identity = Identity { chain: chain.chain.to_string(), genesis };
        if let Some(expected) = settings.expect.as_ref().filter(|expected| !identity.is(expected)) {
            return Err(SourceError::WrongNetwork(format!(
                "this source is on {} (genesis {genesis}), `expect` names {}",
                identity.chain,
                match expected {
                    ExpectedNetwork::Chain(chain) => chain.clone(),
                    ExpectedNetwork::Genesis(hash) => format!("genesis {hash}"),
                }
            )));
        }
        let before = (self.version.replace(node.version), self.capabilities.list_diffs);
        self.capabilities = Capabilities::of(self.client.dialect(), node.version);
        let has_diffs = self.capabilities.list_diffs;
        self.forks.forget();
        // A source that is identified again without a change was logged before; its recovery has its own log line.
        if before != (self.version, has_diffs) {
            info!(
                source = self.name(),
                version = node.version,
                chain = %chain.chain,
                "Source {} connected: {} on {}, {}",
                self.name(),
                node.subversion,
                chain.chain,
                if has_diffs { "followed by list diffs" } else { "followed by full lists" }
            );
        }
        Ok(identity)
    }

    async fn check_synced(&mut self, chain: &ChainInfo) -> Result<(), SourceError> {
        if chain.initial_block_download == Some(true) {
            return Err(SourceError::NotSynced(format!(
                "initial block download, block {} of {}",
                chain.blocks, chain.headers
            )));
        }
        if chain.headers.above(chain.blocks) > HEADERS_AHEAD {
            return Err(SourceError::NotSynced(format!("block {} of {}", chain.blocks, chain.headers)));
        }
        match optional(self.client.sync_status().await)? {
            Some(status) if !status.list => Err(SourceError::NotSynced("mnsync has not finished".into())),
            status => {
                self.has_votes = status.is_none_or(|status| status.votes);
                Ok(())
            }
        }
    }

    /// Reads the special transactions of the tip when they are due. A refused method is not asked again.
    pub(super) async fn look_at_special(
        &mut self,
        tip: &Block,
        activation: Option<Height>,
    ) -> Option<SpecialTransactions> {
        let is_asked = self.client.dialect().deployments.is_some() && self.capabilities.special_transactions;
        if !is_asked || !self.forks.is_due(tip.height, activation) {
            return None;
        }
        match self.client.special_transactions(&tip.hash).await {
            Ok(found) => {
                self.forks.note_special(tip.height, &found);
                Some(found)
            }
            Err(error) => {
                self.capabilities.note_refusal(&error);
                None
            }
        }
    }

    /// Records a useful answer.
    pub(super) fn succeeded(&mut self, tip: Height, now: Moment) {
        if self.availability.succeeded() {
            info!(source = self.name(), "Source {} recovered, its tip is {tip}", self.name());
        }
        self.tip = Some(tip);
        self.reports.health.confirm(now);
    }

    /// Records a failure, after which the source is identified again unless it is only busy or behind.
    pub(super) fn failed(&mut self, error: &SourceError, poll_interval: Duration) {
        self.tip = None;
        let answers = match error {
            SourceError::Rpc(error) => matches!(error.kind(), ErrorKind::WarmingUp { .. }),
            _ => true,
        };
        self.reports.health.fail(answers);
        if let SourceError::WrongNetwork(_) = error {
            self.reports.health.network_match = Some(false);
        }
        if !is_queue_full(error) && !matches!(error, SourceError::NotSynced(_) | SourceError::Behind(_)) {
            self.identity = None;
        }
        self.availability.failed(self.client.name(), error, poll_interval);
    }

    /// Its list of a block is the one of the block.
    pub(super) fn trust(&mut self) {
        self.refuted = None;
        self.reports.health.list_proof = ListProofStatus::Proven;
    }

    /// Its list of a block is not the one of the block. That holds until another list of it is proven.
    pub(super) fn distrust(&mut self, block: BlockHash, mismatch: Arc<ListMismatch>) {
        self.refuted = Some((block, mismatch.clone()));
        self.reports.health.list_proof = ListProofStatus::Refuted(mismatch);
    }
}

/// A call whose answer is optional: unknown or forbidden methods count as no answer.
pub(super) fn optional<T>(answer: Result<T, RpcError>) -> Result<Option<T>, RpcError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden | ErrorKind::Call { .. }) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
