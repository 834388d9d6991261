//! A chain up to its tip: the list at the tip, the steps back from it, and the counters.
//!
//! Never here: calls to a node; deciding which chain is right.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::follower::block_replay::{ReplayPoint, ReplayedBlock};
use crate::history::BlockEvents;
use domain::counters::EventCounters;
use domain::event::{Event, EventKind};
use domain::list::{Block, ListError, MasternodeList};
use domain::masternode::{BlockHash, Height, Masternode, MasternodeId};
use domain::pose::PenaltyRule;
use domain::unreadable::Unreadable;

/// Depth of a reorg beyond which the full list must be read again: one day on Dash, where ChainLocks prevent all but
/// the shallowest reorgs.
pub(super) const DEPTH: usize = 576;

/// Number of the last events that are kept for readers of a snapshot.
const RECENT: usize = 1024;

/// See the module.
pub(super) struct FollowedChain {
    at: ReplayPoint,
    back: VecDeque<StepBack>,
    recent: VecDeque<Event>,
    counters: EventCounters,
    /// The blocks since the tip whose list was skipped.
    passed: PassedBlocks,
    /// Height of the last list that was read in full.
    verified: Height,
}

/// Blocks whose list was skipped, below the next block: their payments are events of their own.
#[derive(Default)]
struct PassedBlocks {
    hashes: Vec<BlockHash>,
    events: usize,
}

/// The changes of one block, and of the skipped blocks below it, to undo them.
struct StepBack {
    parent: Block,
    passed: Vec<BlockHash>,
    entries: Vec<(MasternodeId, Option<Masternode>)>,
    unreadable: Unreadable,
    events: usize,
    /// Heights of the previous penalties of the masternodes that this block penalised.
    penalties: Vec<(MasternodeId, Option<Height>)>,
}

impl FollowedChain {
    /// Starts at a list that was read in full; counters continue from `counters`.
    pub(super) fn open(list: MasternodeList, counters: EventCounters) -> FollowedChain {
        let (back, recent, passed) = (VecDeque::new(), VecDeque::new(), PassedBlocks::default());
        FollowedChain { verified: list.block().height, at: ReplayPoint::new(list), back, recent, counters, passed }
    }

    /// The list at the tip, with the data that the next list is compared with.
    pub(super) fn replay_point(&self) -> &ReplayPoint {
        &self.at
    }

    /// The list at the tip.
    pub(super) fn list(&self) -> &Arc<MasternodeList> {
        self.at.list()
    }

    /// The tip.
    pub(super) fn tip(&self) -> &Block {
        self.list().block()
    }

    /// Height of the last list that was read in full.
    pub(super) fn verified(&self) -> Height {
        self.verified
    }

    /// Records that the list of the tip was read in full.
    pub(super) fn set_verified(&mut self) {
        self.verified = self.tip().height;
    }

    /// Takes over the events of an earlier process up to the tip. They are not counted again.
    pub(super) fn remember(&mut self, earlier: Vec<Event>) {
        let last = earlier.len().saturating_sub(RECENT);
        self.recent = earlier.into_iter().skip(last).collect();
    }

    /// The counters up to the tip.
    pub(super) fn counters(&self) -> &EventCounters {
        &self.counters
    }

    /// The last events of the branch, oldest first.
    pub(super) fn recent(&self) -> impl Iterator<Item = &Event> {
        self.recent.iter()
    }

    /// Adds the counters to earlier ones that were unknown so far.
    pub(super) fn rebase_on(&mut self, earlier: EventCounters) {
        for (id, height) in self.back.iter_mut().flat_map(|step| &mut step.penalties) {
            *height = height.or(earlier.last_penalty(id));
        }
        self.counters = earlier.add_later(&self.counters);
    }

    /// Drops the lists and keeps the counters.
    pub(super) fn into_counters(self) -> EventCounters {
        self.counters
    }

