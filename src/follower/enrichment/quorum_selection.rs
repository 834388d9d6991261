//! Computes the members of DKG sessions that have not begun. The input is read once for each session.
//!
//! Never here: the rule of the selection (`domain::quorum_selection`); anything that a list could not be published
//! without.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::warn;

use crate::follower::enrichment::simplified_list::{SimplifiedList, modifier_input};
use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::{Source, SourceError};
use domain::dkg::QuorumType;
use domain::masternode::{BlockHash, Height, MasternodeId};
use domain::quorum_selection::{LEAD, SelectedQuorum, decided};

/// The simplified masternode list of the newest work block, and the selected quorums.
#[derive(Default)]
pub(super) struct SelectionState {
    list: SimplifiedList,
    /// The sessions that can still end, the newest one of each type among them.
    sessions: Vec<DecidedQuorum>,
    /// The newest session of each type.
    newest: Vec<(QuorumType, Height)>,
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
    /// The newest selected quorum of each type.
    pub(super) fn selected(&self) -> Vec<Arc<SelectedQuorum>> {
        let newest = self.sessions.iter().filter(|decided| self.newest.contains(&(decided.kind, decided.start)));
        newest.filter_map(|decided| decided.selected.clone()).collect()
    }

    /// The computed members of a session, in the order of their seats; `None` if they are not known.
    pub(super) fn members(&self, kind: &QuorumType, start: Height) -> Option<Vec<MasternodeId>> {
        let session = self.sessions.iter().find(|decided| decided.kind == *kind && decided.start == start)?;
        Some(session.selected.as_ref()?.in_order().to_vec())
    }

    /// Compares the computed members of a session with those of its quorum. Returns whether they differ; then they are forgotten.
    pub(super) fn compare(&mut self, kind: &QuorumType, start: Height, mined: &[MasternodeId]) -> bool {
        if self.members(kind, start).is_none_or(|computed| computed == mined) {
            return false;
        }
        warn!(
            quorum_type = kind.name,
            "the computed members of {} of block {start} are not those of its quorum", kind.name
        );
        *self = SelectionState::default();
        true
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
        self.newest.clone_from(&wanted);
        self.forget(source, followed).await?;
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

    /// Removes sessions that can no longer end, those above the tip, and those whose work block was replaced.
    async fn forget(&mut self, source: &Source, followed: &FollowedChain) -> Result<(), SourceError> {
        let tip = followed.tip().height;
        let newest = &self.newest;
        self.sessions.retain(|decided| {
            let can_end = decided.start.after(decided.kind.window_end) > tip && decided.start <= tip;
            can_end || newest.contains(&(decided.kind, decided.start))
        });
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
