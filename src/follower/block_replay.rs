//! Replays one block: computes the events, DKG outcomes and payments of a block from the list before and after it.
//! Blocks at the tip, blocks of a downtime and backfilled blocks share this code.
//!
//! Never here: scheduling; recording; counting.

use std::collections::HashMap;
use std::sync::Arc;

use crate::follower::dkg_outcomes::ReadQuorum;
use crate::follower::payees::{self, Paid};
use crate::follower::source::{Source, SourceError};
use crate::follower::{dkg_outcomes, list_reader};
use crate::history::BlockEvents;
use crate::rpc::RpcError;
use crate::rpc::dash::quorums::Commitment;
use domain::chain::{ChainRules, Subnet};
use domain::event::{self, Event, EventKind, Field};
use domain::list::{Block, MasternodeList};
use domain::masternode::{Height, Masternode, MasternodeId, UnixSeconds};
use domain::payment::Vote;
use domain::pose::PenaltyRule;

/// A list, with the data that the next list is compared with.
pub(super) struct ReplayPoint {
    list: Arc<MasternodeList>,
    /// Masternodes whose payees are unknown on this list, as they were on the last list with known payees.
    known_payees: HashMap<MasternodeId, Masternode>,
}

/// A block after its replay.
pub(super) struct ReplayedBlock {
    /// The list after the block.
    pub(super) list: MasternodeList,
    /// Its events and the DKG sessions that ended in it.
    pub(super) happened: BlockEvents,
    /// Its commitments; `None` when they were not read.
    pub(super) commitments: Option<Vec<Commitment>>,
    /// The quorums whose members were read.
    pub(super) quorums: Vec<ReadQuorum>,
    /// A temporary error that left events or DKG outcomes incomplete; `None` if the node answered.
    pub(super) unanswered: Option<RpcError>,
    /// Its payments are read from the block, and the node refuses it or answers with something else.
    pub(super) are_payments_unread: bool,
}

/// How blocks of a chain are replayed.
pub(super) struct BlockReplay<'a> {
    pub(super) rules: &'a ChainRules,
    pub(super) subnet: Subnet,
    /// The penalty rule; `None` on a chain without scores.
    pub(super) penalty_rule: Option<PenaltyRule>,
    /// The votes for payees that were known before the block; empty on chains without.
    pub(super) votes: &'a [Vote],
    /// Reads the outcomes of all DKG sessions, not only of those that penalised a masternode.
    pub(super) counts_sessions: bool,
}

impl ReplayPoint {
    /// Starts at a list.
    pub(super) fn new(list: MasternodeList) -> ReplayPoint {
        ReplayPoint { list: Arc::new(list), known_payees: HashMap::new() }
    }

    /// The list.
    pub(super) fn list(&self) -> &Arc<MasternodeList> {
        &self.list
    }