    /// Depth of a block on our branch, 0 being the tip; `None` if it is not among the remembered blocks.
    pub(super) fn depth_of(&self, hash: &BlockHash) -> Option<usize> {
        if self.tip().hash == *hash {
            return Some(0);
        }
        self.back.iter().rev().position(|step| step.parent.hash == *hash).map(|position| position + 1)
    }

    /// The block of our branch at a depth, 0 being the tip.
    pub(super) fn at_depth(&self, depth: usize) -> Option<&Block> {
        match depth {
            0 => Some(self.tip()),
            steps => self.back.get(self.back.len().checked_sub(steps)?).map(|step| &step.parent),
        }
    }

    /// The oldest block to which the chain can step back.
    pub(super) fn oldest(&self) -> &Block {
        self.back.front().map_or(self.tip(), |step| &step.parent)
    }

    /// Moves to the list of a later block. Returns its events, which are counted.
    pub(super) fn advance(&mut self, block: ReplayedBlock) -> BlockEvents {
        let ReplayedBlock { list, happened, .. } = block;
        let penalties = penalised(&happened)
            .map(|event| (event.masternode, self.counters.last_penalty(&event.masternode)))
            .collect();
        self.record(&happened.events);
        happened.sessions.iter().for_each(|session| self.counters.record_session(session));
        self.step(list, penalties, happened.events.len());
        happened
    }

    /// Moves to the list of a block that was replaced earlier and returned: its events are counted already.
    pub(super) fn restore(&mut self, block: ReplayedBlock) -> BlockEvents {
        let ReplayedBlock { list, happened, .. } = block;
        let mut penalties = Vec::new();
        for event in penalised(&happened) {
            penalties.push((event.masternode, self.counters.last_penalty(&event.masternode)));
            self.counters.set_last_penalty(&event.masternode, Some(event.block.height));
        }
        self.keep(&happened.events);
        self.step(list, penalties, happened.events.len());
        BlockEvents { sessions: Vec::new(), ..happened }
    }

    /// Takes the events of a block whose list was skipped. `is_counted`: they are counted already.
    pub(super) fn pass(&mut self, block: &BlockEvents, is_counted: bool) {
        if is_counted {
            self.keep(&block.events);
        } else {
            self.record(&block.events);
        }
        self.passed.hashes.push(block.block.hash);
        self.passed.events += block.events.len();
    }

    /// The blocks that were passed are below the start of this chain: no step back undoes them.
    pub(super) fn start_here(&mut self) {
        self.passed = PassedBlocks::default();
    }

    /// The blocks that one step back undoes: the tip, and the skipped ones below it.
    pub(super) fn last_step(&self) -> impl Iterator<Item = BlockHash> {
        let passed = self.back.back().into_iter().flat_map(|step| &step.passed);
        passed.copied().chain([self.tip().hash])
    }

    fn step(&mut self, next: MasternodeList, penalties: Vec<(MasternodeId, Option<Height>)>, events: usize) {
        let entries = self.list().differences(&next).map(before).collect();
        let unreadable = self.list().unreadable().clone();
        let PassedBlocks { hashes: passed, events: before } = std::mem::take(&mut self.passed);
        let events = before + events;
        self.back.push_back(StepBack { parent: *self.tip(), passed, entries, unreadable, events, penalties });
        if self.back.len() > DEPTH {
            self.back.pop_front();
        }
        self.at.advance(next);
    }

    /// Counts events and keeps the last of them.
    fn record(&mut self, events: &[Event]) {
        for event in events {
            self.counters.record(event);
        }
        self.keep(events);
    }

    fn keep(&mut self, events: &[Event]) {
        let last = &events[events.len().saturating_sub(RECENT)..];
        self.recent.extend(last.iter().cloned());
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
    }

    /// Undoes one block. Returns the number of its events, `None` at the oldest remembered block.
    pub(super) fn step_back(&mut self) -> Result<Option<usize>, ListError> {
        let Some(step) = self.back.pop_back() else { return Ok(None) };
        let list = self.list().restore(step.parent, step.entries)?.with_unreadable(step.unreadable);
        self.at.restore(list);
        for (id, height) in step.penalties {
            self.counters.set_last_penalty(&id, height);
        }
        self.recent.truncate(self.recent.len().saturating_sub(step.events));
        Ok(Some(step.events))
    }

