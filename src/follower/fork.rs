//! The activation of Dash Core 24 as the sources show it: which of them follow it, and which are never trusted after it.
//!
//! A node below version 24 stays on the old rules. It goes on to say that it is synced: at the block before the activation,
//! or on a chain of its own. So once the activation height is certain, such a source is refused from the block before it on,
//! even as the only one: the list goes stale and is withdrawn, which is said. The height comes from a source that follows,
//! or from the history; where neither knows it, nothing can be refused, and the source is reported as not ready.
//!
//! Never here: what a list means; the text of alerts.

use std::collections::BTreeSet;

use tracing::{error, info, warn};

use crate::follower::source::SourceError;
use crate::follower::source_pool::SourcePool;
use crate::meters::NotUnderstood;
use crate::rpc::{ChainInfo, Client, ErrorKind};
use domain::ForeignText;
use domain::chain::Subnet;
use domain::deployment::{self, At, Deployment, Forks, Phase, V24};
use domain::list::Block;
use domain::masternode::{BlockHash, Height};

/// What is certain of the activation on a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activation {
    /// First block under the new rules; where only later blocks were seen, the first of those.
    pub(super) height: Option<Height>,
    /// A chain that has the activation behind it was seen.
    reached: bool,
}

impl Activation {
    /// Takes in what a source says that follows the activation. Returns whether the height is news.
    fn learn(&mut self, deployment: &Deployment, tip: Height) -> bool {
        let before = self.height;
        if deployment.phase.is_certain() {
            let active = deployment.phase == Phase::Active;
            let first_seen = active.then(|| self.height.map_or(tip, |height| height.min(tip)));
            self.height = deployment.activation_height.or(first_seen).or(self.height);
            let at_or_above = |height: Height| tip.after(1) >= height;
            if self.height != before {
                // Another branch has another activation: whether that is behind is not known yet.
                self.reached = false;
            }
            self.reached |= active && self.height.is_some_and(at_or_above);
        } else if self.height.is_some_and(|height| tip >= height) {
            // The chain was replaced below the block that locked it in.
            *self = Activation::default();
        }
        self.height != before
    }

    /// Whether a source that does not follow, or says nothing of it, must not be used with such a tip.
    pub(super) fn refuses(&self, follows: Option<bool>, tip: Height) -> bool {
        follows == Some(false) && self.height.is_some_and(|height| self.reached || tip.after(1) >= height)
    }
}

/// What one source says of its forks.
#[derive(Default)]
pub(super) struct SourceForks {
    /// It does not know `getdeploymentinfo`, or must not be asked.
    silent: bool,
    /// Its answer at a block.
    said: Option<(BlockHash, Forks)>,
    /// Where v24 stands at its tip.
    pub(super) deployment: Option<Deployment>,
    /// Whether it follows the activation, once that is known.
    pub(super) follows: Option<bool>,
    /// Version of the coinbase that was read last, and the height of its block.
    pub(super) coinbase: Option<(Height, u16)>,
    /// Block of an EHF signal that was seen.
    seen_signal: Option<Height>,
    /// Blocks of a window, as it said them.
    window: Option<u32>,
    /// Height up to which special transactions were looked at.
    looked_at: Option<Height>,
}

impl SourceForks {
    /// The node may have been replaced: what it said is forgotten.
    pub(super) fn forget(&mut self) {
        let SourceForks { coinbase, seen_signal, window, .. } = *self;
        *self = SourceForks { coinbase, seen_signal, window, ..SourceForks::default() };
    }

    /// Whether the special transactions of a block are due: each while they decide where the deployment stands, else some.
    fn is_due(&self, tip: Height, activation: Option<Height>) -> bool {
        const BLOCKS: u32 = 24;
        let Some(last) = self.looked_at else { return true };
        let bip9 = self.said.as_ref().and_then(|(_, forks)| forks.get(V24)?.bip9.as_ref());
        let signal_unsaid = bip9.is_some_and(|bip9| bip9.status == "defined" && bip9.needs_signal.is_none());
        let crossed = activation.is_some_and(|height| last < height && tip >= height);
        last != tip && (signal_unsaid || crossed || last > tip || tip.above(last) >= BLOCKS)
    }

