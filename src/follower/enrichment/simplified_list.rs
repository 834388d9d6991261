//! The simplified masternode list of a work block, updated from one to a later one, and the other inputs of that block.
//!
//! Never here: the selection of members.

use crate::follower::source::{Source, SourceError, optional};
use crate::rpc::ErrorKind;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};
use domain::quorum_selection::{QuorumModifierInput, Sml, SmlDiff};

/// The list at a block.
#[derive(Default)]
pub(super) struct SimplifiedList {
    sml: Sml,
    /// The block of the list; `None` while there is none.
    at: Option<BlockHash>,
}

impl SimplifiedList {
    /// The list at the block of the last update.
    pub(super) fn sml(&self) -> &Sml {
        &self.sml
    }

    /// Makes the list that of a block: by what changed since the one before, else from the beginning.
    pub(super) async fn update(&mut self, source: &mut Source, target: BlockHash) -> Result<(), SourceError> {
        if self.at == Some(target) {
            return Ok(());
        }
        // The list is kept until the answer arrives: the caller may stop waiting.
        let mut base = self.at;
        let mut change = source.client.sml_diff(base.as_ref(), &target).await;
        if base.is_some() && change.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Call { .. })) {
            // The block before was replaced, or another node does not know it.
            (base, change) = (None, source.client.sml_diff(None, &target).await);
        }
        let change = change.inspect_err(|error| {
            if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden) {
                source.capabilities.quorum_selection = false;
            }
        })?;
        let mut sml = base.map_or_else(Sml::default, |_| std::mem::take(&mut self.sml));
        sml.apply(&SmlDiff::from(&change));
        (self.sml, self.at) = (sml, Some(target));
        Ok(())
    }
}

/// What the block at a height decides; `None` where the source does not say it, and before the fork v20.
pub(super) async fn modifier_input(
    source: &Source,
    height: Height,
) -> Result<Option<QuorumModifierInput>, SourceError> {
    let hash = source.client.block_hash(height).await?;
    let block = Block { height, hash, time: UnixSeconds(0) };
    Ok(optional(source.client.quorum_modifier_input(&block).await)?.flatten())
}
