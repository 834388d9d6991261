//! Sources whose last list was refuted: they are not used until their whole list at a later tip is proven.
//!
//! Never here: proving the followed list (`list_check`).

use std::sync::Arc;

use tracing::info;

use crate::follower::list_check::{Checked, ListCheck};
use crate::follower::list_reader;
use crate::follower::source::{Source, SourceError};
use crate::follower::source_pool::SourcePool;
use domain::list::Block;
use domain::list_proof::ListProofStatus;
use domain::masternode::BlockHash;

/// Whether the list that a source reports of a block is the one of the block: all of it is read.
async fn whole_list(source: &mut Source, block: Block) -> Result<ListProofStatus, SourceError> {
    let (list, _) = list_reader::in_full(source, block, None, false).await?;
    Ok(match ListCheck::default().check(source, None, &list).await {
        Checked::Proven => ListProofStatus::Proven,
        Checked::ListDiffers(mismatch) | Checked::Refuted(mismatch) => ListProofStatus::Refuted(Arc::new(mismatch)),
        Checked::Unknown(reason) => ListProofStatus::Unknown(reason.into()),
    })
}

impl SourcePool {
    /// Reads the lists of unused sources again whose last one was refuted.
    pub(super) async fn audit_refuted(&mut self) {
        for index in 0..self.sources.len() {
            let source = &self.sources[index];
            if self.active == Some(index)
                || source.availability.error().is_some()
                || !source.reports.health.list_proof.is_refuted()
            {
                continue;
            }
            let audited = match source.client.best_block_hash().await {
                Ok(tip) => self.audit(index, tip).await,
                Err(error) => Err(error.into()),
            };
            if let Err(trouble) = audited {
                self.failed(index, &trouble);
            }
        }
    }

    /// Whether a refuted list is followed: no other source can be used.
    pub(super) fn accepts_refuted(&self) -> bool {
        self.sources.len() == 1 || self.is_overdue()
    }

    /// Refuses an unused source whose last list was refuted, until its whole list at a later tip is proven. Each tip is examined once.
    pub(super) async fn audit(&mut self, index: usize, tip: BlockHash) -> Result<(), SourceError> {
        if self.active == Some(index) || self.accepts_refuted() {
            return Ok(());
        }
        let source = &mut self.sources[index];
        let Some((block, mismatch)) = source.refuted.clone() else { return Ok(()) };
        if block == tip {
            return Err(SourceError::Refuted(mismatch));
        }
        let block = source.client.block_header(tip).await?.block;
        match whole_list(source, block).await? {
            ListProofStatus::Proven => {
                source.trust();
                let (network, name) = (&self.settings.network, source.name());
                info!(%network, source = name, "The list of source {name} of {network} is proven again at height {}", block.height);
                Ok(())
            }
            ListProofStatus::Refuted(mismatch) => {
                source.distrust(tip, mismatch.clone());
                Err(SourceError::Refuted(mismatch))
            }
            ListProofStatus::Unknown(_) => Err(SourceError::Refuted(mismatch)),
        }
    }
}
