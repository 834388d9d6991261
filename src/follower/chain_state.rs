//! The list at our tip, the way back from it, and the counts.
//!
//! Never here: any call to a node; what is true is decided by the caller.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::history::BlockEvents;
use domain::counters::EventCounters;
use domain::dkg_outcome::DkgOutcome;
use domain::event::{self, Event, EventKind, Field};
use domain::list::{Block, ListError, MasternodeList};
use domain::masternode::{BlockHash, Height, Masternode, MasternodeId};
use domain::pose::PenaltyRule;
use domain::unreadable::Unreadable;

/// How many blocks a reorg may reach back before the list must be read anew: a day on Dash, whose ChainLocks forbid
/// all but the shallowest.
pub(super) const DEPTH: usize = 576;

/// How many of the last events are kept for those who look at a snapshot.
const RECENT: usize = 1024;

/// The followed chain up to our tip.
pub(super) struct ChainState {
    list: Arc<MasternodeList>,
    back: VecDeque<StepBack>,
    recent: VecDeque<Event>,
    tallies: EventCounters,
    /// Masternodes whose payees a list did not say in a known form, as they were on the last list that did.
    payees_before: HashMap<MasternodeId, Masternode>,
}

/// What one block changed, to take it back.
struct StepBack {
    parent: Block,
    entries: Vec<(MasternodeId, Option<Masternode>)>,
    unreadable: Unreadable,
    events: usize,
    /// Heights of the penalties before, of those whom this block penalised.
    penalties: Vec<(MasternodeId, Option<Height>)>,
}

impl ChainState {
    /// Starts at a list; counts go on from `tallies`.
    pub(super) fn open(list: MasternodeList, tallies: EventCounters) -> ChainState {
        let (back, recent) = (VecDeque::new(), VecDeque::new());
        ChainState { list: Arc::new(list), back, recent, tallies, payees_before: HashMap::new() }
    }

    /// The list at our tip.
    pub(super) fn list(&self) -> &Arc<MasternodeList> {
        &self.list
    }

    /// Our tip.
    pub(super) fn tip(&self) -> &Block {
        self.list.block()
    }

    /// Takes over what an earlier process saw up to our tip; nothing of it is counted again.
    pub(super) fn remember(&mut self, earlier: Vec<Event>) {
        let last = earlier.len().saturating_sub(RECENT);
        self.recent = earlier.into_iter().skip(last).collect();
    }

    /// Counts so far.
    pub(super) fn tallies(&self) -> &EventCounters {
        &self.tallies
    }

    /// The last events of our branch, oldest first.
    pub(super) fn recent(&self) -> impl Iterator<Item = &Event> {
        self.recent.iter()
    }

    /// Puts the counts on top of earlier ones, of which nothing was known so far.
    pub(super) fn rebase_on(&mut self, earlier: EventCounters) {
        for (id, height) in self.back.iter_mut().flat_map(|step| &mut step.penalties) {
            *height = height.or(earlier.last_penalty(id));
        }
        self.tallies = earlier.add_later(&self.tallies);
    }

    /// Gives up the lists and keeps the counts.
    pub(super) fn close(self) -> EventCounters {
        self.tallies
    }

    /// How many blocks back a block lies on our branch, 0 being the tip; `None` when it is not among those remembered.
    pub(super) fn depth_of(&self, hash: &BlockHash) -> Option<usize> {
        if self.tip().hash == *hash {
            return Some(0);
        }
        self.back.iter().rev().position(|step| step.parent.hash == *hash).map(|position| position + 1)
    }

    /// The block of our branch so many steps back, 0 being the tip.
    pub(super) fn at_depth(&self, depth: usize) -> Option<&Block> {
        match depth {
            0 => Some(self.tip()),
            steps => self.back.get(self.back.len().checked_sub(steps)?).map(|step| &step.parent),
        }
    }

    /// The oldest block that can be stepped back to.
    pub(super) fn oldest(&self) -> &Block {
        self.back.front().map_or(self.tip(), |step| &step.parent)
    }

