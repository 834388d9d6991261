//! Holds computed members against the chain: those of quorums that were read from the node, and the scores that follow from
//! commitments.
//!
//! Never here: calls to a node.

use std::collections::BTreeMap;

use crate::follower::block_replay::ReplayedBlock;
use crate::follower::dkg_outcomes::ReadQuorum;
use crate::follower::enrichment::Enrichment;
use crate::follower::followed_chain::FollowedChain;
use crate::rpc::dash::quorums::Commitment;
use domain::dkg::QuorumType;
use domain::list::MasternodeList;
use domain::masternode::{BlockHash, Height, MasternodeId};
use domain::pose::PenaltyRule;
use domain::score_check;

impl Enrichment {
    /// Compares the members of quorums that were read for their failures with the computed ones. A difference withdraws what was
    /// computed, and counts as a mismatch.
    pub(in crate::follower) fn compare_members(
        &mut self,
        types: &[QuorumType],
        chain: &FollowedChain,
        quorums: &[ReadQuorum],
    ) {
        for quorum in quorums {
            let Some((kind, cycle)) = session(types, chain, quorum.quorum_type, (&quorum.hash, quorum.index)) else {
                continue;
            };
            if kind.quorums > 1 {
                self.rotation.compare(kind, cycle, (quorum.index, &quorum.members));
            } else if self.selection.compare(kind, cycle, &quorum.members) {
                self.mismatches.push(kind.name);
            }
        }
    }

    /// The masternodes whose score after a block is not the computed one. `None` where the failures of the block are not known:
    /// its commitments were not read, or members of a quorum with failures are neither computed nor read.
    pub(in crate::follower) fn wrong_scores(
        &self,
        types: &[QuorumType],
        chain: &FollowedChain,
        replayed: &ReplayedBlock,
        rule: &PenaltyRule,
    ) -> Option<Vec<MasternodeId>> {
        let (before, after): (&MasternodeList, &MasternodeList) = (chain.list(), &replayed.list);
        let height = after.block().height;
        if before.block().height.after(1) != height {
            return None;
        }
        let mut failures: BTreeMap<MasternodeId, u32> = BTreeMap::new();
        match &replayed.commitments {
            Some(commitments) => {
                for commitment in commitments {
                    for id in self.failed(types, (chain, &replayed.quorums), commitment)? {
                        *failures.entry(id).or_default() += 1;
                    }
                }
            }
            None if types.iter().any(|kind| kind.is_due_at(height)) => return None,
            None => {}
        }
        Some(score_check::disagreements(before, after, &failures, rule))
    }

    /// The members that a commitment marks as failed; `None` if they are not known. Members that were not computed yet, as after a start
    /// or a gap, are those that the node names.
    fn failed(
        &self,
        types: &[QuorumType],
        (chain, read): (&FollowedChain, &[ReadQuorum]),
        commitment: &Commitment,
    ) -> Option<Vec<MasternodeId>> {
        let Some(kind) = types.iter().find(|kind| kind.id == commitment.quorum_type) else { return Some(Vec::new()) };
        if commitment.valid_members == 0 || commitment.valid_members == kind.size {
            return Some(Vec::new());
        }
        let computed = session(types, chain, kind.id, (&commitment.hash, commitment.index));
        let computed = computed.and_then(|(kind, cycle)| match kind.quorums {
            1 => self.selection.members(kind, cycle),
            _ => self.rotation.members(kind, cycle, commitment.index),
        });
        let is_of = |quorum: &&ReadQuorum| quorum.quorum_type == kind.id && quorum.hash == commitment.hash;
        let members = computed.or_else(|| read.iter().find(is_of).map(|quorum| quorum.members.clone()))?;
        Some(commitment.failed(&members)?.into_iter().copied().collect())
    }
}

/// The type of a quorum, and the first block of its session, or of the cycle if it rotates. `None` if the block that names it is
/// not kept, or is none with which a session begins.
fn session<'a>(
    types: &'a [QuorumType],
    chain: &FollowedChain,
    id: u8,
    (hash, index): (&BlockHash, u32),
) -> Option<(&'a QuorumType, Height)> {
    let kind = types.iter().find(|kind| kind.id == id)?;
    let start = chain.at_depth(chain.depth_of(hash)?)?.height;
    let cycle = kind.begun(start);
    (cycle.after(index) == start).then_some((kind, cycle))
}