    /// Replaces the list of the tip by one that was read in full. Returns the number of masternodes that differed, and
    /// the resulting events. If any differed, stepping back is no longer possible.
    pub(super) fn correct(&mut self, full: MasternodeList, rule: Option<&PenaltyRule>) -> (usize, BlockEvents) {
        let wrong = self.list().differences(&full).count();
        let mut events = Vec::new();
        if wrong > 0 {
            events = self.at.events_until(&full, rule);
            self.record(&events);
            self.back.clear();
        }
        self.at.advance(full);
        (wrong, BlockEvents { block: *self.tip(), events, sessions: Vec::new() })
    }

    /// Updates the peer data of the list; produces no events.
    pub(super) fn amend(&mut self, change: impl FnOnce(&mut MasternodeList)) {
        self.at.amend(change);
    }
}

fn penalised(happened: &BlockEvents) -> impl Iterator<Item = &Event> {
    happened.events.iter().filter(|event| matches!(event.kind, EventKind::Penalty { .. }))
}

fn before((old, new): (Option<&Masternode>, Option<&Masternode>)) -> (MasternodeId, Option<Masternode>) {
    let either = old.or(new).expect("a difference has at least one side");
    (either.id, old.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::details::{DetailTexts, Rare};
    use domain::masternode::Score;
    use domain::payout::{Payout, Payouts};
    use domain::pose::CONSENSUS;
    use domain::samples::{block, id, list, masternode};

    fn scored(number: u8, score: u32) -> Masternode {
        Masternode { pose_score: Some(Score(score)), ..masternode(number) }
    }

    fn advance(chain: &mut FollowedChain, next: MasternodeList) {
        let events = chain.replay_point().events_until(&next, Some(&CONSENSUS));
        let happened = BlockEvents { block: *next.block(), events, sessions: vec![] };
        chain.advance(ReplayedBlock::of(next, happened));
    }

    fn scores(chain: &FollowedChain) -> Vec<(MasternodeId, u32)> {
        chain.list().masternodes().iter().map(|node| (node.id, node.pose_score.unwrap().0)).collect()
    }

    #[test]
    fn stepping_back_restores_the_list_before() {
        let mut chain = FollowedChain::open(list(10, vec![scored(1, 0), scored(2, 5)]), EventCounters::default());
        advance(&mut chain, list(11, vec![scored(1, 66), scored(3, 0)]));
        assert_eq!(chain.depth_of(&block(10).hash), Some(1));
        assert_eq!(chain.step_back(), Ok(Some(4)), "penalty, removal, lost payment, registration");
        assert_eq!(chain.tip(), &block(10));
        assert_eq!(scores(&chain), [(id(1), 0), (id(2), 5)]);
        assert_eq!(chain.counters().node(&id(1)).penalties, 1, "counts never go down");
        assert_eq!(
            chain.counters().node(&id(1)).last_penalty_height,
            None,
            "a height of an abandoned block is no height"
        );
        assert_eq!(chain.step_back(), Ok(None));
    }

    #[test]
    fn payees_that_were_unknown_for_some_blocks_are_compared_with_the_last_known_ones() {
        let paying = |height, payouts: Option<Payouts>| {
            let rare = Rare { payouts: payouts.unwrap_or(Payouts::Unknown), ..Rare::default() };
            let texts = DetailTexts { rare, ..DetailTexts::default() };
            list(height, vec![Masternode { details: texts.into(), ..masternode(1) }])
        };
        let split = |address: &str, reward| {
            let payout = |address: &str, reward| Payout { address: address.into(), reward: Some(reward) };
            Payouts::of(vec![payout(address, reward), payout("Xsecond", 10_000 - reward)])
        };
        for (after, changes) in [(split("Xone", 7000), 0), (split("Xthief", 7000), 1), (split("Xone", 6000), 1)] {
            let mut chain = FollowedChain::open(paying(10, split("Xone", 7000)), EventCounters::default());
            for height in 11..14 {
                advance(&mut chain, paying(height, None));
            }
            advance(&mut chain, paying(14, after.clone()));
            let seen: Vec<Event> = chain.recent().cloned().collect();
            assert_eq!(seen.len(), changes, "{seen:?}");
            assert!(seen.iter().all(|event| event.kind.name() == "payout_change" && !event.exact));
            chain.step_back().unwrap();
            advance(&mut chain, paying(14, after));
            assert_eq!(chain.recent().count(), changes, "once more after a reorg");
            advance(&mut chain, paying(15, split("Xone", 7000)));
            assert_eq!(chain.recent().count(), 2 * changes, "known on both sides");
        }
    }

    #[test]
    fn the_way_back_has_an_end() {
        let mut chain = FollowedChain::open(list(0, vec![masternode(1)]), EventCounters::default());
        for height in 1..=600 {
            advance(&mut chain, list(height, vec![masternode(1)]));
        }
        assert_eq!(chain.oldest(), &block(600 - 576));
        assert_eq!(chain.depth_of(&block(23).hash), None);
    }

    #[test]
    fn a_corrected_list_forgets_the_way_back() {
        let mut chain = FollowedChain::open(list(10, vec![scored(1, 0)]), EventCounters::default());
        advance(&mut chain, list(11, vec![scored(1, 0)]));
        assert_eq!(chain.correct(list(11, vec![scored(1, 0)]), Some(&CONSENSUS)).0, 0);
        assert_eq!(chain.depth_of(&block(10).hash), Some(1));
        assert_eq!(chain.correct(list(11, vec![scored(1, 66)]), Some(&CONSENSUS)).0, 1);
        assert_eq!(chain.depth_of(&block(10).hash), None);
        assert_eq!(chain.counters().node(&id(1)).penalties, 1);
    }

    #[test]
    fn bans_that_follow_each_other_within_a_block_are_counted_where_lists_between_show_it() {
        let banned = || Masternode { ban_height: Some(Height(1)), ..masternode(1) };
        let nodes = |first| list(10, vec![first, masternode(2), masternode(3)]);
        let mut chain = FollowedChain::open(nodes(masternode(1)), EventCounters::default());
        for (seen, bans) in [(banned(), 1), (banned(), 1), (masternode(1), 1), (banned(), 2)] {
            chain.correct(nodes(seen), None);
            assert_eq!(chain.counters().node(&id(1)).bans.iter().sum::<u64>(), bans);
        }
        // It began at the tip, and lasts as many blocks as there are masternodes.
        assert_eq!(chain.counters().last_ban(&id(1)), Some((Height(10), 4)));
    }

    #[test]
    fn skipped_blocks_are_undone_with_the_block_above_them() {
        let event = |height| Event {
            block: block(height),
            exact: true,
            masternode: id(1),
            node_type: domain::NodeType::Regular,
            kind: EventKind::Payment { amount: None, operator: None, payees: vec![] },
        };
        let paid = |height| BlockEvents { block: block(height), events: vec![event(height)], sessions: vec![] };
        let mut chain = FollowedChain::open(list(10, vec![masternode(1)]), EventCounters::default());
        chain.pass(&paid(11), false);
        chain.pass(&paid(12), true);
        advance(&mut chain, list(13, vec![masternode(1)]));
        assert_eq!(chain.counters().node(&id(1)).earned.payments, 1, "the second is counted already");
        assert_eq!(chain.recent().count(), 2);
        assert_eq!(chain.last_step().collect::<Vec<_>>(), [11, 12, 13].map(|height| block(height).hash));
        assert_eq!(chain.step_back(), Ok(Some(2)));
        assert_eq!((*chain.tip(), chain.recent().count()), (block(10), 0));
        advance(&mut chain, list(11, vec![masternode(1)]));
        assert_eq!(chain.last_step().collect::<Vec<_>>(), [block(11).hash]);
    }
}