    /// The events between the list and a later one.
    pub(super) fn events_until(&self, next: &MasternodeList, rule: Option<&PenaltyRule>) -> Vec<Event> {
        let mut events = event::diff(&self.list, next, rule);
        // Payees that were unknown in between are compared with the last known ones.
        for (id, before) in &self.known_payees {
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

    /// Moves to a later list. Keeps the masternodes whose payees are known on this list and unknown on the later one.
    /// They stay known afterwards, because a reorg may return to a list without payees.
    pub(super) fn advance(&mut self, next: MasternodeList) {
        for (old, new) in self.list.differences(&next) {
            match (old, new) {
                (Some(old), Some(new)) if old.details.are_payees_known() && !new.details.are_payees_known() => {
                    self.known_payees.insert(old.id, old.clone());
                }
                (Some(old), None) => drop(self.known_payees.remove(&old.id)),
                _ => {}
            }
        }
        self.list = Arc::new(next);
    }

    /// Moves to an earlier list.
    pub(super) fn restore(&mut self, list: MasternodeList) {
        self.list = Arc::new(list);
    }

    /// Updates the peer data of the list.
    pub(super) fn amend(&mut self, change: impl FnOnce(&mut MasternodeList)) {
        change(Arc::make_mut(&mut self.list));
    }
}

#[cfg(test)]
impl ReplayedBlock {
    /// A block of which nothing but its list and events was read.
    pub(super) fn of(list: MasternodeList, happened: BlockEvents) -> ReplayedBlock {
        let (commitments, quorums, unanswered) = (None, Vec::new(), None);
        ReplayedBlock { list, happened, commitments, quorums, unanswered, are_payments_unread: false }
    }
}

impl BlockReplay<'_> {
    /// Why earlier blocks cannot be replayed from a source; `None` if they can.
    pub(super) fn refusal(source: &Source, rules: &ChainRules) -> Option<String> {
        if !source.client.dialect().is_pinned() {
            return Some(format!("a {} node returns the current list only; earlier lists are unavailable", rules.name));
        }
        let has_diffs = source.capabilities.list_diffs;
        (!has_diffs).then(|| "the node does not support `protx listdiff`: it needs Dash Core 20 or later".into())
    }

    /// Replays the block of `next`. Data that the node does not return stays unknown.
    pub(super) async fn replay(&self, source: &mut Source, from: &ReplayPoint, next: MasternodeList) -> ReplayedBlock {
        let (before, block) = (from.list(), *next.block());
        let mut events = from.events_until(&next, self.penalty_rule.as_ref());
        let (mut sessions, mut quorums, mut commitments, mut unanswered) = (Vec::new(), Vec::new(), None, None);
        // With several blocks at once, the block of an event is unknown.
        if before.block().height.after(1) == block.height {
            let types = self.rules.quorum_types(self.subnet);
            match dkg_outcomes::read(source, types, &block, &events, self.counts_sessions).await {
                Ok(outcomes) => {
                    let limits = self.penalty_rule.as_ref().map(|rule| rule.limits(before.registered()));
                    event::attribute(&mut events, &outcomes.failed, limits.map(|limits| limits.limit));
                    (sessions, quorums, commitments) = (outcomes.sessions, outcomes.quorums, outcomes.commitments);
                }
                Err(error) => {
                    source.capabilities.note_refusal(&error);
                    unanswered = Some(error);
                }
            }
            if let Err(error) = dkg_outcomes::pay(source, before, &block, &mut events).await {
                source.capabilities.note_refusal(&error);
                unanswered = unanswered.filter(dkg_outcomes::is_passing).or(Some(error));
            }
        }
        let paid = Paid { before: Some(before), next: &next, votes: self.votes };
        let payments = payees::read(source, &paid, &mut events).await;
        let are_payments_unread = payments.is_err();
        if let Err(error) = payments {
            source.capabilities.note_refusal(&error);
            unanswered = unanswered.filter(dkg_outcomes::is_passing).or(Some(error));
        }
        let unanswered = unanswered.filter(dkg_outcomes::is_passing);
        let happened = BlockEvents { block, events, sessions };
        ReplayedBlock { list: next, happened, commitments, quorums, unanswered, are_payments_unread }
    }

    /// Replays the block after `from` by its list diff. Fails on a temporary error that would leave it incomplete.
    pub(super) async fn replay_next(
        &self,
        source: &mut Source,
        from: &ReplayPoint,
    ) -> Result<ReplayedBlock, SourceError> {
        let before = from.list();
        let height = before.block().height.after(1);
        let header = list_reader::header_at(source, height).await?;
        if header.previous != Some(before.block().hash) {
            return Err(SourceError::Contradiction(format!(
                "block {height} was replaced by a reorg during the call: retry"
            )));
        }
        let next = list_reader::by_diff(source, before, &header.block).await?;
        let mut replayed = self.replay(source, from, next).await;
        replayed.unanswered.take().map_or(Ok(replayed), |error| Err(error.into()))
    }
}

/// The list before a block, without the node's own view of its peers.
pub(super) async fn point_before(source: &Source, height: Height) -> Result<ReplayPoint, SourceError> {
    let block = list_reader::header_at(source, Height(height.0.saturating_sub(1))).await?.block;
    let (mut list, _) = list_reader::in_full(source, block, None, false).await?;
    list.forget_peers();
    Ok(ReplayPoint::new(list))
}

/// The first block from `low` to `high` at or after a time; a height above `high` if there is none. Assumes that block
/// times ascend.
pub(super) async fn first_since(
    source: &Source,
    moment: UnixSeconds,
    (low, high): (Height, Height),
) -> Result<Height, SourceError> {
    let (mut low, mut high) = (low.0, high.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let block: Block = list_reader::header_at(source, Height(middle)).await?.block;
        if block.time < moment {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(Height(low))
}

/// The parts of a span that are in none of the spans in `known`, which ascend.
pub(super) fn gaps(known: &[(Height, Height)], (first, last): (Height, Height)) -> Vec<(Height, Height)> {
    let mut gaps = Vec::new();
    let mut next = first;
    for (known_first, known_last) in known {
        if *known_first > last {
            break;
        }
        if *known_first > next {
            gaps.push((next, Height(known_first.0 - 1)));
        }
        next = next.max(known_last.after(1));
    }
    if next <= last {
        gaps.push((next, last));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_left_out() {
        let span = |(first, last)| (Height(first), Height(last));
        let cases = [
            ("nothing known", vec![], (1, 9), vec![(1, 9)]),
            ("all known", vec![(1, 20)], (3, 9), vec![]),
            ("the end known", vec![(5, 20)], (3, 9), vec![(3, 4)]),
            ("the beginning known", vec![(1, 5)], (3, 9), vec![(6, 9)]),
            ("the middle known", vec![(1, 2), (5, 6), (8, 8), (30, 40)], (3, 9), vec![(3, 4), (7, 7), (9, 9)]),
            ("an empty span", vec![], (9, 8), vec![]),
        ];
        for (name, known, asked, expected) in cases {
            let known: Vec<_> = known.into_iter().map(span).collect();
            let expected: Vec<_> = expected.into_iter().map(span).collect();
            assert_eq!(gaps(&known, span(asked)), expected, "{name}");
        }
    }
}