    /// Puts what the node says of its forks into `chain`, asked once a block, and judges where v24 stands. A call that fails
    /// keeps nothing back.
    pub(super) async fn learn(&mut self, client: &Client, version: Option<u32>, chain: &mut ChainInfo) {
        if client.dialect().deployments.is_none() {
            return;
        }
        let known = self.said.as_ref().is_some_and(|(block, _)| *block == chain.best);
        if !known && !self.silent {
            match client.deployments().await {
                Ok(forks) => self.said = Some((chain.best, forks)),
                Err(error) => {
                    self.silent = matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden);
                }
            }
        }
        match &self.said {
            Some((_, forks)) if !self.silent => chain.forks = Some(forks.clone()),
            _ => self.said = chain.forks.clone().map(|forks| (chain.best, forks)),
        }
        self.judge(version, chain);
    }

    fn judge(&mut self, version: Option<u32>, chain: &ChainInfo) {
        let at = At {
            subnet: Subnet::from_chain_name(&chain.chain),
            tip: chain.blocks,
            median_time: chain.median_time,
            seen_signal: self.seen_signal,
            stated_window: self.window,
            node_version: version,
            coinbase_version: self.coinbase.map(|(_, version)| version),
        };
        self.follows = deployment::follows(chain.forks.as_ref(), version);
        let none = Forks::new();
        self.deployment = Deployment::v24(chain.forks.as_ref().unwrap_or(&none), &at);
        self.window = self.deployment.as_ref().and_then(|known| known.window).or(self.window);
    }
}

impl SourcePool {
    /// Takes in what a source says of the activation, after it was checked. Refuses it where it was left behind.
    /// `followed` is the height of the tip that is followed.
    pub(super) async fn examine_fork(
        &mut self,
        index: usize,
        chain: &ChainInfo,
        followed: Option<Height>,
    ) -> Result<(), SourceError> {
        if self.sources[index].client.dialect().deployments.is_none() {
            return Ok(());
        }
        if let Some(deployment) = self.sources[index].forks.deployment.clone()
            && self.activation.learn(&deployment, chain.blocks)
            && let Some(height) = self.activation.height
        {
            info!(network = %self.settings.network, "v24 activates on {} at height {height}", self.settings.network);
        }
        self.note_unknown_forks(index);
        self.report_fork(chain);
        let follows = self.sources[index].forks.follows;
        let old_in_use = self.active.is_none_or(|active| self.sources[active].forks.follows != Some(true));
        match follows {
            // The chain that is followed, or is about to be. Before the activation there is nothing to compare.
            Some(true) if self.active == Some(index) || old_in_use => {
                let reached = self.activation.height.is_some_and(|height| chain.blocks >= height);
                self.sources[index].health.fork_split = reached.then_some(false);
            }
            Some(_) if self.active != Some(index) => self.compare_chains(index, chain.blocks, followed).await,
            _ => self.sources[index].health.fork_split = None,
        }
        match self.activation.height {
            Some(height) if self.activation.refuses(follows, chain.blocks) => {
                let version = self.sources[index].version.unwrap_or_default();
                Err(SourceError::LeftBehind { version, height })
            }
            _ => Ok(()),
        }
    }

    /// Says of each source whether it follows, where the network is one on which that matters.
    fn report_fork(&mut self, chain: &ChainInfo) {
        let public = matches!(Subnet::from_chain_name(&chain.chain), Subnet::Main | Subnet::Test);
        let seen = self.sources.iter().any(|source| source.forks.follows == Some(true));
        let matters = public || seen || self.activation.height.is_some();
        for source in &mut self.sources {
            source.health.follows_fork = source.forks.follows.filter(|_| matters);
        }
    }

