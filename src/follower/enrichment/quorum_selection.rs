//! Computes the members of DKG sessions that have not begun. The input is read once for each session.
//!
//! Never here: the rule of the selection (`domain::drawing`); anything that a list could not be published without.

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
    lot: BlockHash,
    /// `None` if there were too few masternodes for a quorum.
    drawing: Option<Arc<SelectedQuorum>>,
}

impl SelectionState {
    /// The selected quorums.
    pub(super) fn drawings(&self) -> Vec<Arc<SelectedQuorum>> {
        self.sessions.iter().filter_map(|decided| decided.drawing.clone()).collect()
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
        let mut lots: BTreeMap<Height, Vec<QuorumType>> = BTreeMap::new();
        for (kind, start) in wanted {
            let known = |decided: &DecidedQuorum| (decided.kind, decided.start) == (kind, start);
            if source.capabilities.quorum_selection && !self.sessions.iter().any(known) {
                lots.entry(Height(start.0 - LEAD)).or_default().push(kind);
            }
        }
        for (height, kinds) in lots {
            let Some(lot) = modifier_input(source, height).await? else { continue };
            self.list.update(source, lot.hash).await?;
            for kind in kinds {
                let drawing = SelectedQuorum::new(kind, &lot, self.list.sml()).map(Arc::new);
                self.sessions.push(DecidedQuorum { kind, start: height.after(LEAD), lot: lot.hash, drawing });
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
        for DecidedQuorum { lot, start, .. } in &self.sessions {
            // If the blocks back to it are no longer kept, the node is asked whether the block is still on its branch.
            let height = Height(start.0 - LEAD);
            if followed.depth_of(lot).is_none() && source.client.block_hash(height).await? != *lot {
                replaced.push(*lot);
            }
        }
        self.sessions.retain(|decided| !replaced.contains(&decided.lot));
        Ok(())
    }
}
