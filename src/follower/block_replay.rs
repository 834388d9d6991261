//! Old blocks, one after another: the list after each, and what happened in it.
//!
//! Never here: how fast; where it is kept; counting.

use tracing::debug;

use crate::follower::source::{ListDiffSupport, Source, SourceError};
use crate::follower::{dkg_outcomes, unreadable};
use crate::history::BlockEvents;
use crate::rpc::dash::quorums::Commitment;
use domain::chain::{ChainRules, Subnet};
use domain::event::{self, EventKind};
use domain::list::{Block, MasternodeList};
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::pose::PenaltyRule;

/// A node that tells old lists, and the rules of its chain.
pub(super) struct BlockReplay<'a> {
    pub(super) source: &'a Source,
    pub(super) rules: &'a ChainRules,
    pub(super) subnet: Subnet,
    pub(super) rule: Option<PenaltyRule>,
    /// All sessions are asked for, not only those that punished.
    pub(super) counts_sessions: bool,
}

/// See [`BlockReplay::next`].
pub(super) type Next = (MasternodeList, BlockEvents, Option<Vec<Commitment>>);

impl BlockReplay<'_> {
    /// Why a source cannot be asked for old blocks; `None` when it can.
    pub(super) fn refusal(source: &Source, rules: &ChainRules) -> Option<String> {
        if !source.client.dialect().is_pinned() {
            return Some(format!("a {} node tells the list of now only: what was before is not known", rules.name));
        }
        let tells = source.diffs == ListDiffSupport::Supported;
        (!tells).then(|| "the node does not tell what a block changed: that came with version 20".into())
    }

    /// The first block from `low` to `high` at or after a moment; above `high` when there is none. Times of blocks are
    /// taken to rise.
    pub(super) async fn first_since(
        &self,
        moment: UnixSeconds,
        (low, high): (Height, Height),
    ) -> Result<Height, SourceError> {
        let (mut low, mut high) = (low.0, high.0 + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.block(Height(middle)).await?.0.time < moment {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(Height(low))
    }

    /// The list before a block.
    pub(super) async fn list_before(&self, height: Height) -> Result<MasternodeList, SourceError> {
        let (block, _) = self.block(Height(height.0.saturating_sub(1))).await?;
        let registered = self.source.client.registered(block.height, 0).await?;
        let mut list = unreadable::list_of(block, registered, None)?;
        list.forget_peers();
        Ok(list)
    }

    /// The list after the next block, what happened in that block, and its commitments where they were read.
    pub(super) async fn next(&self, list: &MasternodeList) -> Result<Next, SourceError> {
        let height = list.block().height.after(1);
        let (block, previous) = self.block(height).await?;
        if previous != Some(list.block().hash) {
            return Err(SourceError::Contradiction(format!("block {height} was replaced meanwhile: try again")));
        }
        let diff = self.source.client.list_diff(list.block(), &block).await?;
        let next = list
            .apply(&diff)
            .map_err(|error| SourceError::Contradiction(format!("the changes of block {height}: {error}")))?;
        let mut events = event::diff(list, &next, self.rule.as_ref());
        if !self.rules.tells_payments {
            events.retain(|event| event.kind != EventKind::PaymentLost);
        }
        let types = self.rules.quorum_types(self.subnet);
        let (sessions, commitments) =
            match dkg_outcomes::verdicts(self.source, types, &block, &events, self.counts_sessions).await {
                Ok(verdicts) => {
                    event::attribute(&mut events, &verdicts.failed);
                    (verdicts.sessions, verdicts.commitments)
                }
                Err(error) => {
                    debug!("the quorums of block {height} are not known: {error}");
                    (Vec::new(), None)
                }
            };
        if let Err(error) = dkg_outcomes::pay(self.source, list, &block, &mut events).await {
            debug!("what block {height} pays is not known: {error}");
        }
        Ok((next, BlockEvents { block, events, sessions }, commitments))
    }

    async fn block(&self, height: Height) -> Result<(Block, Option<BlockHash>), SourceError> {
        let hash = self.source.client.block_hash(height).await?;
        let header = self.source.client.block_header(hash).await?;
        Ok((header.block, header.previous))
    }
}

/// What of a span is in none of `known`, which ascend.
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