    /// Compares the activation block of a source with that of the source in use, where both have one: two chains that part there
    /// never have it in common, and a reorg at the tip does not touch it.
    async fn compare_chains(&mut self, index: usize, tip: Height, followed: Option<Height>) {
        let reached = |at: &Height| followed.is_some_and(|followed| followed.min(tip) >= *at);
        let at = self.activation.height.filter(reached);
        let split = match at.zip(self.active) {
            Some((at, active)) => {
                let ours = self.sources[active].client.block_hash(at).await;
                let theirs = self.sources[index].client.block_hash(at).await;
                // Where one does not answer, what was found before stands.
                let (Ok(ours), Ok(theirs)) = (ours, theirs) else { return };
                Some(ours != theirs)
            }
            None => None,
        };
        let name = self.sources[index].name();
        if let (Some(true), Some(at)) = (split, at)
            && self.sources[index].health.fork_split != Some(true)
        {
            error!(
                network = %self.settings.network,
                "source {name} is on another chain than {} since the activation of v24: block {at} differs",
                self.settings.network,
            );
        }
        self.sources[index].health.fork_split = split;
    }

    /// Whether what is followed is the chain that was left behind, so that a shorter one may take its place.
    pub(super) fn is_astray(&self, index: usize, followed: Option<Height>) -> bool {
        let beyond = |height: Height| followed.is_some_and(|followed| followed >= height);
        let old = self.active.is_none_or(|active| self.sources[active].forks.follows == Some(false));
        self.sources[index].forks.follows == Some(true) && old && self.activation.height.is_some_and(beyond)
    }

    /// Whether the source of this index is not to be used with the tip that it had last.
    pub(super) fn is_left_behind(&self, index: usize, followed: Option<Height>) -> bool {
        let source = &self.sources[index];
        self.activation.refuses(source.forks.follows, source.tip.or(followed).unwrap_or(Height(0)))
    }

    /// Where v24 stands: as the source in use says, else as the furthest other one that follows.
    pub(super) fn deployment(&self, index: usize) -> Option<Deployment> {
        let own = self.sources[index].forks.deployment.clone();
        own.or_else(|| {
            let others =
                self.sources.iter().filter(|source| source.forks.follows == Some(true) && source.tip.is_some());
            others.max_by_key(|source| source.tip)?.forks.deployment.clone()
        })
    }

    /// Looks at the special transactions of the tip, where they are due: the coinbase's version, an EHF signal, and what no
    /// known release has.
    pub(super) async fn look_at_special(&mut self, index: usize, tip: &Block) {
        let activation = self.activation.height;
        let source = &mut self.sources[index];
        if source.client.dialect().deployments.is_none() || !source.tells_special {
            return;
        }
        if !source.forks.is_due(tip.height, activation) {
            return;
        }
        let found = match source.client.special_transactions(&tip.hash).await {
            Ok(found) => found,
            Err(error) => {
                source.note_unsupported_method(&error);
                return;
            }
        };
        source.forks.looked_at = Some(tip.height);
        source.forks.coinbase = found.coinbase_version.map(|version| (tip.height, version)).or(source.forks.coinbase);
        if found.signals.contains(&V24_BIT) {
            info!(network = %self.settings.network, "the EHF signal of v24 was mined in block {}", tip.height);
            source.forks.seen_signal = Some(tip.height);
        }
        let unknown = found.types.iter().filter(|kind| **kind > LAST_TYPE).count();
        self.not_understood.add(NotUnderstood::SpecialTransactionType, unknown as u64);
        let beyond = found.coinbase_version.is_some_and(|version| version > deployment::V24_COINBASE);
        self.not_understood.add(NotUnderstood::CoinbaseVersion, beyond.into());
    }

