//! The activation of Dash Core 24 as the sources report it: which sources follow it, and which must not be used after
//! it.
//!
//! A node below version 24 stays on the old rules. It still reports itself as synced: at the block before the
//! activation, or on its own chain. Once the activation height is certain, such a source is refused from the block
//! before it on, even if it is the only one: the list becomes stale and is withdrawn, and the log says so. The height
//! comes from a source that follows the activation, or from the history. Without either, no source can be refused, and
//! the source is reported as not ready.
//!
//! Never here: the meaning of a list; the text of alerts.

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

/// What is certain about the activation on a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activation {
    /// First block under the new rules, or the first one seen if only later blocks were seen.
    pub(super) height: Option<Height>,
    /// A chain past the activation was seen.
    reached: bool,
}

impl Activation {
    /// Processes the report of a source that follows the activation. Returns whether the height is new.
    fn learn(&mut self, deployment: &Deployment, tip: Height) -> bool {
        let before = self.height;
        if deployment.phase.is_certain() {
            let active = deployment.phase == Phase::Active;
            let first_seen = active.then(|| self.height.map_or(tip, |height| height.min(tip)));
            self.height = deployment.activation_height.or(first_seen).or(self.height);
            let at_or_above = |height: Height| tip.after(1) >= height;
            if self.height != before {
                // Another branch has another activation, which may be in the future.
                self.reached = false;
            }
            self.reached |= active && self.height.is_some_and(at_or_above);
        } else if self.height.is_some_and(|height| tip >= height) {
            // The chain was replaced below the block that locked it in.
            *self = Activation::default();
        }
        self.height != before
    }

    /// Whether a source with this tip must not be used because it does not follow, or does not report whether it does.
    pub(super) fn refuses(&self, follows: Option<bool>, tip: Height) -> bool {
        follows == Some(false) && self.height.is_some_and(|height| self.reached || tip.after(1) >= height)
    }
}

/// The forks that one source reports.
#[derive(Default)]
pub(super) struct SourceForks {
    /// It does not know `getdeploymentinfo`, or refuses it.
    silent: bool,
    /// Its answer at a block.
    reported: Option<(BlockHash, Forks)>,
    /// State of v24 at its tip.
    pub(super) deployment: Option<Deployment>,
    /// Whether it follows the activation, once that is known.
    pub(super) follows: Option<bool>,
    /// Version of the last coinbase that was read, and the height of its block.
    pub(super) coinbase: Option<(Height, u16)>,
    /// Block in which an EHF signal was seen.
    seen_signal: Option<Height>,
    /// Blocks of a signalling window, as the node reported them.
    window: Option<u32>,
    /// Height up to which special transactions were read.
    looked_at: Option<Height>,
}

impl SourceForks {
    /// Forgets the reports: the node may have been replaced.
    pub(super) fn forget(&mut self) {
        let SourceForks { coinbase, seen_signal, window, .. } = *self;
        *self = SourceForks { coinbase, seen_signal, window, ..SourceForks::default() };
    }

    /// Whether the special transactions of a block are due: every block while they determine the state of the
    /// deployment, otherwise some.
    fn is_due(&self, tip: Height, activation: Option<Height>) -> bool {
        const BLOCKS: u32 = 24;
        let Some(last) = self.looked_at else { return true };
        let bip9 = self.reported.as_ref().and_then(|(_, forks)| forks.get(V24)?.bip9.as_ref());
        let signal_unsaid = bip9.is_some_and(|bip9| bip9.status == "defined" && bip9.needs_signal.is_none());
        let crossed = activation.is_some_and(|height| last < height && tip >= height);
        last != tip && (signal_unsaid || crossed || last > tip || tip.above(last) >= BLOCKS)
    }

