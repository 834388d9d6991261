//! Computes the members of DKG sessions that have not begun. The input is read once for each session.
//!
//! Never here: the rule of the selection (`domain::drawing`); anything that a list could not be published without.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::{Source, SourceError, optional};
use crate::rpc::ErrorKind;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::quorum_selection::{LEAD, QuorumModifierInput, SelectedQuorum, Sml, decided};

/// The simplified masternode list of the newest work block, and the selected quorums.
#[derive(Default)]
pub(super) struct SelectionState {
    sml: Sml,
    /// The block of that list; `None` while there is none.
    at: Option<BlockHash>,
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
            if source.tells_roll && !self.sessions.iter().any(known) {
                lots.entry(Height(start.0 - LEAD)).or_default().push(kind);
            }
        }
        for (height, kinds) in lots {
            let Some(lot) = lot(source, height).await? else { continue };
            self.update_sml(source, lot.hash).await?;
            for kind in kinds {
                let drawing = SelectedQuorum::new(kind, &lot, &self.sml).map(Arc::new);
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

    /// Brings the list to a block: by the changes since the previous one, otherwise from the beginning.
    async fn update_sml(&mut self, source: &mut Source, target: BlockHash) -> Result<(), SourceError> {
        if self.at == Some(target) {
            return Ok(());
        }
        let base = self.at.take();
        let mut sml = base.map_or_else(Sml::default, |_| std::mem::take(&mut self.sml));
        let mut change = source.client.roll_change(base.as_ref(), &target).await;
        if base.is_some() && change.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Call { .. })) {
            // The previous block was replaced, or another node does not know it.
            (sml, change) = (Sml::default(), source.client.roll_change(None, &target).await);
        }
        let change = change.inspect_err(|error| {
            if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden) {
                source.tells_roll = false;
            }
        })?;
        sml.apply(&change);
        (self.sml, self.at) = (sml, Some(target));
        Ok(())
    }
}

/// The quorum modifier input of the block at a height; `None` if the source does not return it, and before the fork
/// v20.
async fn lot(source: &Source, height: Height) -> Result<Option<QuorumModifierInput>, SourceError> {
    let hash = source.client.block_hash(height).await?;
    let block = Block { height, hash, time: UnixSeconds(0) };
    Ok(optional(source.client.lot(&block).await)?.flatten())
}