    /// Counts the names of forks that no known release has, each once.
    fn note_unknown_forks(&mut self, index: usize) {
        let Some((_, forks)) = &self.sources[index].forks.said else { return };
        let unknown = forks.keys().filter(|name| !deployment::KNOWN.contains(&name.as_str()));
        let mut news = 0;
        for name in unknown {
            if self.unknown_forks.len() < MOST_NAMES && self.unknown_forks.insert(name.clone()) {
                news += 1;
                warn!(
                    network = %self.settings.network,
                    "source {} names a fork that this version does not know: {name:?}",
                    self.sources[index].name()
                );
            }
        }
        self.not_understood.add(NotUnderstood::SoftforkKey, news);
    }

    /// Takes over the activation height that the history has. Refuses a source that was left behind by it. `followed` is the
    /// height of the tip that is followed.
    pub(super) async fn recall_activation(
        &mut self,
        index: usize,
        chain: &ChainInfo,
        (recorded, followed): (Height, Option<Height>),
    ) -> Result<(), SourceError> {
        if self.activation.height.is_some_and(|known| recorded >= known || !self.activation.reached) {
            return Ok(());
        }
        // What was seen of a chain whose activation is behind may be a later block than the first.
        self.activation = Activation { height: Some(recorded), ..self.activation };
        self.examine_fork(index, chain, followed).await
    }
}

/// Names of unknown forks that are remembered at most.
const MOST_NAMES: usize = 256;

/// The version bit of v24.
const V24_BIT: u32 = 12;

/// The highest type of a special transaction that 24.0 has.
const LAST_TYPE: u32 = 12;

/// What was named and is not known.
pub(super) type UnknownForks = BTreeSet<ForeignText>;

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(phase: Phase, activation: Option<u32>) -> Deployment {
        let (signal_height, signalling, earliest_height) = (None, None, None);
        let activation_height = activation.map(Height);
        Deployment { phase, signal_height, window: Some(24), signalling, activation_height, earliest_height }
    }

    #[test]
    fn an_old_source_is_refused_from_the_block_before_the_activation_on() {
        let mut activation = Activation::default();
        assert!(!activation.refuses(Some(false), Height(1_000)), "nothing is known");
        assert!(activation.learn(&deployment(Phase::LockedIn, Some(240)), Height(216)));
        for (follows, tip, refused) in [
            (Some(false), 238, false),
            (Some(false), 239, true),
            (Some(false), 500, true),
            (Some(true), 500, false),
            (None, 500, false),
        ] {
            assert_eq!(activation.refuses(follows, Height(tip)), refused, "{follows:?} {tip}");
        }
        assert!(!activation.learn(&deployment(Phase::Active, Some(240)), Height(239)));
        assert!(activation.refuses(Some(false), Height(100)), "it will not come further than the block before");
    }

    #[test]
    fn a_reorg_to_a_later_activation_takes_an_old_source_back_into_use() {
        let mut activation = Activation::default();
        activation.learn(&deployment(Phase::Active, Some(240)), Height(240));
        assert!(activation.refuses(Some(false), Height(100)));
        activation.learn(&deployment(Phase::LockedIn, Some(264)), Height(241));
        assert!(!activation.refuses(Some(false), Height(245)), "the rules are not in force on this branch");
        assert!(activation.refuses(Some(false), Height(263)));
    }

    #[test]
    fn a_later_release_that_has_it_buried_tells_where_it_was_active_at_the_latest() {
        let mut activation = Activation::default();
        activation.learn(&deployment(Phase::Active, None), Height(900));
        assert_eq!(activation.height, Some(Height(900)));
        activation.learn(&deployment(Phase::Active, None), Height(950));
        assert_eq!(activation.height, Some(Height(900)));
        assert!(activation.refuses(Some(false), Height(10)));
    }

    #[test]
    fn a_lock_in_that_was_reorganised_away_is_forgotten() {
        let mut activation = Activation { height: Some(Height(240)), reached: false };
        activation.learn(&deployment(Phase::Started, None), Height(239));
        assert_eq!(activation.height, Some(Height(240)), "a source that is behind says nothing about it");
        activation.learn(&deployment(Phase::Started, None), Height(240));
        assert_eq!(activation, Activation::default());
    }
}
