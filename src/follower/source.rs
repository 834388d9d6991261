//! One source of a network: its identity, its sync state, and when to ask it again.
//!
//! Never here: the use of its answers (`follower`).

use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::follower::fork::SourceForks;
use crate::follower::source_health::CollectedHealth;
use crate::rpc::{ChainInfo, Client, ErrorKind, RpcError, methods};
use domain::chain::{ChainRules, Subnet};
use domain::deployment::FOLLOWS_SINCE;
use domain::masternode::{BlockHash, Height};
use domain::network_state::{Moment, SourceHealth};
use domain::payment::EvoPayments;

/// Longest pause before a failing source is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Headers by which a node may be ahead of its own blocks before it counts as syncing.
const HEADERS_AHEAD: u32 = 3;

/// Names of the forks that changed how Evo nodes are paid.
const V19: &str = "v19";
const MN_RR: &str = "mn_rr";

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
        }
    }
}

/// Whether a source supports `protx listdiff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListDiffSupport {
    /// Not refused so far.
    Supported,
    /// It reported an unknown method.
    Unsupported,
}

/// One RPC endpoint and what is known about it.
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) diffs: ListDiffSupport,
    /// The node reports that it has all votes for payees.
    pub(super) has_votes: bool,
    /// It supports the quorum calls, as far as known.
    pub(super) tells_quorums: bool,
    /// It supports the special transactions of a block, as far as known.
    pub(super) tells_special: bool,
    /// It shows the payees of blocks, or their kind, as far as known.
    pub(super) tells_payees: bool,
    /// It supports `protx diff` and so the selection of the next quorums, as far as known.
    pub(super) tells_roll: bool,
    /// Its last tip; `None` if the last call failed.
    pub(super) tip: Option<Height>,
    /// Its version, once it was identified.
    pub(super) version: Option<u32>,
    /// The forks that it reports.
    pub(super) forks: SourceForks,
    /// Its health and what it reports about itself: what is published.
    pub(super) health: SourceHealth,
    /// The part of its answers about itself that is needed to ask again.
    pub(super) report: CollectedHealth,
    identity: Option<Identity>,
    trouble: Option<String>,
    elsewhere: bool,
    failures: u32,
    retry_at: Option<Instant>,
}

impl Source {
    pub(super) fn new(client: Client) -> Source {
        let health = SourceHealth { name: client.name().into(), ..SourceHealth::default() };
        Source {
            client,
            health,
            diffs: ListDiffSupport::Supported,
            has_votes: false,
            tells_quorums: true,
            tells_special: true,
            tells_payees: true,
            tells_roll: true,
            tip: None,
            version: None,
            forks: SourceForks::default(),
            report: CollectedHealth::default(),
            identity: None,
            trouble: None,
            elsewhere: false,
            failures: 0,
            retry_at: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.client.name()
    }

    /// Records that it refuses a method, so that it is not asked again.
    pub(super) fn note_unsupported_method(&mut self, error: &RpcError) {
        if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden) {
            match error.method() {
                method if method == methods::GET_SPECIAL_TXES.name => self.tells_special = false,
                method if method == methods::GET_BLOCK.name => self.tells_payees = false,
                _ => self.tells_quorums = false,
            }
        }
    }

    /// The kind of its network; `None` while it is not identified.
    pub(super) fn subnet(&self) -> Option<Subnet> {
        self.identity.as_ref().map(Identity::subnet)
    }

    /// Whether it supports the calls for DKG outcomes, as far as known.
    pub(super) fn tells_sessions(&self) -> bool {
        self.tells_quorums && self.tells_special
    }

