//! Who will sit in sessions that have not begun: what decides is asked for once for each of them.
//!
//! Never here: the rule of drawing (`domain::drawing`); anything that a list could not be published without.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::{Source, SourceError, optional};
use crate::rpc::ErrorKind;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::quorum_selection::{LEAD, QuorumModifierInput, SelectedQuorum, Sml, decided};

/// The simplified masternode list of the newest deciding block, and the quorums that were selected.
#[derive(Default)]
pub(super) struct SelectionState {
    sml: Sml,
    /// The block of that list; `None` while there is none.
    at: Option<BlockHash>,
    sessions: Vec<DecidedQuorum>,
}

/// A session that was decided.
struct DecidedQuorum {
    kind: QuorumType,
    start: Height,
    /// The block that decided.
    lot: BlockHash,
    /// `None` when there were too few nodes for one.
    drawing: Option<Arc<SelectedQuorum>>,
}

impl SelectionState {
    /// The selected quorums.
    pub(super) fn drawings(&self) -> Vec<Arc<SelectedQuorum>> {
        self.sessions.iter().filter_map(|decided| decided.drawing.clone()).collect()
    }

    /// Selects the members of the sessions that are decided at the tip and can still end.
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

    /// Forgets what is not wanted any more, and what was decided by a block that was replaced.
    async fn forget(
        &mut self,
        source: &Source,
        followed: &FollowedChain,
        wanted: &[(QuorumType, Height)],
    ) -> Result<(), SourceError> {
        self.sessions.retain(|decided| wanted.contains(&(decided.kind, decided.start)));
        let mut replaced = Vec::new();
        for DecidedQuorum { lot, start, .. } in &self.sessions {
            // Where the way back is forgotten, the node says whether the block is still there.
            let height = Height(start.0 - LEAD);
            if followed.depth_of(lot).is_none() && source.client.block_hash(height).await? != *lot {
                replaced.push(*lot);
            }
        }
        self.sessions.retain(|decided| !replaced.contains(&decided.lot));
        Ok(())
    }

    /// Makes the list that of a block: by what changed since the one before, else from the beginning.
    async fn update_sml(&mut self, source: &mut Source, target: BlockHash) -> Result<(), SourceError> {
        if self.at == Some(target) {
            return Ok(());
        }
        // What is known stays until the answer is there: the caller may stop waiting for it.
        let mut base = self.at;
        let mut change = source.client.roll_change(base.as_ref(), &target).await;
        if base.is_some() && change.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Call { .. })) {
            // The block before was replaced, or another node does not know it.
            (base, change) = (None, source.client.roll_change(None, &target).await);
        }
        let change = change.inspect_err(|error| {
            if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden) {
                source.tells_roll = false;
            }
        })?;
        let mut sml = base.map_or_else(Sml::default, |_| std::mem::take(&mut self.sml));
        sml.apply(&change);
        (self.sml, self.at) = (sml, Some(target));
        Ok(())
    }
}

/// What the block at a height decides; `None` where the source does not say it, and before the fork v20.
async fn lot(source: &Source, height: Height) -> Result<Option<QuorumModifierInput>, SourceError> {
    let hash = source.client.block_hash(height).await?;
    let block = Block { height, hash, time: UnixSeconds(0) };
    Ok(optional(source.client.lot(&block).await)?.flatten())
}