    /// What happens between our list and a later one.
    pub(super) fn events_until(&self, next: &MasternodeList, rule: Option<&PenaltyRule>) -> Vec<Event> {
        let mut events = event::diff(&self.list, next, rule);
        // Payees that were unknown in between are compared with the last ones that were known.
        for (id, before) in &self.payees_before {
            let (Some(unknown), Some(after)) = (self.list.get(id), next.get(id)) else { continue };
            if unknown.details.are_payees_known() {
                continue;
            }
            if let Some(change) = Field::Payout.change(before, after) {
                let (masternode, node_type) = (*id, after.node_type);
                let kind = EventKind::Change(Field::Payout, Some(Box::new(change)));
                events.push(Event { block: *next.block(), exact: false, masternode, node_type, kind });
            }
        }
        events.sort_by_key(|event| event.masternode);
        events
    }

    /// Moves on to the list of a later block and counts what happened between, which is returned.
    pub(super) fn advance(
        &mut self,
        next: MasternodeList,
        events: Vec<Event>,
        sessions: Vec<DkgOutcome>,
    ) -> BlockEvents {
        let penalised = events.iter().filter(|event| matches!(event.kind, EventKind::Penalty { .. }));
        let penalties =
            penalised.map(|event| (event.masternode, self.tallies.last_penalty(&event.masternode))).collect();
        self.record(&events);
        sessions.iter().for_each(|session| self.tallies.record_session(session));
        self.step(next, penalties, events.len());
        BlockEvents { block: *self.tip(), events, sessions }
    }

    /// Moves on to the list of a block that was taken back earlier: what happened in it is counted already.
    pub(super) fn advance_again(&mut self, next: MasternodeList, events: Vec<Event>) -> BlockEvents {
        let mut penalties = Vec::new();
        for event in events.iter().filter(|event| matches!(event.kind, EventKind::Penalty { .. })) {
            penalties.push((event.masternode, self.tallies.last_penalty(&event.masternode)));
            self.tallies.set_last_penalty(&event.masternode, Some(event.block.height));
        }
        self.keep(&events);
        self.step(next, penalties, events.len());
        BlockEvents { block: *self.tip(), events, sessions: Vec::new() }
    }

    fn step(&mut self, next: MasternodeList, penalties: Vec<(MasternodeId, Option<Height>)>, events: usize) {
        let entries = self.list.differences(&next).map(before).collect();
        self.keep_payees(&next);
        let unreadable = self.list.unreadable().clone();
        self.back.push_back(StepBack { parent: *self.tip(), entries, unreadable, events, penalties });
        if self.back.len() > DEPTH {
            self.back.pop_front();
        }
        self.list = Arc::new(next);
    }

    /// Keeps the masternodes whose payees are known on our list and not on the next one. What is kept stays after that, as a
    /// reorg may lead back to a list without payees.
    fn keep_payees(&mut self, next: &MasternodeList) {
        for (old, new) in self.list.differences(next) {
            match (old, new) {
                (Some(old), Some(new)) if old.details.are_payees_known() && !new.details.are_payees_known() => {
                    self.payees_before.insert(old.id, old.clone());
                }
                (Some(old), None) => drop(self.payees_before.remove(&old.id)),
                _ => {}
            }
        }
    }

    /// Counts events and keeps the last of them.
    fn record(&mut self, events: &[Event]) {
        for event in events {
            self.tallies.record(event);
        }
        self.keep(events);
    }

    fn keep(&mut self, events: &[Event]) {
        let last = &events[events.len().saturating_sub(RECENT)..];
        self.recent.extend(last.iter().cloned());
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
    }

    /// Takes back one block. Returns how many events it had, `None` at the oldest block remembered.
    pub(super) fn step_back(&mut self) -> Result<Option<usize>, ListError> {
        let Some(step) = self.back.pop_back() else { return Ok(None) };
        self.list = Arc::new(self.list.restore(step.parent, step.entries)?.with_unreadable(step.unreadable));
        for (id, height) in step.penalties {
            self.tallies.set_last_penalty(&id, height);
        }
        self.recent.truncate(self.recent.len().saturating_sub(step.events));
        Ok(Some(step.events))
    }

