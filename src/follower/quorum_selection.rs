//! Who will sit in sessions that have not begun: what decides is asked for once for each of them.
//!
//! Never here: the rule of drawing (`domain::drawing`); anything that a list could not be published without.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::follower::Follower;
use crate::follower::source::{SourceError, optional};
use crate::rpc::ErrorKind;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::quorum_selection::{LEAD, QuorumModifierInput, SelectedQuorum, Sml, decided};

/// The roll of the newest block at which was drawn, and what was drawn.
#[derive(Default)]
pub(super) struct SelectionState {
    roll: Sml,
    /// The block whose roll it is; `None` while there is none.
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

impl Follower {
    /// Draws for the sessions that are decided and can still end. Returns whether what is known is news, and what went wrong.
    pub(super) async fn update_quorum_selection(&mut self, index: usize) -> (bool, Result<(), SourceError>) {
        let drawn = self.draw(index).await;
        let drawings: Vec<Arc<SelectedQuorum>> =
            self.drawn.sessions.iter().filter_map(|decided| decided.drawing.clone()).collect();
        let Some(facts) = &mut self.facts else { return (false, drawn) };
        let is_news = facts.chain.drawings != drawings;
        facts.chain.drawings = drawings;
        (is_news, drawn)
    }

    async fn draw(&mut self, index: usize) -> Result<(), SourceError> {
        let (Some(book), Some(facts)) = (&self.book, &self.facts) else { return Ok(()) };
        let tip = *book.tip();
        let types = facts.chain.quorum_types(&self.settings.rules);
        let wanted: Vec<(QuorumType, Height)> =
            types.iter().filter_map(|kind| Some((*kind, decided(kind, tip.height)?))).collect();
        self.forget_drawn(index, &wanted).await?;
        let mut lots: BTreeMap<Height, Vec<QuorumType>> = BTreeMap::new();
        for (kind, start) in wanted {
            let known = |decided: &DecidedQuorum| (decided.kind, decided.start) == (kind, start);
            if self.settings.ask.seats && self.sources[index].tells_roll && !self.drawn.sessions.iter().any(known) {
                lots.entry(Height(start.0 - LEAD)).or_default().push(kind);
            }
        }
        for (height, kinds) in lots {
            let Some(lot) = self.lot(index, height).await? else { continue };
            self.update_sml(index, lot.hash).await?;
            for kind in kinds {
                let drawing = SelectedQuorum::new(kind, &lot, &self.drawn.roll).map(Arc::new);
                self.drawn.sessions.push(DecidedQuorum { kind, start: height.after(LEAD), lot: lot.hash, drawing });
            }
        }
        Ok(())
    }

    /// Forgets what is not wanted any more, and what was decided by a block that was replaced.
    async fn forget_drawn(&mut self, index: usize, wanted: &[(QuorumType, Height)]) -> Result<(), SourceError> {
        self.drawn.sessions.retain(|decided| wanted.contains(&(decided.kind, decided.start)));
        let mut replaced = Vec::new();
        for DecidedQuorum { lot, start, .. } in &self.drawn.sessions {
            let on_branch = self.book.as_ref().is_some_and(|book| book.depth_of(lot).is_some());
            // Where the way back is forgotten, the node says whether the block is still there.
            let height = Height(start.0 - LEAD);
            if !on_branch && self.sources[index].client.block_hash(height).await? != *lot {
                replaced.push(*lot);
            }
        }
        self.drawn.sessions.retain(|decided| !replaced.contains(&decided.lot));
        Ok(())
    }

    /// What the block at a height decides; `None` where the source does not tell, and before the fork v20.
    async fn lot(&mut self, index: usize, height: Height) -> Result<Option<QuorumModifierInput>, SourceError> {
        let client = &self.sources[index].client;
        let hash = client.block_hash(height).await?;
        let block = Block { height, hash, time: UnixSeconds(0) };
        Ok(optional(client.lot(&block).await)?.flatten())
    }

    /// Makes the roll that of a block: by what changed since the one before, else from the beginning.
    async fn update_sml(&mut self, index: usize, target: BlockHash) -> Result<(), SourceError> {
        if self.drawn.at == Some(target) {
            return Ok(());
        }
        let client = self.sources[index].client.clone();
        let base = self.drawn.at.take();
        let mut roll = base.map_or_else(Sml::default, |_| std::mem::take(&mut self.drawn.roll));
        let mut change = client.roll_change(base.as_ref(), &target).await;
        if base.is_some() && change.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Call { .. })) {
            // The block before was replaced, or another node does not know it.
            (roll, change) = (Sml::default(), client.roll_change(None, &target).await);
        }
        let change = change.inspect_err(|error| {
            if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden) {
                self.sources[index].tells_roll = false;
            }
        })?;
        roll.apply(&change);
        (self.drawn.roll, self.drawn.at) = (roll, Some(target));
        Ok(())
    }
}
