//! The activation of Dash Core 24 as the sources report it: which sources follow it, and which must not be used after
//! it.
//!
//! A node below version 24 stays on the old rules. It still reports itself as synced: at the block before the
//! activation, or on its own chain. Once the activation height is certain, such a source is refused from the block
//! before it on, even if it is the only one: the list becomes stale and is withdrawn, and the log says so. The height
//! comes from a source that follows the activation, or from the history. Without either, no source can be refused, and
//! the source is reported as not ready.
//!
//! Never here: what one source reports (`source_forks`); the meaning of a list; the text of alerts.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{error, info, warn};

use crate::follower::source::Source;
use crate::follower::source_forks::V24_BIT;
use crate::meters::{NotUnderstood, NotUnderstoodMeters};
use crate::rpc::dash::special::SpecialTransactions;
use domain::ForeignText;
use domain::deployment::{self, Deployment, Phase};
use domain::masternode::Height;

/// What is certain about the activation on a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Activation {
    /// First block under the new rules, or the first one seen if only later blocks were seen.
    height: Option<Height>,
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
    fn refuses(&self, follows: Option<bool>, tip: Height) -> bool {
        follows == Some(false) && self.height.is_some_and(|height| self.reached || tip.after(1) >= height)
    }
}

/// The forks of a network, as all of its sources report them.
pub(super) struct NetworkForks {
    network: Arc<str>,
    activation: Activation,
    /// Unknown names that were reported.
    unknown: BTreeSet<ForeignText>,
    not_understood: NotUnderstoodMeters,
}

impl NetworkForks {
    /// Nothing was reported yet.
    pub(super) fn new(network: Arc<str>, not_understood: NotUnderstoodMeters) -> NetworkForks {
        NetworkForks { network, activation: Activation::default(), unknown: BTreeSet::new(), not_understood }
    }

    /// The activation height of v24; `None` while it is not certain.
    pub(super) fn activation_height(&self) -> Option<Height> {
        self.activation.height
    }

    /// Values in answers that were not understood, since the process started.
    pub(super) fn not_understood(&self) -> u64 {
        self.not_understood.total()
    }

    /// Forgets the activation; unknown names stay counted.
    pub(super) fn forget(&mut self) {
        self.activation = Activation::default();
    }

    /// Processes what a checked source with this tip reports.
    pub(super) fn learn(&mut self, source: &Source, tip: Height) {
        if let Some(deployment) = &source.forks.deployment
            && self.activation.learn(deployment, tip)
            && let Some(height) = self.activation.height
        {
            info!(network = %self.network, "v24 activates on {} at height {height}", self.network);
        }
        self.note_unknown(source);
    }

    /// Takes over the activation height of the history. Returns whether it says more than the sources.
    pub(super) fn recall(&mut self, recorded: Height) -> bool {
        if self.activation.height.is_some_and(|known| recorded >= known || !self.activation.reached) {
            return false;
        }
        // A chain past the activation may have shown a later block than the first.
        self.activation = Activation { height: Some(recorded), ..self.activation };
        true
    }

    /// Whether a source with this tip must not be used: it was left behind.
    pub(super) fn refuses(&self, source: &Source, tip: Height) -> bool {
        self.activation.refuses(source.forks.follows, tip)
    }

    /// Compares the activation block of a source with that of the source in use, `active`, if both have one. Two chains
    /// that diverge there never share it, and a reorg at the tip does not change it. `followed` is the height of the
    /// followed tip.
    pub(super) async fn compare_chains(
        &self,
        active: Option<&Source>,
        source: &Source,
        (tip, followed): (Height, Option<Height>),
    ) -> Option<bool> {
        let reached = |at: &Height| followed.is_some_and(|followed| followed.min(tip) >= *at);
        let at = self.activation.height.filter(reached)?;
        let before = source.reports.health.fork_split;
        self.compare_block(active?, source, at, before, " since the activation of v24").await
    }

    /// Compares a block of an unused source with that of the source in use, `active`, a few blocks below the lower of both
    /// tips, where few reorganisations reach, unless they are split since the activation. Without an answer the result
    /// `before` stays.
    pub(super) async fn compare_branches(
        &self,
        active: Option<&Source>,
        source: &Source,
        (tip, followed): (Height, Option<Height>),
        before: Option<bool>,
    ) -> Option<bool> {
        // Where forks are reported, the check before has set it anew: they are split since the activation.
        if source.client.dialect().deployments.is_some() && source.reports.health.fork_split == Some(true) {
            return Some(true);
        }
        let (Some(active), Some(followed)) = (active, followed) else { return before };
        let Some(at) = followed.min(tip).0.checked_sub(BRANCH_DEPTH).map(Height) else { return before };
        self.compare_block(active, source, at, before, "").await
    }

    /// Whether two sources have different blocks at a height. If one of them does not answer, the result `before` stays.
    async fn compare_block(
        &self,
        active: &Source,
        source: &Source,
        at: Height,
        before: Option<bool>,
        since: &str,
    ) -> Option<bool> {
        let (ours, theirs) = (active.client.block_hash(at).await, source.client.block_hash(at).await);
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { return before };
        if ours != theirs && before != Some(true) {
            error!(
                network = %self.network,
                "Source {} is on another chain than {}, which is followed on {}{since}: block {at} differs",
                source.name(),
                active.name(),
                self.network,
            );
        }
        Some(ours != theirs)
    }

    /// Counts what no known release has in the special transactions of a block, and logs a signal.
    pub(super) fn note_special(&self, height: Height, found: &SpecialTransactions) {
        if found.signals.contains(&V24_BIT) {
            info!(network = %self.network, "EHF signal of v24 mined in block {height}");
        }
        let unknown = found.types.iter().filter(|kind| **kind > LAST_TYPE).count();
        self.not_understood.add(NotUnderstood::SpecialTransactionType, unknown as u64);
        let beyond = found.coinbase_version.is_some_and(|version| version > deployment::V24_COINBASE);
        self.not_understood.add(NotUnderstood::CoinbaseVersion, beyond.into());
    }

    /// Counts fork names that no known release has, each once.
    fn note_unknown(&mut self, source: &Source) {
        let mut added = 0;
        for name in source.forks.names().filter(|name| !deployment::KNOWN.contains(&name.as_str())) {
            if self.unknown.len() < MOST_NAMES && self.unknown.insert(name.clone()) {
                added += 1;
                warn!(
                    network = %self.network,
                    "Source {} reports a fork unknown to this version: {name:?}",
                    source.name()
                );
            }
        }
        self.not_understood.add(NotUnderstood::SoftforkKey, added);
    }
}

/// Blocks below the lower tip at which the chains of two sources are compared.
const BRANCH_DEPTH: u32 = 2;

/// Most names of unknown forks that are remembered.
const MOST_NAMES: usize = 256;

/// The highest type of a special transaction that 24.0 has.
const LAST_TYPE: u32 = 12;

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
