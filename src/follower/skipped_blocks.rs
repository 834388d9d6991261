//! Blocks whose list was not read, because the node returns the list of its tip only, or after a long gap: their payments are read
//! from the blocks, counted and recorded.
//!
//! Never here: reading a block (`payees`); the events of their lists, which are missing.

use tracing::warn;

use crate::follower::block_replay::ReplayedBlock;
use crate::follower::block_sync::ChainSync;
use crate::follower::payees::{self, Paid, Skipped};
use crate::follower::recorded_chain::RecordedChain;
use crate::follower::source::Source;
use crate::rpc::dialect::Payees;
use domain::list::{Block, MasternodeList};

impl ChainSync {
    /// Reads the payments of the blocks between the followed list and the next one.
    pub(super) async fn read_skipped(&self, source: &mut Source, next: &MasternodeList, blocks: &[Block]) -> Skipped {
        let all = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        payees::skipped(source, &self.paid(next), blocks, all).await
    }

    /// Whether the payment of the block above skipped ones is not known: on a chain that hides payees, or where the node refuses it.
    pub(super) fn is_unread(source: &Source, skipped: &Skipped) -> bool {
        let has_gap = !skipped.blocks.is_empty() || skipped.unread.is_some_and(|unread| unread > 0);
        source.client.dialect().payees == Some(Payees::Kind) && has_gap || !source.capabilities.payees
    }

    /// Reads the payments of the last `missed` blocks up to that of a list which was read after a gap.
    pub(super) async fn read_missed(&self, source: &mut Source, list: &MasternodeList, missed: u32) -> Skipped {
        let blocks = payees::blocks_up_to(source, list.block(), missed).await;
        payees::skipped(source, &self.paid(list), &blocks, missed).await
    }

    fn paid<'a>(&'a self, next: &'a MasternodeList) -> Paid<'a> {
        Paid { before: self.list().map(AsRef::as_ref), next, votes: self.enrichment.votes() }
    }

    /// Counts and records the payments of skipped blocks. `before` is the block before them, or `next` where that is not known; `next`
    /// is the block after them.
    pub(super) async fn pass(&mut self, skipped: Skipped, before: &Block, next: &Block) {
        if let Some(unread) = skipped.unread {
            self.recorded.meters.unread_payments.inc_by(u64::from(unread));
            let (network, all) = (&self.settings.network, skipped.blocks.len() + unread as usize);
            if unread > 0 {
                self.recorded.unread_payments.add(before, next);
            }
            if all > 1 && unread > 0 {
                warn!(%network, "Payments of {unread} of {all} skipped blocks of {network} were not read");
            }
        }
        // Before the blocks themselves, so that none is taken for one without payments.
        let RecordedChain { unread_payments, history, .. } = &mut self.recorded;
        unread_payments.keep(&self.settings.network, history.writer()).await;
        for block in skipped.blocks {
            let is_counted = self.recorded.state.is_counted(&block.block.hash);
            let Some(chain) = self.recorded.state.followed_mut() else { return };
            chain.pass(&block, is_counted);
            if is_counted {
                self.recorded.meters.events_restored.inc_by(block.events.len() as u64);
            }
            self.recorded.history.record(block, before.height).await;
        }
    }

    /// Compares the payees that were elected for the skipped blocks and the next one with votes and payments.
    pub(super) fn check_elections(&mut self, skipped: &Skipped, replayed: &ReplayedBlock) {
        let Some(chain) = self.recorded.followed() else { return };
        for happened in skipped.blocks.iter().chain([&replayed.happened]) {
            let Some(outcome) = self.election_check.compare(chain, happened, &skipped.votes) else { continue };
            self.recorded.meters.election_mismatches.inc_by(u64::from(outcome.is_err()));
            if let Err(mismatch) = outcome {
                let (network, height) = (&self.settings.network, happened.block.height.0);
                warn!(%network, height, "Elected payee of block {height} of {network} is not that of the network: {mismatch}");
            }
        }
    }
}