    /// Whether the pause after its last failure is over.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| now >= at)
    }

    /// Checks that the source is of the right chain and the same network as `expected`, then that it is in sync. The
    /// identity is read once, and again after every failure: the node may have been replaced.
    pub(super) async fn check(
        &mut self,
        rules: &ChainRules,
        expected: Option<&Identity>,
    ) -> Result<(Identity, ChainInfo), SourceError> {
        let mut chain = self.client.chain_info().await?;
        let identity = match self.identity.take() {
            Some(identity) if chain.chain == *identity.chain => identity,
            _ => self.identify(rules, &chain).await?,
        };
        if let Some(expected) = expected.filter(|expected| **expected != identity) {
            return Err(SourceError::WrongNetwork(format!(
                "this source is on {} (genesis {}), the network's other sources are on {} (genesis {})",
                identity.chain, identity.genesis, expected.chain, expected.genesis
            )));
        }
        self.identity = Some(identity.clone());
        self.forks.learn(&self.client, self.version, &mut chain).await;
        self.check_synced(&chain).await?;
        Ok((identity, chain))
    }

    async fn identify(&mut self, rules: &ChainRules, chain: &ChainInfo) -> Result<Identity, SourceError> {
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
        // `protx listdiff` came with version 20 (docs/spec/dash.md#protx-listdiff). Trying it on an older node would
        // only fill its log.
        self.tells_quorums = self.client.dialect().quorums.is_some();
        self.tells_special = self.client.dialect().special.is_some();
        self.tells_payees = self.client.dialect().payees.is_some();
        // The selection rule that is computed here also came with version 20.
        self.tells_roll = self.client.dialect().sml_diff.is_some() && self.tells_special && node.version >= 200_000;
        let has_diffs = self.client.dialect().diff().is_some() && node.version >= 200_000;
        let before = (self.version.replace(node.version), self.diffs);
        self.diffs = if has_diffs { ListDiffSupport::Supported } else { ListDiffSupport::Unsupported };
        self.forks.forget();
        // A source that is identified again without a change was logged before; its recovery has its own log line.
        if before != (self.version, self.diffs) {
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
        Ok(Identity { chain: chain.chain.to_string(), genesis })
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

    /// Records a useful answer.
    pub(super) fn succeeded(&mut self, tip: Height, now: Moment) {
        if self.trouble.take().is_some() {
            info!(source = self.name(), "Source {} recovered, its tip is {tip}", self.name());
        }
        self.elsewhere = false;
        self.failures = 0;
        self.retry_at = None;
        self.tip = Some(tip);
        self.health.confirm(now);
    }

    /// Records a failure; logs it if it changed, and sets the pause before the next attempt.
    pub(super) fn failed(&mut self, trouble: &SourceError, poll_interval: Duration) {
        self.tip = None;
        self.elsewhere = matches!(trouble, SourceError::WrongNetwork(_));
        let answers = match trouble {
            SourceError::Rpc(error) => matches!(error.kind(), ErrorKind::WarmingUp { .. }),
            _ => true,
        };
        self.health.fail(answers);
        if let SourceError::WrongNetwork(_) = trouble {
            self.health.network_match = Some(false);
        }
        let refused = matches!(trouble, SourceError::Rpc(error) if *error.kind() == ErrorKind::Refused);
        if !refused && !matches!(trouble, SourceError::NotSynced(_) | SourceError::Behind(_)) {
            self.identity = None;
        }
        let message = trouble.to_string();
        if self.trouble.as_ref() != Some(&message) {
            match trouble {
                SourceError::WrongNetwork(_) => {
                    error!(source = self.name(), "Source {} refused: {message}", self.name())
                }
                _ => warn!(source = self.name(), "Source {} failed: {message}", self.name()),
            }
            self.trouble = Some(message);
        }
        // A full work queue clears quickly: a longer pause would only delay blocks.
        self.failures = if refused { 1 } else { self.failures.saturating_add(1) };
        // 0, 1, 3, 7 … polls: the first retry is the next poll.
        let polls = (1 << (self.failures - 1).min(10)) - 1;
        self.retry_at = Some(Instant::now() + poll_interval.saturating_mul(polls).min(LONGEST_PAUSE));
    }

    /// Whether it was last refused as being on another network.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// The last error of the source.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

/// How Evo nodes are paid at the next block, by the forks that the node reports as active.
pub(super) fn evo_payments(chain: &ChainInfo, version: Option<u32>) -> EvoPayments {
    by_forks(chain.fork_active(V19), chain.fork_active(MN_RR), version)
}

/// The same at the block after an old one, if the node reports the activation height of the forks.
pub(super) fn evo_payments_after(chain: &ChainInfo, version: Option<u32>, height: Height) -> EvoPayments {
    let active = |now: Option<bool>, since: Option<Height>| since.map(|since| height.after(1) >= since).or(now);
    let then = |name| active(chain.fork_active(name), chain.fork_height(name));
    by_forks(then(V19), then(MN_RR), version)
}

fn by_forks(v19: Option<bool>, mn_rr: Option<bool>, version: Option<u32>) -> EvoPayments {
    // A release of v24 or later that does not report it has it behind it.
    let behind = version.is_some_and(|version| version >= FOLLOWS_SINCE);
    match (v19, mn_rr.or(behind.then_some(true))) {
        // v19 reports only the first of the two forks.
        (Some(true), Some(false) | None) => EvoPayments::FourInARow,
        // A node too new to report an old fork has it behind it; a node too old to know it does not have it yet.
        _ => EvoPayments::Once,
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
