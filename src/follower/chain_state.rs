//! The state of a followed network: nothing yet, a block of the history to resume from, or a chain up to its tip.
//!
//! Never here: calls to a node; calls to the history.

use crate::follower::followed_chain::FollowedChain;
use crate::follower::replaced_blocks::ReplacedBlocks;
use domain::counters::EventCounters;
use domain::list::Block;
use domain::masternode::BlockHash;

/// See the module.
pub(super) struct ChainState {
    phase: Phase,
    baseline: Baseline,
    /// Replaced blocks whose events the counters contain.
    replaced: ReplacedBlocks,
}

/// The base of the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Baseline {
    /// The start of the process: no history was read yet.
    ProcessStart,
    /// The counters of the history.
    History,
}

enum Phase {
    /// No list was read, or the last one was discarded. The counters stay.
    Fresh(EventCounters),
    /// The history is open. The block to resume from is not known yet.
    Resuming { unrecorded: Unrecorded, replaced: ReplacedBlocks },
    /// A chain is followed.
    Following(Box<FollowedChain>),
}

/// The chain that was followed before the history was opened.
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

    /// Whether the history is open and the block to resume from is still unknown.
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

    /// Continues with a chain whose counters are those of the history. The history does not count blocks that were
    /// replaced while it was closed, so only the blocks that it marks as replaced are kept.
    pub(super) fn continue_from_history(&mut self, chain: FollowedChain) {
        if let Phase::Resuming { replaced, .. } = &mut self.phase {
            self.replaced = std::mem::take(replaced);
        }
        self.phase = Phase::Following(Box::new(chain));
        self.baseline = Baseline::History;
    }

    /// Continues with the chain that was followed before the history was opened, and adds its counters to those of the
    /// history.
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

    /// The tip of the chain that was followed before the history was opened; `None` where none was.
    pub(super) fn unrecorded_tip(&self) -> Option<&Block> {
        match &self.phase {
            Phase::Resuming { unrecorded: Unrecorded::Chain(chain), .. } => Some(chain.tip()),
            _ => None,
        }
    }

    /// Follows another chain.
    pub(super) fn follow(&mut self, chain: FollowedChain) {
        self.phase = Phase::Following(Box::new(chain));
    }

    /// Discards the chain. Its counters stay, unless others are given.
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

    /// Remembers replaced blocks whose events are counted.
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Event, EventKind};
    use domain::masternode::NodeType;
    use domain::samples::{block, id, list, masternode};

    /// Counters with this number of revivals of one masternode.
    fn counters(revivals: u32) -> EventCounters {
        let mut counters = EventCounters::default();
        for height in 0..revivals {
            let (masternode, node_type) = (id(1), NodeType::Regular);
            counters.record(&Event {
                block: block(height),
                exact: true,
                masternode,
                node_type,
                kind: EventKind::Revival,
            });
        }
        counters
    }

    fn chain(height: u32, revivals: u32) -> FollowedChain {
        FollowedChain::open(list(height, vec![masternode(1)]), counters(revivals))
    }

    fn revivals(state: &mut ChainState) -> u64 {
        let counted = match state.followed() {
            Some(chain) => chain.counters().clone(),
            None => state.take_counters(),
        };
        counted.node(&id(1)).revivals
    }

    #[test]
    fn counters_are_those_of_the_history_or_on_top_of_it_but_never_both() {
        type Step = fn(&mut ChainState);
        let follow: Step = |state| state.follow(chain(10, 2));
        let open: Step = |state| state.begin_resuming(vec![]);
        let cancel: Step = ChainState::cancel_resuming;
        let on_top: Step = |state| state.continue_on_top_of(counters(5));
        let from_file: Step = |state| state.continue_from_history(chain(9, 5));
        let give_up: Step = |state| state.give_up(None);
        let cases: [(&str, &[Step], bool, u64); 9] = [
            ("nothing", &[], false, 0),
            ("a new history", &[open, on_top], false, 5),
            ("a history that is continued", &[open, from_file], true, 5),
            ("a history that closes at once", &[follow, open, cancel], true, 2),
            ("a history that opens late, continued", &[follow, open, from_file], true, 5),
            ("a history that opens late, too far behind", &[follow, open, on_top], true, 7),
            ("the same, after the chain was given up", &[follow, give_up, open, on_top], false, 7),
            ("a history that is opened twice", &[follow, open, on_top, open, on_top], true, 7),
            ("a history that is opened again before the first block", &[open, on_top, open, on_top], false, 5),
        ];
        for (name, steps, is_followed, expected) in cases {
            let mut state = ChainState::default();
            steps.iter().for_each(|step| step(&mut state));
            assert!(!state.is_resuming(), "{name}");
            assert_eq!(state.followed().is_some(), is_followed, "{name}");
            assert_eq!(revivals(&mut state), expected, "{name}");
        }
    }

    #[test]
    fn replaced_blocks_are_counted_where_the_counters_contain_them() {
        let hash = |height| block(height).hash;
        let begin = || {
            let mut state = ChainState::default();
            state.follow(chain(10, 0));
            state.note_replaced([hash(11)]);
            state.begin_resuming(vec![hash(8)]);
            assert!(state.is_resuming() && state.followed().is_none());
            state.note_replaced([hash(9)]);
            state
        };
        let counted = |state: &ChainState| [8, 9, 11].map(|height| state.is_counted(&hash(height)));
        let mut state = begin();
        state.continue_from_history(chain(7, 0));
        assert_eq!(counted(&state), [true, true, false], "the history knows nothing of block 11");
        let mut state = begin();
        state.continue_on_top_of(EventCounters::default());
        assert_eq!(counted(&state), [true, true, true]);
        let mut state = begin();
        state.cancel_resuming();
        assert_eq!(counted(&state), [false, false, true], "only what was counted here");
    }
}