    /// Puts a list of our own tip, read in full, in the place of the one that was carried on from block to block.
    /// Returns how many masternodes differed, and the events that follow; if any did, the way back is gone.
    pub(super) fn correct(&mut self, full: MasternodeList, rule: Option<&PenaltyRule>) -> (usize, BlockEvents) {
        let wrong = self.list.differences(&full).count();
        let mut events = Vec::new();
        if wrong > 0 {
            events = self.events_until(&full, rule);
            self.keep_payees(&full);
            self.record(&events);
            self.back.clear();
        }
        self.list = Arc::new(full);
        (wrong, BlockEvents { block: *self.tip(), events, sessions: Vec::new() })
    }

    /// Changes what the list says of peers; no event follows from it.
    pub(super) fn amend(&mut self, change: impl FnOnce(&mut MasternodeList)) {
        change(Arc::make_mut(&mut self.list));
    }
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

    fn advance(book: &mut ChainState, next: MasternodeList) {
        let events = book.events_until(&next, Some(&CONSENSUS));
        book.advance(next, events, vec![]);
    }

    fn scores(book: &ChainState) -> Vec<(MasternodeId, u32)> {
        book.list().masternodes().iter().map(|node| (node.id, node.pose_score.unwrap().0)).collect()
    }

    #[test]
    fn stepping_back_restores_the_list_before() {
        let mut book = ChainState::open(list(10, vec![scored(1, 0), scored(2, 5)]), EventCounters::default());
        advance(&mut book, list(11, vec![scored(1, 66), scored(3, 0)]));
        assert_eq!(book.depth_of(&block(10).hash), Some(1));
        assert_eq!(book.step_back(), Ok(Some(4)), "penalty, removal, lost payment, registration");
        assert_eq!(book.tip(), &block(10));
        assert_eq!(scores(&book), [(id(1), 0), (id(2), 5)]);
        assert_eq!(book.tallies().node(&id(1)).penalties, 1, "counts never go down");
        assert_eq!(
            book.tallies().node(&id(1)).last_penalty_height,
            None,
            "a height of an abandoned block is no height"
        );
        assert_eq!(book.step_back(), Ok(None));
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
            let mut book = ChainState::open(paying(10, split("Xone", 7000)), EventCounters::default());
            for height in 11..14 {
                advance(&mut book, paying(height, None));
            }
            advance(&mut book, paying(14, after.clone()));
            let seen: Vec<Event> = book.recent().cloned().collect();
            assert_eq!(seen.len(), changes, "{seen:?}");
            assert!(seen.iter().all(|event| event.kind.name() == "payout_change" && !event.exact));
            book.step_back().unwrap();
            advance(&mut book, paying(14, after));
            assert_eq!(book.recent().count(), changes, "once more after a reorg");
            advance(&mut book, paying(15, split("Xone", 7000)));
            assert_eq!(book.recent().count(), 2 * changes, "known on both sides");
        }
    }

    #[test]
    fn the_way_back_has_an_end() {
        let mut book = ChainState::open(list(0, vec![masternode(1)]), EventCounters::default());
        for height in 1..=600 {
            advance(&mut book, list(height, vec![masternode(1)]));
        }
        assert_eq!(book.oldest(), &block(600 - 576));
        assert_eq!(book.depth_of(&block(23).hash), None);
    }

    #[test]
    fn a_corrected_list_forgets_the_way_back() {
        let mut book = ChainState::open(list(10, vec![scored(1, 0)]), EventCounters::default());
        advance(&mut book, list(11, vec![scored(1, 0)]));
        assert_eq!(book.correct(list(11, vec![scored(1, 0)]), Some(&CONSENSUS)).0, 0);
        assert_eq!(book.depth_of(&block(10).hash), Some(1));
        assert_eq!(book.correct(list(11, vec![scored(1, 66)]), Some(&CONSENSUS)).0, 1);
        assert_eq!(book.depth_of(&block(10).hash), None);
        assert_eq!(book.tallies().node(&id(1)).penalties, 1);
    }
}