    /// Adds the forks that the node reports to `chain`, asked once a block, and determines the state of v24. A failed
    /// call delays nothing.
    pub(super) async fn learn(&mut self, client: &Client, version: Option<u32>, chain: &mut ChainInfo) {
        if client.dialect().deployments.is_none() {
            return;
        }
        let known = self.reported.as_ref().is_some_and(|(block, _)| *block == chain.best);
        if !known && !self.silent {
            match client.deployments().await {
                Ok(forks) => self.reported = Some((chain.best, forks)),
                Err(error) => {
                    self.silent = matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden);
                }
            }
        }
        match &self.reported {
            Some((_, forks)) if !self.silent => chain.forks = Some(forks.clone()),
            _ => self.reported = chain.forks.clone().map(|forks| (chain.best, forks)),
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
    /// Processes what a source reports about the activation, after it was checked. Refuses a source that was left
    /// behind. `followed` is the height of the followed tip.
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
            // The chain that is followed, or about to be. Before the activation there is nothing to compare.
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

    /// Updates whether each source follows the activation, on networks where it matters.
    fn report_fork(&mut self, chain: &ChainInfo) {
        let public = matches!(Subnet::from_chain_name(&chain.chain), Subnet::Main | Subnet::Test);
        let seen = self.sources.iter().any(|source| source.forks.follows == Some(true));
        let matters = public || seen || self.activation.height.is_some();
        for source in &mut self.sources {
            source.health.follows_fork = source.forks.follows.filter(|_| matters);
        }
    }

    /// Compares the activation block of a source with that of the source in use, if both have one. Two chains that
    /// diverge there never share it, and a reorg at the tip does not change it.
    async fn compare_chains(&mut self, index: usize, tip: Height, followed: Option<Height>) {
        let reached = |at: &Height| followed.is_some_and(|followed| followed.min(tip) >= *at);
        let at = self.activation.height.filter(reached);
        let split = match at.zip(self.active) {
            Some((at, active)) => {
                let ours = self.sources[active].client.block_hash(at).await;
                let theirs = self.sources[index].client.block_hash(at).await;
                // If one of them does not answer, the previous result stays.
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
                "Source {name} is on another chain than {} since the activation of v24: block {at} differs",
                self.settings.network,
            );
        }
        self.sources[index].health.fork_split = split;
    }

    /// Whether the followed chain is the one that was left behind, so that a shorter chain may replace it.
    pub(super) fn is_astray(&self, index: usize, followed: Option<Height>) -> bool {
        let beyond = |height: Height| followed.is_some_and(|followed| followed >= height);
        let old = self.active.is_none_or(|active| self.sources[active].forks.follows == Some(false));
        self.sources[index].forks.follows == Some(true) && old && self.activation.height.is_some_and(beyond)
    }

    /// Whether the source at this index must not be used with its last tip.
    pub(super) fn is_left_behind(&self, index: usize, followed: Option<Height>) -> bool {
        let source = &self.sources[index];
        self.activation.refuses(source.forks.follows, source.tip.or(followed).unwrap_or(Height(0)))
    }

    /// State of v24: as the source in use reports it, otherwise as the most advanced other source that follows.
    pub(super) fn deployment(&self, index: usize) -> Option<Deployment> {
        let own = self.sources[index].forks.deployment.clone();
        own.or_else(|| {
            let others =
                self.sources.iter().filter(|source| source.forks.follows == Some(true) && source.tip.is_some());
            others.max_by_key(|source| source.tip)?.forks.deployment.clone()
        })
    }

    /// Reads the special transactions of the tip when they are due: the coinbase's version, EHF signals, and types that
    /// no known release has.
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
            info!(network = %self.settings.network, "EHF signal of v24 mined in block {}", tip.height);
            source.forks.seen_signal = Some(tip.height);
        }
        let unknown = found.types.iter().filter(|kind| **kind > LAST_TYPE).count();
        self.not_understood.add(NotUnderstood::SpecialTransactionType, unknown as u64);
        let beyond = found.coinbase_version.is_some_and(|version| version > deployment::V24_COINBASE);
        self.not_understood.add(NotUnderstood::CoinbaseVersion, beyond.into());
    }

    /// Counts fork names that no known release has, each once.
    fn note_unknown_forks(&mut self, index: usize) {
        let Some((_, forks)) = &self.sources[index].forks.reported else { return };
        let unknown = forks.keys().filter(|name| !deployment::KNOWN.contains(&name.as_str()));
        let mut news = 0;
        for name in unknown {
            if self.unknown_forks.len() < MOST_NAMES && self.unknown_forks.insert(name.clone()) {
                news += 1;
                warn!(
                    network = %self.settings.network,
                    "Source {} reports a fork unknown to this version: {name:?}",
                    self.sources[index].name()
                );
            }
        }
        self.not_understood.add(NotUnderstood::SoftforkKey, news);
    }

    /// Takes over the activation height of the history. Refuses a source that this leaves behind. `followed` is the
    /// height of the followed tip.
    pub(super) async fn recall_activation(
        &mut self,
        index: usize,
        chain: &ChainInfo,
        (recorded, followed): (Height, Option<Height>),
    ) -> Result<(), SourceError> {
        if self.activation.height.is_some_and(|known| recorded >= known || !self.activation.reached) {
            return Ok(());
        }
        // A chain past the activation may have shown a later block than the first.
        self.activation = Activation { height: Some(recorded), ..self.activation };
        self.examine_fork(index, chain, followed).await
    }
}

/// Most names of unknown forks that are remembered.
const MOST_NAMES: usize = 256;

/// The version bit of v24.
const V24_BIT: u32 = 12;

/// The highest type of a special transaction that 24.0 has.
const LAST_TYPE: u32 = 12;

/// Unknown names that were reported.
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
    fn a_later_release_that_has_buried_it_bounds_the_activation_height() {
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
        assert_eq!(activation.height, Some(Height(240)), "a source that is behind does not change it");
        activation.learn(&deployment(Phase::Started, None), Height(240));
        assert_eq!(activation, Activation::default());
    }
}
