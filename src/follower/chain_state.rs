//! What is followed of a network: nothing yet, a place in the history to continue from, or a chain up to its tip.
//!
//! Never here: calls to a node; calls to the history.

use crate::follower::followed_chain::FollowedChain;
use crate::follower::replaced_blocks::ReplacedBlocks;
use domain::counters::EventCounters;
use domain::masternode::BlockHash;

/// See the module.
pub(super) struct ChainState {
    phase: Phase,
    baseline: Baseline,
    /// Replaced blocks whose events the counters contain.
    replaced: ReplacedBlocks,
}

/// What the counters count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Baseline {
    /// The start of the process: no history was read yet.
    ProcessStart,
    /// The counters of the history.
    History,
}

enum Phase {
    /// No list was read, or the last one was given up. The counters stay.
    Fresh(EventCounters),
    /// The history is open. Where to continue is not known yet.
    Resuming { unrecorded: Unrecorded, replaced: ReplacedBlocks },
    /// A chain is followed.
    Following(Box<FollowedChain>),
}

/// What was followed before the history was opened.
enum Unrecorded {
    Counters(EventCounters),
    Chain(Box<FollowedChain>),
}

impl Default for ChainState {
    fn default() -> Self {
        ChainState {
            phase: Phase::Fresh(EventCounters::default()),
            baseline: Baseline::ProcessStart,
            replaced: ReplacedBlocks::default(),
        }
    }
}

impl ChainState {
    /// The chain that is followed; `None` in the other phases.
    pub(super) fn followed(&self) -> Option<&FollowedChain> {
        match &self.phase {
            Phase::Following(chain) => Some(chain),
            Phase::Fresh(_) | Phase::Resuming { .. } => None,
        }
    }

    /// The same, to change it.
    pub(super) fn followed_mut(&mut self) -> Option<&mut FollowedChain> {
        match &mut self.phase {
            Phase::Following(chain) => Some(chain),
            Phase::Fresh(_) | Phase::Resuming { .. } => None,
        }
    }

    /// Whether the history is open and the block to continue from is not known yet.
    pub(super) fn is_resuming(&self) -> bool {
        matches!(self.phase, Phase::Resuming { .. })
    }

    /// The history was opened; it has these blocks as replaced.
    pub(super) fn begin_resuming(&mut self, replaced: Vec<BlockHash>) {
        let unrecorded = self.take_unrecorded();
        let mut in_file = ReplacedBlocks::default();
        in_file.extend(replaced);
        self.phase = Phase::Resuming { unrecorded, replaced: in_file };
    }

    /// The history is closed again: continues as before it was opened.
    pub(super) fn cancel_resuming(&mut self) {
        if self.is_resuming() {
            self.phase = match self.take_unrecorded() {
                Unrecorded::Chain(chain) => Phase::Following(chain),
                Unrecorded::Counters(counters) => Phase::Fresh(counters),
            };
        }
    }

    /// Continues with a chain whose counters are those of the history. Blocks that were replaced while the history was closed are
    /// not counted there, so only those that the history has as replaced stay known.
    pub(super) fn continue_from_history(&mut self, chain: FollowedChain) {
        if let Phase::Resuming { replaced, .. } = &mut self.phase {
            self.replaced = std::mem::take(replaced);
        }
        self.phase = Phase::Following(Box::new(chain));
        self.baseline = Baseline::History;
    }

    /// Continues with what was followed before the history was opened, on top of the counters of the history.
    pub(super) fn continue_on_top_of(&mut self, in_file: EventCounters) {
        if let Phase::Resuming { replaced, .. } = &mut self.phase {
            self.replaced.extend(std::mem::take(replaced).into_hashes());
        }
        self.phase = match (self.take_unrecorded(), self.baseline) {
            (Unrecorded::Chain(mut chain), Baseline::ProcessStart) => {
                chain.rebase_on(in_file);
                Phase::Following(chain)
            }
            (Unrecorded::Chain(chain), Baseline::History) => Phase::Following(chain),
            (Unrecorded::Counters(counters), Baseline::ProcessStart) => Phase::Fresh(in_file.add_later(&counters)),
            (Unrecorded::Counters(_), Baseline::History) => Phase::Fresh(in_file),
        };
        self.baseline = Baseline::History;
    }

    /// Whether a chain was followed before the history was opened.
    pub(super) fn has_unrecorded_chain(&self) -> bool {
        matches!(&self.phase, Phase::Resuming { unrecorded: Unrecorded::Chain(_), .. })
    }

    /// Follows a chain in the place of the one before.
    pub(super) fn follow(&mut self, chain: FollowedChain) {
        self.phase = Phase::Following(Box::new(chain));
    }

    /// Gives up the chain. Its counters stay, or the ones given take their place.
    pub(super) fn give_up(&mut self, counters: Option<EventCounters>) {
        let own = self.take_counters();
        self.phase = Phase::Fresh(counters.unwrap_or(own));
    }

    /// Takes the counters out of the phase, which the caller replaces.
    pub(super) fn take_counters(&mut self) -> EventCounters {
        match self.take_unrecorded() {
            Unrecorded::Counters(counters) => counters,
            Unrecorded::Chain(chain) => chain.into_counters(),
        }
    }

    /// Remembers blocks of which the events are counted and which were replaced.
    pub(super) fn note_replaced(&mut self, blocks: impl IntoIterator<Item = BlockHash>) {
        match &mut self.phase {
            Phase::Resuming { replaced, .. } => replaced.extend(blocks),
            Phase::Fresh(_) | Phase::Following(_) => self.replaced.extend(blocks),
        }
    }

    /// Whether the events of a block are counted already.
    pub(super) fn is_counted(&self, hash: &BlockHash) -> bool {
        self.replaced.contains(hash)
    }

    fn take_unrecorded(&mut self) -> Unrecorded {
        match std::mem::replace(&mut self.phase, Phase::Fresh(EventCounters::default())) {
            Phase::Fresh(counters) => Unrecorded::Counters(counters),
            Phase::Resuming { unrecorded, .. } => unrecorded,
            Phase::Following(chain) => Unrecorded::Chain(chain),
        }
    }
}
