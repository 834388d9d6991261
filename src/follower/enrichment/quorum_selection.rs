//! Computes the members of DKG sessions that have not begun. The input is read once for each session.
//!
//! Never here: the rule of the selection (`domain::quorum_selection`); anything that a list could not be published
//! without.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::follower::enrichment::simplified_list::{SimplifiedList, modifier_input};
use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::{Source, SourceError};
use domain::dkg::QuorumType;
use domain::masternode::{BlockHash, Height};
use domain::quorum_selection::{LEAD, SelectedQuorum, decided};

/// The simplified masternode list of the newest work block, and the selected quorums.
#[derive(Default)]
pub(super) struct SelectionState {
    list: SimplifiedList,
    sessions: Vec<DecidedQuorum>,
}

/// A session whose members are determined.
struct DecidedQuorum {
    kind: QuorumType,
    start: Height,
    /// The work block, which determines the members.
    work_block: BlockHash,
    /// `None` if there were too few masternodes for a quorum.
    selected: Option<Arc<SelectedQuorum>>,
}

impl SelectionState {
    /// The selected quorums.
    pub(super) fn selected(&self) -> Vec<Arc<SelectedQuorum>> {
        self.sessions.iter().filter_map(|decided| decided.selected.clone()).collect()
    }

    /// Selects the members of the sessions that are determined at the tip and can still end.
    pub(super) async fn refresh(
        &mut self,
        source: &mut Source,
        followed: &FollowedChain,
        types: &[QuorumType],
    ) -> Result<(), SourceError> {
        let tip = *followed.tip();
        let wanted: Vec<(QuorumType, Height)> =
            types.iter().filter_map(|kind| Some((*kind, decided(kind, tip.height)?))).collect();
        self.forget(source, followed, &wanted).await?;
        let mut due: BTreeMap<Height, Vec<QuorumType>> = BTreeMap::new();
        for (kind, start) in wanted {
            let known = |decided: &DecidedQuorum| (decided.kind, decided.start) == (kind, start);
            if source.capabilities.quorum_selection && !self.sessions.iter().any(known) {
                due.entry(Height(start.0 - LEAD)).or_default().push(kind);
            }
        }
        for (height, kinds) in due {
            let Some(input) = modifier_input(source, height).await? else { continue };
            self.list.update(source, input.hash).await?;
            for kind in kinds {
                let selected = SelectedQuorum::new(kind, &input, self.list.sml()).map(Arc::new);
                self.sessions.push(DecidedQuorum { kind, start: height.after(LEAD), work_block: input.hash, selected });
            }
        }
        Ok(())
    }

    /// Removes sessions that are no longer wanted, and those whose work block was replaced.
    async fn forget(
        &mut self,
        source: &Source,
        followed: &FollowedChain,
        wanted: &[(QuorumType, Height)],
    ) -> Result<(), SourceError> {
        self.sessions.retain(|decided| wanted.contains(&(decided.kind, decided.start)));
        let mut replaced = Vec::new();
        for DecidedQuorum { work_block, start, .. } in &self.sessions {
            // If the blocks back to it are no longer kept, the node is asked whether the block is still on its branch.
            let height = Height(start.0 - LEAD);
            if followed.depth_of(work_block).is_none() && source.client.block_hash(height).await? != *work_block {
                replaced.push(*work_block);
            }
        }
        self.sessions.retain(|decided| !replaced.contains(&decided.work_block));
        Ok(())
    }
}
